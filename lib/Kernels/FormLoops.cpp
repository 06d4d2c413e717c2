//===- FormLoops.cpp - Reductions and what surrounds them ------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every reduction that is no matrix product becomes `qopt.loops`, with as many
// of the elementwise ops and reductions around it as one kernel computes. A pad
// that nothing folds into what reads it becomes loops of its own.
//
//===----------------------------------------------------------------------===//
#include "EpilogueFusion.h"
#include "LoopGroup.h"
#include "MatrixProduct.h"

#include "QuantOpt/Analysis/MulAdd.h"
#include "QuantOpt/Analysis/Report.h"
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h"
#include "QuantOpt/Kernels/Bufferization.h"

#include "mlir/Analysis/TopologicalSortUtils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir::qopt {
#define GEN_PASS_DEF_FORMLOOPS
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h.inc"
} // namespace mlir::qopt

using namespace mlir;
using namespace mlir::qopt;

//===----------------------------------------------------------------------===//
// Region
//===----------------------------------------------------------------------===//

namespace {
/// Writes the members of a group as scalar ops.
class ProgramBuilder {
public:
  ProgramBuilder(OpBuilder &builder, Block *block) : b(builder), block(block) {}

  /// What `member` computes per point.
  Value add(const GroupMember &member);

private:
  Value getOperand(const GroupMember &member, const GroupOperand &operand);
  Value reduce(const GroupMember &member, IRMapping &mapping);

  OpBuilder &b;
  Block *block;
  DenseMap<Value, Value> computed;
};
} // namespace

Value ProgramBuilder::getOperand(const GroupMember &member,
                                 const GroupOperand &operand) {
  if (operand.member)
    return computed.lookup(operand.member);
  if (operand.scalar)
    return arith::ConstantOp::create(b, member.op->getLoc(), operand.scalar);
  if (operand.input)
    return block->getArgument(*operand.input);
  return nullptr;
}

/// True if combining with `value` changes nothing.
static bool isIdentity(ReduceKind kind, Value value) {
  FloatAttr number;
  if (matchPattern(value, m_Constant(&number))) {
    APFloat bits = number.getValue();
    switch (kind) {
    case ReduceKind::AddF:
      return bits.isNegZero();
    case ReduceKind::MaximumF:
      return bits.isInfinity() && bits.isNegative();
    case ReduceKind::MinimumF:
      return bits.isInfinity() && !bits.isNegative();
    default:
      return false;
    }
  }
  APInt integer;
  if (!matchPattern(value, m_ConstantInt(&integer)))
    return false;
  switch (kind) {
  case ReduceKind::AddI:
  case ReduceKind::OrI:
  case ReduceKind::MaxUI:
    return integer.isZero();
  case ReduceKind::AndI:
  case ReduceKind::MinUI:
    return integer.isAllOnes();
  case ReduceKind::MaxSI:
    return integer.isMinSignedValue();
  case ReduceKind::MinSI:
    return integer.isMaxSignedValue();
  default:
    return false;
  }
}

/// combine(init, reduce(element)), where `mapping` has the body's scalars.
Value ProgramBuilder::reduce(const GroupMember &member, IRMapping &mapping) {
  linalg::LinalgOp op = member.op;
  const Combiner &combiner = *member.combiner;
  Value element =
      mapping.lookupOrDefault(combiner.op->getOperand(combiner.element));
  Value total = ReduceOp::create(b, op.getLoc(), combiner.kind, element);
  Value init = getOperand(member, member.operands.back());
  if (isIdentity(combiner.kind, init)) {
    if (init.use_empty())
      init.getDefiningOp()->erase();
    return total;
  }
  IRMapping last;
  last.map(combiner.op->getOperand(combiner.element), total);
  last.map(combiner.op->getOperand(1 - combiner.element), init);
  return b.clone(*combiner.op, last)->getResult(0);
}

Value ProgramBuilder::add(const GroupMember &member) {
  linalg::LinalgOp op = member.op;
  IRMapping mapping;
  auto arguments = op.getBlock()->getArguments();
  for (auto [argument, operand] : llvm::zip(arguments, member.operands)) {
    bool isRunning = member.combiner && argument == arguments.back();
    if (Value value = isRunning ? Value() : getOperand(member, operand))
      mapping.map(argument, value);
  }
  auto capture = [&](Value value) {
    TypedAttr attr;
    if (!mapping.contains(value) && value.getParentBlock() != op.getBlock() &&
        matchPattern(value, m_Constant(&attr)))
      mapping.map(value, arith::ConstantOp::create(b, op.getLoc(), attr));
  };
  for (Operation &scalar : op.getBlock()->without_terminator()) {
    if (member.combiner && &scalar == member.combiner->op)
      continue;
    llvm::for_each(scalar.getOperands(), capture);
    b.clone(scalar, mapping);
  }
  Value result;
  if (member.combiner) {
    capture(member.combiner->op->getOperand(member.combiner->element));
    result = reduce(member, mapping);
  } else {
    Value yielded = op.getBlock()->getTerminator()->getOperand(0);
    capture(yielded);
    result = mapping.lookup(yielded);
  }
  computed[op->getResult(0)] = result;
  return result;
}

