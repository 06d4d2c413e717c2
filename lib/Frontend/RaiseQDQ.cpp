//===- RaiseQDQ.cpp - Recognize imported quantization ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Exporters write quantize and dequantize as elementwise generics, with data
// movement of integers in between (QDQ/MatchQDQ.cpp says which spellings). What
// they mean is raised; the arithmetic of the model stays what it was. A
// quantize or dequantize that no raised form holds (one scale per channel on a
// run-time value, accumulators of integer ops) stays as it is.
//
//===----------------------------------------------------------------------===//
#include "QDQ/IntegerMovement.h"
#include "QDQ/MatchQDQ.h"
#include "QDQ/Materialize.h"
#include "QDQ/QuantizeConstant.h"

#include "QuantOpt/Analysis/Elementwise.h"
#include "QuantOpt/Analysis/Report.h"
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h"
#include "QuantOpt/Frontend/ConstantMovement.h"
#include "QuantOpt/Support/QuantMath.h"

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "llvm/ADT/StringSet.h"

namespace mlir::qopt {
#define GEN_PASS_DEF_RAISEQDQ
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h.inc"
} // namespace mlir::qopt

using namespace mlir;
using namespace mlir::qopt;

namespace {
class Raiser {
public:
  explicit Raiser(Operation *root) : root(root) {}
  void run();

private:
  /// Replaces the result of `op` where it dequantizes.
  void raiseDequantize(linalg::GenericOp op);
  /// Replaces the result of `op` where it quantizes and integers are still
  /// read.
  void raiseQuantize(linalg::GenericOp op);
  void raiseCasts(quant::DequantizeCastOp op);

  /// The real values of `integers`, quantized by `key` (with the limits of the
  /// storage); null where no raised form holds them.
  Value getReal(Value integers, const QuantizedParameters &parameters,
                quant::QuantizedType key);
  Value findReal(Value integers, const QuantizedParameters &parameters,
                 quant::QuantizedType key);
  /// The real values of what `match` quantizes, if `parameters` read them.
  Value getQuantized(const QuantizeMatch &match,
                     const QuantizedParameters &parameters, OpBuilder &builder);
  /// The real values that a float constant has once it is quantized.
  std::optional<QuantizedConstant>
  getQuantizedConstant(const QuantizeMatch &match,
                       const QuantizedParameters &parameters);
  Value observe(OpBuilder &builder, Value value, quant::QuantizedType type,
                bool divides);
  std::string makeName(Value value);

  Operation *root;
  DenseMap<std::pair<Value, Type>, Value> reals;
  /// By `divides`.
  DenseMap<std::pair<Value, Type>, Value> observed[2];
  llvm::StringSet<> names;
  unsigned counter = 0;
};
} // namespace

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

/// The numbers of a scalar that depends on constants alone: an f32 constant, or
/// one that is dequantized.
static FailureOr<std::vector<float>> readConstant(Scalar scalar) {
  Scalar source = lookThrough(scalar);
  if (auto arg = dyn_cast<BlockArgument>(source.value)) {
    OpOperand &operand = source.op->getOpOperand(arg.getArgNumber());
    if (arg.getOwner() != source.op.getBody() ||
        !source.op.getMatchingIndexingMap(&operand).isIdentity())
      return failure();
    return readRealValues(operand.get());
  }
  std::optional<DequantizeMatch> match = matchDequantize(source);
  if (!match || match->isFake)
    return failure();
  auto arg = dyn_cast<BlockArgument>(match->input.value);
  if (!arg)
    return failure();
  OpOperand &operand = match->input.op->getOpOperand(arg.getArgNumber());
  ElementsAttr attr = getConstantElements(operand.get());
  if (!attr || !match->input.op.getMatchingIndexingMap(&operand).isIdentity())
    return failure();
  FailureOr<std::vector<int32_t>> integers =
      readIntegers(attr, match->isSigned);
  std::optional<QuantizedParameters> read =
      makeParameters(match->scale, match->zeroPoint, /*bits=*/32,
                     match->isSigned, INT32_MIN, INT32_MAX);
  if (failed(integers) || !read)
    return failure();
  std::vector<float> result(integers->size());
  forEachElement(*read, cast<ShapedType>(attr.getType()).getShape(),
                 [&](int64_t i, int64_t n) {
                   result[i] = quantmath::dequantize(
                       (*integers)[i], read->scales[n], read->zeroPoints[n]);
                 });
  return result;
}

