//===- EmulatorMemoryTest.cpp - Copies, matrices, atomics ------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Instructions that move data between memory and registers, against results
// that follow from the PTX ISA by hand.
//
//===----------------------------------------------------------------------===//
#include "EmulatedKernel.h"

#include <random>

using namespace mlir::qopt::emulator;
using namespace mlir::qopt::test;

static std::string replaceAll(std::string text, const std::string &from,
                              const std::string &to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos;
       at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

//===----------------------------------------------------------------------===//
// ldmatrix
//===----------------------------------------------------------------------===//

/// Matrices of 8x8 i16 with element (r, c) of matrix m = 1000 m + 10 r + c, one
/// after the other in shared memory; each lane stores its registers.
static std::vector<uint32_t> loadMatrices(int count, bool isTransposed) {
  std::string type = "i32", extract;
  if (count > 1) {
    type = count == 2 ? "!llvm.struct<(i32, i32)>"
                      : "!llvm.struct<(i32, i32, i32, i32)>";
    for (int i = 0; i < count; ++i)
      extract += replaceAll("%vI = llvm.extractvalue %l[I] : " + type + "\n",
                            "I", std::to_string(i));
  }
  std::string store;
  for (int i = 0; i < count; ++i)
    store += replaceAll(R"(
      %pI = llvm.getelementptr %q[I] : (!llvm.ptr<1>) -> !llvm.ptr<1>, i32
      llvm.store %VALUE, %pI : i32, !llvm.ptr<1>)",
                        "I", std::to_string(i));
  for (int i = 0; i < count; ++i)
    store.replace(store.find("VALUE"), 5,
                  count == 1 ? "l" : "v" + std::to_string(i));
  EmulatedKernel kernel(R"(
    llvm.mlir.global internal @tile() {addr_space = 3 : i32,
        alignment = 16 : i64} : !llvm.array<512 x i8>
    llvm.func @k(%out: !llvm.ptr<1>) attributes {nvvm.kernel} {
      %lane = nvvm.read.ptx.sreg.laneid : i32
      %t = llvm.mlir.addressof @tile : !llvm.ptr<3>
      %c0 = arith.constant 0 : i32
      %c1 = arith.constant 1 : i32
      %c8 = arith.constant 8 : i32
      %c10 = arith.constant 10 : i32
      %c16 = arith.constant 16 : i32
      %c1000 = arith.constant 1000 : i32
      %row = llvm.getelementptr %t[%lane] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, !llvm.array<8 x i16>
      %m = arith.divui %lane, %c8 : i32
      %r = arith.remui %lane, %c8 : i32
      %m1000 = arith.muli %m, %c1000 : i32
      %r10 = arith.muli %r, %c10 : i32
      %base = arith.addi %m1000, %r10 : i32
      scf.for %c = %c0 to %c8 step %c1 : i32 {
        %v = arith.addi %base, %c : i32
        %v16 = arith.trunci %v : i32 to i16
        %pc = llvm.getelementptr %row[%c] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i16
        llvm.store %v16, %pc : i16, !llvm.ptr<3>
      }
      nvvm.barrier
      %l = nvvm.ldmatrix %row {num = )" +
                        std::to_string(count) +
                        " : i32, layout = #nvvm.mma_layout<" +
                        (isTransposed ? "col" : "row") +
                        R"(>, shape = #nvvm.ld_st_matrix_shape<m = 8, n = 8>,
          eltType = #nvvm.ld_st_matrix_elt_type<b16>} : (!llvm.ptr<3>) -> )" +
                        type + "\n" + extract + R"(
      %cN = arith.constant )" +
                        std::to_string(count) + R"( : i32
      %o = arith.muli %lane, %cN : i32
      %q = llvm.getelementptr %out[%o] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32)" +
                        store + "\nllvm.return }");
  EXPECT_EQ(kernel.error(), "");
  uint32_t *out = kernel.buffer("out", std::vector<uint32_t>(32 * count, 0));
  kernel.runAll({1, 1, 1}, {32, 1, 1});
  return std::vector<uint32_t>(out, out + 32 * count);
}

