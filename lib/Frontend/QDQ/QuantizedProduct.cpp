//===- QuantizedProduct.cpp - Products of integers with zero points -*- C++
//-*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Σ(a - za)(b - zb) = Σab - za·Σb - zb·Σa + K·za·zb, all modulo 2^32 as in the
// op that is replaced. The first sum is the contraction of integer form; sums
// of a constant operand are constants, others are sums of their own.
//
//===----------------------------------------------------------------------===//
#include "QuantizedProduct.h"

#include "../Broadcast.h"
#include "QuantOpt/Analysis/Constants.h"
#include "QuantOpt/Conversion/Epilogue.h"
#include "QuantOpt/Conversion/QuantizedParameters.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::qopt;

//===----------------------------------------------------------------------===//
// Matching
//===----------------------------------------------------------------------===//

namespace {
/// One factor (x - z) of a product.
struct Factor {
  OpOperand *operand = nullptr;
  bool isUnsigned = false;
  int32_t zeroPoint = 0;
};

/// out + lhs · rhs.
struct QuantizedProduct {
  Factor lhs, rhs;
};
} // namespace

/// The i32 that `value`, in the body of `op` or outside, is.
static std::optional<int32_t> getConstant(linalg::LinalgOp op, Value value) {
  if (auto arg = dyn_cast<BlockArgument>(value);
      arg && arg.getOwner() == op.getBlock())
    value = op->getOperand(arg.getArgNumber());
  IntegerAttr number;
  if (auto constant = value.getDefiningOp<arith::ConstantOp>())
    number = dyn_cast<IntegerAttr>(constant.getValue());
  else if (auto extract = value.getDefiningOp<tensor::ExtractOp>())
    if (ElementsAttr attr = getConstantElements(extract.getTensor());
        attr && attr.getElementType().isInteger(32))
      if (FailureOr<std::vector<int32_t>> values = readIntegers(attr, true);
          succeeded(values) && values->size() == 1)
        return values->front();
  if (!number || number.getValue().getSignificantBits() > 32)
    return std::nullopt;
  return number.getValue().getSExtValue();
}

/// `ext(x)` or `ext(x) - z`, extended to i32.
static std::optional<Factor> matchFactor(linalg::LinalgOp op, Value value) {
  Factor factor;
  if (auto subtract = value.getDefiningOp<arith::SubIOp>()) {
    std::optional<int32_t> zeroPoint = getConstant(op, subtract.getRhs());
    if (!zeroPoint)
      return std::nullopt;
    factor.zeroPoint = *zeroPoint;
    value = subtract.getLhs();
  }
  if (auto extend = value.getDefiningOp<arith::ExtSIOp>()) {
    value = extend.getIn();
  } else if (auto extend = value.getDefiningOp<arith::ExtUIOp>()) {
    factor.isUnsigned = true;
    value = extend.getIn();
  } else {
    return std::nullopt;
  }
  auto arg = dyn_cast<BlockArgument>(value);
  if (!arg || arg.getOwner() != op.getBlock() || !value.getType().isInteger(8))
    return std::nullopt;
  factor.operand = &op->getOpOperand(arg.getArgNumber());
  return factor;
}

static bool isZero(Value value) {
  if (auto fill = value.getDefiningOp<linalg::FillOp>())
    value = fill.value();
  return matchPattern(value, m_Zero());
}

/// Matches `op` if it is a sum of products of 8-bit integers that integer form
/// spells another way: with zero points, or onto a value that is not zero.
static std::optional<QuantizedProduct> matchProduct(linalg::LinalgOp op) {
  if (!op.hasPureTensorSemantics() || op.getNumDpsInits() != 1 ||
      op.getNumReductionLoops() == 0 ||
      !getElementTypeOrSelf(op->getResultTypes()[0]).isInteger(32) ||
      !cast<RankedTensorType>(op->getResultTypes()[0]).hasStaticShape())
    return std::nullopt;
  Block &body = *op.getBlock();
  Value out = body.getArguments().back();
  auto add = body.getTerminator()->getOperand(0).getDefiningOp<arith::AddIOp>();
  if (!add || (add.getLhs() != out && add.getRhs() != out))
    return std::nullopt;
  auto mul = (add.getLhs() == out ? add.getRhs() : add.getLhs())
                 .getDefiningOp<arith::MulIOp>();
  if (!mul)
    return std::nullopt;
  std::optional<Factor> lhs = matchFactor(op, mul.getLhs());
  std::optional<Factor> rhs = matchFactor(op, mul.getRhs());
  if (!lhs || !rhs || lhs->operand == rhs->operand ||
      !op.getMatchingIndexingMap(op.getDpsInitOperand(0))
           .isProjectedPermutation())
    return std::nullopt;
  bool isPlain = op.getNumDpsInputs() == 2 && lhs->zeroPoint == 0 &&
                 rhs->zeroPoint == 0 && isZero(op.getDpsInits()[0]);
  if (isPlain)
    return std::nullopt;
  return QuantizedProduct{*lhs, *rhs};
}

