//===- Policy.cpp - Which ops become integer, and on whose word -----------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Analysis/Policy.h"

#include "QuantOpt/Analysis/Movement.h"
#include "QuantOpt/Analysis/Quantizable.h"
#include "QuantOpt/Kernels/ChipInfo.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/Builders.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::qopt;

/// Stands for every contraction where a kind is asked for.
static constexpr StringLiteral kContractionKind = "contraction";

//===----------------------------------------------------------------------===//
// Queries
//===----------------------------------------------------------------------===//

static int64_t getNumElements(Value value) {
  auto type = dyn_cast<ShapedType>(value.getType());
  return type && type.hasStaticShape() ? type.getNumElements() : 0;
}

/// The extents of the loops that index the weights and the result: `channels`
/// is their product, `groups` that of those which index the activation, too.
static void countChannels(linalg::LinalgOp op, const Quantizable &match,
                          PolicyQuery &query) {
  OpOperand *weights = match.weight ? match.weight : match.other;
  auto indexes = [&](OpOperand *operand, unsigned loop) {
    return llvm::is_contained(op.getMatchingIndexingMap(operand).getResults(),
                              getAffineDimExpr(loop, op.getContext()));
  };
  for (auto [loop, extent] : llvm::enumerate(op.getStaticLoopRanges())) {
    if (!indexes(weights, loop) || !indexes(op.getDpsInitOperand(0), loop))
      continue;
    query.n *= extent;
    if (indexes(match.activation, loop))
      query.groups *= extent;
  }
}

PolicyQuery PolicyQuery::makeContraction(StringRef name,
                                         const Quantizable &match,
                                         unsigned index, unsigned count) {
  PolicyQuery query = make(name, match.kind);
  query.isContraction = true;
  query.k = match.reductionSize;
  query.n = query.groups = 1;
  query.index = index;
  query.count = count;
  Value result = match.op->getResult(0);
  if (match.weight)
    query.weights = getNumElements(match.weight->get());
  auto op = dyn_cast<linalg::LinalgOp>(match.op);
  int64_t outputs = getNumElements(result);
  if (op && outputs && (match.weight || match.other)) {
    countChannels(op, match, query);
  } else if (outputs) {
    for (int64_t dim : match.resultChannelDims)
      query.n *= cast<ShapedType>(result.getType()).getDimSize(dim);
  }
  query.m = query.n ? outputs / query.n : 0;
  return query;
}

PolicyQuery PolicyQuery::make(StringRef name, StringRef kind) {
  PolicyQuery query;
  query.name = name.str();
  query.kind = kind.str();
  return query;
}

//===----------------------------------------------------------------------===//
// Rules
//===----------------------------------------------------------------------===//

static bool fits(const std::optional<Bounds> &bounds, int64_t number) {
  return !bounds || bounds->contains(number);
}

bool Policy::CompiledRule::matches(const PolicyQuery &query) const {
  auto fitsName = [&](const Glob &glob) { return glob.matches(query.name); };
  auto fitsKind = [&](const Glob &glob) {
    return glob.matches(query.kind) ||
           (query.isContraction && glob.getText() == kContractionKind);
  };
  if ((!names.empty() && llvm::none_of(names, fitsName)) ||
      (!kinds.empty() && llvm::none_of(kinds, fitsKind)))
    return false;
  const RuleMatch &match = rule.match;
  bool hasSizes = match.k || match.n || match.m || match.weights ||
                  match.groups || match.macs || match.position;
  if (!hasSizes)
    return true;
  if (!query.isContraction)
    return false;
  if (match.position == Position::First && query.index != 0)
    return false;
  if (match.position == Position::Last && query.index + 1 != query.count)
    return false;
  uint64_t macs = std::min<uint64_t>(
      llvm::SaturatingMultiply(
          llvm::SaturatingMultiply(uint64_t(query.k), uint64_t(query.n)),
          uint64_t(query.m)),
      INT64_MAX);
  return fits(match.k, query.k) && fits(match.n, query.n) &&
         fits(match.m, query.m) && fits(match.weights, query.weights) &&
         fits(match.groups, query.groups) && fits(match.macs, macs);
}

LogicalResult Policy::add(Rule rule, bool isPreset,
                          function_ref<InFlightDiagnostic()> emitError) {
  CompiledRule compiled;
  auto compile = [&](ArrayRef<std::string> texts, StringRef key,
                     std::vector<Glob> &globs) -> LogicalResult {
    for (const std::string &text : texts) {
      llvm::Expected<Glob> glob = Glob::create(text);
      if (!glob)
        return emitError() << rule.origin << ": match." << key << ": '" << text
                           << "' is not a glob: "
                           << llvm::toString(glob.takeError());
      globs.push_back(std::move(*glob));
    }
    return success();
  };
  if (failed(compile(rule.match.names, "name", compiled.names)) ||
      failed(compile(rule.match.kinds, "kind", compiled.kinds)))
    return failure();
  compiled.rule = std::move(rule);
  compiled.isPreset = isPreset;
  rules.push_back(std::move(compiled));
  return success();
}