TEST(EmulatorMemoryTest, LoadMatrix) {
  for (int count : {1, 2, 4}) {
    for (bool isTransposed : {false, true}) {
      std::vector<uint32_t> out = loadMatrices(count, isTransposed);
      for (int lane = 0; lane < 32; ++lane) {
        for (int m = 0; m < count; ++m) {
          // Row lane / 4, elements 2 (lane % 4) and the next; or column.
          int g = lane / 4, t = 2 * (lane % 4);
          uint32_t low = 1000 * m + (isTransposed ? 10 * t + g : 10 * g + t);
          uint32_t high = low + (isTransposed ? 10 : 1);
          EXPECT_EQ(out[lane * count + m], low | high << 16)
              << "x" << count << " lane " << lane << " matrix " << m;
        }
      }
    }
  }
}

//===----------------------------------------------------------------------===//
// mma
//===----------------------------------------------------------------------===//

/// One m16n8k32 of `a` (16x32), `b` (8x32, k contiguous), `c` (16x8), with
/// fragments as the PTX ISA's figures show them.
static std::vector<int32_t> multiply(const std::vector<uint8_t> &a,
                                     const std::vector<uint8_t> &b,
                                     const std::vector<int32_t> &c,
                                     bool unsignedA, bool unsignedB,
                                     bool saturates) {
  std::string text = R"(
    llvm.func @k(%fragments: !llvm.ptr<1>) attributes {nvvm.kernel} {
      %lane = nvvm.read.ptx.sreg.laneid : i32
      %c10 = arith.constant 10 : i32
      %o = arith.muli %lane, %c10 : i32
      %f = llvm.getelementptr %fragments[%o] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
      LOADS
      %d = nvvm.mma.sync A[%v0, %v1, %v2, %v3] B[%v4, %v5] C[%v6, %v7, %v8, %v9]
          {intOverflowBehavior = #nvvm.mma_int_overflow<OVERFLOW>,
           layoutA = #nvvm.mma_layout<row>, layoutB = #nvvm.mma_layout<col>,
           multiplicandAPtxType = #nvvm.mma_type<TYPE_A>,
           multiplicandBPtxType = #nvvm.mma_type<TYPE_B>,
           shape = #nvvm.shape<m = 16, n = 8, k = 32>}
          : (i32, i32, i32) -> !llvm.struct<(i32, i32, i32, i32)>
      STORES
      llvm.return
    })";
  std::string loads, stores;
  for (int i = 0; i < 10; ++i)
    loads += replaceAll(R"(
      %pI = llvm.getelementptr %f[I] : (!llvm.ptr<1>) -> !llvm.ptr<1>, i32
      %vI = llvm.load %pI : !llvm.ptr<1> -> i32)",
                        "I", std::to_string(i));
  for (int i = 0; i < 4; ++i)
    stores += replaceAll(replaceAll(R"(
      %dI = llvm.extractvalue %d[I] : !llvm.struct<(i32, i32, i32, i32)>
      llvm.store %dI, %pJ : i32, !llvm.ptr<1>)",
                                    "I", std::to_string(i)),
                         "J", std::to_string(i + 6));
  // "i32" has no capital I.
  text = replaceAll(text, "LOADS", loads);
  text = replaceAll(text, "STORES", stores);
  text = replaceAll(text, "OVERFLOW", saturates ? "satfinite" : "wrapped");
  text = replaceAll(text, "TYPE_A", unsignedA ? "u8" : "s8");
  text = replaceAll(text, "TYPE_B", unsignedB ? "u8" : "s8");
  EmulatedKernel kernel(text);
  EXPECT_EQ(kernel.error(), "");

  auto pack = [](const std::vector<uint8_t> &matrix, int row, int k) {
    uint32_t word;
    memcpy(&word, &matrix[row * 32 + k], sizeof(word));
    return word;
  };
  std::vector<uint32_t> fragments(320);
  for (int lane = 0; lane < 32; ++lane) {
    uint32_t *f = &fragments[lane * 10];
    int g = lane / 4, t = lane % 4;
    for (int i = 0; i < 4; ++i)
      f[i] = pack(a, g + 8 * (i % 2), 4 * t + 16 * (i / 2));
    for (int i = 0; i < 2; ++i)
      f[4 + i] = pack(b, g, 4 * t + 16 * i);
    for (int i = 0; i < 4; ++i)
      f[6 + i] = c[(g + 8 * (i / 2)) * 8 + 2 * t + i % 2];
  }
  uint32_t *out = kernel.buffer("fragments", fragments);
  LaunchResult result = kernel.launch("k", {1, 1, 1}, {32, 1, 1}, 0, {});
  EXPECT_TRUE(result.ok) << EmulatedKernel::join(result.reports);
  EXPECT_EQ(result.mmas, 1u);
  std::vector<int32_t> d(128);
  for (int lane = 0; lane < 32; ++lane)
    for (int i = 0; i < 4; ++i)
      d[(lane / 4 + 8 * (i / 2)) * 8 + 2 * (lane % 4) + i % 2] =
          static_cast<int32_t>(out[lane * 10 + 6 + i]);
  return d;
}

