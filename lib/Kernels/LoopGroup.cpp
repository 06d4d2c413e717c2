//===- LoopGroup.cpp - Ops that one loops kernel computes ------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A group grows one op at a time, in front of it and behind; each time it is
// analyzed anew, and the op stays if the group is still one kernel.
//
//===----------------------------------------------------------------------===//
#include "LoopGroup.h"

#include "EpilogueFusion.h"
#include "QuantOpt/Analysis/MulAdd.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::qopt;

/// Bounds on what one kernel computes, reads and writes.
static constexpr size_t kMaxScalarOps = 240;
static constexpr size_t kMaxInputs = 12;
static constexpr size_t kMaxOutputs = 4;

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

static std::optional<ReduceKind> getReduceKind(Operation *op) {
  return llvm::TypeSwitch<Operation *, std::optional<ReduceKind>>(op)
      .Case<arith::AddFOp>([](auto) { return ReduceKind::AddF; })
      .Case<arith::AddIOp>([](auto) { return ReduceKind::AddI; })
      .Case<arith::MaximumFOp>([](auto) { return ReduceKind::MaximumF; })
      .Case<arith::MinimumFOp>([](auto) { return ReduceKind::MinimumF; })
      .Case<arith::MaxNumFOp>([](auto) { return ReduceKind::MaxNumF; })
      .Case<arith::MinNumFOp>([](auto) { return ReduceKind::MinNumF; })
      .Case<arith::MaxSIOp>([](auto) { return ReduceKind::MaxSI; })
      .Case<arith::MinSIOp>([](auto) { return ReduceKind::MinSI; })
      .Case<arith::MaxUIOp>([](auto) { return ReduceKind::MaxUI; })
      .Case<arith::MinUIOp>([](auto) { return ReduceKind::MinUI; })
      .Case<arith::OrIOp>([](auto) { return ReduceKind::OrI; })
      .Case<arith::AndIOp>([](auto) { return ReduceKind::AndI; })
      .Default([](auto) { return std::nullopt; });
}

std::optional<Combiner> mlir::qopt::matchCombiner(linalg::LinalgOp op) {
  if (op.getNumReductionLoops() == 0 || op->getNumResults() != 1)
    return std::nullopt;
  Operation *combine =
      op.getBlock()->getTerminator()->getOperand(0).getDefiningOp();
  Value out = op.getBlock()->getArguments().back();
  if (!combine || combine->getBlock() != op.getBlock() || !out.hasOneUse() ||
      *out.user_begin() != combine)
    return std::nullopt;
  std::optional<ReduceKind> kind = getReduceKind(combine);
  if (!kind)
    return std::nullopt;
  return Combiner{*kind, combine, combine->getOperand(0) == out ? 1u : 0u};
}

//===----------------------------------------------------------------------===//
// Domain
//===----------------------------------------------------------------------===//

SmallVector<int64_t> GroupDomain::getShape(ArrayRef<unsigned> loops) const {
  SmallVector<int64_t> shape;
  for (unsigned loop : loops)
    shape.push_back(extents[loop]);
  return shape;
}

/// The loops of the seed that the results of `map` are, in order, without those
/// of one iteration. Nothing for other results than loops, or repeated ones.
static std::optional<SmallVector<unsigned>>
getPlainLoops(AffineMap map, ArrayRef<int64_t> extents) {
  SmallVector<unsigned> loops;
  for (AffineExpr expr : map.getResults()) {
    if (isa<AffineConstantExpr>(expr))
      continue;
    auto dim = dyn_cast<AffineDimExpr>(expr);
    if (!dim || llvm::is_contained(loops, dim.getPosition()))
      return std::nullopt;
    if (extents[dim.getPosition()] != 1)
      loops.push_back(dim.getPosition());
  }
  return loops;
}

