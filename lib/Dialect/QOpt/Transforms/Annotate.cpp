//===- Annotate.cpp - Choose and name what may become integer ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Names are given here once; every upstream rewrite that must come first is
// part of import, so that a name does not depend on later options. Observed are
// the values that contractions read, and every other float tensor that one
// computing op leaves in memory for another. An observer goes on the value
// behind data movement (padding, transposes, reshapes), because that is where
// the integers are cheapest to make and to keep.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Analysis/Constants.h"
#include "QuantOpt/Analysis/Elementwise.h"
#include "QuantOpt/Analysis/ElementwiseGroups.h"
#include "QuantOpt/Analysis/Policy.h"
#include "QuantOpt/Analysis/Quantizable.h"
#include "QuantOpt/Analysis/Report.h"
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h"
#include "QuantOpt/Frontend/Entry.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

namespace mlir::qopt {
#define GEN_PASS_DEF_ANNOTATE
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h.inc"
} // namespace mlir::qopt

using namespace mlir;
using namespace mlir::qopt;

/// The kind of a computing op, empty for those that only move, make or return
/// values.
static StringRef getKind(Operation *op) {
  if (std::optional<Quantizable> match = matchQuantizable(op))
    return match->kind;
  if (auto composite = dyn_cast<CompositeOp>(op))
    return composite.getIdiom();
  if (isa<tensor::ConcatOp>(op))
    return "concat";
  if (isa<scf::ForOp>(op))
    return "loop";
  if (isa<linalg::FillOp, linalg::TransposeOp, linalg::BroadcastOp,
          linalg::CopyOp>(op) ||
      !isa<linalg::LinalgOp>(op))
    return "";
  auto generic = dyn_cast<linalg::GenericOp>(op);
  if (!generic)
    return op->getName().stripDialect();
  if (llvm::hasSingleElement(*generic.getBody()))
    return "";
  if (getGatherExtract(generic))
    return "gather";
  if (matchClamp(generic))
    return "clamp";
  if (isElementwise(generic))
    return "elementwise";
  return generic.getNumReductionLoops() ? "reduction" : "generic";
}

/// Visits the ops that may have names, in the order of the text. The bodies of
/// the ones left out compute single elements, or are idioms that are named as a
/// whole.
static void walkNamed(func::FuncOp entry, function_ref<void(Operation *)> fn) {
  entry.walk<WalkOrder::PreOrder>([&](Operation *op) {
    fn(op);
    return isa<linalg::LinalgOp, CompositeOp>(op) ? WalkResult::skip()
                                                  : WalkResult::advance();
  });
}

namespace {
struct Annotate : public qopt::impl::AnnotateBase<Annotate> {
  using AnnotateBase::AnnotateBase;

  void runOnOperation() override {
    FailureOr<func::FuncOp> entry = findEntry(getOperation(), this->entry);
    if (failed(entry))
      return signalPassFailure();
    PolicyOptions policyOptions{policy, *rules, *keepFloat};
    FailureOr<Policy> created =
        Policy::create(policyOptions, &getContext(),
                       [&] { return getOperation().emitError(); });
    if (failed(created))
      return signalPassFailure();
    decisions = &*created;
    report = Report::load(getOperation());
    report.setNumber("weights_bytes_before", getWeightBytes(getOperation()));
    usedNames.clear();
    counters.clear();
    SmallVector<Quantizable> chosen;
    keptFloat.clear();
    numContractions = contractionIndex = 0;
    entry->walk([](Operation *op) { op->removeAttr(kQuantizeAttr); });
    walkNamed(*entry, [&](Operation *op) {
      numContractions += matchQuantizable(op).has_value();
    });
    walkNamed(*entry, [&](Operation *op) { consider(op, *entry, chosen); });
    for (const Quantizable &match : chosen)
      for (OpOperand *operand : {match.activation, match.other})
        if (operand)
          observe(getMovementSource(operand->get()),
                  (qopt::getOpName(match.op) + ":input").str(), *entry);
    observeMemory(*entry);
    decisions->warnUnmatched(entry->getLoc());
    report.save(getOperation());
  }

private:
  std::string makeName(Operation *op, StringRef kind);
  /// Names `op` and either chooses it or says why it stays float.
  void consider(Operation *op, func::FuncOp entry,
                SmallVectorImpl<Quantizable> &chosen);
  /// Why the matched op cannot become integer; empty if it can.
  std::string whyFloat(const Quantizable &match, func::FuncOp entry);
  /// Puts an observer on `source` unless it has one.
  void observe(Value source, StringRef fallbackName, func::FuncOp entry);
  /// Observes the float tensors that ops other than contractions read.
  void observeMemory(func::FuncOp entry);
  bool isWorthStoring(Value value, const ElementwiseGroups &groups) const;

  Report report;
  llvm::StringSet<> usedNames;
  llvm::StringMap<unsigned> counters;
  const Policy *decisions = nullptr;
  unsigned numContractions = 0, contractionIndex = 0;
  /// Ops other than contractions that the policy keeps float.
  DenseSet<Operation *> keptFloat;
};
} // namespace

std::string Annotate::makeName(Operation *op, StringRef kind) {
  std::string base = getLocationName(op->getLoc()).str();
  if (base.empty())
    base = (kind + "_" + llvm::Twine(counters[kind]++)).str();
  std::string name = base;
  for (unsigned i = 1; !usedNames.insert(name).second; ++i)
    name = base + "#" + std::to_string(i);
  return name;
}

