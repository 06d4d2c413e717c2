//===- ToyKernels.h - What the kernels of ArtifactSamples do ----*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Kernels in C++ that take their parameters as cuLaunchKernel does and check
// what a launch must give them.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_TEST_UNIT_TOYKERNELS_H
#define QUANTOPT_TEST_UNIT_TOYKERNELS_H

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace toys {

/// A launch of a kernel.
struct Configuration {
  std::array<uint32_t, 3> grid, block;
  uint32_t sharedBytes;
};

template <typename T> T parameter(void *const *parameters, int index) {
  T value;
  memcpy(&value, parameters[index], sizeof(T));
  return value;
}

/// toy_gemm(x, w, out, rows): out[b, n] = sum over k of x[b, k] * w[n, k] with
/// w packed to 8 x 4; four rows for each block. The padding must be zero.
inline std::string gemm(const Configuration &config, void *const *parameters) {
  const float *x = parameter<const float *>(parameters, 0);
  const float *w = parameter<const float *>(parameters, 1);
  float *out = parameter<float *>(parameters, 2);
  int32_t rows = parameter<int32_t>(parameters, 3);
  if (config.block != std::array<uint32_t, 3>{128, 1, 1} ||
      config.sharedBytes != 1024)
    return "toy_gemm: another block or shared memory";
  if (config.grid != std::array<uint32_t, 3>{uint32_t(rows + 3) / 4, 1, 1})
    return "toy_gemm: another grid";
  for (int32_t n = 0; n < 8; ++n)
    for (int32_t k = 0; k < 4; ++k)
      if ((n >= 5 || k >= 3) && w[n * 4 + k] != 0)
        return "toy_gemm: the padding is not zero";
  for (int32_t b = 0; b < rows; ++b)
    for (int32_t n = 0; n < 5; ++n) {
      float sum = 0;
      for (int32_t k = 0; k < 3; ++k)
        sum += x[b * 3 + k] * w[n * 4 + k];
      out[b * 5 + n] = sum;
    }
  return "";
}

/// toy_bias(in, bias, out, counter, count): adds bias to `count` numbers in
/// rows of 5. The counter must be zero and is left so.
inline std::string bias(const Configuration &config, void *const *parameters) {
  const float *in = parameter<const float *>(parameters, 0);
  const float *bias = parameter<const float *>(parameters, 1);
  float *out = parameter<float *>(parameters, 2);
  int32_t *counter = parameter<int32_t *>(parameters, 3);
  int64_t count = parameter<int64_t>(parameters, 4);
  if (config.grid != std::array<uint32_t, 3>{uint32_t(count / 5), 2, 1} ||
      config.block != std::array<uint32_t, 3>{32, 2, 1} || config.sharedBytes)
    return "toy_bias: another launch";
  if (*counter != 0)
    return "toy_bias: the workspace is not zero";
  for (int64_t i = 0; i < count; ++i)
    out[i] = in[i] + bias[i % 5];
  return "";
}

/// toy_check(x, status, rows): notes in the status word where x[b, 0] is above
/// 100 (check 0) or below -100 (check 1). Rows have two points each and come in
/// no order.
inline std::string check(const Configuration &, void *const *parameters) {
  const float *x = parameter<const float *>(parameters, 0);
  uint64_t *status = parameter<uint64_t *>(parameters, 1);
  int32_t rows = parameter<int32_t>(parameters, 2);
  for (int32_t i = 0; i < rows; ++i) {
    int32_t b = (i + 1) % rows;
    for (uint64_t which : {0, 1})
      if ((which ? -x[b * 3] : x[b * 3]) > 100)
        *status = std::max(*status, ~(uint64_t(2 * b + 1) << 8 | which));
  }
  return "";
}

struct Kernel {
  const char *name;
  std::string (*run)(const Configuration &, void *const *);
  /// Bytes of each parameter.
  std::vector<size_t> parameterSizes;
};

inline const std::vector<Kernel> &kernels() {
  static const std::vector<Kernel> all = {{"toy_gemm", gemm, {8, 8, 8, 4}},
                                          {"toy_bias", bias, {8, 8, 8, 8, 8}},
                                          {"toy_check", check, {8, 8, 4}}};
  return all;
}

inline const Kernel *findKernel(const std::string &name) {
  for (const Kernel &kernel : kernels())
    if (name == kernel.name)
      return &kernel;
  return nullptr;
}

/// What samples::gemmArtifact computes of `batch` rows.
inline std::vector<float> expectedGemm(const std::vector<float> &x,
                                       int64_t batch) {
  std::vector<float> y(batch * 5);
  for (int64_t b = 0; b < batch; ++b)
    for (int64_t n = 0; n < 5; ++n) {
      y[b * 5 + n] = 0;
      for (int64_t k = 0; k < 3; ++k)
        y[b * 5 + n] += x[b * 3 + k] * float(k * 5 + n + 1);
      y[b * 5 + n] += float(10 * (n + 1));
    }
  return y;
}

/// Small numbers, so that every sum is exact.
inline std::vector<float> someNumbers(size_t count, int seed = 1) {
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i)
    values[i] = float((i * 7 + size_t(seed) * 13) % 17) - 8;
  return values;
}

} // namespace toys

#endif // QUANTOPT_TEST_UNIT_TOYKERNELS_H