/// Loops in the order of the seed's first input that has them all; that of the
/// seed for windows.
static std::optional<GroupDomain> getDomain(linalg::LinalgOp seed) {
  SmallVector<int64_t> extents = seed.getStaticLoopRanges();
  auto iterators = seed.getIteratorTypesArray();
  SmallVector<unsigned> order;
  for (auto [loop, extent] : llvm::enumerate(extents))
    if (extent != 1)
      order.push_back(loop);
  GroupDomain domain;
  for (OpOperand *input : seed.getDpsInputOperands()) {
    auto loops = getPlainLoops(seed.getMatchingIndexingMap(input), extents);
    if (!loops || loops->size() != order.size())
      continue;
    order = *loops;
    domain.hasVarying = true;
    break;
  }
  domain.seedLoops.resize(extents.size());
  for (auto [i, loop] : llvm::enumerate(order)) {
    domain.extents.push_back(extents[loop]);
    domain.reductions.push_back(iterators[loop] ==
                                utils::IteratorType::reduction);
    domain.seedLoops[loop] = i;
    domain.varyingLoops.push_back(i);
  }
  auto results = getPlainLoops(
      seed.getMatchingIndexingMap(seed.getDpsInitOperand(0)), extents);
  if (!results)
    return std::nullopt;
  for (unsigned loop : *results)
    domain.uniformLoops.push_back(*domain.seedLoops[loop]);
  // Varying values meet uniform ones only where both have one order.
  domain.hasVarying &= llvm::is_sorted(domain.uniformLoops);
  size_t numParallel = llvm::count(domain.reductions, false);
  if (numParallel != domain.uniformLoops.size() ||
      llvm::is_contained(extents, 0) || domain.extents.empty())
    return std::nullopt;
  return domain;
}

//===----------------------------------------------------------------------===//
// Analysis of a set of members
//===----------------------------------------------------------------------===//

static bool isReshape(Operation *op) {
  return isa_and_nonnull<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op);
}

namespace {
class GroupBuilder {
public:
  GroupBuilder(linalg::LinalgOp seed, const GroupDomain &domain)
      : seed(seed), domain(domain) {
    varyingShape = domain.getShape(domain.varyingLoops);
    uniformShape = domain.getShape(domain.uniformLoops);
  }

  /// The group of exactly these ops, which include the seed.
  std::optional<LoopGroup> analyze(const SetVector<Operation *> &ops);

private:
  bool addMember(linalg::LinalgOp op);
  bool addSeedOperands(GroupMember &member);
  bool addOperand(GroupMember &member, OpOperand &operand);
  bool addInit(GroupMember &member);
  bool addExternal(GroupMember &member, Value value, AffineMap map,
                   ArrayRef<int64_t> shape);
  unsigned addInput(GroupInput input);
  bool addOutputs();
  bool isConvex();
  /// The member's result that `value` is or is a reshape of; null for others.
  Value resolve(Value value);
  /// Whether an op outside of the group reads `value` or a reshape of it.
  bool escapes(Value value);
  ArrayRef<int64_t> getShape(bool isVarying) const {
    return isVarying ? varyingShape : uniformShape;
  }

  linalg::LinalgOp seed;
  const GroupDomain &domain;
  SmallVector<int64_t> varyingShape, uniformShape;
  const SetVector<Operation *> *ops = nullptr;
  DenseMap<Value, bool> isVaryingValue;
  LoopGroup group;
};
} // namespace

Value GroupBuilder::resolve(Value value) {
  while (isReshape(value.getDefiningOp()))
    value = value.getDefiningOp()->getOperand(0);
  Operation *op = value.getDefiningOp();
  return op && ops->contains(op) ? value : Value();
}

bool GroupBuilder::escapes(Value value) {
  return llvm::any_of(value.getUsers(), [&](Operation *user) {
    if (ops->contains(user))
      return false;
    return !isReshape(user) || escapes(user->getResult(0));
  });
}

unsigned GroupBuilder::addInput(GroupInput input) {
  auto *it = llvm::find_if(group.inputs, [&](const GroupInput &other) {
    return other.value == input.value && other.map == input.map &&
           other.pad == input.pad;
  });
  unsigned index = it - group.inputs.begin();
  if (it == group.inputs.end())
    group.inputs.push_back(std::move(input));
  return index;
}

