//===- Elementwise.cpp - Structure of elementwise linalg ops ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Analysis/Elementwise.h"

#include "QuantOpt/Analysis/Constants.h"
#include "QuantOpt/Conversion/QuantizedParameters.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"

#include <cmath>

using namespace mlir;
using namespace mlir::qopt;

bool mlir::qopt::isElementwise(linalg::GenericOp op) {
  return op.hasPureTensorSemantics() && op.getNumDpsInits() == 1 &&
         op.getNumResults() == 1 &&
         op.getNumParallelLoops() == op.getNumLoops() &&
         op.getMatchingIndexingMap(op.getDpsInitOperand(0)).isIdentity() &&
         op.getBody()->getArguments().back().use_empty();
}

OpOperand *mlir::qopt::getMainInput(linalg::GenericOp op) {
  OpOperand *main = nullptr;
  for (OpOperand *input : op.getDpsInputOperands()) {
    if (isConstantWeight(input->get()))
      continue;
    if (main || !op.getMatchingIndexingMap(input).isIdentity())
      return nullptr;
    main = input;
  }
  return main;
}

std::optional<double> mlir::qopt::getConstantScalar(Value value) {
  Attribute attr;
  if (!matchPattern(value, m_Constant(&attr)))
    return std::nullopt;
  if (auto number = dyn_cast<FloatAttr>(attr))
    return number.getValueAsDouble();
  auto elements = dyn_cast<ElementsAttr>(attr);
  if (!elements || !isa<FloatType>(elements.getElementType()))
    return std::nullopt;
  if (auto splat = dyn_cast<SplatElementsAttr>(attr))
    return splat.getSplatValue<APFloat>().convertToDouble();
  if (elements.getNumElements() != 1)
    return std::nullopt;
  FailureOr<std::vector<float>> values = readFloats(elements);
  if (failed(values))
    return std::nullopt;
  return values->front();
}

/// The value an argument of `op`'s body stands for outside it, `value` itself
/// if it is defined outside or in the body.
static Value getOuterValue(linalg::GenericOp op, Value value) {
  auto arg = dyn_cast<BlockArgument>(value);
  if (arg && arg.getOwner() == op.getBody())
    return op->getOperand(arg.getArgNumber());
  return value;
}

std::optional<Scaling> mlir::qopt::matchScaling(linalg::GenericOp op) {
  OpOperand *main = isElementwise(op) ? getMainInput(op) : nullptr;
  Block *body = op.getBody();
  if (!main || body->getOperations().size() != 2)
    return std::nullopt;
  Operation *scalar = body->getTerminator()->getOperand(0).getDefiningOp();
  if (!isa_and_nonnull<arith::MulFOp, arith::DivFOp>(scalar))
    return std::nullopt;
  Value x = body->getArgument(main->getOperandNumber());
  Value lhs = scalar->getOperand(0), rhs = scalar->getOperand(1);
  bool isProduct = isa<arith::MulFOp>(scalar);
  if (isProduct && rhs == x)
    std::swap(lhs, rhs);
  std::optional<double> c =
      lhs == x ? getConstantScalar(getOuterValue(op, rhs)) : std::nullopt;
  if (!c || !(*c > 0) || !std::isfinite(*c))
    return std::nullopt;
  return isProduct ? Scaling{*c, 1.0} : Scaling{1.0, *c};
}

//===----------------------------------------------------------------------===//
// Clamps
//===----------------------------------------------------------------------===//

namespace {
/// One `max(x, c)` or `min(x, c)` and the value it is applied to.
struct ClampStep {
  bool isMax;
  double bound;
  Value input;
};
} // namespace

/// `select(x > c, x, c)` and its mirror images, for ordered and unordered
/// predicates: max or min with a constant. (They differ on NaN only, which a
/// quantized value cannot hold.)
static std::optional<ClampStep> matchSelect(linalg::GenericOp op,
                                            arith::SelectOp select) {
  auto compare = select.getCondition().getDefiningOp<arith::CmpFOp>();
  if (!compare)
    return std::nullopt;
  bool greater;
  switch (compare.getPredicate()) {
  case arith::CmpFPredicate::OGT:
  case arith::CmpFPredicate::OGE:
  case arith::CmpFPredicate::UGT:
  case arith::CmpFPredicate::UGE:
    greater = true;
    break;
  case arith::CmpFPredicate::OLT:
  case arith::CmpFPredicate::OLE:
  case arith::CmpFPredicate::ULT:
  case arith::CmpFPredicate::ULE:
    greater = false;
    break;
  default:
    return std::nullopt;
  }
  // max: the selected value is the greater one.
  Value lhs = compare.getLhs(), rhs = compare.getRhs();
  Value onTrue = select.getTrueValue(), onFalse = select.getFalseValue();
  bool isMax;
  if (onTrue == lhs && onFalse == rhs)
    isMax = greater;
  else if (onTrue == rhs && onFalse == lhs)
    isMax = !greater;
  else
    return std::nullopt;
  if (auto c = getConstantScalar(getOuterValue(op, rhs)))
    return ClampStep{isMax, *c, lhs};
  if (auto c = getConstantScalar(getOuterValue(op, lhs)))
    return ClampStep{isMax, *c, rhs};
  return std::nullopt;
}

