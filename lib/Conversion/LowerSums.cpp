//===- LowerSums.cpp - Exact sums and means of integers ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Conversion/Epilogue.h"
#include "QuantOpt/Conversion/IntegerLowering.h"
#include "QuantOpt/Support/QuantMath.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::qopt;

/// If `op` sums elements of one input, from zero, that input: means, global and
/// windowed average pools before their division.
static OpOperand *matchSum(linalg::LinalgOp op) {
  bool isPool = isa<linalg::PoolingNhwcSumOp, linalg::PoolingNwcSumOp>(op);
  if (!op.hasPureTensorSemantics() || op.getNumDpsInits() != 1 ||
      op.getNumDpsInputs() != (isPool ? 2 : 1) ||
      op.getNumReductionLoops() == 0)
    return nullptr;
  Block *body = op.getBlock();
  auto add =
      body->getTerminator()->getOperand(0).getDefiningOp<arith::AddFOp>();
  Value in = body->getArgument(0), out = body->getArguments().back();
  if (!add || body->getOperations().size() != 2 ||
      !((add.getLhs() == in && add.getRhs() == out) ||
        (add.getLhs() == out && add.getRhs() == in)))
    return nullptr;
  Quantizable asContraction;
  asContraction.init = op.getDpsInitOperand(0);
  return startsFromZero(asContraction) ? op.getDpsInputOperand(0) : nullptr;
}

/// The i32 sums of `integers`, read as `op` reads them.
static Value buildSums(OpBuilder &builder, linalg::LinalgOp op, Value integers,
                       bool isUnsigned) {
  Location loc = op.getLoc();
  auto resultType = cast<RankedTensorType>(op->getResult(0).getType())
                        .clone(builder.getI32Type());
  Value empty = tensor::EmptyOp::create(builder, loc, resultType.getShape(),
                                        builder.getI32Type());
  Value zero =
      arith::ConstantOp::create(builder, loc, builder.getI32IntegerAttr(0));
  Value init =
      linalg::FillOp::create(builder, loc, ValueRange{zero}, ValueRange{empty})
          .getResult(0);
  SmallVector<Value> inputs = {integers};
  // A pool's second input says how large its windows are.
  llvm::append_range(inputs, ArrayRef<Value>(op.getDpsInputs()).drop_front());
  return linalg::GenericOp::create(
             builder, loc, TypeRange{resultType}, inputs, ValueRange{init},
             op.getIndexingMapsArray(), op.getIteratorTypesArray(),
             [&](OpBuilder &b, Location loc, ValueRange args) {
               Type i32 = b.getI32Type();
               Value q = isUnsigned
                             ? arith::ExtUIOp::create(b, loc, i32, args[0])
                                   .getResult()
                             : arith::ExtSIOp::create(b, loc, i32, args[0])
                                   .getResult();
               Value sum = arith::AddIOp::create(b, loc, args.back(), q);
               linalg::YieldOp::create(b, loc, sum);
             })
      .getResult(0);
}

/// Lowers one sum; success where it has none to lower.
static LogicalResult lowerSum(linalg::LinalgOp op, Report &report) {
  OpOperand *input = matchSum(op);
  quant::UniformQuantizedType type =
      input ? getUniformType(input->get()) : quant::UniformQuantizedType();
  if (!type)
    return success();
  int64_t count = 1;
  for (auto [range, kind] :
       llvm::zip(op.getStaticLoopRanges(), op.getIteratorTypesArray()))
    if (kind == utils::IteratorType::reduction)
      count *= range;
  quantmath::IntRange range{static_cast<int32_t>(type.getStorageTypeMin()),
                            static_cast<int32_t>(type.getStorageTypeMax())};
  if (count * quantmath::maxMagnitude(range) > quantmath::kInt32Max ||
      count * quantmath::maxDistance(range, type.getZeroPoint()) >
          quantmath::kInt32Max)
    return success();

  OpBuilder builder(op);
  Location loc = op.getLoc();
  Value integers = getStorage(
      builder, input->get().getDefiningOp<quant::DequantizeCastOp>());
  EpilogueInputs inputs;
  inputs.accumulator = buildSums(builder, op, integers, !type.isSigned());
  inputs.isSum = true;
  inputs.activationScale = type.getScale();
  inputs.activationZeroPoint = type.getZeroPoint();
  inputs.weightScales = {1.0f};
  inputs.weightSums = {count};
  inputs.weightAbsoluteSums = {count};
  inputs.bias = {0.0f};
  EpilogueChain chain = matchEpilogue(op->getResult(0), {}, /*scaled=*/true);
  if (chain.quantize && chain.quantize->hasAttr(kDivideAttr))
    endInRealUnits(chain);
  inputs.factor = chain.factor;
  inputs.divisor = chain.divisor;
  Value result;
  if (chain.quantize) {
    auto resultType = cast<quant::UniformQuantizedType>(
        getElementTypeOrSelf(chain.end.getType()));
    result = buildFusedEpilogue(builder, loc, inputs, resultType, chain.low,
                                chain.high);
    if (!result)
      return failure();
    for (Operation *reshape : chain.reshapes)
      result = replayReshape(builder, reshape, result);
    result = castToQuantized(builder, loc, result, chain.end.getType());
  } else {
    result = buildFloatEpilogue(builder, loc, inputs);
    if (!result)
      return failure();
  }
  StringRef name = qopt::getOpName(op);
  report.setPrecision(name, "int8", "an exact sum of integers");
  for (ArrayRef<Operation *> joined :
       {ArrayRef(chain.scalings),
        chain.quantize ? ArrayRef(chain.clamps) : ArrayRef<Operation *>()})
    for (Operation *other : joined)
      report.setPrecision(qopt::getOpName(other), "int8",
                          ("in the epilogue of " + name).str());
  chain.end.replaceAllUsesWith(result);
  return success();
}

LogicalResult mlir::qopt::lowerSums(ModuleOp module, Report &report) {
  SmallVector<linalg::LinalgOp> ops;
  module.walk([&](linalg::LinalgOp op) { ops.push_back(op); });
  // Users first, as contractions.
  for (linalg::LinalgOp op : llvm::reverse(ops))
    if (failed(lowerSum(op, report)))
      return failure();
  return success();
}
