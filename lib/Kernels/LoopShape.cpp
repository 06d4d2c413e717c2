//===- LoopShape.cpp - A linalg op as loops over buffers -------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "LoopShape.h"

#include "QuantOpt/Artifact/StatusWord.h"
#include "QuantOpt/Dialect/QOpt/IR/QOpt.h"
#include "QuantOpt/Kernels/KernelsForm.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

using namespace mlir;
using namespace mlir::qopt;

//===----------------------------------------------------------------------===//
// Buffers of the entry function
//===----------------------------------------------------------------------===//

Value mlir::qopt::getBufferRoot(Value memref) {
  while (Operation *op = memref.getDefiningOp()) {
    auto type = cast<MemRefType>(memref.getType());
    int64_t offset;
    SmallVector<int64_t> strides;
    if (!type.hasStaticShape() ||
        failed(type.getStridesAndOffset(strides, offset)) ||
        ShapedType::isDynamic(offset))
      return nullptr;
    auto view = dyn_cast<ViewLikeOpInterface>(op);
    if (!view || isa<memref::ViewOp, PackOp>(op))
      return memref;
    memref = view.getViewSource();
  }
  return memref;
}

bool mlir::qopt::isConstantBuffer(Value root) {
  return isa_and_nonnull<memref::GetGlobalOp, PackOp>(root.getDefiningOp());
}

int64_t mlir::qopt::getElementBytes(Type elementType) {
  if (elementType.isIndex())
    return 8;
  if (!elementType.isIntOrFloat())
    return 0;
  switch (elementType.getIntOrFloatBitWidth()) {
  case 1:
  case 8:
    return 1;
  case 16:
    return 2;
  case 32:
    return 4;
  case 64:
    return 8;
  default:
    return 0;
  }
}

int64_t mlir::qopt::getByteOffset(Value memref) {
  auto type = cast<MemRefType>(memref.getType());
  SmallVector<int64_t> strides;
  int64_t offset = 0;
  if (failed(type.getStridesAndOffset(strides, offset)) ||
      ShapedType::isDynamic(offset))
    return 0;
  return offset * getElementBytes(type.getElementType());
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

static InFlightDiagnostic refuse(Operation *op) {
  return op->emitOpError() << kNoKernel << ": ";
}

static FailureOr<LoopOperand> analyzeOperand(linalg::LinalgOp op,
                                             OpOperand &operand) {
  LoopOperand result;
  result.operand = &operand;
  result.type = cast<MemRefType>(operand.get().getType());
  result.map = op.getMatchingIndexingMap(&operand);
  result.isOutput = op.isDpsInit(&operand);
  auto strides = getStaticStrides(result.type);
  if (!strides || !getBufferRoot(operand.get()))
    return refuse(op) << "operand #" << operand.getOperandNumber()
                      << " has a layout that is not known at compile time: "
                      << result.type;
  if (getElementBytes(result.type.getElementType()) == 0)
    return refuse(op) << "elements of type " << result.type.getElementType();
  if (result.map.getNumSymbols() != 0)
    return refuse(op) << "an indexing map with symbols";
  result.strides = *strides;
  result.linear = linearizeAccess(result.map, result.type);
  return result;
}

/// Each iteration of the parallel loops owns its output elements.
static LogicalResult verifyOutput(const LoopShape &shape,
                                  const LoopOperand &operand) {
  if (!operand.linear)
    return refuse(shape.op) << "the indexing map of an output is not linear: "
                            << AffineMapAttr::get(operand.map);
  auto owns = [&](ArrayRef<unsigned> loops, bool expected) {
    return llvm::all_of(loops, [&](unsigned loop) {
      return (operand.linear->strides[loop] != 0) == expected;
    });
  };
  if (!owns(shape.parallel, true) || !owns(shape.reductions, false) ||
      !operand.map.isProjectedPermutation(/*allowZeroInResults=*/true))
    return refuse(shape.op) << "iterations share elements of an output: "
                            << AffineMapAttr::get(operand.map);
  return success();
}

//===----------------------------------------------------------------------===//
// Body
//===----------------------------------------------------------------------===//

/// Math ops with exact instructions or short exact code on the GPU; the others
/// were expanded before, if they could be.
static bool hasExactCode(Operation *op) {
  return isa<math::AbsFOp, math::AbsIOp, math::CeilOp, math::CopySignOp,
             math::CountLeadingZerosOp, math::CountTrailingZerosOp,
             math::CtPopOp, math::FloorOp, math::FmaOp, math::IsFiniteOp,
             math::IsInfOp, math::IsNaNOp, math::RoundEvenOp, math::RsqrtOp,
             math::SqrtOp, math::TruncOp>(op);
}

bool mlir::qopt::isExactScalarOp(Operation *op) {
  if (isa<math::MathDialect>(op->getDialect()))
    return hasExactCode(op);
  return isa<arith::ArithDialect>(op->getDialect()) && !isa<arith::RemFOp>(op);
}

static bool isConstant(Value value) {
  Operation *definition = value.getDefiningOp();
  return definition && definition->hasTrait<OpTrait::ConstantLike>();
}

/// Records loads, refuses what a thread cannot do.
static LogicalResult analyzeBodyOp(LoopShape &shape, Operation *op) {
  if (isa<cf::AssertOp>(op))
    return success();
  if (auto load = dyn_cast<memref::LoadOp>(op)) {
    Value buffer = load.getMemRef();
    if (!getStaticStrides(load.getMemRefType()) || !getBufferRoot(buffer) ||
        getElementBytes(load.getMemRefType().getElementType()) == 0)
      return refuse(shape.op) << "it loads from " << buffer.getType();
    if (!llvm::is_contained(shape.captures, buffer))
      shape.captures.push_back(buffer);
    return success();
  }
  if (isa<arith::RemFOp>(op) ||
      (isa<math::MathDialect>(op->getDialect()) && !hasExactCode(op)))
    return refuse(shape.op)
           << "'" << op->getName() << "' has no exact code for GPUs";
  if (op->getNumRegions() != 0 ||
      !isa<arith::ArithDialect, math::MathDialect, linalg::LinalgDialect>(
          op->getDialect()))
    return refuse(shape.op) << "'" << op->getName() << "' in its body";
  return success();
}

static LogicalResult analyzeBody(LoopShape &shape) {
  Block *body = shape.op.getBlock();
  for (Operation &op : *body) {
    if (!op.hasTrait<OpTrait::IsTerminator>() &&
        failed(analyzeBodyOp(shape, &op)))
      return failure();
    for (Value operand : op.getOperands())
      if (operand.getParentBlock() != body && !isConstant(operand) &&
          !isa<MemRefType>(operand.getType()))
        return refuse(shape.op)
               << "it uses a scalar that is computed by '"
               << (operand.getDefiningOp()
                       ? operand.getDefiningOp()->getName().getStringRef()
                       : "an argument")
               << "'";
  }
  shape.checks = collectChecks(*body);
  if (shape.checks.size() > kMaxChecks)
    return refuse(shape.op)
           << "it checks " << shape.checks.size()
           << " conditions at run time, more than " << kMaxChecks;
  return success();
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

FailureOr<LoopShape> mlir::qopt::analyzeLoops(linalg::LinalgOp op) {
  LoopShape shape;
  shape.op = op;
  if (!op.hasPureBufferSemantics())
    return refuse(op) << "its operands are not buffers";
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<MemRefType>(operand.get().getType())) {
      if (!isConstant(operand.get()))
        return refuse(op) << "operand #" << operand.getOperandNumber()
                          << " is a scalar that is computed at run time";
      continue;
    }
    // A window's shape, for instance.
    if (!op.isDpsInit(&operand) &&
        op.getMatchingBlockArgument(&operand).use_empty())
      continue;
    FailureOr<LoopOperand> loopOperand = analyzeOperand(op, operand);
    if (failed(loopOperand))
      return failure();
    shape.operands.push_back(*loopOperand);
  }
  shape.extents = op.getStaticLoopRanges();
  auto iterators = op.getIteratorTypesArray();
  for (auto [loop, extent] : llvm::enumerate(shape.extents)) {
    if (ShapedType::isDynamic(extent))
      return refuse(op) << "a loop whose extent is not known at compile time";
    if (extent != 1)
      (iterators[loop] == utils::IteratorType::parallel ? shape.parallel
                                                        : shape.reductions)
          .push_back(loop);
  }
  const LoopOperand *firstOutput = nullptr;
  for (const LoopOperand &operand : shape.operands) {
    if (!operand.isOutput)
      continue;
    if (failed(verifyOutput(shape, operand)))
      return failure();
    if (!firstOutput)
      firstOutput = &operand;
  }
  if (!firstOutput)
    return refuse(op) << "it has no output";
  llvm::stable_sort(shape.parallel, [&](unsigned a, unsigned b) {
    return firstOutput->linear->strides[a] > firstOutput->linear->strides[b];
  });
  if (failed(analyzeBody(shape)))
    return failure();
  return shape;
}

