//===- FoldChannelAffine.cpp - Batch norm and scales into weights ---*- C++
//-*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// conv(x, W) followed by y[c] = a[c]·v + b[c] is conv(x, a·W) + b. One rule for
// biases, un-folded batch norm (one generic or four) and scales, looking
// through reshapes that keep the channels together. Arithmetic is f64, rounded
// once.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Analysis/Constants.h"
#include "QuantOpt/Analysis/Elementwise.h"
#include "QuantOpt/Analysis/Quantizable.h"
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h"
#include "QuantOpt/Frontend/HoistScalings.h"

#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir::qopt {
#define GEN_PASS_DEF_FOLDCHANNELAFFINE
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h.inc"
} // namespace mlir::qopt

using namespace mlir;
using namespace mlir::qopt;

/// Where `channelDims` of a reshape's source are in its result (or the other
/// way round for an expansion, `groups` being those of the op): one dimension
/// per channel dimension, or one for all of them if they merge in order.
/// Empty where they mix with other dimensions that are not 1.
static SmallVector<int64_t> mapDims(ArrayRef<int64_t> channelDims,
                                    ArrayRef<int64_t> fineShape,
                                    ArrayRef<ReassociationIndices> groups,
                                    bool fineToCoarse) {
  SmallVector<int64_t> mapped;
  for (auto [coarse, group] : llvm::enumerate(groups)) {
    SmallVector<int64_t> wide;
    for (int64_t dim : group)
      if (fineShape[dim] != 1)
        wide.push_back(dim);
    if (fineToCoarse) {
      SmallVector<int64_t> channels;
      for (int64_t dim : group)
        if (llvm::is_contained(channelDims, dim) && fineShape[dim] != 1)
          channels.push_back(dim);
      if (channels.empty())
        continue;
      if (channels != wide)
        return {};
      mapped.push_back(coarse);
    } else {
      if (!llvm::is_contained(channelDims, int64_t(coarse)))
        continue;
      if (wide.size() > 1)
        return {};
      mapped.push_back(wide.empty() ? group.front() : wide.front());
    }
  }
  return mapped;
}

namespace {
/// A contraction, perhaps its bias, and reshapes up to the affine op.
struct Chain {
  Quantizable contraction;
  linalg::GenericOp bias;
  /// The channel dimensions as the affine op sees them.
  SmallVector<int64_t> channelDims;
  int64_t channels = 1;
};
} // namespace

/// True if `op` adds one constant per channel of `contraction` to its result
/// and nothing else: the form this pass makes.
static bool isBias(linalg::GenericOp op, const Quantizable &contraction) {
  std::optional<ChannelAffine> affine =
      matchChannelAffine(op, contraction.resultChannelDims);
  return affine &&
         llvm::all_of(affine->scale, [](double s) { return s == 1.0; });
}

