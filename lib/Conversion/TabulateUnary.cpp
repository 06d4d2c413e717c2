//===- TabulateUnary.cpp - Functions of one 8-bit value ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Analysis/Elementwise.h"
#include "QuantOpt/Analysis/ElementwiseGroups.h"
#include "QuantOpt/Conversion/IntegerLowering.h"
#include "QuantOpt/Conversion/UnaryTables.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::qopt;

/// Ops that cost more than looking a result up.
static bool isCostly(Operation &op) {
  return isa<arith::DivFOp>(op) ||
         (isa<math::MathDialect>(op.getDialect()) &&
          !isa<math::AbsFOp, math::CeilOp, math::FloorOp, math::FmaOp,
               math::RoundEvenOp>(op));
}

void mlir::qopt::tabulateUnaryFunctions(ModuleOp module, Report &report) {
  SmallVector<quant::QuantizeCastOp> casts;
  module.walk([&](quant::QuantizeCastOp op) { casts.push_back(op); });
  for (quant::QuantizeCastOp op : casts) {
    auto out = dyn_cast<quant::UniformQuantizedType>(
        getElementTypeOrSelf(op.getResult().getType()));
    auto generic = op.getInput().getDefiningOp<linalg::GenericOp>();
    if (!out || !generic || !generic->hasOneUse() || !isGroupable(generic) ||
        llvm::none_of(generic.getBody()->without_terminator(), isCostly))
      continue;
    OpOperand *main = getMainInput(generic);
    quant::UniformQuantizedType in =
        main ? getUniformType(main->get()) : quant::UniformQuantizedType();
    std::optional<UnaryTable> table;
    if (in)
      table = buildUnaryTable(generic, in, out, op->hasAttr(kDivideAttr));
    if (!table)
      continue;
    OpBuilder builder(op);
    Value integers = getStorage(
        builder, main->get().getDefiningOp<quant::DequantizeCastOp>());
    Value stored = buildTableLookup(builder, generic.getLoc(), integers, *table,
                                    /*unsignedIndex=*/!in.isSigned());
    report.setPrecision(qopt::getOpName(generic), "int8",
                        "a table of 256 entries");
    op.replaceAllUsesWith(castToQuantized(builder, op.getLoc(), stored,
                                          op.getResult().getType()));
    op.erase();
    generic.erase();
  }
}
