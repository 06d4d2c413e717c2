//===- LoopsCases.cpp - Modules with one qopt.loops ------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "LoopsCases.h"

#include "LoopsInterpreter.h"
#include "QuantOpt/Support/HalfPrecision.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>
#include <cstring>
#include <limits>

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::test;

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

static std::string makeConfig(const char *kind, int threads, int rowThreads,
                              int lanes, int items) {
  return llvm::formatv(", config = #qopt.loops_config<{0}, threads = {1}, "
                       "row_threads = {2}, lanes = {3}, items = {4}>",
                       kind, threads, rowThreads, lanes, items);
}

std::string test::makeRowsConfig(int threads, int rowThreads, int lanes,
                                 int items) {
  return makeConfig("rows", threads, rowThreads, lanes, items);
}

std::string test::makeThreadsConfig(int threads, int lanes) {
  return makeConfig("threads", threads, 1, lanes, 1);
}

std::string test::makeDepthwiseConfig(int threads, int lanes, int items) {
  return makeConfig("depthwise", threads, 1, lanes, items);
}

/// `text` with `$NAME` replaced for each pair.
static std::string
substitute(std::string text,
           const std::vector<std::pair<std::string, std::string>> &values) {
  for (const auto &[name, value] : values)
    for (size_t at = 0; (at = text.find("$" + name, at)) != std::string::npos;
         at += value.size())
      text.replace(at, name.size() + 1, value);
  return text;
}

/// %y: f32 -> %q: i8, with zero point 5.
static const char *const kQuantize = R"(
      %inv = arith.constant 37.5 : f32
      %nan = arith.constant 0.0 : f32
      %low = arith.constant -133.0 : f32
      %high = arith.constant 122.0 : f32
      %zp = arith.constant 5 : i32
      %q0 = arith.mulf %y, %inv : f32
      %q1 = math.roundeven %q0 : f32
      %q2 = arith.cmpf uno, %q1, %q1 : f32
      %q3 = arith.select %q2, %nan, %q1 : f32
      %q4 = arith.maximumf %q3, %low : f32
      %q5 = arith.minimumf %q4, %high : f32
      %q6 = arith.fptosi %q5 : f32 to i32
      %q7 = arith.addi %q6, %zp : i32
      %q = arith.trunci %q7 : i32 to i8)";

/// %in -> %x: f32.
static std::string makeInput(const std::string &type) {
  if (type == "i8")
    return R"(
      %zx = arith.constant 3 : i32
      %sx = arith.constant 0.0625 : f32
      %x0 = arith.extsi %in : i8 to i32
      %x1 = arith.addi %x0, %zx : i32
      %x2 = arith.sitofp %x1 : i32 to f32
      %x = arith.mulf %x2, %sx : f32)";
  if (type == "f16")
    return "\n      %x = arith.extf %in : f16 to f32";
  return R"(
      %sx = arith.constant 1.0 : f32
      %x = arith.mulf %in, %sx : f32)";
}

static Buffer makeElements(size_t count, const std::string &type,
                           unsigned seed) {
  if (type == "i8")
    return randomIntegers<int8_t>(count, seed);
  if (type == "i16")
    return randomIntegers<int16_t>(count, seed);
  if (type == "i32")
    return randomIntegers<int32_t>(count, seed);
  Floats values = randomFloats(count, seed, 3.0f);
  if (type == "f32")
    return values;
  std::vector<uint16_t> halves;
  for (float value : values)
    halves.push_back(quantmath::toF16(value));
  return halves;
}

/// dense<[...]> of random values.
static std::string makeFloats(size_t count, unsigned seed, float scale) {
  std::string text = "dense<[";
  for (float value : randomFloats(count, seed, scale))
    text +=
        (text.back() == '[' ? "" : ", ") + llvm::formatv("{0:E}", value).str();
  return text + "]>";
}

