//===- Quantize.cpp - Observers to casts, weights to integers ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Requires: types on the observers that have statistics, but for those of edges
// that stay float. An op whose exact i32
// accumulator cannot be proven not to overflow stays float (docs/Numerics.md,
// "Integer contraction").
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Analysis/Constants.h"
#include "QuantOpt/Analysis/Policy.h"
#include "QuantOpt/Analysis/Quantizable.h"
#include "QuantOpt/Analysis/Report.h"
#include "QuantOpt/Conversion/QuantizeWeights.h"
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h"

#include <cmath>

namespace mlir::qopt {
#define GEN_PASS_DEF_QUANTIZE
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h.inc"
} // namespace mlir::qopt

using namespace mlir;
using namespace mlir::qopt;

/// True if a contraction that annotate chose reads the edge.
static bool isReadByChosen(ObserveOp observer) {
  return llvm::any_of(getReadersBehindMovement(observer), [](OpOperand *use) {
    return use->getOwner()->hasAttr(kQuantizeAttr);
  });
}

namespace {
struct Quantize : public qopt::impl::QuantizeBase<Quantize> {
  using QuantizeBase::QuantizeBase;

  void runOnOperation() override {
    report = Report::load(getOperation());
    needed.clear();
    SmallVector<Operation *> chosen;
    getOperation().walk([&](Operation *op) {
      if (op->hasAttr(kQuantizeAttr))
        chosen.push_back(op);
      // What no contraction reads is in memory, or the model came with it.
      if (auto observer = dyn_cast<ObserveOp>(op);
          observer && observer.getType() &&
          (!observer.getStats() || !isReadByChosen(observer)))
        needed.insert(observer);
    });
    for (Operation *op : chosen) {
      op->removeAttr(kQuantizeAttr);
      if (failed(quantizeOp(op)))
        return signalPassFailure();
    }
    if (failed(verifyNoFallback()))
      return signalPassFailure();
    report.setNumber("weights_bytes_after", getWeightBytes(getOperation()));
    SmallVector<ObserveOp> observers;
    getOperation().walk([&](ObserveOp op) { observers.push_back(op); });
    for (ObserveOp op : observers)
      replaceObserver(op);
    report.save(getOperation());
  }

private:
  LogicalResult quantizeOp(Operation *op);
  LogicalResult quantizeWeighted(const Quantizable &match,
                                 ObserveOp activation);
  LogicalResult quantizeProduct(const Quantizable &match, ObserveOp activation);
  /// A weight that the model came with stays as it is.
  LogicalResult quantizeImported(const Quantizable &match, ObserveOp activation,
                                 const QuantizedConstant &weight);
  /// Adds the row of the weights of `op` and warns of what people should know.
  void reportWeights(Operation *op, const QuantizedWeights &weights,
                     const AccumulatorProof &proof);
  /// Puts `dynamic_dequantize(dynamic_quantize(x))` on an operand.
  /// By the observer's type, or at run time if it has none.
  void quantizeActivation(const Quantizable &match, ObserveOp activation);
  void quantizeDynamically(OpOperand &operand, Granularity per);
  void replaceObserver(ObserveOp op);
  /// Fails for each contraction that stays float and must not, by a rule or by
  /// `require-int8`. Takes off what annotate has left for this.
  LogicalResult verifyNoFallback();

  Report report;
  /// Observers whose integers some op reads.
  DenseSet<Operation *> needed;
};
} // namespace

static ObserveOp getObserver(OpOperand *operand) {
  return getMovementSource(operand->get()).getDefiningOp<ObserveOp>();
}

LogicalResult Quantize::quantizeOp(Operation *op) {
  std::optional<Quantizable> match = matchQuantizable(op);
  if (!match || (!match->weight && !match->other))
    return op->emitError("was chosen for quantization but is no contraction "
                         "any more");
  ObserveOp activation = getObserver(match->activation);
  if (!activation || (match->other && !getObserver(match->other)))
    return op->emitError("was chosen for quantization but its operands are not "
                         "observed");
  return match->weight ? quantizeWeighted(*match, activation)
                       : quantizeProduct(*match, activation);
}

