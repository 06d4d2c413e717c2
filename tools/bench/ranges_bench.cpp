//===- ranges_bench.cpp - Times range selection on synthetic tensors ------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// All methods and applicable storages of synthetic tensors: by method on one
// thread, then all of them on one and on two threads. ranges.py runs it. Usage:
//
//   ranges_bench [--tensors=1000] [--samples=100000] [--export=FILE]
//
// Prints JSON: elapsed time, and that of processors, which other programs
// disturb less. --export writes, for every tensor, its histogram of magnitudes
// (2048 u64), the width of a bin and the threshold of entropy in s8 (f64), for
// a comparison with other implementations.
//
//===----------------------------------------------------------------------===//

#include "QuantOpt/Statistics/Ranges.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <random>
#include <thread>

using namespace mlir::qopt;

namespace {

constexpr RangeMethod kMethods[] = {RangeMethod::Max, RangeMethod::Percentile,
                                    RangeMethod::Entropy, RangeMethod::MSE};
constexpr const char *kMethodNames[] = {"max", "percentile", "entropy", "mse"};
const std::vector<RangeMethod> kAll(std::begin(kMethods), std::end(kMethods));
const std::vector<RangeStorage> kStorages = {RangeStorage::S8, RangeStorage::U8,
                                             RangeStorage::U8Asymmetric};

/// Ten kinds of activations in turn, each time with other parameters.
std::vector<float> makeTensor(unsigned index, size_t samples) {
  std::mt19937 random(index);
  std::normal_distribution<float> normal;
  std::exponential_distribution<float> exponential;
  std::uniform_real_distribution<float> uniform;
  float spread = std::exp(normal(random));
  float shape = 0.3f + uniform(random);
  auto make = [&]() -> float {
    float x = normal(random);
    switch (index % 10) {
    case 0:
      return x;
    case 1: // ReLU
      return std::max(0.0f, x + shape - 0.8f);
    case 2: // GELU
      return 0.5f * x * (1 + std::erf(x * 0.7071f));
    case 3: // Laplace
      return std::copysign(exponential(random), x);
    case 4: // ReLU6
      return std::min(6.0f, std::max(0.0f, 4 * shape * x));
    case 5: // One-sided log-normal
      return std::exp(shape * x);
    case 6: // Two-sided log-normal
      return std::copysign(std::exp(shape * x), normal(random));
    case 7: // Outliers
      return uniform(random) < 1e-4f ? 40 * x : x;
    case 8: // Softmax, sparse
      return std::exp(4 * shape * x - 10);
    default: // Shifted, bounded
      return std::tanh(x) + 0.3f * shape;
    }
  };
  std::vector<float> values(samples);
  for (float &value : values)
    value = spread * make();
  return values;
}

Distribution countTensor(const std::vector<float> &values) {
  Distribution d;
  auto [least, greatest] = std::minmax_element(values.begin(), values.end());
  d.min = *least, d.max = *greatest;
  d.count = values.size();
  double amax = std::max(-d.min, d.max);
  if (amax > 0)
    std::frexp(amax, &d.exponent);
  d.exponent = std::max(kMinHistogramExponent, d.exponent);
  d.positive.resize(kHistogramBins);
  d.negative.resize(kHistogramBins);
  for (float x : values)
    if (x == 0)
      ++d.zeros;
    else
      ++(x > 0 ? d.positive
               : d.negative)[std::ldexp(std::fabs(x), 11 - d.exponent)];
  return d;
}

bool isApplicable(const Distribution &values, RangeStorage storage) {
  return storage != RangeStorage::U8 || values.min >= 0;
}

/// What is measured.
struct Task {
  std::vector<RangeMethod> methods;
  std::vector<RangeStorage> storages = kStorages;
  unsigned threads = 1;
};

struct Milliseconds {
  double wall, processor;
};

Milliseconds timeOf(const std::vector<Distribution> &tensors,
                    const Task &task) {
  std::atomic<size_t> next{0};
  auto work = [&] {
    for (size_t i = next++; i < tensors.size(); i = next++) {
      RangeSelector selector(tensors[i]);
      for (RangeMethod method : task.methods)
        for (RangeStorage storage : task.storages)
          if (isApplicable(tensors[i], storage))
            selector.choose(method, storage);
    }
  };
  std::clock_t before = std::clock();
  auto begin = std::chrono::steady_clock::now();
  std::vector<std::thread> pool;
  for (unsigned i = 1; i < task.threads; ++i)
    pool.emplace_back(work);
  work();
  for (std::thread &thread : pool)
    thread.join();
  std::chrono::duration<double, std::milli> wall =
      std::chrono::steady_clock::now() - begin;
  return {wall.count(), 1e3 * double(std::clock() - before) / CLOCKS_PER_SEC};
}

/// Prints the best of five.
void report(const char *name, const std::vector<Distribution> &tensors,
            const Task &task) {
  Milliseconds best = timeOf(tensors, task);
  for (int i = 0; i < 4; ++i) {
    Milliseconds time = timeOf(tensors, task);
    best.wall = std::min(best.wall, time.wall);
    best.processor = std::min(best.processor, time.processor);
  }
  std::printf(", \"%s\": {\"ms\": %.1f, \"processor_ms\": %.1f}", name,
              best.wall, best.processor);
}

bool exportTensors(const std::vector<Distribution> &tensors, const char *path) {
  FILE *file = std::fopen(path, "wb");
  if (!file)
    return false;
  bool written = true;
  for (const Distribution &tensor : tensors) {
    std::vector<uint64_t> counts(kHistogramBins);
    for (unsigned i = 0; i < kHistogramBins; ++i)
      counts[i] = tensor.positive[i] + tensor.negative[i];
    Range range = chooseRange(tensor, RangeMethod::Entropy, RangeStorage::S8);
    double numbers[] = {std::ldexp(1.0, tensor.exponent - 11), range.high};
    written &=
        std::fwrite(counts.data(), 8, kHistogramBins, file) == kHistogramBins &&
        std::fwrite(numbers, 8, 2, file) == 2;
  }
  return std::fclose(file) == 0 && written;
}

} // namespace

