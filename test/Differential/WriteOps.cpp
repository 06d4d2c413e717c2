//===- WriteOps.cpp - Data movement, pools and elementwise ops as text ----===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// In the spellings of exporters.
//
//===----------------------------------------------------------------------===//
#include "ModuleWriter.h"

#include <algorithm>
#include <cmath>

using namespace mlir::qopt;
using namespace mlir::qopt::differential;

//===----------------------------------------------------------------------===//
// Data movement
//===----------------------------------------------------------------------===//

Value ModuleWriter::transpose(const Value &x, const Shape &permutation) {
  Shape sorted = permutation, shape;
  std::sort(sorted.begin(), sorted.end());
  for (size_t d = 0; d < sorted.size(); ++d)
    if (sorted[d] != int64_t(d) || sorted.size() != x.shape.size())
      return require(false);
  if (permutation.size() != x.shape.size())
    return require(false);
  for (int64_t d : permutation)
    shape.push_back(x.shape[d]);
  Value init = empty(shape, x.element);
  return define("linalg.transpose ins(" + x.name + " : " + x.type() +
                    ") outs(" + init.name + " : " + init.type() +
                    ") permutation = [" + listInts(permutation) + "]",
                shape, x.element);
}

/// "[[0, 1], [2]]": how the dimensions of `large` group to those of `small`;
/// empty where they do not.
static std::string makeGroups(const Shape &large, const Shape &small) {
  std::vector<std::string> groups;
  size_t d = 0;
  for (size_t s = 0; s < small.size(); ++s) {
    Shape group = {int64_t(d)};
    if (d >= large.size())
      return "";
    int64_t size = large[d++];
    bool isLast = s + 1 == small.size();
    while (d < large.size() && (size < small[s] || isLast)) {
      size *= large[d];
      group.push_back(d++);
    }
    if (size != small[s])
      return "";
    groups.push_back("[" + listInts(group) + "]");
  }
  return d == large.size() ? "[" + join(groups) + "]" : "";
}

Value ModuleWriter::reshape(const Value &x, const Shape &shape) {
  if (product(shape) != product(x.shape) || shape.empty() || shape == x.shape)
    return require(false);
  Value type{"", shape, x.element};
  bool collapses = shape.size() <= x.shape.size();
  std::string groups =
      collapses ? makeGroups(x.shape, shape) : makeGroups(shape, x.shape);
  if (groups.empty() || shape.size() == x.shape.size()) {
    // Through one dimension, as reshapes arrive.
    Shape flat = {product(shape)};
    if (x.shape.size() == 1 || shape.size() == 1)
      return require(false);
    return reshape(reshape(x, flat), shape);
  }
  if (collapses)
    return define("tensor.collapse_shape " + x.name + " " + groups + " : " +
                      x.type() + " into " + type.type(),
                  shape, x.element);
  return define("tensor.expand_shape " + x.name + " " + groups +
                    " output_shape [" + listInts(shape) + "] : " + x.type() +
                    " into " + type.type(),
                shape, x.element);
}

Value ModuleWriter::slice(const Value &x, int64_t dim, int64_t from,
                          int64_t size) {
  if (dim >= int64_t(x.shape.size()) || from < 0 || size < 1 ||
      from + size > x.shape[dim])
    return require(false);
  Shape offsets(x.shape.size(), 0), sizes = x.shape, strides(x.shape.size(), 1);
  offsets[dim] = from;
  sizes[dim] = size;
  Value type{"", sizes, x.element};
  return define("tensor.extract_slice " + x.name + "[" + listInts(offsets) +
                    "] [" + listInts(sizes) + "] [" + listInts(strides) +
                    "] : " + x.type() + " to " + type.type(),
                sizes, x.element);
}

