//===- EmulatorChecksTest.cpp - What the emulator reports ------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One wrong kernel per kind of report, with the whole text of the report.
//
//===----------------------------------------------------------------------===//
#include "EmulatedKernel.h"

using namespace mlir::qopt::emulator;
using namespace mlir::qopt::test;

/// A kernel with a shared tile of 64 numbers, a pointer %mine to the thread's
/// own, and constants. Line 1 of the file is that of the function.
static std::string withTile(const std::string &body) {
  return "llvm.func @k(%out: !llvm.ptr<1>) attributes {nvvm.kernel} {"
         " %tid = nvvm.read.ptx.sreg.tid.x : i32"
         " %lane = nvvm.read.ptx.sreg.laneid : i32"
         " %bid = nvvm.read.ptx.sreg.ctaid.x : i32"
         " %all = arith.constant -1 : i32"
         " %c0 = arith.constant 0 : i32"
         " %c1 = arith.constant 1 : i32"
         " %c32 = arith.constant 32 : i32"
         " %c64 = arith.constant 64 : i32"
         " %isFirst = arith.cmpi eq, %tid, %c0 : i32"
         " %tile = llvm.mlir.addressof @tile : !llvm.ptr<3>"
         " %mine = llvm.getelementptr %tile[%tid] : (!llvm.ptr<3>, i32)"
         " -> !llvm.ptr<3>, i32"
         " %outMine = llvm.getelementptr %out[%tid] : (!llvm.ptr<1>, i32)"
         " -> !llvm.ptr<1>, i32\n" +
         body + R"(
      llvm.return
    }
    llvm.mlir.global internal @tile() {addr_space = 3 : i32,
        alignment = 16 : i64} : !llvm.array<64 x i32>)";
}

/// Reports of one run in lockstep: which pair of threads is named depends on
/// the schedule.
static std::string report(const std::string &body, Dims grid = {1, 1, 1},
                          Dims block = {64, 1, 1}, int outSize = 64) {
  EmulatedKernel kernel(withTile(body));
  EXPECT_EQ(kernel.error(), "");
  kernel.buffer("out", std::vector<int32_t>(outSize, 0));
  LaunchOptions options;
  options.schedule = Schedule::Lockstep;
  options.landing = Landing::Early;
  options.residentBlocks = 1;
  return EmulatedKernel::join(
      kernel.launch("k", grid, block, 0, options).reports);
}

/// That some report contains `part`, under each of the nine schedules.
static void expectAlways(const std::string &part, const std::string &body,
                         Dims grid = {1, 1, 1}, Dims block = {64, 1, 1}) {
  EmulatedKernel kernel(withTile(body));
  EXPECT_EQ(kernel.error(), "");
  kernel.buffer("out", std::vector<int32_t>(64, 0));
  for (const LaunchOptions &options : EmulatedKernel::allOptions()) {
    std::string text = EmulatedKernel::join(
        kernel.launch("k", grid, block, 0, options).reports);
    EXPECT_NE(text.find(part), std::string::npos)
        << "expected '" << part << "' in:\n"
        << text;
  }
}

//===----------------------------------------------------------------------===//
// Races on shared memory
//===----------------------------------------------------------------------===//

/// Reads what the thread 32 places further wrote.
static const std::string kReadOther = R"(
      %n = arith.xori %tid, %c32 : i32
      %theirs = llvm.getelementptr %tile[%n] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
      %v = llvm.load %theirs : !llvm.ptr<3> -> i32
      llvm.store %v, %outMine : i32, !llvm.ptr<1>)";

TEST(EmulatorChecksTest, ReadAfterWriteOfAnotherWarp) {
  std::string store = "llvm.store %tid, %mine : i32, !llvm.ptr<3>\n";
  expectAlways("race on @tile+", store + kReadOther);
  expectAlways("race on @tile+",
               store + "nvvm.bar.warp.sync %all : i32" + kReadOther);
  EXPECT_EQ(report(store + "nvvm.barrier" + kReadOther), "");
}