/// Follows single uses from `value` up to a contraction with constant weights.
static std::optional<Chain> matchChain(Value value) {
  SmallVector<Operation *> reshapes;
  Chain chain;
  while (Operation *op = value.getDefiningOp()) {
    if (!value.hasOneUse())
      return std::nullopt;
    if (isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(op)) {
      reshapes.push_back(op);
      value = op->getOperand(0);
      continue;
    }
    if (auto generic = dyn_cast<linalg::GenericOp>(op);
        generic && !chain.bias && isElementwise(generic)) {
      OpOperand *main = getMainInput(generic);
      if (!main)
        return std::nullopt;
      chain.bias = generic;
      value = main->get();
      continue;
    }
    std::optional<Quantizable> match = matchQuantizable(op);
    // A producer's integer weights and their bias stay as they are.
    if (!match || !match->weight || match->resultChannelDims.empty() ||
        !getConstantElements(match->weight->get()))
      return std::nullopt;
    chain.contraction = *match;
    break;
  }
  const Quantizable &contraction = chain.contraction;
  if (!contraction.op)
    return std::nullopt;
  // A bias is only understood right after the contraction.
  if (chain.bias &&
      (getMainInput(chain.bias)->get() != contraction.op->getResult(0) ||
       !isBias(chain.bias, contraction)))
    return std::nullopt;
  chain.channelDims.assign(contraction.resultChannelDims);
  if (!llvm::is_sorted(chain.channelDims))
    return std::nullopt;
  auto shape =
      cast<RankedTensorType>(contraction.op->getResult(0).getType()).getShape();
  for (int64_t dim : chain.channelDims)
    chain.channels *= shape[dim];
  for (Operation *op : llvm::reverse(reshapes)) {
    if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op))
      chain.channelDims =
          mapDims(chain.channelDims, collapse.getSrcType().getShape(),
                  collapse.getReassociationIndices(), true);
    else if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
      chain.channelDims =
          mapDims(chain.channelDims, expand.getResultType().getShape(),
                  expand.getReassociationIndices(), false);
    if (chain.channelDims.empty())
      return std::nullopt;
  }
  return chain;
}

/// W[.., c, ..] * scale[c], rounded once.
static FailureOr<ElementsAttr> scaleWeights(const Quantizable &contraction,
                                            ArrayRef<double> scale) {
  ElementsAttr attr = getConstantElements(contraction.weight->get());
  auto type = cast<RankedTensorType>(attr.getType());
  FailureOr<std::vector<float>> values = readFloats(attr);
  if (failed(values) || !type.getElementType().isF32())
    return failure();
  ArrayRef<int64_t> shape = type.getShape();
  // Row-major over the *result's* channel dimensions.
  SmallVector<int64_t> channelStride(shape.size(), 0);
  int64_t stride = 1;
  for (size_t i = contraction.weightChannelDims.size(); i-- > 0;) {
    // resultChannelDims are ascending here, so both orders agree.
    channelStride[contraction.weightChannelDims[i]] = stride;
    stride *= shape[contraction.weightChannelDims[i]];
  }
  SmallVector<int64_t> index(shape.size(), 0);
  for (float &value : *values) {
    int64_t channel = 0;
    for (size_t d = 0; d < shape.size(); ++d)
      channel += index[d] * channelStride[d];
    value = static_cast<float>(static_cast<double>(value) * scale[channel]);
    for (size_t d = shape.size(); d-- > 0;) {
      if (++index[d] < shape[d])
        break;
      index[d] = 0;
    }
  }
  StringRef hint = "weight";
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(attr))
    hint = resource.getRawHandle().getKey();
  return makeFloatElements(type, *values, hint);
}

/// `generic addf(value, shift[channel])` over the result of `contraction`.
static Value addBias(OpBuilder &builder, Location loc, Value value,
                     const Quantizable &contraction, ArrayRef<float> shift) {
  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<int64_t> biasShape;
  SmallVector<AffineExpr> exprs;
  for (int64_t dim : contraction.resultChannelDims) {
    biasShape.push_back(type.getDimSize(dim));
    exprs.push_back(builder.getAffineDimExpr(dim));
  }
  auto biasType = RankedTensorType::get(biasShape, builder.getF32Type());
  Value bias =
      makeConstant(builder, loc, makeFloatElements(biasType, shift, "bias"));
  Value empty = tensor::EmptyOp::create(builder, loc, type.getShape(),
                                        type.getElementType());
  AffineMap identity = builder.getMultiDimIdentityMap(type.getRank());
  AffineMap biasMap =
      AffineMap::get(type.getRank(), 0, exprs, builder.getContext());
  SmallVector<utils::IteratorType> iterators(type.getRank(),
                                             utils::IteratorType::parallel);
  return linalg::GenericOp::create(
             builder, loc, TypeRange{type}, ValueRange{value, bias},
             ValueRange{empty},
             ArrayRef<AffineMap>{identity, biasMap, identity}, iterators,
             [](OpBuilder &b, Location loc, ValueRange args) {
               Value sum = arith::AddFOp::create(b, loc, args[0], args[1]);
               linalg::YieldOp::create(b, loc, sum);
             })
      .getResult(0);
}

