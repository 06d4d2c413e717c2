//===- DeviceGoldenTest.cpp - The emulator against the PTX ISA -*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The goldens that tools/gpu-check.sh runs on a GPU, in the emulator. That a
// golden is about the instruction it claims to be about is checked in its PTX.
//
//===----------------------------------------------------------------------===//
#include "DeviceGolden.h"
#include "KernelModule.h"
#include "QuantOpt/Emulator/Emulator.h"
#include "QuantOpt/Target/Ptx.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include "gtest/gtest.h"

#include <cstring>

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::test;

static OwningOpRef<ModuleOp> parse(MLIRContext &context,
                                   const DeviceGolden &golden) {
  return parseSourceString<ModuleOp>(golden.module, ParserConfig(&context));
}

static gpu::GPUModuleOp getKernels(ModuleOp module) {
  return *module.getOps<gpu::GPUModuleOp>().begin();
}

TEST(DeviceGoldens, PtxHasTheInstruction) {
  // Names begin with the first; the PTX has the second.
  const std::pair<StringRef, StringRef> instructions[] = {
      {"bytes", "cvt.s16.s8"},
      {"cp_async_16", "cp.async.cg.shared.global [%"},
      {"cp_async_4", "cp.async.ca.shared.global [%"},
      {"cp_async_8", "cp.async.ca.shared.global [%"},
      {"cvt_pack_sat_s8", "cvt.pack.sat.s8.s32.b32"},
      {"cvt_pack_sat_u8", "cvt.pack.sat.u8.s32.b32"},
      {"cvt_rni_s32_f32", "cvt.rni.s32.f32"},
      {"dp4a_s8_s8", "dp4a.s32.s32"},
      {"dp4a_s8_u8", "dp4a.s32.u32"},
      {"dp4a_u8_s8", "dp4a.u32.s32"},
      {"dp4a_u8_u8", "dp4a.u32.u32"},
      {"extf_f16", "cvt.f32.f16"},
      {"float_add", "add.rn.f32"},
      {"float_ceil", "cvt.rpi.f32.f32"},
      {"float_compare", "setp.geu.f32"},
      {"float_div", "div.rn.f32"},
      {"float_floor", "cvt.rmi.f32.f32"},
      {"float_fma", "fma.rn.f32"},
      {"float_maximum", "max.NaN.f32"},
      {"float_minimum", "min.NaN.f32"},
      {"float_mul", "mul.rn.f32"},
      {"float_mul_add", "add.rn.f32"},
      {"float_roundeven", "cvt.rni.f32.f32"},
      {"float_rsqrt", "rcp.rn.f32"},
      {"float_sqrt", "sqrt.rn.f32"},
      {"float_sub", "sub.rn.f32"},
      {"float_trunc", "cvt.rzi.f32.f32"},
      {"fptosi_fptoui", "cvt.rzi.u32.f32"},
      {"ldmatrix_x4", "ldmatrix.sync.aligned.m8n8.x4.shared.b16"},
      {"mma_m16n8k32_s8_s8", "mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32"},
      {"mma_m16n8k32_s8_u8", "mma.sync.aligned.m16n8k32.row.col.s32.s8.u8.s32"},
      {"mma_m16n8k32_u8_s8", "mma.sync.aligned.m16n8k32.row.col.s32.u8.s8.s32"},
      {"mma_m16n8k32_u8_u8", "mma.sync.aligned.m16n8k32.row.col.s32.u8.u8.s32"},
      {"shfl_bfly", "shfl.sync.bfly.b32"},
      {"sitofp_uitofp", "cvt.rn.f32.u32"},
      {"special_registers", "%ctaid.z"},
      {"truncf_f16", "cvt.rn.f16.f32"},
  };
  std::unique_ptr<MLIRContext> context = makeKernelContext();
  llvm::StringMap<std::string> texts;
  for (const DeviceGolden &golden : makeDeviceGoldens()) {
    OwningOpRef<ModuleOp> module = parse(*context, golden);
    ASSERT_TRUE(module) << golden.name;
    FailureOr<std::string> ptx = translateToPtx(getKernels(*module), "sm_80");
    ASSERT_TRUE(succeeded(ptx)) << golden.name;
    EXPECT_TRUE(texts.try_emplace(golden.name, *ptx).second)
        << golden.name << " occurs twice";
  }
  for (auto [name, instruction] : instructions) {
    ASSERT_TRUE(texts.contains(name)) << name.str();
    EXPECT_NE(texts[name].find(instruction.str()), std::string::npos)
        << name.str() << " lacks " << instruction.str();
  }
}