LogicalResult Quantize::quantizeWeighted(const Quantizable &match,
                                         ObserveOp activation) {
  Operation *op = match.op;
  Type activationType = activation.getType().value_or(Type());
  if (std::optional<QuantizedConstant> constant =
          getQuantizedConstant(match.weight->get()))
    return quantizeImported(match, activation, *constant);
  FailureOr<QuantizedWeights> weights =
      quantizeWeights(match, perTensorWeights, weightMethod);
  if (failed(weights))
    return failure();
  AccumulatorProof proof =
      boundAccumulators(activationType, weights->absoluteSums);
  if (!proof.holds()) {
    reportFloat(report, op, match.kind, describeOverflow(match, proof));
    return success();
  }
  insertWeightCasts(match, *weights);
  reportWeights(op, *weights, proof);
  quantizeActivation(match, activation);
  return success();
}

LogicalResult Quantize::quantizeImported(const Quantizable &match,
                                         ObserveOp activation,
                                         const QuantizedConstant &weight) {
  FailureOr<QuantizedParameters> parameters =
      QuantizedParameters::get(weight.type, /*allowBlocks=*/true);
  bool usable = succeeded(parameters) && parameters->bits == 8 &&
                !parameters->hasBlocks() &&
                (isContractionWeight(*parameters, match) ||
                 (match.kind == "matmul" && parameters->channelDims.empty()));
  if (!usable) {
    reportFloat(report, match.op, match.kind,
                "the model came with weights that no 8-bit sum of products "
                "takes: scales along summed dimensions, in blocks, or zero "
                "points per channel");
    return success();
  }
  FailureOr<std::vector<int32_t>> integers =
      readIntegers(weight.elements, parameters->isSigned);
  if (failed(integers))
    return match.op->emitError("has weights that cannot be read");
  ArrayRef<int64_t> shape = weight.elements.getShapedType().getShape();
  int64_t channels = 1;
  for (int64_t dim : match.weightChannelDims)
    channels *= shape[dim];
  SmallVector<int64_t> sums(channels, 0);
  int32_t zeroPoint = parameters->zeroPoints.front();
  forEachWeight(
      shape, match.weightChannelDims, [&](int64_t i, int64_t channel) {
        int64_t q = (*integers)[i];
        sums[channel] += std::max(std::abs(q), std::abs(q - zeroPoint));
      });
  AccumulatorProof proof =
      boundAccumulators(activation.getType().value_or(Type()), sums);
  if (!proof.holds()) {
    reportFloat(report, match.op, match.kind, describeOverflow(match, proof));
    return success();
  }
  quantizeActivation(match, activation);
  return success();
}

LogicalResult Quantize::quantizeProduct(const Quantizable &match,
                                        ObserveOp activation) {
  ObserveOp other = getObserver(match.other);
  Type type = activation.getType().value_or(Type());
  Type otherType = other.getType().value_or(Type());
  AccumulatorProof proof = boundProducts(type, otherType, match.reductionSize);
  if (!proof.holds()) {
    reportFloat(report, match.op, match.kind, describeOverflow(match, proof));
    return success();
  }
  quantizeActivation(match, activation);
  if (otherType)
    needed.insert(other);
  else
    quantizeDynamically(*match.other, Granularity::Tensor);
  return success();
}

