//===- CpuLoopsTest.cpp - What LLVM compiles of a model --------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Everything that no kernel computes: its results are those of the scalar
// program bit for bit, whatever the order of loops and the width of vectors.
// Sizes are odd on purpose, so that vector bodies and remainders both run.
//
//===----------------------------------------------------------------------===//
#include "CpuModel.h"

#include <cmath>

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::test;

using Floats = std::vector<float>;

static Floats randomFloats(size_t count, unsigned seed, float scale = 1.0f) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0f, scale);
  Floats values(count);
  for (float &value : values)
    value = normal(random);
  return values;
}

//===----------------------------------------------------------------------===//
// Elementwise
//===----------------------------------------------------------------------===//

/// u8 · s8 contraction, fused epilogue with per-channel M and B, to u8 or s8.
static void checkEpilogue(bool isUnsigned) {
  constexpr int kRows = 13, kColumns = 37, kDepth = 51;
  std::string text = R"(
    #row = affine_map<(i, j) -> (j)>
    #id = affine_map<(i, j) -> (i, j)>
    func.func @main(%a: tensor<13x51xi8>, %m: tensor<37xf32>, %b: tensor<37xf32>,
                    %w: tensor<37x51xi8>) -> tensor<13x37xi8> {
      %c0 = arith.constant 0 : i32
      %low = arith.constant LOW : f32
      %high = arith.constant HIGH : f32
      %e = tensor.empty() : tensor<13x37xi32>
      %z = linalg.fill ins(%c0 : i32) outs(%e : tensor<13x37xi32>)
          -> tensor<13x37xi32>
      %acc = linalg.generic {indexing_maps = [affine_map<(i, j, k) -> (i, k)>,
          affine_map<(i, j, k) -> (j, k)>, affine_map<(i, j, k) -> (i, j)>],
          iterator_types = ["parallel", "parallel", "reduction"]}
          ins(%a, %w : tensor<13x51xi8>, tensor<37x51xi8>)
          outs(%z : tensor<13x37xi32>) {
      ^bb0(%x: i8, %y: i8, %s: i32):
        %xe = arith.extui %x : i8 to i32
        %ye = arith.extsi %y : i8 to i32
        %p = arith.muli %xe, %ye : i32
        %sum = arith.addi %s, %p : i32
        linalg.yield %sum : i32
      } -> tensor<13x37xi32>
      %e8 = tensor.empty() : tensor<13x37xi8>
      %r = linalg.generic {indexing_maps = [#id, #row, #row, #id],
          iterator_types = ["parallel", "parallel"]}
          ins(%acc, %m, %b : tensor<13x37xi32>, tensor<37xf32>, tensor<37xf32>)
          outs(%e8 : tensor<13x37xi8>) {
      ^bb0(%x: i32, %mm: f32, %bb: f32, %o: i8):
        %f = arith.sitofp %x : i32 to f32
        %d = math.fma %f, %mm, %bb : f32
        %q = math.roundeven %d : f32
        %l = arith.maximumf %q, %low : f32
        %h = arith.minimumf %l, %high : f32
        %v = arith.CONVERT %h : f32 to i8
        linalg.yield %v : i8
      } -> tensor<13x37xi8>
      return %r : tensor<13x37xi8>
    })";
  auto set = [&](const std::string &name, const std::string &value) {
    text.replace(text.find(name), name.size(), value);
  };
  float low = isUnsigned ? 0.0f : -128.0f, high = isUnsigned ? 255.0f : 127.0f;
  set("LOW", isUnsigned ? "0.0" : "-128.0");
  set("HIGH", isUnsigned ? "255.0" : "127.0");
  set("CONVERT", isUnsigned ? "fptoui" : "fptosi");

  auto a = smallIntegers<uint8_t>(kRows * kDepth, 1, 0, 255);
  auto w = smallIntegers<int8_t>(kColumns * kDepth, 2, -127, 127);
  Floats m(kColumns), b(kColumns);
  for (int j = 0; j < kColumns; ++j) {
    m[j] = 0.0005f + 0.0001f * j;
    b[j] = 0.5f * (j - 18); // Many ties.
  }
  std::vector<uint8_t> expected;
  int above127 = 0;
  for (int i = 0; i < kRows; ++i)
    for (int j = 0; j < kColumns; ++j) {
      int32_t acc = 0;
      for (int k = 0; k < kDepth; ++k)
        acc += a[i * kDepth + k] * w[j * kDepth + k];
      float value = std::nearbyint(std::fma(float(acc), m[j], b[j]));
      int q = static_cast<int>(std::min(std::max(value, low), high));
      above127 += q > 127;
      expected.push_back(static_cast<uint8_t>(q));
    }
  EXPECT_EQ(above127 > 0, isUnsigned);
  for (auto preference :
       {cpu::KernelPreference::Auto, cpu::KernelPreference::Plain}) {
    CpuOptions options;
    options.kernels = preference;
    CpuModel model(text, options);
    EXPECT_EQ(model.run1<uint8_t>({a, m, b, w}), expected) << model.error();
  }
}

