//===- LoopKernelsTest.cpp - Loop kernels in the emulator ------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What is no gemm runs as loop kernels: their results are those of the CPU bit
// for bit, for every number of samples, and they touch nothing else. Some sizes
// are odd, others whole vectors, so that all widths of accesses run.
//
//===----------------------------------------------------------------------===//
#include "KernelsModel.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::test;

/// `text` with each occurrence of `name` replaced.
static std::string replace(std::string text, const std::string &name,
                           const std::string &value) {
  for (size_t at = 0; (at = text.find(name, at)) != std::string::npos;
       at += value.size())
    text.replace(at, name.size(), value);
  return text;
}

//===----------------------------------------------------------------------===//
// Elementwise
//===----------------------------------------------------------------------===//

/// Ties, NaN, infinities and values out of range.
static Floats quantizerInputs(size_t count) {
  Floats values = randomFloats(count, 7, 60.0f);
  const float special[] = {0.5f,
                           1.5f,
                           -0.5f,
                           -2.5f,
                           127.5f,
                           -128.5f,
                           1e30f,
                           -1e30f,
                           std::numeric_limits<float>::infinity(),
                           -std::numeric_limits<float>::infinity(),
                           std::numeric_limits<float>::quiet_NaN(),
                           -0.0f};
  for (size_t i = 0; i < std::size(special); ++i)
    values[i * 5 % count] = special[i];
  return values;
}

static std::string quantizer(int columns, const std::string &low,
                             const std::string &high,
                             const std::string &convert,
                             const std::string &zeroPoint) {
  std::string text = R"(
    #id = affine_map<(i, j) -> (i, j)>
    func.func @main(%x: tensor<3xCxf32>) -> tensor<3xCxi8> {
      %zero = arith.constant 0.0 : f32
      %low = arith.constant LOW : f32
      %high = arith.constant HIGH : f32
      %scale = arith.constant 1.0 : f32
      %zp = arith.constant ZP : i32
      %e = tensor.empty() : tensor<3xCxi8>
      %0 = linalg.generic {indexing_maps = [#id, #id],
          iterator_types = ["parallel", "parallel"]}
          ins(%x : tensor<3xCxf32>) outs(%e : tensor<3xCxi8>) {
      ^bb0(%in: f32, %out: i8):
        %1 = arith.mulf %in, %scale : f32
        %2 = math.roundeven %1 : f32
        %3 = arith.cmpf uno, %2, %2 : f32
        %4 = arith.select %3, %zero, %2 : f32
        %5 = arith.maximumf %4, %low : f32
        %6 = arith.minimumf %5, %high : f32
        %7 = arith.CONVERT %6 : f32 to i32
        %8 = arith.addi %7, %zp : i32
        %9 = arith.trunci %8 : i32 to i8
        linalg.yield %9 : i8
      } -> tensor<3xCxi8>
      return %0 : tensor<3xCxi8>
    })";
  text = replace(text, "LOW", low);
  text = replace(text, "HIGH", high);
  text = replace(text, "CONVERT", convert);
  text = replace(text, "ZP", zeroPoint);
  return replace(text, "xC", "x" + std::to_string(columns));
}

TEST(LoopKernels, Quantize) {
  for (int columns : {1, 7, 26, 32}) {
    SCOPED_TRACE(columns);
    Floats x = quantizerInputs(3 * columns);
    expectSameBits(quantizer(columns, "-128.0", "127.0", "fptosi", "0"), {x});
    expectSameBits(quantizer(columns, "0.0", "255.0", "fptoui", "0"), {x});
    expectSameBits(quantizer(columns, "-77.0", "178.0", "fptosi", "77"), {x});
    expectSameBits(quantizer(columns, "-5.0", "100.0", "fptosi", "0"), {x});
  }
}

