//===- QOptLoopsOp.cpp - qopt.loops and its configuration ------------*- C++
//-*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QOptKernelOps.h"

#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace mlir::qopt;

//===----------------------------------------------------------------------===//
// LoopsConfigAttr
//===----------------------------------------------------------------------===//

LogicalResult
LoopsConfigAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                        LoopsKind kind, int64_t threads, int64_t rowThreads,
                        int64_t lanes, int64_t items) {
  constexpr int64_t kMaxThreads = 1024, kMaxLanes = 16, kMaxItems = 256;
  if (threads < 32 || threads > kMaxThreads || threads % 32)
    return emitError() << "a block of " << threads
                       << " threads; it must be whole warps, at most "
                       << kMaxThreads << " threads";
  if (rowThreads < 1 || !llvm::isPowerOf2_64(rowThreads) ||
      threads % rowThreads)
    return emitError() << "row_threads must be a power of two that divides "
                       << threads << ", but is " << rowThreads;
  if (lanes < 1 || lanes > kMaxLanes || items < 1 || items > kMaxItems)
    return emitError() << "lanes must be from 1 to " << kMaxLanes
                       << " and items from 1 to " << kMaxItems;
  return success();
}

//===----------------------------------------------------------------------===//
// LoopsOp
//===----------------------------------------------------------------------===//

AffineMap LoopsOp::getMap(unsigned index) {
  return cast<AffineMapAttr>(getIndexingMaps()[index]).getValue();
}

TypedAttr LoopsOp::getPad(unsigned index) {
  return getPads() ? dyn_cast<TypedAttr>((*getPads())[index]) : nullptr;
}

DenseSet<Value> LoopsOp::getVarying() {
  DenseSet<Value> varying;
  for (BlockArgument argument : getProgram()->getArguments()) {
    AffineMap map = getMap(argument.getArgNumber());
    for (auto [loop, isReduced] : llvm::enumerate(getReductions()))
      if (isReduced && map.isFunctionOfDim(loop))
        varying.insert(argument);
  }
  for (Operation &op : *getProgram())
    if (!isa<ReduceOp>(op) &&
        llvm::any_of(op.getOperands(),
                     [&](Value operand) { return varying.contains(operand); }))
      varying.insert(op.result_begin(), op.result_end());
  return varying;
}

void LoopsOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  addBufferEffects(*this, effects);
}

namespace {
/// Least and greatest value of an affine expression.
struct Bounds {
  int64_t low, high;
};
} // namespace

/// Nothing for expressions that are no sums of multiples of loops: these are
/// not bounded here.
static std::optional<Bounds> getBounds(AffineExpr expr,
                                       ArrayRef<int64_t> extents) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return Bounds{constant.getValue(), constant.getValue()};
  if (auto dim = dyn_cast<AffineDimExpr>(expr))
    return Bounds{0, extents[dim.getPosition()] - 1};
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return std::nullopt;
  std::optional<Bounds> lhs = getBounds(binary.getLHS(), extents);
  std::optional<Bounds> rhs = getBounds(binary.getRHS(), extents);
  if (!lhs || !rhs)
    return std::nullopt;
  if (expr.getKind() == AffineExprKind::Add)
    return Bounds{lhs->low + rhs->low, lhs->high + rhs->high};
  if (expr.getKind() != AffineExprKind::Mul || rhs->low != rhs->high)
    return std::nullopt;
  int64_t first = lhs->low * rhs->low, second = lhs->high * rhs->low;
  return Bounds{std::min(first, second), std::max(first, second)};
}

/// The subscripts of input `index` are inside of it, unless it has a pad.
static LogicalResult verifyInputMap(LoopsOp op, unsigned index) {
  auto type = cast<ShapedType>(op.getInputs()[index].getType());
  AffineMap map = op.getMap(index);
  if (TypedAttr pad = op.getPad(index)) {
    if (pad.getType() != type.getElementType())
      return op.emitOpError("pad #")
             << index << " is " << pad << ", but elements are "
             << type.getElementType();
    return success();
  }
  for (auto [dim, extent] : llvm::enumerate(type.getShape())) {
    std::optional<Bounds> range =
        getBounds(map.getResult(dim), op.getExtents());
    if (!range || range->low < 0 || range->high >= extent)
      return op.emitOpError("input #")
             << index << " is read outside of dim " << dim << " of " << type
             << " and has no pad";
  }
  return success();
}

