//===- LowerContractions.cpp - Integer sums of products ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Analysis/Constants.h"
#include "QuantOpt/Conversion/Epilogue.h"
#include "QuantOpt/Conversion/IntegerLowering.h"
#include "QuantOpt/Conversion/QuantizeWeights.h"
#include "QuantOpt/Support/QuantMath.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::qopt;

namespace {
/// A constant weight under its casts.
struct Weight {
  Value integers;
  std::vector<int8_t> values;
  QuantizedParameters parameters;
};

/// A quantized run-time operand: per tensor, or with scales of run time.
struct ProductOperand {
  OpOperand *operand = nullptr;
  quant::DequantizeCastOp dequantize;
  quant::UniformQuantizedType type;
  DynamicDequantizeOp dynamic;

  static std::optional<ProductOperand> get(OpOperand *operand);
  bool isUnsigned() const { return type && !type.isSigned(); }
  int64_t getZeroPoint() const { return type ? type.getZeroPoint() : 0; }
  Value getIntegers(OpBuilder &builder) {
    return dynamic ? dynamic.getQuantized() : getStorage(builder, dequantize);
  }
};

class ContractionLowering {
public:
  explicit ContractionLowering(Report &report) : report(report) {}
  LogicalResult lower(Operation *op);

private:
  LogicalResult lowerWeighted(const Quantizable &match, const Weight &weight);
  LogicalResult lowerProduct(const Quantizable &match);
  /// Builds the epilogue of a statically quantized accumulator.
  LogicalResult finish(OpBuilder &builder, const Quantizable &match,
                       EpilogueInputs &inputs);

  Report &report;
};
} // namespace

static void noteFused(Report &report, Operation *op, StringRef into) {
  if (op)
    report.setPrecision(qopt::getOpName(op), "int8",
                        ("in the epilogue of " + into).str());
}

