//===- IntegerLowering.h - The steps of lower-to-integer ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every step replaces ops of QDQ form by upstream ops with the bits that
// docs/Numerics.md defines, and leaves the rest alone.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_CONVERSION_INTEGERLOWERING_H
#define QUANTOPT_CONVERSION_INTEGERLOWERING_H

#include "QuantOpt/Analysis/Quantizable.h"
#include "QuantOpt/Analysis/Report.h"
#include "QuantOpt/Conversion/QuantizedParameters.h"

#include <cmath>
#include <optional>

namespace mlir::qopt {

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

/// The integers behind a `quant.dcast`, or null: the operand of its scast, or a
/// new scast of its input.
Value getStorage(OpBuilder &builder, quant::DequantizeCastOp dequantize);

/// `quant.scast` of integers to the type of `like`.
Value castToQuantized(OpBuilder &builder, Location loc, Value integers,
                      Type like);

/// The per-tensor type behind a `quant.dcast`, or null.
quant::UniformQuantizedType getUniformType(Value dequantized);

//===----------------------------------------------------------------------===//
// Epilogues
//===----------------------------------------------------------------------===//

/// What follows an accumulator and joins its epilogue.
struct EpilogueChain {
  /// The value the epilogue replaces.
  Value end;
  /// The last value of the chain in real units: bias and scalings only.
  Value realEnd;
  SmallVector<float> bias; ///< per channel; empty for none
  /// The bias as the i32 constant it came as, and its scales, per channel;
  /// empty where it is no such constant.
  SmallVector<int32_t> biasIntegers;
  SmallVector<float> biasScales;
  Operation *biasOp = nullptr;
  /// The result is multiplied by `factor` and divided by `divisor` first (a
  /// mean's count).
  double factor = 1, divisor = 1;
  SmallVector<Operation *> scalings;
  float low = -INFINITY, high = INFINITY;
  SmallVector<Operation *> clamps;
  /// Reshapes between the contraction and the quantization, replayed on the
  /// integers.
  SmallVector<Operation *> reshapes;
  quant::QuantizeCastOp quantize; ///< null: the epilogue ends in real units
};

/// The longest chain from `value` on: a bias along `channelDims` or, if
/// `scaled`, multiplications by constants; clamps, reshapes and the
/// quantization to 8 bits if one follows at once.
EpilogueChain matchEpilogue(Value value, ArrayRef<int64_t> channelDims,
                            bool scaled);

/// True if the quantization at the end of `chain` divides by its scale and the
/// bias is such that an accumulator with scales `scales` can take it in i32:
/// the contract `compensated` applies. Where it only divides, the chain must
/// end in real units.
bool isCompensated(const EpilogueChain &chain, ArrayRef<double> scales);

/// Takes the quantization, clamps and reshapes off the end of `chain`.
void endInRealUnits(EpilogueChain &chain);

/// The reshape `op` on the integers `value`.
Value replayReshape(OpBuilder &builder, Operation *op, Value value);

//===----------------------------------------------------------------------===//
// Steps
//===----------------------------------------------------------------------===//

/// Between two 8-bit edges a function of one value that divides or is
/// transcendental becomes a table of 256 integers.
void tabulateUnaryFunctions(ModuleOp module, Report &report);

/// Contractions between dequantized operands become i32 sums of products and an
/// epilogue. Those that cannot are reported to stay float.
LogicalResult lowerContractions(ModuleOp module, Report &report);

/// Sums and means of dequantized values become exact i32 sums and an epilogue.
LogicalResult lowerSums(ModuleOp module, Report &report);

/// A dequantized value that is added to one computed from an accumulator is
/// added by `math.fma` (docs/Numerics.md, "Longer epilogues").
void fuseResiduals(ModuleOp module);

/// Casts that are left become elementwise ops, those of constants constants.
void lowerCasts(ModuleOp module);

} // namespace mlir::qopt

#endif // QUANTOPT_CONVERSION_INTEGERLOWERING_H