Value ModuleWriter::pad(const Value &x, const Shape &low, const Shape &high,
                        float value) {
  Shape shape = x.shape;
  std::vector<std::string> arguments;
  bool pads = false;
  for (size_t d = 0; d < shape.size(); ++d) {
    if (low[d] < 0 || high[d] < 0)
      return require(false);
    pads |= low[d] + high[d] > 0;
    shape[d] += low[d] + high[d];
    arguments.push_back("%p" + std::to_string(d) + ": index");
  }
  if (!pads)
    return x;
  Value number = scalar(value), type{"", shape};
  return define("tensor.pad " + x.name + " low[" + listInts(low) + "] high[" +
                    listInts(high) + "] {\n    ^bb0(" + join(arguments) +
                    "):\n      tensor.yield " + number.name +
                    " : f32\n    } : " + x.type() + " to " + type.type(),
                shape);
}

Value ModuleWriter::concat(const std::vector<Value> &inputs, int64_t dim) {
  std::vector<std::string> names, types;
  Shape shape = inputs[0].shape;
  if (dim >= int64_t(shape.size()))
    return require(false);
  shape[dim] = 0;
  for (const Value &input : inputs) {
    if (input.shape.size() != shape.size())
      return require(false);
    Shape rest = input.shape;
    rest[dim] = shape[dim];
    if (rest != shape)
      return require(false);
    shape[dim] += input.shape[dim];
    names.push_back(input.name);
    types.push_back(input.type());
  }
  Value type{"", shape};
  return define("tensor.concat dim(" + std::to_string(dim) + ") " +
                    join(names) + " : (" + join(types) + ") -> " + type.type(),
                shape);
}

Value ModuleWriter::gather(const Value &table, const Value &indices) {
  // Negative indices count from the end.
  Value limit =
      define("arith.constant " + std::to_string(table.shape[0]) + " : i64", {});
  Value zero = define("arith.constant 0 : i64", {});
  Value wrapped =
      elementwise({indices},
                  "      %n = arith.cmpi slt, %i0, " + zero.name +
                      " : i64\n      %s = arith.addi %i0, " + limit.name +
                      " : i64\n      %r = arith.select %n, %s, %i0 : i64\n",
                  {}, "i64");
  Shape shape = {indices.shape[0], table.shape[1]};
  return generic({wrapped}, {"(d0, d1) -> (d0)"}, empty(shape),
                 "(d0, d1) -> (d0, d1)", {"parallel", "parallel"},
                 "      %a = arith.index_cast %i0 : i64 to index\n"
                 "      %b = linalg.index 1 : index\n"
                 "      %r = tensor.extract " +
                     table.name + "[%a, %b] : " + table.type() + "\n");
}

Value ModuleWriter::resize(const Value &x, bool channelsFirst) {
  if (x.shape.size() != 4)
    return require(false);
  Shape shape = x.shape;
  size_t first = channelsFirst ? 2 : 1;
  std::string text;
  std::vector<std::string> indices;
  for (size_t d = 0; d < 4; ++d) {
    std::string index = "%x" + std::to_string(d);
    text += "      " + index + " = linalg.index " + std::to_string(d) +
            " : index\n";
    if (d == first || d == first + 1) {
      // floor(i * 0.5) in floating point, as it is exported.
      shape[d] *= 2;
      std::string n = std::to_string(d);
      text += "      %a" + n + " = arith.index_cast " + index +
              " : index to i64\n      %b" + n + " = arith.sitofp %a" + n +
              " : i64 to f32\n      %c" + n +
              " = arith.constant 5.0e-01 : f32\n      %d" + n +
              " = arith.mulf %b" + n + ", %c" + n + " : f32\n      %e" + n +
              " = math.floor %d" + n + " : f32\n      %f" + n +
              " = arith.fptosi %e" + n + " : f32 to i64\n      %g" + n +
              " = arith.index_cast %f" + n + " : i64 to index\n";
      index = "%g" + n;
    }
    indices.push_back(index);
  }
  text += "      %r = tensor.extract " + x.name + "[" + join(indices) +
          "] : " + x.type() + "\n";
  return generic({}, {}, empty(shape), identityMap(4),
                 std::vector<std::string>(4, "parallel"), text);
}

//===----------------------------------------------------------------------===//
// Pools and reductions
//===----------------------------------------------------------------------===//

