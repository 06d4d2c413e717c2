//===- WriteContractions.cpp - Matrix products and convolutions as text ---===//
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

static const char *const kMulAdd = "      %m = arith.mulf %i0, %i1 : f32\n"
                                   "      %r = arith.addf %o, %m : f32\n";

static std::string writeOp(const std::string &op, const Value &a,
                           const Value &b, const Value &init) {
  return op + " ins(" + a.name + ", " + b.name + " : " + a.type() + ", " +
         b.type() + ") outs(" + init.name + " : " + init.type() + ") -> " +
         init.type();
}

//===----------------------------------------------------------------------===//
// Matrix products
//===----------------------------------------------------------------------===//

Value ModuleWriter::matmulOp(const Node &node, const Value &x, Random &random) {
  int64_t depth = x.shape.back(), n = node.channels;
  size_t rank = x.shape.size();
  if (n < 1 || rank < 2 || rank > 3)
    return require(false);
  Shape shape = x.shape;
  shape.back() = n;
  if (rank == 2) {
    auto start = [&] {
      if (!node.biasInit)
        return fill(0.0f, shape);
      Value b = constant(randomWeights({n}, 0, 0.5f, true, random), {n});
      Value init = empty(shape);
      return define("linalg.broadcast ins(" + b.name + " : " + b.type() +
                        ") outs(" + init.name + " : " + init.type() +
                        ") dimensions = [0]",
                    shape);
    };
    std::string swapped =
        "affine_map<(d0, d1, d2) -> (d0, d2)>, affine_map<(d0, d1, d2) -> (d1, "
        "d2)>, affine_map<(d0, d1, d2) -> (d0, d1)>";
    switch (node.variant % 5) {
    case 0:
      return define(writeOp("linalg.matmul", x,
                            weights(node, {depth, n}, 1, depth, random),
                            start()),
                    shape);
    case 1: { // Gemm: weights are transposed first.
      Value w = weights(node, {n, depth}, 0, depth, random);
      Value t = transpose(w, {1, 0});
      return define(writeOp("linalg.matmul", x, t, start()), shape);
    }
    case 2:
      return define(writeOp("linalg.matmul indexing_maps = [" + swapped + "]",
                            x, weights(node, {n, depth}, 0, depth, random),
                            start()),
                    shape);
    case 3:
      return define(writeOp("linalg.contract indexing_maps = [" + swapped + "]",
                            x, weights(node, {n, depth}, 0, depth, random),
                            start()),
                    shape);
    default: {
      Value w = weights(node, {depth, n}, 1, depth, random);
      return generic({x, w},
                     {"(d0, d1, d2) -> (d0, d2)", "(d0, d1, d2) -> (d2, d1)"},
                     start(), "(d0, d1, d2) -> (d0, d1)",
                     {"parallel", "parallel", "reduction"}, kMulAdd);
    }
    }
  }
  // A linear layer on [batch, position, feature].
  int64_t batch = x.shape[0];
  switch (node.variant % 3) {
  case 0: { // The weight is copied to three dimensions.
    Value w = weights(node, {depth, n}, 1, depth, random);
    if (!valid)
      return w;
    Value wide = generic({w}, {"(d0, d1, d2) -> (d1, d2)"},
                         empty({batch, depth, n}), identityMap(3),
                         {"parallel", "parallel", "parallel"}, "", "%i0");
    return define(writeOp("linalg.batch_matmul", x, wide, fill(0.0f, shape)),
                  shape);
  }
  case 1: {
    Value w = weights(node, {n, depth}, 0, depth, random);
    return generic(
        {x, w},
        {"(d0, d1, d2, d3) -> (d0, d1, d3)", "(d0, d1, d2, d3) -> (d2, d3)"},
        fill(0.0f, shape), "(d0, d1, d2, d3) -> (d0, d1, d2)",
        {"parallel", "parallel", "parallel", "reduction"}, kMulAdd);
  }
  default: {
    Value flat = reshape(x, {batch * x.shape[1], depth});
    if (!valid)
      return flat;
    Value w = weights(node, {depth, n}, 1, depth, random);
    Shape flatShape = {flat.shape[0], n};
    Value y = define(writeOp("linalg.matmul", flat, w, fill(0.0f, flatShape)),
                     flatShape);
    return reshape(y, shape);
  }
  }
}

Value ModuleWriter::matmul(const Node &node, const Value &x) {
  Random random(node.seed);
  return matmulOp(node, x, random);
}

Value ModuleWriter::batchMatmul(const Node &node, const Value &a,
                                const Value &b) {
  if (a.shape.size() != 3 || b.shape.size() != 3 || a.shape[0] != b.shape[0])
    return require(false);
  bool transposed = node.variant % 2;
  int64_t depth = b.shape[transposed ? 2 : 1], n = b.shape[transposed ? 1 : 2];
  if (depth != a.shape[2])
    return require(false);
  Shape shape = {a.shape[0], a.shape[1], n};
  Value init = fill(0.0f, shape);
  if (!transposed)
    return define(writeOp("linalg.batch_matmul", a, b, init), shape);
  if (node.variant % 4 == 1)
    return define(
        writeOp("linalg.batch_matmul", a, transpose(b, {0, 2, 1}), init),
        shape);
  return define(
      writeOp(
          "linalg.batch_matmul indexing_maps = [affine_map<(d0, d1, d2, d3) "
          "-> (d0, d1, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d2, d3)>, "
          "affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>]",
          a, b, init),
      shape);
}

//===----------------------------------------------------------------------===//
// Convolutions
//===----------------------------------------------------------------------===//