TEST(EmulatorMemoryTest, MmaOfAllSignednesses) {
  std::mt19937 random(3);
  for (int variant = 0; variant < 8; ++variant) {
    bool unsignedA = variant & 1, unsignedB = variant & 2,
         saturates = variant & 4;
    std::vector<uint8_t> a(16 * 32), b(8 * 32);
    std::vector<int32_t> c(16 * 8);
    for (uint8_t &value : a)
      value = random();
    for (uint8_t &value : b)
      value = random();
    // Some accumulators are at the ends of the range.
    for (int32_t &value : c)
      value = random() % 3 == 0   ? INT32_MAX - static_cast<int>(random() % 9)
              : random() % 3 == 0 ? INT32_MIN + static_cast<int>(random() % 9)
                                  : static_cast<int32_t>(random() % 1000);
    std::vector<int32_t> d = multiply(a, b, c, unsignedA, unsignedB, saturates);
    for (int m = 0; m < 16; ++m) {
      for (int n = 0; n < 8; ++n) {
        int64_t sum = c[m * 8 + n];
        for (int k = 0; k < 32; ++k) {
          uint8_t x = a[m * 32 + k], y = b[n * 32 + k];
          sum +=
              int64_t(unsignedA ? x : int8_t(x)) * (unsignedB ? y : int8_t(y));
        }
        int32_t wanted = saturates
                             ? std::clamp<int64_t>(sum, INT32_MIN, INT32_MAX)
                             : static_cast<int32_t>(static_cast<uint32_t>(sum));
        EXPECT_EQ(d[m * 8 + n], wanted) << "variant " << variant;
      }
    }
  }
}

//===----------------------------------------------------------------------===//
// cp.async
//===----------------------------------------------------------------------===//

/// One thread copies `size` bytes, of which it reads `sourceSize`, and stores
/// the 16 bytes around.
static std::vector<uint8_t> copyBytes(int size, int sourceSize) {
  std::string text = R"(
    llvm.mlir.global internal @tile() {addr_space = 3 : i32,
        alignment = 16 : i64} : !llvm.array<16 x i8>
    llvm.func @k(%out: !llvm.ptr<1>, %in: !llvm.ptr<1>, %bytes: i32)
        attributes {nvvm.kernel} {
      %t = llvm.mlir.addressof @tile : !llvm.ptr<3>
      %old = arith.constant dense<7> : vector<16xi8>
      llvm.store %old, %t {alignment = 16 : i64} : vector<16xi8>, !llvm.ptr<3>
      nvvm.cp.async.shared.global %t, %in, SIZE, cache = CACHE, %bytes
          : !llvm.ptr<3>, !llvm.ptr<1>, i32
      nvvm.cp.async.commit.group
      nvvm.cp.async.wait.group 0
      %new = llvm.load %t {alignment = 16 : i64} : !llvm.ptr<3> -> vector<16xi8>
      llvm.store %new, %out {alignment = 16 : i64} : vector<16xi8>, !llvm.ptr<1>
      llvm.return
    })";
  text = replaceAll(text, "SIZE", std::to_string(size));
  text = replaceAll(text, "CACHE", size == 16 ? "cg" : "ca");
  EmulatedKernel kernel(text);
  EXPECT_EQ(kernel.error(), "");
  uint8_t *out = kernel.buffer("out", std::vector<uint8_t>(16, 0));
  std::vector<uint8_t> in;
  // Nothing beyond sourceSize may be read.
  for (int i = 0; i < sourceSize; ++i)
    in.push_back(100 + i);
  kernel.buffer("in", in);
  kernel.scalar(sourceSize);
  kernel.runAll({1, 1, 1}, {1, 1, 1});
  return std::vector<uint8_t>(out, out + 16);
}