//===----------------------------------------------------------------------===//
// Sums of one factor
//===----------------------------------------------------------------------===//

namespace {
/// A summand of the result: a tensor and the map to it from the result's
/// dimensions.
struct Summand {
  Value value;
  AffineMap map;
};

/// Rewrites one product.
class ProductLowering {
public:
  ProductLowering(OpBuilder &builder, linalg::LinalgOp op)
      : builder(builder), op(op), loc(op.getLoc()),
        ranges(op.getStaticLoopRanges()), iterators(op.getIteratorTypesArray()),
        outMap(op.getMatchingIndexingMap(op.getDpsInitOperand(0))) {}

  Value run(const QuantizedProduct &product);

private:
  Value buildContraction(const QuantizedProduct &product);
  /// `multiplier` · Σx over the reduction loops of the product, plus
  /// `constant`.
  Summand buildSum(const Factor &factor, int32_t multiplier, int32_t constant);
  Summand foldSum(const Factor &factor, ArrayRef<int32_t> values,
                  int32_t multiplier, int32_t constant);
  void addInit();

  bool isReduction(unsigned loop) const {
    return iterators[loop] == utils::IteratorType::reduction;
  }
  /// Loops of the result that `map` depends on, ascending.
  SmallVector<unsigned> getResultLoops(AffineMap map) const;
  /// The map from the result's dimensions to a tensor over `loops`.
  AffineMap getSumMap(ArrayRef<unsigned> loops) const;

  OpBuilder &builder;
  linalg::LinalgOp op;
  Location loc;
  SmallVector<int64_t> ranges;
  SmallVector<utils::IteratorType> iterators;
  AffineMap outMap;
  SmallVector<Summand> summands;
};
} // namespace

SmallVector<unsigned> ProductLowering::getResultLoops(AffineMap map) const {
  SmallVector<unsigned> loops;
  for (unsigned loop = 0; loop < ranges.size(); ++loop)
    if (!isReduction(loop) && map.isFunctionOfDim(loop))
      loops.push_back(loop);
  return loops;
}

AffineMap ProductLowering::getSumMap(ArrayRef<unsigned> loops) const {
  SmallVector<AffineExpr> exprs;
  for (unsigned loop : loops)
    exprs.push_back(builder.getAffineDimExpr(
        *outMap.getResultPosition(builder.getAffineDimExpr(loop))));
  return AffineMap::get(outMap.getNumResults(), 0, exprs, builder.getContext());
}

/// Wrapping arithmetic.
static int32_t multiply(int32_t a, int32_t b) {
  return static_cast<int32_t>(uint32_t(a) * uint32_t(b));
}

Summand ProductLowering::foldSum(const Factor &factor, ArrayRef<int32_t> values,
                                 int32_t multiplier, int32_t constant) {
  AffineMap map = op.getMatchingIndexingMap(factor.operand);
  ArrayRef<int64_t> shape =
      cast<RankedTensorType>(factor.operand->get().getType()).getShape();
  SmallVector<unsigned> loops = getResultLoops(map);
  SmallVector<int64_t> sumShape;
  for (unsigned loop : loops)
    sumShape.push_back(ranges[loop]);
  // Reduction loops that the operand does not depend on repeat it.
  int32_t repeats = 1;
  for (unsigned loop = 0; loop < ranges.size(); ++loop)
    if (isReduction(loop) && !map.isFunctionOfDim(loop))
      repeats = multiply(repeats, ranges[loop]);
  // The element's place in the sums, by its dimensions.
  SmallVector<int64_t> strides(shape.size(), 0), index(shape.size(), 0);
  for (auto [dim, expr] : llvm::enumerate(map.getResults())) {
    int64_t stride = 1;
    for (size_t i = loops.size(); i-- > 0; stride *= sumShape[i])
      if (cast<AffineDimExpr>(expr).getPosition() == loops[i])
        strides[dim] = stride;
  }
  std::vector<uint32_t> sums(ShapedType::getNumElements(sumShape), 0);
  int64_t at = 0;
  for (int32_t value : values) {
    sums[at] += uint32_t(value);
    for (size_t d = shape.size(); d-- > 0;) {
      at += strides[d];
      if (++index[d] < shape[d])
        break;
      at -= strides[d] * shape[d];
      index[d] = 0;
    }
  }
  std::vector<char> bytes(sums.size() * sizeof(int32_t));
  for (auto [i, sum] : llvm::enumerate(sums)) {
    uint32_t result =
        sum * uint32_t(multiply(repeats, multiplier)) + uint32_t(constant);
    memcpy(bytes.data() + i * sizeof(result), &result, sizeof(result));
  }
  auto type = RankedTensorType::get(sumShape, builder.getI32Type());
  return {makeConstant(
              builder, loc,
              makeConstantElements(type, std::move(bytes), "zero_point_terms")),
          getSumMap(loops)};
}

