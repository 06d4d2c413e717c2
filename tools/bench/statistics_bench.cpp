//===- statistics_bench.cpp - Speed of calibration statistics -------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The full statistics of an edge on one core, at each level of vector
// instructions: of one tensor after the other, of the first tensor of an edge,
// and with the maxima of 768 channels; beside a minimum and maximum of the same
// values (vectorised, as calibration by `max` alone needs it) and beside
// reading them. Usage:
//
//   statistics_bench FILE [Google Benchmark's options]
//
// FILE holds f32 values, a multiple of 768. tools/bench/edge_statistics.py
// makes such files and compares with NumPy.
//
//===----------------------------------------------------------------------===//
#include "../../lib/Statistics/ObserveKernels.h"
#include "QuantOpt/Statistics/SampleStatistics.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <limits>

#if defined(__x86_64__)
#define QUANTOPT_CLONES                                                        \
  __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define QUANTOPT_CLONES
#endif

using namespace mlir::qopt;

namespace {

constexpr uint64_t kChannels = 768;

std::vector<float> values;

/// Independent lanes let the compiler vectorise without reassociating.
constexpr size_t kLanes = 64;

QUANTOPT_CLONES void minMax(const float *data, size_t count, float *low,
                            float *high) {
  for (size_t i = 0; i + kLanes <= count; i += kLanes)
    for (size_t lane = 0; lane < kLanes; ++lane) {
      float x = data[i + lane];
      low[lane] = x < low[lane] ? x : low[lane];
      high[lane] = x > high[lane] ? x : high[lane];
    }
}

QUANTOPT_CLONES void read(const float *data, size_t count, uint32_t *sums) {
  for (size_t i = 0; i + kLanes <= count; i += kLanes)
    for (size_t lane = 0; lane < kLanes; ++lane) {
      uint32_t bits;
      std::memcpy(&bits, data + i + lane, sizeof(bits));
      sums[lane] ^= bits;
    }
}

void finish(benchmark::State &state) {
  state.SetBytesProcessed(int64_t(state.iterations()) *
                          int64_t(values.size() * sizeof(float)));
}

void benchStatistics(benchmark::State &state,
                     const statistics::ObserveKernels *kernels,
                     ChannelLayout layout) {
  statistics::chooseKernels(kernels);
  EdgeStatistics edge(layout);
  for (auto _ : state) {
    edge.observe(values.data(), values.size());
    benchmark::DoNotOptimize(edge.getCount());
  }
  finish(state);
  statistics::chooseKernels(nullptr);
}

/// What calibration keeps: channels and the energy of samples, too. The values
/// are one sample.
void benchComplete(benchmark::State &state,
                   const statistics::ObserveKernels *kernels) {
  statistics::chooseKernels(kernels);
  SampleStatistics edge({kChannels, 1});
  for (auto _ : state) {
    edge.observe(values.data(), values.size(), 1);
    benchmark::ClobberMemory();
  }
  finish(state);
  statistics::chooseKernels(nullptr);
}

/// The range grows as the values' does.
void benchFirst(benchmark::State &state,
                const statistics::ObserveKernels *kernels) {
  statistics::chooseKernels(kernels);
  for (auto _ : state) {
    EdgeStatistics edge;
    edge.observe(values.data(), values.size());
    benchmark::DoNotOptimize(edge.getCount());
  }
  finish(state);
  statistics::chooseKernels(nullptr);
}

void benchMinMax(benchmark::State &state) {
  for (auto _ : state) {
    float low[kLanes], high[kLanes];
    std::fill_n(low, kLanes, std::numeric_limits<float>::infinity());
    std::fill_n(high, kLanes, -std::numeric_limits<float>::infinity());
    minMax(values.data(), values.size(), low, high);
    benchmark::DoNotOptimize(*std::min_element(low, low + kLanes));
    benchmark::DoNotOptimize(*std::max_element(high, high + kLanes));
  }
  finish(state);
}

void benchRead(benchmark::State &state) {
  for (auto _ : state) {
    uint32_t sums[kLanes] = {};
    read(values.data(), values.size(), sums);
    benchmark::DoNotOptimize(sums);
  }
  finish(state);
}

bool readValues(const char *path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  size_t bytes = file ? size_t(file.tellg()) : 0;
  if (bytes == 0 || bytes % (kChannels * sizeof(float)) != 0) {
    std::fprintf(stderr,
                 "statistics_bench: %s is no file of f32 values, a multiple of "
                 "%d\n",
                 path, int(kChannels));
    return false;
  }
  values.resize(bytes / sizeof(float));
  file.seekg(0);
  file.read(reinterpret_cast<char *>(values.data()), std::streamsize(bytes));
  return bool(file);
}

} // namespace

int main(int argc, char **argv) {
  benchmark::Initialize(&argc, argv);
  if (argc != 2) {
    std::fprintf(stderr, "usage: statistics_bench FILE [options]\n");
    return 2;
  }
  if (!readValues(argv[1]))
    return 1;
  for (const auto *kernels : statistics::availableKernels()) {
    std::string level = kernels->name;
    benchmark::RegisterBenchmark(("statistics/" + level).c_str(),
                                 benchStatistics, kernels, ChannelLayout{});
    benchmark::RegisterBenchmark(("first/" + level).c_str(), benchFirst,
                                 kernels);
    benchmark::RegisterBenchmark(("channels/" + level).c_str(), benchStatistics,
                                 kernels, ChannelLayout{kChannels, 1});
    benchmark::RegisterBenchmark(("complete/" + level).c_str(), benchComplete,
                                 kernels);
  }
  benchmark::RegisterBenchmark("minmax", benchMinMax);
  benchmark::RegisterBenchmark("read", benchRead);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