std::optional<QuantizedConstant>
Raiser::getQuantizedConstant(const QuantizeMatch &match,
                             const QuantizedParameters &parameters) {
  FailureOr<std::vector<float>> values = readConstant(match.input);
  if (failed(values))
    return std::nullopt;
  linalg::GenericOp op = match.input.op;
  auto shape = cast<RankedTensorType>(op.getResult(0).getType());
  ElementsAttr integers = quantizeConstant(
      root->getContext(), *values, shape.getShape(), parameters, match.divides);
  FailureOr<QuantizedConstant> constant =
      normalizeConstant(integers, parameters);
  if (failed(constant))
    return std::nullopt;
  return *constant;
}

//===----------------------------------------------------------------------===//
// Run-time values
//===----------------------------------------------------------------------===//

std::string Raiser::makeName(Value value) {
  std::string base = getLocationName(value.getLoc()).str();
  if (base.empty())
    base = "qdq_" + std::to_string(counter++);
  std::string name = base;
  for (unsigned i = 1; !names.insert(name).second; ++i)
    name = base + "#" + std::to_string(i);
  return name;
}

Value Raiser::observe(OpBuilder &builder, Value value,
                      quant::QuantizedType type, bool divides) {
  Value &result = observed[divides][{value, type}];
  if (result)
    return result;
  builder.setInsertionPointAfterValue(value);
  auto op = ObserveOp::create(builder, value.getLoc(), value, makeName(value));
  op.setType(type);
  op.setDivide(divides);
  return result = op.getResult();
}

Value Raiser::getQuantized(const QuantizeMatch &match,
                           const QuantizedParameters &parameters,
                           OpBuilder &builder) {
  if (std::optional<QuantizedConstant> constant =
          getQuantizedConstant(match, parameters))
    return makeQuantizedConstant(builder, Scalar(match.input).op.getLoc(),
                                 *constant);
  if (!parameters.channelDims.empty())
    return {};
  FailureOr<quant::QuantizedType> type =
      parameters.getType(root->getContext(), {});
  if (failed(type))
    return {};
  return observe(builder, materialize(match.input), *type, match.divides);
}

/// `match` as `parameters` (of a dequantize, limits of the storage) read it;
/// nothing where they disagree.
static std::optional<QuantizedParameters>
getCommonParameters(const QuantizeMatch &match, const DequantizeMatch &how) {
  std::optional<QuantizedParameters> result = match.getParameters(how.scale);
  if (!result)
    return std::nullopt;
  auto differ = [](double a, double b) { return double(a != b); };
  std::optional<Parameter> difference =
      Parameter::combine(match.zeroPoint, how.zeroPoint, differ);
  if (!difference || !difference->isAll(0))
    return std::nullopt;
  if (how.isFake || match.isSigned == how.isSigned)
    return result;
  // Integers that both signs read alike.
  if (match.getLow() < 0 || match.getHigh() >= int64_t(1) << (match.bits - 1))
    return std::nullopt;
  result->isSigned = how.isSigned;
  return result;
}

Value Raiser::findReal(Value integers, const QuantizedParameters &parameters,
                       quant::QuantizedType key) {
  OpBuilder builder(root->getContext());
  builder.setInsertionPointAfterValue(integers);
  Operation *op = integers.getDefiningOp();
  if (auto generic = dyn_cast_or_null<linalg::GenericOp>(op);
      generic && isElementwise(generic))
    if (std::optional<QuantizeMatch> match =
            matchQuantize(getYielded(generic))) {
      DequantizeMatch how;
      how.scale = Parameter::number(parameters.scales.front());
      how.zeroPoint = Parameter::number(parameters.zeroPoints.front());
      how.isSigned = parameters.isSigned;
      std::optional<QuantizedParameters> common =
          getCommonParameters(*match, how);
      return common ? getQuantized(*match, *common, builder) : Value();
    }
  SmallVector<OpOperand *> moved;
  if (op)
    moved = getMovedIntegers(op);
  SmallVector<Value> sources;
  for (OpOperand *operand : moved) {
    Value source = getReal(operand->get(), parameters, key);
    if (!source)
      return {};
    sources.push_back(source);
  }
  if (!sources.empty()) {
    builder.setInsertionPointAfter(op);
    return raiseMovement(builder, op, sources, parameters);
  }
  auto type = cast<RankedTensorType>(integers.getType());
  if (ElementsAttr attr = getConstantElements(integers)) {
    FailureOr<QuantizedConstant> constant = normalizeConstant(attr, parameters);
    if (failed(constant))
      return {};
    return makeQuantizedConstant(builder, integers.getLoc(), *constant);
  }
  // Integers that come from outside or from an integer op.
  Value quantized = quant::StorageCastOp::create(builder, integers.getLoc(),
                                                 type.clone(key), integers);
  return quant::DequantizeCastOp::create(
      builder, integers.getLoc(), type.clone(builder.getF32Type()), quantized);
}