/// The location of `op` under its name.
static Location getNamedLocation(Operation *op) {
  StringRef name = qopt::getOpName(op);
  if (name.empty())
    return op->getLoc();
  return NameLoc::get(StringAttr::get(op->getContext(), name), op->getLoc());
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
      QuantizedParameters::get(cast<quant::QuantizedType>(
          getElementTypeOrSelf(dequantize.getInput().getType())));
  if (failed(values) || failed(parameters))
    return std::nullopt;
  return Weight{storage.getInput(), std::move(*values), std::move(*parameters)};
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

/// The map from the dimensions of the contraction's result to those of an
/// operand's run-time scale.
static AffineMap getResultScaleMap(const Quantizable &match, OpOperand &operand,
                                   Granularity per) {
  MLIRContext *context = match.op->getContext();
  int64_t rank =
      cast<RankedTensorType>(match.op->getResult(0).getType()).getRank();
  if (per == Granularity::Tensor)
    return AffineMap::get(rank, 0, context);
  auto op = cast<linalg::LinalgOp>(match.op);
  AffineMap in = op.getMatchingIndexingMap(&operand);
  AffineMap out = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  SmallVector<AffineExpr> exprs;
  for (AffineExpr expr : in.getResults().drop_back())
    exprs.push_back(getAffineDimExpr(*out.getResultPosition(expr), context));
  return AffineMap::get(rank, 0, exprs, context);
}

std::optional<ProductOperand> ProductOperand::get(OpOperand *operand) {
  ProductOperand result;
  result.operand = operand;
  result.dynamic = operand->get().getDefiningOp<DynamicDequantizeOp>();
  if (result.dynamic)
    return result;
  result.dequantize = operand->get().getDefiningOp<quant::DequantizeCastOp>();
  result.type = getUniformType(operand->get());
  if (!result.type || result.type.getStorageTypeIntegralWidth() != 8)
    return std::nullopt;
  return result;
}

LogicalResult ContractionLowering::finish(OpBuilder &builder,
                                          const Quantizable &match,
                                          EpilogueInputs &inputs) {
  Operation *op = match.op;
  StringRef name = qopt::getOpName(op);
  Location loc = getNamedLocation(op);
  EpilogueChain chain = matchEpilogue(op->getResult(0), inputs.channelDims,
                                      /*scaled=*/false);
  if (chain.quantize && chain.quantize->hasAttr(kDivideAttr)) {
    SmallVector<double> scales;
    for (float weightScale : inputs.weightScales)
      scales.push_back(double(inputs.activationScale) * weightScale);
    inputs.compensated = isCompensated(chain, scales);
    if (inputs.compensated)
      inputs.biasIntegers = chain.biasIntegers;
    else
      endInRealUnits(chain);
  }
  inputs.bias = chain.bias;
  if (inputs.bias.empty())
    inputs.bias.assign(inputs.weightScales.size(), 0.0f);
  Value result;
  if (chain.quantize) {
    auto type = cast<quant::UniformQuantizedType>(
        getElementTypeOrSelf(chain.end.getType()));
    result =
        buildFusedEpilogue(builder, loc, inputs, type, chain.low, chain.high);
    if (!result)
      return failure();
    for (Operation *reshape : chain.reshapes)
      result = replayReshape(builder, reshape, result);
    result = castToQuantized(builder, loc, result, chain.end.getType());
    for (Operation *clamp : chain.clamps)
      noteFused(report, clamp, name);
  } else {
    result = buildFloatEpilogue(builder, loc, inputs);
    if (!result)
      return failure();
  }
  noteFused(report, chain.biasOp, name);
  chain.end.replaceAllUsesWith(result);
  return success();
}

LogicalResult ContractionLowering::lowerWeighted(const Quantizable &match,
                                                 const Weight &weight) {
  Operation *op = match.op;
  Location loc = getNamedLocation(op);
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

  Value integers =
      dynamic ? dynamic.getQuantized() : getStorage(builder, dequantize);
  bool isUnsigned = activationType && !activationType.isSigned();
  EpilogueInputs inputs;
  fillWeightFacts(match, weight, inputs);
  AccumulatorProof proof =
      boundAccumulators(activationType, inputs.weightAbsoluteSums);
  if (!proof.holds()) {
    reportFloat(report, op, match.kind, describeOverflow(match, proof));
    return success();
  }
  inputs.accumulator = match.matcher->buildAccumulator(
      builder, match, integers, isUnsigned, weight.integers,
      /*unsignedWeight=*/false);
  if (!inputs.accumulator)
    return failure();
  inputs.accumulator.getDefiningOp()->setLoc(loc);
  if (activationType) {
    inputs.activationScale = activationType.getScale();
    inputs.activationZeroPoint = activationType.getZeroPoint();
    inputs.maxAbsActivation =
        isUnsigned ? activationType.getStorageTypeMax() : 128;
    return finish(builder, match, inputs);
  }
  // A run-time scale ends in real units: what follows stays as it is.
  EpilogueChain chain = matchEpilogue(op->getResult(0), match.resultChannelDims,
                                      /*scaled=*/false);
  inputs.bias = chain.bias;
  if (inputs.bias.empty())
    inputs.bias.assign(inputs.weightScales.size(), 0.0f);
  Value result = buildDynamicEpilogue(
      builder, loc, inputs, dynamic.getScale(),
      getResultScaleMap(match, *match.activation, dynamic.getPer()));
  noteFused(report, chain.biasOp, qopt::getOpName(op));
  (chain.biasOp ? chain.biasOp : op)->getResult(0).replaceAllUsesWith(result);
  return success();
}

//===----------------------------------------------------------------------===//
// Two run-time operands
//===----------------------------------------------------------------------===//

/// The i32 sums of `integers` over the dimensions of `operand` that `op` sums
/// over, and the map from the dimensions of the result of `op` to them.
static std::pair<Value, AffineMap>
buildOperandSums(OpBuilder &builder, linalg::LinalgOp op,
                 const ProductOperand &operand, Value integers) {
  Location loc = op.getLoc();
  MLIRContext *context = builder.getContext();
  AffineMap map = op.getMatchingIndexingMap(operand.operand);
  AffineMap out = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  auto type = cast<RankedTensorType>(integers.getType());
  SmallVector<utils::IteratorType> iterators;
  SmallVector<AffineExpr> kept, outDims;
  SmallVector<int64_t> shape;
  for (auto [dim, expr] : llvm::enumerate(map.getResults())) {
    std::optional<unsigned> position = out.getResultPosition(expr);
    iterators.push_back(position ? utils::IteratorType::parallel
                                 : utils::IteratorType::reduction);
    if (!position)
      continue;
    kept.push_back(getAffineDimExpr(dim, context));
    outDims.push_back(getAffineDimExpr(*position, context));
    shape.push_back(type.getDimSize(dim));
  }
  Value empty =
      tensor::EmptyOp::create(builder, loc, shape, builder.getI32Type());
  Value zero =
      arith::ConstantOp::create(builder, loc, builder.getI32IntegerAttr(0));
  Value init =
      linalg::FillOp::create(builder, loc, ValueRange{zero}, ValueRange{empty})
          .getResult(0);
  bool isUnsigned = operand.isUnsigned();
  int64_t rank = type.getRank();
  Value sums =
      linalg::GenericOp::create(
          builder, loc, TypeRange{init.getType()}, ValueRange{integers},
          ValueRange{init},
          ArrayRef<AffineMap>{builder.getMultiDimIdentityMap(rank),
                              AffineMap::get(rank, 0, kept, context)},
          iterators,
          [&](OpBuilder &b, Location loc, ValueRange args) {
            Type i32 = b.getI32Type();
            Value q =
                isUnsigned
                    ? arith::ExtUIOp::create(b, loc, i32, args[0]).getResult()
                    : arith::ExtSIOp::create(b, loc, i32, args[0]).getResult();
            Value sum = arith::AddIOp::create(b, loc, args[1], q);
            linalg::YieldOp::create(b, loc, sum);
          })
          .getResult(0);
  return {sums, AffineMap::get(out.getNumResults(), 0, outDims, context)};
}

/// acc - za·Σqb - zb·Σqa + K·za·zb, where a zero point is not 0.
static Value correctAccumulator(OpBuilder &builder, const Quantizable &match,
                                Value accumulator, const ProductOperand &a,
                                Value aIntegers, const ProductOperand &b,
                                Value bIntegers) {
  int64_t za = a.getZeroPoint(), zb = b.getZeroPoint();
  if (za == 0 && zb == 0)
    return accumulator;
  auto op = cast<linalg::LinalgOp>(match.op);
  auto type = cast<RankedTensorType>(accumulator.getType());
  SmallVector<Value> values = {accumulator};
  SmallVector<AffineMap> maps = {
      builder.getMultiDimIdentityMap(type.getRank())};
  SmallVector<int32_t> factors = {1};
  auto addSums = [&](const ProductOperand &operand, Value integers,
                     int64_t factor) {
    if (factor == 0)
      return;
    auto [sums, map] = buildOperandSums(builder, op, operand, integers);
    values.push_back(sums);
    maps.push_back(map);
    factors.push_back(static_cast<int32_t>(factor));
  };
  addSums(b, bIntegers, -za);
  addSums(a, aIntegers, -zb);
  // The exact result fits i32; its terms may wrap around.
  auto constant = static_cast<int32_t>(
      static_cast<uint64_t>(match.reductionSize * za * zb));
  return buildElementwise(
      builder, op.getLoc(), type.getShape(), builder.getI32Type(), values, maps,
      [&](OpBuilder &b, Location loc, ValueRange args) -> Value {
        auto getConstant = [&](int32_t number) -> Value {
          return arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(number));
        };
        Value sum = args[0];
        for (unsigned i = 1; i < factors.size(); ++i) {
          Value term =
              arith::MulIOp::create(b, loc, args[i], getConstant(factors[i]));
          sum = arith::AddIOp::create(b, loc, sum, term);
        }
        if (constant)
          sum = arith::AddIOp::create(b, loc, sum, getConstant(constant));
        return sum;
      });
}

