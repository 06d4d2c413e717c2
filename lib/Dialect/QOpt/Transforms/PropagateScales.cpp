//===- PropagateScales.cpp - Agree on one quantized type per edge ---*- C++
//-*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The analysis (Analysis/ScaleAnalysis.h) finds which edges can be integers of
// one type and what their readers need, AgreeOnTypes.h decides. Here types are
// put on observers, and people are told.
//
//===----------------------------------------------------------------------===//
#include "ExplainEdges.h"

#include "QuantOpt/Analysis/Quantizable.h"
#include "QuantOpt/Analysis/Report.h"
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h"
#include "QuantOpt/Statistics/CalibrationTable.h"
#include "QuantOpt/Support/QuantMath.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

namespace mlir::qopt {
#define GEN_PASS_DEF_PROPAGATESCALES
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h.inc"
} // namespace mlir::qopt

using namespace mlir;
using namespace mlir::qopt;

/// Clipping more of an edge's values than this is worth a warning.
static constexpr double kMuchClipped = 0.01;

/// What TensorRT expects in the first line; the algorithm and the version are
/// compared by some of its releases.
static constexpr const char *kTensorRTHeader = "TRT-8601-EntropyCalibration2";

/// "i8", "u8", "i16".
static std::string getStorageName(quant::UniformQuantizedType type) {
  return (type.isSigned() ? "i" : "u") +
         std::to_string(type.getStorageTypeIntegralWidth());
}

namespace {
struct PropagateScales
    : public qopt::impl::PropagateScalesBase<PropagateScales> {
  using PropagateScalesBase::PropagateScalesBase;

  void runOnOperation() override {
    report = Report::load(getOperation());
    if (failed(propagate()) || failed(writeTensorRTCache()))
      return signalPassFailure();
    eraseRedundantObservers();
    report.save(getOperation());
  }

private:
  TypeOptions getOptions() const {
    return {method, activations, activationBits, storageS8};
  }
  LogicalResult propagate();
  /// Adds the row of an edge and warns of what people should know.
  void reportEdge(const ScaleAnalysis &analysis,
                  ArrayRef<EdgeDecision> decisions, unsigned index);
  void warnAbout(const EdgeDecision &decision, ObserveOp op,
                 const Report::EdgeRow &row, ArrayRef<std::string> readers);
  LogicalResult writeTensorRTCache();
  void eraseRedundantObservers();

  Report report;
};
} // namespace

LogicalResult PropagateScales::propagate() {
  ScaleAnalysis analysis(getOperation());
  FailureOr<SmallVector<EdgeDecision>> decisions =
      agreeOnTypes(analysis, getOptions());
  if (failed(decisions))
    return failure();
  for (const ScaleAnalysis::Group &group : analysis.getGroups())
    if (group.state.getLevel() == ScaleState::Level::Conflict)
      warnAboutConflict(analysis, group);
  bool calibrated = false;
  for (unsigned i = 0; i < decisions->size(); ++i) {
    const EdgeDecision &decision = (*decisions)[i];
    ObserveOp op = analysis.getEdges()[i].op;
    calibrated |= op.getStats().has_value();
    if (!decision.type)
      continue;
    op.setType(decision.type);
    reportEdge(analysis, *decisions, i);
  }
  if (calibrated)
    report.setText("calibration_method", stringifyMethod(method));
  return success();
}

/// How the limits of a decided edge were found.
static std::string getMethodName(const EdgeDecision &decision) {
  if (!decision.own || decision.type != decision.own->type)
    return decision.own ? "group" : "model";
  switch (decision.own->source) {
  case OwnType::Source::Candidate:
    return qopt::stringifyMethod(decision.own->candidate.getMethod()).str();
  case OwnType::Source::KnownRange:
    return "range";
  case OwnType::Source::Wide:
    return "max";
  }
  llvm_unreachable("unknown source of a type");
}

