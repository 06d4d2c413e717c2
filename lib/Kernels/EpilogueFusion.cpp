//===- EpilogueFusion.cpp - Elementwise ops that join a kernel -------*- C++
//-*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// All tensors between members hold the elements of the kernel's result in the
// same row-major order, in whatever shape. A set of their dims is therefore a
// set of intervals of strides, and the operand it indexes is one of the kernel
// if these intervals are made up of whole dims of the kernel's result.
//
//===----------------------------------------------------------------------===//
#include "EpilogueFusion.h"

#include "QuantOpt/Analysis/Constants.h"
#include "QuantOpt/Dialect/QOpt/IR/QOpt.h"
#include "QuantOpt/Execution/Lowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Dominance.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Iterators.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/CSE.h"

using namespace mlir;
using namespace mlir::qopt;

/// Bounds on what one kernel computes per element and reads beside its
/// operands: registers are few.
static constexpr size_t kMaxScalarOps = 160;
static constexpr size_t kMaxOperands = 12;

//===----------------------------------------------------------------------===//
// Scalar bodies
//===----------------------------------------------------------------------===//

static bool isScalarType(Type type) {
  return type.isF16() || type.isBF16() || type.isF32() || type.isF64() ||
         (type.isSignlessInteger() && type.getIntOrFloatBitWidth() <= 64);
}

/// What kernels store, and what they load: also truth values.
static bool isStoredType(Type type) {
  return type.isInteger(8) || type.isInteger(16) || type.isInteger(32) ||
         type.isF16() || type.isBF16() || type.isF32();
}
static bool isLoadedType(Type type) {
  return isStoredType(type) || type.isInteger(1);
}

bool mlir::qopt::isLowerable(Operation *op) {
  if (op->getNumResults() != 1 || op->getNumRegions() != 0 ||
      !llvm::all_of(op->getOperandTypes(), isScalarType) ||
      !isScalarType(op->getResult(0).getType()))
    return false;
  if (isExpandedMath(op))
    return true;
  if (isa<math::AbsFOp, math::AbsIOp, math::CeilOp, math::CopySignOp,
          math::FloorOp, math::FmaOp, math::RoundEvenOp, math::RsqrtOp,
          math::SqrtOp, math::TruncOp>(op))
    return true;
  return isa<arith::ArithDialect>(op->getDialect()) &&
         !isa<arith::RemFOp>(op) && isMemoryEffectFree(op);
}

bool mlir::qopt::hasLowerableBody(linalg::LinalgOp op) {
  for (Operation &scalar : op.getBlock()->without_terminator()) {
    if (!isLowerable(&scalar))
      return false;
    for (Value operand : scalar.getOperands())
      if (operand.getParentBlock() != op.getBlock() &&
          !matchPattern(operand, m_Constant()))
        return false;
  }
  return true;
}

bool mlir::qopt::isElementwiseMember(linalg::LinalgOp op) {
  if (!op.hasPureTensorSemantics() || op.hasDynamicShape() ||
      op->getNumResults() != 1 ||
      op.getNumParallelLoops() != op.getNumLoops() ||
      !op.getMatchingIndexingMap(op.getDpsInitOperand(0)).isIdentity() ||
      isa<linalg::FillOp>(op))
    return false;
  if (!hasLowerableBody(op))
    return false;
  Value yielded = op.getBlock()->getTerminator()->getOperand(0);
  return yielded.getParentBlock() == op.getBlock() ||
         matchPattern(yielded, m_Constant());
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

TypedAttr mlir::qopt::getScalar(Value tensor) {
  TypedAttr scalar;
  if (auto fill = tensor.getDefiningOp<linalg::FillOp>())
    return matchPattern(fill.value(), m_Constant(&scalar)) ? scalar : nullptr;
  ElementsAttr elements = getConstantElements(tensor);
  if (!elements)
    return nullptr;
  auto dense = dyn_cast<DenseElementsAttr>(elements);
  auto type = cast<ShapedType>(elements.getType());
  if (!dense && type.getNumElements() == 1)
    if (FailureOr<std::vector<char>> bytes = readRawBytes(elements);
        succeeded(bytes))
      dense = DenseElementsAttr::getFromRawBuffer(type, *bytes);
  if (!dense || !dense.isSplat())
    return nullptr;
  return cast<TypedAttr>(dense.getSplatValue<Attribute>());
}

namespace {
/// Dims of strides [low, high) in row-major order.
struct Interval {
  int64_t low, high;
};
} // namespace

/// One interval per dim.
static SmallVector<Interval> getIntervals(ArrayRef<int64_t> shape) {
  SmallVector<Interval> intervals(shape.size());
  int64_t stride = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    intervals[i] = {stride, stride * shape[i]};
    stride *= shape[i];
  }
  return intervals;
}

