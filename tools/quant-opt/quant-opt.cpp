//===- quant-opt.cpp - The driver: quantization jobs, or mlir-opt with our
// passes ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// With a job flag (--quantize-int8, --from, --to, --emit) this runs a job:
// parse, run, write a temporary file, rename. --merge-calibration and --inspect
// work on calibration tables without a model. Otherwise argv goes to
// MlirOptMain as it is. These do not mix: see the command line's contract in
// docs/CommandLine.md.
//
//===----------------------------------------------------------------------===//
#include "Job.h"
#include "TableCommands.h"

#include "QuantOpt/Pipelines/Pipelines.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

using namespace mlir;

int main(int argc, char **argv) {
  if (qopt::isTableCommand(argc, argv))
    return qopt::runTableCommand(argc, argv);
  if (qopt::isJob(argc, argv))
    return qopt::runJob(argc, argv);

  registerAllPasses();
  qopt::registerPassesAndPipelines();
  DialectRegistry registry;
  registerAllDialects(registry);
  registerAllExtensions(registry);
  qopt::registerQuantOpt(registry);
  return failed(MlirOptMain(argc, argv,
                            "quant-opt: mlir-opt with quantization passes (see "
                            "--quantize-int8 --help for jobs)\n",
                            registry));
}