void Quantize::reportWeights(Operation *op, const QuantizedWeights &weights,
                             const AccumulatorProof &proof) {
  constexpr size_t kListed = 8;
  int64_t dead = weights.deadChannels.size();
  ArrayRef<int64_t> firstDead =
      ArrayRef(weights.deadChannels).take_front(kListed);
  Report::WeightRow row;
  row.channels = weights.absoluteSums.size();
  row.deadChannels = dead;
  row.firstDeadChannels = SmallVector<int64_t>(firstDead);
  row.scaleMin = weights.scaleMin;
  row.scaleMax = weights.scaleMax;
  row.flooredScales = weights.flooredScales;
  row.method = weightMethod == WeightMethod::MSE ? "mse" : "max";
  row.sqnrDb = 10 * std::log10(weights.squaredSum / weights.squaredError);
  row.accumulatorMax = proof.getMax();
  report.setWeight(qopt::getOpName(op), row);
  report.setNumber("dead_channels",
                   report.getNumber("dead_channels").value_or(0) + dead);
  if (dead) {
    InFlightDiagnostic warning = op->emitWarning();
    warning << dead << " of " << row.channels
            << " output channels have no weights but 0 (";
    llvm::interleaveComma(firstDead, warning);
    warning << (dead > static_cast<int64_t>(kListed) ? ", ..." : "")
            << "): their results do not depend on the input";
  }
  if (row.flooredScales)
    op->emitWarning() << row.flooredScales << " of " << weights.numScales
                      << " weight scales are clamped to 2^-40 or 2^40: the "
                         "weights are too small or too large for int8 (keep "
                         "the op float, or scale them in the model)";
}

void Quantize::quantizeActivation(const Quantizable &match,
                                  ObserveOp activation) {
  if (activation.getType())
    needed.insert(activation);
  else
    quantizeDynamically(*match.activation, match.rowsAreIndependent
                                               ? Granularity::Row
                                               : Granularity::Tensor);
}

void Quantize::quantizeDynamically(OpOperand &operand, Granularity per) {
  OpBuilder builder(operand.getOwner());
  Location loc = operand.getOwner()->getLoc();
  Value input = operand.get();
  auto type = cast<RankedTensorType>(input.getType());
  auto scaleType = RankedTensorType::get(per == Granularity::Row
                                             ? type.getShape().drop_back()
                                             : ArrayRef<int64_t>(),
                                         builder.getF32Type());
  auto quantized = DynamicQuantizeOp::create(
      builder, loc, type.clone(builder.getI8Type()), scaleType, input, per);
  operand.set(DynamicDequantizeOp::create(
      builder, loc, type, quantized.getQuantized(), quantized.getScale(), per));
}

LogicalResult Quantize::verifyNoFallback() {
  FailureOr<GlobList> globs = GlobList::create(
      *requireInt8, "require-int8", [&] { return getOperation().emitError(); });
  if (failed(globs))
    return failure();
  LogicalResult result = success();
  getOperation().walk([&](Operation *op) {
    op->removeAttr(kEdgeBitsAttr);
    op->removeAttr(kEdgeBitsReasonAttr);
    auto requiredBy =
        dyn_cast_or_null<StringAttr>(op->removeAttr(kRequiredAttr));
    const Report::OpRow *row = report.findOp(qopt::getOpName(op));
    if (!row || !row->isContraction)
      return;
    std::optional<StringRef> glob = globs->find(qopt::getOpName(op));
    if (row->precision == "int8" || (!glob && !requiredBy))
      return;
    std::string who =
        glob ? ("require-int8=" + *glob).str() : requiredBy.getValue().str();
    op->emitError() << "'" << qopt::getOpName(op) << "' stays float, which "
                    << who << " forbids: " << row->reason;
    result = failure();
  });
  for (StringRef text : globs->getUnmatched()) {
    getOperation().emitError()
        << "require-int8=" << text << " matches no contraction";
    result = failure();
  }
  return result;
}

void Quantize::replaceObserver(ObserveOp op) {
  Value value = op.getInput();
  if (needed.contains(op)) {
    OpBuilder builder(op);
    auto type = cast<RankedTensorType>(value.getType());
    auto quantized = quant::QuantizeCastOp::create(
        builder, op.getLoc(), type.clone(*op.getType()), value);
    if (op.getDivide())
      quantized->setAttr(kDivideAttr, builder.getUnitAttr());
    value = quantized;
    value = quant::DequantizeCastOp::create(builder, op.getLoc(), type, value);
  }
  op.replaceAllUsesWith(value);
  op.erase();
}
