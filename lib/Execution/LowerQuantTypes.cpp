//===- LowerQuantTypes.cpp - Quantized values of imported models -*- C++
//-*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The float form of a model that came quantized computes what its producer
// computes: casts round, and so do observers whose type is the producer's.
//
//===----------------------------------------------------------------------===//
#include "CpuCompiler.h"

#include "QuantOpt/Analysis/Report.h"
#include "QuantOpt/Conversion/Epilogue.h"
#include "QuantOpt/Conversion/QuantizedParameters.h"
#include "mlir/Dialect/Quant/IR/Quant.h"

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::cpu;

Value cpu::buildFakeQuantize(OpBuilder &builder, ObserveOp op) {
  QuantizedParameters type =
      *QuantizedParameters::get(cast<quant::QuantizedType>(*op.getType()));
  Value integers =
      buildQuantize(builder, op.getLoc(), op.getInput(), type, op.getDivide());
  return buildDequantize(builder, op.getLoc(), integers, type);
}

static LogicalResult refuse(Operation *op) {
  return op->emitError() << kRefusal << ": '" << op->getName() << "' from "
                         << op->getOperand(0).getType() << " to "
                         << op->getResult(0).getType();
}

static FailureOr<QuantizedParameters> getParameters(Value value) {
  return QuantizedParameters::get(
      cast<quant::QuantizedType>(getElementTypeOrSelf(value.getType())),
      /*allowBlocks=*/true);
}

/// The integers of a value of a quantized type, if they are there.
static Value getStorage(Value quantized) {
  auto cast = quantized.getDefiningOp<quant::StorageCastOp>();
  return cast ? cast.getInput() : Value();
}

LogicalResult cpu::lowerQuantTypes(func::FuncOp function) {
  SmallVector<Operation *> casts;
  function.walk([&](Operation *op) {
    if (isa<quant::QuantizeCastOp, quant::DequantizeCastOp,
            quant::StorageCastOp>(op))
      casts.push_back(op);
  });
  for (Operation *op : casts) {
    OpBuilder builder(op);
    if (auto quantize = dyn_cast<quant::QuantizeCastOp>(op)) {
      FailureOr<QuantizedParameters> type = getParameters(quantize.getResult());
      if (failed(type) || !type->channelDims.empty() || type->bits > 16)
        return refuse(op);
      Value integers = buildQuantize(builder, op->getLoc(), quantize.getInput(),
                                     *type, quantize->hasAttr(kDivideAttr));
      quantize.replaceAllUsesWith(
          quant::StorageCastOp::create(builder, op->getLoc(),
                                       quantize.getResult().getType(), integers)
              .getResult());
    } else if (auto dequantize = dyn_cast<quant::DequantizeCastOp>(op)) {
      Value real;
      FailureOr<std::vector<float>> values =
          readRealValues(dequantize.getResult());
      FailureOr<QuantizedParameters> type =
          getParameters(dequantize.getInput());
      Value integers = getStorage(dequantize.getInput());
      if (succeeded(values))
        real = makeConstant(
            builder, op->getLoc(),
            makeFloatElements(cast<RankedTensorType>(dequantize.getType()),
                              *values, "dequantized"));
      else if (succeeded(type) && !type->hasBlocks() && integers &&
               type->bits <= 16)
        real = buildDequantize(builder, op->getLoc(), integers, *type);
      else
        return refuse(op);
      dequantize.replaceAllUsesWith(real);
    }
  }
  // What is left of scast comes in inverse pairs.
  function.walk([](quant::StorageCastOp op) {
    Value integers = getStorage(op.getInput());
    if (integers && integers.getType() == op.getResult().getType())
      op.replaceAllUsesWith(integers);
  });
  for (Operation *op : llvm::reverse(casts))
    if (op->use_empty())
      op->erase();
  WalkResult result = function.walk([](quant::StorageCastOp op) {
    if (!op->use_empty())
      return failed(refuse(op)) ? WalkResult::interrupt()
                                : WalkResult::advance();
    op.erase();
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}
