//===- EmulatorOpsTest.cpp - Each instruction, by hand ---------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Small kernels whose results follow from the PTX ISA by hand. Each runs under
// nine schedules, without a report.
//
//===----------------------------------------------------------------------===//
#include "EmulatedKernel.h"

#include <cmath>
#include <limits>

using namespace mlir::qopt::emulator;
using namespace mlir::qopt::test;

/// A kernel of one warp (or more): `body` computes %r (i32), which each thread
/// stores to out[tid].
static std::string perThread(const std::string &body) {
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

static std::vector<int32_t> run(const std::string &body,
                                uint32_t threads = 32) {
  EmulatedKernel kernel(perThread(body));
  EXPECT_EQ(kernel.error(), "");
  int32_t *out = kernel.buffer("out", std::vector<int32_t>(threads, 12345));
  kernel.runAll({1, 1, 1}, {threads, 1, 1});
  return std::vector<int32_t>(out, out + threads);
}

template <typename Function>
static std::vector<int32_t> each(Function function, int count = 32) {
  std::vector<int32_t> values;
  for (int i = 0; i < count; ++i)
    values.push_back(function(i));
  return values;
}

//===----------------------------------------------------------------------===//
// Special registers
//===----------------------------------------------------------------------===//

TEST(EmulatorOpsTest, LanesAndWarps) {
  EXPECT_EQ(run("%r = arith.addi %lane, %c0 : i32", 96),
            each([](int i) { return i % 32; }, 96));
  EXPECT_EQ(run("%r = nvvm.read.ptx.sreg.warpid : i32", 96),
            each([](int i) { return i / 32; }, 96));
  EXPECT_EQ(run("%r = nvvm.read.ptx.sreg.warpsize : i32"),
            each([](int) { return 32; }));
  EXPECT_EQ(run("%r = nvvm.read.ptx.sreg.lanemask.lt : i32"),
            each([](int i) { return (1u << i) - 1; }));
  EXPECT_EQ(run("%r = nvvm.read.ptx.sreg.lanemask.ge : i32"),
            each([](int i) { return ~((1u << i) - 1); }));
}

TEST(EmulatorOpsTest, ThreeDimensions) {
  EmulatedKernel kernel(R"(
    llvm.func @k(%out: !llvm.ptr<1>) attributes {nvvm.kernel} {
      %tx = nvvm.read.ptx.sreg.tid.x : i32
      %ty = nvvm.read.ptx.sreg.tid.y : i32
      %tz = nvvm.read.ptx.sreg.tid.z : i32
      %nx = nvvm.read.ptx.sreg.ntid.x : i32
      %ny = nvvm.read.ptx.sreg.ntid.y : i32
      %nz = nvvm.read.ptx.sreg.ntid.z : i32
      %bx = nvvm.read.ptx.sreg.ctaid.x : i32
      %by = nvvm.read.ptx.sreg.ctaid.y : i32
      %bz = nvvm.read.ptx.sreg.ctaid.z : i32
      %gx = nvvm.read.ptx.sreg.nctaid.x : i32
      %gy = nvvm.read.ptx.sreg.nctaid.y : i32
      %a0 = arith.muli %bz, %gy : i32
      %a1 = arith.addi %a0, %by : i32
      %a2 = arith.muli %a1, %gx : i32
      %a3 = arith.addi %a2, %bx : i32
      %a4 = arith.muli %a3, %nz : i32
      %a5 = arith.addi %a4, %tz : i32
      %a6 = arith.muli %a5, %ny : i32
      %a7 = arith.addi %a6, %ty : i32
      %a8 = arith.muli %a7, %nx : i32
      %a9 = arith.addi %a8, %tx : i32
      %p = llvm.getelementptr %out[%a9] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
      llvm.store %a9, %p {alignment = 4 : i64} : i32, !llvm.ptr<1>
      llvm.return
    })");
  constexpr int kThreads = 4 * 3 * 2 * 5 * 3 * 2;
  int32_t *out = kernel.buffer("out", std::vector<int32_t>(kThreads, -1));
  kernel.runAll({4, 3, 2}, {5, 3, 2});
  EXPECT_EQ(std::vector<int32_t>(out, out + kThreads),
            each([](int i) { return i; }, kThreads));
}

//===----------------------------------------------------------------------===//
// Warps
//===----------------------------------------------------------------------===//

static std::vector<int32_t> shuffle(const std::string &kind, int offset,
                                    int maskAndClamp) {
  return run("%o = arith.constant " + std::to_string(offset) +
             " : i32\n%mc = arith.constant " + std::to_string(maskAndClamp) +
             " : i32\n%r = nvvm.shfl.sync " + kind +
             " %all, %lane, %o, %mc : i32 -> i32");
}

TEST(EmulatorOpsTest, ShuffleWholeWarp) {
  EXPECT_EQ(shuffle("idx", 5, 31), each([](int) { return 5; }));
  EXPECT_EQ(shuffle("up", 3, 0), each([](int i) { return i < 3 ? i : i - 3; }));
  EXPECT_EQ(shuffle("down", 3, 31),
            each([](int i) { return i + 3 > 31 ? i : i + 3; }));
  EXPECT_EQ(shuffle("bfly", 16, 31), each([](int i) { return i ^ 16; }));
}

TEST(EmulatorOpsTest, ShuffleSegments) {
  // Segments of 8 lanes: mask 24 in bits 8 to 12.
  EXPECT_EQ(shuffle("idx", 9, 24 << 8 | 31),
            each([](int i) { return i / 8 * 8 + 1; }));
  EXPECT_EQ(shuffle("up", 2, 24 << 8),
            each([](int i) { return i % 8 < 2 ? i : i - 2; }));
  EXPECT_EQ(shuffle("down", 2, 24 << 8 | 31),
            each([](int i) { return i % 8 > 5 ? i : i + 2; }));
  // Across a segment's end the lane keeps its own value.
  EXPECT_EQ(shuffle("bfly", 8, 24 << 8 | 31),
            each([](int i) { return i & 8 ? i ^ 8 : i; }));
}

TEST(EmulatorOpsTest, ShuffleFloatWithPredicate) {
  EXPECT_EQ(run(R"(
        %f = arith.sitofp %lane : i32 to f32
        %s = nvvm.shfl.sync down %all, %f, %c1, %c31
            {return_value_and_is_valid} : f32 -> !llvm.struct<(f32, i1)>
        %v = llvm.extractvalue %s[0] : !llvm.struct<(f32, i1)>
        %ok = llvm.extractvalue %s[1] : !llvm.struct<(f32, i1)>
        %i = arith.fptosi %v : f32 to i32
        %r = arith.select %ok, %i, %all : i32)"),
            each([](int i) { return i == 31 ? -1 : i + 1; }));
}

TEST(EmulatorOpsTest, ShuffleAmongSomeLanes) {
  // The even lanes only.
  EXPECT_EQ(run(R"(
        %m = arith.constant 0x55555555 : i32
        %odd = arith.andi %lane, %c1 : i32
        %even = arith.cmpi eq, %odd, %c0 : i32
        %r = scf.if %even -> i32 {
          %x = nvvm.shfl.sync bfly %m, %lane, %c2, %c31 : i32 -> i32
          scf.yield %x : i32
        } else {
          scf.yield %all : i32
        })"),
            each([](int i) { return i % 2 ? -1 : i ^ 2; }));
}

TEST(EmulatorOpsTest, Vote) {
  std::string odd = R"(
    %one = arith.andi %lane, %c1 : i32
    %odd = arith.cmpi eq, %one, %c1 : i32)";
  auto bit = [](int value) { return [=](int) { return value; }; };
  EXPECT_EQ(run(odd + "%r = nvvm.vote.sync ballot %all, %odd -> i32"),
            each(bit(0xaaaaaaaa)));
  auto vote = [&](const std::string &kind, const std::string &predicate) {
    return run(odd + "%t = arith.cmpi eq, %lane, %lane : i32\n" +
               "%v = nvvm.vote.sync " + kind + " %all, " + predicate +
               " -> i1\n%r = arith.extui %v : i1 to i32");
  };
  EXPECT_EQ(vote("any", "%odd"), each(bit(1)));
  EXPECT_EQ(vote("all", "%odd"), each(bit(0)));
  EXPECT_EQ(vote("all", "%t"), each(bit(1)));
  EXPECT_EQ(vote("uni", "%odd"), each(bit(0)));
  EXPECT_EQ(vote("uni", "%t"), each(bit(1)));
}