//===----------------------------------------------------------------------===//
// Op
//===----------------------------------------------------------------------===//

/// The first name among the members' locations.
static std::string getGroupName(const LoopGroup &group) {
  for (const GroupMember &member : group.members)
    if (StringRef name = getLocationName(member.op->getLoc()); !name.empty())
      return name.str();
  return "";
}

static Location getGroupLocation(const LoopGroup &group) {
  SmallVector<Location> locations;
  for (const GroupMember &member : group.members)
    locations.push_back(member.op->getLoc());
  return FusedLoc::get(group.members.front().op->getContext(), locations);
}

static ArrayAttr getPads(OpBuilder &builder, ArrayRef<GroupInput> inputs) {
  if (llvm::all_of(inputs, [](const GroupInput &input) { return !input.pad; }))
    return nullptr;
  SmallVector<Attribute> pads;
  for (const GroupInput &input : inputs)
    pads.push_back(input.pad ? Attribute(input.pad) : builder.getUnitAttr());
  return builder.getArrayAttr(pads);
}

/// Behind the last member: all that the group reads is there.
static void buildLoops(const LoopGroup &group) {
  Operation *last = group.members.back().op;
  OpBuilder builder(last);
  Location loc =
      group.members.size() == 1 ? last->getLoc() : getGroupLocation(group);
  SmallVector<Value> inputs, inits;
  SmallVector<AffineMap> maps;
  for (const GroupInput &input : group.inputs) {
    inputs.push_back(buildReshape(builder, loc, input.value, input.shape));
    maps.push_back(input.map);
  }
  const GroupDomain &domain = group.domain;
  for (const GroupOutput &output : group.outputs) {
    ArrayRef<unsigned> loops =
        output.isVarying ? domain.varyingLoops : domain.uniformLoops;
    inits.push_back(
        tensor::EmptyOp::create(builder, loc, domain.getShape(loops),
                                getElementTypeOrSelf(output.value.getType())));
    maps.push_back(AffineMap::getMultiDimMapWithTargets(
        domain.extents.size(), loops, builder.getContext()));
  }
  std::string name = getGroupName(group);
  auto op =
      LoopsOp::create(builder, loc, TypeRange(inits), inputs, inits,
                      builder.getAffineMapArrayAttr(maps),
                      builder.getDenseI64ArrayAttr(domain.extents),
                      builder.getDenseBoolArrayAttr(domain.reductions),
                      getPads(builder, group.inputs),
                      name.empty() ? StringAttr() : builder.getStringAttr(name),
                      LoopsConfigAttr());

  Block *block = &op.getBody().emplaceBlock();
  for (Value input : inputs)
    block->addArgument(getElementTypeOrSelf(input.getType()), loc);
  OpBuilder body = OpBuilder::atBlockEnd(block);
  ProgramBuilder program(body, block);
  DenseMap<Value, Value> results;
  for (const GroupMember &member : group.members)
    results[member.op->getResult(0)] = program.add(member);
  SmallVector<Value> yielded;
  for (const GroupOutput &output : group.outputs)
    yielded.push_back(results.lookup(output.value));
  YieldOp::create(body, loc, yielded);
  tidyRegion(block);

  for (auto [output, result] : llvm::zip(group.outputs, op.getResults())) {
    auto type = cast<RankedTensorType>(output.value.getType());
    Value shaped = buildReshape(builder, loc, result, type.getShape());
    Value(output.value).replaceAllUsesWith(shaped);
  }
}

//===----------------------------------------------------------------------===//
// Pads
//===----------------------------------------------------------------------===//

