//===- Tensor.h - The interpreter's values ---------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_TEST_DIFFERENTIAL_TENSOR_H
#define QUANTOPT_TEST_DIFFERENTIAL_TENSOR_H

#include "QuantOpt/Support/QuantMath.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/Support/LLVM.h"

#include <cmath>
#include <memory>
#include <vector>

namespace mlir::qopt::differential {

/// One element. Floats are kept in f64, whatever their type: f32 is exact
/// there. Integers are sign-extended from their width, but i1 is 0 or 1.
union Scalar {
  double f;
  int64_t i;
};

inline Scalar ofFloat(double value) {
  Scalar s;
  s.f = value;
  return s;
}
inline Scalar ofInt(int64_t value) {
  Scalar s;
  s.i = value;
  return s;
}

/// The integers a float tensor was dequantized from, element by element.
struct Quantized {
  std::vector<int32_t> q;
  std::vector<float> scale;
  std::vector<int32_t> zeroPoint;
  quantmath::IntRange range = {0, 0};
  /// Per element where the scales are known when compiling, else at run time.
  bool isDynamic = false;
  /// Of a constant: the weights of a contraction.
  bool isConstant = false;
  /// One scale and zero point for the whole edge, by its type.
  bool isPerTensor = false;
};

/// The exact sums a float tensor was computed from, element by element, and
/// what followed them so far: a bias or the division of a mean, then clamps.
struct Accumulator {
  std::vector<int64_t> raw;       ///< sum qa qw
  std::vector<int64_t> corrected; ///< sum (qa - za)(qw - zw)
  std::vector<int64_t> sumWeights;
  std::vector<int64_t> sumAbsWeights;
  std::vector<float> activationScale, weightScale;
  std::vector<float> bias;
  /// The integers and scales of the bias where it is a quantized constant.
  std::vector<int32_t> biasIntegers;
  std::vector<float> biasScale;
  bool hasBias = false;
  int32_t activationZeroPoint = 0;
  quantmath::IntRange activationRange = {0, 0};
  /// Dimensions along which the weights differ.
  SmallVector<int64_t> channelDims;
  bool isDynamic = false;
  /// A sum without products, times `factor`, divided by `divisor`.
  bool isSum = false;
  double factor = 1.0, divisor = 1.0;
  /// A bias (of a sum: a factor) that comes next still belongs to it.
  bool isOpen = true;
  float low = -INFINITY, high = INFINITY;
};

/// A tensor or (with no shape and no tensor type) a scalar.
struct Tensor {
  Type type;
  SmallVector<int64_t> shape;
  std::vector<Scalar> data;
  /// How much an element may change when a quantized edge that feeds it changes
  /// by one step; empty where no such edge feeds it or nobody asks.
  std::vector<double> step;
  /// Computed from an accumulator in real units, elementwise.
  bool isAccumulated = false;
  /// Depends on a contraction in floating point, whose bits are not defined.
  bool isInexact = false;
  std::shared_ptr<const Quantized> quantized;
  std::shared_ptr<const Accumulator> accumulator;

  size_t size() const { return data.size(); }
  double getStep(size_t i) const { return step.empty() ? 0.0 : step[i]; }
};

using TensorRef = std::shared_ptr<const Tensor>;

} // namespace mlir::qopt::differential

#endif // QUANTOPT_TEST_DIFFERENTIAL_TENSOR_H