std::optional<SmallVector<unsigned>>
mlir::qopt::getKernelDims(RankedTensorType type, AffineMap map,
                          ArrayRef<int64_t> shape,
                          ArrayRef<int64_t> kernelShape) {
  SmallVector<Interval> loops = getIntervals(shape), covered;
  int64_t previous = -1;
  for (auto [expr, extent] : llvm::zip(map.getResults(), type.getShape())) {
    if (extent == 1)
      continue;
    auto dim = dyn_cast<AffineDimExpr>(expr);
    if (!dim || dim.getPosition() <= previous ||
        shape[dim.getPosition()] != extent)
      return std::nullopt;
    previous = dim.getPosition();
    Interval interval = loops[previous];
    if (!covered.empty() && covered.back().low == interval.high)
      covered.back().low = interval.low;
    else
      covered.push_back(interval);
  }
  SmallVector<unsigned> dims;
  SmallVector<Interval> kernelDims = getIntervals(kernelShape);
  for (Interval interval : covered) {
    int64_t size = 1;
    for (auto [i, dim] : llvm::enumerate(kernelDims))
      if (dim.low < dim.high && dim.low >= interval.low &&
          dim.high <= interval.high) {
        dims.push_back(i);
        size *= kernelShape[i];
      }
    if (size != interval.high / interval.low)
      return std::nullopt;
  }
  return dims;
}

/// Looks through one op that only repeats elements of a smaller tensor.
static bool seeThroughBroadcast(Value &value, AffineMap &map) {
  auto op = value.getDefiningOp<linalg::LinalgOp>();
  if (!op || !op.hasPureTensorSemantics() || op.getNumDpsInputs() != 1 ||
      op.getNumDpsInits() != 1 ||
      op.getNumParallelLoops() != op.getNumLoops() ||
      !llvm::hasSingleElement(*op.getBlock()) ||
      op.getBlock()->getTerminator()->getOperand(0) !=
          op.getBlock()->getArgument(0) ||
      !isa<RankedTensorType>(op->getOperand(0).getType()) ||
      !op.getMatchingIndexingMap(op.getDpsInitOperand(0)).isIdentity())
    return false;
  map = op.getMatchingIndexingMap(op.getDpsInputOperand(0)).compose(map);
  value = op->getOperand(0);
  return true;
}

void mlir::qopt::seeThroughBroadcasts(Value &value, AffineMap &map,
                                      ArrayRef<int64_t> shape,
                                      ArrayRef<int64_t> kernelShape,
                                      function_ref<bool(Value)> isOpaque) {
  while (!getScalar(value) && !isOpaque(value)) {
    Value source = value;
    AffineMap sourceMap = map;
    if (!seeThroughBroadcast(source, sourceMap))
      return;
    if (!getScalar(source) &&
        !getKernelDims(cast<RankedTensorType>(source.getType()), sourceMap,
                       shape, kernelShape))
      return;
    value = source;
    map = sourceMap;
  }
}

//===----------------------------------------------------------------------===//
// Members
//===----------------------------------------------------------------------===//

namespace {
/// Collects members in source order and remembers the longest prefix that can
/// be a kernel's epilogue.
class EpilogueFinder {
public:
  EpilogueFinder(Value accumulator, ArrayRef<int64_t> shape, AffineMap map)
      : block(accumulator.getParentBlock()), kernelShape(shape),
        kernelMap(map) {
    computedBy[accumulator] = accumulator;
    addUsers(accumulator);
    best.result = accumulator;
    found.result = accumulator;
  }