/// dense<"0x..."> of random bytes.
static std::string makeBytes(size_t count, unsigned seed) {
  std::string hex = "dense<\"0x";
  std::mt19937 random(seed);
  for (size_t i = 0; i < 2 * count; ++i)
    hex += "0123456789ABCDEF"[random() % 16];
  return hex + "\">";
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

LoopsCase test::makeSoftmax(int rows, int length, const std::string &type,
                            const std::string &config) {
  LoopsCase result;
  result.text = substitute(
      R"(
    #id = affine_map<(m, n) -> (m, n)>
    func.func @main(%a: tensor<$Mx$Nx$T>) -> tensor<$Mx$Nxi8> {
      %e = tensor.empty() : tensor<$Mx$Nxi8>
      %r = qopt.loops ins(%a : tensor<$Mx$Nx$T>) outs(%e : tensor<$Mx$Nxi8>) {
      ^bb0(%in: $T):$INPUT
      %max = qopt.reduce maximumf %x : f32
      %d = arith.subf %x, %max : f32
      %exp = math.exp %d : f32
      %sum = qopt.reduce addf %exp : f32
      %y = arith.divf %exp, %sum : f32$QUANTIZE
      qopt.yield %q : i8
    } {extents = array<i64: $M, $N>, reductions = array<i1: false, true>,
       indexing_maps = [#id, #id]$CONFIG} -> tensor<$Mx$Nxi8>
      return %r : tensor<$Mx$Nxi8>
    })",
      {{"INPUT", makeInput(type)},
       {"QUANTIZE", kQuantize},
       {"CONFIG", config},
       {"M", std::to_string(rows)},
       {"N", std::to_string(length)},
       {"T", type}});
  result.inputs = {makeElements(rows * length, type, rows + length)};
  return result;
}

LoopsCase test::makeLayerNorm(int rows, int length, const std::string &type,
                              const std::string &config) {
  LoopsCase result;
  result.text = substitute(
      R"(
    #id = affine_map<(m, n) -> (m, n)>
    #n = affine_map<(m, n) -> (n)>
    func.func @main(%a: tensor<$Mx$Nx$T>) -> tensor<$Mx$Nxi8> {
      %g1 = arith.constant $GAMMA : tensor<$Nxf32>
      %b1 = arith.constant $BETA : tensor<$Nxf32>
      %e = tensor.empty() : tensor<$Mx$Nxi8>
      %r = qopt.loops ins(%a, %g1, %b1 : tensor<$Mx$Nx$T>, tensor<$Nxf32>, tensor<$Nxf32>)
          outs(%e : tensor<$Mx$Nxi8>) {
      ^bb0(%in: $T, %gamma: f32, %beta: f32):$INPUT
      %count = arith.constant $N.0 : f32
      %eps = arith.constant 1.0e-3 : f32
      %one = arith.constant 1.0 : f32
      %total = qopt.reduce addf %x : f32
      %mean = arith.divf %total, %count : f32
      %d = arith.subf %x, %mean : f32
      %dd = arith.mulf %d, %d : f32
      %squares = qopt.reduce addf %dd : f32
      %variance = arith.divf %squares, %count : f32
      %v = arith.addf %variance, %eps : f32
      %root = math.sqrt %v : f32
      %factor = arith.divf %one, %root : f32
      %n0 = arith.mulf %d, %factor : f32
      %n1 = arith.mulf %n0, %gamma : f32
      %y = arith.addf %n1, %beta : f32$QUANTIZE
      qopt.yield %q : i8
    } {extents = array<i64: $M, $N>, reductions = array<i1: false, true>,
       indexing_maps = [#id, #n, #n, #id]$CONFIG} -> tensor<$Mx$Nxi8>
      return %r : tensor<$Mx$Nxi8>
    })",
      {{"INPUT", makeInput(type)},
       {"GAMMA", makeFloats(length, 1, 1.0f)},
       {"BETA", makeFloats(length, 2, 1.0f)},
       {"QUANTIZE", kQuantize},
       {"CONFIG", config},
       {"M", std::to_string(rows)},
       {"N", std::to_string(length)},
       {"T", type}});
  result.inputs = {makeElements(rows * length, type, rows + length)};
  return result;
}

LoopsCase test::makeReduction(int rows, int length, const std::string &kind,
                              const std::string &type,
                              const std::string &config) {
  LoopsCase result;
  result.text = substitute(
      R"(
    func.func @main(%a: tensor<$Mx$Nx$T>) -> tensor<$Mx$T> {
      %e = tensor.empty() : tensor<$Mx$T>
      %r = qopt.loops ins(%a : tensor<$Mx$Nx$T>) outs(%e : tensor<$Mx$T>) {
      ^bb0(%in: $T):
      %all = qopt.reduce $KIND %in : $T
      qopt.yield %all : $T
    } {extents = array<i64: $M, $N>, reductions = array<i1: false, true>,
       indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (m)>]
       $CONFIG} -> tensor<$Mx$T>
      return %r : tensor<$Mx$T>
    })",
      {{"KIND", kind},
       {"CONFIG", config},
       {"M", std::to_string(rows)},
       {"N", std::to_string(length)},
       {"T", type}});
  result.inputs = {makeElements(rows * length, type, rows + length)};
  return result;
}

//===----------------------------------------------------------------------===//
// Windows
//===----------------------------------------------------------------------===//

LoopsCase test::makeMaxPool(int images, int size, int channels,
                            const std::string &config) {
  LoopsCase result;
  result.text = substitute(
      R"(
    #in = affine_map<(n, p, q, c, r, s) -> (n, p * 2 + r - 1, q * 2 + s - 1, c)>
    #out = affine_map<(n, p, q, c, r, s) -> (n, p, q, c)>
    func.func @main(%a: tensor<$Nx$Hx$Hx$Cxi8>) -> tensor<$Nx$Px$Px$Cxi8> {
      %e = tensor.empty() : tensor<$Nx$Px$Px$Cxi8>
      %r = qopt.loops ins(%a : tensor<$Nx$Hx$Hx$Cxi8>)
          outs(%e : tensor<$Nx$Px$Px$Cxi8>) {
      ^bb0(%in: i8):
      %max = qopt.reduce maxsi %in : i8
      qopt.yield %max : i8
    } {extents = array<i64: $N, $P, $P, $C, 3, 3>,
       reductions = array<i1: false, false, false, false, true, true>,
       pads = [-128 : i8], indexing_maps = [#in, #out]$CONFIG}
          -> tensor<$Nx$Px$Px$Cxi8>
      return %r : tensor<$Nx$Px$Px$Cxi8>
    })",
      {{"CONFIG", config},
       {"N", std::to_string(images)},
       {"H", std::to_string(size)},
       {"P", std::to_string((size + 1) / 2)},
       {"C", std::to_string(channels)}});
  result.inputs = {
      makeElements(images * size * size * channels, "i8", channels)};
  return result;
}

LoopsCase test::makeMean(int images, int height, int width, int channels,
                         const std::string &config) {
  LoopsCase result;
  result.text = substitute(
      R"(
    #in = affine_map<(n, c, h, w) -> (n, h, w, c)>
    #out = affine_map<(n, c, h, w) -> (n, c)>
    func.func @main(%a: tensor<$Nx$Hx$Wx$Cxf32>) -> (tensor<$Nx$Cxi8>, tensor<$Nx$Cxf32>) {
      %e = tensor.empty() : tensor<$Nx$Cxi8>
      %f = tensor.empty() : tensor<$Nx$Cxf32>
      %r:2 = qopt.loops ins(%a : tensor<$Nx$Hx$Wx$Cxf32>)
          outs(%e, %f : tensor<$Nx$Cxi8>, tensor<$Nx$Cxf32>) {
      ^bb0(%in: f32):
      %count = arith.constant $L.0 : f32
      %total = qopt.reduce addf %in : f32
      %max = qopt.reduce maximumf %in : f32
      %y = arith.divf %total, %count : f32$QUANTIZE
      qopt.yield %q, %max : i8, f32
    } {extents = array<i64: $N, $C, $H, $W>,
       reductions = array<i1: false, false, true, true>,
       indexing_maps = [#in, #out, #out]$CONFIG} -> tensor<$Nx$Cxi8>, tensor<$Nx$Cxf32>
      return %r#0, %r#1 : tensor<$Nx$Cxi8>, tensor<$Nx$Cxf32>
    })",
      {{"CONFIG", config},
       {"QUANTIZE", kQuantize},
       {"N", std::to_string(images)},
       {"H", std::to_string(height)},
       {"W", std::to_string(width)},
       {"L", std::to_string(height * width)},
       {"C", std::to_string(channels)}});
  result.inputs = {
      makeElements(images * height * width * channels, "f32", channels)};
  return result;
}

LoopsCase test::makeDepthwise(const Depthwise &d) {
  auto getExtent = [&](int size, int kernel, int dilation) {
    return (size + 2 * d.pad - (kernel - 1) * dilation - 1) / d.stride + 1;
  };
  int height = getExtent(d.height, d.kernelH, 1);
  int width = getExtent(d.width, d.kernelW, d.dilationW);
  LoopsCase result;
  result.text = substitute(
      R"(
    #in = affine_map<(n, p, q, c, r, s) -> (n, p * $D + r - $O, q * $D + s * $I - $O, c)>
    #taps = affine_map<(n, p, q, c, r, s) -> (r, s, c)>
    #c = affine_map<(n, p, q, c, r, s) -> (c)>
    #out = affine_map<(n, p, q, c, r, s) -> (n, p, q, c)>
    func.func @main(%a: tensor<$Nx$Hx$Wx$Cxi8>, %res: tensor<$Nx$Px$Qx$Cxi8>) -> tensor<$Nx$Px$Qx$Cxi8> {
      %w = arith.constant $BYTES : tensor<$Rx$Sx$Cxi8>
      %m = arith.constant $SCALES : tensor<$Cxf32>
      %e = tensor.empty() : tensor<$Nx$Px$Qx$Cxi8>
      %r = qopt.loops ins(%a, %w, %m, %res : tensor<$Nx$Hx$Wx$Cxi8>, tensor<$Rx$Sx$Cxi8>,
          tensor<$Cxf32>, tensor<$Nx$Px$Qx$Cxi8>) outs(%e : tensor<$Nx$Px$Qx$Cxi8>) {
      ^bb0(%pixel: i8, %weight: i8, %scale: f32, %residual: i8):
      %p0 = arith.$EXT %pixel : i8 to i32
      %w0 = arith.extsi %weight : i8 to i32
      %product = arith.muli %p0, %w0 : i32
      %sum = qopt.reduce addi %product : i32
      %s0 = arith.sitofp %sum : i32 to f32
      %s1 = arith.mulf %s0, %scale : f32
      %r0 = arith.extsi %residual : i8 to i32
      %r1 = arith.sitofp %r0 : i32 to f32
      %rs = arith.constant 0.0078125 : f32
      %r2 = arith.mulf %r1, %rs : f32
      %y = arith.addf %s1, %r2 : f32$QUANTIZE
      qopt.yield %q : i8
    } {extents = array<i64: $N, $P, $Q, $C, $R, $S>,
       reductions = array<i1: false, false, false, false, true, true>$PADS,
       indexing_maps = [#in, #taps, #c, #out, #out]$CONFIG} -> tensor<$Nx$Px$Qx$Cxi8>
      return %r : tensor<$Nx$Px$Qx$Cxi8>
    })",
      {{"CONFIG", d.config},
       {"QUANTIZE", kQuantize},
       {"EXT", d.isUnsigned ? "extui" : "extsi"},
       {"BYTES", makeBytes(d.kernelH * d.kernelW * d.channels, 3)},
       {"SCALES", makeFloats(d.channels, 5, 0.001f)},
       {"PADS", d.pad ? ", pads = [" + std::to_string(d.padValue) +
                            " : i8, unit, unit, unit]"
                      : ""},
       {"N", std::to_string(d.images)},
       {"H", std::to_string(d.height)},
       {"W", std::to_string(d.width)},
       {"P", std::to_string(height)},
       {"Q", std::to_string(width)},
       {"C", std::to_string(d.channels)},
       {"R", std::to_string(d.kernelH)},
       {"S", std::to_string(d.kernelW)},
       {"D", std::to_string(d.stride)},
       {"I", std::to_string(d.dilationW)},
       {"O", std::to_string(d.pad)}});
  result.inputs = {
      makeElements(d.images * d.height * d.width * d.channels, "i8", 1),
      makeElements(d.images * height * width * d.channels, "i8", 2)};
  return result;
}

//===----------------------------------------------------------------------===//
// Comparison
//===----------------------------------------------------------------------===//

std::vector<emulator::LaunchOptions> test::makeSchedules() {
  emulator::LaunchOptions priorities, random;
  random.schedule = emulator::Schedule::Random;
  random.seed = 2;
  random.preempt = 0.05;
  return {priorities, random};
}

/// NaNs of f32 as one NaN: their sign and payload are unspecified.
static std::vector<char> withoutPayloads(const std::vector<char> &bytes) {
  std::vector<char> result = bytes;
  for (size_t i = 0; i + sizeof(float) <= result.size(); i += sizeof(float)) {
    float value;
    memcpy(&value, &result[i], sizeof(value));
    if (std::isnan(value)) {
      value = std::numeric_limits<float>::quiet_NaN();
      memcpy(&result[i], &value, sizeof(value));
    }
  }
  return result;
}

void test::expectInterpreted(const LoopsCase &loops, bool hasNaNs) {
  std::vector<Buffer> expected = interpretLoops(loops.text, loops.inputs);
  KernelsModel model(loops.text, /*withGemms=*/true);
  ASSERT_EQ(model.error(), "") << loops.text;
  int64_t last = model.getBatch();
  EXPECT_EQ(model.getFixedReason(), "");
  for (const emulator::LaunchOptions &options : makeSchedules()) {
    // The full batch, and all but one sample.
    for (int64_t batch = last; batch >= std::max<int64_t>(last - 1, 1);
         --batch) {
      std::vector<Buffer> actual = model.run(loops.inputs, batch, options);
      ASSERT_EQ(actual.size(), expected.size());
      for (size_t i = 0; i < expected.size(); ++i) {
        Buffer wanted = expected[i];
        wanted.bytes.resize(wanted.bytes.size() / last * batch);
        if (hasNaNs) {
          wanted.bytes = withoutPayloads(wanted.bytes);
          actual[i].bytes = withoutPayloads(actual[i].bytes);
        }
        EXPECT_EQ(wanted.bytes, actual[i].bytes)
            << "result " << i << " of " << batch << " samples";
      }
    }
  }
}
