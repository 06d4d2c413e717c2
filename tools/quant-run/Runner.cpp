//===- Runner.cpp - Running all samples on several threads ----------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Runner.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <new>
#include <sched.h>
#include <system_error>
#include <thread>
#include <unistd.h>

using namespace mlir::qopt;
using namespace mlir::qopt::run;

namespace {

/// "run 12 of 100, 3.1/s" on stderr while it is a terminal. For one thread at a
/// time.
class ProgressLine {
public:
  explicit ProgressLine(uint64_t total)
      : total(total), visible(isatty(STDERR_FILENO)), start(Clock::now()),
        lastShown(start) {}
  ~ProgressLine() {
    if (shown)
      fprintf(stderr, "\r\033[K");
  }
  void advance() {
    ++done;
    auto now = Clock::now();
    if (!visible || now - lastShown < std::chrono::milliseconds(100))
      return;
    lastShown = now;
    shown = true;
    double seconds = std::chrono::duration<double>(now - start).count();
    fprintf(stderr, "\r\033[Krun %llu of %llu, %.1f/s",
            static_cast<unsigned long long>(done),
            static_cast<unsigned long long>(total), double(done) / seconds);
  }

private:
  using Clock = std::chrono::steady_clock;
  uint64_t total, done = 0;
  bool visible, shown = false;
  Clock::time_point start, lastShown;
};

/// What the worker threads share.
class Workers {
public:
  Workers(const std::vector<const Model *> &models, InputFeed &feed,
          const ResultConsumer &consumer)
      : models(models), feed(feed), consumer(consumer),
        progress(feed.plan().runs()) {}

  /// A worker: takes runs until there are none or one has failed.
  void work();

  bool succeeded(std::string &error) const {
    if (failed)
      error = failure;
    return !failed;
  }

private:
  void workThrows();
  /// Reads the next run's inputs; false if there is nothing to do.
  bool take(const TensorBuffers &inputs, uint64_t &run);
  /// Waits until all earlier runs are consumed; false if one failed.
  bool deliver(const RunResult &result);
  void fail(uint64_t run, const std::string &error);

  const std::vector<const Model *> &models;
  InputFeed &feed;
  const ResultConsumer &consumer;

  std::mutex feedMutex;
  uint64_t nextRun = 0; // Under feedMutex.

  std::mutex mutex; // Of everything below.
  std::condition_variable turnChanged;
  uint64_t turn = 0;
  bool failed = false;
  uint64_t failedRun = 0;
  std::string failure;
  ProgressLine progress;
};

} // namespace

void Workers::fail(uint64_t run, const std::string &error) {
  std::lock_guard<std::mutex> lock(mutex);
  if (!failed || run < failedRun) {
    failedRun = run;
    failure = error;
  }
  failed = true;
  turnChanged.notify_all();
}

bool Workers::take(const TensorBuffers &inputs, uint64_t &run) {
  std::lock_guard<std::mutex> lock(feedMutex);
  {
    std::lock_guard<std::mutex> stateLock(mutex);
    if (failed || nextRun == feed.plan().runs())
      return false;
  }
  run = nextRun++;
  std::string error;
  if (feed.next(inputs, error))
    return true;
  fail(run, error);
  return false;
}

bool Workers::deliver(const RunResult &result) {
  std::unique_lock<std::mutex> lock(mutex);
  turnChanged.wait(lock, [&] { return failed || turn == result.run; });
  if (failed)
    return false;
  // Others may read and run, but not deliver, while this one is consumed.
  lock.unlock();
  std::string error;
  if (!consumer(result, error)) {
    fail(result.run, error);
    return false;
  }
  lock.lock();
  ++turn;
  progress.advance();
  turnChanged.notify_all();
  return true;
}

/// "run 3 (samples 60 to 79)".
static std::string describeRun(const RunResult &result) {
  std::string text = "run " + std::to_string(result.run);
  if (result.samples > 1)
    text += " (samples " + std::to_string(result.firstSample) + " to " +
            std::to_string(result.firstSample + result.samples - 1) + ")";
  return text;
}

void Workers::workThrows() {
  TensorBuffers inputs(models[0]->inputs());
  std::vector<TensorBuffers> outputs;
  RunResult result = {};
  outputs.reserve(models.size());
  for (const Model *model : models) {
    outputs.emplace_back(model->outputs());
    result.outputs.push_back(&outputs.back());
  }
  while (take(inputs, result.run)) {
    result.firstSample = feed.plan().firstSample(result.run);
    result.samples = feed.plan().samplesOf(result.run);
    std::string error;
    for (size_t i = 0; i < models.size(); ++i)
      if (!models[i]->run(inputs, outputs[i],
                          feed.plan().batch ? result.samples : 0, error))
        return fail(result.run, describeRun(result) + " on " +
                                    models[i]->description() + ": " + error);
    if (!deliver(result))
      return;
  }
}

void Workers::work() {
  try {
    workThrows();
  } catch (const std::bad_alloc &) {
    fail(0, "out of memory");
  }
}

bool mlir::qopt::run::runAll(const std::vector<const Model *> &models,
                             InputFeed &feed, unsigned threads,
                             const ResultConsumer &consumer,
                             std::string &error) {
  Workers workers(models, feed, consumer);
  uint64_t useful = std::min<uint64_t>(threads, feed.plan().runs());
  std::vector<std::thread> others;
  try {
    for (uint64_t i = 1; i < useful; ++i)
      others.emplace_back([&] { workers.work(); });
  } catch (const std::system_error &) {
    // Fewer threads do as well.
  }
  workers.work();
  for (std::thread &other : others)
    other.join();
  return workers.succeeded(error);
}

unsigned mlir::qopt::run::availableProcessors() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 0)
    return unsigned(CPU_COUNT(&set));
  return std::max(1u, std::thread::hardware_concurrency());
}
