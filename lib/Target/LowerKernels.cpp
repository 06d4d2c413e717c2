//===- LowerKernels.cpp - Kernels to the LLVM dialect ----------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One dialect conversion with upstream's patterns. Upstream's pipelines for
// GPUs are not used: they turn math ops into calls of the device library and
// approximate instructions. What has no exact lowering is refused first, at the
// op: beyond this point LLVM would abort or approximate.
//
//===----------------------------------------------------------------------===//
#include "LowerKernels.h"

#include "QuantOpt/Dialect/QOpt/IR/QOpt.h"
#include "QuantOpt/Target/Ptx.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/IndexToLLVM/IndexToLLVM.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/NVVMToLLVM/NVVMToLLVM.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/UBToLLVM/UBToLLVM.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Index/IR/IndexDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Dialect/Vector/Transforms/LoweringPatterns.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/GPU/GPUToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Transforms/DialectConversion.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;
using namespace mlir::qopt;

void mlir::qopt::registerKernelTranslations(DialectRegistry &registry) {
  registry.insert<arith::ArithDialect, cf::ControlFlowDialect, gpu::GPUDialect,
                  index::IndexDialect, LLVM::LLVMDialect, math::MathDialect,
                  NVVM::NVVMDialect, scf::SCFDialect, ub::UBDialect,
                  vector::VectorDialect>();
  registerBuiltinDialectTranslation(registry);
  registerGPUDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  registerNVVMDialectTranslation(registry);
}

//===----------------------------------------------------------------------===//
// What can be lowered exactly
//===----------------------------------------------------------------------===//

/// True for the math ops that NVPTX has exact instructions or code for.
static bool isExactMath(Operation *op) {
  return isa<math::AbsFOp, math::AbsIOp, math::CeilOp, math::CopySignOp,
             math::CountLeadingZerosOp, math::CountTrailingZerosOp,
             math::CtPopOp, math::FloorOp, math::FmaOp, math::IsFiniteOp,
             math::IsInfOp, math::IsNaNOp, math::RoundEvenOp, math::RsqrtOp,
             math::SqrtOp, math::TruncOp>(op);
}

/// The same for LLVM's intrinsic ops on floats.
static bool isInexactIntrinsic(Operation *op) {
  return isa<LLVM::CosOp, LLVM::Exp10Op, LLVM::Exp2Op, LLVM::ExpOp,
             LLVM::FMulAddOp, LLVM::Log10Op, LLVM::Log2Op, LLVM::LogOp,
             LLVM::PowIOp, LLVM::PowOp, LLVM::SinOp, LLVM::TanOp>(op);
}

static bool hasFastMath(Operation *op) {
  if (auto arithOp = dyn_cast<arith::ArithFastMathInterface>(op))
    return arithOp.getFastMathFlagsAttr() &&
           arithOp.getFastMathFlagsAttr().getValue() !=
               arith::FastMathFlags::none;
  if (auto llvmOp = dyn_cast<LLVM::FastmathFlagsInterface>(op))
    return llvmOp.getFastmathAttr() &&
           llvmOp.getFastmathAttr().getValue() != LLVM::FastmathFlags::none;
  return false;
}

/// Reports at `op` why it cannot be part of a kernel.
static LogicalResult verifyKernelOp(Operation *op) {
  if ((isa<math::MathDialect>(op->getDialect()) && !isExactMath(op)) ||
      isInexactIntrinsic(op))
    return op->emitOpError("has no exact instruction: kernels need it expanded "
                           "to arithmetic");
  if (hasFastMath(op))
    return op->emitOpError("has fast-math flags: every float operation of a "
                           "kernel is rounded as written");
  auto function = dyn_cast<LLVM::LLVMFuncOp>(op);
  if (function && function.isExternal())
    return op->emitOpError("is not defined: kernels call no libraries");
  return success();
}

static LogicalResult verifyKernels(gpu::GPUModuleOp kernels) {
  WalkResult result = kernels->walk([](Operation *op) {
    return failed(verifyKernelOp(op)) ? WalkResult::interrupt()
                                      : WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

//===----------------------------------------------------------------------===//
// Lowering
//===----------------------------------------------------------------------===//

/// Vector ops that the conversion knows only in terms of simpler ones.
static void simplifyVectorOps(gpu::GPUModuleOp kernels) {
  SmallVector<Operation *> ops;
  kernels->walk([&](Operation *op) {
    if (isa<vector::BroadcastOp, vector::ShapeCastOp, vector::BitCastOp,
            vector::ReductionOp>(op))
      ops.push_back(op);
  });
  if (ops.empty())
    return;
  RewritePatternSet patterns(kernels.getContext());
  vector::populateVectorBroadcastLoweringPatterns(patterns);
  vector::populateVectorShapeCastLoweringPatterns(patterns);
  GreedyRewriteConfig config;
  config.enableFolding(false);
  (void)applyOpPatternsGreedily(ops, std::move(patterns), config);
}

namespace {
/// vector.fma -> the intrinsic with one rounding; upstream's pattern takes one
/// that may have two.
struct LowerVectorFma : public OpRewritePattern<vector::FMAOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(vector::FMAOp op,
                                PatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<math::FmaOp>(op, op.getLhs(), op.getRhs(),
                                             op.getAcc());
    return success();
  }
};
} // namespace

LogicalResult mlir::qopt::lowerKernelsToLLVM(gpu::GPUModuleOp kernels) {
  if (failed(verifyKernels(kernels)))
    return failure();
  simplifyVectorOps(kernels);

  MLIRContext *context = kernels.getContext();
  LLVMTypeConverter converter(context);
  RewritePatternSet patterns(context);
  populateLowerToNVVMPatterns(patterns);
  populateSCFToControlFlowConversionPatterns(patterns);
  cf::populateControlFlowToLLVMConversionPatterns(converter, patterns);
  arith::populateArithToLLVMConversionPatterns(converter, patterns);
  index::populateIndexToLLVMConversionPatterns(converter, patterns);
  populateMathToLLVMConversionPatterns(converter, patterns);
  ub::populateUBToLLVMConversionPatterns(converter, patterns);
  populateVectorToLLVMConversionPatterns(converter, patterns);
  populateNVVMToLLVMConversionPatterns(patterns);
  constexpr unsigned kBeforeUpstream = 10;
  patterns.add<LowerVectorFma>(context, kBeforeUpstream);

  ConversionTarget target(*context);
  target.addLegalDialect<LLVM::LLVMDialect>();
  target.addIllegalDialect<arith::ArithDialect, cf::ControlFlowDialect,
                           index::IndexDialect, math::MathDialect, QOptDialect,
                           scf::SCFDialect, ub::UBDialect,
                           vector::VectorDialect>();
  ConversionConfig config;
  config.allowPatternRollback = false;
  return applyPartialConversion(kernels, target, std::move(patterns), config);
}