/// A tensor read by `member` through `map` from loops of `shape`.
bool GroupBuilder::addExternal(GroupMember &member, Value value, AffineMap map,
                               ArrayRef<int64_t> shape) {
  ArrayRef<int64_t> kernelShape = getShape(member.isVarying);
  ArrayRef<unsigned> kernelLoops =
      member.isVarying ? domain.varyingLoops : domain.uniformLoops;
  seeThroughBroadcasts(value, map, shape, kernelShape,
                       [&](Value read) { return resolve(read) != nullptr; });
  if (TypedAttr scalar = getScalar(value)) {
    member.operands.push_back({{}, scalar, {}});
    return true;
  }
  std::optional<SmallVector<unsigned>> dims = getKernelDims(
      cast<RankedTensorType>(value.getType()), map, shape, kernelShape);
  if (!dims)
    return false;
  GroupInput input;
  input.value = value;
  SmallVector<AffineExpr> exprs;
  for (unsigned dim : *dims) {
    input.shape.push_back(kernelShape[dim]);
    exprs.push_back(getAffineDimExpr(kernelLoops[dim], value.getContext()));
  }
  input.map =
      AffineMap::get(domain.extents.size(), 0, exprs, value.getContext());
  member.operands.push_back({{}, {}, addInput(std::move(input))});
  return true;
}

bool GroupBuilder::addOperand(GroupMember &member, OpOperand &operand) {
  linalg::LinalgOp op = member.op;
  if (!op.payloadUsesValueFromOperand(&operand)) {
    member.operands.emplace_back();
    return true;
  }
  Value value = operand.get();
  auto type = dyn_cast<RankedTensorType>(value.getType());
  AffineMap map = op.getMatchingIndexingMap(&operand);
  SmallVector<int64_t> shape = op.getStaticLoopRanges();
  if (!type) {
    TypedAttr scalar;
    if (!matchPattern(value, m_Constant(&scalar)))
      return false;
    member.operands.push_back({{}, scalar, {}});
    return true;
  }
  Value result = resolve(value);
  if (!result)
    return addExternal(member, value, map, shape);
  // At its own point only; a uniform value by all points of the reduced loops.
  auto it = isVaryingValue.find(result);
  if (it == isVaryingValue.end() || (it->second && !member.isVarying))
    return false;
  auto dims = getKernelDims(type, map, shape, getShape(member.isVarying));
  SmallVector<unsigned> expected;
  if (it->second == member.isVarying)
    expected = llvm::to_vector(
        llvm::seq<unsigned>(0, getShape(member.isVarying).size()));
  else
    expected = domain.uniformLoops;
  if (!dims || *dims != expected)
    return false;
  member.operands.push_back({result, {}, {}});
  return true;
}

/// What a reduction starts from: a constant, or a tensor of uniform values.
bool GroupBuilder::addInit(GroupMember &member) {
  linalg::LinalgOp op = member.op;
  OpOperand *init = op.getDpsInitOperand(0);
  if (TypedAttr scalar = getScalar(init->get())) {
    member.operands.push_back({{}, scalar, {}});
    return true;
  }
  auto type = cast<RankedTensorType>(init->get().getType());
  GroupMember uniform{op, /*isVarying=*/false, {}, {}};
  AffineMap identity =
      AffineMap::getMultiDimIdentityMap(type.getRank(), type.getContext());
  if (resolve(init->get()) ||
      !addExternal(uniform, init->get(), identity, type.getShape()))
    return false;
  member.operands.push_back(uniform.operands.front());
  return true;
}

/// The pad that made `input`, if it is by constants on static amounts.
static tensor::PadOp matchPad(Value input, TypedAttr &value) {
  auto pad = input.getDefiningOp<tensor::PadOp>();
  if (!pad || !pad.getConstantPaddingValue() ||
      !matchPattern(pad.getConstantPaddingValue(), m_Constant(&value)) ||
      !pad.getLow().empty() || !pad.getHigh().empty())
    return nullptr;
  return pad;
}

/// Sums of multiples of loops.
static bool isLinear(AffineMap map) {
  bool isLinear = true;
  map.walkExprs([&](AffineExpr expr) {
    isLinear &= expr.getKind() != AffineExprKind::FloorDiv &&
                expr.getKind() != AffineExprKind::CeilDiv &&
                expr.getKind() != AffineExprKind::Mod;
  });
  return isLinear;
}

