//===- LoopsStaticTest.cpp - Loops kernels without a GPU -------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Through PTX and ptxas, as the compiler chooses them: no spills, vector
// accesses, and the number of dp4a and permutes that the plan says.
//
//===----------------------------------------------------------------------===//
#include "LoopsCases.h"

#include "QuantOpt/Pipelines/Pipelines.h"
#include "QuantOpt/Target/Ptx.h"
#include "QuantOpt/Target/Ptxas.h"
#include "mlir/Pass/PassManager.h"

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::test;

/// PTX of the one kernel of a module, after ptxas found nothing wrong with it.
static std::string compile(const LoopsCase &loops, StringRef chip) {
  std::string result;
  KernelsModel model(loops.text, /*withGemms=*/true, nullptr, chip);
  EXPECT_EQ(model.error(), "");
  if (!model.error().empty())
    return result;
  gpu::GPUModuleOp kernels =
      *model.getModule().getOps<gpu::GPUModuleOp>().begin();
  FailureOr<std::string> ptx = translateToPtx(kernels, chip);
  EXPECT_TRUE(succeeded(ptx));
  if (failed(ptx))
    return result;
  FailureOr<Cubin> cubin =
      assemble(*ptx, chip, [&] { return kernels->emitError(); });
  EXPECT_TRUE(succeeded(cubin));
  if (failed(cubin))
    return result;
  for (const std::string &warning : cubin->log.warnings)
    ADD_FAILURE() << warning;
  for (const ResourceUsage &usage : cubin->log.kernels) {
    EXPECT_EQ(usage.spillStores + usage.spillLoads + usage.stackFrame, 0)
        << usage.kernel;
    std::printf("%s %s: %ld registers\n", chip.str().c_str(),
                usage.kernel.c_str(), static_cast<long>(usage.registers));
  }
  return *ptx;
}

class LoopsStatic : public ::testing::TestWithParam<const char *> {
protected:
  void SetUp() override {
    if (!findPtxas())
      GTEST_SKIP() << "no ptxas: " << getPtxasHint().str();
  }
};

TEST_P(LoopsStatic, Rows) {
  for (int length : {64, 100, 128, 256, 384, 512, 768, 1000, 1024}) {
    SCOPED_TRACE(length);
    for (const char *type : {"i8", "f16", "f32"})
      compile(makeSoftmax(512, length, type, ""), GetParam());
    for (const char *type : {"i8", "f32"})
      compile(makeLayerNorm(512, length, type, ""), GetParam());
  }
}

TEST_P(LoopsStatic, RowsAreVectors) {
  std::string ptx = compile(
      makeSoftmax(512, 512, "f32", makeRowsConfig(128, 32, 8, 2)), GetParam());
  StringRef text = ptx;
  EXPECT_EQ(text.count("ld.global.nc.v4") + text.count("ld.global.v4"), 4u);
  EXPECT_EQ(text.count("st.global.v2"), 2u);
  // The maximum: 5. The sum: 4 + 2 + 1 + 1 + 1 of the threads, 3 of the lanes.
  EXPECT_EQ(text.count("shfl.sync"), 17u);
  EXPECT_FALSE(text.contains("bar.sync"));
}

TEST_P(LoopsStatic, Depthwise) {
  for (int kernel : {3, 5})
    for (int stride : {1, 2}) {
      Depthwise depthwise;
      depthwise.images = 8;
      depthwise.height = depthwise.width = 56;
      depthwise.channels = 96;
      depthwise.kernelH = depthwise.kernelW = kernel;
      depthwise.pad = kernel / 2;
      depthwise.stride = stride;
      compile(makeDepthwise(depthwise), GetParam());
    }
}

TEST_P(LoopsStatic, DepthwiseInstructions) {
  Depthwise depthwise;
  depthwise.width = 8;
  depthwise.config = makeDepthwiseConfig(128, 16, 4);
  std::string ptx = compile(makeDepthwise(depthwise), GetParam());
  StringRef text = ptx;
  // Three rows of taps, four points, 16 channels; two groups of columns. They
  // have two columns in common, but LLVM 22 permutes these twice: 72 per row
  // where 56 would do.
  EXPECT_EQ(text.count("dp4a."), size_t(3 * 4 * 16));
  EXPECT_EQ(text.count("prmt.b32"), size_t(3 * 72));
}

INSTANTIATE_TEST_SUITE_P(Chips, LoopsStatic,
                         ::testing::Values("sm_80", "sm_90"));