TEST(EmulatorMemoryTest, AsyncCopySizes) {
  for (int size : {4, 8, 16}) {
    for (int sourceSize = 0; sourceSize <= size; ++sourceSize) {
      std::vector<uint8_t> wanted(16, 7);
      for (int i = 0; i < size; ++i)
        wanted[i] = i < sourceSize ? 100 + i : 0;
      EXPECT_EQ(copyBytes(size, sourceSize), wanted)
          << size << " bytes, " << sourceSize << " read";
    }
  }
}

/// Copies in three groups; what is waited for may be read, by this thread.
static std::string copyGroups(const std::string &wait) {
  return R"(
    llvm.mlir.global internal @tile() {addr_space = 3 : i32,
        alignment = 16 : i64} : !llvm.array<64 x i32>
    llvm.func @k(%out: !llvm.ptr<1>, %in: !llvm.ptr<1>)
        attributes {nvvm.kernel} {
      %tid = nvvm.read.ptx.sreg.tid.x : i32
      %t = llvm.mlir.addressof @tile : !llvm.ptr<3>
      %s = llvm.getelementptr %t[%tid] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
      %g = llvm.getelementptr %in[%tid] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
      nvvm.cp.async.shared.global %s, %g, 4, cache = ca : !llvm.ptr<3>, !llvm.ptr<1>
      nvvm.cp.async.commit.group
      %s2 = llvm.getelementptr %s[32] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i32
      nvvm.cp.async.shared.global %s2, %g, 4, cache = ca : !llvm.ptr<3>, !llvm.ptr<1>
      nvvm.cp.async.commit.group
      )" +
         wait + R"(
      %v = llvm.load %s : !llvm.ptr<3> -> i32
      %p = llvm.getelementptr %out[%tid] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
      llvm.store %v, %p : i32, !llvm.ptr<1>
      llvm.return
    })";
}

TEST(EmulatorMemoryTest, AsyncWaitCountsGroups) {
  for (const char *wait :
       {"nvvm.cp.async.wait.group 1", "nvvm.cp.async.wait.group 0",
        "llvm.call_intrinsic \"llvm.nvvm.cp.async.wait.all\"() : () -> ()"}) {
    EmulatedKernel kernel(copyGroups(wait));
    EXPECT_EQ(kernel.error(), "");
    std::vector<int32_t> in(32);
    for (int i = 0; i < 32; ++i)
      in[i] = 3 * i;
    int32_t *out = kernel.buffer("out", std::vector<int32_t>(32, 0));
    kernel.buffer("in", in);
    LaunchResult result = kernel.runAll({1, 1, 1}, {32, 1, 1});
    EXPECT_EQ(result.asyncCopies, 64u);
    EXPECT_EQ(std::vector<int32_t>(out, out + 32), in) << wait;
  }
}

TEST(EmulatorMemoryTest, AsyncWaitForTooFewGroups) {
  EmulatedKernel kernel(copyGroups("nvvm.cp.async.wait.group 2"));
  kernel.buffer("out", std::vector<int32_t>(32, 0));
  kernel.buffer("in", std::vector<int32_t>(32, 1));
  for (const LaunchOptions &options : EmulatedKernel::allOptions()) {
    LaunchResult result = kernel.launch("k", {1, 1, 1}, {32, 1, 1}, 0, options);
    EXPECT_FALSE(result.ok);
  }
}

