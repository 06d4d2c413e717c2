//===- EmulatorCountersTest.cpp - Bank conflicts and sectors ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Access patterns whose cost is known: 32 banks of 4 bytes, sectors of 32
// bytes.
//
//===----------------------------------------------------------------------===//
#include "EmulatedKernel.h"

using namespace mlir::qopt::emulator;
using namespace mlir::qopt::test;

/// Counters of a kernel in which each lane stores a number at
/// shared[stride * lane] and at out[stride * lane], in units of 4 bytes.
static std::vector<OpCounters> countStride(int stride) {
  EmulatedKernel kernel(R"(
    llvm.mlir.global internal @tile() {addr_space = 3 : i32,
        alignment = 128 : i64} : !llvm.array<1024 x i32>
    llvm.func @k(%out: !llvm.ptr<1>, %stride: i32) attributes {nvvm.kernel} {
      %tid = nvvm.read.ptx.sreg.tid.x : i32
      %at = arith.muli %tid, %stride : i32
      %tile = llvm.mlir.addressof @tile : !llvm.ptr<3>
      %s = llvm.getelementptr %tile[%at] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
      %g = llvm.getelementptr %out[%at] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
      llvm.store %tid, %s : i32, !llvm.ptr<3>
      llvm.store %tid, %g : i32, !llvm.ptr<1>
      llvm.return
    })");
  EXPECT_EQ(kernel.error(), "");
  kernel.buffer("out", std::vector<int32_t>(1024, 0));
  kernel.scalar(stride);
  LaunchOptions options;
  options.counters = true;
  // Stride 0 is a race, on purpose.
  options.sharedRaces = options.globalRaces = false;
  LaunchResult result = kernel.launch("k", {1, 1, 1}, {32, 1, 1}, 0, options);
  EXPECT_TRUE(result.ok) << EmulatedKernel::join(result.reports);
  EXPECT_EQ(result.counters.size(), 2u);
  return result.counters;
}

TEST(EmulatorCountersTest, Strides) {
  // Stride, wavefronts, sectors.
  struct {
    int stride;
    uint64_t wavefronts, sectors, idealSectors;
  } const cases[] = {{0, 1, 1, 1},   {1, 1, 4, 4},  {2, 2, 8, 4},
                     {3, 1, 12, 4},  {4, 4, 16, 4}, {8, 8, 32, 4},
                     {32, 32, 32, 4}};
  for (const auto &test : cases) {
    std::vector<OpCounters> counters = countStride(test.stride);
    ASSERT_EQ(counters.size(), 2u);
    EXPECT_EQ(counters[0].kind, OpCounters::Kind::Shared);
    EXPECT_EQ(counters[0].op, "llvm.store @k#6 k.mlir:10");
    EXPECT_EQ(counters[0].requests, 1u);
    EXPECT_EQ(counters[0].cost, test.wavefronts) << "stride " << test.stride;
    EXPECT_EQ(counters[0].ideal, 1u);
    EXPECT_EQ(counters[1].kind, OpCounters::Kind::Global);
    EXPECT_EQ(counters[1].cost, test.sectors) << "stride " << test.stride;
    EXPECT_EQ(counters[1].ideal, test.idealSectors);
  }
}

/// ldmatrix of eight rows of 16 bytes, `pitch` bytes apart.
TEST(EmulatorCountersTest, LoadMatrixRows) {
  for (auto [pitch, wavefronts] :
       {std::pair(16, 1), std::pair(32, 2), std::pair(64, 4), std::pair(128, 8),
        std::pair(144, 1)}) {
    EmulatedKernel kernel(R"(
      llvm.mlir.global internal @tile() {addr_space = 3 : i32,
          alignment = 128 : i64} : !llvm.array<2048 x i8>
      llvm.func @k(%pitch: i32) attributes {nvvm.kernel} {
        %lane = nvvm.read.ptx.sreg.laneid : i32
        %c7 = arith.constant 7 : i32
        %row = arith.andi %lane, %c7 : i32
        %at = arith.muli %row, %pitch : i32
        %tile = llvm.mlir.addressof @tile : !llvm.ptr<3>
        %s = llvm.getelementptr %tile[%at] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
        %l = nvvm.ldmatrix %s {num = 1 : i32,
            layout = #nvvm.mma_layout<row>,
            shape = #nvvm.ld_st_matrix_shape<m = 8, n = 8>,
            eltType = #nvvm.ld_st_matrix_elt_type<b16>} : (!llvm.ptr<3>) -> i32
        llvm.return
      })");
    kernel.scalar(pitch);
    LaunchOptions options;
    options.counters = true;
    options.sharedRaces = false;
    LaunchResult result = kernel.launch("k", {1, 1, 1}, {32, 1, 1}, 0, options);
    ASSERT_EQ(result.counters.size(), 1u);
    EXPECT_EQ(result.counters[0].cost, uint64_t(wavefronts)) << pitch;
    EXPECT_EQ(result.counters[0].ideal, 1u);
  }
}

/// 16 bytes per lane: four groups of eight lanes, whatever the order.
TEST(EmulatorCountersTest, WideAccesses) {
  EmulatedKernel kernel(R"(
    llvm.func @k(%out: !llvm.ptr<1>) attributes {nvvm.kernel} {
      %tid = nvvm.read.ptx.sreg.tid.x : i32
      %g = llvm.getelementptr %out[%tid] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, vector<4xi32>
      %v = llvm.load %g {alignment = 16 : i64} : !llvm.ptr<1> -> vector<4xi32>
      %w = llvm.load %g {alignment = 4 : i64} : !llvm.ptr<1> -> vector<4xi32>
      llvm.return
    })");
  kernel.buffer("out", std::vector<int32_t>(256, 0));
  for (const LaunchOptions &base : EmulatedKernel::allOptions()) {
    LaunchOptions options = base;
    options.counters = true;
    LaunchResult result = kernel.launch("k", {1, 1, 1}, {64, 1, 1}, 0, options);
    ASSERT_EQ(result.counters.size(), 2u);
    EXPECT_EQ(result.counters[0].requests, 2u);
    EXPECT_EQ(result.counters[0].cost, 2 * 16u);
    EXPECT_EQ(result.counters[0].ideal, 2 * 16u);
    // Alignment 4 means four instructions, each touching every sector.
    EXPECT_EQ(result.counters[1].requests, 2 * 4u);
    EXPECT_EQ(result.counters[1].cost, 2 * 4 * 16u);
    EXPECT_EQ(result.counters[1].ideal, 2 * 4 * 4u);
  }
}
