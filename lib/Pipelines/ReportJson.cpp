//===- ReportJson.cpp - The report as JSON ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Keys are those scripts rely on (docs/Report.md); new ones may be added, none
// change.
//
//===----------------------------------------------------------------------===//
#include "ReportDocument.h"

#include <cmath>

using namespace mlir;
using namespace mlir::qopt;
using llvm::json::Array;
using llvm::json::Object;

/// JSON is UTF-8; names need not be.
static llvm::json::Value makeText(StringRef text) {
  return llvm::json::isUTF8(text) ? text.str() : llvm::json::fixUTF8(text);
}

static llvm::json::Value makeTextOrNull(StringRef text) {
  return text.empty() ? llvm::json::Value(nullptr) : makeText(text);
}

static Array makeTexts(ArrayRef<std::string> texts) {
  Array array;
  for (const std::string &text : texts)
    array.push_back(makeText(text));
  return array;
}

/// JSON has no infinities and no NaN.
static llvm::json::Value makeNumber(double value) {
  return std::isfinite(value) ? llvm::json::Value(value)
                              : llvm::json::Value(nullptr);
}

static llvm::json::Value makeNumber(std::optional<double> value) {
  return value ? makeNumber(*value) : llvm::json::Value(nullptr);
}

static llvm::json::Value makeInteger(std::optional<double> value) {
  return value ? llvm::json::Value(static_cast<int64_t>(*value))
               : llvm::json::Value(nullptr);
}

static Array makeSignature(ArrayRef<ReportDocument::Value> values) {
  Array rows;
  for (const ReportDocument::Value &value : values)
    rows.push_back(
        Object{{"name", makeText(value.name)}, {"type", makeText(value.type)}});
  return rows;
}

static Object makeOpRow(StringRef name, const Report::OpRow &row) {
  return Object{{"name", makeText(name)},
                {"op", makeText(row.op)},
                {"location", makeText(row.location)},
                {"precision", makeText(row.precision)},
                {"reason", makeText(row.reason)},
                {"contraction", row.isContraction},
                {"kernel", makeTextOrNull(row.kernel)},
                {"sqnr_db", nullptr}};
}

static llvm::json::Value makeHistogram(const Report::Histogram *histogram) {
  if (!histogram)
    return nullptr;
  return Object{{"low", makeNumber(histogram->low)},
                {"high", makeNumber(histogram->high)},
                {"counts", Array(histogram->levels)}};
}

static Object makeEdgeRow(StringRef name, const Report::EdgeRow &row,
                          const Report::Histogram *histogram) {
  EdgeLimits limits = getLimits(row);
  return Object{
      {"name", makeText(name)},
      {"min", makeNumber(row.min)},
      {"max", makeNumber(row.max)},
      {"scale", makeNumber(row.scale)},
      {"zero_point", row.zeroPoint},
      {"storage", makeText(row.storage)},
      {"limits", Array{makeNumber(limits.low), makeNumber(limits.high)}},
      {"method", makeText(row.method)},
      {"reason", makeTextOrNull(row.reason)},
      {"clipped_fraction", makeNumber(row.clippedFraction)},
      {"nonfinite", row.nonFinite},
      {"sentinels", row.sentinels},
      {"expected_sqnr_db", makeNumber(row.getExpectedSqnrDb())},
      {"readers", makeTexts(row.readers)},
      {"histogram", makeHistogram(histogram)}};
}

static Object makeWeightRow(StringRef name, const Report::WeightRow &row) {
  return Object{{"name", makeText(name)},
                {"channels", row.channels},
                {"dead_channels", row.deadChannels},
                {"first_dead_channels", Array(row.firstDeadChannels)},
                {"scale_min", makeNumber(row.scaleMin)},
                {"scale_max", makeNumber(row.scaleMax)},
                {"floored_scales", row.flooredScales},
                {"method", makeText(row.method)},
                {"sqnr_db", makeNumber(row.sqnrDb)},
                {"accumulator_max", row.accumulatorMax},
                {"headroom_bits", makeNumber(row.getHeadroomBits())}};
}

static Object makeSummary(const ReportDocument &document) {
  const Report &report = document.report;
  Array suffering;
  report.forEachEdge([&](StringRef name, const Report::EdgeRow &row) {
    if (row.suffers())
      suffering.push_back(
          Object{{"edge", makeText(name)},
                 {"expected_sqnr_db", makeNumber(row.getExpectedSqnrDb())},
                 {"readers", makeTexts(row.readers)}});
  });
  Object calibration{
      {"samples", makeInteger(report.getNumber("calibration_samples"))},
      {"method", makeText(getCalibrationMethod(report))},
      {"seconds", makeNumber(report.getNumber("calibration_seconds"))},
      {"peak_rss_bytes",
       makeInteger(report.getNumber("calibration_peak_rss_bytes"))}};
  return Object{
      {"contractions", document.contractions},
      {"contractions_int8", document.contractionsInt8},
      {"ops_float", document.opsFloat},
      {"dead_channels", makeInteger(report.getNumber("dead_channels"))},
      {"weights_bytes_before",
       makeInteger(report.getNumber("weights_bytes_before"))},
      {"weights_bytes_after",
       makeInteger(report.getNumber("weights_bytes_after"))},
      {"constants_bytes_before",
       makeInteger(report.getNumber("constants_bytes_before"))},
      {"constants_bytes_after", document.constantsBytesAfter},
      {"calibration", std::move(calibration)},
      {"suffering", std::move(suffering)},
      {"compile_seconds", document.compileSeconds}};
}

Object mlir::qopt::makeReportJson(const ReportDocument &document) {
  const Report &report = document.report;
  Array ops, edges, weights;
  report.forEachOp([&](StringRef name, const Report::OpRow &row) {
    ops.push_back(makeOpRow(name, row));
  });
  report.forEachEdge([&](StringRef name, const Report::EdgeRow &row) {
    edges.push_back(makeEdgeRow(name, row, report.findHistogram(name)));
  });
  report.forEachWeight([&](StringRef name, const Report::WeightRow &row) {
    weights.push_back(makeWeightRow(name, row));
  });
  return Object{{"schema", 1},
                {"tool", "quant-opt " QUANTOPT_VERSION},
                {"model", Object{{"name", makeText(document.model)},
                                 {"inputs", makeSignature(document.inputs)},
                                 {"outputs", makeSignature(document.outputs)}}},
                {"summary", makeSummary(document)},
                {"ops", std::move(ops)},
                {"edges", std::move(edges)},
                {"weights", std::move(weights)},
                {"kernels", makeKernelsJson(report)}};
}
