//===- ConvCase.cpp - Windows of a convolution -----------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "ConvCase.h"

#include <sstream>

using namespace mlir::qopt::test;

int64_t ConvAxis::getOut() const {
  int64_t padded = padLow + (size - 1) * inputDilation + 1 + padHigh;
  return (padded - (kernel - 1) * dilation - 1) / stride + 1;
}

std::string ConvShape::getWindow() const {
  std::ostringstream os;
  auto pair = [&](const char *name, int64_t first, int64_t second) {
    os << name << " = [" << first << ", " << second << "], ";
  };
  os << "#qopt.window<";
  pair("kernel", h.kernel, w.kernel);
  pair("out", h.getOut(), w.getOut());
  pair("stride", h.stride, w.stride);
  pair("dilation", h.dilation, w.dilation);
  pair("pad", h.padLow, w.padLow);
  pair("input_dilation", h.inputDilation, w.inputDilation);
  os << "groups = " << groups << ", pad_value = " << padValue << '>';
  return os.str();
}

std::string ConvShape::getName() const {
  std::ostringstream os;
  os << "conv" << images << 'x' << h.size << 'x' << w.size << 'x' << channels
     << "_k" << h.kernel << 'x' << w.kernel;
  auto pair = [&](const char *name, int64_t first, int64_t second,
                  int64_t usual) {
    if (first != usual || second != usual)
      os << '_' << name << first << 'x' << second;
  };
  pair("s", h.stride, w.stride, 1);
  pair("d", h.dilation, w.dilation, 1);
  pair("p", h.padLow, w.padLow, 0);
  pair("up", h.inputDilation, w.inputDilation, 1);
  if (groups != 1)
    os << "_g" << groups;
  if (padValue != 0)
    os << "_v" << static_cast<int>(static_cast<uint8_t>(padValue));
  return os.str();
}

/// The pixel of tap `tap` of window `out`, or -1.
static int64_t getPixel(const ConvAxis &axis, int64_t out, int64_t tap) {
  int64_t position = out * axis.stride + tap * axis.dilation - axis.padLow;
  if (position < 0 || position % axis.inputDilation != 0 ||
      position / axis.inputDilation >= axis.size)
    return -1;
  return position / axis.inputDilation;
}

std::vector<int32_t> mlir::qopt::test::convolve(
    const ConvShape &conv, int64_t columns, const std::vector<uint8_t> &image,
    bool unsignedImage, const std::vector<uint8_t> &b, bool unsignedB) {
  auto widen = [](uint8_t byte, bool isUnsigned) -> int32_t {
    return isUnsigned ? byte : static_cast<int8_t>(byte);
  };
  int64_t channels = conv.channels / conv.groups;
  int64_t outH = conv.h.getOut(), outW = conv.w.getOut();
  std::vector<int32_t> sums;
  for (int64_t row = 0; row < conv.getRows(); ++row) {
    int64_t number = row / (outH * outW), p = row / outW % outH, q = row % outW;
    for (int64_t column = 0; column < columns; ++column) {
      int64_t group = column / (columns / conv.groups);
      uint32_t sum = 0;
      const uint8_t *weight = &b[column * conv.getDepth()];
      for (int64_t r = 0; r < conv.h.kernel; ++r)
        for (int64_t s = 0; s < conv.w.kernel; ++s) {
          int64_t y = getPixel(conv.h, p, r), x = getPixel(conv.w, q, s);
          bool exists = y >= 0 && x >= 0;
          int64_t pixel = (number * conv.h.size + y) * conv.w.size + x;
          for (int64_t c = 0; c < channels; ++c) {
            int64_t element = pixel * conv.channels + group * channels + c;
            int32_t value = exists ? widen(image[element], unsignedImage)
                                   : static_cast<int32_t>(conv.padValue);
            sum += static_cast<uint32_t>(value * widen(*weight++, unsignedB));
          }
        }
      sums.push_back(static_cast<int32_t>(sum));
    }
  }
  return sums;
}
