//===- FuseEpilogues.cpp - One op per elementwise group ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Dequantizations and broadcasts are so cheap that every reader gets its own;
// then each group (Analysis/ElementwiseGroups.h) becomes one generic.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Analysis/Elementwise.h"
#include "QuantOpt/Analysis/ElementwiseGroups.h"
#include "QuantOpt/Analysis/Movement.h"
#include "QuantOpt/Analysis/Report.h"
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h"

#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Transforms/RegionUtils.h"

namespace mlir::qopt {
#define GEN_PASS_DEF_FUSEEPILOGUES
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h.inc"
} // namespace mlir::qopt

using namespace mlir;
using namespace mlir::qopt;

static bool isF32(Value value) {
  return getElementTypeOrSelf(value.getType()).isF32();
}

/// True if `op` only turns stored integers into real values.
static bool isDequantize(linalg::GenericOp op) {
  if (!isGroupable(op) || !isF32(op.getResult(0)))
    return false;
  bool converts = false;
  for (Operation &inner : op.getBody()->without_terminator()) {
    if (!isa<arith::ExtSIOp, arith::ExtUIOp, arith::SubIOp, arith::SIToFPOp,
             arith::MulFOp, arith::ConstantOp>(inner))
      return false;
    if (auto convert = dyn_cast<arith::SIToFPOp>(inner)) {
      // i32 is an accumulator, which is read once.
      Operation *extend = convert.getIn().getDefiningOp();
      if (auto subtract = dyn_cast_or_null<arith::SubIOp>(extend))
        extend = subtract.getLhs().getDefiningOp();
      converts = isa_and_nonnull<arith::ExtSIOp, arith::ExtUIOp>(extend);
    }
  }
  return converts;
}

/// A copy that repeats elements of a smaller tensor.
static bool isBroadcast(linalg::GenericOp op) {
  return isCopy(op) &&
         op.getMatchingIndexingMap(op.getDpsInputOperand(0)).getNumResults() <
             op.getNumLoops();
}

namespace {
struct FuseEpilogues : public qopt::impl::FuseEpiloguesBase<FuseEpilogues> {
  void runOnOperation() override {
    report = Report::load(getOperation());
    members.clear();
    inlineDequantizations();
    ElementwiseGroups groups(getOperation());
    for (ArrayRef<Operation *> group : groups.getGroups())
      mergeGroup(group);
    IRRewriter rewriter(&getContext());
    (void)runRegionDCE(rewriter, getOperation()->getRegions());
    finishReport();
    report.save(getOperation());
  }

private:
  void inlineDequantizations();
  void mergeGroup(ArrayRef<Operation *> group);
  /// Says which ops are integer, and takes the names off.
  void finishReport();
  /// Updates the rows `names` of what `op` computes.
  void classify(Operation *op, ArrayRef<StringRef> names);

  Report report;
  /// The names of the ops that an op was merged from, itself apart.
  DenseMap<Operation *, std::vector<std::string>> members;
};
} // namespace

/// A use of `value` as input of a generic, or null.
static OpOperand *findReader(Value value) {
  for (OpOperand &use : value.getUses()) {
    auto reader = dyn_cast<linalg::GenericOp>(use.getOwner());
    if (reader && reader.isDpsInput(&use))
      return &use;
  }
  return nullptr;
}

void FuseEpilogues::inlineDequantizations() {
  IRRewriter rewriter(&getContext());
  SmallVector<linalg::GenericOp> ops;
  getOperation().walk([&](linalg::GenericOp op) {
    if (isDequantize(op) || isBroadcast(op))
      ops.push_back(op);
  });
  // Readers first: a broadcast may read a dequantization.
  for (linalg::GenericOp op : llvm::reverse(ops))
    while (OpOperand *use = findReader(op.getResult(0))) {
      auto reader = cast<linalg::GenericOp>(use->getOwner());
      rewriter.setInsertionPoint(reader);
      auto own = cast<linalg::GenericOp>(rewriter.clone(*op));
      use->set(own.getResult(0));
      // What reads it element by element takes it in as a member of its group.
      bool joins = isGroupable(reader) &&
                   reader.getMatchingIndexingMap(use).isIdentity();
      if (joins || !linalg::areElementwiseOpsFusable(use))
        continue;
      FailureOr<linalg::ElementwiseOpFusionResult> fused =
          linalg::fuseElementwiseOps(rewriter, use);
      if (failed(fused))
        continue;
      for (NamedAttribute attr : reader->getDiscardableAttrs())
        fused->fusedOp->setDiscardableAttr(attr.getName(), attr.getValue());
      SmallVector<Value> results;
      for (Value result : reader->getResults())
        results.push_back(fused->replacements.lookup(result));
      rewriter.replaceOp(reader, results);
    }
}