/// Every operation is rounded on its own; functions are the CPU's expansions.
TEST(LoopKernels, FloatOperations) {
  expectSameBits(R"(
    #id = affine_map<(i, j) -> (i, j)>
    func.func @main(%a: tensor<4x20xf32>, %b: tensor<4x20xf32>)
        -> (tensor<4x20xf32>, tensor<4x20xf32>, tensor<4x20xf32>) {
      %e = tensor.empty() : tensor<4x20xf32>
      %r:3 = linalg.generic {indexing_maps = [#id, #id, #id, #id, #id],
          iterator_types = ["parallel", "parallel"]}
          ins(%a, %b : tensor<4x20xf32>, tensor<4x20xf32>)
          outs(%e, %e, %e : tensor<4x20xf32>, tensor<4x20xf32>, tensor<4x20xf32>) {
      ^bb0(%x: f32, %y: f32, %o0: f32, %o1: f32, %o2: f32):
        %p = arith.mulf %x, %y fastmath<fast> : f32
        %s = arith.addf %p, %y fastmath<fast> : f32
        %d = arith.divf %s, %x : f32
        %abs = math.absf %x : f32
        %q = math.rsqrt %abs : f32
        %t = math.sqrt %abs : f32
        %u = math.fma %q, %t, %d : f32
        %f0 = math.exp %x : f32
        %f1 = math.tanh %y : f32
        %f2 = math.erf %x : f32
        %v = arith.subf %f0, %f1 : f32
        %w = arith.maximumf %v, %f2 : f32
        %c = math.copysign %w, %y : f32
        linalg.yield %u, %w, %c : f32, f32, f32
      } -> (tensor<4x20xf32>, tensor<4x20xf32>, tensor<4x20xf32>)
      return %r#0, %r#1, %r#2 : tensor<4x20xf32>, tensor<4x20xf32>, tensor<4x20xf32>
    })",
                 {randomFloats(80, 1, 3.0f), randomFloats(80, 2, 2.0f)});
}

TEST(LoopKernels, ElementTypes) {
  expectSameBits(R"(
    #id = affine_map<(i, j) -> (i, j)>
    func.func @main(%a: tensor<3x6xi64>, %b: tensor<3x6xi16>, %c: tensor<3x6xf64>,
                    %d: tensor<3x6xi1>)
        -> (tensor<3x6xi1>, tensor<3x6xf64>, tensor<3x6xi32>, tensor<3x6xi64>) {
      %e1 = tensor.empty() : tensor<3x6xi1>
      %e2 = tensor.empty() : tensor<3x6xf64>
      %e3 = tensor.empty() : tensor<3x6xi32>
      %e4 = tensor.empty() : tensor<3x6xi64>
      %r:4 = linalg.generic {
          indexing_maps = [#id, #id, #id, #id, #id, #id, #id, #id],
          iterator_types = ["parallel", "parallel"]}
          ins(%a, %b, %c, %d : tensor<3x6xi64>, tensor<3x6xi16>, tensor<3x6xf64>,
              tensor<3x6xi1>)
          outs(%e1, %e2, %e3, %e4 : tensor<3x6xi1>, tensor<3x6xf64>,
               tensor<3x6xi32>, tensor<3x6xi64>) {
      ^bb0(%x: i64, %y: i16, %z: f64, %w: i1, %o1: i1, %o2: f64, %o3: i32, %o4: i64):
        %y64 = arith.extsi %y : i16 to i64
        %less = arith.cmpi slt, %x, %y64 : i64
        %both = arith.xori %less, %w : i1
        %yf = arith.sitofp %y : i16 to f64
        %div = arith.divf %z, %yf : f64
        %y32 = arith.extui %y : i16 to i32
        %sel = arith.select %w, %x, %y64 : i64
        %i = linalg.index 1 : index
        %i64 = arith.index_cast %i : index to i64
        %sum = arith.addi %sel, %i64 : i64
        linalg.yield %both, %div, %y32, %sum : i1, f64, i32, i64
      } -> (tensor<3x6xi1>, tensor<3x6xf64>, tensor<3x6xi32>, tensor<3x6xi64>)
      return %r#0, %r#1, %r#2, %r#3 : tensor<3x6xi1>, tensor<3x6xf64>,
          tensor<3x6xi32>, tensor<3x6xi64>
    })",
                 {randomIntegers<int64_t>(18, 1),
                  randomIntegers<int16_t>(18, 2), std::vector<double>(18, 1.25),
                  smallIntegers<uint8_t>(18, 3, 0, 1)});
}

