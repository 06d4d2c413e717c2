//===- PlanExecutorFixture.h - A device in this process ---------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For tests of the executor: a device that runs toy kernels at once and records
// what it was asked for.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_TEST_UNIT_PLANEXECUTORFIXTURE_H
#define QUANTOPT_TEST_UNIT_PLANEXECUTORFIXTURE_H

#include "../../lib/Runtime/PlanExecutor.h"
#include "ArtifactSamples.h"
#include "ToyKernels.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

namespace executortest {

using mlir::qopt::artifact::Artifact;
using mlir::qopt::artifact::Launch;
using mlir::qopt::artifact::Plan;
using mlir::qopt::runtime::Address;
using mlir::qopt::runtime::Device;
using mlir::qopt::runtime::Error;
using mlir::qopt::runtime::PlanExecutor;
using mlir::qopt::runtime::Recording;
using mlir::qopt::runtime::ResolvedLaunch;

/// What the device below was asked for; outlives it.
struct Journal {
  std::map<std::string, uint64_t> allocated; // Bytes by name, all there were.
  size_t live = 0;
  uint64_t uploaded = 0;
  int launches = 0, recordings = 0, liveRecordings = 0, replays = 0;
  int synchronizations = 0;
};

/// Runs toy kernels at once, on memory filled with noise.
class ToyDevice : public Device {
public:
  ToyDevice(Journal &journal, bool records)
      : journal(journal), records(records) {}

  const char *name() const override { return "toy"; }
  std::string description() const override { return "a toy"; }
  Address allocate(uint64_t size, const std::string &name) override {
    EXPECT_GT(size, 0u);
    if (name == failing)
      throw Error(QOPT_OUT_OF_MEMORY, "no memory for " + name);
    void *memory = aligned_alloc(256, (size + 255) / 256 * 256);
    memset(memory, 0xaa, size);
    journal.allocated[name] += size;
    ++journal.live;
    return reinterpret_cast<Address>(memory);
  }
  void release(Address memory) noexcept override {
    --journal.live;
    free(reinterpret_cast<void *>(memory));
  }
  void loadKernels(const Plan &plan) override {
    chip = plan.chip;
    EXPECT_FALSE(plan.ptx.empty());
    launches = plan.launches;
  }
  void upload(Address to, const void *from, uint64_t size) override {
    journal.uploaded += size;
    memcpy(reinterpret_cast<void *>(to), from, size);
  }
  void download(void *to, Address from, uint64_t size) override {
    memcpy(to, reinterpret_cast<void *>(from), size);
  }
  void zero(Address memory, uint64_t size) override {
    memset(reinterpret_cast<void *>(memory), 0, size);
  }
  void launch(const ResolvedLaunch &resolved) override {
    if (recording) {
      capture(resolved);
      return;
    }
    run(resolved.index, resolved.grid, resolved.parameters);
  }
  void synchronize() override { ++journal.synchronizations; }
  std::unique_ptr<Recording>
  record(const std::function<void()> &body) override {
    if (!records)
      return nullptr;
    auto made = std::make_unique<ToyRecording>(journal);
    recording = made.get();
    body();
    recording = nullptr;
    ++journal.recordings;
    return made;
  }
  void replay(Recording &replayed) override {
    ++journal.replays;
    for (auto &entry : static_cast<ToyRecording &>(replayed).entries) {
      std::vector<void *> parameters;
      for (uint64_t &slot : entry.slots)
        parameters.push_back(&slot);
      run(entry.index, entry.grid, parameters.data());
    }
  }
  void startTimer() override { milliseconds = 0; }
  void stopTimer() override { milliseconds = 1.5; }
  double elapsedMilliseconds() override { return milliseconds; }

  std::string failing;
  std::string chip;
  /// Makes the launch of this number fail, once.
  int failingLaunch = -1;

private:
  struct ToyRecording : Recording {
    explicit ToyRecording(Journal &journal) : journal(journal) {
      ++journal.liveRecordings;
    }
    ~ToyRecording() override { --journal.liveRecordings; }
    struct Entry {
      size_t index;
      std::array<uint32_t, 3> grid;
      std::vector<uint64_t> slots;
    };
    std::vector<Entry> entries;
    Journal &journal;
  };

  void capture(const ResolvedLaunch &resolved) {
    const toys::Kernel *kernel =
        toys::findKernel(launches[resolved.index].kernel);
    std::vector<uint64_t> slots;
    for (size_t i = 0; i < kernel->parameterSizes.size(); ++i) {
      slots.push_back(0);
      memcpy(&slots.back(), resolved.parameters[i], kernel->parameterSizes[i]);
    }
    recording->entries.push_back({resolved.index, resolved.grid, slots});
  }

  void run(size_t index, const std::array<uint32_t, 3> &grid,
           void *const *parameters) {
    const Launch &launch = launches[index];
    const toys::Kernel *kernel = toys::findKernel(launch.kernel);
    if (journal.launches++ == failingLaunch) {
      // As a kernel that dies half-way.
      auto *counter = toys::parameter<int32_t *>(parameters, 3);
      *counter = 7;
      throw Error(QOPT_RUN_FAILED, "planned failure");
    }
    std::string problem =
        kernel->run({grid, launch.block, launch.sharedBytes}, parameters);
    if (!problem.empty())
      throw Error(QOPT_RUN_FAILED, problem);
  }

  Journal &journal;
  const bool records;
  std::vector<Launch> launches;
  ToyRecording *recording = nullptr;
  double milliseconds = -1;
};

class PlanExecutorTest : public testing::TestWithParam<bool> {
protected:
  void open(const Artifact &artifact, size_t plan = 0) {
    auto opened = std::make_unique<ToyDevice>(journal, GetParam());
    device = opened.get();
    device->failing = failing;
    executor = std::make_unique<PlanExecutor>(
        std::make_unique<Artifact>(artifact), plan, std::move(opened));
  }

  std::vector<float> run(int64_t batch, const std::vector<float> &x) {
    int64_t rows = batch > 0 ? batch : executor->artifact().batch;
    std::vector<float> y(rows * 5, -1e9f);
    const void *inputs[] = {x.data()};
    void *outputs[] = {y.data()};
    executor->run(batch, inputs, outputs);
    return y;
  }

  std::string runError(int64_t batch) {
    try {
      run(batch, toys::someNumbers(100));
    } catch (const Error &error) {
      return std::string(qopt_status_name(error.status)) + ": " + error.what();
    }
    return "";
  }

  Journal journal;
  std::string failing;
  ToyDevice *device = nullptr;
  std::unique_ptr<PlanExecutor> executor;
};

} // namespace executortest

#endif // QUANTOPT_TEST_UNIT_PLANEXECUTORFIXTURE_H
