//===- FakeCompiler.h - Control of the stand-in for libQuantOpt -*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_TEST_UNIT_FAKECOMPILER_FAKECOMPILER_H
#define QUANTOPT_TEST_UNIT_FAKECOMPILER_FAKECOMPILER_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace fakecompiler {

struct Control {
  /// Added to the versions of the interfaces.
  uint32_t versionError = 0;
  /// Emulator: bytes that may be allocated.
  size_t memoryBytes = 1 << 20;
  /// CPU: samples of the compiled model.
  int64_t batch = 6;

  // What there is and was done.
  int sessions = 0;
  size_t allocations = 0, allocatedBytes = 0;
  int launches = 0, runs = 0;
  std::string text, chip;
  std::vector<std::string> allocated;
  /// The rows that the last run on the CPU got.
  std::vector<float> lastInput;
};

using ControlFunction = Control *(*)();
#define FAKE_COMPILER_CONTROL_SYMBOL "fakeCompilerControl"

} // namespace fakecompiler

#endif // QUANTOPT_TEST_UNIT_FAKECOMPILER_FAKECOMPILER_H