int main(int argc, char **argv) {
  size_t count = 1000, samples = 100000;
  const char *path = nullptr;
  for (int i = 1; i < argc; ++i) {
    if (std::strncmp(argv[i], "--tensors=", 10) == 0) {
      count = std::strtoul(argv[i] + 10, nullptr, 10);
    } else if (std::strncmp(argv[i], "--samples=", 10) == 0) {
      samples = std::strtoul(argv[i] + 10, nullptr, 10);
    } else if (std::strncmp(argv[i], "--export=", 9) == 0) {
      path = argv[i] + 9;
    } else {
      std::fprintf(stderr, "ranges_bench: unknown argument '%s'\n", argv[i]);
      return 2;
    }
  }
  if (count == 0 || samples == 0) {
    std::fprintf(stderr, "ranges_bench: nothing to measure\n");
    return 2;
  }
  std::vector<Distribution> tensors;
  for (size_t i = 0; i < count; ++i)
    tensors.push_back(countTensor(makeTensor(i, samples)));
  if (path && !exportTensors(tensors, path)) {
    std::fprintf(stderr, "ranges_bench: cannot write %s\n", path);
    return 1;
  }

  std::printf("{\"tensors\": %zu, \"samples\": %zu", count, samples);
  for (int i = 0; i < 4; ++i)
    report(kMethodNames[i], tensors, {{kMethods[i]}});
  report("entropy_s8", tensors, {{RangeMethod::Entropy}, {RangeStorage::S8}});
  report("all", tensors, {kAll});
  report("all_two_threads", tensors, {kAll, kStorages, 2});
  std::printf("}\n");
  return 0;
}
