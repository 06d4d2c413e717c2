//===- MyPass.cpp - A pass of another project -----------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "MyPass.h"

#include "QuantOpt/Analysis/Quantizable.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

using namespace mlir;

namespace {
/// Counts i32 accumulators and what QuantOpt would still quantize.
struct CountIntegerContractions
    : PassWrapper<CountIntegerContractions, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(CountIntegerContractions)
  StringRef getArgument() const override {
    return "my-count-integer-contractions";
  }
  void runOnOperation() override {
    int64_t integer = 0, quantizable = 0;
    getOperation().walk([&](linalg::LinalgOp op) {
      Type type = getElementTypeOrSelf(op->getResult(0).getType());
      integer += op.getNumReductionLoops() != 0 && type.isInteger(32);
      quantizable += qopt::matchQuantizable(op).has_value();
    });
    Builder b(&getContext());
    getOperation()->setAttr("my.integer", b.getI64IntegerAttr(integer));
    getOperation()->setAttr("my.quantizable", b.getI64IntegerAttr(quantizable));
  }
};
} // namespace

void my::registerMyPass() { PassRegistration<CountIntegerContractions>(); }
