//===- Collect.cpp - Run the float model and observe its edges -*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The model is compiled once; samples run one per thread with single-threaded
// kernels, so that activations do not depend on the number of threads, and the
// observers read tensors where they lie. Statistics of threads merge exactly.
//
//===----------------------------------------------------------------------===//
#include "Collect.h"

#include "QuantOpt/Calibration/Interrupt.h"
#include "QuantOpt/Calibration/Progress.h"
#include "mlir/IR/Diagnostics.h"

#include <atomic>
#include <thread>

using namespace mlir;
using namespace mlir::qopt;

/// Where the running thread's observers put what they see.
static thread_local SmallVectorImpl<SampleStatistics> *currentStatistics =
    nullptr;

/// How many samples of a run of `samples` lie one after the other in a tensor:
/// all where its outermost dimension is made of them, else the tensor counts as
/// one.
static int64_t countSamples(RankedTensorType type, int64_t samples,
                            ChannelLayout layout) {
  if (type.getRank() == 0 || type.getDimSize(0) == 0 ||
      type.getDimSize(0) % samples)
    return 1;
  int64_t size = type.getNumElements() / samples;
  int64_t period = layout.channels ? layout.channels * layout.inner : 1;
  return size % period ? 1 : samples;
}

FailureOr<std::unique_ptr<ObservedModel>>
ObservedModel::compile(ModuleOp module, StringRef entry,
                       ArrayRef<ObserveOp> observers,
                       ArrayRef<ChannelLayout> layouts) {
  std::unique_ptr<ObservedModel> model(new ObservedModel());
  CpuOptions options;
  if (!observers.empty())
    options.observer = [model = model.get()](int64_t index, const float *values,
                                             int64_t count) {
      (*currentStatistics)[index].observe(values, count,
                                          model->samplesOf[index]);
    };
  auto executable = CpuExecutable::compile(module, entry, options);
  if (failed(executable))
    return failure();
  model->executable = std::move(*executable);
  for (size_t i = 0; i < observers.size(); ++i) {
    ObserveOp op = observers[i];
    model->samplesOf.push_back(
        countSamples(cast<RankedTensorType>(op.getInput().getType()),
                     model->getSamplesPerRun(), layouts[i]));
  }
  return model;
}

int64_t ObservedModel::getSamplesPerRun() const {
  if (executable->inputs().empty() || executable->inputs()[0].shape.empty())
    return 1;
  return std::max<int64_t>(1, executable->inputs()[0].shape[0]);
}

static uint64_t countErrors(ArrayRef<SampleStatistics> statistics) {
  uint64_t count = 0;
  for (const SampleStatistics &edge : statistics)
    count += edge.getErrors();
  return count;
}

LogicalResult
ObservedModel::collect(CalibrationData &data, unsigned threads,
                       int64_t runsBefore,
                       MutableArrayRef<SampleStatistics> statistics,
                       std::optional<NonFiniteRun> &nonFinite, Location loc) {
  if (!threads)
    threads = std::max(1u, std::thread::hardware_concurrency());
  threads = std::clamp<int64_t>(data.getNumRuns() - runsBefore, 1, threads);
  int64_t perRun = getSamplesPerRun();
  Progress progress("calibrating", data.getNumRuns() * perRun,
                    runsBefore * perRun);
  std::mutex mutex; // of all below
  std::string firstError;
  std::atomic<bool> failed = false;
  auto fail = [&](std::string error) {
    std::lock_guard<std::mutex> lock(mutex);
    if (!failed.exchange(true))
      firstError = std::move(error);
  };

  auto work = [&] {
    SmallVector<SampleStatistics> seen;
    for (const SampleStatistics &edge : statistics)
      seen.emplace_back(edge.getChannelLayout());
    currentStatistics = &seen;
    std::vector<std::vector<char>> outputs;
    SmallVector<void *> outputPointers;
    for (const CpuExecutable::TensorSpec &spec : executable->outputs())
      outputPointers.push_back(
          outputs.emplace_back(std::max<int64_t>(spec.getNumBytes(), 1))
              .data());
    Sample sample;
    std::string error;
    uint64_t errorsBefore = 0;
    for (int64_t run; !failed && !isCalibrationStopRequested() &&
                      data.next(sample, run, error);) {
      SmallVector<const void *> inputs;
      for (const std::vector<char> &buffer : sample)
        inputs.push_back(buffer.data());
      if (llvm::Error e = executable->run(inputs, outputPointers)) {
        fail("run " + std::to_string(run) + ": " +
             llvm::toString(std::move(e)));
        break;
      }
      uint64_t errors = countErrors(seen);
      if (errors != std::exchange(errorsBefore, errors)) {
        std::lock_guard<std::mutex> lock(mutex);
        if (!nonFinite || run < nonFinite->run)
          nonFinite = {run, sample};
      }
      progress.advance(perRun);
    }
    if (!error.empty())
      fail(std::move(error));
    currentStatistics = nullptr;
    std::lock_guard<std::mutex> lock(mutex);
    for (auto [edge, other] : llvm::zip(statistics, seen)) {
      bool sameLayout = edge.merge(other);
      assert(sameLayout && "statistics of one edge");
      (void)sameLayout;
    }
  };
  std::vector<std::thread> pool;
  for (unsigned t = 1; t < threads; ++t)
    pool.emplace_back(work);
  work();
  for (std::thread &thread : pool)
    thread.join();
  progress.finish();
  if (failed)
    return emitError(loc) << "calibration failed: " << firstError;
  return success();
}
