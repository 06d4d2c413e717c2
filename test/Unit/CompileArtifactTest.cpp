//===- CompileArtifactTest.cpp - Integer form to artifacts -----*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// As another compiler would call it: a context with few dialects, a module that
// it made itself.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Target/CompileArtifact.h"
#include "IRSnippet.h"
#include "QuantOpt/Analysis/Report.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <cstdlib>

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::test;

/// An integer product and its requantization, on 4 samples.
static constexpr char kIntegerForm[] = R"mlir(
#id = affine_map<(i, j) -> (i, j)>
func.func @main(%x: tensor<4x32xi8> {qopt.name = "codes"}) -> tensor<4x16xf32> {
  %w = arith.constant dense<3> : tensor<16x32xi8>
  %s = arith.constant 0.5 : f32
  %zero = arith.constant 0 : i32
  %e = tensor.empty() : tensor<4x16xi32>
  %i = linalg.fill ins(%zero : i32) outs(%e : tensor<4x16xi32>) -> tensor<4x16xi32>
  %p = linalg.generic {indexing_maps = [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (j, k)>, affine_map<(i, j, k) -> (i, j)>],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<4x32xi8>, tensor<16x32xi8>) outs(%i : tensor<4x16xi32>) {
  ^bb0(%a: i8, %b: i8, %acc: i32):
    %0 = arith.extsi %a : i8 to i32
    %1 = arith.extsi %b : i8 to i32
    %2 = arith.muli %0, %1 : i32
    %3 = arith.addi %acc, %2 : i32
    linalg.yield %3 : i32
  } -> tensor<4x16xi32>
  %f = tensor.empty() : tensor<4x16xf32>
  %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%p : tensor<4x16xi32>) outs(%f : tensor<4x16xf32>) {
  ^bb0(%v: i32, %out: f32):
    %0 = arith.sitofp %v : i32 to f32
    %1 = arith.mulf %0, %s : f32
    linalg.yield %1 : f32
  } -> tensor<4x16xf32>
  return %y : tensor<4x16xf32>
}
)mlir";

namespace {
class CompileArtifact : public ::testing::Test {
protected:
  CompileArtifact()
      : context(makeRegistry()), handler(&context, [this](Diagnostic &d) {
          (d.getSeverity() == DiagnosticSeverity::Error ? errors : remarks) +=
              d.str() + "\n";
          return success();
        }) {
    // PTX only: the same with and without CUDA.
    setenv("QUANTOPT_PTXAS", "", 1);
  }
  ~CompileArtifact() override { unsetenv("QUANTOPT_PTXAS"); }

  static DialectRegistry makeRegistry() {
    DialectRegistry registry;
    registry.insert<arith::ArithDialect, func::FuncDialect,
                    linalg::LinalgDialect, tensor::TensorDialect>();
    return registry;
  }
  OwningOpRef<ModuleOp> parse(StringRef text) {
    return parseSourceString<ModuleOp>(text, ParserConfig(&context));
  }

  MLIRContext context;
  std::string errors, remarks;
  ScopedDiagnosticHandler handler;
};
} // namespace