/// The seed reads inputs as it did, windows included.
bool GroupBuilder::addSeedOperands(GroupMember &member) {
  MLIRContext *context = seed.getContext();
  SmallVector<AffineExpr> loops;
  for (std::optional<unsigned> loop : domain.seedLoops)
    loops.push_back(loop ? getAffineDimExpr(*loop, context)
                         : getAffineConstantExpr(0, context));
  for (OpOperand *operand : seed.getDpsInputOperands()) {
    Value value = operand->get();
    if (!isa<RankedTensorType>(value.getType()) || resolve(value) ||
        getScalar(value) || !seed.payloadUsesValueFromOperand(operand)) {
      if (!addOperand(member, *operand))
        return false;
      continue;
    }
    AffineMap map = seed.getMatchingIndexingMap(operand);
    map = map.replaceDimsAndSymbols(loops, {}, domain.extents.size(), 0);
    if (!isLinear(map))
      return false;
    GroupInput input{value, {}, map, {}};
    if (tensor::PadOp pad = matchPad(value, input.pad)) {
      SmallVector<AffineExpr> shifted;
      for (auto [expr, low] : llvm::zip(map.getResults(), pad.getStaticLow()))
        shifted.push_back(expr - low);
      input.value = pad.getSource();
      input.map = AffineMap::get(domain.extents.size(), 0, shifted, context);
    }
    // Dims of one element need no subscript.
    SmallVector<int64_t> shape;
    SmallVector<AffineExpr> exprs;
    auto type = cast<RankedTensorType>(input.value.getType());
    for (auto [expr, extent] :
         llvm::zip(input.map.getResults(), type.getShape()))
      if (extent != 1 || expr != getAffineConstantExpr(0, context)) {
        shape.push_back(extent);
        exprs.push_back(expr);
      }
    input.shape = shape;
    input.map = AffineMap::get(domain.extents.size(), 0, exprs, context);
    member.operands.push_back({{}, {}, addInput(std::move(input))});
  }
  return true;
}

bool GroupBuilder::addMember(linalg::LinalgOp op) {
  GroupMember member;
  member.op = op;
  int64_t points = 1;
  for (int64_t extent : op.getStaticLoopRanges())
    points *= extent;
  int64_t numVarying = ShapedType::getNumElements(varyingShape);
  bool isReduction = op.getNumReductionLoops() != 0;
  if (isReduction) {
    member.combiner = matchCombiner(op);
    member.isVarying = true;
    if (!member.combiner || points != numVarying)
      return false;
  } else {
    int64_t numUniform = ShapedType::getNumElements(uniformShape);
    member.isVarying = points != numUniform;
    if (member.isVarying && (!domain.hasVarying || points != numVarying))
      return false;
  }
  if (op == seed) {
    if (!addSeedOperands(member))
      return false;
  } else {
    for (OpOperand *operand : op.getDpsInputOperands())
      if (!addOperand(member, *operand))
        return false;
  }
  Value result = op->getResult(0);
  if (!isReduction) {
    if (!addOperand(member, *op.getDpsInitOperand(0)))
      return false;
    isVaryingValue[result] = member.isVarying;
  } else {
    if (op != seed) {
      // The same loops are reduced.
      auto dims =
          getKernelDims(cast<RankedTensorType>(result.getType()),
                        op.getMatchingIndexingMap(op.getDpsInitOperand(0)),
                        op.getStaticLoopRanges(), varyingShape);
      if (!domain.hasVarying || !dims ||
          ArrayRef(*dims) != ArrayRef(domain.uniformLoops))
        return false;
    }
    if (!addInit(member))
      return false;
    isVaryingValue[result] = false;
  }
  group.members.push_back(std::move(member));
  return true;
}

bool GroupBuilder::addOutputs() {
  for (const GroupMember &member : group.members) {
    Value result = member.op->getResult(0);
    if (escapes(result))
      group.outputs.push_back({result, isVaryingValue.lookup(result)});
  }
  return !group.outputs.empty() && group.outputs.size() <= kMaxOutputs;
}

/// No op outside of the group both reads it and is read by it.
bool GroupBuilder::isConvex() {
  Operation *first = group.members.front().op;
  SmallVector<Value> pending;
  for (const GroupInput &input : group.inputs)
    pending.push_back(input.value);
  DenseSet<Operation *> seen;
  while (!pending.empty()) {
    Operation *op = pending.pop_back_val().getDefiningOp();
    if (!op || op->getBlock() != first->getBlock() ||
        op->isBeforeInBlock(first) || !seen.insert(op).second)
      continue;
    if (ops->contains(op))
      return false;
    op->walk([&](Operation *inner) {
      llvm::append_range(pending, inner->getOperands());
    });
  }
  return true;
}

