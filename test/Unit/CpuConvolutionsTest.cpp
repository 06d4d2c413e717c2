//===- CpuConvolutionsTest.cpp - Spellings of convolutions -----*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every named convolution, with strides and dilations, gives the exact result,
// with fast and with plain kernels.
//
//===----------------------------------------------------------------------===//
#include "SumOfProducts.h"

#include <map>

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::test;

namespace {
/// A convolution in the loops (b, g, o, y, x, c, v, u), with its layouts as
/// orders of these letters: i = input, f = filter, r = result.
struct ConvCase {
  const char *op;
  const char *input, *filter, *result;
  bool depthwise = false;
  int64_t groups = 1;
  const char *type = "f32";
};

constexpr int64_t kBatch = 2, kIn = 3, kOut = 4, kOutY = 4, kOutX = 5,
                  kTapY = 3, kTapX = 2;

/// Extents of the letters and the resulting type and strides of a layout.
struct Layout {
  std::string type;
  std::map<char, int64_t> strides;
  int64_t count = 1;
  Layout(const char *order, const std::map<char, int64_t> &extents,
         const char *element) {
    std::string order_(order);
    type = "tensor<";
    for (char c : order_)
      type += std::to_string(extents.at(c)) + "x";
    type += std::string(element) + ">";
    for (auto c = order_.rbegin(); c != order_.rend(); ++c) {
      strides[*c] = count;
      count *= extents.at(*c);
    }
  }
  int64_t of(char letter) const {
    auto it = strides.find(letter);
    return it == strides.end() ? 0 : it->second;
  }
};

template <typename T, typename O>
void checkConv(const ConvCase &c, int64_t stride, int64_t dilation) {
  SCOPED_TRACE(std::string(c.op) + " stride " + std::to_string(stride) +
               " dilation " + std::to_string(dilation));
  bool has1D = !strchr(c.input, 'y'), has3D = strchr(c.input, 'z');
  std::map<char, int64_t> extents = {{'b', kBatch},
                                     {'g', c.groups},
                                     {'c', c.depthwise ? 1 : kIn},
                                     {'o', c.depthwise ? 1 : kOut},
                                     {'v', kTapY},
                                     {'u', kTapX},
                                     {'t', 2}};
  if (c.depthwise)
    extents['g'] = 6;
  if (strchr(c.filter, 'o') && c.depthwise)
    extents['o'] = 2; // Channel multiplier.
  std::map<char, int64_t> in = extents, out = extents;
  in['y'] = (kOutY - 1) * stride + (kTapY - 1) * dilation + 1;
  in['x'] = (kOutX - 1) * stride + (kTapX - 1) * dilation + 1;
  in['z'] = (3 - 1) * stride + (2 - 1) * dilation + 1;
  out['y'] = kOutY;
  out['x'] = kOutX;
  out['z'] = 3;
  const char *element = std::is_same_v<T, float> ? "f32" : "i8";
  const char *sumElement = std::is_same_v<T, float> ? "f32" : "i32";
  Layout i(c.input, in, element), f(c.filter, extents, element),
      r(c.result, out, sumElement);

  auto values = [](int64_t n, unsigned seed) {
    return std::is_same_v<T, float> ? smallIntegers<T>(n, seed)
                                    : smallIntegers<T>(n, seed, -128, 127);
  };
  std::vector<T> input = values(i.count, 1), filter = values(f.count, 2);
  Strides loops = {
      kBatch, extents['g'], extents['o'],  has3D ? 3 : 1,     has1D ? 1 : kOutY,
      kOutX,  extents['c'], has3D ? 2 : 1, has1D ? 1 : kTapY, kTapX};
  Strides iStrides = {i.of('b'),
                      i.of('g'),
                      0,
                      i.of('z') * stride,
                      i.of('y') * stride,
                      i.of('x') * stride,
                      i.of('c'),
                      i.of('z') * dilation,
                      i.of('y') * dilation,
                      i.of('x') * dilation};
  Strides fStrides = {0, f.of('g'), f.of('o'), 0,         0,
                      0, f.of('c'), f.of('t'), f.of('v'), f.of('u')};
  Strides rStrides = {r.of('b'), r.of('g'), r.of('o'), r.of('z'), r.of('y'),
                      r.of('x'), 0,         0,         0,         0};
  std::string rank = has1D ? "1" : has3D ? "3" : "2";
  std::string attributes = " {dilations = dense<" + std::to_string(dilation) +
                           "> : vector<" + rank + "xi64>, strides = dense<" +
                           std::to_string(stride) + "> : vector<" + rank +
                           "xi64>}";
  std::string op = "linalg." + std::string(c.op) + attributes +
                   " ins(%a, %b : " + i.type + ", " + f.type +
                   ") outs(%zero : " + r.type + ") -> " + r.type;
  expectBoth(around(i.type, f.type, r.type, sumElement, op), {input, filter},
             sumOfProducts<T, T, O>(loops, input, iStrides, filter, fStrides,
                                    std::vector<O>(r.count, O(0)), rStrides));
}

const ConvCase kConvCases[] = {
    {"conv_1d_ncw_fcw", "bcx", "ocu", "box"},
    {"conv_1d_nwc_wcf", "bxc", "uco", "bxo"},
    {"conv_2d_nchw_fchw", "bcyx", "ocvu", "boyx"},
    {"conv_2d_nhwc_hwcf", "byxc", "vuco", "byxo"},
    {"conv_2d_nhwc_fhwc", "byxc", "ovuc", "byxo"},
    {"conv_2d_ngchw_fgchw", "bgcyx", "ogcvu", "bgoyx", false, 2},
    {"conv_2d_ngchw_gfchw", "bgcyx", "gocvu", "bgoyx", false, 2},
    {"conv_2d_nhwgc_gfhwc", "byxgc", "govuc", "byxgo", false, 2},
    {"conv_3d_ncdhw_fcdhw", "bczyx", "octvu", "bozyx"},
    {"conv_3d_ndhwc_dhwcf", "bzyxc", "tvuco", "bzyxo"},
    {"depthwise_conv_1d_ncw_cw", "bgx", "gu", "bgx", true},
    {"depthwise_conv_1d_nwc_wc", "bxg", "ug", "bxg", true},
    {"depthwise_conv_2d_nchw_chw", "bgyx", "gvu", "bgyx", true},
    {"depthwise_conv_2d_nhwc_hwc", "byxg", "vug", "byxg", true},
    {"depthwise_conv_2d_nhwc_hwcm", "byxg", "vugo", "byxgo", true},
};
} // namespace

