//===- EpilogueEmitter.h - Epilogue regions as kernel code -----*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Emits the scalar region of a kernel op for many elements. Where the region
// ends in a quantization (round to even, NaN to 0, clamp, convert, add the zero
// point), the end is emitted as integer instructions, which for 8 bits saturate
// while they pack four values into a register: the same bits in a fraction of
// the instructions (docs/Numerics.md, "Quantize and dequantize").
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_KERNELS_EPILOGUEEMITTER_H
#define QUANTOPT_LIB_KERNELS_EPILOGUEEMITTER_H

#include "DeviceBuilder.h"
#include "mlir/IR/IRMapping.h"

namespace mlir::qopt {

/// `values` of an integer or float type of whole bytes, lowest address first,
/// as one value to be stored. Their size in bytes must be a power of two.
Value packElements(DeviceBuilder &builder, ValueRange values);

/// Clones what `value` needs of its block and of constants around it, as far as
/// `mapping` does not have it. Returns the new value.
Value cloneSlice(DeviceBuilder &builder, Value value, IRMapping &mapping);

class EpilogueEmitter {
public:
  /// `region`: a block whose terminator yields values, of which this is about
  /// number `result`.
  explicit EpilogueEmitter(Block &region, unsigned result = 0);

  /// The type of a result element.
  Type getElementType() const { return elementType; }
  /// Bytes of a result element.
  int64_t getElementBytes() const {
    return (elementType.getIntOrFloatBitWidth() + 7) / 8;
  }

  /// True if the region ends in a quantization.
  bool isQuantization() const { return tail.has_value(); }

  /// One element from the values of the block's arguments, as something that
  /// `pack` takes.
  Value emit(DeviceBuilder &builder, ValueRange arguments) const;
  /// The same where `mapping` has the arguments, and perhaps results of ops
  /// that are not to be cloned.
  Value emit(DeviceBuilder &builder, IRMapping &mapping) const;

  /// `values` (results of `emit`) as one value to be stored. Their size in
  /// bytes must be a power of two.
  Value pack(DeviceBuilder &builder, ValueRange values) const;

private:
  /// The end of a quantization, from `input` (f32, before rounding) on.
  struct QuantizeTail {
    Value input;
    int64_t low, high; ///< clamp before the zero point is added
    int64_t zeroPoint;
    int64_t bits; ///< 8 or 16
    bool isUnsigned;

    /// Bounds of the result type.
    int64_t getTypeLow() const {
      return isUnsigned ? 0 : -(int64_t(1) << (bits - 1));
    }
    int64_t getTypeHigh() const {
      return (int64_t(1) << (isUnsigned ? bits : bits - 1)) - 1;
    }
  };
  static std::optional<QuantizeTail> matchTail(Value yielded);

  /// A word of up to four values quantized to 8 bits, lowest byte first.
  Value packQuantized(DeviceBuilder &builder, ValueRange values) const;

  Block &region;
  Value yielded;
  Type elementType;
  std::optional<QuantizeTail> tail;
};

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_KERNELS_EPILOGUEEMITTER_H
