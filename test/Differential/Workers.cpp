//===- Workers.cpp - Experiments in processes of their own ----------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Workers.h"

#include <cstring>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace mlir::qopt;
using namespace mlir::qopt::differential;

/// Seconds for one graph.
static constexpr unsigned kMostSeconds = 120;

namespace {
/// What a child writes for each experiment; `size` bytes of message follow. A
/// record without an outcome announces the next seed.
struct Record {
  uint64_t seed;
  bool isAnnouncement;
  Stage stage;
  int64_t exact, inexact, compared, outside;
  uint64_t size;
};

/// One child and what it is doing.
struct Worker {
  pid_t child = -1;
  int pipe = -1;
  /// The next seed it has not announced yet, and its stride.
  uint64_t next = 0;
  /// Announced and not reported.
  std::optional<uint64_t> current;
};
} // namespace

static bool writeAll(int fd, const void *data, size_t size) {
  auto *bytes = static_cast<const char *>(data);
  while (size > 0) {
    ssize_t n = write(fd, bytes, size);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return false;
    bytes += n;
    size -= n;
  }
  return true;
}

static bool readAll(int fd, void *data, size_t size) {
  auto *bytes = static_cast<char *>(data);
  while (size > 0) {
    ssize_t n = read(fd, bytes, size);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return false;
    bytes += n;
    size -= n;
  }
  return true;
}

static bool sendOutcome(int fd, uint64_t seed, const Outcome &outcome) {
  Record record = {seed,
                   false,
                   outcome.stage,
                   outcome.exact,
                   outcome.inexact,
                   outcome.compared,
                   outcome.outside,
                   outcome.message.size()};
  return writeAll(fd, &record, sizeof record) &&
         writeAll(fd, outcome.message.data(), outcome.message.size());
}

static bool receiveOutcome(int fd, const Record &record, Outcome &outcome) {
  outcome.stage = record.stage;
  outcome.exact = record.exact;
  outcome.inexact = record.inexact;
  outcome.compared = record.compared;
  outcome.outside = record.outside;
  outcome.message.resize(record.size);
  return readAll(fd, outcome.message.data(), record.size);
}

static Outcome describeDeath(int status) {
  Outcome outcome;
  outcome.stage = Stage::Crash;
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
    outcome.message =
        "no result after " + std::to_string(kMostSeconds) + " seconds\n";
  else if (WIFSIGNALED(status))
    outcome.message =
        std::string("died of ") + strsignal(WTERMSIG(status)) + "\n";
  else
    outcome.message =
        "ended with status " + std::to_string(WEXITSTATUS(status)) + "\n";
  return outcome;
}

Outcome differential::runInChild(const Recipe &recipe,
                                 const ExperimentOptions &options) {
  int pipes[2];
  if (pipe(pipes) != 0)
    return describeDeath(0);
  pid_t child = fork();
  if (child == 0) {
    close(pipes[0]);
    alarm(kMostSeconds);
    bool sent =
        sendOutcome(pipes[1], recipe.seed, runExperiment(recipe, options));
    _exit(sent ? 0 : 1);
  }
  close(pipes[1]);
  Record record;
  Outcome outcome;
  bool received = child > 0 && readAll(pipes[0], &record, sizeof record) &&
                  receiveOutcome(pipes[0], record, outcome);
  close(pipes[0]);
  int status = 0;
  waitpid(child, &status, 0);
  return received ? outcome : describeDeath(status);
}

/// A child that runs every `stride`-th seed from `worker.next` on.
static bool startWorker(Worker &worker, uint64_t last, unsigned stride) {
  int pipes[2];
  if (pipe(pipes) != 0)
    return false;
  worker.child = fork();
  if (worker.child == 0) {
    close(pipes[0]);
    for (uint64_t seed = worker.next; seed < last; seed += stride) {
      Record announcement = {seed, true, Stage::Passed, 0, 0, 0, 0, 0};
      if (!writeAll(pipes[1], &announcement, sizeof announcement))
        _exit(1);
      alarm(kMostSeconds);
      if (!sendOutcome(pipes[1], seed, runExperiment(generateRecipe(seed))))
        _exit(1);
    }
    _exit(0);
  }
  close(pipes[1]);
  worker.pipe = pipes[0];
  return worker.child > 0;
}

void differential::runSeeds(
    uint64_t first, uint64_t last, unsigned count,
    const std::function<bool()> &stop,
    const std::function<void(uint64_t, const Outcome &)> &report) {
  std::vector<Worker> workers(count);
  for (unsigned i = 0; i < count; ++i) {
    workers[i].next = first + i;
    startWorker(workers[i], last, count);
  }
  while (!stop()) {
    std::vector<pollfd> polled;
    for (Worker &worker : workers)
      if (worker.pipe >= 0)
        polled.push_back({worker.pipe, POLLIN, 0});
    if (polled.empty())
      break;
    poll(polled.data(), polled.size(), 1000);
    for (pollfd &ready : polled) {
      if (!(ready.revents & (POLLIN | POLLHUP)))
        continue;
      Worker &worker =
          *std::find_if(workers.begin(), workers.end(),
                        [&](const Worker &w) { return w.pipe == ready.fd; });
      Record record;
      Outcome outcome;
      if (readAll(worker.pipe, &record, sizeof record) &&
          (record.isAnnouncement ||
           receiveOutcome(worker.pipe, record, outcome))) {
        if (record.isAnnouncement) {
          worker.current = record.seed;
          worker.next = record.seed + count;
        } else {
          worker.current.reset();
          report(record.seed, outcome);
        }
        continue;
      }
      int status = 0;
      waitpid(worker.child, &status, 0);
      close(worker.pipe);
      worker.pipe = -1;
      if (worker.current) {
        report(*worker.current, describeDeath(status));
        worker.current.reset();
        startWorker(worker, last, count);
      }
    }
  }
  for (Worker &worker : workers)
    if (worker.pipe >= 0) {
      kill(worker.child, SIGKILL);
      waitpid(worker.child, nullptr, 0);
      close(worker.pipe);
    }
}
