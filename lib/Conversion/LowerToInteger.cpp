//===- LowerToInteger.cpp - QDQ form to integer form ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Contractions first, each with the bias, clamp and quantization that follow
// it; then every cast that is left becomes one elementwise op of its own.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Analysis/Constants.h"
#include "QuantOpt/Analysis/Elementwise.h"
#include "QuantOpt/Analysis/Quantizable.h"
#include "QuantOpt/Analysis/Report.h"
#include "QuantOpt/Conversion/DynamicQuantization.h"
#include "QuantOpt/Conversion/Epilogue.h"
#include "QuantOpt/Conversion/QuantizeWeights.h"
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h"
#include "QuantOpt/Support/QuantMath.h"

#include "mlir/Transforms/RegionUtils.h"

#include <cmath>

namespace mlir::qopt {
#define GEN_PASS_DEF_LOWERTOINTEGER
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h.inc"
} // namespace mlir::qopt

using namespace mlir;
using namespace mlir::qopt;

namespace {
/// What follows a contraction and joins its epilogue.
struct EpilogueChain {
  /// The value the epilogue replaces.
  Value end;
  SmallVector<float> bias; ///< per channel; empty for none
  Operation *biasOp = nullptr;
  float low = -INFINITY, high = INFINITY;
  SmallVector<Operation *> clamps;
  /// Reshapes between the contraction and the quantization, replayed on the
  /// integers.
  SmallVector<Operation *> reshapes;
  quant::QuantizeCastOp quantize; ///< null: the epilogue ends in real units
};

/// A constant weight under its casts.
struct Weight {
  Value integers;
  std::vector<int8_t> values;
  QuantizedParameters parameters;
};

struct LowerToInteger : public qopt::impl::LowerToIntegerBase<LowerToInteger> {
  void runOnOperation() override;

private:
  LogicalResult lowerContraction(const Quantizable &match,
                                 const Weight &weight);
  void lowerCasts();
  void noteFused(Operation *op, StringRef into);

  Report report;
};
} // namespace

/// The parameters of the quantized type of `value`, if lowering knows them.
static FailureOr<QuantizedParameters> getParameters(Value value) {
  return QuantizedParameters::get(
      cast<quant::QuantizedType>(getElementTypeOrSelf(value.getType())));
}

/// `dcast(scast(constant))` on the weight operand of `match`.
static std::optional<Weight> matchWeight(Value value) {
  auto dequantize = value.getDefiningOp<quant::DequantizeCastOp>();
  auto storage =
      dequantize ? dequantize.getInput().getDefiningOp<quant::StorageCastOp>()
                 : quant::StorageCastOp();
  if (!storage)
    return std::nullopt;
  ElementsAttr attr = getConstantElements(storage.getInput());
  if (!attr)
    return std::nullopt;
  FailureOr<std::vector<int8_t>> values = readInt8s(attr);
  FailureOr<QuantizedParameters> parameters =
      getParameters(dequantize.getInput());
  if (failed(values) || failed(parameters))
    return std::nullopt;
  return Weight{storage.getInput(), std::move(*values), std::move(*parameters)};
}

/// The matchers see constants as weights; in QDQ form those are under casts, so
/// the op is matched with the constants in place of the casts for a moment.
static std::optional<Quantizable>
matchQuantized(Operation *op, std::optional<Weight> &weight) {
  for (OpOperand &operand : op->getOpOperands()) {
    weight = matchWeight(operand.get());
    if (!weight)
      continue;
    Value cast = operand.get();
    operand.set(weight->integers);
    std::optional<Quantizable> match = matchQuantizable(op);
    operand.set(cast);
    if (match && match->weight == &operand)
      return match;
  }
  return std::nullopt;
}

/// The i8 storage of `quantized` (a value of !quant.uniform elements).
static Value getStorage(OpBuilder &builder, Value quantized) {
  if (auto cast = quantized.getDefiningOp<quant::StorageCastOp>())
    return cast.getInput();
  auto type = cast<RankedTensorType>(quantized.getType());
  return quant::StorageCastOp::create(
      builder, quantized.getLoc(), type.clone(builder.getI8Type()), quantized);
}

