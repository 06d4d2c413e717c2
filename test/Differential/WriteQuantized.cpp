//===- WriteQuantized.cpp - Weights, casts of exporters, and loops as text ===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "ModuleWriter.h"

#include <algorithm>
#include <cmath>

using namespace mlir::qopt;
using namespace mlir::qopt::differential;

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

Value ModuleWriter::dequantize(const Value &integers,
                               const std::vector<float> &scales,
                               int64_t zeroPoint, int64_t axis) {
  size_t rank = integers.shape.size();
  bool isI8 = integers.element == "i8";
  std::string extend = isI8 ? "      %e = arith.extsi %i0 : i8 to i32\n" : "";
  std::string from = isI8 ? "%e" : "%i0";
  if (scales.size() == 1) {
    Value s = scalar(scales[0]);
    std::string shift;
    if (zeroPoint) {
      shift = "      %z = arith.constant " + std::to_string(zeroPoint) +
              " : i32\n      %s = arith.subi " + from + ", %z : i32\n";
      from = "%s";
    }
    return elementwise({integers},
                       extend + shift + "      %f = arith.sitofp " + from +
                           " : i32 to f32\n      %r = arith.mulf %f, " +
                           s.name + " : f32\n");
  }
  // Per axis: scales and zero points are operands, the zeros, too.
  Value s = constant(scales, {int64_t(scales.size())});
  Value z = constant(std::vector<int64_t>(scales.size(), 0),
                     {int64_t(scales.size())}, integers.element);
  std::string map = makeMap(rank, {size_t(axis)});
  std::string zero = "%i2";
  if (isI8) {
    extend += "      %g = arith.extsi %i2 : i8 to i32\n";
    zero = "%g";
  }
  return elementwise({integers, s, z},
                     extend + "      %s = arith.subi " + from + ", " + zero +
                         " : i32\n      %f = arith.sitofp %s : i32 to f32\n"
                         "      %r = arith.mulf %f, %i1 : f32\n",
                     {identityMap(rank), map, map});
}

Value ModuleWriter::weights(const Node &node, Shape shape, int64_t axis,
                            int64_t products, Random &random) {
  weightScales.clear();
  for (int64_t size : shape)
    if (size < 1)
      return require(false);
  float size = 1.0f / std::sqrt(float(std::max<int64_t>(products, 1)));
  if (node.weights == WeightForm::Float)
    return constant(
        randomWeights(shape, axis, size, node.seed % 2 == 0, random), shape);
  std::vector<int64_t> integers(product(shape));
  for (int64_t &q : integers)
    q = random.range(-127, 127);
  bool perAxis = node.weights == WeightForm::PerAxisQDQ;
  std::vector<float> scales(perAxis ? shape[axis] : 1);
  for (float &scale : scales)
    scale = size / 127.0f * (0.5f + random.uniform());
  int64_t zeroPoint =
      !perAxis && node.variant % 4 == 0 ? random.range(-20, 20) : 0;
  if (zeroPoint == 0)
    weightScales = scales;
  return dequantize(constant(integers, shape, "i8"), scales, zeroPoint, axis);
}

void ModuleWriter::noteSum(const Value &sum, const Value &x) {
  auto edge = edgeScales.find(x.name);
  if (!valid || edge == edgeScales.end() || weightScales.empty())
    return;
  std::vector<float> &scales = sumScales[sum.name];
  for (float scale : weightScales)
    scales.push_back(edge->second * scale);
}

Value ModuleWriter::biasIntegers(const Value &x, int64_t dim,
                                 const std::vector<float> &scales,
                                 Random &random) {
  int64_t channels = x.shape[dim];
  if (scales.size() != 1 && int64_t(scales.size()) != channels)
    return require(false);
  std::vector<int64_t> integers(channels);
  for (int64_t &q : integers)
    q = random.range(-3000, 3000);
  Value real = dequantize(constant(integers, {channels}, "i32"), scales,
                          /*zeroPoint=*/0, /*axis=*/0);
  size_t rank = x.shape.size();
  return elementwise({x, real}, "      %r = arith.addf %i0, %i1 : f32\n",
                     {identityMap(rank), makeMap(rank, {size_t(dim)})});
}

//===----------------------------------------------------------------------===//
// Fake quantization
//===----------------------------------------------------------------------===//

