//===- LoopsKernelsTest.cpp - Kernels of qopt.loops ------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every family in the emulator, bit for bit what LoopsInterpreter computes,
// with the configurations that the compiler chooses and with given ones.
//
//===----------------------------------------------------------------------===//
#include "LoopsCases.h"

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::test;

static constexpr int kRows = 5;

namespace {
struct RowsLayout {
  int threads, rowThreads, lanes, items;
};
} // namespace

/// Rows shorter and longer than all partial sums, ragged and whole; what the
/// compiler chooses for them.
class LoopsKernelsLength : public ::testing::TestWithParam<int> {};

TEST_P(LoopsKernelsLength, Softmax) {
  int length = GetParam();
  for (const char *type : {"i8", "f16", "f32"}) {
    SCOPED_TRACE(type);
    expectInterpreted(makeSoftmax(kRows, length, type, ""));
  }
}

TEST_P(LoopsKernelsLength, LayerNorm) {
  int length = GetParam();
  for (const char *type : {"i8", "f32"}) {
    SCOPED_TRACE(type);
    expectInterpreted(makeLayerNorm(kRows, length, type, ""));
  }
}

TEST_P(LoopsKernelsLength, Kinds) {
  int length = GetParam();
  const std::pair<const char *, const char *> kinds[] = {
      {"addf", "f32"},     {"addi", "i32"},    {"maximumf", "f32"},
      {"minimumf", "f32"}, {"maxnumf", "f32"}, {"minnumf", "f32"},
      {"maxsi", "i8"},     {"minsi", "i16"},   {"maxui", "i8"},
      {"minui", "i32"},    {"ori", "i8"},      {"andi", "i16"}};
  for (auto [kind, type] : kinds) {
    SCOPED_TRACE(std::string(kind) + " " + type);
    expectInterpreted(makeReduction(kRows, length, kind, type, ""));
  }
}

INSTANTIATE_TEST_SUITE_P(Lengths, LoopsKernelsLength,
                         ::testing::Values(1, 7, 8, 31, 33, 64, 100, 128, 255,
                                           256, 257, 300, 1000));

TEST(LoopsKernels, LongRows) {
  expectInterpreted(makeSoftmax(3, 5000, "i8", ""));
  expectInterpreted(makeLayerNorm(3, 5000, "f32", ""));
  expectInterpreted(makeReduction(3, 5000, "addf", "f32", ""));
}

/// Parts of a warp, warps, and several warps per row; in registers and in
/// loops; all kinds of lanes.
TEST(LoopsKernels, RowLayouts) {
  const std::pair<RowsLayout, std::vector<int>> layouts[] = {
      {{64, 1, 16, 16}, {16, 100, 256, 512}},
      {{32, 4, 4, 16}, {7, 64, 256, 300}},
      {{64, 8, 8, 4}, {64, 200, 256, 1024}},
      {{64, 16, 16, 1}, {100, 256, 512}},
      {{64, 32, 1, 8}, {33, 256, 257, 600}},
      {{64, 32, 8, 2}, {64, 300, 512, 1000}},
      {{128, 64, 4, 2}, {64, 257, 512, 1000}},
      {{128, 128, 2, 1}, {64, 100, 256, 700}},
      {{256, 256, 1, 3}, {100, 255, 256, 700, 1500}}};
  for (const auto &[layout, lengths] : layouts) {
    for (int length : lengths) {
      std::string config = makeRowsConfig(layout.threads, layout.rowThreads,
                                          layout.lanes, layout.items);
      SCOPED_TRACE(config + " " + std::to_string(length));
      expectInterpreted(makeSoftmax(kRows, length, "i8", config));
      expectInterpreted(makeLayerNorm(kRows, length, "f32", config));
    }
  }
}

/// Reductions without an order may have longer groups.
TEST(LoopsKernels, UnorderedRows) {
  for (int length : {1000, 4096, 5000}) {
    SCOPED_TRACE(length);
    std::string config = makeRowsConfig(256, 256, 8, 1);
    expectInterpreted(makeReduction(3, length, "maximumf", "f32", config));
    expectInterpreted(makeReduction(3, length, "maxsi", "i8", config));
    expectInterpreted(makeReduction(3, length, "addi", "i32", config));
  }
}

