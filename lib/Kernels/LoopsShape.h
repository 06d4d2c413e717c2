//===- LoopsShape.h - The loops and accesses of qopt.loops -----*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Internal to lib/Kernels. What the batch analysis, the choice of a
// configuration and the builders of kernels know about a `qopt.loops`: its
// loops in the order of the output's memory, and where its operands are
// accessed. On tensors, addresses are those of contiguous buffers.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_KERNELS_LOOPSSHAPE_H
#define QUANTOPT_LIB_KERNELS_LOOPSSHAPE_H

#include "QuantOpt/Dialect/QOpt/IR/QOpt.h"
#include "QuantOpt/Execution/BufferAccess.h"

namespace mlir::qopt {

/// An input that the body uses, or an init.
struct LoopsOperand {
  OpOperand *operand;
  ShapedType type;
  bool isOutput;
  /// Element strides of the dims; 0 for extents of 1.
  SmallVector<int64_t> strides;
  /// By dim, the subscript as a function of the loops. May be negative.
  SmallVector<LinearAccess> subscripts;
  /// The element that is accessed, as a function of the loops.
  LinearAccess address;
  /// What is read where a subscript is outside; null where none ever is.
  TypedAttr pad;
  /// The dims whose subscripts must be checked; none without a pad.
  SmallVector<unsigned> checkedDims;

  Value getValue() const { return operand->get(); }
  Type getElementType() const { return type.getElementType(); }
  /// True if a subscript that is checked depends on `loop`.
  bool isChecked(unsigned loop) const;
};

/// Both ends are included.
struct ElementRange {
  int64_t low, high;
};

struct LoopsShape {
  LoopsOp op;
  /// Inputs that the body uses, in order, then all inits.
  SmallVector<LoopsOperand, 0> operands;
  SmallVector<int64_t> extents;
  /// Loops with more than one iteration: the parallel ones, outermost first in
  /// the memory of the first init, and the reduced ones in the op's order.
  SmallVector<unsigned> parallel, reductions;

  /// The loop whose iterations a launch can have fewer of.
  std::optional<unsigned> getRowsLoop() const {
    if (parallel.empty())
      return std::nullopt;
    return parallel.front();
  }
  int64_t getRows() const {
    return parallel.empty() ? 1 : extents[parallel.front()];
  }
  /// Iterations of all parallel, of all reduced loops.
  int64_t getNumPoints() const;
  int64_t getNumReduced() const;
  /// The elements of `operand` that iteration 0 of the rows loop touches.
  ElementRange getRowRange(const LoopsOperand &operand) const;
};

/// Reads the loops of `op`, on tensors or buffers. An error at the op says what
/// a kernel cannot do.
FailureOr<LoopsShape> analyzeLoops(LoopsOp op);

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_KERNELS_LOOPSSHAPE_H
