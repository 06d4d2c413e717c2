//===- ExplainEdges.cpp - Why an edge has its type, in words --------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "ExplainEdges.h"

#include "QuantOpt/Analysis/Policy.h"
#include "QuantOpt/Analysis/Quantizable.h"
#include "QuantOpt/Analysis/Report.h"
#include "QuantOpt/Frontend/Entry.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>

using namespace mlir;
using namespace mlir::qopt;

/// Names shown of a list that may be long.
static constexpr size_t kNamesShown = 4;

/// An op as a person would call it.
static std::string getName(Operation *op) {
  if (auto observer = dyn_cast<ObserveOp>(op))
    return observer.getName().str();
  if (StringRef name = qopt::getOpName(op); !name.empty())
    return name.str();
  if (StringRef name = getLocationName(op->getLoc()); !name.empty())
    return name.str();
  if (auto composite = dyn_cast<CompositeOp>(op))
    return composite.getIdiom().str();
  if (isa<LoopLikeOpInterface>(op))
    return "the loop";
  if (op->hasTrait<OpTrait::ReturnLike>())
    return isa<func::FuncOp>(op->getParentOp()) ? "the output" : "the loop";
  return op->getName().stripDialect().str();
}

/// What computes the values of an edge.
static std::string getProducerName(ObserveOp op) {
  Value source = getMovementSource(op.getInput());
  if (Operation *producer = source.getDefiningOp())
    return getName(producer);
  auto argument = cast<BlockArgument>(source);
  auto function = dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp());
  return function ? getArgumentName(function, argument.getArgNumber())
                  : "the loop";
}

static std::string listNames(ArrayRef<std::string> names) {
  std::string text = llvm::join(names.take_front(kNamesShown), ", ");
  if (names.size() > kNamesShown)
    text += " and " + std::to_string(names.size() - kNamesShown) + " more";
  return text;
}

static std::string toDecibels(double factor) {
  return llvm::formatv("{0:f1} dB", 10.0 * std::log10(factor)).str();
}

std::vector<std::string>
mlir::qopt::getContractionNames(const ScaleAnalysis::Edge &edge) {
  std::vector<std::string> names;
  for (Operation *reader : edge.readers)
    if (!qopt::getOpName(reader).empty() && matchQuantizable(reader))
      names.push_back(qopt::getOpName(reader).str());
  return names;
}

std::vector<std::string>
mlir::qopt::getReaderNames(const ScaleAnalysis &analysis,
                           const ScaleAnalysis::Edge &edge) {
  std::vector<std::string> names;
  auto add = [&](std::string name) {
    if (!llvm::is_contained(names, name))
      names.push_back(std::move(name));
  };
  for (Operation *reader : edge.readers)
    add(getName(reader));
  for (unsigned other : edge.readingEdges) {
    ObserveOp observer = analysis.getEdges()[other].op;
    add("edge " + observer.getName().str());
  }
  return names;
}

/// "memory between a and b, c: 8 bits would leave 31.2 dB".
static std::string explainMemory(const ScaleAnalysis &analysis,
                                 const ScaleAnalysis::Edge &edge,
                                 const EdgeDecision &decision) {
  std::string text = "memory between " + getProducerName(edge.op) + " and " +
                     listNames(getReaderNames(analysis, edge));
  std::string rule;
  if (std::optional<RequestedBits> requested = getRequestedBits(edge.op))
    rule = "; " + requested->reason.str();
  if (!decision.own || !decision.own->sqnr8)
    return text + rule;
  bool isWide = decision.type.getStorageTypeIntegralWidth() > 8;
  return text +
         llvm::formatv(": 8 bits {0} {1:f1} dB",
                       isWide ? "would leave" : "leave", *decision.own->sqnr8)
             .str() +
         rule;
}

/// What the edges of a group have in common.
static std::string describeGroup(const ScaleAnalysis &analysis,
                                 const ScaleAnalysis::Group &group,
                                 unsigned index) {
  if (group.joint)
    return getName(group.joint) + "'s operands";
  unsigned other =
      group.edges.front() == index ? group.edges.back() : group.edges.front();
  ObserveOp observer = analysis.getEdges()[other].op;
  return "edge " + observer.getName().str();
}

std::string mlir::qopt::explainEdge(const ScaleAnalysis &analysis,
                                    ArrayRef<EdgeDecision> decisions,
                                    unsigned index) {
  const ScaleAnalysis::Edge &edge = analysis.getEdges()[index];
  const ScaleAnalysis::Group &group = analysis.getGroups()[edge.group];
  const EdgeDecision &decision = decisions[index];
  auto getEdgeName = [&](unsigned i) {
    ObserveOp observer = analysis.getEdges()[i].op;
    return observer.getName().str();
  };
  std::vector<std::string> contractions = getContractionNames(edge);
  std::string text;
  if ((edge.demands & kEightBits) && !contractions.empty())
    text = (contractions.size() == 1 ? "read by contraction "
                                     : "read by contractions ") +
           listNames(contractions);
  else
    text = explainMemory(analysis, edge, decision);
  switch (decision.kind) {
  case EdgeDecision::Kind::Model:
    return text + "; the type that the model came with";
  case EdgeDecision::Kind::Shared:
    if (decision.source)
      return text + "; the type that the model gave edge " +
             getEdgeName(*decision.source);
    return text + "; same scale as " + describeGroup(analysis, group, index);
  case EdgeDecision::Kind::PassedOn:
    return text + "; the type of edge " + getEdgeName(*decision.source) +
           ", which alone reads it";
  case EdgeDecision::Kind::Own:
    if (decision.own->source == OwnType::Source::KnownRange)
      text += llvm::formatv("; known to be within [{0}, {1}]", edge.range.low,
                            edge.range.high)
                  .str();
    if (decision.lossOfSharing > kAgreementTolerance)
      text += "; a scale of its own: one for all of " +
              describeGroup(analysis, group, index) + " would " +
              (std::isinf(decision.lossOfSharing)
                   ? "not hold its values"
                   : "cost " + toDecibels(decision.lossOfSharing));
    return text;
  case EdgeDecision::Kind::Dynamic:
    return text;
  }
  llvm_unreachable("unknown kind of decision");
}

void mlir::qopt::warnAboutConflict(const ScaleAnalysis &analysis,
                                   const ScaleAnalysis::Group &group) {
  FinalType first = group.state.getTypes()[0];
  FinalType second = group.state.getTypes()[1];
  ObserveOp a = analysis.getEdges()[first.producer].op;
  ObserveOp b = analysis.getEdges()[second.producer].op;
  Operation *meeting = analysis.getMeetingOp(first.producer, second.producer);
  InFlightDiagnostic warning =
      (meeting ? meeting : b.getOperation())->emitWarning()
      << "edges '" << a.getName() << "' and '" << b.getName()
      << "' meet here, but the model gives them different types: it is "
         "requantized, as the model says";
  warning.attachNote(a.getLoc())
      << "edge '" << a.getName() << "' has the type " << first.type;
  warning.attachNote(b.getLoc())
      << "edge '" << b.getName() << "' has the type " << second.type;
}