TEST(EmulatorOpsTest, ExitedLanesTakeNoPart) {
  // Lanes 16 to 31 are gone: a block of 16 threads.
  EXPECT_EQ(run(R"(
        %x = nvvm.shfl.sync bfly %all, %lane, %c1, %c31 : i32 -> i32
        nvvm.bar.warp.sync %all : i32
        nvvm.barrier
        %r = arith.addi %x, %c0 : i32)",
                16),
            each([](int i) { return i ^ 1; }, 16));
}

//===----------------------------------------------------------------------===//
// Single-thread arithmetic
//===----------------------------------------------------------------------===//

TEST(EmulatorOpsTest, Dp4a) {
  auto dp4a = [&](const std::string &a, const std::string &b) {
    return run("%a = llvm.mlir.constant(dense<[1, -2, 3, -128]> : vector<4xi8>)"
               " : vector<4xi8>\n"
               "%b = llvm.mlir.constant(dense<[5, 6, -7, -1]> : vector<4xi8>)"
               " : vector<4xi8>\n"
               "%r = nvvm.dot.accumulate.4way %a <" +
               a + ">, %b <" + b + ">, %lane : vector<4xi8>, vector<4xi8>")[1];
  };
  // 1 is the accumulator of lane 1. Unsigned: 254, 128 and 249, 255.
  EXPECT_EQ(dp4a("signed", "signed"), 1 + 5 - 12 - 21 + 128);
  EXPECT_EQ(dp4a("unsigned", "signed"), 1 + 5 + 254 * 6 - 21 - 128);
  EXPECT_EQ(dp4a("signed", "unsigned"), 1 + 5 - 12 + 3 * 249 - 128 * 255);
  EXPECT_EQ(dp4a("unsigned", "unsigned"),
            1 + 5 + 254 * 6 + 3 * 249 + 128 * 255);
}