void FuseEpilogues::mergeGroup(ArrayRef<Operation *> group) {
  if (group.size() < 2)
    return;
  auto last = cast<linalg::GenericOp>(group.back());
  llvm::SmallDenseSet<Value> inside;
  for (Operation *op : group.drop_back())
    inside.insert(op->getResult(0));
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  for (Operation *op : group)
    for (OpOperand *input : cast<linalg::GenericOp>(op).getDpsInputOperands()) {
      if (inside.contains(input->get()))
        continue;
      AffineMap map = cast<linalg::GenericOp>(op).getMatchingIndexingMap(input);
      bool known = false;
      for (auto [value, other] : llvm::zip(inputs, maps))
        known |= value == input->get() && other == map;
      if (known)
        continue;
      inputs.push_back(input->get());
      maps.push_back(map);
    }
  SmallVector<AffineMap> allMaps(maps);
  allMaps.push_back(last.getMatchingIndexingMap(last.getDpsInitOperand(0)));
  OpBuilder builder(last);
  SmallVector<Location> locations;
  for (Operation *op : llvm::reverse(group))
    locations.push_back(op->getLoc());
  auto merged = linalg::GenericOp::create(
      builder, builder.getFusedLoc(locations), last->getResultTypes(), inputs,
      ValueRange(last.getDpsInits()), allMaps, last.getIteratorTypesArray(),
      [&](OpBuilder &b, Location, ValueRange args) {
        IRMapping mapping;
        DenseMap<Value, Value> results;
        Value result;
        for (Operation *op : group) {
          auto generic = cast<linalg::GenericOp>(op);
          for (OpOperand *input : generic.getDpsInputOperands()) {
            BlockArgument arg =
                generic.getBody()->getArgument(input->getOperandNumber());
            if (Value inner = results.lookup(input->get())) {
              mapping.map(arg, inner);
              continue;
            }
            AffineMap map = generic.getMatchingIndexingMap(input);
            for (auto [i, value] : llvm::enumerate(inputs))
              if (value == input->get() && maps[i] == map)
                mapping.map(arg, args[i]);
          }
          for (Operation &inner : generic.getBody()->without_terminator())
            b.clone(inner, mapping);
          result = mapping.lookupOrDefault(
              generic.getBody()->getTerminator()->getOperand(0));
          results[op->getResult(0)] = result;
        }
        linalg::YieldOp::create(b, last.getLoc(), result);
      });
  for (NamedAttribute attr : last->getDiscardableAttrs())
    merged->setDiscardableAttr(attr.getName(), attr.getValue());
  for (Operation *op : group.drop_back())
    if (StringRef name = qopt::getOpName(op); !name.empty())
      members[merged].push_back(name.str());
  last.getResult(0).replaceAllUsesWith(merged.getResult(0));
  for (Operation *op : llvm::reverse(group))
    op->erase();
}

/// The name of the contraction whose accumulator `op` reads, or empty.
static StringRef getAccumulatorName(linalg::GenericOp op) {
  for (Value input : op.getDpsInputs())
    if (Operation *producer = input.getDefiningOp();
        producer && getElementTypeOrSelf(input.getType()).isInteger(32))
      return qopt::getLocationName(producer->getLoc());
  return "";
}

/// What computes with the result of `op` in memory, for a person.
static StringRef describeReaders(Operation *op) {
  return llvm::any_of(op->getUsers(),
                      [](Operation *user) { return isa<func::ReturnOp>(user); })
             ? "writes an output of the model"
             : "writes a float tensor";
}

void FuseEpilogues::classify(Operation *op, ArrayRef<StringRef> names) {
  auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
  SmallVector<Value> tensors(op->getResults());
  if (linalgOp)
    llvm::append_range(tensors, linalgOp.getDpsInputs());
  else
    llvm::append_range(tensors, op->getOperands());
  unsigned bits = 8;
  std::string why;
  for (auto [i, tensor] : llvm::enumerate(tensors)) {
    auto type = dyn_cast<RankedTensorType>(tensor.getType());
    if (!type || (i > 0 && matchPattern(tensor, m_Constant())) ||
        tensor.getDefiningOp<tensor::EmptyOp>())
      continue;
    if (isa<FloatType>(type.getElementType())) {
      why = i == 0 ? describeReaders(op).str() : "reads a float tensor";
      break;
    }
    if (type.getElementType().isInteger(16))
      bits = 16;
  }
  auto generic = dyn_cast<linalg::GenericOp>(op);
  StringRef into =
      generic && isGroupable(op) ? getAccumulatorName(generic) : StringRef();
  for (StringRef name : names) {
    const Report::OpRow *row = report.findOp(name);
    if (!row || row->isContraction || row->precision != "f32")
      continue;
    if (StringRef(row->reason).starts_with("kept float")) {
      remarkFloat(op, row->reason);
    } else if (!why.empty()) {
      std::string reason =
          into.empty() ? why
                       : ("in the epilogue of " + into + ": " + why).str();
      report.setPrecision(name, "f32", reason);
      remarkFloat(op, reason);
    } else {
      report.setPrecision(name, bits == 8 ? "int8" : "int16",
                          into.empty() ? "between integer tensors"
                                       : ("in the epilogue of " + into).str());
    }
  }
}

void FuseEpilogues::finishReport() {
  getOperation().walk([&](Operation *op) {
    SmallVector<StringRef> names;
    if (auto it = members.find(op); it != members.end())
      names.assign(it->second.begin(), it->second.end());
    if (StringRef name = qopt::getOpName(op); !name.empty())
      names.push_back(name);
    if (!names.empty() && op->getNumResults())
      classify(op, names);
    op->removeAttr(kNameAttr);
  });
}