//===----------------------------------------------------------------------===//
// Barriers
//===----------------------------------------------------------------------===//

TEST(EmulatorMemoryTest, NamedBarrierOfSomeWarps) {
  // Warps 0 and 1 exchange values at barrier 3; warp 2 has no part in it.
  EmulatedKernel kernel(R"(
    llvm.mlir.global internal @tile() {addr_space = 3 : i32} : !llvm.array<64 x i32>
    llvm.func @k(%out: !llvm.ptr<1>) attributes {nvvm.kernel} {
      %tid = nvvm.read.ptx.sreg.tid.x : i32
      %c3 = arith.constant 3 : i32
      %c63 = arith.constant 63 : i32
      %c64 = arith.constant 64 : i32
      %in = arith.cmpi ult, %tid, %c64 : i32
      scf.if %in {
        %t = llvm.mlir.addressof @tile : !llvm.ptr<3>
        %s = llvm.getelementptr %t[%tid] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
        llvm.store %tid, %s : i32, !llvm.ptr<3>
        nvvm.barrier id = %c3 number_of_threads = %c64
        %other = arith.subi %c63, %tid : i32
        %o = llvm.getelementptr %t[%other] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
        %v = llvm.load %o : !llvm.ptr<3> -> i32
        %p = llvm.getelementptr %out[%tid] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
        llvm.store %v, %p : i32, !llvm.ptr<1>
      }
      llvm.return
    })");
  EXPECT_EQ(kernel.error(), "");
  int32_t *out = kernel.buffer("out", std::vector<int32_t>(64, 0));
  kernel.runAll({1, 1, 1}, {96, 1, 1});
  for (int i = 0; i < 64; ++i)
    EXPECT_EQ(out[i], 63 - i);
}

TEST(EmulatorMemoryTest, ProducerArrivesConsumerWaits) {
  EmulatedKernel kernel(R"(
    llvm.mlir.global internal @tile() {addr_space = 3 : i32} : !llvm.array<32 x i32>
    llvm.func @k(%out: !llvm.ptr<1>) attributes {nvvm.kernel} {
      %tid = nvvm.read.ptx.sreg.tid.x : i32
      %lane = nvvm.read.ptx.sreg.laneid : i32
      %c1 = arith.constant 1 : i32
      %c32 = arith.constant 32 : i32
      %c64 = arith.constant 64 : i32
      %t = llvm.mlir.addressof @tile : !llvm.ptr<3>
      %s = llvm.getelementptr %t[%lane] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
      %isProducer = arith.cmpi ult, %tid, %c32 : i32
      scf.if %isProducer {
        llvm.store %lane, %s : i32, !llvm.ptr<3>
        nvvm.barrier.arrive id = %c1 number_of_threads = %c64
      } else {
        nvvm.barrier id = %c1 number_of_threads = %c64
        %v = llvm.load %s : !llvm.ptr<3> -> i32
        %p = llvm.getelementptr %out[%lane] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
        llvm.store %v, %p : i32, !llvm.ptr<1>
      }
      llvm.return
    })");
  EXPECT_EQ(kernel.error(), "");
  int32_t *out = kernel.buffer("out", std::vector<int32_t>(32, -1));
  kernel.runAll({1, 1, 1}, {64, 1, 1});
  for (int i = 0; i < 32; ++i)
    EXPECT_EQ(out[i], i);
}

//===----------------------------------------------------------------------===//
// Atomics
//===----------------------------------------------------------------------===//