/// out[i] = f(in[i]) with one thread per element of `in`.
template <typename Out, typename In>
static std::vector<Out> map(const std::string &body, const std::string &inType,
                            const std::string &outType,
                            const std::vector<In> &in) {
  EmulatedKernel kernel(R"(
    llvm.func @k(%out: !llvm.ptr<1>, %in: !llvm.ptr<1>)
        attributes {nvvm.kernel} {
      %tid = nvvm.read.ptx.sreg.tid.x : i32
      %pi = llvm.getelementptr %in[%tid] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, )" +
                        inType + R"(
      %po = llvm.getelementptr %out[%tid] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, )" +
                        outType + R"(
      %x = llvm.load %pi : !llvm.ptr<1> -> )" +
                        inType + "\n" + body + R"(
      llvm.store %r, %po : )" +
                        outType + R"(, !llvm.ptr<1>
      llvm.return
    })");
  EXPECT_EQ(kernel.error(), "");
  Out *out = kernel.buffer("out", std::vector<Out>(in.size()));
  kernel.buffer("in", in);
  kernel.runAll({1, 1, 1}, {uint32_t(in.size()), 1, 1});
  return std::vector<Out>(out, out + in.size());
}

TEST(EmulatorOpsTest, ConvertRoundToInt) {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(
      (map<int32_t, float>("%r = qopt.cvt_rni %x", "f32", "i32",
                           {0.5f, 1.5f, 2.5f, -0.5f, -1.5f, -2.5f, 2.4999998f,
                            3e9f, -3e9f, 2147483520.0f, -2147483648.0f, kInf,
                            -kInf, kNaN})),
      (std::vector<int32_t>{0, 2, 2, 0, -2, -2, 2, INT32_MAX, INT32_MIN,
                            2147483520, INT32_MIN, INT32_MAX, INT32_MIN, 0}));
}