static std::optional<ClampStep> matchClampStep(linalg::GenericOp op,
                                               Operation *def) {
  if (auto select = dyn_cast<arith::SelectOp>(def))
    return matchSelect(op, select);
  bool isMax = isa<arith::MaximumFOp, arith::MaxNumFOp>(def);
  if (!isMax && !isa<arith::MinimumFOp, arith::MinNumFOp>(def))
    return std::nullopt;
  if (auto c = getConstantScalar(getOuterValue(op, def->getOperand(1))))
    return ClampStep{isMax, *c, def->getOperand(0)};
  if (auto c = getConstantScalar(getOuterValue(op, def->getOperand(0))))
    return ClampStep{isMax, *c, def->getOperand(1)};
  return std::nullopt;
}

std::optional<Clamp> mlir::qopt::matchClamp(linalg::GenericOp op) {
  if (!isElementwise(op))
    return std::nullopt;
  OpOperand *main = getMainInput(op);
  if (!main)
    return std::nullopt;
  Value mainArg = op.getMatchingBlockArgument(main);
  // Steps are met from the last applied to the first.
  SmallVector<ClampStep> steps;
  Value value = op.getBody()->getTerminator()->getOperand(0);
  while (value != mainArg) {
    Operation *def = value.getDefiningOp();
    std::optional<ClampStep> step = def && def->getBlock() == op.getBody()
                                        ? matchClampStep(op, def)
                                        : std::nullopt;
    if (!step || std::isnan(step->bound))
      return std::nullopt;
    steps.push_back(*step);
    value = step->input;
  }
  if (steps.empty())
    return std::nullopt;
  double low = -INFINITY, high = INFINITY;
  for (const ClampStep &step : llvm::reverse(steps)) {
    if (step.isMax) {
      low = std::max(low, step.bound);
      high = std::max(high, step.bound);
    } else {
      low = std::min(low, step.bound);
      high = std::min(high, step.bound);
    }
  }
  return Clamp{static_cast<float>(low), static_cast<float>(high)};
}

//===----------------------------------------------------------------------===//
// Per-channel affine functions
//===----------------------------------------------------------------------===//

namespace {
/// `scale·x + shift` at one channel.
struct Affine {
  double scale;
  double shift;
};

/// Evaluates a body symbolically in x for one channel after the other.
class AffineEvaluator {
public:
  AffineEvaluator(linalg::GenericOp op, OpOperand *main,
                  ArrayRef<int64_t> channelDims)
      : op(op), main(main), channelDims(channelDims) {}

  /// Reads the constants; false if one of them is no float tensor indexed by
  /// channel dimensions only.
  bool initialize();
  /// The body's value at the channel with these indices along `channelDims`.
  std::optional<Affine> evaluate(ArrayRef<int64_t> channel);

private:
  std::optional<Affine> get(Value value);
  std::optional<Affine> apply(Operation &bodyOp);

  linalg::GenericOp op;
  OpOperand *main;
  ArrayRef<int64_t> channelDims;
  struct Constant {
    std::vector<float> values;
    ArrayRef<int64_t> shape;
    AffineMap map;
  };
  DenseMap<Value, Constant> constants;
  DenseMap<Value, Affine> known;
};
} // namespace

bool AffineEvaluator::initialize() {
  for (OpOperand *input : op.getDpsInputOperands()) {
    if (input == main)
      continue;
    AffineMap map = op.getMatchingIndexingMap(input);
    if (!isConstantWeight(input->get()))
      return false;
    for (AffineExpr expr : map.getResults()) {
      auto dim = dyn_cast<AffineDimExpr>(expr);
      bool isZero = isa<AffineConstantExpr>(expr) &&
                    cast<AffineConstantExpr>(expr).getValue() == 0;
      if (!isZero &&
          !(dim && llvm::is_contained(channelDims, int64_t(dim.getPosition()))))
        return false;
    }
    FailureOr<std::vector<float>> values = readRealValues(input->get());
    if (failed(values))
      return false;
    constants[op.getMatchingBlockArgument(input)] = {
        std::move(*values), cast<ShapedType>(input->get().getType()).getShape(),
        map};
  }
  return true;
}