//===----------------------------------------------------------------------===//
// Fills
//===----------------------------------------------------------------------===//

linalg::FillOp mlir::qopt::findInitialFill(linalg::LinalgOp op,
                                           OpOperand &init) {
  // The op writes every element: parallel loops span the buffer.
  AffineMap map = op.getMatchingIndexingMap(&init);
  auto type = dyn_cast<MemRefType>(init.get().getType());
  if (!type || !type.hasStaticShape() ||
      !map.isProjectedPermutation(/*allowZeroInResults=*/true))
    return nullptr;
  SmallVector<int64_t> extents = op.getStaticLoopRanges();
  for (auto [expr, extent] : llvm::zip(map.getResults(), type.getShape())) {
    auto dim = dyn_cast<AffineDimExpr>(expr);
    if (dim ? extents[dim.getPosition()] != extent : extent != 1)
      return nullptr;
  }
  Value root = getBufferRoot(init.get());
  auto touches = [&](Operation *other, OpOperand *except) {
    auto sees = [&](Operation *inner) {
      for (OpOperand &operand : inner->getOpOperands())
        if (&operand != except && isa<MemRefType>(operand.get().getType()) &&
            getBufferRoot(operand.get()) == root)
          return WalkResult::interrupt();
      return WalkResult::advance();
    };
    return other->walk(sees).wasInterrupted();
  };
  if (!root || touches(op, &init))
    return nullptr;
  for (Operation *other = op->getPrevNode(); other;
       other = other->getPrevNode()) {
    if (isa<ViewLikeOpInterface>(other) || !touches(other, nullptr))
      continue;
    auto fill = dyn_cast<linalg::FillOp>(other);
    if (fill && fill.output() == init.get() && isConstant(fill.value()))
      return fill;
    return nullptr;
  }
  return nullptr;
}