  FusedEpilogue run() {
    while (Operation *op = popFirst()) {
      if (isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op)) {
        accept(op, computedBy[op->getOperand(0)]);
      } else if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op)) {
        if (!addMember(linalgOp))
          continue;
        accept(op, op->getResult(0));
        if (isSingleExit(op->getResult(0))) {
          found.result = op->getResult(0);
          best = found;
        }
      }
    }
    return std::move(best);
  }

private:
  /// The next op, in source order, that reads a member.
  Operation *popFirst() {
    if (pending.empty())
      return nullptr;
    auto first = llvm::min_element(pending, [](Operation *x, Operation *y) {
      return x->isBeforeInBlock(y);
    });
    Operation *op = *first;
    pending.erase(first);
    return op;
  }

  void addUsers(Value value) {
    for (Operation *user : value.getUsers())
      if (user->getBlock() == block && !llvm::is_contained(pending, user))
        pending.push_back(user);
  }

  /// `op` belongs to the epilogue; its result holds the elements of `source`.
  void accept(Operation *op, Value source) {
    ops.insert(op);
    found.ops.push_back(op);
    computedBy[op->getResult(0)] = source;
    addUsers(op->getResult(0));
  }

  /// All members' results but `exit` are used by members only.
  bool isSingleExit(Value exit) {
    if (!isStoredType(getElementTypeOrSelf(exit.getType())))
      return false;
    return llvm::all_of(computedBy, [&](const std::pair<Value, Value> &entry) {
      return entry.first == exit ||
             llvm::all_of(entry.first.getUsers(),
                          [&](Operation *user) { return ops.contains(user); });
    });
  }

  bool addMember(linalg::LinalgOp op);
  bool addInput(FusedMember &member, OpOperand &operand);
  bool addTensor(FusedMember &member, Value value, AffineMap map,
                 ArrayRef<int64_t> shape);

  Block *block;
  ArrayRef<int64_t> kernelShape;
  AffineMap kernelMap;
  /// Users of members that have not been looked at.
  SmallVector<Operation *> pending;
  SmallPtrSet<Operation *, 16> ops;
  /// For the accumulator, results of members, and reshapes of them, the
  /// accumulator or result they hold.
  llvm::MapVector<Value, Value> computedBy;
  size_t numScalarOps = 0;
  FusedEpilogue found, best;
};
} // namespace

bool EpilogueFinder::addTensor(FusedMember &member, Value value, AffineMap map,
                               ArrayRef<int64_t> shape) {
  auto type = cast<RankedTensorType>(value.getType());
  if (!isLoadedType(type.getElementType()))
    return false;
  std::optional<SmallVector<unsigned>> dims =
      getKernelDims(type, map, shape, kernelShape);
  if (!dims)
    return false;
  FusedTensor operand{value, {}, {}};
  for (unsigned dim : *dims) {
    operand.shape.push_back(kernelShape[dim]);
    operand.dims.push_back(kernelMap.getDimPosition(dim));
  }
  if (!llvm::is_sorted(operand.dims))
    return false;
  auto same = [&](const FusedTensor &other) {
    return other.value == value && other.dims == operand.dims;
  };
  auto *it = llvm::find_if(found.operands, same);
  member.inputs.push_back({{}, {}, it - found.operands.begin()});
  if (it == found.operands.end())
    found.operands.push_back(std::move(operand));
  return found.operands.size() <= kMaxOperands;
}

bool EpilogueFinder::addInput(FusedMember &member, OpOperand &operand) {
  linalg::LinalgOp op = member.op;
  Value value = operand.get();
  AffineMap map = op.getMatchingIndexingMap(&operand);
  if (!op.payloadUsesValueFromOperand(&operand)) {
    member.inputs.emplace_back();
    return true;
  }
  if (auto it = computedBy.find(value); it != computedBy.end()) {
    member.inputs.push_back({it->second, {}, {}});
    return map.isIdentity();
  }
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type)
    return false;
  SmallVector<int64_t> shape = op.getStaticLoopRanges();
  seeThroughBroadcasts(value, map, shape, kernelShape);
  if (TypedAttr scalar = getScalar(value)) {
    member.inputs.push_back({{}, scalar, {}});
    return true;
  }
  return addTensor(member, value, map, shape);
}