TEST(CpuConvolutions, Spellings) {
  for (const ConvCase &c : kConvCases)
    for (int64_t stride : {1, 2})
      for (int64_t dilation : {1, 2})
        checkConv<float, float>(c, stride, dilation);
}

TEST(CpuConvolutions, Integers) {
  for (const char *name : {"conv_2d_nchw_fchw", "conv_2d_nhwc_hwcf",
                           "conv_2d_nhwc_fhwc", "depthwise_conv_2d_nhwc_hwc"})
    for (const ConvCase &c : kConvCases)
      if (StringRef(c.op) == name)
        checkConv<int8_t, int32_t>(c, 2, 1);
}

/// 1x1 windows, windows as large as the input, a generic with the filter first.
TEST(CpuConvolutions, Degenerate) {
  auto x = smallIntegers<float>(2 * 3 * 5 * 5, 1),
       w = smallIntegers<float>(4 * 3, 2);
  expectBoth(
      around("tensor<2x3x5x5xf32>", "tensor<4x3x1x1xf32>",
             "tensor<2x4x3x3xf32>", "f32",
             "linalg.conv_2d_nchw_fchw {strides = dense<2> : vector<2xi64>, "
             "dilations = dense<1> : vector<2xi64>} ins(%a, %b : "
             "tensor<2x3x5x5xf32>, tensor<4x3x1x1xf32>) outs(%zero : "
             "tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>"),
      {x, w},
      sumOfProducts<float, float, float>(
          {2, 4, 3, 3, 3}, x, {75, 0, 10, 2, 25}, w, {0, 3, 0, 0, 1},
          std::vector<float>(72, 0.0f), {36, 9, 3, 1, 0}));
  auto full = smallIntegers<float>(4 * 3 * 25, 3);
  expectBoth(
      around("tensor<2x3x5x5xf32>", "tensor<4x3x5x5xf32>",
             "tensor<2x4x1x1xf32>", "f32",
             "linalg.conv_2d_nchw_fchw ins(%a, %b : tensor<2x3x5x5xf32>, "
             "tensor<4x3x5x5xf32>) outs(%zero : tensor<2x4x1x1xf32>) -> "
             "tensor<2x4x1x1xf32>"),
      {x, full},
      sumOfProducts<float, float, float>(
          {2, 4, 75}, x, {75, 0, 1}, full, {0, 75, 1},
          std::vector<float>(8, 0.0f), {4, 1, 0}));
  auto taps = smallIntegers<float>(3, 4), signal = smallIntegers<float>(9, 5);
  expectBoth(
      around("tensor<3xf32>", "tensor<9xf32>", "tensor<7xf32>", "f32",
             R"(linalg.generic {indexing_maps = [affine_map<(p, t) -> (t)>,
               affine_map<(p, t) -> (p + t)>, affine_map<(p, t) -> (p)>],
               iterator_types = ["parallel", "reduction"]}
               ins(%a, %b : tensor<3xf32>, tensor<9xf32>)
               outs(%zero : tensor<7xf32>) {
             ^bb0(%x: f32, %y: f32, %acc: f32):
               %p = arith.mulf %x, %y : f32
               %s = arith.addf %acc, %p : f32
               linalg.yield %s : f32
             } -> tensor<7xf32>)"),
      {taps, signal},
      sumOfProducts<float, float, float>({7, 3}, taps, {0, 1}, signal, {1, 1},
                                         std::vector<float>(7, 0.0f), {1, 0}));
}