TEST(CpuLoops, FusedEpilogueIsExact) {
  checkEpilogue(/*isUnsigned=*/true);
  checkEpilogue(/*isUnsigned=*/false);
}

/// mul and add stay two roundings, although the machine has fma; flags in the
/// IR that would allow it are ignored. rsqrt is 1 / sqrt.
TEST(CpuLoops, RoundsEveryOperation) {
  CpuModel model(R"(
    #id = affine_map<(i) -> (i)>
    func.func @main(%a: tensor<1001xf32>, %b: tensor<1001xf32>)
        -> (tensor<1001xf32>, tensor<1001xf32>) {
      %e = tensor.empty() : tensor<1001xf32>
      %0 = linalg.generic {indexing_maps = [#id, #id, #id],
          iterator_types = ["parallel"]}
          ins(%a, %b : tensor<1001xf32>, tensor<1001xf32>)
          outs(%e : tensor<1001xf32>) {
      ^bb0(%x: f32, %y: f32, %o: f32):
        %p = arith.mulf %x, %y fastmath<fast> : f32
        %s = arith.addf %p, %y fastmath<fast> : f32
        linalg.yield %s : f32
      } -> tensor<1001xf32>
      %1 = linalg.generic {indexing_maps = [#id, #id],
          iterator_types = ["parallel"]}
          ins(%a : tensor<1001xf32>) outs(%e : tensor<1001xf32>) {
      ^bb0(%x: f32, %o: f32):
        %p = math.absf %x fastmath<fast> : f32
        %s = math.rsqrt %p fastmath<fast> : f32
        linalg.yield %s : f32
      } -> tensor<1001xf32>
      return %0, %1 : tensor<1001xf32>, tensor<1001xf32>
    })");
  Floats a = randomFloats(1001, 1), b = randomFloats(1001, 2), sum, root;
  for (int i = 0; i < 1001; ++i) {
    volatile float product = a[i] * b[i];
    sum.push_back(product + b[i]);
    root.push_back(1.0f / std::sqrt(std::fabs(a[i])));
  }
  auto outputs = model.run({a, b});
  ASSERT_EQ(outputs.size(), 2u) << model.error();
  EXPECT_EQ(outputs[0].as<float>(), sum);
  EXPECT_EQ(outputs[1].as<float>(), root);
}

/// Transposes, broadcasts and a chain with several consumers, which fusion
/// takes apart and puts together.
TEST(CpuLoops, MovementsAndFusion) {
  CpuModel model(R"(
    #id = affine_map<(i, j, k) -> (i, j, k)>
    func.func @main(%a: tensor<5x17x9xf32>, %b: tensor<9xf32>)
        -> (tensor<9x5x17xf32>, tensor<5x17x9xf32>) {
      %e = tensor.empty() : tensor<5x17x9xf32>
      %0 = linalg.generic {indexing_maps = [#id, affine_map<(i, j, k) -> (k)>,
          #id], iterator_types = ["parallel", "parallel", "parallel"]}
          ins(%a, %b : tensor<5x17x9xf32>, tensor<9xf32>)
          outs(%e : tensor<5x17x9xf32>) {
      ^bb0(%x: f32, %y: f32, %o: f32):
        %s = arith.mulf %x, %y : f32
        linalg.yield %s : f32
      } -> tensor<5x17x9xf32>
      %et = tensor.empty() : tensor<9x5x17xf32>
      %1 = linalg.transpose ins(%0 : tensor<5x17x9xf32>)
          outs(%et : tensor<9x5x17xf32>) permutation = [2, 0, 1]
      %2 = linalg.generic {indexing_maps = [#id, #id],
          iterator_types = ["parallel", "parallel", "parallel"]}
          ins(%0 : tensor<5x17x9xf32>) outs(%e : tensor<5x17x9xf32>) {
      ^bb0(%x: f32, %o: f32):
        %s = arith.subf %x, %x : f32
        %t = arith.addf %s, %x : f32
        linalg.yield %t : f32
      } -> tensor<5x17x9xf32>
      return %1, %2 : tensor<9x5x17xf32>, tensor<5x17x9xf32>
    })");
  Floats a = randomFloats(5 * 17 * 9, 1), b = randomFloats(9, 2);
  Floats moved(a.size()), kept(a.size());
  for (int i = 0; i < 5; ++i)
    for (int j = 0; j < 17; ++j)
      for (int k = 0; k < 9; ++k) {
        float value = a[(i * 17 + j) * 9 + k] * b[k];
        kept[(i * 17 + j) * 9 + k] = value;
        moved[(k * 5 + i) * 17 + j] = value;
      }
  auto outputs = model.run({a, b});
  ASSERT_EQ(outputs.size(), 2u) << model.error();
  EXPECT_EQ(outputs[0].as<float>(), moved);
  EXPECT_EQ(outputs[1].as<float>(), kept);
}

TEST(CpuLoops, IndicesOfMergedAndUnitLoops) {
  CpuModel model(R"(
    func.func @main() -> tensor<3x1x7xi64> {
      %e = tensor.empty() : tensor<3x1x7xi64>
      %0 = linalg.generic {
          indexing_maps = [affine_map<(i, j, k) -> (i, j, k)>],
          iterator_types = ["parallel", "parallel", "parallel"]}
          outs(%e : tensor<3x1x7xi64>) {
      ^bb0(%o: i64):
        %c100 = arith.constant 100 : index
        %i = linalg.index 0 : index
        %j = linalg.index 1 : index
        %k = linalg.index 2 : index
        %0 = arith.muli %i, %c100 : index
        %1 = arith.addi %0, %j : index
        %2 = arith.addi %1, %k : index
        %3 = arith.index_cast %2 : index to i64
        linalg.yield %3 : i64
      } -> tensor<3x1x7xi64>
      return %0 : tensor<3x1x7xi64>
    })");
  std::vector<int64_t> expected;
  for (int i = 0; i < 3; ++i)
    for (int k = 0; k < 7; ++k)
      expected.push_back(100 * i + k);
  EXPECT_EQ(model.run1<int64_t>({}), expected) << model.error();
}

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

TEST(CpuLoops, MaxWithArgmaxAndSoftmax) {
  CpuModel model(R"(
    #id = affine_map<(i, j) -> (i, j)>
    #row = affine_map<(i, j) -> (i)>
    func.func @main(%a: tensor<5x23xf32>)
        -> (tensor<5xf32>, tensor<5xi64>, tensor<5x23xf32>) {
      %ninf = arith.constant 0xFF800000 : f32
      %c0 = arith.constant 0 : i64
      %e = tensor.empty() : tensor<5xf32>
      %ei = tensor.empty() : tensor<5xi64>
      %z = linalg.fill ins(%ninf : f32) outs(%e : tensor<5xf32>) -> tensor<5xf32>
      %zi = linalg.fill ins(%c0 : i64) outs(%ei : tensor<5xi64>) -> tensor<5xi64>
      %0:2 = linalg.generic {indexing_maps = [#id, #row, #row],
          iterator_types = ["parallel", "reduction"]}
          ins(%a : tensor<5x23xf32>) outs(%z, %zi : tensor<5xf32>, tensor<5xi64>) {
      ^bb0(%x: f32, %m: f32, %at: i64):
        %j = linalg.index 1 : index
        %ji = arith.index_cast %j : index to i64
        %max = arith.maximumf %x, %m : f32
        %gt = arith.cmpf ogt, %x, %m : f32
        %s = arith.select %gt, %ji, %at : i64
        linalg.yield %max, %s : f32, i64
      } -> (tensor<5xf32>, tensor<5xi64>)
      %es = tensor.empty() : tensor<5x23xf32>
      %1 = linalg.softmax dimension(1) ins(%a : tensor<5x23xf32>)
          outs(%es : tensor<5x23xf32>) -> tensor<5x23xf32>
      return %0#0, %0#1, %1 : tensor<5xf32>, tensor<5xi64>, tensor<5x23xf32>
    })");
  Floats a = randomFloats(5 * 23, 1), max;
  std::vector<int64_t> argmax;
  auto outputs = model.run({a});
  ASSERT_EQ(outputs.size(), 3u) << model.error();
  Floats softmax = outputs[2].as<float>();
  for (int i = 0; i < 5; ++i) {
    auto row = a.begin() + i * 23;
    auto best = std::max_element(row, row + 23);
    max.push_back(*best);
    argmax.push_back(best - row);
    double sum = 0;
    for (int j = 0; j < 23; ++j)
      sum += std::exp(double(row[j]) - *best);
    for (int j = 0; j < 23; ++j)
      EXPECT_NEAR(softmax[i * 23 + j], std::exp(double(row[j]) - *best) / sum,
                  1e-6);
  }
  EXPECT_EQ(outputs[0].as<float>(), max);
  EXPECT_EQ(outputs[1].as<int64_t>(), argmax);
}

//===----------------------------------------------------------------------===//
// Pooling, padding, concatenation
//===----------------------------------------------------------------------===//

/// 3x3 maximum with stride 2 over an input padded by one, in both layouts.
TEST(CpuLoops, PaddedMaxPooling) {
  constexpr int kC = 19, kH = 9, kO = 5;
  for (bool channelsLast : {false, true}) {
    std::string in = channelsLast ? "1x9x9x19" : "1x19x9x9",
                padded = channelsLast ? "1x11x11x19" : "1x19x11x11",
                out = channelsLast ? "1x5x5x19" : "1x19x5x5",
                pad = channelsLast ? "[0, 1, 1, 0]" : "[0, 0, 1, 1]",
                op = channelsLast ? "nhwc" : "nchw";
    CpuModel model(
        "func.func @main(%a: tensor<" + in + "xf32>) -> tensor<" + out +
        "xf32> {\n%ninf = arith.constant 0xFF800000 : f32\n%p = tensor.pad %a "
        "low" +
        pad + " high" + pad +
        " {\n^bb0(%i: index, %j: index, %k: index, %l: index):\ntensor.yield "
        "%ninf : f32\n} : tensor<" +
        in + "xf32> to tensor<" + padded +
        "xf32>\n%w = tensor.empty() : tensor<3x3xf32>\n%e = tensor.empty() : "
        "tensor<" +
        out + "xf32>\n%z = linalg.fill ins(%ninf : f32) outs(%e : tensor<" +
        out + "xf32>) -> tensor<" + out + "xf32>\n%r = linalg.pooling_" + op +
        "_max {strides = dense<2> : vector<2xi64>, dilations = dense<1> : "
        "vector<2xi64>} ins(%p, %w : tensor<" +
        padded + "xf32>, tensor<3x3xf32>) outs(%z : tensor<" + out +
        "xf32>) -> tensor<" + out + "xf32>\nreturn %r : tensor<" + out +
        "xf32>\n}");
    Floats a = randomFloats(kC * kH * kH, 1), expected(kC * kO * kO, -INFINITY);
    auto at = [&](int c, int y, int x, int size) {
      return channelsLast ? (y * size + x) * kC + c : (c * size + y) * size + x;
    };
    for (int c = 0; c < kC; ++c)
      for (int y = 0; y < kO; ++y)
        for (int x = 0; x < kO; ++x)
          for (int v = 2 * y - 1; v <= 2 * y + 1; ++v)
            for (int u = 2 * x - 1; u <= 2 * x + 1; ++u)
              if (v >= 0 && v < kH && u >= 0 && u < kH)
                expected[at(c, y, x, kO)] =
                    std::max(expected[at(c, y, x, kO)], a[at(c, v, u, kH)]);
    EXPECT_EQ(model.run1<float>({a}), expected) << model.error();
  }
}

/// A value that is padded, used itself and concatenated: no in-place write may
/// be seen by another use.
TEST(CpuLoops, PadAndConcatShareAValue) {
  CpuModel model(R"(
    #id = affine_map<(i, j) -> (i, j)>
    func.func @main(%a: tensor<3x4xf32>)
        -> (tensor<5x6xf32>, tensor<6x4xf32>, tensor<3x4xf32>) {
      %c7 = arith.constant 7.0 : f32
      %e = tensor.empty() : tensor<3x4xf32>
      %0 = linalg.generic {indexing_maps = [#id, #id],
          iterator_types = ["parallel", "parallel"]}
          ins(%a : tensor<3x4xf32>) outs(%e : tensor<3x4xf32>) {
      ^bb0(%x: f32, %o: f32):
        %s = arith.addf %x, %x : f32
        linalg.yield %s : f32
      } -> tensor<3x4xf32>
      %1 = tensor.pad %0 low[2, 1] high[0, 1] {
      ^bb0(%i: index, %j: index):
        tensor.yield %c7 : f32
      } : tensor<3x4xf32> to tensor<5x6xf32>
      %2 = tensor.concat dim(0) %a, %0
          : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<6x4xf32>
      return %1, %2, %0 : tensor<5x6xf32>, tensor<6x4xf32>, tensor<3x4xf32>
    })");
  Floats a(12), twice(12), padded(30, 7.0f), both;
  for (int i = 0; i < 12; ++i) {
    a[i] = i;
    twice[i] = 2 * i;
    padded[(i / 4 + 2) * 6 + i % 4 + 1] = twice[i];
  }
  both = a;
  both.insert(both.end(), twice.begin(), twice.end());
  auto outputs = model.run({a});
  ASSERT_EQ(outputs.size(), 3u) << model.error();
  EXPECT_EQ(outputs[0].as<float>(), padded);
  EXPECT_EQ(outputs[1].as<float>(), both);
  EXPECT_EQ(outputs[2].as<float>(), twice);
}

/// Padding whose value is computed from the position.
TEST(CpuLoops, PadWithComputedValue) {
  CpuModel model(R"(
    func.func @main(%a: tensor<3xi64>) -> tensor<6xi64> {
      %0 = tensor.pad %a low[2] high[1] {
      ^bb0(%i: index):
        %v = arith.index_cast %i : index to i64
        tensor.yield %v : i64
      } : tensor<3xi64> to tensor<6xi64>
      return %0 : tensor<6xi64>
    })");
  EXPECT_EQ(model.run1<int64_t>({std::vector<int64_t>{10, 20, 30}}),
            (std::vector<int64_t>{0, 1, 10, 20, 30, 5}))
      << model.error();
}

/// Accesses that are no linear function of the loops.
TEST(CpuLoops, IrregularSubscripts) {
  CpuModel model(R"(
    func.func @main(%a: tensor<3xf32>) -> tensor<12xf32> {
      %e = tensor.empty() : tensor<12xf32>
      %0 = linalg.generic {indexing_maps = [
          affine_map<(i) -> (i floordiv 4)>, affine_map<(i) -> (i)>],
          iterator_types = ["parallel"]}
          ins(%a : tensor<3xf32>) outs(%e : tensor<12xf32>) {
      ^bb0(%x: f32, %o: f32):
        linalg.yield %x : f32
      } -> tensor<12xf32>
      return %0 : tensor<12xf32>
    })");
  EXPECT_EQ(model.run1<float>({Floats{1, 2, 3}}),
            (Floats{1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3}))
      << model.error();
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

/// exp, erf and tanh are rounded once: the result is the nearest float to the
/// exact value, or its neighbour where the value lies between two floats.
TEST(CpuLoops, FunctionsAreRoundedOnce) {
  constexpr size_t kCount = 20011;
  std::mt19937 random(1);
  Floats x = randomFloats(kCount, 2, 3.0f);
  for (size_t i = 0; i < kCount / 2; ++i) {
    uint32_t bits = random(); // All magnitudes, NaN and infinities.
    memcpy(&x[i], &bits, sizeof(bits));
  }
  const Floats special = {0.0f,  -0.0f,   NAN,      INFINITY, -INFINITY,
                          88.7f, 88.8f,   -103.9f,  -104.1f,  4.0f,
                          -4.0f, 0.0156f, 0.01563f, 1e-40f,   -1e-40f};
  std::copy(special.begin(), special.end(), x.begin());
  double (*functions[])(double) = {std::exp, std::erf, std::tanh};
  const char *names[] = {"exp", "erf", "tanh"};
  for (int f = 0; f < 3; ++f) {
    SCOPED_TRACE(names[f]);
    CpuModel model(std::string("func.func @main(%x: tensor<20011xf32>) -> "
                               "tensor<20011xf32> {\n%e = tensor.empty() : "
                               "tensor<20011xf32>\n%0 = linalg.") +
                   names[f] +
                   " ins(%x : tensor<20011xf32>) outs(%e : tensor<20011xf32>) "
                   "-> tensor<20011xf32>\nreturn %0 : tensor<20011xf32>\n}");
    Floats y = model.run1<float>({x});
    ASSERT_EQ(y.size(), kCount) << model.error();
    int differences = 0;
    for (size_t i = 0; i < kCount; ++i) {
      float expected = static_cast<float>(functions[f](x[i]));
      if (std::isnan(expected)) {
        EXPECT_TRUE(std::isnan(y[i])) << x[i];
        continue;
      }
      EXPECT_EQ(std::signbit(y[i]), std::signbit(expected)) << x[i];
      if (y[i] == expected)
        continue;
      ++differences;
      EXPECT_EQ(y[i], std::nextafter(expected, y[i])) << x[i];
    }
    EXPECT_LE(differences, 5);
  }
}

/// Optimization levels agree.
TEST(CpuLoops, OptimizationLevels) {
  for (unsigned level : {0u, 1u, 2u, 3u}) {
    CpuOptions options;
    options.optLevel = level;
    CpuModel model(R"(
      func.func @main(%a: tensor<67xf32>) -> tensor<67xf32> {
        %e = tensor.empty() : tensor<67xf32>
        %0 = linalg.exp ins(%a : tensor<67xf32>) outs(%e : tensor<67xf32>)
            -> tensor<67xf32>
        return %0 : tensor<67xf32>
      })",
                   options);
    Floats a = randomFloats(67, 1), out = model.run1<float>({a});
    ASSERT_EQ(out.size(), a.size()) << model.error();
    for (size_t i = 0; i < a.size(); ++i)
      EXPECT_NEAR(out[i], std::exp(double(a[i])),
                  1e-6 * std::exp(double(a[i])));
  }
}
