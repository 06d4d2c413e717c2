//===- VerifyIntegerForm.cpp - Only upstream ops are left ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Analysis/Report.h"
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h"

namespace mlir::qopt {
#define GEN_PASS_DEF_VERIFYINTEGERFORM
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h.inc"
} // namespace mlir::qopt

using namespace mlir;
using namespace mlir::qopt;

static LogicalResult verifyOp(Operation *op) {
  StringRef dialect = op->getName().getDialectNamespace();
  if (dialect == "qopt" || dialect == "quant")
    return op->emitError() << "op '" << op->getName()
                           << "' is left in integer form";
  SmallVector<Type> types(op->getResultTypes());
  for (Region &region : op->getRegions())
    for (Block &block : region)
      llvm::append_range(types, block.getArgumentTypes());
  for (Type type : types)
    if (isa<quant::QuantizedType>(getElementTypeOrSelf(type)))
      return op->emitError() << "has the quantized type " << type
                             << "; integer form has storage types only";
  for (NamedAttribute attr : op->getDiscardableAttrs())
    if (attr.getName().getValue().starts_with("qopt.") &&
        attr.getName() != kReportAttr)
      return op->emitError() << "attribute '" << attr.getName().getValue()
                             << "' is left in integer form";
  return success();
}

namespace {
struct VerifyIntegerForm
    : public qopt::impl::VerifyIntegerFormBase<VerifyIntegerForm> {
  void runOnOperation() override {
    markAllAnalysesPreserved();
    WalkResult result = getOperation().walk([](Operation *op) {
      return failed(verifyOp(op)) ? WalkResult::interrupt()
                                  : WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }
};
} // namespace