TEST(EmulatorChecksTest, RaceNamesBothOps) {
  // Thread 0 writes, then the second warp reads.
  EXPECT_EQ(
      report(R"(
      scf.if %isFirst {
        llvm.store %tid, %mine : i32, !llvm.ptr<3>
      }
      %next = arith.cmpi eq, %tid, %c1 : i32
      scf.if %next {
        %v = llvm.load %tile : !llvm.ptr<3> -> i32
      })",
             {1, 1, 1}, {2, 1, 1}),
      "race on @tile+0: read by thread 1 at [llvm.load @k#18 k.mlir:8] is "
      "not ordered after write by thread 0 at [llvm.store @k#14 "
      "k.mlir:4]\n");
}

TEST(EmulatorChecksTest, WriteAfterRead) {
  expectAlways("is not ordered after read by thread", R"(
      llvm.store %tid, %mine : i32, !llvm.ptr<3>
      nvvm.barrier)" + kReadOther +
                                                          R"(
      llvm.store %v, %mine : i32, !llvm.ptr<3>)");
}

TEST(EmulatorChecksTest, TwoWrites) {
  expectAlways("is not ordered after write by thread",
               "llvm.store %tid, %tile : i32, !llvm.ptr<3>");
}

TEST(EmulatorChecksTest, BytesOfOneWordAreDistinct) {
  // Neighbors write neighboring bytes: no race.
  EXPECT_EQ(report(R"(
      %byte = llvm.getelementptr %tile[%tid] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
      %x = arith.trunci %tid : i32 to i8
      llvm.store %x, %byte : i8, !llvm.ptr<3>
      nvvm.barrier
      %half = arith.andi %tid, %c32 : i32
      %word = llvm.getelementptr %tile[%half] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
      %v = llvm.load %word {alignment = 16 : i64} : !llvm.ptr<3> -> vector<16xi8>)"),
            "");
}

TEST(EmulatorChecksTest, AtomicsDoNotRaceWithEachOther) {
  std::string init = R"(
      scf.if %isFirst {
        llvm.store %c0, %tile : i32, !llvm.ptr<3>
      }
      nvvm.barrier
      %old = llvm.atomicrmw add %tile, %c1 monotonic : !llvm.ptr<3>, i32
      )";
  EXPECT_EQ(report(init + "nvvm.barrier\n"
                          "%v = llvm.load %tile : !llvm.ptr<3> -> i32"),
            "");
  expectAlways("is not ordered after atomic by thread",
               init + "%v = llvm.load %tile : !llvm.ptr<3> -> i32");
}

TEST(EmulatorChecksTest, ReadOfACopyOfAnotherThread) {
  std::string copy = R"(
      nvvm.cp.async.shared.global %mine, %outMine, 4, cache = ca
          : !llvm.ptr<3>, !llvm.ptr<1>
      nvvm.cp.async.commit.group
      )";
  // The wait of the reader does not cover copies of others.
  std::string theirs = kReadOther.substr(0, kReadOther.find("llvm.store"));
  expectAlways("is not ordered after copy issued by thread",
               copy + "nvvm.barrier\nnvvm.cp.async.wait.group 0" + theirs);
  EXPECT_EQ(report(copy + "nvvm.cp.async.wait.group 0\nnvvm.barrier" + theirs),
            "");
}

TEST(EmulatorChecksTest, UninitializedRead) {
  EXPECT_EQ(report("%v = llvm.load %mine : !llvm.ptr<3> -> i32"),
            "uninitialized @tile+128: read by thread 32 at [llvm.load @k#13 "
            "k.mlir:2]\n");
}

//===----------------------------------------------------------------------===//
// Races on global memory
//===----------------------------------------------------------------------===//

TEST(EmulatorChecksTest, BlocksWriteTheSameWord) {
  EXPECT_EQ(report("llvm.store %bid, %outMine : i32, !llvm.ptr<1>", {2, 1, 1},
                   {1, 1, 1}),
            "race on out+0 (of 256 bytes): write by thread 0 at [llvm.store "
            "@k#13 k.mlir:2] in block (1, 0, 0) is not ordered after write by "
            "thread 0 at [llvm.store @k#13 k.mlir:2] in block (0, 0, 0)\n");
}

TEST(EmulatorChecksTest, BlockReadsWhatAnotherWrites) {
  expectAlways("in block (", R"(
      %other = llvm.getelementptr %out[%bid] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
      %v = llvm.load %out : !llvm.ptr<1> -> i32
      scf.if %isFirst {
        llvm.store %v, %other : i32, !llvm.ptr<1>
      })",
               {2, 1, 1}, {1, 1, 1});
}

