//===- VerifyNormalForm.cpp - The contract between import and annotate ---*- C++
//-*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Analysis/Constants.h"
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h"

namespace mlir::qopt {
#define GEN_PASS_DEF_VERIFYNORMALFORM
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h.inc"
} // namespace mlir::qopt

using namespace mlir;
using namespace mlir::qopt;

/// The dialects of normal form: upstream's, on tensors, and observers.
static bool isNormalFormDialect(StringRef name) {
  static constexpr StringLiteral known[] = {
      "builtin", "func", "linalg", "tensor", "arith",
      "math",    "scf",  "cf",     "qopt",   "quant"};
  return llvm::is_contained(known, name);
}

static LogicalResult verifyOp(Operation *op) {
  StringRef dialect = op->getName().getDialectNamespace();
  if (!isNormalFormDialect(dialect) && !isa<QuantizableOpInterface>(op))
    return op->emitError() << "op '" << op->getName()
                           << "' is not part of normal form: import left it "
                              "behind";
  if (isa<linalg::Conv2DNchwFchwOp, linalg::DepthwiseConv2DNchwChwOp,
          linalg::Conv2DNgchwGfchwOp, linalg::Conv1DNcwFcwOp,
          linalg::PoolingNchwMaxOp, linalg::PoolingNchwSumOp>(op))
    return op->emitError("is not channels-last: run qopt-propagate-layout");
  if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op))
    if (!linalgOp.hasPureTensorSemantics())
      return op->emitError("works on buffers; normal form is on tensors");
  for (Type type : op->getResultTypes())
    if (auto shaped = dyn_cast<ShapedType>(type))
      if (!shaped.hasRank() || !shaped.hasStaticShape())
        return op->emitError()
               << "has the dynamic type " << type << "; normal form is static";
  for (NamedAttribute attr : op->getAttrs())
    if (auto elements = dyn_cast<ElementsAttr>(attr.getValue()))
      if (failed(verifyResource(elements, [&] { return op->emitError(); })))
        return failure();
  return success();
}

namespace {
struct VerifyNormalForm
    : public qopt::impl::VerifyNormalFormBase<VerifyNormalForm> {
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
