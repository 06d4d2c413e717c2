//===- AgreeOnTypes.cpp - One type per group where that costs little ------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Final types come first, then types that all of a group can live with, then
// each edge's own. An edge that is only passed on to others of its group has no
// say: whatever its own type were, it would be requantized to theirs.
//
//===----------------------------------------------------------------------===//
#include "AgreeOnTypes.h"

using namespace mlir;
using namespace mlir::qopt;

using Kind = EdgeDecision::Kind;

namespace {
class Agreement {
public:
  Agreement(const ScaleAnalysis &analysis, const TypeOptions &options)
      : analysis(analysis), options(options),
        decisions(analysis.getEdges().size()) {}

  LogicalResult chooseOwnTypes();
  void agree(const ScaleAnalysis::Group &group);
  void followReaders();

  SmallVector<EdgeDecision> takeDecisions() { return std::move(decisions); }

private:
  const ScaleAnalysis::Edge &getEdge(unsigned i) {
    return analysis.getEdges()[i];
  }
  bool isOpen(unsigned i) { return decisions[i].kind != Kind::Model; }
  double getLoss(unsigned i, quant::UniformQuantizedType type);
  void takeModelType(const ScaleAnalysis::Group &group);
  SmallVector<quant::UniformQuantizedType>
  proposeTypes(const ScaleAnalysis::Group &group);
  void share(const ScaleAnalysis::Group &group);

  const ScaleAnalysis &analysis;
  const TypeOptions &options;
  SmallVector<EdgeDecision> decisions;
};
} // namespace

LogicalResult Agreement::chooseOwnTypes() {
  for (auto [edge, decision] : llvm::zip(analysis.getEdges(), decisions)) {
    ObserveOp op = edge.op;
    if (op.getStats()) {
      FailureOr<OwnType> own = chooseOwnType(edge, options);
      if (failed(own))
        return failure();
      decision.kind = Kind::Own;
      decision.type = own->type;
      decision.own = *own;
    } else if (op.getType()) {
      decision.kind = Kind::Model;
      decision.type = cast<quant::UniformQuantizedType>(*op.getType());
    }
  }
  return success();
}

/// The factor by which `type` raises the error of edge `i` over that of its own
/// type; 1 for an edge that is only passed on.
double Agreement::getLoss(unsigned i, quant::UniformQuantizedType type) {
  ObserveOp op = getEdge(i).op;
  if (getEdge(i).isPassedOn())
    return 1.0;
  return ErrorEstimate(*op.getStats(), options.method)
      .getLoss(type, decisions[i].own->type);
}

/// One final type: those that it costs little take it. Edges of which nothing
/// is known take it where all do: they hold nothing else, or are read as
/// nothing else.
void Agreement::takeModelType(const ScaleAnalysis::Group &group) {
  const FinalType &model = group.state.getTypes().front();
  auto take = [&](unsigned i) {
    decisions[i].kind = Kind::Shared;
    decisions[i].type = model.type;
    decisions[i].source = model.producer;
  };
  bool known = true;
  for (unsigned i : group.edges) {
    if (!isOpen(i))
      continue;
    if (!decisions[i].own) {
      known &= getEdge(i).isCarried || getEdge(i).isPassedOn();
      continue;
    }
    double loss = getLoss(i, model.type);
    decisions[i].lossOfSharing = loss;
    if (loss <= kAgreementTolerance)
      take(i);
    else
      known = false;
  }
  for (unsigned i : group.edges)
    if (known && isOpen(i) && !decisions[i].own)
      take(i);
}