TEST(EmulatorOpsTest, ConvertPackSaturate) {
  std::string constants = "%lo = arith.constant 300 : i32\n"
                          "%hi = arith.constant -300 : i32\n";
  // Low byte from the second operand, the third one moves up.
  EXPECT_EQ((map<uint32_t, uint32_t>(constants +
                                         "%r = qopt.cvt_pack_sat %hi, %lo, %x",
                                     "i32", "i32", {0x12345678, 7})),
            (std::vector<uint32_t>{0x5678807f, 0x0007807f}));
  EXPECT_EQ((map<uint32_t, uint32_t>(
                constants + "%r = qopt.cvt_pack_sat %hi, %lo, %x {is_unsigned}",
                "i32", "i32", {0x12345678, 7})),
            (std::vector<uint32_t>{0x567800ff, 0x000700ff}));
}

TEST(EmulatorOpsTest, FloatArithmetic) {
  std::vector<float> in = {0.5f,   1.5f,  -2.5f, 16777217.0f,
                           1e-42f, -0.0f, 3.7f,  0.1f};
  auto expect = [&](const std::string &body, auto function) {
    std::vector<float> out = map<float, float>(body, "f32", "f32", in);
    for (auto [x, y] : llvm::zip(in, out)) {
      float wanted = function(x);
      EXPECT_EQ(memcmp(&wanted, &y, sizeof(y)), 0)
          << body << ": " << x << " -> " << y << ", not " << wanted;
    }
  };
  expect("%r = math.roundeven %x : f32",
         [](float x) { return std::nearbyint(x); });
  expect("%r = llvm.intr.fma(%x, %x, %x) : (f32, f32, f32) -> f32",
         [](float x) { return std::fma(x, x, x); });
  // Not contracted.
  expect("%m = arith.mulf %x, %x : f32\n%r = arith.addf %m, %x : f32",
         [](float x) {
           volatile float product = x * x;
           return product + x;
         });
  expect("%a = llvm.intr.fabs(%x) : (f32) -> f32\n%r = math.sqrt %a : f32",
         [](float x) { return std::sqrt(std::fabs(x)); });
  expect("%c = arith.constant 1.0 : f32\n%r = arith.divf %c, %x : f32",
         [](float x) { return 1.0f / x; });
}

TEST(EmulatorOpsTest, MaximumPropagatesNaN) {
  constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
  std::string one = "%c = arith.constant 1.0 : f32\n";
  std::vector<float> in = {kNaN, 2.0f, -2.0f};
  std::vector<float> out = map<float, float>(
      one + "%r = arith.maximumf %x, %c : f32", "f32", "f32", in);
  EXPECT_TRUE(std::isnan(out[0]));
  EXPECT_EQ(out[1], 2.0f);
  EXPECT_EQ(out[2], 1.0f);
  out = map<float, float>(one + "%r = arith.minnumf %x, %c : f32", "f32", "f32",
                          in);
  EXPECT_EQ(out[0], 1.0f);
  EXPECT_EQ(out[1], 1.0f);
  EXPECT_EQ(out[2], -2.0f);
}

//===----------------------------------------------------------------------===//
// Structure of modules
//===----------------------------------------------------------------------===//