Value ModuleWriter::pool(const Node &node, const Value &x) {
  if (x.shape.size() != 4 || node.window.size() != 2)
    return require(false);
  bool isMax = node.kind == Kind::MaxPool;
  size_t first = node.channelsFirst ? 2 : 1;
  Shape low(4, 0), high(4, 0), window, strides, dilations;
  int64_t count = 1;
  for (size_t i = 0; i < 2; ++i) {
    const Window &w = node.window[i];
    if (w.size < 1 || w.stride < 1 || w.padLow >= w.size || w.padHigh >= w.size)
      return require(false);
    low[first + i] = w.padLow;
    high[first + i] = w.padHigh;
    window.push_back(w.size);
    strides.push_back(w.stride);
    dilations.push_back(1);
    count *= w.size;
  }
  float start = isMax ? -INFINITY : 0.0f;
  Value padded = pad(x, low, high, start);
  Shape shape = padded.shape;
  for (size_t i = 0; i < 2; ++i) {
    int64_t room = shape[first + i] - window[i];
    if (room < 0)
      return require(false);
    shape[first + i] = room / strides[i] + 1;
  }
  Value init = fill(start, shape), size = empty(window);
  std::string name = std::string("linalg.pooling_") +
                     (node.channelsFirst ? "nchw_" : "nhwc_") +
                     (isMax ? "max" : "sum");
  Value pooled = define(
      name + " {dilations = dense<1> : vector<2xi64>, strides = dense<[" +
          listInts(strides) + "]> : vector<2xi64>} ins(" + padded.name + ", " +
          size.name + " : " + padded.type() + ", " + size.type() + ") outs(" +
          init.name + " : " + init.type() + ") -> " + init.type(),
      shape);
  if (isMax)
    return pooled;
  Value divisor = scalar(float(count));
  return elementwise({pooled},
                     "      %r = arith.divf %i0, " + divisor.name + " : f32\n");
}

Value ModuleWriter::globalMean(const Node &node, const Value &x) {
  size_t rank = x.shape.size();
  if (rank < 3)
    return require(false);
  size_t channel = node.channelsFirst ? 1 : rank - 1;
  Shape shape(rank, 1);
  std::vector<std::string> out, iterators;
  int64_t count = 1;
  for (size_t d = 0; d < rank; ++d) {
    bool kept = d == 0 || d == channel;
    shape[d] = kept ? x.shape[d] : 1;
    count *= kept ? 1 : x.shape[d];
    out.push_back(kept ? "d" + std::to_string(d) : "0");
    iterators.push_back(kept ? "parallel" : "reduction");
  }
  Value sum = generic({x}, {identityMap(rank)}, fill(0.0f, shape),
                      "(" + listDims(rank) + ") -> (" + join(out) + ")",
                      iterators, "      %r = arith.addf %i0, %o : f32\n");
  Value divisor = scalar(float(count));
  Value mean = elementwise({sum}, "      %r = arith.divf %i0, " + divisor.name +
                                      " : f32\n");
  return node.variant ? mean : reshape(mean, {x.shape[0], x.shape[channel]});
}

Value ModuleWriter::reduceLast(const Value &x, const std::string &op,
                               float init) {
  size_t rank = x.shape.size();
  Shape shape = x.shape;
  shape.back() = 1;
  std::vector<std::string> out, iterators(rank, "parallel");
  for (size_t d = 0; d + 1 < rank; ++d)
    out.push_back("d" + std::to_string(d));
  out.push_back("0");
  iterators.back() = "reduction";
  return generic({x}, {identityMap(rank)}, fill(init, shape),
                 "(" + listDims(rank) + ") -> (" + join(out) + ")", iterators,
                 "      %r = " + op + " %i0, %o : f32\n");
}

static std::string keepMap(size_t rank) {
  std::vector<std::string> out;
  for (size_t d = 0; d + 1 < rank; ++d)
    out.push_back("d" + std::to_string(d));
  out.push_back("0");
  return "(" + listDims(rank) + ") -> (" + join(out) + ")";
}

