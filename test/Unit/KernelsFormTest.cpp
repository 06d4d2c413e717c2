//===- KernelsFormTest.cpp - Whole models in the emulator ------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Movement of data, which bufferization turns into views, slices and copies,
// and runs of fewer samples than a model is compiled for.
//
//===----------------------------------------------------------------------===//
#include "KernelsModel.h"

#include <limits>

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::test;

//===----------------------------------------------------------------------===//
// Movement
//===----------------------------------------------------------------------===//

TEST(LoopKernels, TransposesAndReshapes) {
  expectSameBits(R"(
    func.func @main(%x: tensor<3x4x10xf32>)
        -> (tensor<3x10x4xf32>, tensor<3x20x2xf32>, tensor<3x40xf32>) {
      %e = tensor.empty() : tensor<3x10x4xf32>
      %0 = linalg.transpose ins(%x : tensor<3x4x10xf32>)
          outs(%e : tensor<3x10x4xf32>) permutation = [0, 2, 1]
      %1 = tensor.collapse_shape %0 [[0], [1, 2]]
          : tensor<3x10x4xf32> into tensor<3x40xf32>
      %2 = tensor.expand_shape %1 [[0], [1, 2]] output_shape [3, 20, 2]
          : tensor<3x40xf32> into tensor<3x20x2xf32>
      %3 = tensor.collapse_shape %x [[0], [1, 2]]
          : tensor<3x4x10xf32> into tensor<3x40xf32>
      return %0, %2, %3 : tensor<3x10x4xf32>, tensor<3x20x2xf32>, tensor<3x40xf32>
    })",
                 {randomFloats(120, 1)});
}

/// Slices at odd offsets, steps, padding on all sides, concatenation.
TEST(LoopKernels, SlicesPadsAndConcat) {
  expectSameBits(
      R"(
    func.func @main(%x: tensor<3x9xi8>, %y: tensor<3x4xi8>)
        -> (tensor<3x13xi8>, tensor<3x4xi8>, tensor<3x16xi8>) {
      %c7 = arith.constant 7 : i8
      %0 = tensor.concat dim(1) %x, %y : (tensor<3x9xi8>, tensor<3x4xi8>) -> tensor<3x13xi8>
      %1 = tensor.extract_slice %x[0, 1] [3, 4] [1, 2] : tensor<3x9xi8> to tensor<3x4xi8>
      %2 = tensor.pad %x low[0, 3] high[0, 4] {
      ^bb0(%i: index, %j: index):
        tensor.yield %c7 : i8
      } : tensor<3x9xi8> to tensor<3x16xi8>
      return %0, %1, %2 : tensor<3x13xi8>, tensor<3x4xi8>, tensor<3x16xi8>
    })",
      {randomIntegers<int8_t>(27, 1), randomIntegers<int8_t>(12, 2)});
}

/// A table that is a constant, rows of the sample itself.
TEST(LoopKernels, Gathers) {
  std::vector<int64_t> ids = {0, 4, 2, 2, 1, 3};
  expectSameBits(R"(
    #ids = affine_map<(i, j, k) -> (i, j)>
    #id = affine_map<(i, j, k) -> (i, j, k)>
    func.func @main(%ids: tensor<2x3xi64>, %x: tensor<2x5x2xf32>)
        -> (tensor<2x3x2xf32>, tensor<2x3x2xf32>) {
      %table = arith.constant dense<[[0.5, 1.5], [2.5, 3.5], [4.5, 5.5], [6.5, 7.5],
          [8.5, 9.5]]> : tensor<5x2xf32>
      %e = tensor.empty() : tensor<2x3x2xf32>
      %0 = linalg.generic {indexing_maps = [#ids, #id],
          iterator_types = ["parallel", "parallel", "parallel"]}
          ins(%ids : tensor<2x3xi64>) outs(%e : tensor<2x3x2xf32>) {
      ^bb0(%id: i64, %o: f32):
        %i = arith.index_cast %id : i64 to index
        %k = linalg.index 2 : index
        %v = tensor.extract %table[%i, %k] : tensor<5x2xf32>
        linalg.yield %v : f32
      } -> tensor<2x3x2xf32>
      %1 = linalg.generic {indexing_maps = [#ids, #id],
          iterator_types = ["parallel", "parallel", "parallel"]}
          ins(%ids : tensor<2x3xi64>) outs(%e : tensor<2x3x2xf32>) {
      ^bb0(%id: i64, %o: f32):
        %n = linalg.index 0 : index
        %i = arith.index_cast %id : i64 to index
        %k = linalg.index 2 : index
        %v = tensor.extract %x[%n, %i, %k] : tensor<2x5x2xf32>
        linalg.yield %v : f32
      } -> tensor<2x3x2xf32>
      return %0, %1 : tensor<2x3x2xf32>, tensor<2x3x2xf32>
    })",
                 {ids, randomFloats(20, 3)});
}

/// Indices outside of the table read its first or last row, nothing else.
TEST(LoopKernels, GatherOutOfBounds) {
  KernelsModel model(R"(
    func.func @main(%ids: tensor<5xi64>) -> tensor<5xf32> {
      %table = arith.constant dense<[0.5, 1.5, 2.5]> : tensor<3xf32>
      %e = tensor.empty() : tensor<5xf32>
      %0 = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>,
          affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
          ins(%ids : tensor<5xi64>) outs(%e : tensor<5xf32>) {
      ^bb0(%id: i64, %o: f32):
        %i = arith.index_cast %id : i64 to index
        %v = tensor.extract %table[%i] : tensor<3xf32>
        linalg.yield %v : f32
      } -> tensor<5xf32>
      return %0 : tensor<5xf32>
    })");
  std::vector<int64_t> ids = {-1, 3, std::numeric_limits<int64_t>::min(),
                              std::numeric_limits<int64_t>::max(), 1};
  std::vector<Buffer> outputs = model.run({ids}, 5);
  ASSERT_EQ(outputs.size(), 1u);
  EXPECT_EQ(outputs[0].as<float>(), Floats({0.5f, 2.5f, 0.5f, 2.5f, 1.5f}));
}

/// Subscripts that are no linear function of the loops.
TEST(LoopKernels, IrregularSubscripts) {
  expectSameBits(R"(
    func.func @main(%x: tensor<2x3xf32>, %y: tensor<2x6xf32>)
        -> (tensor<2x6xf32>, tensor<2x6xf32>) {
      %e = tensor.empty() : tensor<2x6xf32>
      %0 = linalg.generic {indexing_maps = [
          affine_map<(i, j) -> (i, j floordiv 2)>,
          affine_map<(i, j) -> (i, j)>],
          iterator_types = ["parallel", "parallel"]}
          ins(%x : tensor<2x3xf32>) outs(%e : tensor<2x6xf32>) {
      ^bb0(%a: f32, %o: f32):
        linalg.yield %a : f32
      } -> tensor<2x6xf32>
      %1 = linalg.generic {indexing_maps = [
          affine_map<(i, j) -> (i, 5 - j)>, affine_map<(i, j) -> (i, j)>],
          iterator_types = ["parallel", "parallel"]}
          ins(%y : tensor<2x6xf32>) outs(%e : tensor<2x6xf32>) {
      ^bb0(%a: f32, %o: f32):
        linalg.yield %a : f32
      } -> tensor<2x6xf32>
      return %0, %1 : tensor<2x6xf32>, tensor<2x6xf32>
    })",
                 {randomFloats(6, 1), randomFloats(12, 2)});
}