std::optional<Affine> AffineEvaluator::get(Value value) {
  if (auto it = known.find(value); it != known.end())
    return it->second;
  // Captured scalars.
  if (std::optional<double> c = getConstantScalar(value))
    return Affine{0.0, *c};
  return std::nullopt;
}

std::optional<Affine> AffineEvaluator::apply(Operation &bodyOp) {
  SmallVector<Affine> in;
  for (Value operand : bodyOp.getOperands()) {
    std::optional<Affine> a = get(operand);
    if (!a)
      return std::nullopt;
    in.push_back(*a);
  }
  auto isConstant = [&](unsigned i) { return in[i].scale == 0.0; };
  if (isa<arith::AddFOp>(bodyOp))
    return Affine{in[0].scale + in[1].scale, in[0].shift + in[1].shift};
  if (isa<arith::SubFOp>(bodyOp))
    return Affine{in[0].scale - in[1].scale, in[0].shift - in[1].shift};
  if (isa<arith::NegFOp>(bodyOp))
    return Affine{-in[0].scale, -in[0].shift};
  if (isa<arith::MulFOp>(bodyOp) && (isConstant(0) || isConstant(1))) {
    Affine x = isConstant(1) ? in[0] : in[1];
    double c = isConstant(1) ? in[1].shift : in[0].shift;
    return Affine{x.scale * c, x.shift * c};
  }
  if (isa<arith::DivFOp>(bodyOp) && isConstant(1))
    return Affine{in[0].scale / in[1].shift, in[0].shift / in[1].shift};
  // Only constants: a conversion of x itself would round it.
  if (isa<arith::TruncFOp, arith::ExtFOp>(bodyOp) && isConstant(0))
    return in[0];
  if (isa<math::SqrtOp>(bodyOp) && isConstant(0))
    return Affine{0.0, std::sqrt(in[0].shift)};
  if (isa<math::RsqrtOp>(bodyOp) && isConstant(0))
    return Affine{0.0, 1.0 / std::sqrt(in[0].shift)};
  return std::nullopt;
}

std::optional<Affine> AffineEvaluator::evaluate(ArrayRef<int64_t> channel) {
  known.clear();
  known[op.getMatchingBlockArgument(main)] = {1.0, 0.0};
  for (auto &[arg, constant] : constants) {
    int64_t index = 0;
    for (auto [expr, size] :
         llvm::zip(constant.map.getResults(), constant.shape)) {
      int64_t position = 0;
      if (auto dim = dyn_cast<AffineDimExpr>(expr))
        position = channel[llvm::find(channelDims, int64_t(dim.getPosition())) -
                           channelDims.begin()];
      index = index * size + position;
    }
    known[arg] = {0.0, constant.values[index]};
  }
  for (Operation &bodyOp : op.getBody()->without_terminator()) {
    if (bodyOp.getNumResults() != 1)
      return std::nullopt;
    if (std::optional<double> c = getConstantScalar(bodyOp.getResult(0))) {
      known[bodyOp.getResult(0)] = {0.0, *c};
      continue;
    }
    std::optional<Affine> result = apply(bodyOp);
    if (!result)
      return std::nullopt;
    known[bodyOp.getResult(0)] = *result;
  }
  return get(op.getBody()->getTerminator()->getOperand(0));
}

std::optional<ChannelAffine>
mlir::qopt::matchChannelAffine(linalg::GenericOp op,
                               ArrayRef<int64_t> channelDims) {
  if (!isElementwise(op))
    return std::nullopt;
  OpOperand *main = getMainInput(op);
  if (!main || getElementTypeOrSelf(main->get().getType()) !=
                   getElementTypeOrSelf(op.getResult(0).getType()))
    return std::nullopt;
  AffineEvaluator evaluator(op, main, channelDims);
  if (!evaluator.initialize())
    return std::nullopt;

  ArrayRef<int64_t> shape =
      cast<RankedTensorType>(op.getResult(0).getType()).getShape();
  ChannelAffine affine;
  int64_t count = 1;
  for (int64_t dim : channelDims)
    count *= shape[dim];
  SmallVector<int64_t> channel(channelDims.size());
  for (int64_t flat = 0; flat < count; ++flat) {
    int64_t rest = flat;
    for (size_t i = channelDims.size(); i-- > 0;) {
      channel[i] = rest % shape[channelDims[i]];
      rest /= shape[channelDims[i]];
    }
    std::optional<Affine> a = evaluator.evaluate(channel);
    if (!a || !std::isfinite(a->scale) || !std::isfinite(a->shift))
      return std::nullopt;
    affine.scale.push_back(a->scale);
    affine.shift.push_back(a->shift);
  }
  return affine;
}