Value ModuleWriter::fakeQuant(const Node &node, const Value &x) {
  if (node.dims.size() != 2)
    return require(false);
  // ONNX divides and has s8 with a zero point, PT2E multiplies and has u8.
  bool isOnnx = node.variant % 2 == 0;
  int64_t z = node.dims[1];
  Random random(node.seed);
  // With powers of two many inputs are ties.
  float mantissa = node.seed % 2 ? 1.0f + random.uniform() : 1.0f;
  float scale = std::ldexp(mantissa, int(node.dims[0]));
  if (isOnnx ? (z < -128 || z > 127) : (z < 0 || z > 255))
    return require(false);
  std::string step = scalar(scale).name, inverse = scalar(1.0f / scale).name;
  std::string low = scalar(isOnnx ? -128.0f : 0.0f).name;
  std::string high = scalar(isOnnx ? 127.0f : 255.0f).name;
  std::string shift = scalar(float(z)).name;
  std::string text =
      "      %a = " +
      (isOnnx ? "arith.divf %i0, " + step : "arith.mulf %i0, " + inverse) +
      " : f32\n      %b = math.roundeven %a : f32\n";
  std::string rounded = "%b";
  if (z) {
    text += "      %c = arith.addf %b, " + shift + " : f32\n";
    rounded = "%c";
  }
  text += "      %d = arith.maximumf " + rounded + ", " + low +
          " : f32\n      %e = arith.minimumf %d, " + high +
          " : f32\n      %r = arith." + (isOnnx ? "fptosi" : "fptoui") +
          " %e : f32 to i8\n";
  Value q = elementwise({x}, text, {}, "i8");
  std::string back;
  if (!isOnnx && z == 0) {
    back = "      %f = arith.uitofp %i0 : i8 to f32\n";
  } else {
    back = std::string("      %e = arith.") + (isOnnx ? "extsi" : "extui") +
           " %i0 : i8 to i32\n";
    std::string from = "%e";
    if (z) {
      back += "      %z = arith.constant " + std::to_string(z) +
              " : i32\n      %s = arith.subi %e, %z : i32\n";
      from = "%s";
    }
    back += "      %f = arith.sitofp " + from + " : i32 to f32\n";
  }
  Value real =
      elementwise({q}, back + "      %r = arith.mulf %f, " + step + " : f32\n");
  edgeScales[real.name] = scale;
  return real;
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

Value ModuleWriter::recurrence(const Node &node, const Value &x) {
  // x: [steps, batch, features]; h = f(x_t W + h U + b), every h is kept.
  if (x.shape.size() != 3 || node.channels < 1)
    return require(false);
  int64_t steps = x.shape[0], batch = x.shape[1], depth = x.shape[2],
          n = node.channels;
  Random random(node.seed);
  Node plain = node;
  plain.weights = WeightForm::Float;
  Value w = weights(plain, {depth, n}, 1, depth, random);
  Value u = weights(plain, {n, n}, 1, n, random);
  Value b = constant(randomWeights({n}, 0, 0.5f, true, random), {n});
  Value start = constant(std::vector<float>(batch * n, 0.0f), {batch, n});
  Value zero = fill(0.0f, {batch, n}), all = empty({steps, batch, n});
  auto index = [&](int64_t value) {
    return define("arith.constant " + std::to_string(value) + " : index", {})
        .name;
  };
  std::string low = index(0), high = index(steps), one = index(1);
  std::string before;
  before.swap(body);

  Value kept{"%kept", {steps, batch, n}}, h{"%h", {batch, n}};
  Value row{"", {1, batch, depth}};
  Value xt = define("tensor.extract_slice " + x.name + "[%t, 0, 0] [1, " +
                        listInts({batch, depth}) + "] [1, 1, 1] : " + x.type() +
                        " to " + row.type(),
                    row.shape);
  Value flat = define("tensor.collapse_shape " + xt.name +
                          " [[0, 1], [2]] : " + row.type() + " into " +
                          Value{"", {batch, depth}}.type(),
                      {batch, depth});
  auto multiply = [&](const Value &a, const Value &c) {
    return define("linalg.matmul ins(" + a.name + ", " + c.name + " : " +
                      a.type() + ", " + c.type() + ") outs(" + zero.name +
                      " : " + zero.type() + ") -> " + zero.type(),
                  zero.shape);
  };
  Value gates = elementwise({multiply(flat, w), b},
                            "      %r = arith.addf %i0, %i1 : f32\n",
                            {identityMap(2), makeMap(2, {1})});
  Value sum = binary(0, gates, multiply(h, u));
  Value next = unary(node.variant % 2 ? 9 : 3, sum);
  Value inserted =
      define("tensor.insert_slice " + next.name + " into " + kept.name +
                 "[%t, 0, 0] [1, " + listInts({batch, n}) +
                 "] [1, 1, 1] : " + next.type() + " into " + kept.type(),
             kept.shape);
  std::string loop = std::move(body);
  body = std::move(before);
  std::string results = fresh();
  body += "    " + results + ":2 = scf.for %t = " + low + " to " + high +
          " step " + one + " iter_args(%kept = " + all.name +
          ", %h = " + start.name + ") -> (" + kept.type() + ", " + h.type() +
          ") {\n" + loop + "      scf.yield " + inserted.name + ", " +
          next.name + " : " + kept.type() + ", " + h.type() + "\n    }\n";
  return Value{results + "#0", kept.shape};
}