static EpilogueChain matchEpilogue(const Quantizable &match) {
  EpilogueChain chain;
  chain.end = match.op->getResult(0);
  auto getOnlyUser = [](Value value) -> Operation * {
    return value.hasOneUse() ? *value.user_begin() : nullptr;
  };
  if (auto bias = dyn_cast_or_null<linalg::GenericOp>(getOnlyUser(chain.end))) {
    std::optional<ChannelAffine> affine =
        matchChannelAffine(bias, match.resultChannelDims);
    if (affine &&
        llvm::all_of(affine->scale, [](double s) { return s == 1.0; })) {
      chain.bias.assign(affine->shift.begin(), affine->shift.end());
      chain.biasOp = bias;
      chain.end = bias.getResult(0);
    }
  }
  // Clamps and reshapes only join when a quantization follows.
  EpilogueChain quantized = chain;
  Value value = chain.end;
  while (Operation *user = getOnlyUser(value)) {
    if (auto quantize = dyn_cast<quant::QuantizeCastOp>(user)) {
      if (!isa<quant::UniformQuantizedType>(
              getElementTypeOrSelf(quantize.getResult().getType())))
        break;
      quantized.quantize = quantize;
      quantized.end = quantize.getResult();
      return quantized;
    }
    if (isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(user)) {
      quantized.reshapes.push_back(user);
    } else if (auto generic = dyn_cast<linalg::GenericOp>(user)) {
      std::optional<Clamp> clamp = matchClamp(generic);
      if (!clamp)
        break;
      quantized.low =
          std::min(std::max(quantized.low, clamp->low), clamp->high);
      quantized.high =
          std::min(std::max(quantized.high, clamp->low), clamp->high);
      quantized.clamps.push_back(user);
    } else {
      break;
    }
    value = user->getResult(0);
  }
  return chain;
}

/// Per-channel sums and scales of a quantized weight.
static void fillWeightFacts(const Quantizable &match, const Weight &weight,
                            EpilogueInputs &inputs) {
  auto type = cast<RankedTensorType>(weight.integers.getType());
  int64_t channels = 1;
  for (int64_t dim : match.weightChannelDims)
    channels *= type.getDimSize(dim);
  inputs.channelDims = match.resultChannelDims;
  inputs.weightSums.assign(channels, 0);
  inputs.weightAbsoluteSums.assign(channels, 0);
  forEachWeight(type.getShape(), match.weightChannelDims,
                [&](int64_t i, int64_t channel) {
                  inputs.weightSums[channel] += weight.values[i];
                  inputs.weightAbsoluteSums[channel] +=
                      std::abs(int(weight.values[i]));
                });
  inputs.weightScales = weight.parameters.scales;
  if (inputs.weightScales.size() == 1)
    inputs.weightScales.assign(channels, inputs.weightScales[0]);
}

/// The reshape `op` on the i8 value `integers`.
static Value replayReshape(OpBuilder &builder, Operation *op, Value integers) {
  auto type = cast<RankedTensorType>(op->getResult(0).getType())
                  .clone(builder.getI8Type());
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
    return tensor::ExpandShapeOp::create(builder, op->getLoc(), type, integers,
                                         expand.getReassociationIndices());
  return tensor::CollapseShapeOp::create(
      builder, op->getLoc(), type, integers,
      cast<tensor::CollapseShapeOp>(op).getReassociationIndices());
}