/// NaN wins a maximum, loses a maxnum, and makes sums NaN.
TEST(LoopsKernels, NaN) {
  for (const char *kind : {"maximumf", "minimumf", "maxnumf", "minnumf"}) {
    SCOPED_TRACE(kind);
    LoopsCase loops = makeReduction(3, 40, kind, "f32", "");
    // One in the first row, a whole row of them, one at the end.
    Floats values = loops.inputs[0].as<float>();
    float nan = std::numeric_limits<float>::quiet_NaN();
    values[5] = nan;
    std::fill(values.begin() + 40, values.begin() + 80, nan);
    values[119] = nan;
    loops.inputs[0] = values;
    expectInterpreted(loops, /*hasNaNs=*/true);
  }
}

//===----------------------------------------------------------------------===//
// A thread per point
//===----------------------------------------------------------------------===//

TEST(LoopsKernels, MaxPool) {
  for (int channels : {3, 8, 16, 24})
    for (int size : {5, 8}) {
      SCOPED_TRACE(channels);
      expectInterpreted(makeMaxPool(3, size, channels, ""));
    }
  expectInterpreted(makeMaxPool(2, 6, 8, makeThreadsConfig(32, 2)));
  expectInterpreted(makeMaxPool(2, 6, 8, makeRowsConfig(64, 4, 1, 3)));
}

/// Sums of floats in their order: unrolled, and as loops.
TEST(LoopsKernels, Means) {
  for (int width : {1, 7, 9, 40}) {
    SCOPED_TRACE(width);
    for (int channels : {3, 8})
      expectInterpreted(makeMean(2, 7, width, channels, ""));
    expectInterpreted(makeMean(2, 7, width, 8, makeThreadsConfig(32, 4)));
    expectInterpreted(makeMean(2, 7, width, 8, makeRowsConfig(64, 32, 1, 8)));
  }
  expectInterpreted(makeMean(2, 16, 24, 4, makeRowsConfig(64, 8, 8, 4)));
}

TEST(LoopsKernels, VaryingResultsOfThreads) {
  for (int length : {7, 70}) {
    expectInterpreted(
        makeSoftmax(kRows, length, "i8", makeThreadsConfig(32, 1)));
    expectInterpreted(
        makeLayerNorm(kRows, length, "f32", makeThreadsConfig(32, 1)));
  }
}

//===----------------------------------------------------------------------===//
// Depthwise convolutions
//===----------------------------------------------------------------------===//

/// The compiler's choice; 10 channels have no dp4a kernel.
TEST(LoopsKernels, Depthwise) {
  for (int kernel : {3, 5})
    for (int stride : {1, 2})
      for (int channels : {16, 24, 32, 48, 10}) {
        SCOPED_TRACE(std::to_string(kernel) + " " + std::to_string(stride) +
                     " " + std::to_string(channels));
        Depthwise depthwise;
        depthwise.kernelH = depthwise.kernelW = kernel;
        depthwise.pad = kernel / 2;
        depthwise.stride = stride;
        depthwise.channels = channels;
        expectInterpreted(makeDepthwise(depthwise));
      }
}

/// Windows of all widths, without pads, by each number of points.
TEST(LoopsKernels, DepthwiseWindows) {
  for (int items : {1, 2, 3, 4})
    for (int taps : {1, 2, 3, 4, 5, 7}) {
      SCOPED_TRACE(std::to_string(items) + " " + std::to_string(taps));
      Depthwise depthwise;
      depthwise.config = makeDepthwiseConfig(32, 8, items);
      depthwise.kernelW = taps;
      depthwise.kernelH = taps == 3 ? 1 : 2;
      depthwise.width = 12;
      depthwise.pad = 0;
      depthwise.stride = taps % 2 + 1;
      expectInterpreted(makeDepthwise(depthwise));
    }
}

TEST(LoopsKernels, DepthwiseZeroPoints) {
  Depthwise depthwise;
  depthwise.padValue = -100;
  depthwise.config = makeDepthwiseConfig(64, 16, 4);
  expectInterpreted(makeDepthwise(depthwise));
  depthwise.isUnsigned = true;
  expectInterpreted(makeDepthwise(depthwise));
  depthwise.config = makeThreadsConfig(64, 16);
  expectInterpreted(makeDepthwise(depthwise));
  depthwise.config = "";
  depthwise.dilationW = 2;
  expectInterpreted(makeDepthwise(depthwise));
}