Value ModuleWriter::softmax(int, const Value &x) {
  size_t rank = x.shape.size();
  std::vector<std::string> maps = {identityMap(rank), keepMap(rank)};
  Value max = reduceLast(x, "arith.maximumf", -INFINITY);
  Value shifted =
      elementwise({x, max}, "      %r = arith.subf %i0, %i1 : f32\n", maps);
  Value exp = elementwise({shifted}, "      %r = math.exp %i0 : f32\n");
  Value sum = reduceLast(exp, "arith.addf", 0.0f);
  return elementwise({exp, sum}, "      %r = arith.divf %i0, %i1 : f32\n",
                     maps);
}

Value ModuleWriter::layerNorm(const Node &node, const Value &x) {
  size_t rank = x.shape.size();
  int64_t width = x.shape.back();
  std::vector<std::string> row = {identityMap(rank), keepMap(rank)};
  std::vector<std::string> column = {identityMap(rank),
                                     makeMap(rank, {rank - 1})};
  Value n = scalar(float(width)), epsilon = scalar(1e-5f);
  std::string divide = "      %r = arith.divf %i0, " + n.name + " : f32\n";
  Value mean = elementwise({reduceLast(x, "arith.addf", 0.0f)}, divide);
  Value centred =
      elementwise({x, mean}, "      %r = arith.subf %i0, %i1 : f32\n", row);
  Value square =
      elementwise({centred, centred}, "      %r = arith.mulf %i0, %i1 : f32\n");
  Value variance =
      elementwise({reduceLast(square, "arith.addf", 0.0f)}, divide);
  Value safe = elementwise({variance}, "      %r = arith.addf %i0, " +
                                           epsilon.name + " : f32\n");
  Value scale = elementwise({safe}, "      %r = math.rsqrt %i0 : f32\n");
  Value normal = elementwise({centred, scale},
                             "      %r = arith.mulf %i0, %i1 : f32\n", row);
  Random random(node.seed);
  std::vector<float> gamma(width), beta(width);
  for (int64_t i = 0; i < width; ++i) {
    gamma[i] = 1.0f + 0.5f * random.symmetric();
    beta[i] = 0.5f * random.symmetric();
  }
  Value scaled = elementwise({normal, constant(gamma, {width})},
                             "      %r = arith.mulf %i0, %i1 : f32\n", column);
  return elementwise({scaled, constant(beta, {width})},
                     "      %r = arith.addf %i0, %i1 : f32\n", column);
}

//===----------------------------------------------------------------------===//
// Elementwise
//===----------------------------------------------------------------------===//

Value ModuleWriter::bias(const Value &x, int64_t dim,
                         const std::vector<float> &values) {
  size_t rank = x.shape.size();
  Value b = constant(values, {int64_t(values.size())});
  return elementwise({x, b}, "      %r = arith.addf %i0, %i1 : f32\n",
                     {identityMap(rank), makeMap(rank, {size_t(dim)})});
}

Value ModuleWriter::affine(const Node &node, const Value &x) {
  size_t rank = x.shape.size();
  if (node.dims[0] >= int64_t(rank))
    return require(false);
  int64_t channels = x.shape[node.dims[0]];
  Random random(node.seed);
  std::vector<float> scales(channels), shifts(channels);
  for (int64_t i = 0; i < channels; ++i) {
    scales[i] = 0.25f + random.uniform();
    shifts[i] = random.symmetric();
  }
  std::vector<std::string> maps = {identityMap(rank),
                                   makeMap(rank, {size_t(node.dims[0])})};
  Value scaled = elementwise({x, constant(scales, {channels})},
                             "      %r = arith.mulf %i0, %i1 : f32\n", maps);
  return elementwise({scaled, constant(shifts, {channels})},
                     "      %r = arith.addf %i0, %i1 : f32\n", maps);
}

Value ModuleWriter::binary(int variant, const Value &a, const Value &b) {
  static const char *const ops[] = {"arith.addf", "arith.subf", "arith.mulf"};
  if (a.shape != b.shape)
    return require(false);
  return elementwise({a, b}, std::string("      %r = ") + ops[variant % 3] +
                                 " %i0, %i1 : f32\n");
}