TEST_F(CompileArtifact, OwnsWhatItHolds) {
  artifact::Artifact compiled;
  {
    OwningOpRef<ModuleOp> module = parse(kIntegerForm);
    ASSERT_TRUE(module) << errors;
    FailureOr<artifact::Artifact> result =
        compileArtifact(*module, {"sm_80", "sm_89"}, {});
    ASSERT_TRUE(succeeded(result)) << errors;
    compiled = std::move(*result);
  }
  expectContains(remarks, "there is no ptxas: the artifact has PTX only");
  EXPECT_EQ(artifact::validate(compiled), "");
  EXPECT_EQ(compiled.modelName, "main");
  EXPECT_EQ(compiled.batch, 4);
  EXPECT_TRUE(compiled.anyBatch) << compiled.fixedBatchReason;
  ASSERT_EQ(compiled.inputs.size(), 1u);
  EXPECT_EQ(compiled.inputs[0].name, "codes");
  EXPECT_EQ(compiled.inputs[0].dtype, QOPT_I8);
  EXPECT_EQ(compiled.inputs[0].dims, (std::vector<int64_t>{4, 32}));
  ASSERT_EQ(compiled.outputs.size(), 1u);
  EXPECT_EQ(compiled.outputs[0].name, "out0");
  EXPECT_EQ(compiled.outputs[0].dtype, QOPT_F32);
  ASSERT_EQ(compiled.plans.size(), 2u);
  for (const artifact::Plan &plan : compiled.plans) {
    EXPECT_FALSE(plan.launches.empty());
    expectContains(plan.ptx, ".target " + plan.chip + "\n");
    EXPECT_TRUE(plan.cubin.empty());
    for (const artifact::Launch &launch : plan.launches)
      expectContains(plan.ptx, ".entry " + launch.kernel + "(");
  }
  // The weight is there once, for both chips.
  ASSERT_FALSE(compiled.constants.empty());
  EXPECT_EQ(compiled.constants[0].dims, (std::vector<int64_t>{16, 32}));
  EXPECT_EQ(compiled.constants[0].data[511], 3);
  expectContains(compiled.modelText, "func.func @main(");
}

TEST_F(CompileArtifact, NamesAndReport) {
  OwningOpRef<ModuleOp> module = parse(kIntegerForm);
  Report report;
  Operation *product = nullptr;
  module->walk([&](linalg::GenericOp op) { product = product ? product : op; });
  report.setOp("fc",
               {"matmul", printLocation(product->getLoc()), "int8", "", true});
  report.setOp("elsewhere", {"matmul", "other.mlir:1:1", "int8", "", true});
  TargetOptions options;
  options.modelName = "net";
  options.report = &report;
  FailureOr<artifact::Artifact> result =
      compileArtifact(*module, {"sm_80", "sm_90"}, options);
  ASSERT_TRUE(succeeded(result)) << errors;
  EXPECT_EQ(result->modelName, "net");
  std::string kernel = report.findOp("fc")->kernel;
  expectContains(kernel, "sm_80: " + result->plans[0].launches[0].kernel);
  expectContains(kernel, ", sm_90: ");
  EXPECT_EQ(report.findOp("elsewhere")->kernel, "");

  (*module).setName("named");
  result = compileArtifact(*module, {}, {});
  ASSERT_TRUE(succeeded(result)) << errors;
  EXPECT_EQ(result->modelName, "named");
  EXPECT_TRUE(result->plans.empty());
  EXPECT_FALSE(result->anyBatch);
}

TEST_F(CompileArtifact, ModuleIsNotChanged) {
  OwningOpRef<ModuleOp> module = parse(kIntegerForm);
  (*module)->setAttr(kReportAttr, DictionaryAttr::get(&context));
  auto print = [&] {
    std::string text;
    llvm::raw_string_ostream(text) << *module;
    return text;
  };
  std::string before = print();
  FailureOr<artifact::Artifact> result =
      compileArtifact(*module, {"sm_80"}, {});
  ASSERT_TRUE(succeeded(result)) << errors;
  EXPECT_EQ(before, print());
  EXPECT_FALSE(StringRef(result->modelText).contains("qopt.report"));
}

TEST_F(CompileArtifact, Errors) {
  OwningOpRef<ModuleOp> module = parse(kIntegerForm);
  TargetOptions options;
  options.entry = "none";
  EXPECT_TRUE(failed(compileArtifact(*module, {"sm_80"}, options)));
  expectContains(errors, "no function 'none'");
  errors.clear();
  EXPECT_TRUE(failed(compileArtifact(*module, {"sm_42"}, {})));
  expectContains(errors, "sm_42");
  errors.clear();
  OwningOpRef<ModuleOp> dynamic =
      parse("func.func @main(%x: tensor<?xf32>) -> tensor<?xf32> { return %x : "
            "tensor<?xf32> }");
  EXPECT_TRUE(failed(compileArtifact(*dynamic, {"sm_80"}, {})));
  expectContains(errors, "cannot be compiled: arg0 has type 'tensor<?xf32>'; "
                         "expected a tensor of static shape");
}
