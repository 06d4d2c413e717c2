//===- ConvTest.cpp - Convolutions with fewer images -----------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the suite does not say of convolutions: fewer images than compiled, and
// kernels that layers of different sizes share.
//
//===----------------------------------------------------------------------===//
#include "Emulate.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::test;

/// The suite's convolutions of several images.
static std::vector<GemmCase> getBatches() {
  std::vector<GemmCase> suite, batches;
  addConvolutions(suite);
  for (const GemmCase &gemm : suite)
    if (gemm.conv->images > 1)
      batches.push_back(gemm);
  return batches;
}

TEST(ConvKernels, FewerImages) {
  std::unique_ptr<MLIRContext> context = makeKernelContext();
  std::vector<GemmCase> batches = getBatches();
  ASSERT_FALSE(batches.empty());
  for (const GemmCase &gemm : batches) {
    auto built = buildKernel(*context, gemm, *findChip("sm_80"));
    ASSERT_TRUE(built) << gemm.getName();
    int64_t rowsPerImage = gemm.m / gemm.conv->images;
    Emulation emulation =
        emulate(*built, gemm, makeData(gemm), {emulator::LaunchOptions()},
                (gemm.conv->images - 1) * rowsPerImage);
    EXPECT_TRUE(emulation.passed())
        << gemm.getName() << ": " << emulation.describe();
  }
}

TEST(ConvKernels, SizesShareKernels) {
  std::unique_ptr<MLIRContext> context = makeKernelContext();
  GemmCase first = getBatches().front();
  auto built = buildKernel(*context, first, *findChip("sm_80"));
  ASSERT_TRUE(built);
  GemmCase second = first;
  second.conv->h.size += 5;
  second.conv->h.stride = 2;
  second.conv->w.padLow = 0;
  second.m = second.conv->getRows();
  auto other =
      buildKernel(*context, second, *findChip("sm_80"), built->kernels);
  ASSERT_TRUE(other);
  EXPECT_EQ(built->launch.kernel, other->launch.kernel);
  // A pad of another value than zero is stored: other code.
  second.conv->padValue = 3;
  auto padded =
      buildKernel(*context, second, *findChip("sm_80"), built->kernels);
  ASSERT_TRUE(padded);
  EXPECT_NE(built->launch.kernel, padded->launch.kernel);
}
