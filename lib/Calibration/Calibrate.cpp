//===- Calibrate.cpp - Statistics on every observer ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Statistics come from running the float model on data, from a table, or from
// both where an interrupted calibration goes on. Ranges are chosen from them in
// the same way.
//
//===----------------------------------------------------------------------===//
#include "Candidates.h"
#include "Collect.h"
#include "NonFinite.h"
#include "Readers.h"
#include "Sketch.h"

#include "QuantOpt/Analysis/Report.h"
#include "QuantOpt/Calibration/Interrupt.h"
#include "QuantOpt/Calibration/ModelDigest.h"
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h"
#include "QuantOpt/Execution/CpuKernels.h"
#include "QuantOpt/Frontend/Entry.h"
#include "mlir/IR/Threading.h"
#include "llvm/ADT/StringMap.h"

#include <chrono>
#include <sys/resource.h>

namespace mlir::qopt {
#define GEN_PASS_DEF_CALIBRATE
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h.inc"
} // namespace mlir::qopt

using namespace mlir;
using namespace mlir::qopt;

/// With fewer samples ranges are hardly representative.
static constexpr uint64_t kFewSamples = 32;

static double getPeakRss() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return 1024.0 * usage.ru_maxrss;
}

namespace {
struct Calibrate : public qopt::impl::CalibrateBase<Calibrate> {
  using CalibrateBase::CalibrateBase;

  void runOnOperation() override;

private:
  /// An empty table for `model`, one edge per observer.
  CalibrationTable makeTable();
  /// Reads `path` and checks that it belongs to the model.
  FailureOr<CalibrationTable> readTable();
  /// Brings the edges of `found` into the order of the observers; an edge that
  /// is missing is an error.
  LogicalResult selectEdges(CalibrationTable &found);
  /// Runs the model on the data and adds what it sees to the table.
  LogicalResult collect(func::FuncOp entry, CalibrationTable &table);
  /// Saves what an interrupted run has collected, and says how to go on.
  LogicalResult saveInterrupted(func::FuncOp entry, CalibrationTable &table);
  LogicalResult save(const CalibrationTable &table, StringRef path);
  LogicalResult applyTensorRTCache();
  /// Chooses ranges and puts them on the observers; leaves sketches of the
  /// distributions in the report.
  void apply(const CalibrationTable &table, Report &report);
  void warnAbout(ObserveOp op, const EdgeStatistics &edge,
                 const Distribution &values);

  SmallVector<ObserveOp> observers;
  std::vector<EdgeReaders> readers;
};
} // namespace

//===----------------------------------------------------------------------===//
// Tables
//===----------------------------------------------------------------------===//

CalibrationTable Calibrate::makeTable() {
  CalibrationTable result;
  result.tool = "quant-opt " QUANTOPT_VERSION;
  for (auto [op, edge] : llvm::zip(observers, readers))
    result.edges.push_back(
        {op.getName().str(), SampleStatistics(edge.getChannelLayout())});
  return result;
}

/// "'a', 'b' and 3 more".
static std::string listNames(ArrayRef<std::string> names) {
  constexpr size_t shown = 3;
  std::string text;
  for (const std::string &name : names.take_front(shown))
    text += (text.empty() ? "'" : ", '") + name + "'";
  if (names.size() > shown)
    text += " and " + std::to_string(names.size() - shown) + " more";
  return text;
}

LogicalResult Calibrate::selectEdges(CalibrationTable &found) {
  llvm::StringMap<CalibrationTable::Edge *> byName;
  for (CalibrationTable::Edge &edge : found.edges)
    byName[edge.name] = &edge;
  std::vector<CalibrationTable::Edge> selected;
  SmallVector<std::string> missing;
  for (ObserveOp op : observers) {
    CalibrationTable::Edge *edge = byName.lookup(op.getName());
    if (edge)
      selected.push_back(std::move(*edge));
    else
      missing.push_back(op.getName().str());
  }
  if (!missing.empty())
    return getOperation().emitError()
           << "calibration table '" << table << "' has nothing on edge"
           << (missing.size() > 1 ? "s " : " ") << listNames(missing)
           << ", which this job quantizes: calibrate again";
  found.edges = std::move(selected);
  return success();
}

