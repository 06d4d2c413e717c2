//===- ConvertPrecision.cpp - 16-bit floats in memory ----------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What stayed float is stored in 16 bits and computed in 32: docs/Numerics.md,
// "16-bit floats". The pass runs twice. Before quantize, where observers know
// what calibration saw, it rounds the edges that get no integers. In integer
// form it makes tensors of 16 bits of these and of all others that interval
// arithmetic bounds, of large constants and of the operands of contractions.
//
//===----------------------------------------------------------------------===//
#include "NarrowTensors.h"

#include "QuantOpt/Analysis/FunctionBounds.h"
#include "QuantOpt/Analysis/Report.h"
#include "QuantOpt/Conversion/RoundConstants.h"
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h"

#include "mlir/IR/Remarks.h"

namespace mlir::qopt {
#define GEN_PASS_DEF_CONVERTPRECISION
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h.inc"
} // namespace mlir::qopt

using namespace mlir;
using namespace mlir::qopt;

static void remarkKept(Location loc, StringRef name, StringRef reason) {
  remark::missed(loc, remark::RemarkOpts::name("stays-f32").category("qopt"))
      << (name + ": stays f32: " + reason).str();
}

/// x → extf(truncf(x)) in front of an observer that will not become casts. The
/// rounding carries the range, since the observer goes away.
static void roundEdge(ObserveOp op, FloatType type, Report &report) {
  StatsAttr stats = op.getStats().value_or(StatsAttr());
  auto tensor = cast<RankedTensorType>(op.getInput().getType());
  if (op.getType() || !tensor.getElementType().isF32())
    return;
  double low = stats ? stats.getMin().value : 0.0;
  double high = stats ? stats.getMax().value : 0.0;
  std::string misfit;
  if (stats)
    misfit = describeMisfit(low, high, type);
  else if (type.isF16())
    misfit = "its range is not known: give calibration data, or use bf16";
  bool isRounded = misfit.empty();
  if (stats)
    report.setEdge(op.getName(),
                   {low, high, /*scale=*/1.0, /*zeroPoint=*/0,
                    isRounded ? (type.isF16() ? "f16" : "bf16") : "f32",
                    isRounded ? "" : misfit, /*clippedFraction=*/0.0});
  if (!isRounded)
    return remarkKept(op.getLoc(), op.getName(), misfit);

  OpBuilder builder(op);
  Location loc = op.getLoc();
  Value rounded = convertTensor(builder, loc, op.getInput(), type);
  if (stats) {
    auto generic = rounded.getDefiningOp<linalg::GenericOp>();
    generic.getBody()->front().setAttr(
        kRangeAttr, builder.getDenseF64ArrayAttr({low, high}));
  }
  op.getInputMutable().assign(
      convertTensor(builder, loc, rounded, builder.getF32Type()));
}

/// Ops of the report that were computed at `loc` and stayed float.
static void noteRows(Report &report, Location loc, StringRef precision,
                     StringRef reason) {
  SmallVector<std::string> places;
  loc->walk([&](Location part) {
    if (isa<NameLoc, FileLineColLoc>(part))
      places.push_back(printLocation(part));
    return WalkResult::advance();
  });
  SmallVector<std::pair<std::string, std::string>> changes;
  report.forEachOp([&](StringRef name, const Report::OpRow &row) {
    if (row.precision == "f32" && llvm::is_contained(places, row.location))
      changes.emplace_back(name.str(),
                           reason.empty() ? row.reason : reason.str());
  });
  for (auto &[name, why] : changes)
    report.setPrecision(name, precision, why);
}

namespace {
struct ConvertPrecision
    : public qopt::impl::ConvertPrecisionBase<ConvertPrecision> {
  using ConvertPrecisionBase::ConvertPrecisionBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (!llvm::is_contained({"f32", "f16", "bf16"}, StringRef(precision))) {
      module.emitError() << "precision must be f32, f16 or bf16, not '"
                         << precision << "'";
      return signalPassFailure();
    }
    if (precision != "f32")
      convert(module);
    // Nobody reads the ranges any more.
    if (!observed)
      module.walk([](arith::TruncFOp op) { op->removeAttr(kRangeAttr); });
  }

private:
  void convert(ModuleOp module) {
    FloatType type = precision == "f16"
                         ? FloatType(Float16Type::get(&getContext()))
                         : FloatType(BFloat16Type::get(&getContext()));
    Report report = Report::load(module);
    if (observed) {
      SmallVector<ObserveOp> observers;
      module.walk([&](ObserveOp op) { observers.push_back(op); });
      for (ObserveOp op : observers)
        roundEdge(op, type, report);
      return report.save(module);
    }
    auto listener = [&](Location loc, StringRef misfit) {
      if (misfit.empty())
        return noteRows(report, loc, precision, "");
      StringRef name = getLocationName(loc);
      remarkKept(loc, name.empty() ? "a tensor" : name, misfit);
      noteRows(report, loc, "f32", misfit);
    };
    for (auto function : module.getOps<func::FuncOp>())
      if (!function.isExternal())
        narrowTensors(function, type, listener);
    report.save(module);
  }
};
} // namespace
