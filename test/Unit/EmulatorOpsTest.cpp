//===- EmulatorOpsTest.cpp - Each instruction, by hand ---------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Small kernels whose results follow from the PTX ISA by hand.
//
//===----------------------------------------------------------------------===//
#include "EmulatedKernel.h"

using namespace mlir::qopt::emulator;
using namespace mlir::qopt::test;

/// A kernel of one warp: `body` computes %r (i32) from %lane, which each thread
/// stores to out[tid].
static std::string perLane(const std::string &body) {
  return R"(
    llvm.func @k(%out: !llvm.ptr<1>) attributes {nvvm.kernel} {
      %lane = nvvm.read.ptx.sreg.laneid : i32
      %tid = nvvm.read.ptx.sreg.tid.x : i32
      %all = arith.constant -1 : i32
      %c0 = arith.constant 0 : i32
      %c1 = arith.constant 1 : i32
      %c2 = arith.constant 2 : i32
      %c3 = arith.constant 3 : i32
      %c5 = arith.constant 5 : i32
      %c31 = arith.constant 31 : i32
    )" + body +
         R"(
      %p = llvm.getelementptr %out[%tid] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
      llvm.store %r, %p {alignment = 4 : i64} : i32, !llvm.ptr<1>
      llvm.return
    })";
}

static std::vector<int32_t> runPerLane(const std::string &body,
                                       uint32_t threads = 32) {
  EmulatedKernel kernel(perLane(body));
  EXPECT_EQ(kernel.error(), "");
  int32_t *out = kernel.buffer("out", std::vector<int32_t>(threads, 12345));
  kernel.runAll({1, 1, 1}, {threads, 1, 1});
  return std::vector<int32_t>(out, out + threads);
}

template <typename Function>
static std::vector<int32_t> expected(Function function, int count = 32) {
  std::vector<int32_t> values;
  for (int i = 0; i < count; ++i)
    values.push_back(function(i));
  return values;
}

TEST(EmulatorOpsTest, LaneId) {
  EXPECT_EQ(runPerLane("%r = arith.addi %lane, %c0 : i32"),
            expected([](int i) { return i; }));
}