/// Bodies that use the counters of loops, some of one iteration.
TEST(LoopKernels, Counters) {
  expectSameBits(R"(
    func.func @main(%a: tensor<2x1x3x8xi32>) -> tensor<2x1x3x8xi32> {
      %e = tensor.empty() : tensor<2x1x3x8xi32>
      %0 = linalg.generic {indexing_maps = [
          affine_map<(i, j, k, l) -> (i, j, k, l)>,
          affine_map<(i, j, k, l) -> (i, j, k, l)>],
          iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
          ins(%a : tensor<2x1x3x8xi32>) outs(%e : tensor<2x1x3x8xi32>) {
      ^bb0(%x: i32, %o: i32):
        %i = linalg.index 0 : index
        %j = linalg.index 1 : index
        %k = linalg.index 2 : index
        %l = linalg.index 3 : index
        %c = arith.constant 100 : index
        %0 = arith.muli %i, %c : index
        %1 = arith.addi %0, %j : index
        %2 = arith.muli %1, %c : index
        %3 = arith.addi %2, %k : index
        %4 = arith.muli %3, %c : index
        %5 = arith.addi %4, %l : index
        %6 = arith.index_cast %5 : index to i32
        %7 = arith.addi %6, %x : i32
        linalg.yield %7 : i32
      } -> tensor<2x1x3x8xi32>
      return %0 : tensor<2x1x3x8xi32>
    })",
                 {randomIntegers<int32_t>(48, 1)});
}

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

/// Sums of floats in the fixed order, over inner, outer and several dims.
TEST(LoopKernels, SumsInOrder) {
  const std::string text = R"(
    func.func @main(%x: tensor<3x7x90xf32>) -> TYPE {
      %zero = arith.constant -0.0 : f32
      %e = tensor.empty() : TYPE
      %f = linalg.fill ins(%zero : f32) outs(%e : TYPE) -> TYPE
      %0 = linalg.reduce {arith.addf} ins(%x : tensor<3x7x90xf32>) outs(%f : TYPE)
          dimensions = DIMS
      return %0 : TYPE
    })";
  Floats x = randomFloats(3 * 7 * 90, 3, 1000.0f);
  auto check = [&](const std::string &dims, const std::string &type) {
    SCOPED_TRACE(dims);
    expectSameBits(replace(replace(text, "DIMS", dims), "TYPE", type), {x});
  };
  check("[2]", "tensor<3x7xf32>");
  check("[1]", "tensor<3x90xf32>");
  check("[1, 2]", "tensor<3xf32>");
  check("[0]", "tensor<7x90xf32>");
  check("[0, 1, 2]", "tensor<f32>");
}

TEST(LoopKernels, SoftmaxAndArgmax) {
  expectSameBits(R"(
    #id = affine_map<(i, j) -> (i, j)>
    #row = affine_map<(i, j) -> (i)>
    func.func @main(%x: tensor<5x12xf32>)
        -> (tensor<5x12xf32>, tensor<5xi64>) {
      %low = arith.constant 0xFF800000 : f32
      %c0 = arith.constant 0 : i64
      %ef = tensor.empty() : tensor<5xf32>
      %ei = tensor.empty() : tensor<5xi64>
      %ff = linalg.fill ins(%low : f32) outs(%ef : tensor<5xf32>) -> tensor<5xf32>
      %fi = linalg.fill ins(%c0 : i64) outs(%ei : tensor<5xi64>) -> tensor<5xi64>
      %m:2 = linalg.generic {indexing_maps = [#id, #row, #row],
          iterator_types = ["parallel", "reduction"]}
          ins(%x : tensor<5x12xf32>) outs(%ff, %fi : tensor<5xf32>, tensor<5xi64>) {
      ^bb0(%in: f32, %max: f32, %arg: i64):
        %i = linalg.index 1 : index
        %i64 = arith.index_cast %i : index to i64
        %more = arith.cmpf ogt, %in, %max : f32
        %0 = arith.maximumf %in, %max : f32
        %1 = arith.select %more, %i64, %arg : i64
        linalg.yield %0, %1 : f32, i64
      } -> (tensor<5xf32>, tensor<5xi64>)
      %e = tensor.empty() : tensor<5x12xf32>
      %0 = linalg.softmax dimension(1) ins(%x : tensor<5x12xf32>)
          outs(%e : tensor<5x12xf32>) -> tensor<5x12xf32>
      return %0, %m#1 : tensor<5x12xf32>, tensor<5xi64>
    })",
                 {randomFloats(60, 5, 4.0f)});
}