Summand ProductLowering::buildSum(const Factor &factor, int32_t multiplier,
                                  int32_t constant) {
  AffineMap map = op.getMatchingIndexingMap(factor.operand);
  bool isWindowed = !map.isProjectedPermutation();
  if (ElementsAttr attr = getConstantElements(factor.operand->get());
      attr && !isWindowed)
    if (FailureOr<std::vector<int32_t>> values =
            readIntegers(attr, !factor.isUnsigned);
        succeeded(values))
      return foldSum(factor, *values, multiplier, constant);

  // A generic over the result loops of the operand and all reduction loops. The
  // extents of those that a window hides, or that the operand does not have,
  // come from an operand that nothing reads.
  SmallVector<unsigned> resultLoops = getResultLoops(map), loops(resultLoops);
  SmallVector<unsigned> hidden;
  for (unsigned loop = 0; loop < ranges.size(); ++loop)
    if (isReduction(loop)) {
      loops.push_back(loop);
      if (!map.getResultPosition(builder.getAffineDimExpr(loop)))
        hidden.push_back(loop);
    }
  SmallVector<AffineExpr> renamed(ranges.size(),
                                  builder.getAffineConstantExpr(0));
  for (auto [i, loop] : llvm::enumerate(loops))
    renamed[loop] = builder.getAffineDimExpr(i);
  auto makeMap = [&](ArrayRef<unsigned> over) {
    SmallVector<AffineExpr> exprs;
    for (unsigned loop : over)
      exprs.push_back(renamed[loop]);
    return AffineMap::get(loops.size(), 0, exprs, op.getContext());
  };
  auto getShape = [&](ArrayRef<unsigned> over) {
    return llvm::map_to_vector(over,
                               [&](unsigned loop) { return ranges[loop]; });
  };
  SmallVector<Value> inputs = {factor.operand->get()};
  SmallVector<AffineMap> maps = {
      map.replaceDimsAndSymbols(renamed, {}, loops.size(), 0)};
  if (!hidden.empty()) {
    inputs.push_back(tensor::EmptyOp::create(builder, loc, getShape(hidden),
                                             builder.getI8Type()));
    maps.push_back(makeMap(hidden));
  }
  maps.push_back(makeMap(resultLoops));
  SmallVector<utils::IteratorType> kinds(loops.size(),
                                         utils::IteratorType::reduction);
  std::fill_n(kinds.begin(), resultLoops.size(), utils::IteratorType::parallel);
  SmallVector<int64_t> shape = getShape(resultLoops);
  Type i32 = builder.getI32Type();
  Value zero =
      arith::ConstantOp::create(builder, loc, builder.getI32IntegerAttr(0));
  Value empty = tensor::EmptyOp::create(builder, loc, shape, i32);
  Value init =
      linalg::FillOp::create(builder, loc, ValueRange{zero}, ValueRange{empty})
          .getResult(0);
  Value sum = linalg::GenericOp::create(
                  builder, loc, TypeRange{init.getType()}, inputs,
                  ValueRange{init}, maps, kinds,
                  [&](OpBuilder &b, Location loc, ValueRange args) {
                    Value x = args[0];
                    if (factor.isUnsigned)
                      x = arith::ExtUIOp::create(b, loc, i32, x);
                    else
                      x = arith::ExtSIOp::create(b, loc, i32, x);
                    x = arith::AddIOp::create(b, loc, args.back(), x);
                    linalg::YieldOp::create(b, loc, x);
                  })
                  .getResult(0);
  Value term = buildElementwise(
      builder, loc, shape, i32, ValueRange{sum},
      {builder.getMultiDimIdentityMap(shape.size())},
      [&](OpBuilder &b, Location loc, ValueRange args) -> Value {
        auto number = [&](int32_t value) -> Value {
          return arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(value));
        };
        Value x = arith::MulIOp::create(b, loc, args[0], number(multiplier));
        return arith::AddIOp::create(b, loc, x, number(constant));
      });
  return {term, getSumMap(resultLoops)};
}

//===----------------------------------------------------------------------===//
// The whole product
//===----------------------------------------------------------------------===//

