//===- StatusChecksTest.cpp - Conditions that kernels check ----*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A failing `cf.assert` and an index out of bounds leave the first failure of
// the first sample in the launch's status word, whatever the order of threads,
// and nothing is read outside of a buffer. Good inputs give the CPU's bits.
//
//===----------------------------------------------------------------------===//
#include "KernelsModel.h"

#include "QuantOpt/Artifact/StatusWord.h"
#include "QuantOpt/Kernels/KernelsForm.h"

#include <limits>

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::test;

using Ints = std::vector<int64_t>;

/// An embedding of 3 indices for each of 4 samples, as exporters write it, in a
/// table of 5 rows of 8.
static const char kGather[] = R"(
    func.func @main(%ids: tensor<4x3xi64>) -> tensor<4x3x8xf32> {
      %table = arith.constant dense_resource<t> : tensor<5x8xf32>
      %c5 = arith.constant 5 : i64
      %c0 = arith.constant 0 : i64
      %e = tensor.empty() : tensor<4x3x8xf32>
      %0 = linalg.generic {indexing_maps = [affine_map<(b, i, j) -> (b, i)>,
          affine_map<(b, i, j) -> (b, i, j)>],
          iterator_types = ["parallel", "parallel", "parallel"]}
          ins(%ids : tensor<4x3xi64>) outs(%e : tensor<4x3x8xf32>) {
      ^bb0(%in: i64, %out: f32):
        %row = arith.index_cast %in : i64 to index
        %column = linalg.index 2 : index
        %small = arith.cmpi slt, %in, %c5 : i64
        cf.assert %small, "index must be smaller than dim size"
        %large = arith.cmpi sge, %in, %c0 : i64
        cf.assert %large, "index must be larger or equal to 0"
        %v = tensor.extract %table[%row, %column] : tensor<5x8xf32>
        linalg.yield %v : f32
      } -> tensor<4x3x8xf32>
      return %0 : tensor<4x3x8xf32>
    }
    {-# dialect_resources: { builtin: { t: "0xRESOURCE" } } #-})";

static std::string makeGather() {
  std::string text = kGather, bytes = "04000000";
  const char digits[] = "0123456789abcdef";
  for (float value : randomFloats(40, 3)) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    for (int shift = 0; shift < 32; shift += 8)
      for (int half : {4, 0})
        bytes += digits[bits >> (shift + half) & 15];
  }
  const std::string marker = "RESOURCE";
  return text.replace(text.find(marker), marker.size(), bytes);
}

/// "sample: message" of what the status words of the only launch with checks
/// say after a run of `batch` samples; "" if nothing failed.
static std::string getFailure(KernelsModel &model,
                              const std::vector<Buffer> &inputs,
                              int64_t batch) {
  model.run(inputs, batch);
  EXPECT_EQ(model.statusWords.size(), 1u);
  if (model.statusWords.size() != 1 || model.statusWords[0] == 0)
    return "";
  FailedCheck failed(model.statusWords[0]);
  std::string text;
  model.getEntry().walk([&](gpu::LaunchFuncOp launch) {
    auto checks = launch->getAttrOfType<ArrayAttr>(kChecksAttr);
    if (!checks)
      return;
    EXPECT_LT(failed.check, checks.size());
    if (auto points = launch->getAttrOfType<IntegerAttr>(kPointsPerSampleAttr))
      text = std::to_string(failed.point / points.getInt()) + ": ";
    text += cast<StringAttr>(checks[failed.check]).str();
  });
  return text;
}

TEST(StatusChecks, GoodIndices) {
  expectSameBits(makeGather(), {Ints{0, 1, 2, 3, 4, 0, 4, 3, 2, 1, 0, 4}});
}

TEST(StatusChecks, TheFirstFailureOfTheFirstSample) {
  KernelsModel model(makeGather());
  ASSERT_EQ(model.error(), "");
  const std::string small = "index must be smaller than dim size",
                    large = "index must be larger or equal to 0";
  auto failure = [&](Ints ids, int64_t batch) {
    return getFailure(model, {ids}, batch);
  };
  EXPECT_EQ(failure({0, 1, 2, 3, 4, 0, 4, 3, 2, 1, 0, 4}, 4), "");
  EXPECT_EQ(failure({0, 1, 2, 3, 5, 0, 4, 3, 2, 1, 0, 4}, 4), "1: " + small);
  EXPECT_EQ(failure({0, 1, 2, 3, 4, 0, 4, 3, 2, 1, 0, -1}, 4), "3: " + large);
  EXPECT_EQ(failure({9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, -1}, 4), "0: " + small);
  EXPECT_EQ(failure({0, 0, 0, 0, 0, -1, 9, 9, 9, 9, 9, 9}, 4), "1: " + large);
  // A sample that is not run is not checked.
  EXPECT_EQ(failure({0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 9, 9}, 3), "");
  EXPECT_EQ(failure({0, 0, 0, 0, 0, 0, 0, 9, 0, 9, 9, 9}, 3), "2: " + small);
  constexpr int64_t kFar = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(failure({0, 0, 0, 0, 0, 0, 0, 0, kFar, 0, 0, 0}, 4), "2: " + small);
  EXPECT_EQ(failure({0, 0, 0, 0, 0, 0, 0, 0, -kFar - 1, 0, 0, 0}, 4),
            "2: " + large);
}