TEST(EmulatorOpsTest, FunctionsConstantsAndTwoKernels) {
  EmulatedKernel kernel(R"(
    llvm.mlir.global internal constant @table(dense<[10, 20, 30, 40]>
        : tensor<4xi32>) {addr_space = 4 : i32} : !llvm.array<4 x i32>
    llvm.func @twice(%x: i32) -> i32 {
      %y = arith.addi %x, %x : i32
      llvm.return %y : i32
    }
    llvm.func @k(%out: !llvm.ptr<1>) attributes {nvvm.kernel} {
      %tid = nvvm.read.ptx.sreg.tid.x : i32
      %t = llvm.mlir.addressof @table : !llvm.ptr<4>
      %e = llvm.getelementptr %t[%tid] : (!llvm.ptr<4>, i32) -> !llvm.ptr<4>, i32
      %x = llvm.load %e : !llvm.ptr<4> -> i32
      %y = llvm.call @twice(%x) : (i32) -> i32
      %p = llvm.getelementptr %out[%tid] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
      llvm.store %y, %p : i32, !llvm.ptr<1>
      llvm.return
    }
    llvm.func @negate(%out: !llvm.ptr<1>) attributes {gpu.kernel} {
      %tid = nvvm.read.ptx.sreg.tid.x : i32
      %c0 = arith.constant 0 : i32
      %p = llvm.getelementptr %out[%tid] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
      %x = llvm.load %p : !llvm.ptr<1> -> i32
      %y = arith.subi %c0, %x : i32
      llvm.store %y, %p : i32, !llvm.ptr<1>
      llvm.return
    })");
  int32_t *out = kernel.buffer("out", std::vector<int32_t>(4, 0));
  kernel.runAll({1, 1, 1}, {4, 1, 1});
  kernel.launch("negate", {1, 1, 1}, {4, 1, 1}, 0, {});
  EXPECT_EQ(std::vector<int32_t>(out, out + 4),
            (std::vector<int32_t>{-20, -40, -60, -80}));
}

TEST(EmulatorOpsTest, OptimizedCodeComputesTheSame) {
  for (unsigned optLevel : {0, 1, 2}) {
    EmulatedKernel kernel(
        perThread(
            "%s = nvvm.shfl.sync bfly %all, %tid, %c1, %c31 : i32 -> i32\n"
            "%r = arith.muli %s, %c3 : i32"),
        optLevel);
    int32_t *out = kernel.buffer("out", std::vector<int32_t>(64, 0));
    kernel.runAll({1, 1, 1}, {64, 1, 1});
    EXPECT_EQ(std::vector<int32_t>(out, out + 64),
              each([](int i) { return 3 * (i ^ 1); }, 64));
  }
}

/// What mlir-opt --convert-gpu-to-nvvm=use-bare-ptr-memref-call-conv=1 makes of
/// a gpu.func that reverses 64 numbers through a workgroup buffer.
TEST(EmulatorOpsTest, UpstreamLoweredGpuFunc) {
  EmulatedKernel kernel(R"(
    gpu.module @m {
      llvm.mlir.global internal @__wg_k_0() {addr_space = 3 : i32}
          : !llvm.array<64 x i32>
      llvm.func @k(%out: !llvm.ptr<1>) attributes {gpu.kernel,
          gpu.known_block_size = array<i32: 64, 1, 1>, nvvm.kernel,
          nvvm.maxntid = array<i32: 64, 1, 1>} {
        %0 = llvm.mlir.constant(63 : index) : i64
        %1 = llvm.mlir.addressof @__wg_k_0 : !llvm.ptr<3>
        %2 = llvm.getelementptr %1[0, 0] : (!llvm.ptr<3>) -> !llvm.ptr<3>, !llvm.array<64 x i32>
        %3 = nvvm.read.ptx.sreg.tid.x range <i32, 0, 64> : i32
        %4 = llvm.sext %3 : i32 to i64
        %5 = llvm.trunc %4 : i64 to i32
        %6 = llvm.getelementptr inbounds|nuw %2[%4] : (!llvm.ptr<3>, i64) -> !llvm.ptr<3>, i32
        llvm.store %5, %6 : i32, !llvm.ptr<3>
        nvvm.barrier0
        %7 = llvm.sub %0, %4 : i64
        %8 = llvm.getelementptr inbounds|nuw %2[%7] : (!llvm.ptr<3>, i64) -> !llvm.ptr<3>, i32
        %9 = llvm.load %8 : !llvm.ptr<3> -> i32
        %10 = llvm.getelementptr inbounds|nuw %out[%4] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, i32
        llvm.store %9, %10 : i32, !llvm.ptr<1>
        llvm.return
      }
    })");
  EXPECT_EQ(kernel.error(), "");
  int32_t *out = kernel.buffer("out", std::vector<int32_t>(64, 0));
  kernel.runAll({1, 1, 1}, {64, 1, 1});
  EXPECT_EQ(std::vector<int32_t>(out, out + 64),
            each([](int i) { return 63 - i; }, 64));
}