void Annotate::consider(Operation *op, func::FuncOp entry,
                        SmallVectorImpl<Quantizable> &chosen) {
  StringRef kind = getKind(op);
  if (kind.empty())
    return;
  std::string name = makeName(op, kind);
  op->setAttr(kNameAttr, StringAttr::get(op->getContext(), name));
  std::optional<Quantizable> match = matchQuantizable(op);
  Decision decision = decisions->decide(
      match ? PolicyQuery::makeContraction(name, *match, contractionIndex++,
                                           numContractions)
            : PolicyQuery::make(name, kind));
  decision.annotate(op);
  if (!match) {
    if (isa<scf::ForOp>(op))
      return;
    // What its tensors are is known when they are lowered.
    if (!decision.quantize)
      keptFloat.insert(op);
    report.setOp(name, {kind.str(), printLocation(op->getLoc()), "f32",
                        decision.quantize ? "reads or writes float tensors"
                                          : decision.reason});
    return;
  }
  std::string reason =
      decision.quantize ? whyFloat(*match, entry) : decision.reason;
  if (!reason.empty())
    return reportFloat(report, op, kind, reason);
  StringRef why =
      match->weight ? "constant weights" : "both operands are run-time values";
  report.setOp(name, {kind.str(), printLocation(op->getLoc()), "int8",
                      decision.reason.empty() ? why.str() : decision.reason,
                      /*isContraction=*/true});
  op->setAttr(kQuantizeAttr, UnitAttr::get(op->getContext()));
  chosen.push_back(*match);
}

std::string Annotate::whyFloat(const Quantizable &match, func::FuncOp entry) {
  OpOperand *second = match.weight ? match.weight : match.other;
  if (!second)
    return "its second operand is neither a constant nor a tensor of its own";
  auto activation =
      dyn_cast<RankedTensorType>(match.activation->get().getType());
  auto weight = dyn_cast<RankedTensorType>(second->get().getType());
  if (!activation || !activation.getElementType().isF32() ||
      !weight.getElementType().isF32())
    return "operands are not f32";
  if (!activation.hasStaticShape() || !weight.hasStaticShape())
    return "shapes are not static";
  if (!startsFromZero(match))
    return "it accumulates onto a value that is not zero";
  if (match.other && match.kind != "matmul")
    return "a convolution with run-time weights";
  for (Operation *parent = match.op->getParentOp(); parent != entry;
       parent = parent->getParentOp())
    if (!isa<scf::ForOp>(parent))
      return ("it is inside of '" + parent->getName().getStringRef() + "'")
          .str();
  return "";
}

/// The op whose result `value` is, as a person would name the edge.
static std::string getEdgeName(Value value, func::FuncOp entry) {
  if (auto arg = dyn_cast<BlockArgument>(value)) {
    Operation *parent = arg.getOwner()->getParentOp();
    if (parent == entry)
      return qopt::getArgumentName(entry, arg.getArgNumber());
    // A loop's state; the induction variable is no tensor.
    return (getOpName(parent) + ":state" + llvm::Twine(arg.getArgNumber() - 1))
        .str();
  }
  StringRef name = getOpName(value.getDefiningOp());
  if (name.empty())
    return "";
  unsigned index = cast<OpResult>(value).getResultNumber();
  return (name + ":" + llvm::Twine(index)).str();
}

void Annotate::observe(Value source, StringRef fallbackName,
                       func::FuncOp entry) {
  // An edge that came quantized may have other readers, of the value before.
  auto isObserver = [](Operation *user) { return isa<ObserveOp>(user); };
  if (source.getDefiningOp<ObserveOp>() ||
      llvm::all_of(source.getUsers(), isObserver))
    return;
  std::string name = getEdgeName(source, entry);
  if (name.empty())
    name = fallbackName.str();
  if (llvm::any_of(source.getUsers(), isObserver))
    name += ":before";
  OpBuilder builder(&getContext());
  builder.setInsertionPointAfterValue(source);
  auto observed = ObserveOp::create(builder, source.getLoc(), source, name);
  source.replaceUsesWithIf(observed.getResult(), [&](OpOperand &use) {
    return !isObserver(use.getOwner());
  });
}

/// Tensors smaller than this are not worth a conversion.
static constexpr int64_t kMinElements = 16;

/// True if `op` adds or compares the elements of a tensor: it has an integer
/// form or is inside of an idiom that reads 8 bits.
static bool isReduction(Operation *op) {
  auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
  return linalgOp && linalgOp.getNumReductionLoops() > 0 &&
         !matchQuantizable(op);
}

bool Annotate::isWorthStoring(Value value,
                              const ElementwiseGroups &groups) const {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || !type.getElementType().isF32() || !type.hasStaticShape() ||
      type.getNumElements() < kMinElements)
    return false;
  Operation *producer = value.getDefiningOp();
  bool computes = isGroupable(producer) || isa<CompositeOp>(producer) ||
                  producer->hasAttr(kQuantizeAttr);
  if (!computes || groups.isInside(value) || keptFloat.contains(producer))
    return false;
  return llvm::any_of(getReadersBehindMovement(value), [&](OpOperand *use) {
    Operation *user = use->getOwner();
    return (isGroupable(user) || isa<CompositeOp>(user) || isReduction(user)) &&
           !keptFloat.contains(user);
  });
}

void Annotate::observeMemory(func::FuncOp entry) {
  ElementwiseGroups groups(entry);
  SmallVector<Value> values;
  walkNamed(entry, [&](Operation *op) {
    if (op->getNumResults() == 1 && isWorthStoring(op->getResult(0), groups))
      values.push_back(op->getResult(0));
  });
  for (Value value : values)
    observe(value, "", entry);
}
