//===- ConvCase.h - Windows of a convolution -------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The image that a case's rows are windows of, and its sums by seven loops that
// share nothing with the kernels.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_TEST_KERNELS_CONVCASE_H
#define QUANTOPT_TEST_KERNELS_CONVCASE_H

#include <cstdint>
#include <string>
#include <vector>

namespace mlir::qopt::test {

/// One of the two dims in which windows move.
struct ConvAxis {
  int64_t size = 1, kernel = 1;
  int64_t stride = 1, dilation = 1, padLow = 0, padHigh = 0;
  int64_t inputDilation = 1;

  /// Windows that fit the padded image.
  int64_t getOut() const;
};

struct ConvShape {
  int64_t images = 1, channels = 1;
  ConvAxis h, w;
  int64_t groups = 1;
  int64_t padValue = 0;

  int64_t getRows() const { return images * h.getOut() * w.getOut(); }
  int64_t getDepth() const { return h.kernel * w.kernel * channels / groups; }
  int64_t getImageSize() const { return h.size * w.size * channels; }
  /// The image's copies move 16 bytes.
  bool isAligned() const { return channels / groups % 16 == 0; }
  /// "#qopt.window<...>".
  std::string getWindow() const;
  /// A part of the case's name.
  std::string getName() const;
};

/// The sums [M, N] of windows of `image` [images, h, w, channels] and rows of
/// `b` [N, K]. They wrap.
std::vector<int32_t> convolve(const ConvShape &conv, int64_t columns,
                              const std::vector<uint8_t> &image,
                              bool unsignedImage, const std::vector<uint8_t> &b,
                              bool unsignedB);

} // namespace mlir::qopt::test

#endif // QUANTOPT_TEST_KERNELS_CONVCASE_H
