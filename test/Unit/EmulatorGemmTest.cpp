//===- EmulatorGemmTest.cpp - A pipelined kernel and its mutants *- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An int8 matrix product as kernels for sm_80 are written: three stages of
// cp.async, swizzled tiles, ldmatrix, mma, fused requantization, tails. Exact
// under every schedule; with a planted bug, rejected under every schedule, by a
// report or by a wrong result.
//
//===----------------------------------------------------------------------===//
#include "EmulatedKernel.h"

#include <cmath>
#include <random>

using namespace mlir::qopt::emulator;
using namespace mlir::qopt::test;

//===----------------------------------------------------------------------===//
// The kernel
//===----------------------------------------------------------------------===//

static constexpr uint32_t kBlockM = 32, kBlockN = 16, kBlockK = 32;
static constexpr uint32_t kThreads = 64;
static constexpr uint32_t kStages = 3;
static constexpr uint32_t kSharedBytes =
    kStages * (kBlockM + kBlockN) * kBlockK;

/// C[M, N] = sat8(round(A[M, K] . B[N, K]^T * scale[n] + bias[n])); K is a
/// multiple of 16, N is even. A block computes 32 x 16, a warp 16 x 16.
static const char *const kGemm = R"(
  llvm.mlir.global external @dyn() {addr_space = 3 : i32, alignment = 128 : i64}
      : !llvm.array<0 x i8>

  // Address of 16-byte chunk %chunk of row %row. Four rows are 128 bytes: the
  // chunks of every other four are swapped, so that eight rows hit all banks.
  llvm.func @chunk(%tile: !llvm.ptr<3>, %row: i32, %chunk: i32) -> !llvm.ptr<3> {
    %c1 = arith.constant 1 : i32
    %c2 = arith.constant 2 : i32
    %c16 = arith.constant 16 : i32
    %c32 = arith.constant 32 : i32
    %four = arith.shrui %row, %c2 : i32
    %swap = arith.andi %four, %c1 : i32
    %swizzled = arith.xori %chunk, %swap : i32
    %r = arith.muli %row, %c32 : i32
    %c = arith.muli %swizzled, %c16 : i32
    %at = arith.addi %r, %c : i32
    %p = llvm.getelementptr %tile[%at] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
    llvm.return %p : !llvm.ptr<3>
  }

  // Copies this thread's chunk of rows [%first, ...) and depths [32 %step, ...).
  llvm.func @copy(%matrix: !llvm.ptr<1>, %rows: i32, %depth: i32, %first: i32,
                  %step: i32, %tile: !llvm.ptr<3>) {
    %c0 = arith.constant 0 : i32
    %c1 = arith.constant 1 : i32
    %c16 = arith.constant 16 : i32
    %c32 = arith.constant 32 : i32
    %tid = nvvm.read.ptx.sreg.tid.x : i32
    %row = arith.shrui %tid, %c1 : i32
    %chunk = arith.andi %tid, %c1 : i32
    %m = arith.addi %first, %row : i32
    %k0 = arith.muli %step, %c32 : i32
    %k1 = arith.muli %chunk, %c16 : i32
    %k = arith.addi %k0, %k1 : i32
    %left = arith.subi %depth, %k : i32
    %most = arith.minsi %left, %c16 : i32
    %valid = arith.maxsi %most, %c0 : i32
    %inside = arith.cmpi slt, %m, %rows : i32
    %bytes = arith.select %inside, %valid, %c0 : i32
    %some = arith.cmpi sgt, %bytes, %c0 : i32
    %start = arith.muli %m, %depth : i32
    %at = arith.addi %start, %k : i32
    %safe = arith.select %some, %at, %c0 : i32
    %from = llvm.getelementptr %matrix[%safe] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i8
    %to = llvm.call @chunk(%tile, %row, %chunk) : (!llvm.ptr<3>, i32, i32) -> !llvm.ptr<3>
    nvvm.cp.async.shared.global %to, %from, 16, cache = cg, %bytes : !llvm.ptr<3>, !llvm.ptr<1>, i32
    llvm.return
  }

  llvm.func @k(%A: !llvm.ptr<1>, %B: !llvm.ptr<1>, %C: !llvm.ptr<1>,
               %scale: !llvm.ptr<1>, %bias: !llvm.ptr<1>,
               %M: i32, %N: i32, %K: i32)
      attributes {nvvm.kernel, nvvm.reqntid = array<i32: 64, 1, 1>} {
    %c0 = arith.constant 0 : i32
    %c1 = arith.constant 1 : i32
    %c2 = arith.constant 2 : i32
    %c3 = arith.constant 3 : i32
    %c4 = arith.constant 4 : i32
    %c7 = arith.constant 7 : i32
    %c8 = arith.constant 8 : i32
    %c15 = arith.constant 15 : i32
    %c16 = arith.constant 16 : i32
    %c32 = arith.constant 32 : i32
    %stageBytes = arith.constant 1536 : i32
    %stages = arith.constant 3 : i32
    %tid = nvvm.read.ptx.sreg.tid.x : i32
    %bx = nvvm.read.ptx.sreg.ctaid.x : i32
    %by = nvvm.read.ptx.sreg.ctaid.y : i32
    %n0 = arith.muli %bx, %c16 : i32
    %m0 = arith.muli %by, %c32 : i32
    %dyn = llvm.mlir.addressof @dyn : !llvm.ptr<3>
    %steps = arith.ceildivui %K, %c32 : i32
    %lane = arith.remui %tid, %c32 : i32
    %warp = arith.divui %tid, %c32 : i32
    %copiesB = arith.cmpi ult, %tid, %c32 : i32

    scf.for %s = %c0 to %c2 step %c1 : i32 {
      %needed = arith.cmpi slt, %s, %steps : i32
      scf.if %needed {
        %o = arith.muli %s, %stageBytes : i32
        %a = llvm.getelementptr %dyn[%o] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
        %b = llvm.getelementptr %a[1024] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
        llvm.call @copy(%A, %M, %K, %m0, %s, %a) : (!llvm.ptr<1>, i32, i32, i32, i32, !llvm.ptr<3>) -> ()
        scf.if %copiesB {
          llvm.call @copy(%B, %N, %K, %n0, %s, %b) : (!llvm.ptr<1>, i32, i32, i32, i32, !llvm.ptr<3>) -> ()
        }
      }
      nvvm.cp.async.commit.group
    }

    // Rows and chunks of ldmatrix: the four matrices of a are (m, k), (m+8, k),
    // (m, k+16), (m+8, k+16), those of b (n, k), (n, k+16), (n+8, k), ...
    %l15 = arith.andi %lane, %c15 : i32
    %w16 = arith.muli %warp, %c16 : i32
    %rowA = arith.addi %w16, %l15 : i32
    %chunkA = arith.divui %lane, %c16 : i32
    %l7 = arith.andi %lane, %c7 : i32
    %l16 = arith.divui %lane, %c16 : i32
    %n8 = arith.muli %l16, %c8 : i32
    %rowB = arith.addi %n8, %l7 : i32
    %l8 = arith.divui %lane, %c8 : i32
    %chunkB = arith.andi %l8, %c1 : i32

    %sums:8 = scf.for %s = %c0 to %steps step %c1 iter_args(
        %s0 = %c0, %s1 = %c0, %s2 = %c0, %s3 = %c0,
        %s4 = %c0, %s5 = %c0, %s6 = %c0, %s7 = %c0)
        -> (i32, i32, i32, i32, i32, i32, i32, i32) : i32 {
      nvvm.cp.async.wait.group 1
      nvvm.barrier
      %next = arith.addi %s, %c2 : i32
      %more = arith.cmpi slt, %next, %steps : i32
      scf.if %more {
        %stage = arith.remui %next, %stages : i32
        %o = arith.muli %stage, %stageBytes : i32
        %a = llvm.getelementptr %dyn[%o] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
        %b = llvm.getelementptr %a[1024] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
        llvm.call @copy(%A, %M, %K, %m0, %next, %a) : (!llvm.ptr<1>, i32, i32, i32, i32, !llvm.ptr<3>) -> ()
        scf.if %copiesB {
          llvm.call @copy(%B, %N, %K, %n0, %next, %b) : (!llvm.ptr<1>, i32, i32, i32, i32, !llvm.ptr<3>) -> ()
        }
      }
      nvvm.cp.async.commit.group  // of the loop
      %now = arith.remui %s, %stages : i32
      %at = arith.muli %now, %stageBytes : i32
      %tileA = llvm.getelementptr %dyn[%at] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
      %tileB = llvm.getelementptr %tileA[1024] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
      %pa = llvm.call @chunk(%tileA, %rowA, %chunkA) : (!llvm.ptr<3>, i32, i32) -> !llvm.ptr<3>
      %pb = llvm.call @chunk(%tileB, %rowB, %chunkB) : (!llvm.ptr<3>, i32, i32) -> !llvm.ptr<3>
      %fa = nvvm.ldmatrix %pa {num = 4 : i32, layout = #nvvm.mma_layout<row>, shape = #nvvm.ld_st_matrix_shape<m = 8, n = 8>, eltType = #nvvm.ld_st_matrix_elt_type<b16>} : (!llvm.ptr<3>) -> !llvm.struct<(i32, i32, i32, i32)>
      %fb = nvvm.ldmatrix %pb {num = 4 : i32, layout = #nvvm.mma_layout<row>, shape = #nvvm.ld_st_matrix_shape<m = 8, n = 8>, eltType = #nvvm.ld_st_matrix_elt_type<b16>} : (!llvm.ptr<3>) -> !llvm.struct<(i32, i32, i32, i32)>
      %a0 = llvm.extractvalue %fa[0] : !llvm.struct<(i32, i32, i32, i32)>
      %a1 = llvm.extractvalue %fa[1] : !llvm.struct<(i32, i32, i32, i32)>
      %a2 = llvm.extractvalue %fa[2] : !llvm.struct<(i32, i32, i32, i32)>
      %a3 = llvm.extractvalue %fa[3] : !llvm.struct<(i32, i32, i32, i32)>
      %b0 = llvm.extractvalue %fb[0] : !llvm.struct<(i32, i32, i32, i32)>
      %b1 = llvm.extractvalue %fb[1] : !llvm.struct<(i32, i32, i32, i32)>
      %b2 = llvm.extractvalue %fb[2] : !llvm.struct<(i32, i32, i32, i32)>
      %b3 = llvm.extractvalue %fb[3] : !llvm.struct<(i32, i32, i32, i32)>
      %d0 = nvvm.mma.sync A[%a0, %a1, %a2, %a3] B[%b0, %b1] C[%s0, %s1, %s2, %s3] {intOverflowBehavior = #nvvm.mma_int_overflow<wrapped>, layoutA = #nvvm.mma_layout<row>, layoutB = #nvvm.mma_layout<col>, multiplicandAPtxType = #nvvm.mma_type<s8>, multiplicandBPtxType = #nvvm.mma_type<s8>, shape = #nvvm.shape<m = 16, n = 8, k = 32>} : (i32, i32, i32) -> !llvm.struct<(i32, i32, i32, i32)>
      %d1 = nvvm.mma.sync A[%a0, %a1, %a2, %a3] B[%b2, %b3] C[%s4, %s5, %s6, %s7] {intOverflowBehavior = #nvvm.mma_int_overflow<wrapped>, layoutA = #nvvm.mma_layout<row>, layoutB = #nvvm.mma_layout<col>, multiplicandAPtxType = #nvvm.mma_type<s8>, multiplicandBPtxType = #nvvm.mma_type<s8>, shape = #nvvm.shape<m = 16, n = 8, k = 32>} : (i32, i32, i32) -> !llvm.struct<(i32, i32, i32, i32)>
      %t0 = llvm.extractvalue %d0[0] : !llvm.struct<(i32, i32, i32, i32)>
      %t1 = llvm.extractvalue %d0[1] : !llvm.struct<(i32, i32, i32, i32)>
      %t2 = llvm.extractvalue %d0[2] : !llvm.struct<(i32, i32, i32, i32)>
      %t3 = llvm.extractvalue %d0[3] : !llvm.struct<(i32, i32, i32, i32)>
      %t4 = llvm.extractvalue %d1[0] : !llvm.struct<(i32, i32, i32, i32)>
      %t5 = llvm.extractvalue %d1[1] : !llvm.struct<(i32, i32, i32, i32)>
      %t6 = llvm.extractvalue %d1[2] : !llvm.struct<(i32, i32, i32, i32)>
      %t7 = llvm.extractvalue %d1[3] : !llvm.struct<(i32, i32, i32, i32)>
      scf.yield %t0, %t1, %t2, %t3, %t4, %t5, %t6, %t7 : i32, i32, i32, i32, i32, i32, i32, i32
    }

    %g = arith.divui %lane, %c4 : i32
    %q = arith.remui %lane, %c4 : i32
    %q2 = arith.muli %q, %c2 : i32
    %mw = arith.addi %m0, %w16 : i32
    %row0 = arith.addi %mw, %g : i32
    %row8 = arith.addi %row0, %c8 : i32
    %col0 = arith.addi %n0, %q2 : i32
    %col8 = arith.addi %col0, %c8 : i32
    llvm.call @store(%C, %scale, %bias, %M, %N, %row0, %col0, %sums#0, %sums#1) : (!llvm.ptr<1>, !llvm.ptr<1>, !llvm.ptr<1>, i32, i32, i32, i32, i32, i32) -> ()
    llvm.call @store(%C, %scale, %bias, %M, %N, %row8, %col0, %sums#2, %sums#3) : (!llvm.ptr<1>, !llvm.ptr<1>, !llvm.ptr<1>, i32, i32, i32, i32, i32, i32) -> ()
    llvm.call @store(%C, %scale, %bias, %M, %N, %row0, %col8, %sums#4, %sums#5) : (!llvm.ptr<1>, !llvm.ptr<1>, !llvm.ptr<1>, i32, i32, i32, i32, i32, i32) -> ()
    llvm.call @store(%C, %scale, %bias, %M, %N, %row8, %col8, %sums#6, %sums#7) : (!llvm.ptr<1>, !llvm.ptr<1>, !llvm.ptr<1>, i32, i32, i32, i32, i32, i32) -> ()
    llvm.return
  }

  // Requantizes two neighbors of a row.
  llvm.func @store(%C: !llvm.ptr<1>, %scale: !llvm.ptr<1>, %bias: !llvm.ptr<1>,
                   %M: i32, %N: i32, %row: i32, %col: i32, %x: i32, %y: i32) {
    %c0 = arith.constant 0 : i32
    %rowInside = arith.cmpi ult, %row, %M : i32
    %colInside = arith.cmpi ult, %col, %N : i32
    %inside = arith.andi %rowInside, %colInside : i1
    scf.if %inside {
      %ps = llvm.getelementptr %scale[%col] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
      %pb = llvm.getelementptr %bias[%col] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
      %s = llvm.load %ps {alignment = 8 : i64} : !llvm.ptr<1> -> vector<2xf32>
      %b = llvm.load %pb {alignment = 8 : i64} : !llvm.ptr<1> -> vector<2xf32>
      %fx = arith.sitofp %x : i32 to f32
      %fy = arith.sitofp %y : i32 to f32
      %sx = vector.extract %s[0] : f32 from vector<2xf32>
      %sy = vector.extract %s[1] : f32 from vector<2xf32>
      %bx = vector.extract %b[0] : f32 from vector<2xf32>
      %by = vector.extract %b[1] : f32 from vector<2xf32>
      %rx = math.fma %fx, %sx, %bx : f32
      %ry = math.fma %fy, %sy, %by : f32
      %ix = qopt.cvt_rni %rx
      %iy = qopt.cvt_rni %ry
      %packed = qopt.cvt_pack_sat %iy, %ix, %c0
      %pair = arith.trunci %packed : i32 to i16
      %start = arith.muli %row, %N : i32
      %at = arith.addi %start, %col : i32
      %p = llvm.getelementptr %C[%at] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i8
      llvm.store %pair, %p {alignment = 2 : i64} : i16, !llvm.ptr<1>
    }
    llvm.return
  }
)";

//===----------------------------------------------------------------------===//
// Running it
//===----------------------------------------------------------------------===//

namespace {
/// The kernel on random operands, and what it should compute.
class Gemm {
public:
  Gemm(const std::string &text, uint32_t m, uint32_t n, uint32_t k)
      : kernel(text), m(m), n(n) {
    EXPECT_EQ(kernel.error(), "");
    std::mt19937 random(7);
    std::vector<int8_t> a(m * k), b(n * k);
    for (int8_t &value : a)
      value = random();
    for (int8_t &value : b)
      value = random();
    std::vector<float> scale(n), bias(n);
    float typical = 60.0f / (std::sqrt(float(k)) * 5461.0f);
    for (float &value : scale)
      value = typical * (0.5f + (random() % 1000) / 1000.0f);
    for (float &value : bias)
      value = (static_cast<int>(random() % 2001) - 1000) / 100.0f;
    for (uint32_t i = 0; i < m; ++i) {
      for (uint32_t j = 0; j < n; ++j) {
        int32_t sum = 0;
        for (uint32_t x = 0; x < k; ++x)
          sum += a[i * k + x] * b[j * k + x];
        float y = std::nearbyint(std::fma(float(sum), scale[j], bias[j]));
        wanted.push_back(static_cast<int8_t>(std::clamp(y, -128.0f, 127.0f)));
      }
    }
    kernel.buffer("A", a);
    kernel.buffer("B", b);
    c = kernel.buffer("C", std::vector<int8_t>(m * n));
    kernel.buffer("scale", scale);
    kernel.buffer("bias", bias);
    for (uint32_t value : {m, n, k})
      kernel.scalar(value);
  }

  LaunchResult run(const LaunchOptions &options,
                   uint32_t sharedBytes = kSharedBytes) {
    memset(c, 0x5a, wanted.size());
    return kernel.launch(
        "k", {(n + kBlockN - 1) / kBlockN, (m + kBlockM - 1) / kBlockM, 1},
        {kThreads, 1, 1}, sharedBytes, options);
  }
  bool isExact() const { return memcmp(c, wanted.data(), wanted.size()) == 0; }

private:
  EmulatedKernel kernel;
  uint32_t m, n;
  int8_t *c = nullptr;
  std::vector<int8_t> wanted;
};
} // namespace

TEST(EmulatorGemmTest, ExactUnderEverySchedule) {
  struct {
    uint32_t m, n, k;
  } const shapes[] = {
      {64, 32, 256}, // whole tiles
      {32, 16, 32},  // one step
      {37, 22, 80},  // tails everywhere
      {1, 2, 16},
  };
  for (const auto &shape : shapes) {
    Gemm gemm(kGemm, shape.m, shape.n, shape.k);
    for (LaunchOptions options : EmulatedKernel::allOptions()) {
      LaunchResult result = gemm.run(options);
      EXPECT_TRUE(result.ok) << EmulatedKernel::join(result.reports);
      EXPECT_TRUE(gemm.isExact()) << shape.m << "x" << shape.n << "x" << shape.k
                                  << " seed " << options.seed;
      options.preempt = 0.3;
      result = gemm.run(options);
      EXPECT_TRUE(result.ok && gemm.isExact()) << "with preemption";
    }
  }
}

TEST(EmulatorGemmTest, NoBankConflicts) {
  Gemm gemm(kGemm, 64, 32, 256);
  LaunchOptions options;
  options.counters = true;
  LaunchResult result = gemm.run(options);
  EXPECT_EQ(result.mmas, 4 * 2 * 8 * 2u);
  unsigned numShared = 0;
  for (const OpCounters &counters : result.counters) {
    if (counters.kind != OpCounters::Kind::Shared)
      continue;
    ++numShared;
    EXPECT_EQ(counters.cost, counters.ideal) << counters.op;
  }
  EXPECT_EQ(numShared, 3u); // cp.async in @copy, two ldmatrix
}

//===----------------------------------------------------------------------===//
// Planted bugs
//===----------------------------------------------------------------------===//

namespace {
struct Mutation {
  const char *name, *from, *to;
};
} // namespace

static const Mutation kMutations[] = {
    {"no barrier", "      nvvm.barrier\n", ""},
    {"barrier of one warp only", "      nvvm.barrier\n",
     "      nvvm.barrier id = %warp number_of_threads = %c32\n"},
    {"waits for one group too few", "wait.group 1", "wait.group 2"},
    {"no wait", "      nvvm.cp.async.wait.group 1\n", ""},
    {"no commit in the loop",
     "      nvvm.cp.async.commit.group  // of the loop", ""},
    {"fills the stage that is read", "%stage = arith.remui %next, %stages",
     "%stage = arith.remui %s, %stages"},
    {"reads the next stage", "%now = arith.remui %s, %stages",
     "%now = arith.remui %next, %stages"},
    {"two stages only", "%stages = arith.constant 3",
     "%stages = arith.constant 2"},
    {"fragments of a in the wrong order",
     "%pa = llvm.call @chunk(%tileA, %rowA, %chunkA)",
     "%rowX = arith.addi %w16, %rowB : i32\n"
     "%pa = llvm.call @chunk(%tileA, %rowX, %chunkB)"},
    {"fragments of b in the wrong order",
     "%pb = llvm.call @chunk(%tileB, %rowB, %chunkB)",
     "%pb = llvm.call @chunk(%tileB, %l15, %chunkA)"},
    {"copies without the swizzle",
     "%to = llvm.call @chunk(%tile, %row, %chunk) : (!llvm.ptr<3>, i32, i32) "
     "-> !llvm.ptr<3>",
     "%linear = arith.muli %tid, %c16 : i32\n"
     "%to = llvm.getelementptr %tile[%linear] : (!llvm.ptr<3>, i32) -> "
     "!llvm.ptr<3>, i8"},
    {"sums exchanged", "B[%b2, %b3] C[%s4, %s5,", "B[%b2, %b3] C[%s5, %s4,"},
    {"b taken as unsigned", "multiplicandBPtxType = #nvvm.mma_type<s8>",
     "multiplicandBPtxType = #nvvm.mma_type<u8>"},
    {"one step too few", "%s = %c0 to %steps", "%s = %c1 to %steps"},
    {"depth tail not cut", "arith.minsi %left, %c16", "arith.maxsi %c16, %c16"},
    {"rows of the matrix not checked", "arith.select %inside, %valid, %c0",
     "arith.select %inside, %valid, %valid"},
    {"rows of the result not checked", "arith.andi %rowInside, %colInside",
     "arith.andi %colInside, %colInside"},
    {"columns of the result not checked", "arith.andi %rowInside, %colInside",
     "arith.andi %rowInside, %rowInside"},
    {"packed in the wrong order", "qopt.cvt_pack_sat %iy, %ix",
     "qopt.cvt_pack_sat %ix, %iy"},
    {"packed unsigned", "qopt.cvt_pack_sat %iy, %ix, %c0",
     "qopt.cvt_pack_sat %iy, %ix, %c0 {is_unsigned}"},
    {"scale of the wrong channel", "%sx = vector.extract %s[0]",
     "%sx = vector.extract %s[1]"},
    {"copy narrower than a chunk", "%from, 16, cache = cg",
     "%from, 8, cache = ca"},
};

TEST(EmulatorGemmTest, EveryPlantedBugIsCaught) {
  for (const Mutation &mutation : kMutations) {
    std::string text = kGemm;
    size_t at = text.find(mutation.from);
    ASSERT_NE(at, std::string::npos) << mutation.name;
    text.replace(at, strlen(mutation.from), mutation.to);
    Gemm gemm(text, 37, 22, 208);
    for (const LaunchOptions &options : EmulatedKernel::allOptions()) {
      LaunchResult result = gemm.run(options);
      EXPECT_FALSE(result.ok && gemm.isExact())
          << mutation.name << ", seed " << options.seed;
    }
  }
}

TEST(EmulatorGemmTest, TooLittleSharedMemoryIsCaught) {
  Gemm gemm(kGemm, 64, 32, 256);
  EXPECT_FALSE(gemm.run({}, kSharedBytes - 16).ok);
}