/// NaN wins, whatever the order.
TEST(LoopKernels, MaximumOfNaN) {
  Floats x = randomFloats(24, 6);
  x[5] = std::numeric_limits<float>::quiet_NaN();
  x[14] = std::numeric_limits<float>::infinity();
  expectSameBits(R"(
    func.func @main(%x: tensor<3x8xf32>) -> tensor<3xf32> {
      %zero = arith.constant 0xFF800000 : f32
      %e = tensor.empty() : tensor<3xf32>
      %f = linalg.fill ins(%zero : f32) outs(%e : tensor<3xf32>) -> tensor<3xf32>
      %0 = linalg.reduce {arith.maximumf} ins(%x : tensor<3x8xf32>)
          outs(%f : tensor<3xf32>) dimensions = [1]
      return %0 : tensor<3xf32>
    })",
                 {x});
}

/// An initial value that is computed, and one that other ops read as well.
TEST(LoopKernels, InitialValues) {
  expectSameBits(
      R"(
    func.func @main(%x: tensor<3x8xi32>, %s: tensor<3xi32>)
        -> (tensor<3xi32>, tensor<3xi32>, tensor<3xi32>) {
      %two = arith.constant 2 : i32
      %e = tensor.empty() : tensor<3xi32>
      %f = linalg.fill ins(%two : i32) outs(%e : tensor<3xi32>) -> tensor<3xi32>
      %0 = linalg.reduce {arith.addi} ins(%x : tensor<3x8xi32>)
          outs(%s : tensor<3xi32>) dimensions = [1]
      %1 = linalg.reduce {arith.muli} ins(%x : tensor<3x8xi32>)
          outs(%f : tensor<3xi32>) dimensions = [1]
      return %0, %1, %f : tensor<3xi32>, tensor<3xi32>, tensor<3xi32>
    })",
      {randomIntegers<int32_t>(24, 1), randomIntegers<int32_t>(3, 2)});
}

//===----------------------------------------------------------------------===//
// Windows and contractions
//===----------------------------------------------------------------------===//

TEST(LoopKernels, PaddedMaxPool) {
  expectSameBits(R"(
    func.func @main(%x: tensor<2x5x5x8xi8>) -> tensor<2x3x3x8xi8> {
      %low = arith.constant -128 : i8
      %p = tensor.pad %x low[0, 1, 1, 0] high[0, 1, 1, 0] {
      ^bb0(%a: index, %b: index, %c: index, %d: index):
        tensor.yield %low : i8
      } : tensor<2x5x5x8xi8> to tensor<2x7x7x8xi8>
      %w = tensor.empty() : tensor<3x3xi8>
      %e = tensor.empty() : tensor<2x3x3x8xi8>
      %f = linalg.fill ins(%low : i8) outs(%e : tensor<2x3x3x8xi8>) -> tensor<2x3x3x8xi8>
      %0 = linalg.pooling_nhwc_max {strides = dense<2> : tensor<2xi64>,
          dilations = dense<1> : tensor<2xi64>}
          ins(%p, %w : tensor<2x7x7x8xi8>, tensor<3x3xi8>)
          outs(%f : tensor<2x3x3x8xi8>) -> tensor<2x3x3x8xi8>
      return %0 : tensor<2x3x3x8xi8>
    })",
                 {randomIntegers<int8_t>(400, 1)});
}

