//===- PrintCalibration.cpp - What calibration has found, for people ---------//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Calibration/DescribeTable.h"
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h"
#include "QuantOpt/Support/QuantMath.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"

#include <cmath>

namespace mlir::qopt {
#define GEN_PASS_DEF_PRINTCALIBRATION
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h.inc"
} // namespace mlir::qopt

using namespace mlir;
using namespace mlir::qopt;

static llvm::json::Object toJson(CandidateAttr candidate) {
  return llvm::json::Object{
      {"storage", stringifyStorage(candidate.getStorage())},
      {"method", stringifyMethod(candidate.getMethod())},
      {"min", candidate.getMin().value},
      {"max", candidate.getMax().value},
      {"error", candidate.getError().value},
      {"clipped", candidate.getClipped().value},
      {"cost", candidate.getCost().value}};
}

static void printJson(ArrayRef<ObserveOp> observers, raw_ostream &os) {
  llvm::json::Array edges;
  for (ObserveOp op : observers) {
    llvm::json::Object row{{"name", op.getName()}};
    if (std::optional<StatsAttr> stats = op.getStats()) {
      llvm::json::Array candidates;
      for (CandidateAttr candidate : stats->getCandidates())
        candidates.push_back(toJson(candidate));
      row["min"] = stats->getMin().value;
      row["max"] = stats->getMax().value;
      row["count"] = stats->getCount();
      row["nonfinite"] = stats->getNonFinite();
      row["sentinels"] = stats->getSentinels();
      row["candidates"] = std::move(candidates);
    }
    edges.push_back(std::move(row));
  }
  llvm::json::Object root{{"edges", std::move(edges)}};
  os << llvm::formatv("{0:2}", llvm::json::Value(std::move(root))) << "\n";
}

static void printText(ArrayRef<ObserveOp> observers, raw_ostream &os) {
  for (ObserveOp op : observers) {
    os << "edge '" << op.getName() << "'";
    std::optional<StatsAttr> stats = op.getStats();
    if (!stats) {
      os << ": no statistics, quantized at run time\n";
      continue;
    }
    os << llvm::formatv(": {0} values in [{1:f6}, {2:f6}]", stats->getCount(),
                        stats->getMin().value, stats->getMax().value);
    if (stats->getNonFinite())
      os << ", " << stats->getNonFinite() << " not finite";
    if (stats->getSentinels())
      os << ", " << stats->getSentinels() << " sentinels";
    os << "\n";
    for (CandidateAttr candidate : stats->getCandidates())
      os << llvm::formatv(
          "  {0,-13} {1,-10} [{2,12:f6}, {3,12:f6}]  rms error "
          "{4:e3}, clips {5:P4}, cost {6:e3}\n",
          stringifyStorage(candidate.getStorage()),
          stringifyMethod(candidate.getMethod()), candidate.getMin().value,
          candidate.getMax().value, std::sqrt(candidate.getError().value),
          candidate.getClipped().value, candidate.getCost().value);
  }
}

namespace {
struct PrintCalibration
    : public qopt::impl::PrintCalibrationBase<PrintCalibration> {
  using PrintCalibrationBase::PrintCalibrationBase;

  void runOnOperation() override {
    markAllAnalysesPreserved();
    if (format != "text" && format != "json") {
      getOperation().emitError() << "print-calibration: unknown format '"
                                 << format << "': text or json";
      return signalPassFailure();
    }
    bool json = format == "json";
    if (!table.empty()) {
      std::string error;
      if (!describeTable(table, json, llvm::errs(), error)) {
        getOperation().emitError() << error;
        return signalPassFailure();
      }
      return;
    }
    SmallVector<ObserveOp> observers;
    getOperation().walk([&](ObserveOp op) { observers.push_back(op); });
    if (json)
      printJson(observers, llvm::errs());
    else
      printText(observers, llvm::errs());
  }
};
} // namespace
