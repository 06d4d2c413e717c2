//===- LaunchCostTest.cpp - Figures of launches by hand --------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Kernels/LaunchCost.h"

#include "QuantOpt/Pipelines/Pipelines.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

using namespace mlir;
using namespace mlir::qopt;

namespace {
class LaunchCost : public ::testing::Test {
protected:
  LaunchCost() {
    DialectRegistry registry;
    registerQuantOpt(registry);
    context.appendDialectRegistry(registry);
    context.loadAllAvailableDialects();
  }

  /// Figures of the last op of the body of @main that computes.
  LaunchFigures estimate(StringRef signature, StringRef body, StringRef kernel,
                         StringRef chip = "sm_80") {
    std::string text =
        ("func.func @main(" + signature + ") {\n" + body + "\nreturn\n}").str();
    module = parseSourceString<ModuleOp>(text, &context);
    EXPECT_TRUE(module);
    if (!module)
      return {};
    Operation *op = nullptr;
    module->walk([&](DestinationStyleOpInterface candidate) {
      op = candidate.getOperation();
    });
    KernelLaunch launch;
    launch.kernel = kernel.str();
    return estimateLaunch(op, launch, *findChip(chip));
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
};
} // namespace

TEST_F(LaunchCost, Gemm) {
  LaunchFigures figures = estimate(
      "%a: memref<128x768xi8>, %b: memref<3072x768xi8>, %s: memref<3072xf32>, "
      "%r: memref<128x3072xi8>, %d: memref<128x3072xi8>",
      R"(
    qopt.gemm ins(%a, %b : memref<128x768xi8>, memref<3072x768xi8>)
        epilogue(%s, %r : memref<3072xf32>, memref<128x3072xi8>)
        outs(%d : memref<128x3072xi8>) {
    ^bb0(%acc: i32, %s0: f32, %r0: i8):
      %f = arith.sitofp %acc : i32 to f32
      %m = arith.mulf %f, %s0 : f32
      %i = arith.fptosi %m : f32 to i8
      %y = arith.addi %i, %r0 : i8
      qopt.yield %y : i8
    } {epilogue_maps = [affine_map<(m, n) -> (n)>, affine_map<(m, n) -> (m, n)>],
       config = #qopt.gemm_config<mma, block = [128, 128, 64], warp = [64, 64], stages = 4, split_k = 1>})",
      "gemm_mma_test");
  EXPECT_EQ(figures.family, "gemm mma");
  EXPECT_EQ(figures.shape, "1x128x3072x768 (batch, m, n, k)");
  EXPECT_EQ(figures.bytesRead, 128 * 768 + 3072 * 768 + 3072 * 4 + 128 * 3072);
  EXPECT_EQ(figures.bytesWritten, 128 * 3072);
  EXPECT_EQ(figures.macs, int64_t(128) * 3072 * 768);
  EXPECT_EQ(figures.scalarOps, 4 * 128 * 3072);
  EXPECT_FALSE(figures.inPlace);
  EXPECT_GT(figures.microseconds, 0);
  // 302 M multiply-adds and 3.2 MB in that time, of 312 T/s and 1555 GB/s.
  EXPECT_NEAR(figures.tensorShare,
              figures.macs / (figures.microseconds * 1e-6) / 311.8e12, 1e-3);
  EXPECT_NEAR(figures.bandwidthShare,
              (figures.bytesRead + figures.bytesWritten) /
                  (figures.microseconds * 1e-6) / 1555e9,
              1e-3);
  // Tiles of 128 + 128 rows: 24 blocks read 768 bytes of each from L2.
  double bytes = figures.bytesRead + figures.bytesWritten;
  double l2 = 24.0 * 256 * 768;
  EXPECT_NEAR(figures.microjoules,
              1e-6 * (48 * bytes + 25 * l2 + 0.6 * figures.macs +
                      20 * figures.scalarOps),
              1e-6 * figures.microjoules);
}

TEST_F(LaunchCost, ElementwiseInPlace) {
  LaunchFigures figures = estimate("%x: memref<64x1024xf32>", R"(
    linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>,
        affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
        ins(%x : memref<64x1024xf32>) outs(%x : memref<64x1024xf32>) {
    ^bb0(%a: f32, %o: f32):
      %c = arith.constant 2.0 : f32
      %y = arith.mulf %a, %c : f32
      %z = arith.addf %y, %c : f32
      linalg.yield %z : f32
    })",
                                   "elementwise_f32_f32");
  EXPECT_EQ(figures.family, "elementwise");
  EXPECT_EQ(figures.shape, "64x1024 (loops)");
  EXPECT_EQ(figures.bytesRead, 64 * 1024 * 4);
  EXPECT_EQ(figures.bytesWritten, 64 * 1024 * 4);
  EXPECT_EQ(figures.scalarOps, 2 * 64 * 1024);
  EXPECT_EQ(figures.macs, 0);
  EXPECT_EQ(figures.tensorShare, 0);
  EXPECT_TRUE(figures.inPlace);
  EXPECT_EQ(figures.bound, "latency");
}

TEST_F(LaunchCost, LargeCopyIsBoundByMemory) {
  LaunchFigures figures =
      estimate("%x: memref<4096x8192xi8>, %y: memref<8192x4096xi8>", R"(
    linalg.transpose ins(%x : memref<4096x8192xi8>)
        outs(%y : memref<8192x4096xi8>) permutation = [1, 0])",
               "copy_i8_i8", "sm_90");
  EXPECT_EQ(figures.family, kCopyFamily);
  EXPECT_EQ(figures.bytesRead, int64_t(4096) * 8192);
  EXPECT_EQ(figures.scalarOps, 0);
  EXPECT_EQ(figures.bound, "memory");
  // 67 MB at 0.85 of 3350 GB/s, and 1300 clocks of 1755 MHz.
  EXPECT_NEAR(figures.microseconds, 67.1e6 / 2847.5e3 + 0.74, 0.05);
}