FailureOr<CalibrationTable> Calibrate::readTable() {
  CalibrationTable found;
  std::string error;
  if (!readCalibrationTable(table, found, error))
    return getOperation().emitError() << error;
  ModelDigest digest = getModelDigest(getOperation());
  auto differs = [&](StringRef what) {
    return getOperation().emitError()
           << "calibration table '" << table << "' (made by " << found.tool
           << ") belongs to a model with other " << what
           << ": calibrate this model, or give the one the table was made for";
  };
  if (found.modelDigest != digest.structure)
    return differs("ops, shapes or imports (model " + found.modelDigest +
                   ", not " + digest.structure + ")");
  if (found.weightsDigest != digest.weights)
    return differs("weights (weights " + found.weightsDigest + ", not " +
                   digest.weights + ")");
  if (!found.complete && data.empty())
    return getOperation().emitError()
           << "calibration table '" << table
           << "' is what an interrupted calibration has saved after "
           << found.samples
           << " samples: give its --calibration-data as well to go on with it";
  if (found.complete && !data.empty())
    return getOperation().emitError()
           << "calibration table '" << table
           << "' is complete: give it or --calibration-data (to add data, "
              "calibrate them to a table of their own and use "
              "--merge-calibration)";
  if (failed(selectEdges(found)))
    return failure();
  return found;
}

LogicalResult Calibrate::save(const CalibrationTable &result, StringRef path) {
  std::string error;
  if (!writeCalibrationTable(result, path.str(), error))
    return getOperation().emitError() << error;
  return success();
}

LogicalResult Calibrate::saveInterrupted(func::FuncOp entry,
                                         CalibrationTable &result) {
  StringRef path = saveTable.empty() ? interrupted : saveTable;
  InFlightDiagnostic error = entry.emitError()
                             << "calibration was interrupted after "
                             << result.samples << " samples";
  if (path.empty())
    return error << "; nothing is saved without --save-calibration";
  result.complete = false;
  if (failed(save(result, path)))
    return failure();
  return error << ", which are saved in '" << path
               << "'; to go on, repeat the command with --calibration-table="
               << path;
}

//===----------------------------------------------------------------------===//
// Data
//===----------------------------------------------------------------------===//

LogicalResult Calibrate::collect(func::FuncOp entry, CalibrationTable &result) {
  SmallVector<ChannelLayout> layouts;
  for (const CalibrationTable::Edge &edge : result.edges)
    layouts.push_back(edge.statistics.getChannelLayout());
  auto model = ObservedModel::compile(getOperation(), entry.getName(),
                                      observers, layouts);
  if (failed(model))
    return failure();
  SmallVector<std::string> paths(data.begin(), data.end());
  auto samples = CalibrationData::open(
      paths, (*model)->getExecutable().inputs(), entry.getLoc());
  if (failed(samples))
    return failure();
  std::string error;
  if (!(*samples)->skip(result.data, error))
    return entry.emitError()
           << "calibration table '" << table << "': " << error;

  int64_t runsBefore = result.runs;
  SmallVector<SampleStatistics> statistics;
  for (CalibrationTable::Edge &edge : result.edges)
    statistics.push_back(std::move(edge.statistics));
  std::optional<ObservedModel::NonFiniteRun> nonFinite;
  StoppableCalibration stoppable;
  if (failed((*model)->collect(**samples, threads, runsBefore, statistics,
                               nonFinite, entry.getLoc())))
    return failure();
  for (auto [edge, seen] : llvm::zip(result.edges, statistics))
    edge.statistics = std::move(seen);
  result.data = (*samples)->getConsumed();
  result.runs = 0;
  for (const CalibrationTable::DataFile &file : result.data)
    result.runs += file.runs;
  result.samples = result.runs * (*model)->getSamplesPerRun();
  result.instructionSets.push_back(cpu::instructionSet());
  llvm::sort(result.instructionSets);
  result.instructionSets.erase(llvm::unique(result.instructionSets),
                               result.instructionSets.end());
  bool finished =
      result.runs == static_cast<uint64_t>((*samples)->getNumRuns());
  result.complete = finished;
  if (nonFinite)
    reportFirstNonFinite(getOperation(), entry.getName(), nonFinite->inputs,
                         nonFinite->run);
  bool needsDigest = !saveTable.empty() || !finished;
  if (needsDigest && result.modelDigest.empty()) {
    ModelDigest digest = getModelDigest(getOperation());
    result.modelDigest = digest.structure;
    result.weightsDigest = digest.weights;
  }
  return finished ? success() : saveInterrupted(entry, result);
}

//===----------------------------------------------------------------------===//
// Ranges
//===----------------------------------------------------------------------===//

void Calibrate::warnAbout(ObserveOp op, const EdgeStatistics &edge,
                          const Distribution &values) {
  auto warn = [&] {
    return op.emitWarning() << "edge '" << op.getName() << "' ";
  };
  if (uint64_t bad = edge.getNaNs() + edge.getPositiveInfinities())
    warn() << "held " << bad
           << " values that are NaN or infinite in calibration; its range "
              "ignores them";
  if (uint64_t masked = values.sentinels + edge.getNegativeInfinities()) {
    double value = edge.getNegativeInfinities()
                       ? -std::numeric_limits<double>::infinity()
                       : values.sentinelValue;
    warn() << "held " << masked << " values like " << value
           << ", taken for the marks of a mask; its range leaves them out";
  }
  if (values.count == 0)
    return;
  if (values.getAmax() == 0)
    warn() << "was zero in every sample: its scale means nothing";
  else if (values.min == values.max)
    warn() << "held nothing but " << values.min
           << " in calibration: its range may not be representative";
}

