//===- cpu_kernels_bench.cpp - Times the CPU kernels on model layers ------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Best times on one thread of the contractions of ResNet-50 and MobileNetV2 at
// batch 1 and of a BERT-base layer at 128 tokens. Usage:
//
//   cpu_kernels_bench [--plain] [resnet50|mobilenet|bert|other]...
//
//===----------------------------------------------------------------------===//

#include "QuantOpt/Execution/CpuKernels.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <vector>

using namespace mlir::qopt::cpu;

namespace {

struct Types {
  const char *name;
  ElementType lhs, rhs;
};
constexpr Types kTypes[] = {{"f32", ElementType::F32, ElementType::F32},
                            {"u8s8", ElementType::U8, ElementType::S8},
                            {"s8s8", ElementType::S8, ElementType::S8}};

KernelPreference preference = KernelPreference::Auto;

/// Milliseconds of the best of many runs (at least 5, at least 30 ms).
double bestTime(const Kernel &kernel, int64_t lhs, int64_t rhs, int64_t out) {
  // Four bytes an element suits all types.
  std::vector<uint32_t> lhsData(lhs, 0x3C3C3C3Cu), rhsData(rhs, 0x3D3D3D3Du);
  std::vector<uint32_t> outData(out);
  auto run = [&] {
    auto begin = std::chrono::steady_clock::now();
    kernel.run(lhsData.data(), rhsData.data(), outData.data());
    std::chrono::duration<double, std::milli> time =
        std::chrono::steady_clock::now() - begin;
    return time.count();
  };
  run(); // Packs constants.
  double best = run(), total = best;
  for (int i = 0; i < 5 || total < 30; ++i) {
    double time = run();
    best = std::min(best, time);
    total += time;
  }
  return best;
}

/// Prints one line and returns `count` times the best time.
double report(const char *types, const char *what, const Kernel *kernel,
              int64_t lhs, int64_t rhs, int64_t out, double operations,
              int count) {
  double time = bestTime(*kernel, lhs, rhs, out);
  std::printf("%-5s %-34s x%d %9.4f ms %7.0f GOP/s  %s\n", types, what, count,
              time, operations / time * 1e-6, kernel->implementation());
  return time * count;
}

struct Conv {
  int64_t groups, in, out, size, window, stride;
  int count = 1;
};

double time(const Types &types, const Conv &c) {
  ConvolutionSpec s;
  s.inputType = types.lhs;
  s.filterType = types.rhs;
  s.groups = c.groups;
  s.inputChannels = c.in;
  s.outputChannels = c.out;
  for (int d = 0; d < 2; ++d) {
    s.inputSize[d] = c.size;
    s.kernelSize[d] = c.window;
    s.strides[d] = c.stride;
    s.outputSize[d] = (c.size - c.window) / c.stride + 1;
  }
  auto nhwc = [](int64_t groups, int64_t channels, const int64_t *size) {
    ConvolutionSpec::Strides strides;
    strides.channel = 1;
    strides.group = channels;
    strides.spatial[1] = groups * channels;
    strides.spatial[0] = size[1] * strides.spatial[1];
    strides.outer = size[0] * strides.spatial[0];
    return strides;
  };
  s.inputStrides = nhwc(c.groups, c.in, s.inputSize);
  s.outputStrides = nhwc(c.groups, c.out, s.outputSize);
  s.filterStrides = nhwc(1, c.in, s.kernelSize);
  s.filterStrides.group = c.out * s.filterStrides.outer;
  s.filterConstant = true;
  std::string error;
  auto kernel = createConvolution(s, preference, error);
  char what[64];
  std::snprintf(what, sizeof(what), "g%ld i%ld o%ld %ldx%ld k%ld s%ld",
                long(c.groups), long(c.in), long(c.out), long(c.size),
                long(c.size), long(c.window), long(c.stride));
  int64_t window = c.window * c.window;
  double positions = double(s.outputSize[0] * s.outputSize[1]);
  return report(types.name, what, kernel.get(), s.inputStrides.outer,
                c.groups * s.filterStrides.group, s.outputStrides.outer,
                2.0 * positions * double(window * c.groups * c.in * c.out),
                c.count);
}

struct Product {
  int64_t batch, m, n, k;
  bool constant;
  int count = 1;
};

double time(const Types &types, const Product &p) {
  ContractionSpec s;
  s.lhsType = types.lhs;
  s.rhsType = types.rhs;
  s.batch = p.batch;
  s.m = p.m;
  s.n = p.n;
  s.k = p.k;
  s.rhsConstant = p.constant;
  auto set = [](int64_t *strides, int64_t a, int64_t b, int64_t c) {
    strides[0] = a, strides[1] = b, strides[2] = c;
  };
  set(s.lhsStrides, p.m * p.k, p.k, 1);
  set(s.rhsStrides, p.k * p.n, p.n, 1);
  set(s.outStrides, p.m * p.n, p.n, 1);
  std::string error;
  auto kernel = createContraction(s, preference, error);
  char what[64];
  std::snprintf(what, sizeof(what), "b%ld m%ld n%ld k%ld%s", long(p.batch),
                long(p.m), long(p.n), long(p.k), p.constant ? "" : " variable");
  return report(types.name, what, kernel.get(), p.batch * p.m * p.k,
                p.batch * p.k * p.n, p.batch * p.m * p.n,
                2.0 * double(p.batch * p.m) * double(p.n * p.k), p.count);
}

template <typename Layer>
void suite(const char *name, const std::vector<Layer> &layers) {
  for (const Types &types : kTypes) {
    double total = 0;
    int count = 0;
    for (const Layer &layer : layers) {
      total += time(types, layer);
      count += layer.count;
    }
    std::printf("%s %s: %d layers, %.3f ms\n\n", name, types.name, count,
                total);
  }
}

} // namespace

