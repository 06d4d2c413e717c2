//===- GoldenMemory.cpp - Copies, lanes and byte order ---------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PTX ISA 9.0: cp.async with src-size ("remaining bytes are filled with zero"),
// shfl.sync.bfly (lane i reads lane i ^ mask), special registers, and the order
// of bytes in words and vectors.
//
//===----------------------------------------------------------------------===//
#include "DeviceGolden.h"

#include <random>

using namespace mlir::qopt::test;

static std::vector<uint8_t> makeBytes(size_t count) {
  std::mt19937 random(7);
  std::vector<uint8_t> bytes(count);
  for (uint8_t &byte : bytes)
    byte = random() >> 9;
  return bytes;
}

/// 64 threads, each with 16 bytes of shared memory, filled with 0xEE first;
/// each copies `size` bytes of which `valid[thread]` are read.
static void addAsyncCopy(std::vector<DeviceGolden> &goldens, int64_t size,
                         bool hasValid) {
  constexpr int64_t kThreads = 64, kSlot = 16;
  DeviceGolden golden;
  golden.name = "cp_async_" + std::to_string(size) + (hasValid ? "_fill" : "");
  golden.threads = kThreads;
  golden.sharedBytes = kThreads * kSlot;
  std::vector<uint8_t> source = makeBytes(kThreads * kSlot);
  std::vector<uint8_t> result(source.size(), 0xee);
  std::vector<int32_t> valid(kThreads);
  for (int64_t thread = 0; thread < kThreads; ++thread) {
    valid[thread] =
        static_cast<int32_t>(hasValid ? thread * 5 % (size + 1) : size);
    for (int64_t i = 0; i < size; ++i)
      result[thread * kSlot + i] =
          i < valid[thread] ? source[thread * kSlot + i] : 0;
  }
  golden.inputs = {makeTensor("source", QOPT_U8, source, {kThreads, kSlot}),
                   makeTensor("valid", QOPT_I32, valid)};
  golden.outputs = {makeTensor("result", QOPT_U8, result, {kThreads, kSlot})};
  std::string cache = size == 16 ? "cg" : "ca";
  golden.module =
      makeKernelModule(golden, R"(
    %c16 = arith.constant 16 : i32
    %start = arith.muli %tid, %c16 : i32
    %from = llvm.getelementptr %in0[%start] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i8
    %to = llvm.getelementptr %shared[%start] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
    %fill = arith.constant dense<0xEEEEEEEE> : vector<4xi32>
    llvm.store %fill, %to {alignment = 16 : i64} : vector<4xi32>, !llvm.ptr<3>
    nvvm.barrier
    %pv = llvm.getelementptr %in1[%tid] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
    %valid = llvm.load %pv : !llvm.ptr<1> -> i32
    nvvm.cp.async.shared.global %to, %from, )" +
                                   std::to_string(size) + ", cache = " + cache +
                                   (hasValid ? ", %valid" : "") +
                                   " : !llvm.ptr<3>, !llvm.ptr<1>" +
                                   (hasValid ? ", i32" : "") + R"(
    nvvm.cp.async.commit.group
    nvvm.cp.async.wait.group 0
    nvvm.barrier
    %last = arith.constant 63 : i32
    %other = arith.subi %last, %tid : i32
    %place = arith.muli %other, %c16 : i32
    %read = llvm.getelementptr %shared[%place] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
    %data = llvm.load %read {alignment = 16 : i64} : !llvm.ptr<3> -> vector<4xi32>
    %out = llvm.getelementptr %out0[%place] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i8
    llvm.store %data, %out {alignment = 16 : i64} : vector<4xi32>, !llvm.ptr<1>
)");
  goldens.push_back(std::move(golden));
}

static void addShuffle(std::vector<DeviceGolden> &goldens) {
  constexpr size_t kCount = 256;
  constexpr int kMasks[] = {16, 8, 4, 2, 1};
  std::vector<int32_t> values(kCount);
  for (size_t i = 0; i < kCount; ++i)
    values[i] = static_cast<int32_t>(1000 + 7 * i);
  std::vector<GoldenTensor> outputs;
  std::string body = "%all = arith.constant -1 : i32\n"
                     "%clamp = arith.constant 31 : i32\n";
  for (int mask : kMasks) {
    std::vector<int32_t> exchanged(kCount);
    for (size_t i = 0; i < kCount; ++i)
      exchanged[i] = values[i / 32 * 32 + ((i % 32) ^ mask)];
    std::string number = std::to_string(outputs.size());
    body += "%mask" + number + " = arith.constant " + std::to_string(mask) +
            " : i32\n%y" + number + " = nvvm.shfl.sync bfly %all, %x0, %mask" +
            number + ", %clamp : i32 -> i32\n";
    outputs.push_back(
        makeTensor("mask" + std::to_string(mask), QOPT_I32, exchanged));
  }
  goldens.push_back(makeElementwise(
      "shfl_bfly", {makeTensor("values", QOPT_I32, values)}, outputs, body));
}