Value ProductLowering::buildContraction(const QuantizedProduct &product) {
  Type i32 = builder.getI32Type();
  Value zero =
      arith::ConstantOp::create(builder, loc, builder.getI32IntegerAttr(0));
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  Value empty = tensor::EmptyOp::create(builder, loc, type.getShape(), i32);
  Value init =
      linalg::FillOp::create(builder, loc, ValueRange{zero}, ValueRange{empty})
          .getResult(0);
  auto extend = [&](OpBuilder &b, Value x, const Factor &factor) -> Value {
    if (factor.isUnsigned)
      return arith::ExtUIOp::create(b, loc, i32, x);
    return arith::ExtSIOp::create(b, loc, i32, x);
  };
  return linalg::GenericOp::create(
             builder, loc, TypeRange{type},
             ValueRange{product.lhs.operand->get(), product.rhs.operand->get()},
             ValueRange{init},
             ArrayRef<AffineMap>{op.getMatchingIndexingMap(product.lhs.operand),
                                 op.getMatchingIndexingMap(product.rhs.operand),
                                 outMap},
             iterators,
             [&](OpBuilder &b, Location loc, ValueRange args) {
               Value lhs = extend(b, args[0], product.lhs);
               Value rhs = extend(b, args[1], product.rhs);
               Value x = arith::MulIOp::create(b, loc, lhs, rhs);
               x = arith::AddIOp::create(b, loc, args[2], x);
               linalg::YieldOp::create(b, loc, x);
             })
      .getResult(0);
}

void ProductLowering::addInit() {
  Value init = op.getDpsInits()[0];
  if (isZero(init))
    return;
  AffineMap map = builder.getMultiDimIdentityMap(
      cast<ShapedType>(init.getType()).getRank());
  AffineMap broadcast;
  if (Value source = matchBroadcast(init, broadcast)) {
    init = source;
    map = broadcast;
  }
  // Two constants of one shape are one.
  ElementsAttr attr = getConstantElements(init);
  for (Summand &summand : summands) {
    ElementsAttr other = getConstantElements(summand.value);
    if (!attr || !other || summand.map != map)
      continue;
    FailureOr<std::vector<int32_t>> a = readIntegers(attr, true);
    FailureOr<std::vector<int32_t>> b = readIntegers(other, true);
    if (failed(a) || failed(b) || a->size() != b->size())
      continue;
    std::vector<char> bytes(a->size() * sizeof(uint32_t));
    for (size_t i = 0; i < a->size(); ++i) {
      uint32_t sum = uint32_t((*a)[i]) + uint32_t((*b)[i]);
      memcpy(bytes.data() + i * sizeof(sum), &sum, sizeof(sum));
    }
    summand.value = makeConstant(
        builder, loc,
        makeConstantElements(cast<RankedTensorType>(other.getType()),
                             std::move(bytes), "zero_point_terms"));
    return;
  }
  summands.push_back({init, map});
}

Value ProductLowering::run(const QuantizedProduct &product) {
  int32_t count = 1;
  for (auto [range, kind] : llvm::zip(ranges, iterators))
    if (kind == utils::IteratorType::reduction)
      count = multiply(count, range);
  int32_t za = product.lhs.zeroPoint, zb = product.rhs.zeroPoint;
  // The constant K·za·zb goes with one of the sums.
  if (za)
    summands.push_back(buildSum(product.rhs, multiply(-1, za),
                                multiply(count, multiply(za, zb))));
  if (zb)
    summands.push_back(buildSum(product.lhs, multiply(-1, zb), 0));
  addInit();
  Value accumulator = buildContraction(product);
  if (summands.empty())
    return accumulator;
  auto type = cast<RankedTensorType>(accumulator.getType());
  SmallVector<Value> values = {accumulator};
  SmallVector<AffineMap> maps = {
      builder.getMultiDimIdentityMap(type.getRank())};
  for (const Summand &summand : summands) {
    values.push_back(summand.value);
    maps.push_back(summand.map);
  }
  return buildElementwise(builder, loc, type.getShape(), type.getElementType(),
                          values, maps,
                          [](OpBuilder &b, Location loc, ValueRange args) {
                            Value sum = args[0];
                            for (Value summand : args.slice(1, args.size() - 2))
                              sum = arith::AddIOp::create(b, loc, sum, summand);
                            return sum;
                          });
}

bool mlir::qopt::lowerQuantizedProduct(linalg::LinalgOp op) {
  std::optional<QuantizedProduct> product = matchProduct(op);
  if (!product)
    return false;
  OpBuilder builder(op);
  Value result = ProductLowering(builder, op).run(*product);
  op->getResult(0).replaceAllUsesWith(result);
  op->erase();
  return true;
}
