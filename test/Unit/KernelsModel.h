//===- KernelsModel.h - Run the kernels form in tests ----------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A module in a string through the kernels phase, its launches carried out by
// the emulator. The counterpart of CpuModel.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_TEST_UNIT_KERNELSMODEL_H
#define QUANTOPT_TEST_UNIT_KERNELSMODEL_H

#include "CpuModel.h"
#include "QuantOpt/Emulator/Emulator.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/OwningOpRef.h"

namespace mlir::qopt::test {

class KernelsModel {
public:
  /// Compiles function `main` of `text`, linalg on tensors; see error() where
  /// that fails. `withGemms`: contractions may become gemms. `change` sees the
  /// kernels before the emulator does.
  explicit KernelsModel(const std::string &text, bool withGemms = false,
                        function_ref<void(gpu::GPUModuleOp)> change = nullptr,
                        StringRef chip = "sm_80");

  /// Diagnostics of parsing and compiling.
  const std::string &error() const { return messages; }
  /// The kernels form; null after an error.
  ModuleOp getModule() { return *module; }
  func::FuncOp getEntry();

  /// The compiled batch.
  int64_t getBatch();
  /// Why only the compiled batch runs, empty if any number of samples does.
  std::string getFixedReason();

  /// All outputs for the first `batch` samples of `inputs` (of the compiled
  /// shapes). Buffers on the device hold these samples and nothing else; a test
  /// failure where the emulator reports anything.
  std::vector<Buffer> run(const std::vector<Buffer> &inputs, int64_t batch,
                          const emulator::LaunchOptions &options = {});
  /// The same, with what the emulator reports in `reports`.
  std::vector<Buffer> run(const std::vector<Buffer> &inputs, int64_t batch,
                          const emulator::LaunchOptions &options,
                          std::vector<std::string> &reports);

  /// After a run: the status words of launches with checks.
  std::vector<uint64_t> statusWords;

private:
  MLIRContext context{MLIRContext::Threading::DISABLED};
  std::string messages;
  OwningOpRef<ModuleOp> module;
  std::unique_ptr<emulator::EmulatedModule> kernels;
};

/// Runs `text` on the CPU and, for each number of samples that it supports, as
/// kernels: the results must be the same bits, NaNs apart.
void expectSameBits(const std::string &text, const std::vector<Buffer> &inputs);

using Floats = std::vector<float>;

inline Floats randomFloats(size_t count, unsigned seed, float scale = 1.0f) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0f, scale);
  Floats values(count);
  for (float &value : values)
    value = normal(random);
  return values;
}

/// Of the whole range of T.
template <typename T>
std::vector<T> randomIntegers(size_t count, unsigned seed) {
  std::mt19937_64 random(seed);
  std::vector<T> values(count);
  for (T &value : values)
    value = static_cast<T>(random());
  return values;
}

} // namespace mlir::qopt::test

#endif // QUANTOPT_TEST_UNIT_KERNELSMODEL_H
