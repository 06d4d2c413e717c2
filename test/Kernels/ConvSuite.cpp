//===- ConvSuite.cpp - The convolutions of the kernel suite ----*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Configurations meet all kinds of windows: strides, dilations, pads on either
// side, groups, inserted pixels, and channels for copies of every width.
//
//===----------------------------------------------------------------------===//
#include "GemmCase.h"

using namespace mlir::qopt::test;

namespace {
struct Config {
  const char *text;
  int64_t blockN, blockK;
  /// Warps leave registers for copies of less than 4 bytes.
  bool takesNarrow;
};

/// One axis as in a convolution's description.
struct AxisBuilder {
  ConvAxis axis;
  AxisBuilder(int64_t size, int64_t kernel) {
    axis.size = size;
    axis.kernel = kernel;
  }
  AxisBuilder &stride(int64_t value) {
    axis.stride = value;
    return *this;
  }
  AxisBuilder &dilation(int64_t value) {
    axis.dilation = value;
    return *this;
  }
  AxisBuilder &pad(int64_t low, int64_t high) {
    axis.padLow = low;
    axis.padHigh = high;
    return *this;
  }
  AxisBuilder &insert(int64_t value) {
    axis.inputDilation = value;
    return *this;
  }
};

class Suite {
public:
  explicit Suite(std::vector<GemmCase> &cases) : cases(cases) {}

  void add(const Config &config, int64_t images, const AxisBuilder &h,
           const AxisBuilder &w, int64_t channels, int64_t columns,
           int64_t groups = 1, int64_t padValue = 0) {
    GemmCase gemm;
    gemm.config = config.text;
    gemm.blockN = config.blockN;
    gemm.blockK = config.blockK;
    gemm.conv.emplace();
    gemm.conv->images = images;
    gemm.conv->channels = channels;
    gemm.conv->h = h.axis;
    gemm.conv->w = w.axis;
    gemm.conv->groups = groups;
    gemm.conv->padValue = padValue;
    gemm.m = gemm.conv->getRows();
    gemm.n = columns;
    gemm.k = gemm.conv->getDepth();
    constexpr size_t count = sizeof(kEpilogues) / sizeof(*kEpilogues);
    gemm.epilogue = kEpilogues[next % count];
    // The pad value is read as the image is.
    gemm.unsignedA = padValue > 127 || (padValue >= 0 && next / 3 % 2);
    gemm.unsignedB = next / 7 % 2;
    ++next;
    cases.push_back(gemm);
  }

private:
  std::vector<GemmCase> &cases;
  size_t next = 0;
};
} // namespace

static constexpr Config kConfigs[] = {
    {"<mma, block = [64, 64, 128], warp = [32, 32], stages = 4, split_k = 1>",
     64, 128, true},
    {"<mma, block = [128, 128, 64], warp = [64, 64], stages = 4, split_k = 1>",
     128, 64, false},
    {"<mma, block = [64, 64, 64], warp = [32, 32], stages = 3, split_k = 4>",
     64, 64, true},
    {"<mma, block = [16, 64, 128], warp = [16, 16], stages = 6, split_k = 1>",
     64, 128, true},
};
/// The largest tile: registers are short.
static constexpr Config kLarge = {
    "<mma, block = [128, 256, 64], warp = [64, 64], stages = 4, split_k = 1>",
    256, 64, false};

