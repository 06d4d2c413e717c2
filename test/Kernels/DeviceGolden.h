//===- DeviceGolden.h - What single instructions compute -------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Small kernels that show what the instructions under our kernels do: which
// lane holds which element of a fragment, how conversions round and saturate,
// what an asynchronous copy leaves behind its last byte. The expected bytes are
// computed from the PTX ISA's text by scalar code; emulator and GPU are held to
// the same ones, so that a wrong belief cannot hide in both.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_TEST_KERNELS_DEVICEGOLDEN_H
#define QUANTOPT_TEST_KERNELS_DEVICEGOLDEN_H

#include "QuantOpt/Runtime/quant_opt_runtime.h"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace mlir::qopt::test {

/// A dense row-major tensor.
struct GoldenTensor {
  std::string name;
  qopt_dtype dtype;
  std::vector<int64_t> dims;
  std::vector<uint8_t> bytes;

  size_t getElementBytes() const {
    size_t count = 1;
    for (int64_t dim : dims)
      count *= static_cast<size_t>(dim);
    return bytes.size() / count;
  }
};

struct DeviceGolden {
  std::string name;
  /// A `gpu.module @kernels` with one kernel `@golden`, whose parameters are
  /// pointers to the inputs, then to the outputs.
  std::string module;
  std::array<uint32_t, 3> grid = {1, 1, 1};
  /// In x; y and z are 1.
  uint32_t threads = 32;
  /// Dynamic shared memory in bytes.
  uint32_t sharedBytes = 0;
  std::vector<GoldenTensor> inputs;
  /// With the expected content. NaNs of float tensors are all equal.
  std::vector<GoldenTensor> outputs;
};

/// All of them, in a fixed order with unique names.
std::vector<DeviceGolden> makeDeviceGoldens();

/// Their parts, by subject.
void addTensorCoreGoldens(std::vector<DeviceGolden> &goldens);
void addMemoryGoldens(std::vector<DeviceGolden> &goldens);
void addConversionGoldens(std::vector<DeviceGolden> &goldens);
void addFloatGoldens(std::vector<DeviceGolden> &goldens);

//===----------------------------------------------------------------------===//
// Making them
//===----------------------------------------------------------------------===//

/// A tensor with the values' bytes; without `dims` it is one-dimensional.
template <typename T>
GoldenTensor makeTensor(const std::string &name, qopt_dtype dtype,
                        const std::vector<T> &values,
                        std::vector<int64_t> dims = {}) {
  if (dims.empty())
    dims = {static_cast<int64_t>(values.size())};
  const auto *bytes = reinterpret_cast<const uint8_t *>(values.data());
  return {name, dtype, dims, {bytes, bytes + values.size() * sizeof(T)}};
}

/// The module around a kernel's body. Parameters are %in0, %in1, ..., %out0,
/// ...; `%shared` is the dynamic shared memory where there is some.
std::string makeKernelModule(const DeviceGolden &golden,
                             const std::string &body);

/// A kernel with one thread per element: all tensors have one number of
/// elements, a multiple of 128. `body` computes %y0, ... of the outputs from
/// %x0, ... of the inputs; all 32 lanes of a warp are there.
DeviceGolden makeElementwise(const std::string &name,
                             std::vector<GoldenTensor> inputs,
                             std::vector<GoldenTensor> outputs,
                             const std::string &body);

/// Values in which conversions and arithmetic are likely to differ, then
/// random bit patterns; `count` in all. The first are the same for any count.
std::vector<float> makeFloats(size_t count);

} // namespace mlir::qopt::test

#endif // QUANTOPT_TEST_KERNELS_DEVICEGOLDEN_H