TEST_F(LaunchCost, LoopsCountReducedOpsPerPoint) {
  LaunchFigures figures =
      estimate("%x: memref<16x128xf32>, %y: memref<16xf32>", R"(
    qopt.loops ins(%x : memref<16x128xf32>) outs(%y : memref<16xf32>) {
    ^bb0(%x0: f32):
      %sum = qopt.reduce addf %x0 : f32
      %c = arith.constant 0.5 : f32
      %y0 = arith.mulf %sum, %c : f32
      qopt.yield %y0 : f32
    } {extents = array<i64: 16, 128>, reductions = array<i1: false, true>,
       indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (m)>]})",
               "rows_f32_f32");
  EXPECT_EQ(figures.scalarOps, 16 * 128 + 16);
  EXPECT_EQ(figures.bytesRead, 16 * 128 * 4);
  EXPECT_EQ(figures.bytesWritten, 16 * 4);
}

TEST_F(LaunchCost, FiguresSurviveAttributes) {
  ChipFigures figures;
  figures.batch = 8;
  figures.memory.arena = 4096;
  figures.memory.lowerBound = 1024;
  LaunchFigures launch;
  launch.name = "fc";
  launch.family = kCopyFamily.str();
  launch.bytesRead = 12;
  launch.microseconds = 0.5;
  launch.tensorShare = 0.25;
  launch.inPlace = true;
  figures.launches = {launch, launch};
  ChipFigures read = ChipFigures::fromAttribute(figures.toAttribute(&context));
  EXPECT_EQ(read.toAttribute(&context), figures.toAttribute(&context));
  EXPECT_EQ(read.batch, 8);
  EXPECT_EQ(read.getCopies(), 2);
  EXPECT_EQ(read.getInPlace(), 2);
  EXPECT_EQ(read.getTotals().bytesRead, 24);
  EXPECT_DOUBLE_EQ(read.getTotals().microseconds, 1.0);
  EXPECT_DOUBLE_EQ(read.getTotals().tensorShare, 0.25);
}
