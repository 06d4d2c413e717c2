//===- FakeCuda.h - Control of the stand-in for NVIDIA's driver -*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the GPU of the stand-in is like, which calls fail, and what has been
// done with it. Got with dlsym from the library that the runtime loads.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_TEST_UNIT_FAKECUDA_FAKECUDA_H
#define QUANTOPT_TEST_UNIT_FAKECUDA_FAKECUDA_H

#include <cstddef>
#include <string>

namespace fakecuda {

struct Control {
  // The machine.
  int initResult = 0;
  int deviceCount = 1;
  int major = 8, minor = 0;
  size_t memoryBytes = 1 << 20;
  int maxSharedBytes = 164 * 1024;

  /// The call of this function number `failAfter` (from 0) returns
  /// `failResult`.
  std::string failing;
  int failAfter = 0;
  int failResult = 1;
  /// What loading a cubin or PTX comes to, and what the compiler writes then.
  int cubinResult = 0, ptxResult = 0;
  std::string log;

  // What there is.
  int contexts = 0, modules = 0, streams = 0, events = 0, graphs = 0,
      executables = 0;
  size_t allocations = 0, allocatedBytes = 0;
  // What was done.
  int launches = 0, graphLaunches = 0, cubins = 0, ptx = 0;
  /// Why a kernel failed.
  std::string problem;
};

using ControlFunction = Control *(*)();
#define FAKE_CUDA_CONTROL_SYMBOL "fakeCudaControl"

} // namespace fakecuda

#endif // QUANTOPT_TEST_UNIT_FAKECUDA_FAKECUDA_H
