//===- SinkThroughLoops.cpp - Layouts of values that loops carry -*- C++
//-*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "LayoutTransposes.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace mlir::qopt;

namespace {
/// `for iter_args(s = init) { ... yield transpose(y) }` ->
/// `transpose(for iter_args(s' = init') { s = transpose(s') ... yield y })`
/// where the initial state is transposed alike or costs nothing. Once per
/// value: a loop may turn its state around each time.
struct SinkThroughFor : OpRewritePattern<scf::ForOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(scf::ForOp op,
                                PatternRewriter &rewriter) const override {
    for (auto [i, yielded] : llvm::enumerate(op.getYieldedValues())) {
      linalg::TransposeOp transpose = getLayoutTranspose(yielded);
      if (!transpose || transpose->getParentOp() != op ||
          llvm::is_contained(getConverted(op), int64_t(i)))
        continue;
      Value init = op.getInitArgs()[i];
      linalg::TransposeOp initial = getLayoutTranspose(init);
      bool isSame =
          initial && initial.getPermutation() == transpose.getPermutation();
      if (!isSame && !isFreeInAnyLayout(init))
        continue;
      convert(rewriter, op, i, transpose);
      return success();
    }
    return rewriter.notifyMatchFailure(op, "carries no transposed values");
  }

private:
  /// Carried values that have been converted, noted on the loop in this pass.
  static ArrayRef<int64_t> getConverted(scf::ForOp op) {
    auto converted = op->getAttrOfType<DenseI64ArrayAttr>(kLayoutAttr);
    return converted ? converted.asArrayRef() : ArrayRef<int64_t>();
  }

  static void convert(PatternRewriter &rewriter, scf::ForOp op, unsigned index,
                      linalg::TransposeOp transpose) {
    Location loc = op.getLoc();
    SmallVector<int64_t> permutation(transpose.getPermutation());
    SmallVector<Value> inits(op.getInitArgs());
    linalg::TransposeOp initial = getLayoutTranspose(inits[index]);
    inits[index] = initial ? initial.getInput()
                           : convertLayout(rewriter, loc, inits[index],
                                           invertPermutation(permutation));
    auto loop = scf::ForOp::create(rewriter, loc, op.getLowerBound(),
                                   op.getUpperBound(), op.getStep(), inits);
    SmallVector<int64_t> converted(getConverted(op));
    converted.push_back(index);
    loop->setDiscardableAttrs(op->getDiscardableAttrDictionary());
    loop->setAttr(kLayoutAttr, rewriter.getDenseI64ArrayAttr(converted));
    rewriter.eraseBlock(loop.getBody());
    rewriter.inlineRegionBefore(op.getRegion(), loop.getRegion(),
                                loop.getRegion().end());
    BlockArgument state = loop.getRegionIterArg(index);
    rewriter.modifyOpInPlace(loop,
                             [&] { state.setType(inits[index].getType()); });
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPointToStart(loop.getBody());
    Value inside = createLayoutTranspose(rewriter, loc, state, permutation);
    rewriter.replaceAllUsesExcept(state, inside, inside.getDefiningOp());
    auto yield = cast<scf::YieldOp>(loop.getBody()->getTerminator());
    rewriter.modifyOpInPlace(
        yield, [&] { yield->setOperand(index, transpose.getInput()); });
    rewriter.setInsertionPointAfter(loop);
    SmallVector<Value> results(loop.getResults());
    results[index] =
        createLayoutTranspose(rewriter, loc, results[index], permutation);
    rewriter.replaceOp(op, results);
  }
};
} // namespace

void mlir::qopt::populateSinkThroughLoopPatterns(RewritePatternSet &patterns) {
  patterns.add<SinkThroughFor>(patterns.getContext());
}