Value ModuleWriter::unary(int variant, const Value &x) {
  auto number = [&](float value) { return scalar(value).name; };
  auto line = [](const std::string &name, const std::string &op,
                 const std::string &arguments) {
    return "      %" + name + " = " + op + " " + arguments + " : f32\n";
  };
  auto relu = [&](const std::string &bound, const char *predicate,
                  const std::string &in, const std::string &out) {
    return line("c" + out, std::string("arith.cmpf ") + predicate + ",",
                in + ", " + bound) +
           "      %" + out + " = arith.select %c" + out + ", " + in + ", " +
           bound + " : f32\n";
  };
  switch (variant) {
  case 0:
    return elementwise({x}, relu(number(0.0f), "ugt", "%i0", "r"));
  case 1:
    return elementwise({x},
                       line("r", "arith.maximumf", "%i0, " + number(0.0f)));
  case 2: { // relu6
    std::string low = number(0.0f), high = number(6.0f);
    return elementwise({x}, relu(low, "ugt", "%i0", "a") +
                                relu(high, "ult", "%a", "r"));
  }
  case 3: { // clip
    std::string low = number(-0.75f), high = number(1.25f);
    return elementwise({x}, line("a", "arith.maximumf", "%i0, " + low) +
                                line("r", "arith.minimumf", "%a, " + high));
  }
  case 4: // leaky relu
    return elementwise({x},
                       line("c", "arith.cmpf ugt,", "%i0, " + number(0.0f)) +
                           line("m", "arith.mulf", "%i0, " + number(0.1f)) +
                           "      %r = arith.select %c, %i0, %m : f32\n");
  case 5:
    return elementwise({x}, line("r", "arith.mulf", "%i0, " + number(0.375f)));
  case 6:
    return elementwise({x}, line("r", "arith.addf", "%i0, " + number(-0.3f)));
  case 7: // hard swish
    return elementwise({x},
                       line("a", "arith.addf", "%i0, " + number(3.0f)) +
                           line("b", "arith.maximumf", "%a, " + number(0.0f)) +
                           line("c", "arith.minimumf", "%b, " + number(6.0f)) +
                           line("d", "arith.mulf", "%i0, %c") +
                           line("r", "arith.divf", "%d, " + number(6.0f)));
  case 8: // sigmoid
    return elementwise({x}, line("a", "arith.negf", "%i0") +
                                line("b", "math.exp", "%a") +
                                line("c", "arith.addf", "%b, " + number(1.0f)) +
                                line("r", "arith.divf", number(1.0f) + ", %c"));
  case 9:
    return elementwise({x}, line("r", "math.tanh", "%i0"));
  case 10: // gelu, erf
    return elementwise({x},
                       line("a", "arith.divf", "%i0, " + number(1.41421354f)) +
                           line("b", "math.erf", "%a") +
                           line("c", "arith.addf", "%b, " + number(1.0f)) +
                           line("d", "arith.mulf", "%c, " + number(0.5f)) +
                           line("r", "arith.mulf", "%i0, %d"));
  case 11: { // gelu, tanh
    std::string cube = "      %k = arith.constant 3 : i32\n"
                       "      %a = math.fpowi %i0, %k : f32, i32\n";
    return elementwise(
        {x}, cube + line("b", "arith.mulf", "%a, " + number(0.044715f)) +
                 line("c", "arith.addf", "%i0, %b") +
                 line("d", "arith.mulf", "%c, " + number(0.797884583f)) +
                 line("e", "math.tanh", "%d") +
                 line("f", "arith.addf", "%e, " + number(1.0f)) +
                 line("g", "arith.mulf", "%i0, " + number(0.5f)) +
                 line("r", "arith.mulf", "%g, %f"));
  }
  case 12: { // silu: sigmoid, then a product
    Value gate = unary(8, x);
    return binary(2, x, gate);
  }
  case 13:
    return elementwise({x}, line("r", "math.absf", "%i0"));
  case 14: // square
    return elementwise({x}, line("r", "arith.mulf", "%i0, %i0"));
  default:
    return elementwise({x}, line("r", "arith.negf", "%i0"));
  }
}
