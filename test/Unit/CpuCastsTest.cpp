//===- CpuCastsTest.cpp - Casts and shared parts of results ---------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "CpuModel.h"

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::test;

namespace {
using Floats = std::vector<float>;

/// Both results begin with the same rows, computed once.
TEST(CpuExecutable, ResultsThatShareAPart) {
  CpuModel model(R"(func.func @main(%a: tensor<1x2xf32>, %b: tensor<1x2xf32>)
      -> (tensor<2x2xf32>, tensor<2x2xf32>) {
    %0 = tensor.concat dim(0) %a, %a
        : (tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<2x2xf32>
    %1 = tensor.concat dim(0) %a, %b
        : (tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<2x2xf32>
    return %0, %1 : tensor<2x2xf32>, tensor<2x2xf32>
  })");
  auto outputs = model.run({Floats{1, 2}, Floats{3, 4}});
  ASSERT_EQ(outputs.size(), 2u);
  EXPECT_EQ(outputs[0].as<float>(), (Floats{1, 2, 1, 2}));
  EXPECT_EQ(outputs[1].as<float>(), (Floats{1, 2, 3, 4}));
}

/// Quantized weights and casts of imported models, in calibration.
TEST(CpuExecutable, CastsRound) {
  CpuModel model(R"(func.func @main(%a: tensor<4xf32>)
      -> (tensor<4xf32>, tensor<4xf32>) {
    %q = quant.qcast %a
        : tensor<4xf32> to tensor<4x!quant.uniform<i8:f32, 0.5>>
    %d = quant.dcast %q
        : tensor<4x!quant.uniform<i8:f32, 0.5>> to tensor<4xf32>
    %w = arith.constant dense<[1, -2, 3, 127]> : tensor<4xi8>
    %s = quant.scast %w
        : tensor<4xi8> to tensor<4x!quant.uniform<i8:f32, 0.5>>
    %r = quant.dcast %s
        : tensor<4x!quant.uniform<i8:f32, 0.5>> to tensor<4xf32>
    return %d, %r : tensor<4xf32>, tensor<4xf32>
  })");
  auto outputs = model.run({Floats{0.25f, 0.75f, -0.6f, 1000.0f}});
  ASSERT_EQ(outputs.size(), 2u);
  EXPECT_EQ(outputs[0].as<float>(), (Floats{0.0f, 1.0f, -0.5f, 63.5f}));
  EXPECT_EQ(outputs[1].as<float>(), (Floats{0.5f, -1.0f, 1.5f, 63.5f}));
}
} // namespace