int main(int argc, char **argv) {
  std::vector<const char *> names;
  for (int i = 1; i < argc; ++i)
    if (std::strcmp(argv[i], "--plain") == 0)
      preference = KernelPreference::Plain;
    else
      names.push_back(argv[i]);
  auto wants = [&](const char *name) {
    return names.empty() ||
           std::any_of(names.begin(), names.end(), [&](const char *given) {
             return std::strcmp(given, name) == 0;
           });
  };
  std::printf("%s, oneDNN int8 exact: %s\n", instructionSet(),
              oneDnnInt8IsExact() ? "yes" : "no");
  if (wants("resnet50"))
    suite<Conv>("resnet50",
                {{1, 3, 64, 230, 7, 2},      {1, 64, 64, 56, 1, 1},
                 {1, 64, 64, 58, 3, 1, 3},   {1, 64, 256, 56, 1, 1, 4},
                 {1, 256, 64, 56, 1, 1, 2},  {1, 256, 128, 56, 1, 1},
                 {1, 128, 128, 58, 3, 2},    {1, 128, 512, 28, 1, 1, 4},
                 {1, 256, 512, 56, 1, 2},    {1, 512, 128, 28, 1, 1, 3},
                 {1, 128, 128, 30, 3, 1, 3}, {1, 512, 256, 28, 1, 1},
                 {1, 256, 256, 30, 3, 2},    {1, 256, 1024, 14, 1, 1, 6},
                 {1, 512, 1024, 28, 1, 2},   {1, 1024, 256, 14, 1, 1, 5},
                 {1, 256, 256, 16, 3, 1, 5}, {1, 1024, 512, 14, 1, 1},
                 {1, 512, 512, 16, 3, 2},    {1, 512, 2048, 7, 1, 1, 3},
                 {1, 1024, 2048, 14, 1, 2},  {1, 2048, 512, 7, 1, 1, 2},
                 {1, 512, 512, 9, 3, 1, 2}});
  if (wants("mobilenet"))
    suite<Conv>("mobilenet_v2 depthwise", {{32, 1, 1, 114, 3, 1},
                                           {96, 1, 1, 114, 3, 2},
                                           {144, 1, 1, 58, 3, 1},
                                           {144, 1, 1, 58, 3, 2},
                                           {192, 1, 1, 30, 3, 1, 2},
                                           {192, 1, 1, 30, 3, 2},
                                           {384, 1, 1, 16, 3, 1, 4},
                                           {576, 1, 1, 16, 3, 1, 2},
                                           {576, 1, 1, 16, 3, 2},
                                           {960, 1, 1, 9, 3, 1, 3}});
  if (wants("bert"))
    suite<Product>("bert_base layer", {{1, 128, 768, 768, true, 4},
                                       {1, 128, 3072, 768, true},
                                       {1, 128, 768, 3072, true},
                                       {12, 128, 128, 64, false},
                                       {12, 128, 64, 128, false}});
  if (wants("other")) {
    suite<Conv>("other convolutions", {{1, 3, 32, 226, 3, 2},
                                       {1, 1, 32, 30, 3, 1},
                                       {1, 3, 768, 224, 16, 16},
                                       {32, 4, 4, 58, 3, 1},
                                       {32, 8, 8, 30, 3, 1},
                                       {2, 24, 40, 30, 3, 1},
                                       {1, 17, 19, 30, 3, 1},
                                       {1, 24, 144, 56, 1, 1},
                                       {1, 160, 960, 7, 1, 1}});
    suite<Product>("other products", {{1, 1, 1000, 2048, true},
                                      {1, 1, 3072, 768, true},
                                      {1, 1, 10, 84, true},
                                      {1, 8, 768, 768, true},
                                      {1, 1024, 1024, 1024, true},
                                      {1, 1024, 1024, 1024, false}});
  }
  return 0;
}