TEST(EmulatorMemoryTest, AtomicsOnBothMemories) {
  // Each block adds up 1 .. 64 in shared memory, then adds that to out[0] and
  // takes the maximum of block indices in out[1].
  EmulatedKernel kernel(R"(
    llvm.mlir.global internal @sum() {addr_space = 3 : i32} : !llvm.array<1 x i32>
    llvm.func @k(%out: !llvm.ptr<1>) attributes {nvvm.kernel} {
      %tid = nvvm.read.ptx.sreg.tid.x : i32
      %bid = nvvm.read.ptx.sreg.ctaid.x : i32
      %c0 = arith.constant 0 : i32
      %c1 = arith.constant 1 : i32
      %t = llvm.mlir.addressof @sum : !llvm.ptr<3>
      %isFirst = arith.cmpi eq, %tid, %c0 : i32
      scf.if %isFirst {
        llvm.store %c0, %t : i32, !llvm.ptr<3>
      }
      nvvm.barrier
      %x = arith.addi %tid, %c1 : i32
      %old = llvm.atomicrmw add %t, %x monotonic : !llvm.ptr<3>, i32
      nvvm.barrier
      scf.if %isFirst {
        %v = llvm.load %t : !llvm.ptr<3> -> i32
        %a = llvm.atomicrmw add %out, %v monotonic : !llvm.ptr<1>, i32
        %q = llvm.getelementptr %out[1] : (!llvm.ptr<1>) -> !llvm.ptr<1>, i32
        %b = llvm.atomicrmw umax %q, %bid monotonic : !llvm.ptr<1>, i32
      }
      llvm.return
    })");
  EXPECT_EQ(kernel.error(), "");
  // runAll() launches nine times.
  int32_t *out = kernel.buffer("out", std::vector<int32_t>(2, 0));
  kernel.runAll({5, 1, 1}, {64, 1, 1});
  EXPECT_EQ(out[0], 9 * 5 * 64 * 65 / 2);
  EXPECT_EQ(out[1], 4);
}

TEST(EmulatorMemoryTest, CompareExchangeElectsOne) {
  EmulatedKernel kernel(R"(
    llvm.func @k(%out: !llvm.ptr<1>) attributes {nvvm.kernel} {
      %tid = nvvm.read.ptx.sreg.tid.x : i32
      %none = arith.constant -1 : i32
      %c1 = arith.constant 1 : i32
      %r = llvm.cmpxchg %out, %none, %tid acq_rel monotonic : !llvm.ptr<1>, i32
      %won = llvm.extractvalue %r[1] : !llvm.struct<(i32, i1)>
      %q = llvm.getelementptr %out[1] : (!llvm.ptr<1>) -> !llvm.ptr<1>, i32
      scf.if %won {
        %a = llvm.atomicrmw add %q, %c1 monotonic : !llvm.ptr<1>, i32
      }
      llvm.return
    })");
  EXPECT_EQ(kernel.error(), "");
  int32_t *out = kernel.buffer("out", std::vector<int32_t>{-1, 0});
  LaunchResult result = kernel.launch("k", {3, 1, 1}, {64, 1, 1}, 0, {});
  EXPECT_TRUE(result.ok) << EmulatedKernel::join(result.reports);
  EXPECT_GE(out[0], 0);
  EXPECT_EQ(out[1], 1);
}

//===----------------------------------------------------------------------===//
// Device memory
//===----------------------------------------------------------------------===//

TEST(EmulatorMemoryTest, AllocationsAreAlignedAndPoisoned) {
  DeviceMemory memory;
  auto *a = static_cast<uint8_t *>(memory.allocate(1000, "a"));
  auto *b = static_cast<uint8_t *>(memory.allocate(1, "b"));
  EXPECT_EQ(reinterpret_cast<uintptr_t>(a) % DeviceMemory::kAlignment, 0u);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(b) % DeviceMemory::kAlignment, 0u);
  EXPECT_EQ(a[999], 0xA5);
  EXPECT_GE(memory.find(a, 1000), 0);
  EXPECT_GE(memory.find(a + 999, 1), 0);
  EXPECT_EQ(memory.find(a, 1001), -1);
  EXPECT_EQ(memory.find(a - 1, 1), -1);
  EXPECT_EQ(memory.describe(a + 1000), "a+1000 (of 1000 bytes)");
  EXPECT_EQ(memory.describe(a - 4), "a-4 (of 1000 bytes)");
  memory.release(a);
  EXPECT_EQ(memory.find(a, 1), -1);
  memory.release(nullptr);
  EXPECT_EQ(memory.getAllocations().size(), 1u);
}
