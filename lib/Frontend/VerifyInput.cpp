//===- VerifyInput.cpp - Refuse by name what cannot be imported ---*- C++
//-*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Analysis/Constants.h"
#include "QuantOpt/Analysis/Report.h"
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h"
#include "QuantOpt/Frontend/Entry.h"
#include "QuantOpt/Frontend/Leftovers.h"

namespace mlir::qopt {
#define GEN_PASS_DEF_VERIFYINPUT
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h.inc"
} // namespace mlir::qopt

using namespace mlir;
using namespace mlir::qopt;

/// The dialects an importer may hand us. `quant` and `qopt` are there for
/// modules that come back from a later phase.
static bool isKnownDialect(StringRef name) {
  static constexpr StringLiteral known[] = {
      "builtin", "func", "linalg", "tensor", "arith", "math",
      "scf",     "cf",   "tosa",   "quant",  "qopt"};
  return llvm::is_contained(known, name);
}

/// Every ranked tensor must have a static shape whose size is representable.
static LogicalResult verifyTypes(Operation *op) {
  auto verify = [&](Type type) -> LogicalResult {
    if (isa<UnrankedTensorType>(type))
      return op->emitError("unranked tensors cannot be imported");
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor)
      return success();
    if (!tensor.hasStaticShape())
      return op->emitError()
             << "has the dynamic shape " << tensor
             << "; fix the arguments' shapes with --shape=NAME:1x3x224x224";
    int64_t count = 1;
    for (int64_t dim : tensor.getShape())
      if (llvm::MulOverflow(count, dim, count) || count > (int64_t(1) << 40))
        return op->emitError() << "has the type " << tensor
                               << ", which is too large to be real";
    return success();
  };
  for (Type type : op->getResultTypes())
    if (failed(verify(type)))
      return failure();
  for (Region &region : op->getRegions())
    for (Block &block : region)
      for (Type type : block.getArgumentTypes())
        if (failed(verify(type)))
          return failure();
  return success();
}

static LogicalResult verifyOp(Operation *op) {
  StringRef dialect = op->getName().getDialectNamespace();
  // Third-party ops take part by saying how they are quantized.
  if (!isKnownDialect(dialect) && !isa<QuantizableOpInterface>(op))
    return op->emitError() << "op '" << op->getName()
                           << "' cannot be imported: dialect '" << dialect
                           << "' is not one of func, linalg, tensor, arith, "
                              "math, scf, cf, tosa; "
                           << getLoweringAdvice(dialect);
  for (NamedAttribute attr : op->getAttrs())
    if (auto elements = dyn_cast<ElementsAttr>(attr.getValue()))
      if (failed(verifyResource(elements, [&] { return op->emitError(); })))
        return failure();
  return verifyTypes(op);
}

namespace {
struct VerifyInput : public qopt::impl::VerifyInputBase<VerifyInput> {
  using VerifyInputBase::VerifyInputBase;

  void runOnOperation() override {
    Report report = Report::load(getOperation());
    report.setNumber("constants_bytes_before",
                     getConstantBytes(getOperation()));
    report.save(getOperation());
    FailureOr<func::FuncOp> entry = findEntry(getOperation(), this->entry);
    if (failed(entry))
      return signalPassFailure();
    if (!entry->getBody().hasOneBlock()) {
      entry->emitError("control flow between blocks cannot be imported");
      return signalPassFailure();
    }
    WalkResult result = getOperation().walk([](Operation *op) {
      return failed(verifyOp(op)) ? WalkResult::interrupt()
                                  : WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }
};
} // namespace