TEST(EmulatorChecksTest, BlocksWriteBytesOfOneWord) {
  EXPECT_EQ(report(R"(
      %byte = llvm.getelementptr %out[%bid] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i8
      %x = arith.trunci %bid : i32 to i8
      llvm.store %x, %byte : i8, !llvm.ptr<1>)",
                   {8, 1, 1}, {1, 1, 1}),
            "");
}

/// Blocks put a number down plainly; the last to arrive adds them up.
static std::string lastArriver(const std::string &release,
                               const std::string &acquire) {
  return R"(
      %slot = llvm.getelementptr %out[%bid] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
      %counter = llvm.getelementptr %out[8] : (!llvm.ptr<1>) -> !llvm.ptr<1>, i32
      %c3 = arith.constant 3 : i32
      scf.if %isFirst {
        llvm.store %bid, %slot : i32, !llvm.ptr<1>
      }
      )" +
         release +
         R"(
      scf.if %isFirst {
        %old = llvm.atomicrmw add %counter, %c1 monotonic : !llvm.ptr<1>, i32
        llvm.store %old, %tile : i32, !llvm.ptr<3>
      }
      )" +
         acquire +
         R"(
      %arrived = llvm.load %tile : !llvm.ptr<3> -> i32
      %isLast = arith.cmpi eq, %arrived, %c3 : i32
      scf.if %isLast {
        %theirs = llvm.getelementptr %out[%tid] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
        %few = arith.cmpi ule, %tid, %c3 : i32
        scf.if %few {
          %v = llvm.load %theirs : !llvm.ptr<1> -> i32
        }
        scf.if %isFirst {
          %reset = llvm.atomicrmw xchg %counter, %c0 monotonic : !llvm.ptr<1>, i32
        }
      })";
}

TEST(EmulatorChecksTest, LastArriverIsOrdered) {
  std::string fence = "llvm.fence syncscope(\"device\") acq_rel\n";
  std::string membar = "nvvm.memory.barrier #nvvm.mem_scope<gpu>\n";
  for (const std::string &f : {fence, membar})
    for (int i = 0; i < 3; ++i)
      EXPECT_EQ(report(lastArriver(f, f + "nvvm.barrier"), {4, 1, 1}), "");
  // Without one of the fences it is not.
  expectAlways("race on out+", lastArriver("", fence + "nvvm.barrier"),
               {4, 1, 1});
  expectAlways("race on out+", lastArriver(fence, "nvvm.barrier"), {4, 1, 1});
  // Nor with fences for the block only.
  std::string narrow = "nvvm.memory.barrier #nvvm.mem_scope<cta>\n";
  expectAlways("race on out+", lastArriver(narrow, narrow + "nvvm.barrier"),
               {4, 1, 1});
}

//===----------------------------------------------------------------------===//
// Bounds and alignment
//===----------------------------------------------------------------------===//

TEST(EmulatorChecksTest, GlobalOutOfBounds) {
  EXPECT_EQ(report("llvm.store %tid, %outMine : i32, !llvm.ptr<1>", {1, 1, 1},
                   {4, 1, 1}, 3),
            "access of 4 bytes out of bounds: out+12 (of 12 bytes), block (0, "
            "0, 0) thread 3 at [llvm.store @k#13 k.mlir:2]\n");
}

TEST(EmulatorChecksTest, SharedOutOfBounds) {
  EXPECT_EQ(report(R"(
      %far = llvm.getelementptr %tile[64] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i32
      llvm.store %tid, %far : i32, !llvm.ptr<3>)"),
            "access of 4 bytes out of bounds of shared memory: @tile+256, the "
            "block has 256 bytes, block (0, 0, 0) thread 32 at [llvm.store "
            "@k#14 k.mlir:4]\n");
}

TEST(EmulatorChecksTest, Misaligned) {
  EXPECT_EQ(report(R"(
      %v = arith.constant dense<1> : vector<4xi32>
      llvm.store %v, %outMine {alignment = 16 : i64} : vector<4xi32>, !llvm.ptr<1>)",
                   {1, 1, 1}, {2, 1, 1}),
            "access of 16 bytes at out+4 (of 256 bytes) is not aligned to 16, "
            "block (0, 0, 0) thread 1 at [llvm.store @k#14 k.mlir:4]\n");
  EXPECT_EQ(report(R"(
      %odd = llvm.getelementptr %tile[2] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
      %v = llvm.load %odd : !llvm.ptr<3> -> i32)",
                   {1, 1, 1}, {1, 1, 1}),
            "access of 4 bytes at @tile+2 is not aligned to 4, block (0, 0, 0) "
            "thread 0 at [llvm.load @k#14 k.mlir:4]\n");
}

