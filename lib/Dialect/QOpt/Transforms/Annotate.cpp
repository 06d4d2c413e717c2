//===- Annotate.cpp - Choose and name what may become integer ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Names are given here once; every upstream rewrite that must come first is
// part of import, so that a name does not depend on later options. An observer
// goes on the value behind data movement (padding, transposes, reshapes),
// because that is where the integers are cheapest to make and to keep.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Analysis/Constants.h"
#include "QuantOpt/Analysis/Elementwise.h"
#include "QuantOpt/Analysis/Policy.h"
#include "QuantOpt/Analysis/Quantizable.h"
#include "QuantOpt/Analysis/Report.h"
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h"
#include "QuantOpt/Frontend/Entry.h"

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
  if (isa<linalg::FillOp, linalg::TransposeOp, linalg::BroadcastOp,
          linalg::CopyOp>(op) ||
      !isa<linalg::LinalgOp>(op))
    return "";
  auto generic = dyn_cast<linalg::GenericOp>(op);
  if (!generic)
    return op->getName().stripDialect();
  bool isCopy = llvm::hasSingleElement(*generic.getBody());
  if (isCopy)
    return "";
  if (matchClamp(generic))
    return "clamp";
  if (isElementwise(generic))
    return "elementwise";
  return generic.getNumReductionLoops() ? "reduction" : "generic";
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
    numContractions = contractionIndex = 0;
    entry->walk([&](Operation *op) {
      op->removeAttr(kQuantizeAttr);
      numContractions += matchQuantizable(op).has_value();
    });
    entry->walk([&](Operation *op) { consider(op, *entry, chosen); });
    for (const Quantizable &match : chosen)
      observe(match, *entry);
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
  void observe(const Quantizable &match, func::FuncOp entry);

  Report report;
  llvm::StringSet<> usedNames;
  llvm::StringMap<unsigned> counters;
  const Policy *decisions = nullptr;
  unsigned numContractions = 0, contractionIndex = 0;
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
    // Bias and clamps may still join an epilogue: lower has the last word, and
    // makes the remark.
    report.setOp(name, {kind.str(), printLocation(op->getLoc()), "f32",
                        "computed between dequantize and quantize: only "
                        "contractions are integer in this version"});
    return;
  }
  std::string reason =
      decision.quantize ? whyFloat(*match, entry) : decision.reason;
  if (!reason.empty())
    return reportFloat(report, op, kind, reason);
  report.setOp(name,
               {kind.str(), printLocation(op->getLoc()), "int8",
                decision.reason.empty() ? "constant weights" : decision.reason,
                /*isContraction=*/true});
  op->setAttr(kQuantizeAttr, UnitAttr::get(op->getContext()));
  chosen.push_back(*match);
}

std::string Annotate::whyFloat(const Quantizable &match, func::FuncOp entry) {
  if (!match.weight)
    return "both operands are run-time values: only contractions with constant "
           "weights are integer in this version";
  auto activation =
      dyn_cast<RankedTensorType>(match.activation->get().getType());
  auto weight = dyn_cast<RankedTensorType>(match.weight->get().getType());
  if (!activation || !activation.getElementType().isF32() ||
      !weight.getElementType().isF32())
    return "operands are not f32";
  if (!activation.hasStaticShape() || !weight.hasStaticShape())
    return "shapes are not static";
  if (!startsFromZero(match))
    return "it accumulates onto a value that is not zero";
  if (match.op->getParentOp() != entry)
    return "it is inside a loop or another region";
  return "";
}

/// The op whose result `value` is, as a person would name the edge.
static std::string getEdgeName(Value value, func::FuncOp entry) {
  if (auto arg = dyn_cast<BlockArgument>(value))
    return qopt::getArgumentName(entry, arg.getArgNumber());
  StringRef name = getOpName(value.getDefiningOp());
  if (name.empty())
    return "";
  unsigned index = cast<OpResult>(value).getResultNumber();
  return (name + ":" + llvm::Twine(index)).str();
}

void Annotate::observe(const Quantizable &match, func::FuncOp entry) {
  Value source = getMovementSource(match.activation->get());
  if (source.getDefiningOp<ObserveOp>())
    return;
  std::string name = getEdgeName(source, entry);
  if (name.empty())
    name = (qopt::getOpName(match.op) + ":input").str();
  OpBuilder builder(match.op->getContext());
  builder.setInsertionPointAfterValue(source);
  auto observed = ObserveOp::create(builder, source.getLoc(), source, name);
  source.replaceAllUsesExcept(observed.getResult(), observed);
}