namespace {
/// `affine(reshape*(bias?(contraction)))` -> `reshape*(bias(contraction'))`.
struct FoldAffine : OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::GenericOp op,
                                PatternRewriter &rewriter) const override {
    OpOperand *main = isElementwise(op) ? getMainInput(op) : nullptr;
    if (!main)
      return rewriter.notifyMatchFailure(op, "not elementwise on one value");
    std::optional<Chain> chain = matchChain(main->get());
    if (!chain)
      return rewriter.notifyMatchFailure(
          op, "input is no contraction with constant weights used only here");
    std::optional<ChannelAffine> affine =
        matchChannelAffine(op, chain->channelDims);
    if (!affine ||
        static_cast<int64_t>(affine->scale.size()) != chain->channels)
      return rewriter.notifyMatchFailure(op, "not affine per channel");
    const Quantizable &contraction = chain->contraction;
    bool unitScale =
        llvm::all_of(affine->scale, [](double s) { return s == 1.0; });
    if (unitScale && !chain->bias &&
        main->get() == contraction.op->getResult(0) && isCanonicalBias(op))
      return rewriter.notifyMatchFailure(op, "is the bias already");

    SmallVector<float> shift;
    std::optional<ChannelAffine> oldBias;
    if (chain->bias)
      oldBias = matchChannelAffine(chain->bias, contraction.resultChannelDims);
    for (auto [c, b] : llvm::enumerate(affine->shift)) {
      double before = oldBias ? oldBias->shift[c] : 0.0;
      shift.push_back(static_cast<float>(affine->scale[c] * before + b));
    }
    if (!unitScale) {
      FailureOr<ElementsAttr> weights =
          scaleWeights(contraction, affine->scale);
      if (failed(weights))
        return rewriter.notifyMatchFailure(op, "weights are not f32");
      rewriter.setInsertionPoint(contraction.op);
      Value scaled = makeConstant(rewriter, contraction.op->getLoc(), *weights);
      rewriter.modifyOpInPlace(contraction.op,
                               [&] { contraction.weight->set(scaled); });
    }
    Value result = contraction.op->getResult(0);
    rewriter.setInsertionPointAfter(contraction.op);
    Value biased = addBias(rewriter, op.getLoc(), result, contraction, shift);
    // The reshapes (or the old bias' users) now read the new bias.
    Value replaced = chain->bias ? chain->bias.getResult(0) : result;
    rewriter.replaceUsesWithIf(replaced, biased, [&](OpOperand &use) {
      return use.getOwner() != biased.getDefiningOp();
    });
    rewriter.replaceOp(op, main->get());
    return success();
  }

private:
  /// Just `addf(x, constant)`: rewriting it would change nothing.
  static bool isCanonicalBias(linalg::GenericOp op) {
    auto body = op.getBody()->without_terminator();
    return llvm::hasSingleElement(body) && isa<arith::AddFOp>(*body.begin()) &&
           op.getNumDpsInputs() == 2;
  }
};

struct FoldChannelAffine
    : public qopt::impl::FoldChannelAffineBase<FoldChannelAffine> {
  LogicalResult initialize(MLIRContext *context) override {
    RewritePatternSet set(context);
    set.add<FoldAffine>(context);
    populateHoistScalingPatterns(set);
    patterns = std::move(set);
    return success();
  }
  void runOnOperation() override {
    GreedyRewriteConfig config;
    config.enableFolding(false).enableConstantCSE(false);
    if (failed(applyPatternsGreedily(getOperation(), patterns, config)))
      signalPassFailure();
  }
  FrozenRewritePatternSet patterns;
};
} // namespace