TEST(EmulatorChecksTest, CopyReadsMoreThanItWrites) {
  EXPECT_EQ(report(R"(
      nvvm.cp.async.shared.global %mine, %outMine, 4, cache = ca, %c32
          : !llvm.ptr<3>, !llvm.ptr<1>, i32)",
                   {1, 1, 1}, {1, 1, 1}),
            "cp.async reads 32 of 4 bytes: block (0, 0, 0) thread 0 at "
            "[nvvm.cp.async.shared.global @k#13 k.mlir:3]\n");
}

//===----------------------------------------------------------------------===//
// Divergence and deadlock
//===----------------------------------------------------------------------===//

TEST(EmulatorChecksTest, DivergentShuffles) {
  EXPECT_EQ(report(R"(
      %r = scf.if %isFirst -> i32 {
        %x = nvvm.shfl.sync bfly %all, %tid, %c1, %c32 : i32 -> i32
        scf.yield %x : i32
      } else {
        %x = nvvm.shfl.sync bfly %all, %tid, %c1, %c32 : i32 -> i32
        scf.yield %x : i32
      })",
                   {1, 1, 1}, {32, 1, 1}),
            "divergent warp: block (0, 0, 0) thread 1 executes "
            "[nvvm.shfl.sync @k#16 k.mlir:7] with mask 0xffffffff, other lanes "
            "wait at [nvvm.shfl.sync @k#14 k.mlir:4] with mask 0xffffffff\n");
}

TEST(EmulatorChecksTest, LaneOutsideItsMask) {
  EXPECT_EQ(report("nvvm.bar.warp.sync %c1 : i32", {1, 1, 1}, {32, 1, 1}),
            "block (0, 0, 0) thread 1 is not in the mask 0x1 of "
            "[nvvm.bar.warp.sync @k#13 k.mlir:2]\n");
}

TEST(EmulatorChecksTest, DivergentBarriers) {
  EXPECT_EQ(report(R"(
      scf.if %isFirst {
        nvvm.barrier
      } else {
        nvvm.barrier
      })",
                   {1, 1, 1}, {32, 1, 1}),
            "divergent barrier: block (0, 0, 0) thread 1 waits at "
            "[nvvm.barrier @k#16 k.mlir:6], other lanes of its warp at "
            "[nvvm.barrier @k#14 k.mlir:4]\n");
}

TEST(EmulatorChecksTest, Deadlock) {
  // Warp 0 waits at barrier 1 for two warps, warp 1 at barrier 0.
  EXPECT_EQ(report(R"(
      %in = arith.cmpi ult, %tid, %c32 : i32
      scf.if %in {
        nvvm.barrier id = %c1 number_of_threads = %c64
      } else {
        nvvm.barrier
      })"),
            "deadlock: 32 threads wait at [nvvm.barrier @k#15 k.mlir:5] (block "
            "(0, 0, 0) thread 0), 32 threads wait at [nvvm.barrier @k#17 "
            "k.mlir:7] (block (0, 0, 0) thread 32)\n");
}

TEST(EmulatorChecksTest, ExitedThreadsDoNotHoldBarriers) {
  EXPECT_EQ(report(R"(
      %in = arith.cmpi ult, %tid, %c32 : i32
      scf.if %in {
        nvvm.barrier
      })"),
            "");
}

TEST(EmulatorChecksTest, BarrierMisuse) {
  expectAlways("barrier id 64 is not in 0 to 15 at [nvvm.barrier",
               "nvvm.barrier id = %c64");
  expectAlways("barrier thread count 1 is not a positive multiple of 32",
               "nvvm.barrier id = %c1 number_of_threads = %c1");
  expectAlways("barrier phase with conflicting thread counts", R"(
      %in = arith.cmpi ult, %tid, %c32 : i32
      scf.if %in {
        nvvm.barrier id = %c1 number_of_threads = %c64
      } else {
        nvvm.barrier id = %c1
      })");
}

