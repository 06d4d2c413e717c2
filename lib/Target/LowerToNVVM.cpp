//===- LowerToNVVM.cpp - Device ops to NVVM and inline PTX -----*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The instructions that kernels use and upstream has no op for. Runs on GPU
// modules; everything else in them is left to upstream's conversions.
//
//===----------------------------------------------------------------------===//
#include "LowerKernels.h"

#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

namespace mlir::qopt {
#define GEN_PASS_DEF_LOWERTONVVM
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h.inc"
} // namespace mlir::qopt

using namespace mlir;
using namespace mlir::qopt;

namespace {
/// qopt.cvt_rni -> the intrinsic behind `cvt.rni.s32.f32`.
struct LowerCvtRni : public OpRewritePattern<CvtRniOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(CvtRniOp op,
                                PatternRewriter &rewriter) const override {
    auto call = LLVM::CallIntrinsicOp::create(
        rewriter, op.getLoc(), rewriter.getI32Type(),
        rewriter.getStringAttr("llvm.nvvm.f2i.rn"), op.getInput());
    rewriter.replaceOp(op, call);
    return success();
  }
};

/// qopt.cvt_pack_sat -> inline `cvt.pack.sat`, which LLVM has no intrinsic for.
struct LowerCvtPackSat : public OpRewritePattern<CvtPackSatOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(CvtPackSatOp op,
                                PatternRewriter &rewriter) const override {
    StringRef text = op.getIsUnsigned()
                         ? "cvt.pack.sat.u8.s32.b32 $0, $1, $2, $3;"
                         : "cvt.pack.sat.s8.s32.b32 $0, $1, $2, $3;";
    auto assembly = LLVM::InlineAsmOp::create(
        rewriter, op.getLoc(), rewriter.getI32Type(),
        ValueRange{op.getHigh(), op.getLow(), op.getRest()}, text,
        /*constraints=*/"=r,r,r,r", /*has_side_effects=*/false,
        /*is_align_stack=*/false, LLVM::TailCallKind::None,
        LLVM::AsmDialectAttr::get(op.getContext(), LLVM::AsmDialect::AD_ATT),
        /*operand_attrs=*/ArrayAttr());
    rewriter.replaceOp(op, assembly.getRes());
    return success();
  }
};

struct LowerToNVVM : public qopt::impl::LowerToNVVMBase<LowerToNVVM> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    populateLowerToNVVMPatterns(patterns);
    walkAndApplyPatterns(getOperation(), std::move(patterns));
  }
};
} // namespace

void mlir::qopt::populateLowerToNVVMPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerCvtPackSat, LowerCvtRni>(patterns.getContext());
}