/// The types that a group of edges with statistics may agree on: each one's
/// own, then those for the limits of all.
SmallVector<quant::UniformQuantizedType>
Agreement::proposeTypes(const ScaleAnalysis::Group &group) {
  SmallVector<quant::UniformQuantizedType> types;
  Interval limits;
  bool oneSided = true, anyWide = false;
  for (unsigned i : group.edges) {
    ObserveOp op = getEdge(i).op;
    quant::UniformQuantizedType own = decisions[i].type;
    types.push_back(own);
    anyWide |= own.getStorageTypeIntegralWidth() > 8;
    Interval range = getLimits(own);
    if (own.isSigned() && own.getZeroPoint() == 0)
      range.low = -range.high;
    limits = limits.hull(range);
    oneSided &= op.getStats()->getMin() >= 0;
  }
  MLIRContext *context = types[0].getContext();
  for (Storage storage : {Storage::U8, Storage::S8, Storage::U8Asymmetric})
    if (isAllowed(storage, options.activations, oneSided) &&
        (oneSided || storage != Storage::U8))
      types.push_back(makeType(context, storage, limits.low, limits.high,
                               options.storageS8));
  if (anyWide)
    types.push_back(makeWideType(context, std::max(-limits.low, limits.high)));
  bool eightBits = group.state.getDemands() & kEightBits;
  return llvm::to_vector(
      llvm::make_filter_range(types, [&](quant::UniformQuantizedType type) {
        return !eightBits || type.getStorageTypeIntegralWidth() == 8;
      }));
}

/// No final type: of those that cost all edges little the narrowest, then the
/// one that raises the error of an edge least.
void Agreement::share(const ScaleAnalysis::Group &group) {
  if (!llvm::all_of(group.edges,
                    [&](unsigned i) { return decisions[i].own.has_value(); }))
    return;
  double gain = getAsymmetricGain(group.state.getDemands());
  // Whether it costs too much, bits, loss with the zero-point term paid for.
  using Rank = std::tuple<bool, unsigned, double>;
  Rank least(true, ~0u, std::numeric_limits<double>::infinity());
  double leastLoss = std::numeric_limits<double>::infinity();
  quant::UniformQuantizedType best;
  for (quant::UniformQuantizedType type : proposeTypes(group)) {
    double worst = 1.0;
    for (unsigned i : group.edges)
      worst = std::max(worst, getLoss(i, type));
    leastLoss = std::min(leastLoss, worst);
    Interval limits = getLimits(type);
    bool asymmetric = type.getZeroPoint() != 0 && limits.low != 0;
    Rank rank(worst > kAgreementTolerance, type.getStorageTypeIntegralWidth(),
              asymmetric ? worst / gain : worst);
    if (rank < least) {
      least = rank;
      best = type;
    }
  }
  for (unsigned i : group.edges) {
    decisions[i].lossOfSharing = leastLoss;
    if (leastLoss > kAgreementTolerance)
      continue;
    decisions[i].kind = Kind::Shared;
    decisions[i].type = best;
  }
}

void Agreement::agree(const ScaleAnalysis::Group &group) {
  if (group.edges.size() < 2)
    return;
  switch (group.state.getLevel()) {
  case ScaleState::Level::Conflict:
    return;
  case ScaleState::Level::Type:
    return takeModelType(group);
  case ScaleState::Level::Demands:
  case ScaleState::Level::Bottom:
    return share(group);
  }
}

/// Where a group does not agree, an edge that one other edge alone reads takes
/// that one's type: it saves a requantization.
void Agreement::followReaders() {
  // Readers come later, except around loops.
  for (unsigned i = decisions.size(); i-- > 0;) {
    const ScaleAnalysis::Edge &edge = getEdge(i);
    bool isDecided =
        decisions[i].kind == Kind::Model || decisions[i].kind == Kind::Shared;
    if (isDecided || !edge.isPassedOn() || edge.readingEdges.size() != 1)
      continue;
    unsigned reader = edge.readingEdges.front();
    if (!decisions[reader].type || reader == i)
      continue;
    decisions[i].kind = Kind::PassedOn;
    decisions[i].type = decisions[reader].type;
    decisions[i].source = reader;
  }
}

FailureOr<SmallVector<EdgeDecision>>
mlir::qopt::agreeOnTypes(const ScaleAnalysis &analysis,
                         const TypeOptions &options) {
  Agreement agreement(analysis, options);
  if (failed(agreement.chooseOwnTypes()))
    return failure();
  for (const ScaleAnalysis::Group &group : analysis.getGroups())
    agreement.agree(group);
  agreement.followReaders();
  return agreement.takeDecisions();
}
