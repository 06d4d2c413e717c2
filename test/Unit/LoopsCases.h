//===- LoopsCases.h - Modules with one qopt.loops --------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_TEST_UNIT_LOOPSCASES_H
#define QUANTOPT_TEST_UNIT_LOOPSCASES_H

#include "KernelsModel.h"

namespace mlir::qopt::test {

/// A module and the inputs of its function `main`.
struct LoopsCase {
  std::string text;
  std::vector<Buffer> inputs;
};

/// Text of a #qopt.loops_config; "" leaves the choice to the compiler.
std::string makeRowsConfig(int threads, int rowThreads, int lanes, int items);
std::string makeThreadsConfig(int threads, int lanes);
std::string makeDepthwiseConfig(int threads, int lanes, int items);

/// Quantized softmax over rows of i8, f16 or f32 ("i8", "f16", "f32") to i8.
LoopsCase makeSoftmax(int rows, int length, const std::string &type,
                      const std::string &config);

/// Layer norm of f32 or i8 with factors and offsets, to i8.
LoopsCase makeLayerNorm(int rows, int length, const std::string &type,
                        const std::string &config);

/// `kind` of reduction over rows of `type` ("addf" of "f32", ...).
LoopsCase makeReduction(int rows, int length, const std::string &kind,
                        const std::string &type, const std::string &config);

/// Maximum of padded 3 x 3 windows with stride 2, i8.
LoopsCase makeMaxPool(int images, int size, int channels,
                      const std::string &config);

/// Mean over height and width of f32, then quantized.
LoopsCase makeMean(int images, int height, int width, int channels,
                   const std::string &config);

struct Depthwise {
  int images = 2, height = 7, width = 9, channels = 16;
  int kernelH = 3, kernelW = 3, stride = 1, pad = 1, dilationW = 1;
  /// What is read outside; the value type is unsigned where it is not 0.
  int padValue = 0;
  bool isUnsigned = false;
  std::string config;
};
/// Depthwise convolution with factors, offsets and a residual.
LoopsCase makeDepthwise(const Depthwise &depthwise);

/// Whether the kernels give the bits of the interpreter for every number of
/// samples, under two adversarial schedules; what differs if not. With
/// `hasNaNs` results are f32, and all NaNs are one.
void expectInterpreted(const LoopsCase &loops, bool hasNaNs = false);

/// The schedules: by changing priorities, and random with preemption.
std::vector<emulator::LaunchOptions> makeSchedules();

} // namespace mlir::qopt::test

#endif // QUANTOPT_TEST_UNIT_LOOPSCASES_H
