//===- EmulatedModule.cpp - Kernels ready to launch ------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Launch.h"
#include "Lowering.h"
#include "QuantOpt/Emulator/Emulator.h"

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::emulator;

struct EmulatedModule::Impl {
  ModuleImage image;
  std::vector<KernelImage> kernels;
  std::unique_ptr<KernelCode> code;
};

EmulatedModule::EmulatedModule(std::unique_ptr<Impl> impl)
    : impl(std::move(impl)) {}
EmulatedModule::~EmulatedModule() = default;

FailureOr<std::unique_ptr<EmulatedModule>>
EmulatedModule::create(gpu::GPUModuleOp module, unsigned optLevel) {
  LoweredModule lowered;
  if (failed(lowerToEmulator(module, lowered)))
    return failure();
  auto fail = [&](llvm::Error error) {
    module.emitError("emulator: ") << llvm::toString(std::move(error));
    return failure();
  };
  auto code = KernelCode::compile(*lowered.host, optLevel);
  if (!code)
    return fail(code.takeError());
  auto impl = std::make_unique<Impl>();
  impl->image = std::move(lowered.image);
  impl->kernels = std::move(lowered.kernels);
  impl->code = std::move(*code);
  for (KernelImage &kernel : impl->kernels) {
    auto entry = impl->code->lookup(getEntrySymbol(kernel.name));
    if (!entry)
      return fail(entry.takeError());
    kernel.entry = reinterpret_cast<void (*)(void *const *)>(*entry);
    kernel.module = &impl->image;
  }
  for (ModuleGlobal &global : impl->image.globals) {
    auto address = impl->code->lookup(global.name);
    if (!address)
      return fail(address.takeError());
    global.address = *address;
  }
  return std::unique_ptr<EmulatedModule>(new EmulatedModule(std::move(impl)));
}

LaunchResult EmulatedModule::launch(DeviceMemory &memory, StringRef kernel,
                                    std::array<uint32_t, 3> grid,
                                    std::array<uint32_t, 3> block,
                                    uint32_t dynamicSharedBytes,
                                    void *const *params,
                                    const LaunchOptions &options) const {
  auto found = llvm::find_if(impl->kernels, [&](const KernelImage &image) {
    return image.name == kernel;
  });
  if (found == impl->kernels.end()) {
    LaunchResult result;
    result.ok = false;
    result.reports.push_back(("no kernel '" + kernel + "'").str());
    return result;
  }
  // The module's constants are readable memory for the launch.
  for (const ModuleGlobal &global : impl->image.globals)
    memory.addForeign(global.address, global.size, "@" + global.name);
  LaunchResult result = launchKernel(*found, memory, grid, block,
                                     dynamicSharedBytes, params, options);
  for (const ModuleGlobal &global : impl->image.globals)
    memory.removeForeign(global.address);
  return result;
}