static void addAligned(Suite &suite, const Config &c) {
  using Axis = AxisBuilder;
  // Whole tiles of channels; windows that hang over all borders.
  suite.add(c, 2, Axis(9, 3).pad(1, 1), Axis(7, 3).pad(1, 1), 16, c.blockN);
  suite.add(c, 3, Axis(8, 3).stride(2).pad(0, 1),
            Axis(9, 3).stride(2).pad(1, 0), 32, 24);
  // A pad value other than 0, of either sign; pads of whole windows.
  suite.add(c, 2, Axis(5, 3).pad(1, 1), Axis(6, 3).pad(1, 1), 48, 40, 1, 131);
  suite.add(c, 1, Axis(4, 2).pad(3, 2), Axis(3, 3).pad(4, 3), 16, 16, 1, -7);
  // Dilation, along the height only (runs), and along both.
  suite.add(c, 1, Axis(9, 3).dilation(3).pad(3, 3), Axis(6, 3).pad(1, 1), 16,
            32);
  suite.add(c, 1, Axis(10, 3).dilation(2).pad(2, 2),
            Axis(9, 2).dilation(4).pad(2, 2), 32, 36, 1, 99);
  // One tap with a stride; one dimension; windows that leave a rest.
  suite.add(c, 2, Axis(7, 1).stride(2), Axis(9, 1).stride(2), 64, 48);
  suite.add(c, 4, Axis(1, 1), Axis(23, 9).stride(2).pad(4, 4), 16, 20, 1, -128);
  suite.add(c, 2, Axis(8, 3).stride(4), Axis(11, 2).stride(5), 16, 64);
  // Groups: whole tiles of columns, and parts of one.
  suite.add(c, 2, Axis(6, 3).pad(1, 1), Axis(5, 3).pad(1, 1), 32, 2 * c.blockN,
            2);
  suite.add(c, 1, Axis(5, 3).pad(1, 1), Axis(5, 3).pad(1, 1), 64, 48, 4, 17);
  // Transposed convolutions.
  suite.add(c, 2, Axis(5, 2).insert(2).pad(1, 1),
            Axis(4, 3).insert(2).pad(2, 1), 16, 32);
  suite.add(c, 1, Axis(4, 3).insert(3).pad(2, 2),
            Axis(5, 4).insert(2).dilation(2).pad(3, 3), 32, 16, 2, 52);
}

static void addNarrower(Suite &suite, const Config &c) {
  using Axis = AxisBuilder;
  // Copies of 8 and 4 bytes; where the taps of a row are one run, its start
  // decides, as in the patches of a transformer.
  suite.add(c, 2, Axis(7, 3).pad(1, 1), Axis(6, 3).pad(1, 1), 8, 32);
  suite.add(c, 1, Axis(8, 3).dilation(2).pad(2, 2),
            Axis(8, 3).dilation(2).pad(2, 2), 24, 16, 1, 200);
  suite.add(c, 1, Axis(16, 8).stride(8), Axis(24, 8).stride(8), 3, 32);
  suite.add(c, 1, Axis(6, 3).pad(1, 1), Axis(7, 5).pad(2, 2), 4, 20, 1, -3);
  suite.add(c, 1, Axis(6, 3).pad(1, 1), Axis(6, 3).pad(1, 1), 16, 32, 4);
  suite.add(c, 1, Axis(5, 2).insert(2).pad(1, 0),
            Axis(5, 2).insert(2).pad(1, 0), 12, 16, 1, 9);
}

static void addNarrow(Suite &suite, const Config &c) {
  using Axis = AxisBuilder;
  // The first layer of a network; one channel; copies of 2 bytes.
  suite.add(c, 1, Axis(15, 7).stride(2).pad(3, 3),
            Axis(13, 7).stride(2).pad(3, 3), 3, 64);
  suite.add(c, 2, Axis(9, 3).pad(1, 1), Axis(8, 3).pad(1, 1), 1, 24, 1, -20);
  suite.add(c, 1, Axis(6, 3).pad(1, 1), Axis(5, 2).dilation(3).pad(2, 2), 6, 16,
            1, 255);
  suite.add(c, 1, Axis(5, 3).pad(1, 1), Axis(5, 3).pad(1, 1), 10, 24, 2);
  suite.add(c, 1, Axis(4, 3).insert(2).pad(1, 1),
            Axis(4, 3).insert(3).pad(2, 2), 5, 8, 1, 77);
}

void mlir::qopt::test::addConvolutions(std::vector<GemmCase> &cases) {
  Suite suite(cases);
  for (const Config &config : kConfigs) {
    addAligned(suite, config);
    addNarrower(suite, config);
    if (config.takesNarrow)
      addNarrow(suite, config);
  }
  using Axis = AxisBuilder;
  suite.add(kLarge, 2, Axis(9, 3).pad(1, 1), Axis(7, 3).pad(1, 1), 64, 256);
  suite.add(kLarge, 1, Axis(8, 3).pad(1, 1), Axis(9, 3).pad(1, 1), 32, 200, 1,
            130);
  suite.add(kLarge, 1, Axis(8, 3).dilation(2).pad(2, 2),
            Axis(9, 3).dilation(2).pad(2, 2), 24, 96, 1, 3);
  suite.add(kLarge, 1, Axis(5, 2).insert(2).pad(1, 1),
            Axis(5, 2).insert(2).pad(1, 1), 12, 48, 1, 5);
}
