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

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

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

static bool isChannelsFirst(Operation *op) {
  return isa<linalg::Conv1DNcwFcwOp, linalg::Conv2DNchwFchwOp,
             linalg::Conv2DNchwFchwQOp, linalg::Conv2DNgchwFgchwOp,
             linalg::Conv2DNgchwGfchwOp, linalg::Conv2DNgchwGfchwQOp,
             linalg::Conv3DNcdhwFcdhwOp, linalg::DepthwiseConv1DNcwCwOp,
             linalg::DepthwiseConv2DNchwChwOp,
             linalg::DepthwiseConv3DNcdhwCdhwOp, linalg::PoolingNcwMaxOp,
             linalg::PoolingNcwSumOp, linalg::PoolingNchwMaxOp,
             linalg::PoolingNchwSumOp>(op);
}

/// Of control flow, normal form has loops with a constant trip count only.
static LogicalResult verifyControlFlow(Operation *op) {
  if (!isa<scf::SCFDialect>(op->getDialect()) || isa<scf::YieldOp>(op))
    return success();
  if (isa<scf::IfOp, scf::IndexSwitchOp>(op))
    return op->emitError()
           << "op '" << op->getName()
           << "' chooses by a value of run time what is computed; export the "
              "branch that is needed, or compute both and select";
  auto loop = dyn_cast<scf::ForOp>(op);
  if (!loop)
    return op->emitError() << "op '" << op->getName()
                           << "' is not part of normal form; use scf.for with "
                              "constant bounds";
  std::optional<int64_t> step = getConstantIntValue(loop.getStep());
  if (!getConstantIntValue(loop.getLowerBound()) ||
      !getConstantIntValue(loop.getUpperBound()) || !step || *step <= 0)
    return op->emitError("how often the loop runs is not constant; export the "
                         "model with a fixed sequence length");
  return success();
}

static LogicalResult verifyOp(Operation *op) {
  StringRef dialect = op->getName().getDialectNamespace();
  if (!isNormalFormDialect(dialect) && !isa<QuantizableOpInterface>(op))
    return op->emitError() << "op '" << op->getName()
                           << "' is not part of normal form: import left it "
                              "behind";
  if (failed(verifyControlFlow(op)))
    return failure();
  if (isChannelsFirst(op))
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
    WalkResult result =
        getOperation().walk<WalkOrder::PreOrder>([](Operation *op) {
          return failed(verifyOp(op)) ? WalkResult::interrupt()
                                      : WalkResult::advance();
        });
    if (result.wasInterrupted())
      signalPassFailure();
  }
};
} // namespace