void PropagateScales::reportEdge(const ScaleAnalysis &analysis,
                                 ArrayRef<EdgeDecision> decisions,
                                 unsigned index) {
  const ScaleAnalysis::Edge &edge = analysis.getEdges()[index];
  const EdgeDecision &decision = decisions[index];
  ObserveOp op = edge.op;
  quant::UniformQuantizedType type = decision.type;
  Interval limits = getLimits(type);
  Report::EdgeRow row{limits.low,
                      limits.high,
                      type.getScale(),
                      type.getZeroPoint(),
                      getStorageName(type),
                      getMethodName(decision),
                      /*clippedFraction=*/0.0};
  if (std::optional<StatsAttr> stats = op.getStats()) {
    row.min = stats->getMin();
    row.max = stats->getMax();
    row.nonFinite = stats->getNonFinite();
    row.sentinels = stats->getSentinels();
    bool isCandidate = type == decision.own->type &&
                       decision.own->source == OwnType::Source::Candidate;
    CandidateAttr candidate = decision.own->candidate;
    row.clippedFraction = isCandidate
                              ? double(candidate.getClipped())
                              : ErrorEstimate(*stats, method).getClipped(type);
    if (wereWeighed(*stats))
      row.expectedError =
          isCandidate
              ? double(candidate.getCost())
              : ErrorEstimate(*stats, CalibrationMethod::Auto).getError(type);
  }
  row.readers = getContractionNames(edge);
  row.reason = explainEdge(analysis, decisions, index);
  warnAbout(decision, op, row,
            row.readers.empty() ? getReaderNames(analysis, edge) : row.readers);
  report.setEdge(op.getName(), std::move(row));
}

void PropagateScales::warnAbout(const EdgeDecision &decision, ObserveOp op,
                                const Report::EdgeRow &row,
                                ArrayRef<std::string> readers) {
  if (decision.own && row.clippedFraction > kMuchClipped)
    op.emitWarning()
        << "edge '" << op.getName()
        << "': " << llvm::formatv("{0:f1}", 100.0 * row.clippedFraction).str()
        << " % of its values lie outside of the range that "
        << (decision.source || row.method == "group"
                ? "its group"
                : "method '" + row.method + "'")
        << " chose";
  if (row.suffers())
    op.emitWarning()
        << "edge '" << op.getName() << "': what reads it ("
        << llvm::join(readers, ", ") << ") is expected to have "
        << llvm::formatv("{0:f1}", *row.getExpectedSqnrDb()).str()
        << " dB only: its channels or samples differ much in range";
}

/// An edge that has the integers of another one, moved, needs no casts of its
/// own: quantizing what was dequantized with the same type changes nothing. The
/// same holds for two final types, one right on the other.
void PropagateScales::eraseRedundantObservers() {
  SmallVector<ObserveOp> redundant;
  getOperation().walk([&](ObserveOp op) {
    auto source = getMovementSource(op.getInput()).getDefiningOp<ObserveOp>();
    bool isMoved = source && source.getResult() != op.getInput();
    bool isFinal = source && !source.getStats() && !op.getStats();
    if ((isMoved || isFinal) && op.getType() &&
        source.getType() == op.getType())
      redundant.push_back(op);
  });
  for (ObserveOp op : redundant) {
    report.eraseEdge(op.getName());
    op.replaceAllUsesWith(op.getInput());
    op.erase();
  }
}

LogicalResult PropagateScales::writeTensorRTCache() {
  if (tensorrtCache.empty())
    return success();
  TensorRTCache cache;
  cache.header = kTensorRTHeader;
  WalkResult result = getOperation().walk([&](ObserveOp op) {
    std::optional<StatsAttr> stats = op.getStats();
    CandidateAttr candidate =
        stats ? chooseCandidate(*stats, getOptions(), kNoDemand,
                                [](CandidateAttr c) {
                                  return c.getStorage() == Storage::S8;
                                })
              : CandidateAttr();
    if (!candidate) {
      op.emitError() << "edge '" << op.getName()
                     << "' has no symmetric range for a TensorRT cache";
      return WalkResult::interrupt();
    }
    cache.scales.emplace_back(
        op.getName().str(),
        quantmath::symmetricScale(candidate.getMax()).scale);
    return WalkResult::advance();
  });
  if (result.wasInterrupted())
    return failure();
  std::string text = printTensorRTCache(cache);
  if (llvm::Error error =
          llvm::writeToOutput(tensorrtCache, [&](raw_ostream &os) {
            os << text;
            return llvm::Error::success();
          }))
    return getOperation().emitError()
           << "cannot write '" << tensorrtCache
           << "': " << llvm::toString(std::move(error));
  return success();
}