TEST(EmulatorChecksTest, MatrixInstructionsNeedWholeWarps) {
  expectAlways("incomplete warp: block (0, 0, 0) thread", R"(
      %l = nvvm.ldmatrix %tile {num = 1 : i32,
          layout = #nvvm.mma_layout<row>,
          shape = #nvvm.ld_st_matrix_shape<m = 8, n = 8>,
          eltType = #nvvm.ld_st_matrix_elt_type<b16>} : (!llvm.ptr<3>) -> i32)",
               {1, 1, 1}, {16, 1, 1});
}

//===----------------------------------------------------------------------===//
// Launches
//===----------------------------------------------------------------------===//

TEST(EmulatorChecksTest, LaunchParameters) {
  EmulatedKernel kernel(R"(
    llvm.mlir.global external @dyn() {addr_space = 3 : i32, alignment = 1024 : i64}
        : !llvm.array<0 x i8>
    llvm.func @k() attributes {nvvm.kernel,
        nvvm.reqntid = array<i32: 64, 1, 1>} {
      %t = llvm.mlir.addressof @dyn : !llvm.ptr<3>
      llvm.return
    })");
  EXPECT_EQ(kernel.error(), "");
  auto launch = [&](llvm::StringRef name, Dims grid, Dims block,
                    uint32_t shared) {
    return EmulatedKernel::join(
        kernel.launch(name, grid, block, shared, {}).reports);
  };
  EXPECT_EQ(launch("k", {1, 1, 1}, {64, 1, 1}, 227 * 1024), "");
  EXPECT_EQ(launch("k", {1, 1, 1}, {64, 1, 1}, 227 * 1024 + 16),
            "launch of k: 232464 bytes of shared memory, a block may have "
            "232448\n");
  EXPECT_EQ(launch("k", {1, 1, 1}, {32, 1, 1}, 0),
            "launch of k: block of 32 threads, the kernel requires 64\n");
  EXPECT_EQ(launch("k", {1, 1, 1}, {32, 33, 1}, 0),
            "launch of k: block of 1056 threads, 1 to 1024 are possible\n");
  EXPECT_EQ(launch("k", {1, 0, 1}, {64, 1, 1}, 0),
            "launch of k: grid (1, 0, 1) is empty or too large\n");
  EXPECT_EQ(launch("other", {1, 1, 1}, {64, 1, 1}, 0), "no kernel 'other'\n");
}

TEST(EmulatorChecksTest, SameSeedSameRun) {
  EmulatedKernel kernel(withTile("llvm.store %tid, %tile : i32, !llvm.ptr<3>"));
  kernel.buffer("out", std::vector<int32_t>(64, 0));
  std::string first = kernel.report({1, 1, 1}, {64, 1, 1});
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(kernel.report({1, 1, 1}, {64, 1, 1}), first);
}

//===----------------------------------------------------------------------===//
// Unknown ops
//===----------------------------------------------------------------------===//

TEST(EmulatorChecksTest, OpsWithoutEmulationAreErrors) {
  auto error = [](const std::string &body) {
    return EmulatedKernel("llvm.func @k(%x: f32, %p: !llvm.ptr<3>, %n: i32) "
                          "attributes {nvvm.kernel} {\n" +
                          body + "\nllvm.return }")
        .error();
  };
  EXPECT_EQ(
      error("%y = math.exp %x : f32"),
      "loc(\"k.mlir\":2:6): emulator: 'math.exp' has no defined result on "
      "the device; expand it to arithmetic\n");
  EXPECT_EQ(error("nvvm.mbarrier.init %p, %n : !llvm.ptr<3>, i32"),
            "loc(\"k.mlir\":2:1): emulator: 'nvvm.mbarrier.init' has no "
            "emulation\n");
  EXPECT_EQ(error("llvm.inline_asm has_side_effects \"bar.sync 0;\", \"\" : () "
                  "-> ()"),
            "loc(\"k.mlir\":2:1): emulator: 'llvm.inline_asm' has no "
            "emulation\n");
  EXPECT_EQ(error("%y = nvvm.read.ptx.sreg.clock : i32"),
            "loc(\"k.mlir\":2:6): emulator: 'nvvm.read.ptx.sreg.clock' has no "
            "emulation\n");
}
