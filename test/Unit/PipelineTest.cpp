//===- PipelineTest.cpp - The pipeline inside another compiler ------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A host that registered only func and linalg runs the whole job: passes load
// the dialects they create themselves.
//
//===----------------------------------------------------------------------===//
#include "IRSnippet.h"

#include "QuantOpt/Pipelines/Pipelines.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"

#include <gtest/gtest.h>

using namespace mlir;
using namespace mlir::qopt;
using mlir::qopt::test::expectContains;

namespace {
constexpr const char *kModel = R"(
func.func @main(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
  %w = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %zero = arith.constant dense<0.0> : tensor<2x2xf32>
  %0 = linalg.matmul ins(%x, %w : tensor<2x2xf32>, tensor<2x2xf32>)
                     outs(%zero : tensor<2x2xf32>) -> tensor<2x2xf32>
  return %0 : tensor<2x2xf32>
})";

/// A compiler that knows little.
class MinimalHost : public testing::Test {
protected:
  MinimalHost()
      : context(makeRegistry()), handler(&context, [this](Diagnostic &d) {
          errors += d.str();
          return success();
        }) {
    context.loadAllAvailableDialects();
  }

  static DialectRegistry makeRegistry() {
    DialectRegistry registry;
    registry.insert<func::FuncDialect, linalg::LinalgDialect>();
    return registry;
  }
  OwningOpRef<ModuleOp> parse(const char *text) {
    return parseSourceString<ModuleOp>(text, ParserConfig(&context));
  }
  static std::string print(ModuleOp module) {
    std::string text;
    llvm::raw_string_ostream(text) << module;
    return text;
  }
  LogicalResult build(PassManager &pm, const JobOptions &options) {
    return buildQuantizePipeline(pm, options, [&](const Twine &error) {
      errors += error.str();
      return failure();
    });
  }

  MLIRContext context;
  std::string errors;
  ScopedDiagnosticHandler handler;
};

TEST_F(MinimalHost, RunsThePipeline) {
  OwningOpRef<ModuleOp> module = parse(kModel);
  ASSERT_TRUE(module);
  PassManager pm(&context);
  JobOptions options;
  ASSERT_TRUE(succeeded(build(pm, options)));
  ASSERT_TRUE(succeeded(pm.run(*module))) << errors;
  expectContains(print(*module), "tensor<2x2xi32>");
  EXPECT_FALSE(StringRef(print(*module)).contains("qopt"));
}

/// Calibration compiles and runs the model: dialects, bufferization and
/// translations of this host's context.
TEST_F(MinimalHost, Calibrates) {
  OwningOpRef<ModuleOp> module = parse(kModel);
  PassManager pm(&context);
  JobOptions options;
  ASSERT_TRUE(succeeded(
      options.parseFromString("to=calibrate calibration-data=" QUANTOPT_TEST_DIR
                              "/Unit/Inputs/two.calib.npz")));
  ASSERT_TRUE(succeeded(build(pm, options)));
  ASSERT_TRUE(succeeded(pm.run(*module))) << errors;
  expectContains(print(*module),
                 "#qopt.stats<min = -1.5, max = 2.0, count = 8");
}

TEST_F(MinimalHost, RunsThePipelineByName) {
  registerPassesAndPipelines();
  registerPassesAndPipelines(); // harmless
  OwningOpRef<ModuleOp> module = parse(kModel);
  PassManager pm(&context);
  ASSERT_TRUE(succeeded(parsePassPipeline("quantize-int8{to=quantize}", pm)));
  ASSERT_TRUE(succeeded(pm.run(*module))) << errors;
  expectContains(print(*module), "qopt.dynamic_quantize");
}

TEST_F(MinimalHost, RunsPassesOnTheirOwn) {
  registerPassesAndPipelines();
  OwningOpRef<ModuleOp> module = parse(kModel);
  PassManager pm(&context);
  ASSERT_TRUE(succeeded(parsePassPipeline(
      "qopt-annotate,qopt-quantize,qopt-lower-to-integer", pm)));
  ASSERT_TRUE(succeeded(pm.run(*module))) << errors;
  expectContains(print(*module), "tensor<2x2xi32>");
}

/// Passes keep nothing from one run to the next.
TEST_F(MinimalHost, OnePassManagerForManyModules) {
  PassManager pm(&context);
  JobOptions options;
  ASSERT_TRUE(succeeded(build(pm, options)));
  std::string first;
  for (int i = 0; i < 8; ++i) {
    OwningOpRef<ModuleOp> module = parse(kModel);
    ASSERT_TRUE(succeeded(pm.run(*module))) << errors;
    if (i == 0)
      first = print(*module);
    EXPECT_EQ(print(*module), first);
  }
}

/// A failed job leaves no error state behind, and the reason in a diagnostic.
TEST_F(MinimalHost, FailureIsADiagnostic) {
  OwningOpRef<ModuleOp> module = parse("func.func private @f()");
  PassManager pm(&context);
  JobOptions options;
  ASSERT_TRUE(succeeded(build(pm, options)));
  EXPECT_TRUE(failed(pm.run(*module)));
  expectContains(errors, "no public function");
}

TEST_F(MinimalHost, UnsupportedOptionsAreRefusedBeforeAnythingRuns) {
  auto refused = [&](StringRef text) {
    JobOptions options;
    errors.clear();
    EXPECT_TRUE(succeeded(options.parseFromString(text)));
    PassManager pm(&context);
    EXPECT_TRUE(failed(build(pm, options))) << text.str();
    EXPECT_EQ(pm.size(), 0u);
    return errors;
  };
  expectContains(refused("from=lower to=annotate"),
                 "--from=lower comes after --to=annotate");
  expectContains(refused("target=sm_70"), "sm_70");
  expectContains(refused("to=emit"), "takes exactly one GPU target");
  expectContains(refused("emit=ptx"), "takes exactly one GPU target");
  expectContains(refused("percentile=40"), "must be above 50");
  expectContains(refused("dynamic calibration-data=x.npz"), "give one of them");
  expectContains(refused("report=r.json to=quantize"),
                 "--report is written after phase 'lower'");
}
} // namespace