/// Indices that the model does not check itself are checked as on the CPU.
TEST(StatusChecks, IndicesOutOfBounds) {
  const std::string text = R"(
    func.func @main(%ids: tensor<6x1xi32>, %x: tensor<6x4x5xf32>)
        -> tensor<6x16xf32> {
      %e = tensor.empty() : tensor<6x16xf32>
      %0 = linalg.generic {indexing_maps = [affine_map<(b, j) -> (b, 0)>,
          affine_map<(b, j) -> (b, j)>],
          iterator_types = ["parallel", "parallel"]}
          ins(%ids : tensor<6x1xi32>) outs(%e : tensor<6x16xf32>) {
      ^bb0(%in: i32, %out: f32):
        %b = linalg.index 0 : index
        %j = linalg.index 1 : index
        %c3 = arith.constant 3 : index
        %k = arith.divui %j, %c3 : index
        %row = arith.index_cast %in : i32 to index
        %v = tensor.extract %x[%b, %row, %k] : tensor<6x4x5xf32>
        linalg.yield %v : f32
      } -> tensor<6x16xf32>
      return %0 : tensor<6x16xf32>
    })";
  // The last of 16 columns reads element 5 of 5.
  using Ints32 = std::vector<int32_t>;
  Floats x = randomFloats(120, 1);
  KernelsModel model(text);
  ASSERT_EQ(model.error(), "");
  EXPECT_EQ(getFailure(model, {Ints32{0, 1, 2, 3, 0, 1}, x}, 6),
            "0: index out of bounds: dimension 2 has 5 elements");
  EXPECT_EQ(getFailure(model, {Ints32{4, 1, 2, 3, 0, 1}, x}, 6),
            "0: index out of bounds: dimension 1 has 4 elements");
  CpuModel cpu(text);
  EXPECT_EQ(cpu.runError({Ints32{4, 1, 2, 3, 0, 1}, x}),
            "model.mlir:15:14, sample 0: index out of bounds: dimension 1 has "
            "4 elements");
}

/// Sums of looked-up values, with a check in the inner loop.
TEST(StatusChecks, Reductions) {
  const std::string text = R"(
    func.func @main(%ids: tensor<3x7xi8>) -> tensor<3xi32> {
      %table = arith.constant dense<[1, 20, 300, 4000]> : tensor<4xi32>
      %zero = arith.constant 0 : i32
      %c4 = arith.constant 4 : i8
      %e = tensor.empty() : tensor<3xi32>
      %f = linalg.fill ins(%zero : i32) outs(%e : tensor<3xi32>) -> tensor<3xi32>
      %0 = linalg.generic {indexing_maps = [affine_map<(b, i) -> (b, i)>,
          affine_map<(b, i) -> (b)>], iterator_types = ["parallel", "reduction"]}
          ins(%ids : tensor<3x7xi8>) outs(%f : tensor<3xi32>) {
      ^bb0(%in: i8, %out: i32):
        %ok = arith.cmpi ult, %in, %c4 : i8
        cf.assert %ok, "not in the table"
        %row = arith.index_cast %in : i8 to index
        %v = tensor.extract %table[%row] : tensor<4xi32>
        %s = arith.addi %out, %v : i32
        linalg.yield %s : i32
      } -> tensor<3xi32>
      return %0 : tensor<3xi32>
    })";
  std::vector<int8_t> good = smallIntegers<int8_t>(21, 1, 0, 3), bad = good;
  expectSameBits(text, {good});
  bad[20] = 4;
  bad[13] = -1;
  KernelsModel model(text);
  ASSERT_EQ(model.error(), "");
  EXPECT_EQ(getFailure(model, {good}, 3), "");
  EXPECT_EQ(getFailure(model, {bad}, 3), "1: not in the table");
  EXPECT_EQ(getFailure(model, {bad}, 1), "");
}

/// The check belongs to no sample where the launch mixes them.
TEST(StatusChecks, WithoutSamples) {
  KernelsModel model(R"(
    func.func @main(%ids: tensor<4xi32>) -> tensor<4xi32> {
      %c9 = arith.constant 9 : i32
      %c3 = arith.constant 3 : index
      %e = tensor.empty() : tensor<4xi32>
      %0 = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>],
          iterator_types = ["parallel"]} outs(%e : tensor<4xi32>) {
      ^bb0(%out: i32):
        %i = linalg.index 0 : index
        %k = arith.subi %c3, %i : index
        %v = tensor.extract %ids[%k] : tensor<4xi32>
        %ok = arith.cmpi slt, %v, %c9 : i32
        cf.assert %ok, "too large"
        linalg.yield %v : i32
      } -> tensor<4xi32>
      return %0 : tensor<4xi32>
    })");
  ASSERT_EQ(model.error(), "");
  EXPECT_NE(model.getFixedReason(), "");
  EXPECT_EQ(getFailure(model, {std::vector<int32_t>{1, 9, 2, 3}}, 4),
            "too large");
}
