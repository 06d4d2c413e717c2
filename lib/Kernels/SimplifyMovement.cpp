//===- SimplifyMovement.cpp - Views instead of copies ----------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "SimplifyMovement.h"

#include "MatrixProduct.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tensor/Transforms/Transforms.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;
using namespace mlir::qopt;

namespace {
/// generic { extract %t[index 0, 3, index 2] } -> extract_slice %t[0, 3, 0]:
/// loops walk dims of the tensor in order, the other indices are constants.
struct GatherToSlice : OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(linalg::GenericOp op,
                                PatternRewriter &rewriter) const override {
    if (op.getNumParallelLoops() != op.getNumLoops() ||
        op.getNumDpsInits() != 1 || !op.hasPureTensorSemantics() ||
        !op.getMatchingIndexingMap(op.getDpsInitOperand(0)).isIdentity())
      return failure();
    auto extract = op.getBody()
                       ->getTerminator()
                       ->getOperand(0)
                       .getDefiningOp<tensor::ExtractOp>();
    if (!extract || extract->getBlock() != op.getBody())
      return failure();
    for (Operation &inner : op.getBody()->without_terminator())
      if (&inner != extract && !isMemoryEffectFree(&inner))
        return failure();

    Value source = extract.getTensor();
    auto type = dyn_cast<RankedTensorType>(source.getType());
    if (!type || !type.hasStaticShape())
      return failure();
    SmallVector<int64_t> loops = op.getStaticLoopRanges();
    SmallVector<OpFoldResult> offsets, sizes;
    SmallVector<OpFoldResult> strides(type.getRank(), rewriter.getIndexAttr(1));
    SmallVector<int64_t> moved;
    int64_t previous = -1;
    for (auto [index, extent] :
         llvm::zip(extract.getIndices(), type.getShape())) {
      APInt constant;
      int64_t offset = 0, size = 1;
      if (auto loop = index.getDefiningOp<linalg::IndexOp>()) {
        int64_t dim = loop.getDim();
        if (dim <= previous)
          return failure();
        previous = dim;
        size = loops[dim];
      } else if (matchPattern(index, m_ConstantInt(&constant))) {
        offset = constant.getSExtValue();
      } else {
        return failure();
      }
      if (offset < 0 || size > extent || offset >= extent)
        return failure();
      if (size != 1)
        moved.push_back(size);
      offsets.push_back(rewriter.getIndexAttr(offset));
      sizes.push_back(rewriter.getIndexAttr(size));
    }
    // All loops but those of one iteration are walked.
    llvm::erase(loops, 1);
    if (moved != loops)
      return failure();
    Value slice = tensor::ExtractSliceOp::create(rewriter, op.getLoc(), source,
                                                 offsets, sizes, strides);
    auto resultType = cast<RankedTensorType>(op.getResult(0).getType());
    rewriter.replaceOp(
        op, buildReshape(rewriter, op.getLoc(), slice, resultType.getShape()));
    return success();
  }
};
} // namespace

LogicalResult mlir::qopt::simplifyMovement(Operation *root) {
  RewritePatternSet patterns(root->getContext());
  patterns.add<GatherToSlice>(root->getContext());
  tensor::populateReassociativeReshapeFoldingPatterns(patterns);
  // Nothing is folded: functions of constants would get the bits of the host's
  // math library.
  GreedyRewriteConfig config;
  config.enableFolding(false);
  return applyPatternsGreedily(root, std::move(patterns), config);
}