/// tensor.pad by constants -> loops that read outside of the source.
static void buildPad(tensor::PadOp op, TypedAttr value) {
  OpBuilder builder(op);
  Location loc = op.getLoc();
  auto type = cast<RankedTensorType>(op.getType());
  SmallVector<AffineExpr> exprs;
  for (auto [dim, low] : llvm::enumerate(op.getStaticLow()))
    exprs.push_back(builder.getAffineDimExpr(dim) - low);
  unsigned rank = type.getRank();
  AffineMap maps[] = {AffineMap::get(rank, 0, exprs, builder.getContext()),
                      builder.getMultiDimIdentityMap(rank)};
  Value init = tensor::EmptyOp::create(builder, loc, type.getShape(),
                                       type.getElementType());
  StringRef name = getLocationName(loc);
  auto loops = LoopsOp::create(
      builder, loc, TypeRange(type), op.getSource(), init,
      builder.getAffineMapArrayAttr(maps),
      builder.getDenseI64ArrayAttr(type.getShape()),
      builder.getDenseBoolArrayAttr(SmallVector<bool>(rank, false)),
      builder.getArrayAttr({value}),
      name.empty() ? StringAttr() : builder.getStringAttr(name),
      LoopsConfigAttr());
  Block *block = &loops.getBody().emplaceBlock();
  Value element = block->addArgument(type.getElementType(), loc);
  OpBuilder body = OpBuilder::atBlockEnd(block);
  YieldOp::create(body, loc, element);
  op.replaceAllUsesWith(loops.getResult(0));
  op.erase();
}

//===----------------------------------------------------------------------===//
// Pass
//===----------------------------------------------------------------------===//

namespace {
struct FormLoops : public qopt::impl::FormLoopsBase<FormLoops> {
  using FormLoopsBase::FormLoopsBase;

  /// A host that loads only the pass plugin must be able to bufferize, too.
  void getDependentDialects(DialectRegistry &registry) const override {
    FormLoopsBase::getDependentDialects(registry);
    registerKernelBufferization(registry);
  }

  void runOnOperation() override {
    // The index of a maximum, where only the maximum is read.
    RewritePatternSet patterns(&getContext());
    linalg::populateEraseUnusedOperandsAndResultsPatterns(patterns);
    GreedyRewriteConfig config;
    config.enableFolding(false);
    if (failed(
            applyPatternsGreedily(getOperation(), std::move(patterns), config)))
      return signalPassFailure();
    SmallVector<Block *> blocks;
    getOperation().walk([&](linalg::LinalgOp op) {
      if (!llvm::is_contained(blocks, op->getBlock()))
        blocks.push_back(op->getBlock());
    });
    for (Block *block : blocks)
      formLoops(block);
    eraseUnusedOps(getOperation());
    formPads();
  }

private:
  void formLoops(Block *block);
  void formPads();
};
} // namespace

/// Sums of products of floats have an order of their own.
static bool isSeed(linalg::LinalgOp op) {
  return op.getNumReductionLoops() != 0 &&
         !(matchMulAdd(op) &&
           getElementTypeOrSelf(op->getResult(0).getType()).isF32());
}

void FormLoops::formLoops(Block *block) {
  // Those that a group took are gone from the list of the next seeds.
  bool isDone = false;
  DenseSet<Operation *> refused;
  while (!isDone) {
    isDone = true;
    for (auto op : block->getOps<linalg::LinalgOp>()) {
      if (op->getNumResults() == 0 || refused.contains(op) || !isSeed(op) ||
          op->use_empty())
        continue;
      std::string reason;
      std::optional<LoopGroup> group = findLoopGroup(op, reason);
      if (!group) {
        remark::missed(op.getLoc(),
                       remark::RemarkOpts::name("no-loops").category("qopt"))
            << (op->getName().getStringRef() +
                ": a plain loop kernel computes it: " + reason)
                   .str();
        refused.insert(op);
        continue;
      }
      buildLoops(*group);
      // The members, and reshapes between them.
      for (Operation &other : llvm::make_early_inc_range(llvm::reverse(*block)))
        if (isOpTriviallyDead(&other))
          other.erase();
      sortTopologically(block);
      isDone = false;
      break;
    }
  }
}

void FormLoops::formPads() {
  SmallVector<std::pair<tensor::PadOp, TypedAttr>> pads;
  getOperation().walk([&](tensor::PadOp op) {
    TypedAttr value;
    Value constant = op.getConstantPaddingValue();
    if (constant && matchPattern(constant, m_Constant(&value)) &&
        op.getLow().empty() && op.getHigh().empty() &&
        op.getType().hasStaticShape() &&
        !ShapedType::isDynamicShape(op.getType().getShape()) &&
        !llvm::is_contained(op.getType().getShape(), 0))
      pads.push_back({op, value});
  });
  for (auto [op, value] : pads)
    buildPad(op, value);
}