std::optional<LoopGroup>
GroupBuilder::analyze(const SetVector<Operation *> &members) {
  ops = &members;
  group = LoopGroup();
  group.domain = domain;
  isVaryingValue.clear();
  SmallVector<Operation *> sorted(members.begin(), members.end());
  llvm::sort(sorted,
             [](Operation *x, Operation *y) { return x->isBeforeInBlock(y); });
  size_t numScalarOps = 0;
  for (Operation *op : sorted) {
    auto member = cast<linalg::LinalgOp>(op);
    numScalarOps += member.getBlock()->getOperations().size() - 1;
    if (!addMember(member))
      return std::nullopt;
  }
  if (group.inputs.size() > kMaxInputs ||
      (members.size() > 1 && numScalarOps > kMaxScalarOps) || !addOutputs() ||
      !isConvex())
    return std::nullopt;
  return group;
}

//===----------------------------------------------------------------------===//
// Growth
//===----------------------------------------------------------------------===//

/// Ops that could join: elementwise, or reductions that are no sums of
/// products.
static bool isCandidate(Operation *op, Block *block) {
  auto linalgOp = dyn_cast_or_null<linalg::LinalgOp>(op);
  if (!linalgOp || op->getBlock() != block)
    return false;
  if (linalgOp.getNumReductionLoops() == 0)
    return isElementwiseMember(linalgOp);
  return matchCombiner(linalgOp) && !matchMulAdd(linalgOp) &&
         linalgOp.hasPureTensorSemantics() && !linalgOp.hasDynamicShape() &&
         hasLowerableBody(linalgOp);
}

/// Readers of the group, and makers of what it reads, in source order.
static SmallVector<Operation *> getCandidates(const LoopGroup &group,
                                              const SetVector<Operation *> &ops,
                                              bool mayPrecede) {
  Block *block = ops.front()->getBlock();
  SetVector<Operation *> candidates;
  auto add = [&](Operation *op) {
    if (isCandidate(op, block) && !ops.contains(op))
      candidates.insert(op);
  };
  SmallVector<Value> pending;
  for (Operation *op : ops)
    pending.push_back(op->getResult(0));
  while (!pending.empty())
    for (Operation *user : pending.pop_back_val().getUsers()) {
      if (isReshape(user))
        pending.push_back(user->getResult(0));
      else
        add(user);
    }
  // What others read is made once, not in the kernel and for them.
  for (const GroupInput &input : group.inputs) {
    Value value = input.value;
    while (isReshape(value.getDefiningOp()))
      value = value.getDefiningOp()->getOperand(0);
    if (mayPrecede && value.getDefiningOp())
      add(value.getDefiningOp());
  }
  SmallVector<Operation *> sorted = candidates.takeVector();
  llvm::sort(sorted,
             [](Operation *x, Operation *y) { return x->isBeforeInBlock(y); });
  return sorted;
}

std::optional<LoopGroup> mlir::qopt::findLoopGroup(linalg::LinalgOp seed,
                                                   std::string &reason) {
  if (!matchCombiner(seed)) {
    reason = "no reduction of kernels combines its elements in this way";
    return std::nullopt;
  }
  if (!seed.hasPureTensorSemantics() || seed.hasDynamicShape() ||
      !hasLowerableBody(seed)) {
    reason = "its body has operations that kernels do not compute";
    return std::nullopt;
  }
  std::optional<GroupDomain> domain = getDomain(seed);
  if (!domain) {
    reason = "its result is not indexed by its parallel loops";
    return std::nullopt;
  }
  GroupBuilder builder(seed, *domain);
  SetVector<Operation *> ops;
  ops.insert(seed);
  std::optional<LoopGroup> best = builder.analyze(ops);
  if (!best) {
    reason = "its operands are not indexed by its loops";
    return std::nullopt;
  }
  bool hasGrown = true;
  while (hasGrown) {
    hasGrown = false;
    for (Operation *op : getCandidates(*best, ops, domain->hasVarying)) {
      SetVector<Operation *> larger = ops;
      larger.insert(op);
      std::optional<LoopGroup> group = builder.analyze(larger);
      if (!group ||
          group->outputs.size() > std::max<size_t>(best->outputs.size(), 1) + 1)
        continue;
      ops = std::move(larger);
      best = std::move(group);
      hasGrown = true;
      break;
    }
  }
  return best;
}
