//===- MyOpt.cpp - A driver of another project ----------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "MyPass.h"

#include "QuantOpt/Pipelines/Pipelines.h"
#include "mlir/IR/Dialect.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  my::registerMyPass();
  mlir::qopt::registerPassesAndPipelines();
  mlir::DialectRegistry registry;
  mlir::qopt::registerQuantOpt(registry);
  return failed(mlir::MlirOptMain(argc, argv, "my-opt\n", registry));
}
