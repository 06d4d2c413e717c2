//===- Calibrate.cpp - Run the float model and record what every edge holds
//---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The model is compiled once; samples run one per thread with single-threaded
// kernels, each thread with statistics of its own, merged at the end.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Analysis/Report.h"
#include "QuantOpt/Calibration/CalibrationData.h"
#include "QuantOpt/Calibration/Progress.h"
#include "QuantOpt/Calibration/Statistics.h"
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h"
#include "QuantOpt/Execution/CpuExecutable.h"
#include "QuantOpt/Frontend/Entry.h"

#include <atomic>
#include <chrono>
#include <sys/resource.h>
#include <thread>

namespace mlir::qopt {
#define GEN_PASS_DEF_CALIBRATE
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h.inc"
} // namespace mlir::qopt

using namespace mlir;
using namespace mlir::qopt;

/// Where the running thread's observers put what they see.
static thread_local SmallVectorImpl<EdgeStatistics> *currentStatistics =
    nullptr;

/// With fewer samples ranges are hardly representative.
static constexpr int64_t kFewSamples = 32;

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
  /// Runs every sample; statistics in the order of the observers.
  FailureOr<SmallVector<EdgeStatistics>> collect(const CpuExecutable &model,
                                                 CalibrationData &samples,
                                                 size_t numObservers);
};
} // namespace

FailureOr<SmallVector<EdgeStatistics>>
Calibrate::collect(const CpuExecutable &model, CalibrationData &samples,
                   size_t numObservers) {
  unsigned numThreads = threads
                            ? unsigned(threads)
                            : std::max(1u, std::thread::hardware_concurrency());
  numThreads = std::min<int64_t>(numThreads, samples.getNumRuns());
  std::vector<SmallVector<EdgeStatistics>> perThread(
      numThreads, SmallVector<EdgeStatistics>(numObservers));
  std::atomic<bool> failed = false;
  std::mutex errorMutex;
  std::string firstError;
  Progress progress("calibrating", samples.getNumRuns());

  auto work = [&](unsigned thread) {
    currentStatistics = &perThread[thread];
    std::vector<std::vector<char>> outputs;
    SmallVector<void *> outputPointers;
    for (const CpuExecutable::TensorSpec &spec : model.outputs())
      outputPointers.push_back(
          outputs.emplace_back(std::max<int64_t>(spec.getNumBytes(), 1))
              .data());
    auto fail = [&](std::string error) {
      std::lock_guard<std::mutex> lock(errorMutex);
      if (!failed.exchange(true))
        firstError = std::move(error);
    };
    Sample sample;
    std::string error;
    while (!failed && samples.next(sample, error)) {
      SmallVector<const void *> inputPointers;
      for (const std::vector<char> &buffer : sample)
        inputPointers.push_back(buffer.data());
      if (llvm::Error e = model.run(inputPointers, outputPointers)) {
        fail(llvm::toString(std::move(e)));
        break;
      }
      progress.advance();
    }
    if (!error.empty())
      fail(std::move(error));
    currentStatistics = nullptr;
  };
  std::vector<std::thread> pool;
  for (unsigned t = 1; t < numThreads; ++t)
    pool.emplace_back(work, t);
  work(0);
  for (std::thread &thread : pool)
    thread.join();
  progress.finish();
  if (failed)
    return getOperation().emitError() << "calibration failed: " << firstError;
  for (unsigned t = 1; t < numThreads; ++t)
    for (size_t i = 0; i < numObservers; ++i)
      perThread[0][i].merge(perThread[t][i]);
  return std::move(perThread[0]);
}

void Calibrate::runOnOperation() {
  ModuleOp module = getOperation();
  if (data.empty())
    return;
  auto start = std::chrono::steady_clock::now();
  FailureOr<func::FuncOp> entry = findEntry(module, this->entry);
  if (failed(entry))
    return signalPassFailure();
  SmallVector<ObserveOp> observers;
  module.walk([&](ObserveOp op) { observers.push_back(op); });

  CpuOptions options;
  options.observer = [](int64_t index, const float *values, int64_t count) {
    (*currentStatistics)[index].observe(values, count);
  };
  FailureOr<std::unique_ptr<CpuExecutable>> model =
      CpuExecutable::compile(module, entry->getName(), options);
  if (failed(model))
    return signalPassFailure();
  SmallVector<std::string> paths(data.begin(), data.end());
  FailureOr<std::unique_ptr<CalibrationData>> samples =
      CalibrationData::open(paths, (*model)->inputs(), entry->getLoc());
  if (failed(samples))
    return signalPassFailure();
  FailureOr<SmallVector<EdgeStatistics>> statistics =
      collect(**model, **samples, observers.size());
  if (failed(statistics))
    return signalPassFailure();

  for (auto [op, edge] : llvm::zip(observers, *statistics)) {
    op.setStatsAttr(edge.getAttr(&getContext()));
    if (edge.getNonFinite())
      op.emitWarning()
          << "edge '" << op.getName() << "' held " << edge.getNonFinite()
          << " values that are NaN or infinite in calibration; its "
             "range ignores them";
  }
  int64_t inputsPerRun = 1;
  if (!(*model)->inputs().empty() && !(*model)->inputs()[0].shape.empty())
    inputsPerRun = (*model)->inputs()[0].shape[0];
  int64_t numSamples = (*samples)->getNumRuns() * inputsPerRun;
  if (numSamples < kFewSamples)
    entry->emitWarning() << "calibrated with " << numSamples
                         << " samples; fewer than " << kFewSamples
                         << " hardly show an edge's range";
  std::chrono::duration<double> seconds =
      std::chrono::steady_clock::now() - start;
  Report report = Report::load(module);
  report.setNumber("calibration_samples", numSamples);
  report.setNumber("calibration_seconds", seconds.count());
  report.setNumber("calibration_peak_rss_bytes", getPeakRss());
  report.setText("calibration_method", "max");
  report.save(module);
}