/// The map from the dimensions of the contraction's result to those of the
/// activation's run-time scale.
static AffineMap getResultScaleMap(const Quantizable &match, Granularity per) {
  MLIRContext *context = match.op->getContext();
  int64_t rank =
      cast<RankedTensorType>(match.op->getResult(0).getType()).getRank();
  if (per == Granularity::Tensor)
    return AffineMap::get(rank, 0, context);
  auto op = cast<linalg::LinalgOp>(match.op);
  AffineMap in = op.getMatchingIndexingMap(match.activation);
  AffineMap out = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  SmallVector<AffineExpr> exprs;
  for (AffineExpr expr : in.getResults().drop_back())
    exprs.push_back(getAffineDimExpr(*out.getResultPosition(expr), context));
  return AffineMap::get(rank, 0, exprs, context);
}

void LowerToInteger::noteFused(Operation *op, StringRef into) {
  if (op)
    report.setPrecision(qopt::getOpName(op), "int8",
                        ("in the epilogue of " + into).str());
}

LogicalResult LowerToInteger::lowerContraction(const Quantizable &match,
                                               const Weight &weight) {
  Operation *op = match.op;
  StringRef name = qopt::getOpName(op);
  Location loc =
      name.empty()
          ? op->getLoc()
          : NameLoc::get(StringAttr::get(&getContext(), name), op->getLoc());
  OpBuilder builder(op);
  Value activation = match.activation->get();
  auto dequantize = activation.getDefiningOp<quant::DequantizeCastOp>();
  auto dynamic = activation.getDefiningOp<DynamicDequantizeOp>();
  quant::UniformQuantizedType activationType;
  if (dequantize)
    activationType = dyn_cast<quant::UniformQuantizedType>(
        getElementTypeOrSelf(dequantize.getInput().getType()));
  if (!activationType && !dynamic) {
    reportFloat(report, op, match.kind,
                "its activation is not quantized per tensor in the QDQ form");
    return success();
  }
  if (dynamic && dynamic.getPer() == Granularity::Row &&
      !match.rowsAreIndependent) {
    reportFloat(report, op, match.kind,
                "the rows of its activation's scales are summed over");
    return success();
  }
  if (!isContractionWeight(weight.parameters, match) ||
      !startsFromZero(match)) {
    reportFloat(report, op, match.kind,
                startsFromZero(match)
                    ? "its weight is not symmetric s8 with scales per output "
                      "channel in the QDQ form"
                    : "it accumulates onto a value that is not zero");
    return success();
  }

  Value integers = dynamic ? dynamic.getQuantized()
                           : getStorage(builder, dequantize.getInput());
  bool isUnsigned = activationType && !activationType.isSigned();
  EpilogueInputs inputs;
  fillWeightFacts(match, weight, inputs);
  AccumulatorProof proof =
      boundAccumulators(activationType, inputs.weightAbsoluteSums);
  if (!proof.holds()) {
    reportFloat(report, op, match.kind, describeOverflow(match, proof));
    return success();
  }
  EpilogueChain chain = matchEpilogue(match);
  inputs.accumulator = match.matcher->buildAccumulator(
      builder, match, integers, isUnsigned, weight.integers,
      /*unsignedWeight=*/false);
  if (!inputs.accumulator)
    return failure();
  inputs.accumulator.getDefiningOp()->setLoc(loc);
  inputs.bias = chain.bias;
  if (inputs.bias.empty())
    inputs.bias.assign(inputs.weightScales.size(), 0.0f);
  if (activationType) {
    inputs.activationScale = activationType.getScale();
    inputs.activationZeroPoint = activationType.getZeroPoint();
    inputs.maxAbsActivation =
        isUnsigned ? activationType.getStorageTypeMax() : 128;
  }

  Value result;
  if (dynamic) {
    // A run-time scale ends in real units: what follows stays as it is.
    if (chain.quantize)
      chain.end = chain.biasOp ? chain.biasOp->getResult(0) : op->getResult(0);
    result = buildDynamicEpilogue(builder, loc, inputs, dynamic.getScale(),
                                  getResultScaleMap(match, dynamic.getPer()));
  } else if (chain.quantize) {
    auto type = cast<quant::UniformQuantizedType>(
        getElementTypeOrSelf(chain.end.getType()));
    result =
        buildFusedEpilogue(builder, loc, inputs, type, chain.low, chain.high);
    if (!result)
      return failure();
    for (Operation *reshape : chain.reshapes)
      result = replayReshape(builder, reshape, result);
    result =
        quant::StorageCastOp::create(builder, loc, chain.end.getType(), result);
    for (Operation *clamp : chain.clamps)
      noteFused(clamp, name);
  } else {
    result = buildFloatEpilogue(builder, loc, inputs);
    if (!result)
      return failure();
  }
  noteFused(chain.biasOp, name);
  chain.end.replaceAllUsesWith(result);
  return success();
}