void Calibrate::apply(const CalibrationTable &result, Report &report) {
  RangeOptions options;
  options.percentile = percentile;
  size_t count = observers.size();
  std::vector<EdgeStatistics> totals(count);
  std::vector<Distribution> distributions(count);
  std::vector<std::vector<Candidate>> candidates(count);
  parallelFor(&getContext(), 0, count, [&](size_t i) {
    const SampleStatistics &samples = result.edges[i].statistics;
    totals[i] = samples.getTotal();
    distributions[i] = totals[i].getDistribution();
    Distribution weighted = readers[i].weigh(distributions[i], samples);
    candidates[i] = makeCandidates(distributions[i], weighted, options);
  });
  for (size_t i = 0; i < count; ++i) {
    ObserveOp op = observers[i];
    warnAbout(op, totals[i], distributions[i]);
    op.setStatsAttr(
        makeStats(&getContext(), totals[i], distributions[i], candidates[i]));
    if (distributions[i].count)
      report.setHistogram(op.getName(), sketch(distributions[i]));
    ArrayRef<float> maxima = totals[i].getChannelMaxima();
    if (!maxima.empty())
      op.setChannelMaxima(maxima);
  }
}

LogicalResult Calibrate::applyTensorRTCache() {
  TensorRTCache cache;
  std::string error;
  if (!readTensorRTCache(table, cache, error))
    return getOperation().emitError() << error;
  llvm::StringMap<float> scales;
  for (auto &[name, scale] : cache.scales)
    scales[name] = scale;
  SmallVector<std::string> missing;
  for (ObserveOp op : observers) {
    auto it = scales.find(op.getName());
    if (it == scales.end())
      missing.push_back(op.getName().str());
    else
      op.setStatsAttr(makeSymmetricStats(&getContext(), it->second));
  }
  if (missing.empty())
    return success();
  return getOperation().emitError()
         << "TensorRT calibration cache '" << table << "' (" << cache.header
         << ", " << cache.scales.size() << " tensors) has no scale for edge"
         << (missing.size() > 1 ? "s " : " ") << listNames(missing)
         << ": it belongs to another model, or its tensors have other names";
}

//===----------------------------------------------------------------------===//
// Pass
//===----------------------------------------------------------------------===//

void Calibrate::runOnOperation() {
  ModuleOp module = getOperation();
  if (data.empty() && table.empty())
    return;
  auto start = std::chrono::steady_clock::now();
  FailureOr<func::FuncOp> entry = findEntry(module, this->entry);
  if (failed(entry))
    return signalPassFailure();
  observers.clear();
  readers.clear();
  module.walk([&](ObserveOp op) { observers.push_back(op); });
  for (ObserveOp op : observers)
    readers.emplace_back(op);

  Report report = Report::load(module);
  auto finish = [&] {
    std::chrono::duration<double> seconds =
        std::chrono::steady_clock::now() - start;
    report.setNumber("calibration_seconds", seconds.count());
    report.setNumber("calibration_peak_rss_bytes", getPeakRss());
    report.save(module);
  };
  TableKind kind = TableKind::QuantOpt;
  std::string error;
  if (!table.empty() && !identifyTable(table, kind, error)) {
    module.emitError() << error;
    return signalPassFailure();
  }
  if (kind == TableKind::TensorRT) {
    if (!data.empty() || !saveTable.empty()) {
      module.emitError()
          << "a TensorRT calibration cache holds scales, no statistics: it "
             "cannot be used with --calibration-data or --save-calibration";
      return signalPassFailure();
    }
    if (failed(applyTensorRTCache()))
      return signalPassFailure();
    return finish();
  }

  CalibrationTable result = makeTable();
  if (!table.empty()) {
    FailureOr<CalibrationTable> found = readTable();
    if (failed(found))
      return signalPassFailure();
    result = std::move(*found);
  }
  if (!data.empty() && failed(collect(*entry, result)))
    return signalPassFailure();
  if (!saveTable.empty() && failed(save(result, saveTable)))
    return signalPassFailure();
  if (result.samples < kFewSamples)
    entry->emitWarning() << "calibrated with " << result.samples
                         << " samples; fewer than " << kFewSamples
                         << " hardly show an edge's range";
  apply(result, report);
  report.setNumber("calibration_samples", result.samples);
  report.setText("calibration_instruction_sets",
                 llvm::join(result.instructionSets, ","));
  finish();
}
