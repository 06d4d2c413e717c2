//===- SpecializeShapes.cpp - Fix dynamic dimensions of the arguments ---*- C++
//-*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Only the entry's signature changes here: each argument that becomes static is
// cast back to its old type, and upstream canonicalization folds these casts
// into the linalg and tensor ops that use them, which infers all other shapes.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h"
#include "QuantOpt/Frontend/Entry.h"

#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

namespace mlir::qopt {
#define GEN_PASS_DEF_SPECIALIZESHAPES
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h.inc"
} // namespace mlir::qopt

using namespace mlir;
using namespace mlir::qopt;

/// Parses "NAME:1x3x224x224" ("NAME:" alone is rank 0).
static LogicalResult parseShape(StringRef text, StringRef &name,
                                SmallVectorImpl<int64_t> &shape) {
  auto [key, dims] = text.rsplit(':');
  name = key;
  if (name.empty() || !text.contains(':'))
    return failure();
  SmallVector<StringRef> parts;
  if (!dims.empty())
    dims.split(parts, 'x');
  for (StringRef part : parts) {
    int64_t dim;
    if (part.getAsInteger(10, dim) || dim <= 0)
      return failure();
    shape.push_back(dim);
  }
  return success();
}

/// `type` with its dynamic dimensions taken from `shape`, or null where `shape`
/// contradicts it.
static RankedTensorType specialize(RankedTensorType type,
                                   ArrayRef<int64_t> shape) {
  if (type.getRank() != static_cast<int64_t>(shape.size()))
    return nullptr;
  for (auto [have, want] : llvm::zip(type.getShape(), shape))
    if (!ShapedType::isDynamic(have) && have != want)
      return nullptr;
  return type.clone(shape);
}

/// Lets the function return what its casts hide: static results.
static void refineResults(func::FuncOp entry) {
  auto returnOp = cast<func::ReturnOp>(entry.getBody().front().getTerminator());
  SmallVector<Type> results;
  for (OpOperand &operand : returnOp->getOpOperands()) {
    auto cast = operand.get().getDefiningOp<tensor::CastOp>();
    if (cast &&
        mlir::cast<ShapedType>(cast.getSource().getType()).hasStaticShape())
      operand.set(cast.getSource());
    results.push_back(operand.get().getType());
  }
  entry.setType(FunctionType::get(
      entry.getContext(), entry.getFunctionType().getInputs(), results));
}

namespace {
struct SpecializeShapes
    : public qopt::impl::SpecializeShapesBase<SpecializeShapes> {
  using SpecializeShapesBase::SpecializeShapesBase;

  void runOnOperation() override {
    if (shapes.empty())
      return;
    FailureOr<func::FuncOp> entry = findEntry(getOperation(), this->entry);
    if (failed(entry))
      return signalPassFailure();
    if (!entry->getBody().hasOneBlock()) {
      entry->emitError("control flow between blocks cannot be imported");
      return signalPassFailure();
    }
    for (const std::string &shape : shapes)
      if (failed(apply(*entry, shape)))
        return signalPassFailure();
    OpPassManager cleanup("builtin.module");
    cleanup.addPass(createCanonicalizerPass());
    if (failed(runPipeline(cleanup, getOperation())))
      return signalPassFailure();
    refineResults(*entry);
  }

private:
  LogicalResult apply(func::FuncOp entry, StringRef text);
};
} // namespace

LogicalResult SpecializeShapes::apply(func::FuncOp entry, StringRef text) {
  StringRef name;
  SmallVector<int64_t> shape;
  if (failed(parseShape(text, name, shape)))
    return entry.emitError() << "shape '" << text
                             << "' is not of the form NAME:1x3x224x224 with "
                                "positive dimensions";
  for (unsigned i = 0; i < entry.getNumArguments(); ++i) {
    if (qopt::getArgumentName(entry, i) != name)
      continue;
    BlockArgument arg = entry.getArgument(i);
    auto type = dyn_cast<RankedTensorType>(arg.getType());
    RankedTensorType wanted =
        type ? specialize(type, shape) : RankedTensorType();
    if (!wanted)
      return entry.emitError()
             << "shape '" << text << "' does not fit argument '" << name
             << "' of type " << arg.getType();
    if (wanted == type)
      return success();
    OpBuilder builder = OpBuilder::atBlockBegin(&entry.getBody().front());
    arg.setType(wanted);
    auto cast = tensor::CastOp::create(builder, arg.getLoc(), type, arg);
    arg.replaceAllUsesExcept(cast.getResult(), cast);
    SmallVector<Type> inputs(entry.getFunctionType().getInputs());
    inputs[i] = wanted;
    entry.setType(FunctionType::get(entry.getContext(), inputs,
                                    entry.getFunctionType().getResults()));
    return success();
  }
  return entry.emitError() << "shape '" << text << "' names no argument of '"
                           << entry.getName() << "'";
}
