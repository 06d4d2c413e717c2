//===- KernelModule.cpp - A case as kernel and launch ----------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "KernelModule.h"

#include "QuantOpt/Pipelines/Pipelines.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Parser/Parser.h"

using namespace mlir;
using namespace mlir::qopt;

std::unique_ptr<MLIRContext> test::makeKernelContext() {
  DialectRegistry registry;
  registerQuantOpt(registry);
  registry.insert<gpu::GPUDialect, LLVM::LLVMDialect, NVVM::NVVMDialect,
                  memref::MemRefDialect, vector::VectorDialect>();
  auto context =
      std::make_unique<MLIRContext>(registry, MLIRContext::Threading::DISABLED);
  context->loadAllAvailableDialects();
  return context;
}

std::unique_ptr<test::KernelModule>
test::buildKernel(MLIRContext &context, const GemmCase &gemm,
                  const ChipInfo &chip, gpu::GPUModuleOp kernels) {
  auto result = std::make_unique<KernelModule>();
  result->context = &context;
  result->module = parseSourceString<ModuleOp>(
      makeModule(gemm, /*constants=*/nullptr), ParserConfig(&context));
  if (!result->module)
    return nullptr;
  result->module->walk([&](GemmOp op) { result->gemm = op; });
  if (!kernels) {
    OpBuilder builder = OpBuilder::atBlockEnd(result->module->getBody());
    kernels =
        gpu::GPUModuleOp::create(builder, result->module->getLoc(), "kernels");
  }
  result->kernels = kernels;
  FailureOr<KernelLaunch> launch =
      buildGemmKernel(result->gemm, result->kernels, chip);
  if (failed(launch))
    return nullptr;
  result->launch = std::move(*launch);
  return result;
}
