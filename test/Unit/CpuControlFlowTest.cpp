//===- CpuControlFlowTest.cpp - Loops and branches of models ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// scf.for, scf.while and scf.if with tensors: values carried from one iteration
// to the next share memory with nothing that is still read.
//
//===----------------------------------------------------------------------===//
#include "CpuModel.h"

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::test;

using Floats = std::vector<float>;

/// Two values that swap places in each iteration, and rows collected at an
/// index of the loop.
TEST(CpuControlFlow, LoopsThatSwapAndInsert) {
  CpuModel model(R"(
    func.func @main(%a: tensor<4xf32>, %b: tensor<4xf32>)
        -> (tensor<4xf32>, tensor<4xf32>, tensor<3x4xf32>) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c3 = arith.constant 3 : index
      %e = tensor.empty() : tensor<3x4xf32>
      %e1 = tensor.empty() : tensor<4xf32>
      %r:3 = scf.for %i = %c0 to %c3 step %c1
          iter_args(%x = %a, %y = %b, %rows = %e)
          -> (tensor<4xf32>, tensor<4xf32>, tensor<3x4xf32>) {
        %s = linalg.add ins(%x, %y : tensor<4xf32>, tensor<4xf32>)
            outs(%e1 : tensor<4xf32>) -> tensor<4xf32>
        %n = tensor.insert_slice %s into %rows[%i, 0] [1, 4] [1, 1]
            : tensor<4xf32> into tensor<3x4xf32>
        scf.yield %y, %s, %n : tensor<4xf32>, tensor<4xf32>, tensor<3x4xf32>
      }
      return %r#0, %r#1, %r#2 : tensor<4xf32>, tensor<4xf32>, tensor<3x4xf32>
    })");
  Floats a = {1, 2, 3, 4}, b = {10, 20, 30, 40}, x = a, y = b, rows;
  for (int i = 0; i < 3; ++i) {
    Floats sum(4);
    for (int j = 0; j < 4; ++j)
      sum[j] = x[j] + y[j];
    rows.insert(rows.end(), sum.begin(), sum.end());
    x = y;
    y = sum;
  }
  auto outputs = model.run({a, b});
  ASSERT_EQ(outputs.size(), 3u) << model.error();
  EXPECT_EQ(outputs[0].as<float>(), x);
  EXPECT_EQ(outputs[1].as<float>(), y);
  EXPECT_EQ(outputs[2].as<float>(), rows);
}

TEST(CpuControlFlow, BranchesAndWhile) {
  CpuModel model(R"(
    func.func @main(%a: tensor<4xf32>, %b: tensor<4xf32>, %n: tensor<i64>)
        -> (tensor<4xf32>, tensor<4xf32>) {
      %c0 = arith.constant 0 : i64
      %c1 = arith.constant 1 : i64
      %e = tensor.empty() : tensor<4xf32>
      %count = tensor.extract %n[] : tensor<i64>
      %odd = arith.andi %count, %c1 : i64
      %isOdd = arith.cmpi ne, %odd, %c0 : i64
      %picked = scf.if %isOdd -> tensor<4xf32> {
        %s = linalg.add ins(%a, %b : tensor<4xf32>, tensor<4xf32>)
            outs(%e : tensor<4xf32>) -> tensor<4xf32>
        scf.yield %s : tensor<4xf32>
      } else {
        scf.yield %b : tensor<4xf32>
      }
      %r:2 = scf.while (%i = %c0, %x = %a) : (i64, tensor<4xf32>)
          -> (i64, tensor<4xf32>) {
        %more = arith.cmpi slt, %i, %count : i64
        scf.condition(%more) %i, %x : i64, tensor<4xf32>
      } do {
      ^bb0(%i: i64, %x: tensor<4xf32>):
        %s = linalg.add ins(%x, %picked : tensor<4xf32>, tensor<4xf32>)
            outs(%e : tensor<4xf32>) -> tensor<4xf32>
        %j = arith.addi %i, %c1 : i64
        scf.yield %j, %s : i64, tensor<4xf32>
      }
      return %r#1, %picked : tensor<4xf32>, tensor<4xf32>
    })");
  Floats a = {1, 2, 3, 4}, b = {10, 20, 30, 40};
  for (int64_t n : {0, 1, 2, 5}) {
    Floats picked = b, x = a;
    for (int j = 0; j < 4; ++j) {
      if (n % 2)
        picked[j] += a[j];
      x[j] += n * picked[j];
    }
    auto outputs = model.run({a, b, std::vector<int64_t>{n}});
    ASSERT_EQ(outputs.size(), 2u) << model.error();
    EXPECT_EQ(outputs[0].as<float>(), x) << n;
    EXPECT_EQ(outputs[1].as<float>(), picked) << n;
  }
}
