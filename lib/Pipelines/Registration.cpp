//===- Registration.cpp - What libQuantOpt adds to a context and to command
// lines ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Kernels/Bufferization.h"
#include "QuantOpt/Kernels/Dialects.h"
#include "QuantOpt/Pipelines/Pipelines.h"
#include "QuantOpt/Target/Ptx.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "mlir/Pass/PassRegistry.h"

using namespace mlir;
using namespace mlir::qopt;

void mlir::qopt::registerQuantOpt(DialectRegistry &registry) {
  registry
      .insert<QOptDialect, affine::AffineDialect, arith::ArithDialect,
              cf::ControlFlowDialect, func::FuncDialect, linalg::LinalgDialect,
              math::MathDialect, memref::MemRefDialect,
              ml_program::MLProgramDialect, quant::QuantDialect,
              scf::SCFDialect, tensor::TensorDialect, tosa::TosaDialect>();
  registerKernelTranslations(registry);
  registerKernelBufferization(registry);
  registerKernelDialects(registry);
}

/// Parses `text` as options and appends the pipeline.
static LogicalResult
buildFromText(OpPassManager &pm, StringRef text,
              function_ref<LogicalResult(const Twine &)> errorHandler) {
  JobOptions options;
  std::string message;
  llvm::raw_string_ostream stream(message);
  if (failed(options.parseFromString(text, stream)))
    return errorHandler("quantize-int8: " + stream.str());
  return buildQuantizePipeline(pm, options, [&](const Twine &error) {
    return errorHandler("quantize-int8: " + error);
  });
}

void mlir::qopt::registerPassesAndPipelines() {
  // A host may load the plugin that it already links.
  static const bool once = [] {
    registerQuantOptPasses();
    registerPassPipeline(
        "quantize-int8", "Quantize a float model to int8: import to lower",
        buildFromText,
        [](function_ref<void(const ::mlir::detail::PassOptions &)> show) {
          JobOptions options;
          show(options);
        });
    return true;
  }();
  (void)once;
}
