//===- Benchmark.cpp - Latency and throughput of a model ------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Benchmark.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>

using namespace mlir::qopt;
using namespace mlir::qopt::run;

using Clock = std::chrono::steady_clock;

static double secondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

namespace {
/// When to stop: after a number of runs or, where that is 0, some seconds.
struct Budget {
  uint64_t iterations;
  double seconds;

  bool goesOn(uint64_t done, Clock::time_point start) const {
    constexpr uint64_t kLeast = 10;
    if (iterations)
      return done < iterations;
    return done < kLeast || secondsSince(start) < seconds;
  }
};
} // namespace

/// One timed run: gives its seconds.
using TimedRun = std::function<bool(double &seconds, std::string &error)>;

static bool warmUp(const TimedRun &run, std::string &error) {
  constexpr int kLeastRuns = 3;
  constexpr double kSeconds = 0.2;
  double ignored;
  auto start = Clock::now();
  for (int i = 0; i < kLeastRuns || secondsSince(start) < kSeconds; ++i)
    if (!run(ignored, error))
      return false;
  return true;
}

static bool measureLatency(const TimedRun &run, const Budget &budget,
                           BenchmarkResult &result, std::string &error) {
  if (!warmUp(run, error))
    return false;
  std::vector<double> times;
  for (auto start = Clock::now(); budget.goesOn(times.size(), start);) {
    double seconds;
    if (!run(seconds, error))
      return false;
    times.push_back(seconds);
  }
  std::sort(times.begin(), times.end());
  size_t n = times.size();
  result.iterations = n;
  result.minSeconds = times.front();
  result.medianSeconds = (times[(n - 1) / 2] + times[n / 2]) / 2;
  result.p95Seconds = times[(n * 95 + 99) / 100 - 1]; // Nearest rank.
  return true;
}

namespace {
/// Threads that begin together, each with outputs of its own.
class Throughput {
public:
  Throughput(const Model &model, const TensorBuffers &inputs,
             const Budget &budget)
      : model(model), inputs(inputs), budget(budget) {}

  bool measure(unsigned threads, BenchmarkResult &result, std::string &error);

private:
  void work();
  void fail(const std::string &error) {
    std::lock_guard<std::mutex> lock(mutex);
    failed = true;
    failure = error;
  }

  const Model &model;
  const TensorBuffers &inputs;
  const Budget budget;
  std::mutex mutex; // Of everything below but `runs`.
  std::condition_variable changed;
  unsigned ready = 0;
  bool started = false;
  Clock::time_point start;
  bool failed = false;
  std::string failure;
  std::atomic<uint64_t> runs{0};
};
} // namespace

void Throughput::work() {
  std::string error;
  try {
    TensorBuffers outputs(model.outputs());
    bool ok = model.run(inputs, outputs, 0, error);
    {
      std::unique_lock<std::mutex> lock(mutex);
      ++ready;
      changed.notify_all();
      changed.wait(lock, [&] { return started; });
    }
    uint64_t done = 0;
    for (; ok && budget.goesOn(done, start); ++done)
      ok = model.run(inputs, outputs, 0, error);
    runs += done;
    if (!ok)
      fail(error);
  } catch (const std::bad_alloc &) {
    fail("out of memory");
    std::lock_guard<std::mutex> lock(mutex);
    ++ready;
    changed.notify_all();
  }
}

bool Throughput::measure(unsigned threads, BenchmarkResult &result,
                         std::string &error) {
  std::vector<std::thread> workers;
  try {
    for (unsigned i = 0; i < threads; ++i)
      workers.emplace_back([this] { work(); });
  } catch (const std::system_error &) {
    // Fewer threads; the result says how many.
  }
  {
    std::unique_lock<std::mutex> lock(mutex);
    changed.wait(lock, [&] { return ready == workers.size(); });
    start = Clock::now();
    started = true;
    changed.notify_all();
  }
  for (std::thread &worker : workers)
    worker.join();
  if (workers.empty())
    fail("no thread could be started");
  if (failed) {
    error = failure;
    return false;
  }
  result.threads = unsigned(workers.size());
  result.runsPerSecond = double(runs) / secondsSince(start);
  return true;
}

//===----------------------------------------------------------------------===//
// Devices
//===----------------------------------------------------------------------===//

/// Launches one run after the other without waiting for each.
static bool measureQueue(DeviceRun &run, const Budget &budget,
                         BenchmarkResult &result, std::string &error) {
  // The driver's queue is limited; waiting now and then keeps the clock honest.
  constexpr uint64_t kQueued = 32;
  uint64_t done = 0;
  auto start = Clock::now();
  for (; budget.goesOn(done, start); ++done)
    if (!run.start(error) || (done % kQueued == 0 && !run.wait(error)))
      return false;
  if (!run.wait(error))
    return false;
  result.runsPerSecond = double(done) / secondsSince(start);
  return true;
}

static bool benchmarkOnDevice(const Model &model, const TensorBuffers &inputs,
                              const Budget &budget, BenchmarkResult &result,
                              std::string &error) {
  std::unique_ptr<DeviceRun> run = DeviceRun::create(model, inputs, error);
  if (!run)
    return false;
  result.onDevice = true;
  auto timed = [&](double &seconds, std::string &reason) {
    return run->start(reason) && run->measure(seconds, reason);
  };
  return measureLatency(timed, budget, result, error) &&
         measureQueue(*run, budget, result, error);
}

bool mlir::qopt::run::benchmark(const Model &model, const TensorBuffers &inputs,
                                unsigned threads, uint64_t iterations,
                                BenchmarkResult &result, std::string &error) {
  constexpr double kSeconds = 2;
  Budget budget = {iterations, kSeconds};
  if (model.device() != "cpu")
    return benchmarkOnDevice(model, inputs, budget, result, error);
  TensorBuffers outputs(model.outputs());
  auto timed = [&](double &seconds, std::string &reason) {
    auto start = Clock::now();
    bool ok = model.run(inputs, outputs, 0, reason);
    seconds = secondsSince(start);
    return ok;
  };
  return measureLatency(timed, budget, result, error) &&
         Throughput(model, inputs, budget).measure(threads, result, error);
}