namespace {
/// What the spellings of a convolution share.
struct ConvShape {
  size_t spatial;           ///< number of spatial dimensions
  size_t channelDim, first; ///< of channels and first spatial dimension
  Shape result, kernel;
  std::string attributes;
  int64_t products = 1;
};
} // namespace

/// Shape of the result, with `channels` results for each of the groups' inputs.
static bool fitConv(const Node &node, const Value &x, ConvShape &conv) {
  conv.spatial = x.shape.size() - 2;
  if (x.shape.size() < 3 || node.window.size() != conv.spatial ||
      conv.spatial > 2)
    return false;
  conv.channelDim = node.channelsFirst ? 1 : x.shape.size() - 1;
  conv.first = node.channelsFirst ? 2 : 1;
  conv.result = x.shape;
  Shape strides, dilations;
  for (size_t i = 0; i < conv.spatial; ++i) {
    const Window &w = node.window[i];
    if (w.size < 1 || w.stride < 1 || w.dilation < 1)
      return false;
    int64_t room = x.shape[conv.first + i] - (w.size - 1) * w.dilation - 1;
    if (room < 0)
      return false;
    conv.result[conv.first + i] = room / w.stride + 1;
    conv.kernel.push_back(w.size);
    conv.products *= w.size;
    strides.push_back(w.stride);
    dilations.push_back(w.dilation);
  }
  std::string type = " : vector<" + std::to_string(conv.spatial) + "xi64>";
  conv.attributes = " {dilations = dense<[" + listInts(dilations) + "]>" +
                    type + ", strides = dense<[" + listInts(strides) + "]>" +
                    type + "}";
  return true;
}

Value ModuleWriter::convOp(const Node &node, const Value &x, Random &random) {
  ConvShape conv;
  int64_t n = node.channels, groups = node.groups;
  if (n < 1 || groups < 1 || !fitConv(node, x, conv))
    return require(false);
  int64_t c = x.shape[conv.channelDim];
  if (c % groups || n % groups)
    return require(false);
  Shape shape = conv.result;
  shape[conv.channelDim] = n;
  bool depthwise = groups > 1 && groups == c && n == c;
  auto start = [&](int64_t channels, Shape of, size_t dim) {
    if (!node.biasInit)
      return fill(0.0f, of);
    Value b =
        constant(randomWeights({channels}, 0, 0.5f, true, random), {channels});
    Value init = empty(of);
    Shape others;
    for (size_t d = 0; d < of.size(); ++d)
      if (d != dim)
        others.push_back(d);
    return define("linalg.broadcast ins(" + b.name + " : " + b.type() +
                      ") outs(" + init.name + " : " + init.type() +
                      ") dimensions = [" + listInts(others) + "]",
                  of);
  };
  auto withKernel = [&](Shape before, Shape after) {
    before.insert(before.end(), conv.kernel.begin(), conv.kernel.end());
    before.insert(before.end(), after.begin(), after.end());
    return before;
  };
  std::string rank = std::to_string(conv.spatial);
  if (depthwise) {
    if (conv.spatial != 2)
      return require(false);
    Value w =
        node.channelsFirst
            ? weights(node, withKernel({c}, {}), 0, conv.products, random)
            : weights(node, withKernel({}, {c}), 2, conv.products, random);
    std::string name = node.channelsFirst ? "linalg.depthwise_conv_2d_nchw_chw"
                                          : "linalg.depthwise_conv_2d_nhwc_hwc";
    return define(
        writeOp(name + conv.attributes, x, w, start(c, shape, conv.channelDim)),
        shape);
  }
  int64_t products = conv.products * c / groups;
  if (groups > 1) {
    if (conv.spatial != 2 || !node.channelsFirst || c == groups)
      return require(false);
    Value grouped =
        reshape(x, {x.shape[0], groups, c / groups, x.shape[2], x.shape[3]});
    Value w = weights(node, withKernel({groups, n / groups, c / groups}, {}), 1,
                      products, random);
    Shape wide = {shape[0], groups, n / groups, shape[2], shape[3]};
    Value y = define(writeOp("linalg.conv_2d_ngchw_gfchw" + conv.attributes,
                             grouped, w, fill(0.0f, wide)),
                     wide);
    return reshape(y, shape);
  }
  Value w, init = start(n, shape, conv.channelDim);
  std::string name = "linalg.conv_" + rank + "d_";
  if (node.channelsFirst) {
    w = weights(node, withKernel({n, c}, {}), 0, products, random);
    name += conv.spatial == 2 ? "nchw_fchw" : "ncw_fcw";
  } else if (node.variant % 2 && conv.spatial == 2) {
    w = weights(node, withKernel({n}, {c}), 0, products, random);
    name += "nhwc_fhwc";
  } else {
    w = weights(node, withKernel({}, {c, n}), conv.spatial + 1, products,
                random);
    name += conv.spatial == 2 ? "nhwc_hwcf" : "nwc_wcf";
  }
  return define(writeOp(name + conv.attributes, x, w, init), shape);
}

Value ModuleWriter::conv(const Node &node, Value x) {
  Random random(node.seed);
  size_t rank = x.shape.size();
  if (rank < 3 || node.window.size() != rank - 2)
    return require(false);
  Shape low(rank, 0), high(rank, 0);
  size_t first = node.channelsFirst ? 2 : 1;
  for (size_t i = 0; i < node.window.size(); ++i) {
    low[first + i] = node.window[i].padLow;
    high[first + i] = node.window[i].padHigh;
  }
  return convOp(node, pad(x, low, high, 0.0f), random);
}