/// Every thread of a three-dimensional grid says where it is.
static void addSpecialRegisters(std::vector<DeviceGolden> &goldens) {
  constexpr int64_t kThreads = 64;
  DeviceGolden golden;
  golden.name = "special_registers";
  golden.threads = kThreads;
  golden.grid = {3, 4, 2};
  std::vector<int32_t> places;
  for (int32_t z = 0; z < 2; ++z)
    for (int32_t y = 0; y < 4; ++y)
      for (int32_t x = 0; x < 3; ++x)
        for (int32_t thread = 0; thread < kThreads; ++thread)
          places.insert(places.end(), {thread, x, y, z});
  golden.outputs = {
      makeTensor("places", QOPT_I32, places, {2, 4, 3, kThreads, 4})};
  golden.module = makeKernelModule(golden, R"(
    %x = nvvm.read.ptx.sreg.ctaid.x : i32
    %y = nvvm.read.ptx.sreg.ctaid.y : i32
    %z = nvvm.read.ptx.sreg.ctaid.z : i32
    %c3 = arith.constant 3 : i32
    %c4 = arith.constant 4 : i32
    %c64 = arith.constant 64 : i32
    %zy = arith.muli %z, %c4 : i32
    %row = arith.addi %zy, %y : i32
    %rowx = arith.muli %row, %c3 : i32
    %block = arith.addi %rowx, %x : i32
    %first = arith.muli %block, %c64 : i32
    %i = arith.addi %first, %tid : i32
    %v = vector.from_elements %tid, %x, %y, %z : vector<4xi32>
    %p = llvm.getelementptr %out0[%i] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, vector<4xi32>
    llvm.store %v, %p {alignment = 16 : i64} : vector<4xi32>, !llvm.ptr<1>
)");
  goldens.push_back(std::move(golden));
}

/// Bytes of words, words of vectors, narrow stores.
static void addByteOrder(std::vector<DeviceGolden> &goldens) {
  constexpr int64_t kThreads = 32;
  DeviceGolden golden;
  golden.name = "byte_order";
  golden.threads = kThreads;
  std::vector<uint8_t> source = makeBytes(kThreads * 16);
  std::vector<int32_t> words;
  std::vector<uint8_t> bytes;
  std::vector<int16_t> halves;
  for (int64_t thread = 0; thread < kThreads; ++thread) {
    const uint8_t *own = &source[thread * 16];
    words.push_back(own[4] | own[5] << 8 | own[6] << 16 |
                    static_cast<int32_t>(static_cast<uint32_t>(own[7]) << 24));
    words.push_back(static_cast<int8_t>(own[11])); // byte 3 of word 2
    bytes.push_back(own[13]);                      // byte 1 of word 3
    halves.push_back(static_cast<int16_t>(own[2] | own[3] << 8));
  }
  golden.inputs = {makeTensor("source", QOPT_U8, source, {kThreads, 16})};
  golden.outputs = {makeTensor("words", QOPT_I32, words, {kThreads, 2}),
                    makeTensor("bytes", QOPT_U8, bytes),
                    makeTensor("halves", QOPT_I16, halves)};
  golden.module = makeKernelModule(golden, R"(
    %p = llvm.getelementptr %in0[%tid] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, vector<4xi32>
    %v = llvm.load %p {alignment = 16 : i64} : !llvm.ptr<1> -> vector<4xi32>
    %w0 = vector.extract %v[0] : i32 from vector<4xi32>
    %w1 = vector.extract %v[1] : i32 from vector<4xi32>
    %w2 = vector.extract %v[2] : i32 from vector<4xi32>
    %w3 = vector.extract %v[3] : i32 from vector<4xi32>
    %b2 = llvm.bitcast %w2 : i32 to vector<4xi8>
    %byte3 = vector.extract %b2[3] : i8 from vector<4xi8>
    %wide = arith.extsi %byte3 : i8 to i32
    %pair = vector.from_elements %w1, %wide : vector<2xi32>
    %pw = llvm.getelementptr %out0[%tid] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, vector<2xi32>
    llvm.store %pair, %pw {alignment = 8 : i64} : vector<2xi32>, !llvm.ptr<1>
    %c8 = arith.constant 8 : i32
    %s3 = arith.shrui %w3, %c8 : i32
    %byte1 = arith.trunci %s3 : i32 to i8
    %pb = llvm.getelementptr %out1[%tid] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i8
    llvm.store %byte1, %pb : i8, !llvm.ptr<1>
    %c16 = arith.constant 16 : i32
    %s0 = arith.shrui %w0, %c16 : i32
    %half = arith.trunci %s0 : i32 to i16
    %ph = llvm.getelementptr %out2[%tid] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i16
    llvm.store %half, %ph : i16, !llvm.ptr<1>
)");
  goldens.push_back(std::move(golden));
}

void mlir::qopt::test::addMemoryGoldens(std::vector<DeviceGolden> &goldens) {
  for (int64_t size : {4, 8, 16})
    for (bool hasValid : {false, true})
      addAsyncCopy(goldens, size, hasValid);
  addShuffle(goldens);
  addSpecialRegisters(goldens);
  addByteOrder(goldens);
}