LogicalResult ContractionLowering::lowerProduct(const Quantizable &match) {
  Operation *op = match.op;
  std::optional<ProductOperand> a = ProductOperand::get(match.activation);
  std::optional<ProductOperand> b = ProductOperand::get(match.other);
  if (!a || !b) {
    // Not chosen, or quantized in part: nothing is lost by saying so again.
    return success();
  }
  if (!startsFromZero(match) ||
      (a->dynamic && a->dynamic.getPer() == Granularity::Row &&
       !match.rowsAreIndependent) ||
      (b->dynamic && b->dynamic.getPer() != Granularity::Tensor)) {
    reportFloat(report, op, match.kind,
                startsFromZero(match)
                    ? "the rows of an operand's scales are summed over"
                    : "it accumulates onto a value that is not zero");
    return success();
  }
  AccumulatorProof proof = boundProducts(a->type, b->type, match.reductionSize);
  if (!proof.holds()) {
    reportFloat(report, op, match.kind, describeOverflow(match, proof));
    return success();
  }
  OpBuilder builder(op);
  Location loc = getNamedLocation(op);
  Value aIntegers = a->getIntegers(builder),
        bIntegers = b->getIntegers(builder);
  Value accumulator = match.matcher->buildAccumulator(
      builder, match, aIntegers, a->isUnsigned(), bIntegers, b->isUnsigned());
  if (!accumulator)
    return failure();
  accumulator.getDefiningOp()->setLoc(loc);
  accumulator = correctAccumulator(builder, match, accumulator, *a, aIntegers,
                                   *b, bIntegers);
  EpilogueInputs inputs;
  inputs.accumulator = accumulator;
  inputs.weightScales = {b->type ? float(b->type.getScale()) : 1.0f};
  inputs.weightSums = {0};
  inputs.weightAbsoluteSums = {0};
  if (a->type && b->type) {
    inputs.activationScale = a->type.getScale();
    return finish(builder, match, inputs);
  }
  // A scale of run time: d = fma(f32(acc), sa·sb, 0).
  inputs.bias = {0.0f};
  auto getScale = [&](ProductOperand &operand) -> Value {
    if (operand.dynamic)
      return operand.dynamic.getScale();
    auto type = RankedTensorType::get({}, builder.getF32Type());
    return makeConstant(
        builder, loc,
        makeFloatElements(type, {float(operand.type.getScale())}, "scale"));
  };
  auto getMap = [&](ProductOperand &operand) {
    return getResultScaleMap(match, *operand.operand,
                             operand.dynamic ? operand.dynamic.getPer()
                                             : Granularity::Tensor);
  };
  op->getResult(0).replaceAllUsesWith(
      buildProductEpilogue(builder, loc, accumulator, getScale(*a), getMap(*a),
                           getScale(*b), getMap(*b)));
  return success();
}

LogicalResult ContractionLowering::lower(Operation *op) {
  std::optional<Quantizable> match = matchQuantizable(op);
  if (!match)
    return success();
  if (match->other)
    return lowerProduct(*match);
  std::optional<Weight> weight =
      match->weight ? matchWeight(match->weight->get()) : std::nullopt;
  if (!weight)
    return success();
  // A weight of one scale with a zero point is handled like any operand.
  if (!isContractionWeight(weight->parameters, *match) &&
      match->kind == "matmul" && weight->parameters.channelDims.empty()) {
    match->other = match->weight;
    match->weight = nullptr;
    return lowerProduct(*match);
  }
  return lowerWeighted(*match, *weight);
}

LogicalResult mlir::qopt::lowerContractions(ModuleOp module, Report &report) {
  SmallVector<Operation *> candidates;
  module.walk([&](Operation *op) {
    if (isa<linalg::LinalgOp, QuantizableOpInterface>(op))
      candidates.push_back(op);
  });
  ContractionLowering lowering(report);
  // Users first: an epilogue must see the casts its contraction ends in before
  // the next contraction replaces them by storage.
  for (Operation *op : llvm::reverse(candidates))
    if (failed(lowering.lower(op)))
      return failure();
  return success();
}
