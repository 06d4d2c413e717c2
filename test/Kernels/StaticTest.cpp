//===- StaticTest.cpp - What can be proven without a GPU -------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every kernel of the suite through PTX and ptxas: no spills, no warnings,
// registers that let the block run, and exactly the instructions per tile that
// the configuration says. That every float operation is rounded (.rn) and
// none is approximate is checked by translateToPtx itself.
//
//===----------------------------------------------------------------------===//
#include "KernelModule.h"
#include "QuantOpt/Target/Ptx.h"
#include "QuantOpt/Target/Ptxas.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringSet.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::test;

namespace {
/// Kernels of one configuration: the module, and a case for each kernel.
struct ConfigKernels {
  OwningOpRef<ModuleOp> module;
  gpu::GPUModuleOp kernels;
  std::vector<std::unique_ptr<KernelModule>> built;
};
} // namespace

static llvm::MapVector<StringRef, ConfigKernels>
buildAll(MLIRContext &context, const std::vector<GemmCase> &suite,
         const ChipInfo &chip) {
  llvm::MapVector<StringRef, ConfigKernels> configs;
  for (const GemmCase &gemm : suite) {
    ConfigKernels &config = configs[gemm.config];
    if (!config.module) {
      config.module = ModuleOp::create(UnknownLoc::get(&context));
      OpBuilder builder = OpBuilder::atBlockEnd(config.module->getBody());
      config.kernels = gpu::GPUModuleOp::create(
          builder, UnknownLoc::get(&context), "kernels");
    }
    auto built = buildKernel(context, gemm, chip, config.kernels);
    EXPECT_TRUE(built) << gemm.getName();
    if (built)
      config.built.push_back(std::move(built));
  }
  return configs;
}

/// The body of an entry function in PTX text.
static StringRef getKernelText(StringRef ptx, StringRef kernel) {
  size_t begin = ptx.find((".entry " + kernel + "(").str());
  return ptx.slice(begin, ptx.find(".entry", begin + 1));
}

/// Instructions of a multistage kernel: one unrolled k step of the main loop,
/// and the copies of all stages.
static void checkMmaInstructions(StringRef text, GemmConfigAttr c,
                                 const std::string &kernel) {
  int64_t mmasM = c.getWarpM() / 16, mmasN = c.getWarpN() / 8;
  int64_t steps = c.getBlockK() / 32;
  EXPECT_EQ(text.count("mma.sync"), size_t(mmasM * mmasN * steps)) << kernel;
  EXPECT_EQ(text.count("ldmatrix"), size_t((mmasM + mmasN / 2) * steps))
      << kernel;
  int64_t chunks = (c.getBlockM() + c.getBlockN()) * c.getBlockK() / 16;
  int64_t copies = chunks / c.getNumThreads() * c.getStages();
  // Narrow rows take several copies per chunk, bytes none.
  if (!text.contains("cp.async.ca") && !text.contains("ld.global.b8") &&
      !text.contains("ld.global.b16") && !text.contains("ld.global.u8") &&
      !text.contains("ld.global.u16")) {
    EXPECT_EQ(text.count("cp.async.cg"), size_t(copies)) << kernel;
  }
  EXPECT_EQ(text.count("cp.async.commit_group"), size_t(c.getStages()))
      << kernel;
}

static void checkChip(StringRef chipName) {
  if (!findPtxas())
    GTEST_SKIP() << "no ptxas: " << getPtxasHint().str();
  const ChipInfo &chip = *findChip(chipName);
  std::unique_ptr<MLIRContext> context = makeKernelContext();
  std::vector<GemmCase> suite = makeSuite();
  size_t numKernels = 0;
  for (auto &[name, config] : buildAll(*context, suite, chip)) {
    FailureOr<std::string> ptx = translateToPtx(config.kernels, chipName);
    ASSERT_TRUE(succeeded(ptx)) << name.str();
    FailureOr<Cubin> cubin =
        assemble(*ptx, chipName, [&] { return config.kernels->emitError(); });
    ASSERT_TRUE(succeeded(cubin)) << name.str();
    for (const std::string &warning : cubin->log.warnings)
      ADD_FAILURE() << name.str() << ": " << warning;
    llvm::StringSet<> checked;
    for (const auto &built : config.built)
      if (checked.insert(built->launch.kernel).second &&
          built->gemm.getConfigAttr().getKind() == GemmKind::Mma)
        checkMmaInstructions(getKernelText(*ptx, built->launch.kernel),
                             built->gemm.getConfigAttr(), built->launch.kernel);
    int64_t threads =
        config.built.front()->gemm.getConfigAttr().getNumThreads();
    for (const ResourceUsage &usage : cubin->log.kernels) {
      EXPECT_EQ(usage.spillStores + usage.spillLoads + usage.stackFrame, 0)
          << usage.kernel;
      EXPECT_EQ(usage.sharedBytes, 0) << usage.kernel;
      EXPECT_LE(usage.registers * threads, chip.registersPerMultiprocessor)
          << usage.kernel;
      ++numKernels;
    }
  }
  std::printf("%zu kernels for %s\n", numKernels, chipName.str().c_str());
}

TEST(KernelsStatic, Sm80) { checkChip("sm_80"); }
TEST(KernelsStatic, Sm90) { checkChip("sm_90"); }
