//===- GoldenTensorCore.cpp - Fragments of matrix instructions -*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PTX ISA 9.0, "Matrix Fragments for mma.m16n8k32" (integer types),
// "Warp-level matrix load instruction: ldmatrix" and "dp4a". Formulas are
// written as there: groupID, threadID_in_group, element i of a fragment.
//
//===----------------------------------------------------------------------===//
#include "DeviceGolden.h"

#include <cstring>
#include <random>

using namespace mlir::qopt::test;

static constexpr int kLanes = 32;

/// The value of a byte as an operand.
static int32_t widen(uint8_t byte, bool isUnsigned) {
  return isUnsigned ? byte : static_cast<int8_t>(byte);
}

static const char *getTypeName(bool isUnsigned) {
  return isUnsigned ? "u8" : "s8";
}

//===----------------------------------------------------------------------===//
// ldmatrix
//===----------------------------------------------------------------------===//

/// Four 8x8 matrices of 16-bit elements; lane 8 i + r gives the address of row
/// r of matrix i. The rows' places in memory are shuffled.
static void addLdMatrix(std::vector<DeviceGolden> &goldens) {
  DeviceGolden golden;
  golden.name = "ldmatrix_x4";
  golden.sharedBytes = 512;
  std::vector<int16_t> elements(256);
  for (size_t i = 0; i < elements.size(); ++i)
    elements[i] = static_cast<int16_t>(i * 257 + 1);
  std::vector<int32_t> addresses(kLanes);
  for (int lane = 0; lane < kLanes; ++lane)
    addresses[lane] = (lane * 11 + 3) % kLanes * 16;
  // "Each thread receives one element pair: row lane / 4, columns 2 (lane % 4)
  // and the next", of matrix i in register i.
  std::vector<int16_t> fragments(kLanes * 8);
  for (int lane = 0; lane < kLanes; ++lane)
    for (int matrix = 0; matrix < 4; ++matrix)
      for (int half = 0; half < 2; ++half) {
        int row = addresses[8 * matrix + lane / 4] / 2;
        fragments[8 * lane + 2 * matrix + half] =
            elements[row + 2 * (lane % 4) + half];
      }
  golden.inputs = {makeTensor("elements", QOPT_I16, elements, {32, 8}),
                   makeTensor("addresses", QOPT_I32, addresses)};
  golden.outputs = {makeTensor("fragments", QOPT_I16, fragments, {32, 8})};
  golden.module = makeKernelModule(golden, R"(
    %c16 = arith.constant 16 : i32
    %start = arith.muli %tid, %c16 : i32
    %from = llvm.getelementptr %in0[%start] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i8
    %row = llvm.load %from {alignment = 16 : i64} : !llvm.ptr<1> -> vector<4xi32>
    %to = llvm.getelementptr %shared[%start] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
    llvm.store %row, %to {alignment = 16 : i64} : vector<4xi32>, !llvm.ptr<3>
    nvvm.barrier
    %which = llvm.getelementptr %in1[%tid] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
    %address = llvm.load %which : !llvm.ptr<1> -> i32
    %pointer = llvm.getelementptr %shared[%address] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
    %m = nvvm.ldmatrix %pointer {num = 4 : i32, layout = #nvvm.mma_layout<row>, shape = #nvvm.ld_st_matrix_shape<m = 8, n = 8>, eltType = #nvvm.ld_st_matrix_elt_type<b16>} : (!llvm.ptr<3>) -> !llvm.struct<(i32, i32, i32, i32)>
    %m0 = llvm.extractvalue %m[0] : !llvm.struct<(i32, i32, i32, i32)>
    %m1 = llvm.extractvalue %m[1] : !llvm.struct<(i32, i32, i32, i32)>
    %m2 = llvm.extractvalue %m[2] : !llvm.struct<(i32, i32, i32, i32)>
    %m3 = llvm.extractvalue %m[3] : !llvm.struct<(i32, i32, i32, i32)>
    %all = vector.from_elements %m0, %m1, %m2, %m3 : vector<4xi32>
    %out = llvm.getelementptr %out0[%start] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i8
    llvm.store %all, %out {alignment = 16 : i64} : vector<4xi32>, !llvm.ptr<1>
)");
  goldens.push_back(std::move(golden));
}

//===----------------------------------------------------------------------===//
// mma.m16n8k32
//===----------------------------------------------------------------------===//

namespace {
/// Operands of one instruction as matrices: a[16][32], b[32][8], c[16][8].
struct MmaOperands {
  uint8_t a[16][32], b[32][8];
  int32_t c[16][8];
};
} // namespace

/// Some instructions: coded so that every element is told from others,
/// extremes, random, and sums that wrap.
static std::vector<MmaOperands> makeMmaOperands() {
  constexpr size_t kCount = 12;
  std::vector<MmaOperands> all(kCount);
  std::mt19937 random(5);
  for (size_t trial = 0; trial < kCount; ++trial) {
    MmaOperands &operands = all[trial];
    for (int row = 0; row < 16; ++row)
      for (int k = 0; k < 32; ++k)
        operands.a[row][k] = trial < 4    ? row * 8 + trial * 8 + k % 8
                             : trial == 4 ? 0x80
                             : trial == 5 ? 0xff
                                          : random() >> 7;
    for (int k = 0; k < 32; ++k)
      for (int column = 0; column < 8; ++column)
        // Column j of coded trial t picks k = 8 t + j.
        operands.b[k][column] = trial < 4
                                    ? k == static_cast<int>(8 * trial) + column
                                : trial == 4 ? 0x80
                                : trial == 5 ? 0xff
                                             : random() >> 7;
    for (int row = 0; row < 16; ++row)
      for (int column = 0; column < 8; ++column)
        operands.c[row][column] =
            trial < 4   ? 1000 * row + 100000 * column
            : trial < 6 ? 0
            : trial < 8 ? static_cast<int32_t>(random())
                        : (trial % 2 ? INT32_MIN + row : INT32_MAX - column);
  }
  return all;
}

static void addMma(std::vector<DeviceGolden> &goldens, bool unsignedA,
                   bool unsignedB) {
  std::vector<MmaOperands> all = makeMmaOperands();
  size_t count = all.size();
  std::vector<uint8_t> a(count * kLanes * 16), b(count * kLanes * 8);
  std::vector<int32_t> c(count * kLanes * 4), d(count * kLanes * 4);
  for (size_t trial = 0; trial < count; ++trial)
    for (int lane = 0; lane < kLanes; ++lane) {
      const MmaOperands &operands = all[trial];
      int groupID = lane >> 2, threadIDInGroup = lane % 4;
      size_t place = trial * kLanes + lane;
      for (int i = 0; i < 16; ++i) {
        int row = (i < 4 || (i >= 8 && i < 12)) ? groupID : groupID + 8;
        int col = threadIDInGroup * 4 + (i & 3) + (i < 8 ? 0 : 16);
        a[place * 16 + i] = operands.a[row][col];
      }
      for (int i = 0; i < 8; ++i) {
        int row = threadIDInGroup * 4 + (i & 3) + (i < 4 ? 0 : 16);
        b[place * 8 + i] = operands.b[row][groupID];
      }
      for (int i = 0; i < 4; ++i) {
        int row = i < 2 ? groupID : groupID + 8;
        int col = threadIDInGroup * 2 + (i & 1);
        uint32_t sum = operands.c[row][col]; // wraps without .satfinite
        for (int k = 0; k < 32; ++k)
          sum += static_cast<uint32_t>(widen(operands.a[row][k], unsignedA) *
                                       widen(operands.b[k][col], unsignedB));
        c[place * 4 + i] = operands.c[row][col];
        d[place * 4 + i] = static_cast<int32_t>(sum);
      }
    }

  std::string typeA = getTypeName(unsignedA), typeB = getTypeName(unsignedB);
  DeviceGolden golden;
  golden.name = "mma_m16n8k32_" + typeA + "_" + typeB;
  golden.grid = {static_cast<uint32_t>(count), 1, 1};
  auto trials = static_cast<int64_t>(count);
  golden.inputs = {makeTensor("a", QOPT_U8, a, {trials, kLanes, 16}),
                   makeTensor("b", QOPT_U8, b, {trials, kLanes, 8}),
                   makeTensor("c", QOPT_I32, c, {trials, kLanes, 4})};
  golden.outputs = {makeTensor("d", QOPT_I32, d, {trials, kLanes, 4})};
  golden.module = makeKernelModule(
      golden,
      R"(
    %trial = nvvm.read.ptx.sreg.ctaid.x : i32
    %c32 = arith.constant 32 : i32
    %first = arith.muli %trial, %c32 : i32
    %i = arith.addi %first, %tid : i32
    %pa = llvm.getelementptr %in0[%i] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, vector<4xi32>
    %va = llvm.load %pa {alignment = 16 : i64} : !llvm.ptr<1> -> vector<4xi32>
    %pb = llvm.getelementptr %in1[%i] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, vector<2xi32>
    %vb = llvm.load %pb {alignment = 8 : i64} : !llvm.ptr<1> -> vector<2xi32>
    %pc = llvm.getelementptr %in2[%i] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, vector<4xi32>
    %vc = llvm.load %pc {alignment = 16 : i64} : !llvm.ptr<1> -> vector<4xi32>
    %a0 = vector.extract %va[0] : i32 from vector<4xi32>
    %a1 = vector.extract %va[1] : i32 from vector<4xi32>
    %a2 = vector.extract %va[2] : i32 from vector<4xi32>
    %a3 = vector.extract %va[3] : i32 from vector<4xi32>
    %b0 = vector.extract %vb[0] : i32 from vector<2xi32>
    %b1 = vector.extract %vb[1] : i32 from vector<2xi32>
    %c0 = vector.extract %vc[0] : i32 from vector<4xi32>
    %c1 = vector.extract %vc[1] : i32 from vector<4xi32>
    %c2 = vector.extract %vc[2] : i32 from vector<4xi32>
    %c3 = vector.extract %vc[3] : i32 from vector<4xi32>
    %d = nvvm.mma.sync A[%a0, %a1, %a2, %a3] B[%b0, %b1] C[%c0, %c1, %c2, %c3] {layoutA = #nvvm.mma_layout<row>, layoutB = #nvvm.mma_layout<col>, multiplicandAPtxType = #nvvm.mma_type<)" +
          typeA + R"(>, multiplicandBPtxType = #nvvm.mma_type<)" + typeB +
          R"(>, intOverflowBehavior = #nvvm.mma_int_overflow<wrapped>, shape = #nvvm.shape<m = 16, n = 8, k = 32>} : (i32, i32, i32) -> !llvm.struct<(i32, i32, i32, i32)>
    %d0 = llvm.extractvalue %d[0] : !llvm.struct<(i32, i32, i32, i32)>
    %d1 = llvm.extractvalue %d[1] : !llvm.struct<(i32, i32, i32, i32)>
    %d2 = llvm.extractvalue %d[2] : !llvm.struct<(i32, i32, i32, i32)>
    %d3 = llvm.extractvalue %d[3] : !llvm.struct<(i32, i32, i32, i32)>
    %vd = vector.from_elements %d0, %d1, %d2, %d3 : vector<4xi32>
    %pd = llvm.getelementptr %out0[%i] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, vector<4xi32>
    llvm.store %vd, %pd {alignment = 16 : i64} : vector<4xi32>, !llvm.ptr<1>
)");
  goldens.push_back(std::move(golden));
}

//===----------------------------------------------------------------------===//
// dp4a
//===----------------------------------------------------------------------===//

static void addDp4a(std::vector<DeviceGolden> &goldens, bool unsignedA,
                    bool unsignedB) {
  constexpr size_t kCount = 256;
  std::mt19937 random(6);
  std::vector<uint32_t> a(kCount), b(kCount), c(kCount), d(kCount);
  for (size_t i = 0; i < kCount; ++i) {
    // Every byte alone, the extremes, then random ones.
    a[i] = i < 4 ? 0xffu << 8 * i : i < 8 ? 0x80808080u : random();
    b[i] = i < 4 ? 0x04030201u : i < 6 ? 0x80808080u : random();
    c[i] = i < 8 ? 0u : i % 4 == 0 ? 0x7fffffffu : random();
    d[i] = c[i];
    for (int k = 0; k < 4; ++k)
      d[i] += static_cast<uint32_t>(
          widen(static_cast<uint8_t>(a[i] >> 8 * k), unsignedA) *
          widen(static_cast<uint8_t>(b[i] >> 8 * k), unsignedB));
  }
  auto type = [](bool isUnsigned) {
    return isUnsigned ? "<unsigned>" : "<signed>";
  };
  goldens.push_back(makeElementwise(
      std::string("dp4a_") + getTypeName(unsignedA) + "_" +
          getTypeName(unsignedB),
      {makeTensor("a", QOPT_I32, a), makeTensor("b", QOPT_I32, b),
       makeTensor("c", QOPT_I32, c)},
      {makeTensor("d", QOPT_I32, d)},
      std::string("%va = llvm.bitcast %x0 : i32 to vector<4xi8>\n"
                  "%vb = llvm.bitcast %x1 : i32 to vector<4xi8>\n"
                  "%y0 = nvvm.dot.accumulate.4way %va ") +
          type(unsignedA) + ", %vb " + type(unsignedB) +
          ", %x2 : vector<4xi8>, vector<4xi8>\n"));
}

void mlir::qopt::test::addTensorCoreGoldens(
    std::vector<DeviceGolden> &goldens) {
  addLdMatrix(goldens);
  for (bool unsignedA : {false, true})
    for (bool unsignedB : {false, true})
      addMma(goldens, unsignedA, unsignedB);
  for (bool unsignedA : {false, true})
    for (bool unsignedB : {false, true})
      addDp4a(goldens, unsignedA, unsignedB);
}