bool EpilogueFinder::addMember(linalg::LinalgOp op) {
  size_t numOps = op.getBlock()->getOperations().size() - 1;
  if (!isElementwiseMember(op) || numScalarOps + numOps > kMaxScalarOps)
    return false;
  FusedMember member{op, {}};
  size_t numOperands = found.operands.size();
  for (OpOperand &operand : op->getOpOperands())
    if (!addInput(member, operand)) {
      found.operands.truncate(numOperands);
      return false;
    }
  numScalarOps += numOps;
  found.members.push_back(std::move(member));
  return true;
}

FusedEpilogue mlir::qopt::findEpilogue(Value accumulator,
                                       ArrayRef<int64_t> shape, AffineMap map) {
  return EpilogueFinder(accumulator, shape, map).run();
}

//===----------------------------------------------------------------------===//
// Regions
//===----------------------------------------------------------------------===//

/// Copies the scalar ops of `member` and returns what it yields.
static Value cloneBody(OpBuilder &builder, const FusedMember &member,
                       const DenseMap<Value, Value> &computed, Block *block) {
  linalg::LinalgOp op = member.op;
  IRMapping mapping;
  auto getConstant = [&](TypedAttr attr) {
    return arith::ConstantOp::create(builder, op.getLoc(), attr);
  };
  for (auto [arg, input] :
       llvm::zip(op.getBlock()->getArguments(), member.inputs)) {
    if (input.member)
      mapping.map(arg, computed.lookup(input.member));
    else if (input.scalar)
      mapping.map(arg, getConstant(input.scalar));
    else if (input.operand)
      mapping.map(arg, block->getArgument(*input.operand + 1));
  }
  auto capture = [&](Value value) {
    TypedAttr attr;
    if (!mapping.contains(value) && value.getParentBlock() != op.getBlock() &&
        matchPattern(value, m_Constant(&attr)))
      mapping.map(value, getConstant(attr));
  };
  for (Operation &scalar : op.getBlock()->without_terminator()) {
    llvm::for_each(scalar.getOperands(), capture);
    builder.clone(scalar, mapping);
  }
  Value yielded = op.getBlock()->getTerminator()->getOperand(0);
  capture(yielded);
  return mapping.lookup(yielded);
}

void mlir::qopt::buildEpilogue(Region &region, Location loc,
                               const FusedEpilogue &epilogue,
                               Value accumulator) {
  auto getElement = [](Value tensor) {
    return cast<RankedTensorType>(tensor.getType()).getElementType();
  };
  IRRewriter builder(region.getContext());
  Block *block = builder.createBlock(&region);
  block->addArgument(getElement(accumulator), loc);
  for (const FusedTensor &operand : epilogue.operands)
    block->addArgument(getElement(operand.value), loc);

  DenseMap<Value, Value> computed = {{accumulator, block->getArgument(0)}};
  for (const FusedMember &member : epilogue.members)
    computed[member.op->getResult(0)] =
        cloneBody(builder, member, computed, block);
  YieldOp::create(builder, loc, computed.lookup(epilogue.result));
  tidyRegion(block);
}

void mlir::qopt::tidyRegion(Block *block) {
  IRRewriter builder(block->getParentOp()->getContext());
  DominanceInfo dominance;
  eliminateCommonSubExpressions(builder, dominance, block->getParentOp());
  // In the order of their use.
  Operation *last = nullptr;
  for (auto constant :
       llvm::make_early_inc_range(block->getOps<arith::ConstantOp>())) {
    if (last)
      constant->moveAfter(last);
    else if (constant != &block->front())
      constant->moveBefore(&block->front());
    last = constant;
  }
}

void mlir::qopt::eraseUnusedOps(Operation *root) {
  root->walk<WalkOrder::PostOrder, ReverseIterator>([](Operation *op) {
    if (isOpTriviallyDead(op) && !isa<func::FuncOp>(op))
      op->erase();
  });
}