/// u8 · s8 with strides and dilation, then per-channel requantization.
TEST(LoopKernels, Convolution) {
  expectSameBits(
      R"(
    #id = affine_map<(n, h, w, c) -> (n, h, w, c)>
    func.func @main(%x: tensor<2x7x7x3xi8>) -> tensor<2x2x2x5xf32> {
      %weights = arith.constant dense<"0x)" +
          [] {
            std::string hex;
            std::mt19937 random(4);
            for (int i = 0; i < 5 * 3 * 3 * 3 * 2; ++i)
              hex += "0123456789ABCDEF"[random() % 16];
            return hex;
          }() +
          R"("> : tensor<5x3x3x3xi8>
      %scales = arith.constant dense<[0.5, 0.25, 0.125, 1.5, 0.75]> : tensor<5xf32>
      %zero = arith.constant 0 : i32
      %e = tensor.empty() : tensor<2x2x2x5xi32>
      %f = linalg.fill ins(%zero : i32) outs(%e : tensor<2x2x2x5xi32>) -> tensor<2x2x2x5xi32>
      %0 = linalg.generic {indexing_maps = [
          affine_map<(n, h, w, c, r, s, k) -> (n, h * 2 + r * 2, w * 2 + s * 2, k)>,
          affine_map<(n, h, w, c, r, s, k) -> (c, r, s, k)>,
          affine_map<(n, h, w, c, r, s, k) -> (n, h, w, c)>],
          iterator_types = ["parallel", "parallel", "parallel", "parallel",
                            "reduction", "reduction", "reduction"]}
          ins(%x, %weights : tensor<2x7x7x3xi8>, tensor<5x3x3x3xi8>)
          outs(%f : tensor<2x2x2x5xi32>) {
      ^bb0(%a: i8, %b: i8, %acc: i32):
        %ae = arith.extui %a : i8 to i32
        %be = arith.extsi %b : i8 to i32
        %p = arith.muli %ae, %be : i32
        %s = arith.addi %acc, %p : i32
        linalg.yield %s : i32
      } -> tensor<2x2x2x5xi32>
      %ef = tensor.empty() : tensor<2x2x2x5xf32>
      %1 = linalg.generic {indexing_maps = [#id, affine_map<(n, h, w, c) -> (c)>, #id],
          iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
          ins(%0, %scales : tensor<2x2x2x5xi32>, tensor<5xf32>)
          outs(%ef : tensor<2x2x2x5xf32>) {
      ^bb0(%a: i32, %s: f32, %o: f32):
        %c = arith.constant 3.0 : f32
        %f32 = arith.sitofp %a : i32 to f32
        %m = math.fma %f32, %s, %c : f32
        linalg.yield %m : f32
      } -> tensor<2x2x2x5xf32>
      return %1 : tensor<2x2x2x5xf32>
    })",
      {randomIntegers<int8_t>(294, 1)});
}

TEST(LoopKernels, MatmulAsLoops) {
  expectSameBits(R"(
    func.func @main(%x: tensor<5x24xi8>) -> tensor<5x16xi32> {
      %w = arith.constant dense<"0x)" +
                     [] {
                       std::string hex;
                       std::mt19937 random(9);
                       for (int i = 0; i < 24 * 16 * 2; ++i)
                         hex += "0123456789ABCDEF"[random() % 16];
                       return hex;
                     }() +
                     R"("> : tensor<24x16xi8>
      %zero = arith.constant 0 : i32
      %e = tensor.empty() : tensor<5x16xi32>
      %f = linalg.fill ins(%zero : i32) outs(%e : tensor<5x16xi32>) -> tensor<5x16xi32>
      %0 = linalg.matmul ins(%x, %w : tensor<5x24xi8>, tensor<24x16xi8>)
          outs(%f : tensor<5x16xi32>) -> tensor<5x16xi32>
      return %0 : tensor<5x16xi32>
    })",
                 {randomIntegers<int8_t>(120, 1)});
}