FailureOr<Policy> Policy::create(const PolicyOptions &options,
                                 MLIRContext *context,
                                 function_ref<InFlightDiagnostic()> emitError) {
  Policy policy;
  StringRef preset = options.preset.empty() ? StringRef(kDefaultPolicy)
                                            : StringRef(options.preset);
  std::optional<PolicyPreset> found = getPolicyPreset(preset);
  if (!found)
    return emitError() << "unknown policy '" << preset
                       << "'; this version knows " << listPolicyPresets();
  std::vector<Rule> userRules;
  for (const std::string &path : options.rulesFiles) {
    std::vector<Rule> fileRules;
    std::string error;
    if (!readRules(path, fileRules, error))
      return emitError() << "rules file " << error;
    llvm::append_range(userRules, fileRules);
  }
  // Checked here, for a message in the option's own words.
  if (failed(GlobList::create(options.keepFloat, "keep-float", emitError)))
    return failure();
  for (const std::string &text : options.keepFloat) {
    Rule rule;
    rule.match.names.push_back(text);
    rule.quantize = false;
    rule.origin = "--keep-float=" + text;
    userRules.push_back(std::move(rule));
  }
  policy.context = context;
  policy.chip = found->chip;
  for (Rule &rule : found->rules) {
    rule.origin = ("--policy=" + preset).str();
    if (failed(policy.add(std::move(rule), /*isPreset=*/true, emitError)))
      return failure();
  }
  for (Rule &rule : userRules)
    if (failed(policy.add(std::move(rule), /*isPreset=*/false, emitError)))
      return failure();
  return policy;
}

Decision Policy::decide(const PolicyQuery &query) const {
  Decision decision;
  if (chip && query.isContraction)
    if (std::optional<std::string> why = whySlowInInt8(query, *chip, context)) {
      decision.quantize = false;
      decision.reason =
          ("kept float by --policy=" + chip->name + ": ").str() + *why;
    }
  for (const CompiledRule &compiled : rules) {
    if (!compiled.matches(query))
      continue;
    compiled.hasMatched = true;
    const Rule &rule = compiled.rule;
    std::string who = rule.origin;
    if (!rule.reason.empty())
      who += ": " + rule.reason;
    if (rule.quantize) {
      decision.quantize = *rule.quantize;
      decision.reason = (*rule.quantize ? "int8 by " : "kept float by ") + who;
    }
    if (rule.bits) {
      decision.bits = rule.bits;
      decision.bitsReason = std::to_string(*rule.bits) + " bits by " + who;
    }
    if (rule.require)
      decision.requiredBy = *rule.require ? who : "";
  }
  return decision;
}

void Policy::warnUnmatched(Location loc) const {
  for (const CompiledRule &compiled : rules)
    if (!compiled.isPreset && !compiled.hasMatched)
      emitWarning(loc) << compiled.rule.origin
                       << " matches no op of the model (the names are in the "
                          "report and in --explain)";
}

void Decision::annotate(Operation *op) const {
  Builder b(op->getContext());
  for (StringRef name :
       {StringRef(kEdgeBitsAttr), StringRef(kEdgeBitsReasonAttr),
        StringRef(kRequiredAttr)})
    op->removeAttr(name);
  if (bits) {
    op->setAttr(kEdgeBitsAttr, b.getI64IntegerAttr(*bits));
    op->setAttr(kEdgeBitsReasonAttr, b.getStringAttr(bitsReason));
  }
  if (!requiredBy.empty())
    op->setAttr(kRequiredAttr, b.getStringAttr(requiredBy));
}

std::optional<RequestedBits> mlir::qopt::getRequestedBits(ObserveOp observer) {
  std::optional<RequestedBits> requested;
  auto ask = [&](Operation *op) {
    auto bits = op ? op->getAttrOfType<IntegerAttr>(kEdgeBitsAttr) : nullptr;
    if (!bits || (requested && bits.getInt() <= requested->bits))
      return;
    auto reason = op->getAttrOfType<StringAttr>(kEdgeBitsReasonAttr);
    requested = {static_cast<unsigned>(bits.getInt()),
                 reason ? reason.getValue() : StringRef()};
  };
  ask(observer.getInput().getDefiningOp());
  for (OpOperand *use : getReadersBehindMovement(observer.getResult()))
    ask(use->getOwner());
  return requested;
}

//===----------------------------------------------------------------------===//
// Globs
//===----------------------------------------------------------------------===//

llvm::Expected<Glob> Glob::create(StringRef text) {
  auto owned = std::make_unique<const std::string>(text.str());
  llvm::Expected<llvm::GlobPattern> pattern = llvm::GlobPattern::create(*owned);
  if (!pattern)
    return pattern.takeError();
  return Glob(std::move(owned), std::move(*pattern));
}

FailureOr<GlobList>
GlobList::create(ArrayRef<std::string> texts, StringRef what,
                 function_ref<InFlightDiagnostic()> emitError) {
  GlobList list;
  for (const std::string &text : texts) {
    llvm::Expected<Glob> glob = Glob::create(text);
    if (!glob)
      return emitError() << what << " pattern '" << text << "' is not a glob: "
                         << llvm::toString(glob.takeError());
    list.globs.push_back({std::move(*glob)});
  }
  return list;
}

std::optional<StringRef> GlobList::find(StringRef name) const {
  std::optional<StringRef> found;
  for (const Entry &entry : globs) {
    if (!entry.glob.matches(name))
      continue;
    entry.hasMatched = true;
    if (!found)
      found = entry.glob.getText();
  }
  return found;
}

SmallVector<StringRef> GlobList::getUnmatched() const {
  SmallVector<StringRef> result;
  for (const Entry &entry : globs)
    if (!entry.hasMatched)
      result.push_back(entry.glob.getText());
  return result;
}
