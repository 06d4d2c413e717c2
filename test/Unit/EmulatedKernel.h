//===- EmulatedKernel.h - Run kernels in the emulator ----------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A gpu.module in a string, compiled and launched on named buffers. Kernel
// files are called "k.mlir" in reports.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_TEST_UNIT_EMULATEDKERNEL_H
#define QUANTOPT_TEST_UNIT_EMULATEDKERNEL_H

#include "QuantOpt/Emulator/Emulator.h"
#include "QuantOpt/Pipelines/Pipelines.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

#include "llvm/Support/raw_ostream.h"

#include <cstring>
#include <string>
#include <vector>

namespace mlir::qopt::test {

using Dims = std::array<uint32_t, 3>;

class EmulatedKernel {
public:
  /// `text` is the body of a gpu.module, or a whole module if it has one.
  explicit EmulatedKernel(StringRef text, unsigned optLevel = 0) {
    DialectRegistry registry;
    registerQuantOpt(registry);
    registry.insert<cf::ControlFlowDialect, gpu::GPUDialect, LLVM::LLVMDialect,
                    NVVM::NVVMDialect, vector::VectorDialect>();
    context.appendDialectRegistry(registry);
    context.loadAllAvailableDialects();
    ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
      llvm::raw_string_ostream(messages)
          << diagnostic.getLocation() << ": " << diagnostic.str() << "\n";
    });
    bool isWhole = text.contains("gpu.module");
    std::string whole =
        isWhole ? text.str() : ("gpu.module @kernels {" + text + "}").str();
    module =
        parseSourceString<ModuleOp>(whole, ParserConfig(&context), "k.mlir");
    if (!module)
      return;
    auto kernels = module->getOps<gpu::GPUModuleOp>();
    auto compiled =
        emulator::EmulatedModule::create(*kernels.begin(), optLevel);
    if (succeeded(compiled))
      emulated = std::move(*compiled);
  }

  /// Diagnostics of parsing and compiling.
  const std::string &error() const { return messages; }

  /// A device buffer that begins with `values`; passed to each launch in order
  /// of creation, before the scalars.
  template <typename T>
  T *buffer(StringRef name, const std::vector<T> &values) {
    void *data = memory.allocate(values.size() * sizeof(T), name);
    memcpy(data, values.data(), values.size() * sizeof(T));
    pointers.push_back(data);
    return static_cast<T *>(data);
  }
  void scalar(int32_t value) { scalars.push_back(value); }

  emulator::LaunchResult launch(StringRef kernel, Dims grid, Dims block,
                                uint32_t dynamicShared,
                                const emulator::LaunchOptions &options) {
    if (!emulated) {
      ADD_FAILURE() << messages;
      return {};
    }
    std::vector<void *> params;
    for (void *&pointer : pointers)
      params.push_back(&pointer);
    for (int32_t &value : scalars)
      params.push_back(&value);
    return emulated->launch(memory, kernel, grid, block, dynamicShared,
                            params.data(), options);
  }

  /// Runs @k under nine schedules; expects no report and returns the results of
  /// the last run.
  emulator::LaunchResult runAll(Dims grid, Dims block,
                                uint32_t dynamicShared = 0) {
    emulator::LaunchResult result;
    for (const emulator::LaunchOptions &options : allOptions()) {
      result = launch("k", grid, block, dynamicShared, options);
      EXPECT_TRUE(result.ok) << join(result.reports);
    }
    return result;
  }

  /// Reports of one adversarial run of @k, one per line.
  std::string report(Dims grid, Dims block, uint32_t dynamicShared = 0) {
    return join(launch("k", grid, block, dynamicShared, {}).reports);
  }

  static std::vector<emulator::LaunchOptions> allOptions() {
    std::vector<emulator::LaunchOptions> all;
    using emulator::Landing, emulator::Schedule;
    for (Schedule schedule :
         {Schedule::Lockstep, Schedule::Random, Schedule::Pct}) {
      for (Landing landing : {Landing::Early, Landing::Late, Landing::Random}) {
        emulator::LaunchOptions options;
        options.schedule = schedule;
        options.landing = landing;
        options.seed = all.size() + 1;
        all.push_back(options);
      }
    }
    return all;
  }

  static std::string join(const std::vector<std::string> &lines) {
    std::string text;
    for (const std::string &line : lines)
      text += line + "\n";
    return text;
  }

  emulator::DeviceMemory memory;

private:
  MLIRContext context{MLIRContext::Threading::DISABLED};
  std::string messages;
  OwningOpRef<ModuleOp> module;
  std::unique_ptr<emulator::EmulatedModule> emulated;
  std::vector<void *> pointers;
  std::vector<int32_t> scalars;
};

} // namespace mlir::qopt::test

#endif // QUANTOPT_TEST_UNIT_EMULATEDKERNEL_H