Value Raiser::getReal(Value integers, const QuantizedParameters &parameters,
                      quant::QuantizedType key) {
  auto it = reals.find({integers, key});
  if (it != reals.end())
    return it->second;
  Value real = findReal(integers, parameters, key);
  reals[{integers, key}] = real;
  return real;
}

//===----------------------------------------------------------------------===//
// One op
//===----------------------------------------------------------------------===//

/// Full limits of storage of `bits` bits.
static std::optional<QuantizedParameters>
getReadParameters(const DequantizeMatch &match, unsigned bits) {
  int64_t low = match.isSigned ? -(int64_t(1) << (bits - 1)) : 0;
  int64_t high = (int64_t(1) << (bits - match.isSigned)) - 1;
  return makeParameters(match.scale, match.zeroPoint, bits, match.isSigned, low,
                        std::min<int64_t>(high, INT32_MAX));
}

/// The tensor of integers that a dequantize reads, its dimensions being the
/// loops of the dequantize: an operand, or a permuted constant.
static Value getIntegers(OpBuilder &builder, Scalar scalar) {
  auto arg = dyn_cast<BlockArgument>(scalar.value);
  if (!arg || arg.getOwner() != scalar.op.getBody())
    return {};
  OpOperand &operand = scalar.op->getOpOperand(arg.getArgNumber());
  AffineMap map = scalar.op.getMatchingIndexingMap(&operand);
  if (map.isIdentity())
    return operand.get();
  ElementsAttr attr = getConstantElements(operand.get());
  if (!attr || !map.isPermutation())
    return {};
  // Loop d is dimension `position of d` of the operand.
  SmallVector<int64_t> permutation(map.getNumDims());
  for (auto [dim, expr] : llvm::enumerate(map.getResults()))
    permutation[cast<AffineDimExpr>(expr).getPosition()] = dim;
  FailureOr<ElementsAttr> moved = transposeConstant(attr, permutation);
  if (failed(moved))
    return {};
  return makeConstant(builder, scalar.op.getLoc(), *moved);
}

void Raiser::raiseDequantize(linalg::GenericOp op) {
  std::optional<DequantizeMatch> match = matchDequantize(getYielded(op));
  if (!match)
    return;
  OpBuilder builder(op);
  Value real;
  if (std::optional<QuantizeMatch> quantize =
          matchQuantize(match->input, match->isFake)) {
    std::optional<QuantizedParameters> parameters =
        getCommonParameters(*quantize, *match);
    if (parameters)
      real = getQuantized(*quantize, *parameters, builder);
    if (real || match->isFake) {
      if (real)
        op.getResult(0).replaceAllUsesWith(real);
      return;
    }
    // Read with other parameters than it was quantized with: the integers
    // count.
    if (quantize->factor.dims.size())
      return;
  }
  if (match->isFake)
    return;
  Value integers = getIntegers(builder, match->input);
  if (!integers)
    return;
  bool isConstant = getConstantElements(integers) != nullptr;
  unsigned bits =
      getElementTypeOrSelf(integers.getType()).getIntOrFloatBitWidth();
  // 32 bits that are computed are accumulators: what follows is their epilogue.
  if (bits > 16 && !isConstant)
    return;
  std::optional<QuantizedParameters> parameters =
      getReadParameters(*match, bits);
  if (!parameters)
    return;
  FailureOr<quant::QuantizedType> key = parameters->getType(
      op.getContext(), cast<RankedTensorType>(integers.getType()).getShape());
  if (failed(key))
    return;
  // Movement changes the dimensions that scales belong to.
  Operation *producer = integers.getDefiningOp();
  if (!parameters->channelDims.empty() && producer &&
      !getMovedIntegers(producer).empty())
    return;
  real = getReal(integers, *parameters, *key);
  if (real)
    op.getResult(0).replaceAllUsesWith(real);
}