//===----------------------------------------------------------------------===//
// In the emulator
//===----------------------------------------------------------------------===//

/// NaNs of float tensors are all equal; `bits` is an element, zero-extended.
static bool isNaN(uint64_t bits, qopt_dtype dtype) {
  return (dtype == QOPT_F32 && (bits & 0x7fffffff) > 0x7f800000) ||
         (dtype == QOPT_F16 && (bits & 0x7fff) > 0x7c00);
}

static void compare(const DeviceGolden &golden, const GoldenTensor &expected,
                    const char *actual) {
  size_t size = expected.getElementBytes();
  size_t wrong = 0;
  for (size_t i = 0; i < expected.bytes.size(); i += size) {
    uint64_t want = 0, have = 0;
    memcpy(&want, &expected.bytes[i], size);
    memcpy(&have, actual + i, size);
    if (want == have ||
        (isNaN(want, expected.dtype) && isNaN(have, expected.dtype)))
      continue;
    if (++wrong <= 4)
      ADD_FAILURE() << golden.name << ": element " << i / size << " of '"
                    << expected.name << "' is 0x" << std::hex << have
                    << ", expected 0x" << want;
  }
  EXPECT_EQ(wrong, 0u) << golden.name << ": wrong elements of '"
                       << expected.name << "'";
}

static void run(MLIRContext &context, const DeviceGolden &golden,
                const emulator::LaunchOptions &options) {
  OwningOpRef<ModuleOp> module = parse(context, golden);
  ASSERT_TRUE(module) << golden.name;
  auto emulated = emulator::EmulatedModule::create(getKernels(*module));
  ASSERT_TRUE(succeeded(emulated)) << golden.name;
  emulator::DeviceMemory memory;
  std::vector<void *> buffers;
  for (const auto *tensors : {&golden.inputs, &golden.outputs})
    for (const GoldenTensor &tensor : *tensors) {
      buffers.push_back(memory.allocate(tensor.bytes.size(), tensor.name));
      ASSERT_TRUE(buffers.back());
    }
  for (auto [tensor, buffer] : llvm::zip(golden.inputs, buffers))
    memcpy(buffer, tensor.bytes.data(), tensor.bytes.size());
  std::vector<void *> parameters;
  for (void *&buffer : buffers)
    parameters.push_back(&buffer);
  emulator::LaunchResult result =
      (*emulated)->launch(memory, "golden", golden.grid, {golden.threads, 1, 1},
                          golden.sharedBytes, parameters.data(), options);
  for (const std::string &report : result.reports)
    ADD_FAILURE() << golden.name << ": " << report;
  for (auto [i, output] : llvm::enumerate(golden.outputs))
    compare(golden, output,
            static_cast<char *>(buffers[golden.inputs.size() + i]));
}

TEST(DeviceGoldens, Emulator) {
  std::unique_ptr<MLIRContext> context = makeKernelContext();
  for (const DeviceGolden &golden : makeDeviceGoldens()) {
    emulator::LaunchOptions options;
    for (uint64_t seed : {1, 2}) {
      options.seed = seed;
      run(*context, golden, options);
    }
    options.schedule = emulator::Schedule::Lockstep;
    options.landing = emulator::Landing::Early;
    run(*context, golden, options);
  }
}
