//===- ReportJson.cpp - The report as JSON ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Keys are those scripts rely on; new ones may be added, none change.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Analysis/Report.h"
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h"
#include "QuantOpt/Frontend/Entry.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

#include <chrono>
#include <cmath>

namespace mlir::qopt {
#define GEN_PASS_DEF_WRITEREPORT
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h.inc"
} // namespace mlir::qopt

using namespace mlir;
using namespace mlir::qopt;

/// compile_seconds counts from the moment the library was loaded.
static const std::chrono::steady_clock::time_point kLoaded =
    std::chrono::steady_clock::now();

static std::string printType(Type type) {
  std::string text;
  llvm::raw_string_ostream(text) << type;
  return text;
}

static llvm::json::Array getSignature(func::FuncOp entry, bool inputs) {
  llvm::json::Array rows;
  TypeRange types = inputs ? TypeRange(entry.getArgumentTypes())
                           : TypeRange(entry.getResultTypes());
  for (auto [i, type] : llvm::enumerate(types)) {
    std::string name =
        inputs ? getArgumentName(entry, i) : "out" + std::to_string(i);
    rows.push_back(
        llvm::json::Object{{"name", name}, {"type", printType(type)}});
  }
  return rows;
}

static llvm::json::Value getNumberOrNull(const Report &report, StringRef key) {
  std::optional<double> number = report.getNumber(key);
  return number ? llvm::json::Value(*number) : llvm::json::Value(nullptr);
}

static llvm::json::Value getIntegerOrNull(const Report &report, StringRef key) {
  std::optional<double> number = report.getNumber(key);
  return number ? llvm::json::Value(static_cast<int64_t>(*number))
                : llvm::json::Value(nullptr);
}

static llvm::json::Object makeWeightRow(StringRef name,
                                        const Report::WeightRow &row) {
  auto orNull = [](double value) {
    return std::isfinite(value) ? llvm::json::Value(value)
                                : llvm::json::Value(nullptr);
  };
  return llvm::json::Object{
      {"name", name},
      {"channels", row.channels},
      {"dead_channels", row.deadChannels},
      {"first_dead_channels", llvm::json::Array(row.firstDeadChannels)},
      {"scale_min", row.scaleMin},
      {"scale_max", row.scaleMax},
      {"floored_scales", row.flooredScales},
      {"method", row.method},
      {"sqnr_db", orNull(row.sqnrDb)},
      {"accumulator_max", row.accumulatorMax},
      // Of an i32, without its sign.
      {"headroom_bits",
       orNull(31 - std::log2(static_cast<double>(row.accumulatorMax)))}};
}

static llvm::json::Object makeJson(const Report &report, ModuleOp module,
                                   func::FuncOp entry) {
  using llvm::json::Array;
  using llvm::json::Object;
  Array ops, edges, weights, suffering;
  int64_t contractions = 0, contractionsInt8 = 0, opsFloat = 0;
  report.forEachOp([&](StringRef name, const Report::OpRow &row) {
    bool isFloat = row.precision != "int8";
    contractions += row.isContraction;
    contractionsInt8 += row.isContraction && !isFloat;
    opsFloat += isFloat;
    ops.push_back(
        Object{{"name", name},
               {"op", row.op},
               {"location", row.location},
               {"precision", row.precision},
               {"reason", row.reason},
               {"kernel", row.kernel.empty() ? llvm::json::Value(nullptr)
                                             : llvm::json::Value(row.kernel)},
               {"sqnr_db", nullptr}});
  });
  report.forEachEdge([&](StringRef name, const Report::EdgeRow &row) {
    std::optional<double> sqnr = row.getExpectedSqnrDb();
    llvm::json::Value expected =
        sqnr ? llvm::json::Value(*sqnr) : llvm::json::Value(nullptr);
    edges.push_back(Object{{"name", name},
                           {"min", row.min},
                           {"max", row.max},
                           {"scale", row.scale},
                           {"zero_point", row.zeroPoint},
                           {"storage", row.storage},
                           {"method", row.method},
                           {"clipped_fraction", row.clippedFraction},
                           {"nonfinite", row.nonFinite},
                           {"sentinels", row.sentinels},
                           {"expected_sqnr_db", expected},
                           {"readers", Array(row.readers)},
                           {"reason", row.reason}});
    if (row.suffers())
      suffering.push_back(Object{{"edge", name},
                                 {"expected_sqnr_db", expected},
                                 {"readers", Array(row.readers)}});
  });
  report.forEachWeight([&](StringRef name, const Report::WeightRow &row) {
    weights.push_back(makeWeightRow(name, row));
  });
  Object calibration{
      {"samples", getIntegerOrNull(report, "calibration_samples")},
      {"method", report.getText("calibration_method").empty()
                     ? "dynamic"
                     : report.getText("calibration_method")},
      {"seconds", getNumberOrNull(report, "calibration_seconds")},
      {"peak_rss_bytes",
       getIntegerOrNull(report, "calibration_peak_rss_bytes")}};
  std::chrono::duration<double> elapsed =
      std::chrono::steady_clock::now() - kLoaded;
  Object summary{
      {"contractions", contractions},
      {"contractions_int8", contractionsInt8},
      {"ops_float", opsFloat},
      {"dead_channels", getIntegerOrNull(report, "dead_channels")},
      {"weights_bytes_before",
       getIntegerOrNull(report, "weights_bytes_before")},
      {"weights_bytes_after", getIntegerOrNull(report, "weights_bytes_after")},
      {"constants_bytes_before",
       getIntegerOrNull(report, "constants_bytes_before")},
      {"constants_bytes_after", getConstantBytes(module)},
      {"calibration", std::move(calibration)},
      {"suffering", std::move(suffering)},
      {"compile_seconds", elapsed.count()}};
  return Object{{"schema", 1},
                {"tool", "quant-opt " QUANTOPT_VERSION},
                {"model", Object{{"name", entry.getName()},
                                 {"inputs", getSignature(entry, true)},
                                 {"outputs", getSignature(entry, false)}}},
                {"summary", std::move(summary)},
                {"ops", std::move(ops)},
                {"edges", std::move(edges)},
                {"weights", std::move(weights)}};
}

/// Writes to a temporary beside `file` and renames, so that `file` is either
/// the old or the whole new report.
static llvm::Error writeAtomically(StringRef file, llvm::json::Value value) {
  return llvm::writeToOutput(file, [&](raw_ostream &os) {
    os << llvm::formatv("{0:2}", value) << "\n";
    return llvm::Error::success();
  });
}

namespace {
struct WriteReport : public qopt::impl::WriteReportBase<WriteReport> {
  using WriteReportBase::WriteReportBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (!file.empty()) {
      FailureOr<func::FuncOp> entry = findEntry(module, this->entry);
      if (failed(entry))
        return signalPassFailure();
      // The JSON refers to strings of the report.
      Report report = Report::load(module);
      llvm::json::Object json = makeJson(report, module, *entry);
      if (llvm::Error error = writeAtomically(file, std::move(json))) {
        module.emitError() << "cannot write report '" << file
                           << "': " << llvm::toString(std::move(error));
        return signalPassFailure();
      }
    }
    Report::strip(module);
  }
};
} // namespace