void Raiser::raiseQuantize(linalg::GenericOp op) {
  std::optional<QuantizeMatch> match = matchQuantize(getYielded(op));
  std::optional<Parameter> scale =
      match ? match->findScale() : std::optional<Parameter>();
  std::optional<QuantizedParameters> parameters =
      scale ? match->getParameters(*scale)
            : std::optional<QuantizedParameters>();
  if (!parameters)
    return;
  OpBuilder builder(op);
  auto type = cast<RankedTensorType>(op.getResult(0).getType());
  FailureOr<std::vector<float>> values = readConstant(match->input);
  if (succeeded(values)) {
    ElementsAttr integers = quantizeConstant(
        op.getContext(), *values, type.getShape(), *parameters, match->divides);
    op.getResult(0).replaceAllUsesWith(
        makeConstant(builder, op.getLoc(), integers));
    return;
  }
  if (match->bits > 16 || !parameters->channelDims.empty())
    return;
  FailureOr<quant::QuantizedType> quantized =
      parameters->getType(op.getContext(), type.getShape());
  if (failed(quantized))
    return;
  auto cast = quant::QuantizeCastOp::create(
      builder, op.getLoc(), type.clone(*quantized), materialize(match->input));
  if (match->divides)
    cast->setAttr(kDivideAttr, builder.getUnitAttr());
  op.getResult(0).replaceAllUsesWith(
      quant::StorageCastOp::create(builder, op.getLoc(), type, cast)
          .getResult());
}

/// `dcast(qcast(x))` of a model in upstream's dialect: an observer, so that no
/// folding cancels it.
void Raiser::raiseCasts(quant::DequantizeCastOp op) {
  auto quantize = op.getInput().getDefiningOp<quant::QuantizeCastOp>();
  auto tensor = dyn_cast<RankedTensorType>(op.getType());
  if (!quantize || !tensor)
    return;
  auto type = cast<quant::QuantizedType>(
      getElementTypeOrSelf(quantize.getResult().getType()));
  FailureOr<QuantizedParameters> parameters =
      QuantizedParameters::get(type, /*allowBlocks=*/true);
  if (failed(parameters))
    return;
  OpBuilder builder(op);
  bool divides = quantize->hasAttr(kDivideAttr);
  Value real;
  FailureOr<std::vector<float>> values = readRealValues(quantize.getInput());
  if (succeeded(values)) {
    FailureOr<QuantizedConstant> constant = normalizeConstant(
        quantizeConstant(op.getContext(), *values, tensor.getShape(),
                         *parameters, divides),
        *parameters);
    if (succeeded(constant))
      real = makeQuantizedConstant(builder, op.getLoc(), *constant);
  } else if (isa<quant::UniformQuantizedType>(type)) {
    real = observe(builder, quantize.getInput(), type, divides);
  }
  if (real)
    op.getResult().replaceAllUsesWith(real);
}

//===----------------------------------------------------------------------===//
// All ops
//===----------------------------------------------------------------------===//

static void eraseDeadOps(Operation *root) {
  SmallVector<Operation *> ops;
  root->walk<WalkOrder::PreOrder>([&](Operation *op) { ops.push_back(op); });
  for (Operation *op : llvm::reverse(ops))
    if (isOpTriviallyDead(op))
      op->erase();
}

void Raiser::run() {
  root->walk([&](ObserveOp op) { names.insert(op.getName()); });
  isolateQDQ(root);
  SmallVector<linalg::GenericOp> generics;
  SmallVector<quant::DequantizeCastOp> casts;
  root->walk([&](Operation *op) {
    if (auto generic = dyn_cast<linalg::GenericOp>(op);
        generic && isElementwise(generic))
      generics.push_back(generic);
    if (auto cast = dyn_cast<quant::DequantizeCastOp>(op))
      casts.push_back(cast);
  });
  for (quant::DequantizeCastOp op : casts)
    raiseCasts(op);
  for (linalg::GenericOp op : generics)
    raiseDequantize(op);
  eraseDeadOps(root);
  // What is left of the integers is read by integer ops or returned.
  generics.clear();
  root->walk([&](linalg::GenericOp op) {
    if (isElementwise(op))
      generics.push_back(op);
  });
  for (linalg::GenericOp op : generics)
    raiseQuantize(op);
  // Integers read with another scale than they were made with.
  generics.clear();
  root->walk([&](linalg::GenericOp op) {
    if (isElementwise(op))
      generics.push_back(op);
  });
  for (linalg::GenericOp op : generics)
    raiseDequantize(op);
  eraseDeadOps(root);
}

namespace {
struct RaiseQDQ : public qopt::impl::RaiseQDQBase<RaiseQDQ> {
  using RaiseQDQBase::RaiseQDQBase;

  LogicalResult initialize(MLIRContext *context) override {
    RewritePatternSet set(context);
    populateFoldConstantMovementPatterns(set);
    movement = std::move(set);
    return success();
  }

  void runOnOperation() override {
    GreedyRewriteConfig config;
    config.enableFolding(false).enableConstantCSE(false);
    if (failed(applyPatternsGreedily(getOperation(), movement, config)))
      return signalPassFailure();
    Raiser(getOperation()).run();
  }

  FrozenRewritePatternSet movement;
};
} // namespace
