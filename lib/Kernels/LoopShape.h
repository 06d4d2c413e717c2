//===- LoopShape.h - A linalg op as loops over buffers ---------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Internal to lib/Kernels. What the batch analysis and the builder of loop
// kernels know about a linalg op on buffers: its loops in the order of the
// output's memory, and where its operands are accessed.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_KERNELS_LOOPSHAPE_H
#define QUANTOPT_LIB_KERNELS_LOOPSHAPE_H

#include "QuantOpt/Execution/BufferAccess.h"
#include "StatusChecks.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace mlir::qopt {

/// A buffer operand of the op.
struct LoopOperand {
  OpOperand *operand;
  MemRefType type;
  /// Element strides of the buffer's dims; 0 for extents of 1.
  SmallVector<int64_t> strides;
  AffineMap map;
  /// The subscripts as one stride per loop of the op; none where they are not
  /// linear.
  std::optional<LinearAccess> linear;
  bool isOutput;

  Value getBuffer() const { return operand->get(); }
};

struct LoopShape {
  linalg::LinalgOp op;
  /// All outputs, and the inputs that the body uses.
  SmallVector<LoopOperand> operands;
  /// Buffers whose elements the body loads, in the order of the loads.
  SmallVector<Value> captures;
  /// What the body checks; kernels with checks have a status word.
  SmallVector<BodyCheck> checks;
  /// Of all loops of the op.
  SmallVector<int64_t> extents;
  /// Loops with more than one iteration: the parallel ones, outermost first in
  /// the memory of the first output, and the reductions in the op's order.
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
  /// True if there is no element to compute.
  bool isEmpty() const {
    return llvm::any_of(parallel,
                        [&](unsigned loop) { return extents[loop] == 0; });
  }
};

/// Reads the loops of `op`. An error at the op says what a kernel cannot do.
FailureOr<LoopShape> analyzeLoops(linalg::LinalgOp op);

/// The fill that writes `init`, an output of `op`, right before `op` overwrites
/// all of it: kernels start from the fill's constant instead of reading it.
/// Null if there is none, or if something else could see the filled buffer.
linalg::FillOp findInitialFill(linalg::LinalgOp op, OpOperand &init);

/// True for ops on scalars that become exact instructions or short exact code
/// on the GPU; others are expanded before, if they can be.
bool isExactScalarOp(Operation *op);

//===----------------------------------------------------------------------===//
// Buffers of the entry function
//===----------------------------------------------------------------------===//

/// The buffer behind views of static offset: an argument, a slot of the arena
/// (memref.view), an allocation, a constant. Null where views are dynamic.
Value getBufferRoot(Value memref);

/// A constant, in logical layout or packed.
bool isConstantBuffer(Value root);

/// Bytes of the element type in memory: i1 takes one, index eight. Zero for
/// types that buffers of kernels cannot have.
int64_t getElementBytes(Type elementType);

/// Byte offset of element 0 of `memref` from its root.
int64_t getByteOffset(Value memref);

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_KERNELS_LOOPSHAPE_H
