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

static bool warmUp(const Model &model, const TensorBuffers &inputs,
                   const TensorBuffers &outputs, std::string &error) {
  constexpr int kLeastRuns = 3;
  constexpr double kSeconds = 0.2;
  auto start = Clock::now();
  for (int i = 0; i < kLeastRuns || secondsSince(start) < kSeconds; ++i)
    if (!model.run(inputs, outputs, error))
      return false;
  return true;
}

static bool measureLatency(const Model &model, const TensorBuffers &inputs,
                           const Budget &budget, BenchmarkResult &result,
                           std::string &error) {
  TensorBuffers outputs(model.outputs());
  if (!warmUp(model, inputs, outputs, error))
    return false;
  std::vector<double> times;
  for (auto start = Clock::now(); budget.goesOn(times.size(), start);) {
    auto begin = Clock::now();
    if (!model.run(inputs, outputs, error))
      return false;
    times.push_back(secondsSince(begin));
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
    bool ok = model.run(inputs, outputs, error);
    {
      std::unique_lock<std::mutex> lock(mutex);
      ++ready;
      changed.notify_all();
      changed.wait(lock, [&] { return started; });
    }
    uint64_t done = 0;
    for (; ok && budget.goesOn(done, start); ++done)
      ok = model.run(inputs, outputs, error);
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

bool mlir::qopt::run::benchmark(const Model &model, const TensorBuffers &inputs,
                                unsigned threads, uint64_t iterations,
                                BenchmarkResult &result, std::string &error) {
  constexpr double kSeconds = 2;
  Budget budget = {iterations, kSeconds};
  return measureLatency(model, inputs, budget, result, error) &&
         Throughput(model, inputs, budget).measure(threads, result, error);
}
