//===- Quantizable.h - Which ops may become integer, and how ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The ordered registry of structural matchers. A matcher recognises an op form
// by its structure (indexing maps and body), never by its name alone, so that
// named, transposed, batched and generic spellings are one case. Ops of other
// dialects take part through QuantizableOpInterface, which answers the same
// questions. One matcher per file in lib/Analysis/Matchers.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_ANALYSIS_QUANTIZABLE_H
#define QUANTOPT_ANALYSIS_QUANTIZABLE_H

#include "QuantOpt/Analysis/Movement.h"
#include "QuantOpt/Dialect/QOpt/IR/QOpt.h"
#include "mlir/IR/Operation.h"

#include <optional>

namespace mlir::qopt {

class Matcher;

/// A recognised contraction-like op: result = Σ activation · weight.
struct Quantizable {
  Operation *op = nullptr;
  const Matcher *matcher = nullptr;
  /// The op's kind for names and the report: "matmul", "conv", ...
  StringRef kind;
  OpOperand *activation = nullptr;
  /// A constant, plain or under the casts of an imported model; null where both
  /// operands are run-time values.
  OpOperand *weight = nullptr;
  /// The second run-time operand where there is no weight (attention), else
  /// null.
  OpOperand *other = nullptr;
  /// The accumulator's initial value, where the op has one.
  OpOperand *init = nullptr;
  /// Dimensions of the weight with one scale per index, ascending, and for each
  /// the dimension of the result it becomes.
  SmallVector<int64_t> weightChannelDims;
  SmallVector<int64_t> resultChannelDims;
  /// Products summed into one result element.
  int64_t reductionSize = 0;
  /// The activation's last dimension is summed over and every other one indexes
  /// the result: a scale per row is possible.
  bool rowsAreIndependent = false;
};

class Matcher {
public:
  virtual ~Matcher();
  /// Recognises `op`, or nothing. Weights need not be constant.
  virtual std::optional<Quantizable> match(Operation *op) const = 0;
  /// Builds the exact i32 accumulator of `match` on 8-bit operands of the same
  /// shapes: the activation and the weight, or the other operand; `unsigned...`
  /// says how each is extended. Null (with an error) where that is not
  /// possible.
  virtual Value buildAccumulator(OpBuilder &builder, const Quantizable &match,
                                 Value activation, bool unsignedActivation,
                                 Value weight, bool unsignedWeight) const = 0;
};

/// Every matcher, in the order they are asked.
ArrayRef<const Matcher *> getMatchers();

/// What the first matcher that knows `op` says.
std::optional<Quantizable> matchQuantizable(Operation *op);

/// One per matcher file.
const Matcher &getContractionMatcher();
const Matcher &getInterfaceMatcher();

/// True if `match` accumulates onto zero, as integer accumulators do.
bool startsFromZero(const Quantizable &match);

} // namespace mlir::qopt

#endif // QUANTOPT_ANALYSIS_QUANTIZABLE_H
