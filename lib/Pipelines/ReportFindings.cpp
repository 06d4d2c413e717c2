//===- ReportFindings.cpp - What to look at first -------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Rules of thumb over the rows of the report, each with a remedy that this
// version has.
//
//===----------------------------------------------------------------------===//
#include "ReportDocument.h"

#include <cmath>

using namespace mlir;
using namespace mlir::qopt;

/// Shares of clipped values above this are listed: a thousandth is what methods
/// choose deliberately.
static constexpr double kMuchClipped = 1e-3;
/// Weights below this lose more than activations usually do, in dB.
static constexpr double kPoorWeightSqnrDb = 30;
/// With fewer samples ranges are hardly representative.
static constexpr double kFewSamples = 32;

static std::string formatPercent(double fraction) {
  return formatNumber(100 * fraction) + " %";
}

namespace {
class FindingList {
public:
  FindingList(const Report &report, size_t limit)
      : report(report), limit(limit) {}

  void addEdges();
  void addFloatContractions();
  void addWeights();
  void addCalibration();

  SmallVector<Finding> findings;

private:
  /// Adds the worst of `candidates`, and says how many others there are.
  void addWorst(SmallVectorImpl<std::pair<double, Finding>> &candidates);

  const Report &report;
  const size_t limit;
};
} // namespace

void FindingList::addWorst(
    SmallVectorImpl<std::pair<double, Finding>> &candidates) {
  llvm::stable_sort(candidates, [](const auto &a, const auto &b) {
    return a.first < b.first;
  });
  size_t shown = std::min(limit, candidates.size());
  for (size_t i = 0; i < shown; ++i)
    findings.push_back(std::move(candidates[i].second));
  if (shown < candidates.size())
    findings.push_back({Finding::Severity::Hint, findings.back().what, "",
                        false,
                        "And " + std::to_string(candidates.size() - shown) +
                            " more like these: sort the table of layers."});
}

void FindingList::addEdges() {
  SmallVector<std::pair<double, Finding>> noisy, clipped;
  report.forEachEdge([&](StringRef name, const Report::EdgeRow &row) {
    if (row.suffers()) {
      std::string readers = llvm::join(row.readers, ", ");
      noisy.emplace_back(
          *row.getExpectedSqnrDb(),
          Finding{Finding::Severity::Problem, "low expected SQNR", name.str(),
                  /*isEdge=*/true,
                  "What reads it" +
                      (readers.empty() ? "" : " (" + readers + ")") +
                      " is expected to have only " +
                      formatNumber(*row.getExpectedSqnrDb()) +
                      " dB: its channels or samples differ much in range. "
                      "--keep-float on the readers is the remedy; see whether "
                      "more calibration data changes it first."});
    } else if (row.clippedFraction > kMuchClipped) {
      clipped.emplace_back(
          -row.clippedFraction,
          Finding{Finding::Severity::Hint, "clipped values", name.str(),
                  /*isEdge=*/true,
                  formatPercent(row.clippedFraction) +
                      " of its values lie outside of the range that method '" +
                      row.method +
                      "' chose. If these matter, use --calibration-method=max "
                      "or a higher --percentile."});
    }
  });
  addWorst(noisy);
  addWorst(clipped);
}

void FindingList::addFloatContractions() {
  // One finding per reason: a policy or a missing feature has many ops.
  struct Group {
    std::string first;
    size_t count = 0;
  };
  llvm::MapVector<std::string, Group, std::map<std::string, unsigned>> groups;
  report.forEachOp([&](StringRef name, const Report::OpRow &row) {
    if (!row.isContraction || !isFloatPrecision(row.precision))
      return;
    Group &group = groups[row.reason];
    if (group.count++ == 0)
      group.first = name.str();
  });
  for (auto &[reason, group] : groups) {
    bool isWanted = StringRef(reason).starts_with("kept float by ");
    std::string detail =
        group.count == 1 ? ""
                         : "The first of " + std::to_string(group.count) + ". ";
    detail += "Reason: " + reason + ".";
    if (isWanted)
      detail += " A rule for its name with \"precision\": \"int8\" takes it "
                "back.";
    else
      detail += " --require-int8 makes this an error.";
    findings.push_back(
        {isWanted ? Finding::Severity::Hint : Finding::Severity::Problem,
         "contraction in float", group.first, false, detail});
  }
}

void FindingList::addWeights() {
  SmallVector<std::pair<double, Finding>> noisy;
  report.forEachWeight([&](StringRef name, const Report::WeightRow &row) {
    // Nothing is lost where all weights are exact or 0.
    if (std::isfinite(row.sqnrDb) && row.sqnrDb < kPoorWeightSqnrDb)
      noisy.emplace_back(
          row.sqnrDb,
          Finding{Finding::Severity::Hint, "coarse weights", name.str(), false,
                  "Its integer weights have " + formatNumber(row.sqnrDb) +
                      " dB: few of them are large. Try --weight-method=mse."});
    if (row.flooredScales)
      findings.push_back(
          {Finding::Severity::Problem, "weights out of range", name.str(),
           false,
           std::to_string(row.flooredScales) +
               " of its scales are clamped: these weights are too small or "
               "too large for int8. Keep it float, or scale the weights."});
    if (row.deadChannels)
      findings.push_back(
          {Finding::Severity::Hint, "dead channels", name.str(), false,
           std::to_string(row.deadChannels) + " of " +
               std::to_string(row.channels) +
               " output channels have no weights but 0: they could be "
               "pruned."});
  });
  addWorst(noisy);
}

void FindingList::addCalibration() {
  std::optional<double> samples = report.getNumber("calibration_samples");
  if (samples && *samples < kFewSamples)
    findings.push_back({Finding::Severity::Hint, "few samples", "", false,
                        "Ranges come from " + formatNumber(*samples) +
                            " samples; fewer than " +
                            formatNumber(kFewSamples) +
                            " hardly show what an edge can hold."});
}

SmallVector<Finding> mlir::qopt::getFindings(const ReportDocument &document,
                                             size_t limit) {
  FindingList list(document.report, limit);
  list.addEdges();
  list.addFloatContractions();
  list.addWeights();
  list.addCalibration();
  llvm::stable_sort(list.findings, [](const Finding &a, const Finding &b) {
    return a.severity < b.severity;
  });
  return std::move(list.findings);
}
