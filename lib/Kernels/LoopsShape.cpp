//===- LoopsShape.cpp - The loops and accesses of qopt.loops ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "LoopsShape.h"

#include "LoopShape.h"
#include "QuantOpt/Kernels/KernelsForm.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"

using namespace mlir;
using namespace mlir::qopt;

bool LoopsOperand::isChecked(unsigned loop) const {
  return llvm::any_of(checkedDims, [&](unsigned dim) {
    return subscripts[dim].strides[loop] != 0;
  });
}

static int64_t countIterations(ArrayRef<unsigned> loops,
                               ArrayRef<int64_t> extents) {
  int64_t count = 1;
  for (unsigned loop : loops)
    count *= extents[loop];
  return count;
}

int64_t LoopsShape::getNumPoints() const {
  return countIterations(parallel, extents);
}

int64_t LoopsShape::getNumReduced() const {
  return countIterations(reductions, extents);
}

/// Values of a linear function, `fixed` loop apart, which is 0.
static ElementRange getRange(const LinearAccess &function,
                             ArrayRef<int64_t> extents,
                             std::optional<unsigned> fixed) {
  ElementRange range{function.offset, function.offset};
  for (auto [loop, stride] : llvm::enumerate(function.strides)) {
    if (fixed && *fixed == loop)
      continue;
    (stride < 0 ? range.low : range.high) += stride * (extents[loop] - 1);
  }
  return range;
}

ElementRange LoopsShape::getRowRange(const LoopsOperand &operand) const {
  std::optional<unsigned> rowsLoop = getRowsLoop();
  ElementRange total{0, 0};
  for (auto [dim, subscript] : llvm::enumerate(operand.subscripts)) {
    ElementRange range = getRange(subscript, extents, rowsLoop);
    // Checks keep an access inside of a dim, but not inside of a row of it.
    bool movesWithRows = rowsLoop && subscript.strides[*rowsLoop] != 0;
    if (!movesWithRows && llvm::is_contained(operand.checkedDims, dim)) {
      range.low = std::max<int64_t>(range.low, 0);
      range.high = std::min(range.high, operand.type.getDimSize(dim) - 1);
    }
    total.low += range.low * operand.strides[dim];
    total.high += range.high * operand.strides[dim];
  }
  return total;
}

//===----------------------------------------------------------------------===//
// Analysis
//===----------------------------------------------------------------------===//

static InFlightDiagnostic refuse(LoopsOp op) {
  return op.emitOpError() << kNoKernel << ": ";
}

/// Adds `scale * expr`; false where `expr` is not linear.
static bool addLinear(AffineExpr expr, int64_t scale, LinearAccess &sum) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr)) {
    sum.offset += scale * constant.getValue();
    return true;
  }
  if (auto dim = dyn_cast<AffineDimExpr>(expr)) {
    sum.strides[dim.getPosition()] += scale;
    return true;
  }
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return false;
  if (binary.getKind() == AffineExprKind::Add)
    return addLinear(binary.getLHS(), scale, sum) &&
           addLinear(binary.getRHS(), scale, sum);
  auto factor = dyn_cast<AffineConstantExpr>(binary.getRHS());
  return binary.getKind() == AffineExprKind::Mul && factor &&
         addLinear(binary.getLHS(), scale * factor.getValue(), sum);
}

static std::optional<SmallVector<int64_t>> getStrides(ShapedType type) {
  if (auto memref = dyn_cast<MemRefType>(type))
    return getStaticStrides(memref);
  SmallVector<int64_t> strides = computeSuffixProduct(type.getShape());
  for (auto [stride, extent] : llvm::zip(strides, type.getShape()))
    if (extent == 1)
      stride = 0;
  return strides;
}

static FailureOr<LoopsOperand> analyzeOperand(LoopsOp op, OpOperand &operand) {
  unsigned index = operand.getOperandNumber();
  LoopsOperand result;
  result.operand = &operand;
  result.type = cast<ShapedType>(operand.get().getType());
  result.isOutput = op.isDpsInit(&operand);
  auto strides = getStrides(result.type);
  bool isOnBuffers = isa<MemRefType>(result.type);
  if (!strides || (isOnBuffers && !getBufferRoot(operand.get())))
    return refuse(op) << "operand #" << index
                      << " has a layout that is not known at compile time: "
                      << result.type;
  if (getElementBytes(result.type.getElementType()) == 0)
    return refuse(op) << "elements of type " << result.type.getElementType();
  result.strides = *strides;
  AffineMap map = op.getMap(index);
  result.address.strides.assign(op.getExtents().size(), 0);
  for (auto [dim, expr] : llvm::enumerate(map.getResults())) {
    LinearAccess subscript;
    subscript.strides.assign(op.getExtents().size(), 0);
    if (!addLinear(expr, 1, subscript))
      return refuse(op) << "a subscript of operand #" << index
                        << " is not linear: " << AffineMapAttr::get(map);
    result.address.offset += subscript.offset * result.strides[dim];
    for (auto [total, stride] :
         llvm::zip(result.address.strides, subscript.strides))
      total += stride * result.strides[dim];
    ElementRange range = getRange(subscript, op.getExtents(), std::nullopt);
    if (range.low < 0 || range.high >= result.type.getDimSize(dim))
      result.checkedDims.push_back(dim);
    result.subscripts.push_back(std::move(subscript));
  }
  if (!result.isOutput && !result.checkedDims.empty())
    result.pad = op.getPad(index);
  return result;
}

static LogicalResult verifyBody(LoopsOp op) {
  for (Operation &inner : op.getProgram()->without_terminator())
    if (!isa<ReduceOp>(inner) && !isExactScalarOp(&inner))
      return refuse(op) << "'" << inner.getName()
                        << "' in its body has no exact code for GPUs";
  return success();
}

FailureOr<LoopsShape> mlir::qopt::analyzeLoops(LoopsOp op) {
  LoopsShape shape;
  shape.op = op;
  shape.extents = llvm::to_vector(op.getExtents());
  for (OpOperand &operand : op->getOpOperands()) {
    bool isUsed =
        op.isDpsInit(&operand) ||
        !op.getProgram()->getArgument(operand.getOperandNumber()).use_empty();
    if (!isUsed)
      continue;
    FailureOr<LoopsOperand> analyzed = analyzeOperand(op, operand);
    if (failed(analyzed))
      return failure();
    shape.operands.push_back(std::move(*analyzed));
  }
  for (auto [loop, isReduced] : llvm::enumerate(op.getReductions()))
    if (shape.extents[loop] != 1)
      (isReduced ? shape.reductions : shape.parallel).push_back(loop);
  auto firstInit =
      llvm::find_if(shape.operands, [](const LoopsOperand &operand) {
        return operand.isOutput;
      });
  llvm::stable_sort(shape.parallel, [&](unsigned a, unsigned b) {
    return firstInit->address.strides[a] > firstInit->address.strides[b];
  });
  // Tensors come before functions are expanded.
  bool isOnBuffers = isa<MemRefType>(firstInit->type);
  if (isOnBuffers && failed(verifyBody(op)))
    return failure();
  return shape;
}