/// Results that are arguments, constants or each other.
TEST(LoopKernels, DegenerateResults) {
  expectSameBits(R"(
    func.func @main(%x: tensor<3x4xf32>) -> (tensor<3x4xf32>, tensor<3x2xi32>,
        tensor<3x2xi32>) {
      %c = arith.constant dense<[[1, 2], [3, 4], [5, 6]]> : tensor<3x2xi32>
      return %x, %c, %c : tensor<3x4xf32>, tensor<3x2xi32>, tensor<3x2xi32>
    })",
                 {randomFloats(12, 1)});
}

//===----------------------------------------------------------------------===//
// Batch
//===----------------------------------------------------------------------===//

/// An op that mixes samples keeps the whole model at its batch.
TEST(LoopKernels, FixedBatch) {
  const std::string text = R"(
    #id = affine_map<(i, j) -> (i, j)>
    #col = affine_map<(i, j) -> (j)>
    func.func @main(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
      %zero = arith.constant 0.0 : f32
      %e1 = tensor.empty() : tensor<8xf32>
      %f = linalg.fill ins(%zero : f32) outs(%e1 : tensor<8xf32>) -> tensor<8xf32>
      %e = tensor.empty() : tensor<4x8xf32>
      %0 = linalg.reduce {arith.addf} ins(%x : tensor<4x8xf32>)
          outs(%f : tensor<8xf32>) dimensions = [0]
      %1 = linalg.generic {indexing_maps = [#id, #col, #id],
          iterator_types = ["parallel", "parallel"]}
          ins(%x, %0 : tensor<4x8xf32>, tensor<8xf32>) outs(%e : tensor<4x8xf32>) {
      ^bb0(%a: f32, %b: f32, %out: f32):
        %2 = arith.divf %a, %b : f32
        linalg.yield %2 : f32
      } -> tensor<4x8xf32>
      return %1 : tensor<4x8xf32>
    })";
  KernelsModel model(text);
  ASSERT_EQ(model.error(), "");
  EXPECT_EQ(model.getBatch(), 4);
  EXPECT_NE(model.getFixedReason().find("linalg.generic"), std::string::npos);
  expectSameBits(text, {randomFloats(32, 1)});
}

/// What depends on constants only is computed in full for any batch, also where
/// its outermost extent happens to be a multiple of the batch.
TEST(LoopKernels, WholeValues) {
  const std::string text = R"(
    #id = affine_map<(i, j) -> (i, j)>
    #col = affine_map<(i, j) -> (j)>
    func.func @main(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
      %w = arith.constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0],
          [9.0, 8.0], [7.0, 6.0], [5.0, 4.0], [3.0, 2.0]]> : tensor<8x2xf32>
      %zero = arith.constant 0.0 : f32
      %e1 = tensor.empty() : tensor<8xf32>
      %f = linalg.fill ins(%zero : f32) outs(%e1 : tensor<8xf32>) -> tensor<8xf32>
      %e = tensor.empty() : tensor<4x8xf32>
      %0 = linalg.reduce {arith.addf} ins(%w : tensor<8x2xf32>)
          outs(%f : tensor<8xf32>) dimensions = [1]
      %1 = linalg.generic {indexing_maps = [#id, #col, #id],
          iterator_types = ["parallel", "parallel"]}
          ins(%x, %0 : tensor<4x8xf32>, tensor<8xf32>) outs(%e : tensor<4x8xf32>) {
      ^bb0(%a: f32, %b: f32, %out: f32):
        %2 = arith.divf %a, %b : f32
        linalg.yield %2 : f32
      } -> tensor<4x8xf32>
      return %1 : tensor<4x8xf32>
    })";
  KernelsModel model(text);
  ASSERT_EQ(model.error(), "");
  EXPECT_EQ(model.getFixedReason(), "");
  expectSameBits(text, {randomFloats(32, 1)});
}