void LowerToInteger::lowerCasts() {
  SmallVector<Operation *> casts;
  getOperation().walk([&](Operation *op) {
    if (isa<quant::QuantizeCastOp, quant::DequantizeCastOp, DynamicQuantizeOp,
            DynamicDequantizeOp>(op))
      casts.push_back(op);
  });
  for (Operation *op : casts) {
    OpBuilder builder(op);
    if (auto dynamic = dyn_cast<DynamicQuantizeOp>(op)) {
      auto [quantized, scale] = expandDynamicQuantize(builder, dynamic);
      dynamic.replaceAllUsesWith(ValueRange{quantized, scale});
    } else if (auto dynamic = dyn_cast<DynamicDequantizeOp>(op)) {
      if (!dynamic->use_empty())
        dynamic.replaceAllUsesWith(expandDynamicDequantize(builder, dynamic));
    } else if (auto quantize = dyn_cast<quant::QuantizeCastOp>(op)) {
      FailureOr<QuantizedParameters> type = getParameters(quantize.getResult());
      if (failed(type) || !type->hasOneZeroPoint())
        continue;
      Value integers =
          buildQuantize(builder, op->getLoc(), quantize.getInput(), *type);
      quantize.replaceAllUsesWith(
          quant::StorageCastOp::create(builder, op->getLoc(),
                                       quantize.getResult().getType(), integers)
              .getResult());
    } else if (auto dequantize = dyn_cast<quant::DequantizeCastOp>(op)) {
      FailureOr<QuantizedParameters> type =
          getParameters(dequantize.getInput());
      if (failed(type) || dequantize->use_empty())
        continue;
      Value integers = getStorage(builder, dequantize.getInput());
      dequantize.replaceAllUsesWith(
          buildDequantize(builder, op->getLoc(), integers, *type));
    }
  }
  // What is left of scast comes in inverse pairs.
  getOperation().walk([&](quant::StorageCastOp op) {
    auto inner = op.getInput().getDefiningOp<quant::StorageCastOp>();
    if (inner && inner.getInput().getType() == op.getResult().getType())
      op.replaceAllUsesWith(inner.getInput());
  });
}

void LowerToInteger::runOnOperation() {
  report = Report::load(getOperation());
  SmallVector<Operation *> candidates;
  getOperation().walk([&](Operation *op) {
    if (isa<linalg::LinalgOp, QuantizableOpInterface>(op))
      candidates.push_back(op);
  });
  // Users first: an epilogue must see the casts its contraction ends in before
  // the next contraction replaces them by storage.
  for (Operation *op : llvm::reverse(candidates)) {
    std::optional<Weight> weight;
    std::optional<Quantizable> match = matchQuantized(op, weight);
    if (match && failed(lowerContraction(*match, *weight)))
      return signalPassFailure();
  }
  lowerCasts();
  IRRewriter rewriter(&getContext());
  (void)runRegionDCE(rewriter, getOperation()->getRegions());
  getOperation().walk([&](Operation *op) {
    StringRef name = qopt::getOpName(op);
    const Report::OpRow *row = report.findOp(name);
    if (row && !row->isContraction && row->precision != "int8") {
      if (getElementTypeOrSelf(op->getResult(0).getType()).isInteger(8))
        report.setPrecision(name, "int8", "on integers of one scale");
      else
        remarkFloat(op, row->reason);
    }
    op->removeAttr(kNameAttr);
  });
  report.save(getOperation());
}
