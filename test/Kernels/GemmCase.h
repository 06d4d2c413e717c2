//===- GemmCase.h - A gemm with its exact result ---------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One case of the kernel suite: a `qopt.gemm` with a given configuration, shape
// and epilogue, its random operands, and the result computed by scalar code
// that shares nothing with the kernels. The same case runs in the emulator, is
// assembled for the static checks, and is exported for a GPU.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_TEST_KERNELS_GEMMCASE_H
#define QUANTOPT_TEST_KERNELS_GEMMCASE_H

#include <cstdint>
#include <string>
#include <vector>

namespace mlir::qopt::test {

/// What follows the product.
enum class Epilogue {
  Sum,           ///< the accumulator (i32, or f32 for f32 operands)
  Scale,         ///< f32: fma by channel, then ReLU
  Half,          ///< f16 of the same
  Requantize,    ///< s8, by channel, whole range
  Clamped,       ///< u8 with a clamp inside the range (ReLU6-like)
  ZeroPoint,     ///< u8 with a zero point
  PerRow,        ///< f32: row scale times channel scale (dynamic quantization)
  Residual,      ///< s8: fma by channel, plus an s8 residual, ReLU, requantize
  Short,         ///< s16, by channel, whole range
  ShortResidual, ///< s16: fma by channel, plus an s16 residual, requantize
};
constexpr Epilogue kEpilogues[] = {Epilogue::Sum,     Epilogue::Scale,
                                   Epilogue::Half,    Epilogue::Requantize,
                                   Epilogue::Clamped, Epilogue::ZeroPoint,
                                   Epilogue::PerRow,  Epilogue::Residual,
                                   Epilogue::Short,   Epilogue::ShortResidual};

// Constants of the epilogues.
constexpr float kResidualScale = 0.21875f, kResidualStep = 0.8125f;
constexpr float kShortStep = 217.0f;
constexpr int kClampLow = 3, kClampHigh = 187, kZeroPoint = 77;

const char *getName(Epilogue epilogue);

struct GemmCase {
  /// Text of a #qopt.gemm_config, without the prefix: "<mma, block = ...>".
  std::string config;
  /// 0: two-dimensional operands.
  int64_t batch = 0;
  int64_t m, n, k;
  Epilogue epilogue = Epilogue::Requantize;
  bool unsignedA = false, unsignedB = false;
  /// Float operands: f32, or 16-bit ones of small whole numbers, whose sums are
  /// exact in any order.
  bool isFloat = false;
  enum class Half { None, F16, BF16 } half = Half::None;
  /// b and channel operands padded to whole tiles of the configuration, as
  /// constants are; else as they come, as activations do.
  bool packed = true;
  /// Extents of a tile, for padding; from the configuration.
  int64_t blockN = 1, blockK = 1;

  /// A second batch dim; 0: there is none.
  int64_t heads = 0;
  /// Dims in the order of memory (GemmLayout.h), empty where it is the logical
  /// one; elements between rows, and in front of the first one. Not for packed
  /// ones.
  std::string layoutA, layoutB, layoutD;
  int64_t slack = 0;

  /// Of an element of a and b.
  int64_t getElementBytes() const {
    return !isFloat ? 1 : half == Half::None ? 4 : 2;
  }
  const char *getElementType() const {
    return !isFloat             ? "i8"
           : half == Half::None ? "f32"
           : half == Half::F16  ? "f16"
                                : "bf16";
  }
  /// Unique among cases that differ.
  std::string getName() const;
  int64_t getBatch() const { return (batch ? batch : 1) * (heads ? heads : 1); }
  int64_t getPaddedN() const;
  int64_t getPaddedK() const;
};

/// Bytes of the operands in logical order, unpadded, and of the result.
struct GemmData {
  std::vector<uint8_t> a, b, result;
  /// M, B by channel; scale by row (of a batch, equal for all heads); the
  /// residual. Empty where not used.
  std::vector<float> multipliers, offsets, rowScales;
  /// Of s8 or s16 elements.
  std::vector<uint8_t> residual;
};

/// Random data of a fixed seed, with extremes, and the expected result.
GemmData makeData(const GemmCase &gemm);

/// A function `main` with the gemm. On buffers: (a, b, operands..., result),
/// b and channel operands as padded by a qopt.pack of the argument; on tensors:
/// (a, residual or row scales) with b and channels as constants.
std::string makeModule(const GemmCase &gemm, const GemmData *constants);

/// Every configuration of the suite with ragged and exact shapes and all
/// epilogues: the list that emulator, static checks and GPU share.
std::vector<GemmCase> makeSuite();

/// What is timed: shapes of models, each with several configurations. Without
/// data; all operands are inputs. (GemmBenchmarks.cpp)
std::vector<GemmCase> makeBenchmarks();

} // namespace mlir::qopt::test

#endif // QUANTOPT_TEST_KERNELS_GEMMCASE_H
