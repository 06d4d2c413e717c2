//===- NonFinite.cpp - Which op first made a NaN or an infinity -*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Observers sit on few edges; the op to blame may lie far before the first of
// them that saw a NaN. Only one run is repeated, and only where something is
// wrong, so that every tensor can be watched.
//
//===----------------------------------------------------------------------===//
#include "NonFinite.h"

#include "QuantOpt/Analysis/Report.h"
#include "QuantOpt/Dialect/QOpt/IR/QOpt.h"
#include "QuantOpt/Frontend/Entry.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/IRMapping.h"

#include <cmath>
#include <mutex>

using namespace mlir;
using namespace mlir::qopt;

/// f32 tensors whose contents mean something: not those of `tensor.empty`, nor
/// the initial values of reductions, where -infinity is usual.
static bool isWatched(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.hasStaticShape() && type.getElementType().isF32() &&
         !value.getDefiningOp<tensor::EmptyOp>() &&
         !value.getDefiningOp<linalg::FillOp>();
}

/// NaN or +infinity: -infinity is how masks are written.
static bool isSuspicious(float x) {
  return std::isnan(x) || x == std::numeric_limits<float>::infinity();
}

void mlir::qopt::reportFirstNonFinite(ModuleOp module, StringRef entryName,
                                      const Sample &inputs, int64_t run) {
  OwningOpRef<ModuleOp> copy = module.clone();
  auto entry = copy->lookupSymbol<func::FuncOp>(entryName);
  SmallVector<ObserveOp> old;
  copy->walk([&](ObserveOp op) { old.push_back(op); });
  for (ObserveOp op : old) {
    op.replaceAllUsesWith(op.getInput());
    op.erase();
  }
  OpBuilder builder(copy->getContext());
  SmallVector<Value> watched;
  auto watch = [&](Value value) {
    if (!isWatched(value))
      return;
    auto observe =
        ObserveOp::create(builder, value.getLoc(), value.getType(), value,
                          builder.getStringAttr(llvm::Twine(watched.size())),
                          StatsAttr(), TypeAttr(), DenseF32ArrayAttr());
    value.replaceAllUsesExcept(observe.getResult(), observe);
    watched.push_back(value);
  };
  builder.setInsertionPointToStart(&entry.getBody().front());
  for (BlockArgument arg : entry.getArguments())
    watch(arg);
  SmallVector<Operation *> ops;
  for (Operation &op : entry.getBody().front().without_terminator())
    if (!isa<ObserveOp>(op) && !op.hasTrait<OpTrait::ConstantLike>())
      ops.push_back(&op);
  for (Operation *op : ops)
    for (Value result : op->getResults()) {
      builder.setInsertionPointAfter(op);
      watch(result);
    }
  // Observers are counted in walk order, which is not the order of creation.
  SmallVector<unsigned> numberOf;
  copy->walk([&](ObserveOp op) {
    unsigned number = 0;
    op.getName().getAsInteger(10, number);
    numberOf.push_back(number);
  });

  struct Finding {
    uint64_t nans = 0, infinities = 0;
  };
  std::vector<Finding> findings(watched.size());
  CpuOptions options;
  options.observer = [&](int64_t index, const float *values, int64_t count) {
    Finding &finding = findings[numberOf[index]];
    for (int64_t i = 0; i < count; ++i)
      if (isSuspicious(values[i]))
        ++(std::isnan(values[i]) ? finding.nans : finding.infinities);
  };
  auto executable = CpuExecutable::compile(*copy, entryName, options);
  if (failed(executable))
    return;
  std::vector<std::vector<char>> outputs;
  SmallVector<void *> outputPointers;
  for (const CpuExecutable::TensorSpec &spec : (*executable)->outputs())
    outputPointers.push_back(
        outputs.emplace_back(std::max<int64_t>(spec.getNumBytes(), 1)).data());
  SmallVector<const void *> inputPointers;
  for (const std::vector<char> &buffer : inputs)
    inputPointers.push_back(buffer.data());
  if (llvm::Error error = (*executable)->run(inputPointers, outputPointers)) {
    llvm::consumeError(std::move(error));
    return;
  }

  for (auto [value, finding] : llvm::zip(watched, findings)) {
    if (!finding.nans && !finding.infinities)
      continue;
    InFlightDiagnostic warning = emitWarning(value.getLoc());
    if (auto arg = dyn_cast<BlockArgument>(value)) {
      warning << "argument '" << getArgumentName(entry, arg.getArgNumber())
              << "' holds ";
    } else {
      StringRef name = getOpName(value.getDefiningOp());
      warning << "'"
              << (name.empty() ? value.getDefiningOp()->getName().getStringRef()
                               : name)
              << "' is the first op that gives ";
    }
    if (finding.nans)
      warning << finding.nans << " NaN" << (finding.nans > 1 ? "s" : "");
    if (finding.infinities)
      warning << (finding.nans ? " and " : "") << finding.infinities
              << " infinite value" << (finding.infinities > 1 ? "s" : "");
    warning << " in run " << run << " of the calibration data";
    return;
  }
}