/// Inits are indexed by loops, once each, and by all parallel ones.
static LogicalResult verifyInitMap(LoopsOp op, unsigned index) {
  auto type = cast<ShapedType>(op.getInits()[index].getType());
  AffineMap map = op.getMap(op.getInputs().size() + index);
  bool fits = map.isProjectedPermutation();
  for (auto [loop, isReduced] : llvm::enumerate(op.getReductions()))
    fits &= isReduced || map.isFunctionOfDim(loop);
  if (fits)
    for (auto [expr, extent] : llvm::zip(map.getResults(), type.getShape()))
      fits &=
          op.getExtents()[cast<AffineDimExpr>(expr).getPosition()] == extent;
  if (!fits)
    return op.emitOpError("init #")
           << index << " of type " << type
           << " must have all parallel loops as dims, but its map is "
           << AffineMapAttr::get(map);
  return success();
}

LogicalResult LoopsOp::verify() {
  size_t numOperands = getInputs().size() + getInits().size();
  if (getInits().empty())
    return emitOpError("needs an init");
  if (getIndexingMaps().size() != numOperands)
    return emitOpError("has ") << numOperands << " operands, but "
                               << getIndexingMaps().size() << " maps";
  if (getExtents().size() != getReductions().size())
    return emitOpError("has ") << getExtents().size() << " extents, but "
                               << getReductions().size() << " reductions";
  for (int64_t extent : getExtents())
    if (extent < 1)
      return emitOpError("needs positive extents, but one is ") << extent;
  if (getPads() && getPads()->size() != getInputs().size())
    return emitOpError("has ") << getInputs().size() << " inputs, but "
                               << getPads()->size() << " pads";
  bool isOnBuffers = isa<MemRefType>(getInits().front().getType());
  for (auto [i, operand] : llvm::enumerate(getOperands())) {
    auto type = cast<ShapedType>(operand.getType());
    if (!type.hasStaticShape())
      return emitOpError("needs static shapes, but has ") << type;
    if (isa<MemRefType>(type) != isOnBuffers)
      return emitOpError("mixes tensors and buffers");
    AffineMap map = getMap(i);
    if (map.getNumDims() != getExtents().size() || map.getNumSymbols() != 0 ||
        map.getNumResults() != type.getRank())
      return emitOpError("map #")
             << i << " must map the " << getExtents().size()
             << " loops to the dims of " << type << ", but is "
             << AffineMapAttr::get(map);
  }
  if (getNumResults() != (isOnBuffers ? 0 : getInits().size()))
    return emitOpError(
        "has one result per init on tensors and none on buffers");
  if (!isOnBuffers && getResultTypes() != getInits().getTypes())
    return emitOpError("result types must be those of the inits");
  for (unsigned i = 0; i < getInputs().size(); ++i)
    if (failed(verifyInputMap(*this, i)))
      return failure();
  for (unsigned i = 0; i < getInits().size(); ++i)
    if (failed(verifyInitMap(*this, i)))
      return failure();
  return success();
}

LogicalResult LoopsOp::verifyRegions() {
  Block *block = getProgram();
  SmallVector<Type> inputs, outputs;
  for (Value input : getInputs())
    inputs.push_back(getElementTypeOrSelf(input.getType()));
  for (Value init : getInits())
    outputs.push_back(getElementTypeOrSelf(init.getType()));
  if (block->getArgumentTypes() != TypeRange(inputs))
    return emitOpError("region must take one element per input: ") << inputs;
  auto yield = dyn_cast<YieldOp>(block->getTerminator());
  if (!yield || yield.getOperandTypes() != TypeRange(outputs))
    return emitOpError("region must yield ") << outputs;
  DenseSet<Value> varying = getVarying();
  for (auto [i, value] : llvm::enumerate(yield.getValues())) {
    AffineMap map = getMap(getInputs().size() + i);
    bool hasReduced = false;
    for (auto [loop, isReduced] : llvm::enumerate(getReductions()))
      hasReduced |= isReduced && map.isFunctionOfDim(loop);
    if (!hasReduced && varying.contains(value))
      return emitOpError("result #")
             << i << " has no reduced loop, but its value depends on one";
  }
  return success();
}
