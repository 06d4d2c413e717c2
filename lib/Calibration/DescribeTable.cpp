//===- DescribeTable.cpp - A calibration table for people ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Calibration/DescribeTable.h"

#include "QuantOpt/Statistics/CalibrationTable.h"
#include "QuantOpt/Statistics/Ranges.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatAdapters.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mlir::qopt;

namespace {
/// What is told of an edge.
struct EdgeSummary {
  std::string name;
  uint64_t count = 0, zeros = 0, nans = 0, infinities = 0, sentinels = 0;
  double min = 0, max = 0;
  /// Of |x|.
  double percentile99 = 0, percentile9999 = 0;
};
} // namespace

static double getPercentile(const Distribution &values, double percentile) {
  qopt::Range range = chooseRange(values, RangeMethod::Percentile,
                                  RangeStorage::S8, RangeOptions{percentile});
  return range.high;
}

static EdgeSummary summarize(const CalibrationTable::Edge &edge) {
  EdgeStatistics total = edge.statistics.getTotal();
  Distribution values = total.getDistribution();
  EdgeSummary row;
  row.name = edge.name;
  row.count = total.getCount();
  row.zeros = values.zeros;
  row.nans = total.getNaNs();
  row.infinities =
      total.getPositiveInfinities() + total.getNegativeInfinities();
  row.sentinels = values.sentinels;
  row.min = values.min;
  row.max = values.max;
  row.percentile99 = getPercentile(values, 99.0);
  row.percentile9999 = getPercentile(values, 99.99);
  return row;
}

static llvm::json::Object toJson(const EdgeSummary &row) {
  return llvm::json::Object{
      {"name", row.name},
      {"count", static_cast<int64_t>(row.count)},
      {"zeros", static_cast<int64_t>(row.zeros)},
      {"nans", static_cast<int64_t>(row.nans)},
      {"infinities", static_cast<int64_t>(row.infinities)},
      {"sentinels", static_cast<int64_t>(row.sentinels)},
      {"min", row.min},
      {"max", row.max},
      {"abs_percentile_99", row.percentile99},
      {"abs_percentile_99_99", row.percentile9999}};
}

static void print(const CalibrationTable &table, bool json, raw_ostream &os) {
  std::vector<EdgeSummary> rows;
  for (const CalibrationTable::Edge &edge : table.edges)
    rows.push_back(summarize(edge));
  if (json) {
    llvm::json::Array edges, files;
    for (const EdgeSummary &row : rows)
      edges.push_back(toJson(row));
    for (const CalibrationTable::DataFile &file : table.data)
      files.push_back(
          llvm::json::Object{{"name", file.name},
                             {"digest", file.digest},
                             {"runs", static_cast<int64_t>(file.runs)}});
    llvm::json::Object root{
        {"kind", "quant-opt"},
        {"tool", table.tool},
        {"model_digest", table.modelDigest},
        {"weights_digest", table.weightsDigest},
        {"instruction_sets", llvm::json::Array(table.instructionSets)},
        {"samples", static_cast<int64_t>(table.samples)},
        {"complete", table.complete},
        {"data", std::move(files)},
        {"edges", std::move(edges)}};
    os << llvm::formatv("{0:2}", llvm::json::Value(std::move(root))) << "\n";
    return;
  }
  os << "calibration table of " << table.tool
     << (table.complete ? "" : ", interrupted") << "\n"
     << "  model " << table.modelDigest << ", weights " << table.weightsDigest
     << "\n  " << table.samples << " samples in " << table.runs
     << " runs, computed with " << llvm::join(table.instructionSets, ", ")
     << "\n";
  for (const CalibrationTable::DataFile &file : table.data)
    os << "  data '" << file.name << "': " << file.runs << " runs, digest "
       << file.digest << "\n";
  size_t width = 4;
  for (const EdgeSummary &row : rows)
    width = std::max(width, row.name.size());
  os << llvm::formatv("{0} {1,14} {2,7} {3,12} {4,12} {5,12} {6,12}  {7}\n",
                      llvm::fmt_pad("edge", 0, width - 4), "values", "zeros",
                      "min", "max", "|x| 99 %", "|x| 99.99 %", "special");
  for (const EdgeSummary &row : rows) {
    std::string special;
    auto add = [&](uint64_t number, StringRef what) {
      if (number)
        special += llvm::formatv("{0}{1} {2}", special.empty() ? "" : ", ",
                                 number, what)
                       .str();
    };
    add(row.nans, "NaN");
    add(row.infinities, "infinite");
    add(row.sentinels, "sentinels");
    double zeros = row.count ? 100.0 * row.zeros / row.count : 0.0;
    os << llvm::formatv(
        "{0} {1,14} {2,6:f1}% {3,12:f5} {4,12:f5} {5,12:f5} {6,12:f5}  {7}\n",
        llvm::fmt_pad(row.name, 0, width - row.name.size()), row.count, zeros,
        row.min, row.max, row.percentile99, row.percentile9999, special);
  }
}

static void print(const TensorRTCache &cache, bool json, raw_ostream &os) {
  if (json) {
    llvm::json::Array tensors;
    for (auto &[name, scale] : cache.scales)
      tensors.push_back(llvm::json::Object{{"name", name}, {"scale", scale}});
    llvm::json::Object root{{"kind", "tensorrt"},
                            {"header", cache.header},
                            {"tensors", std::move(tensors)}};
    os << llvm::formatv("{0:2}", llvm::json::Value(std::move(root))) << "\n";
    return;
  }
  os << "TensorRT calibration cache " << cache.header << ", "
     << cache.scales.size() << " tensors\n";
  for (auto &[name, scale] : cache.scales)
    os << llvm::formatv("  {0}: scale {1:e6}, |x| up to {2:f5}\n", name, scale,
                        127.0 * scale);
}

bool mlir::qopt::describeTable(const std::string &path, bool json,
                               raw_ostream &os, std::string &error) {
  TableKind kind;
  if (!identifyTable(path, kind, error))
    return false;
  if (kind == TableKind::TensorRT) {
    TensorRTCache cache;
    if (!readTensorRTCache(path, cache, error))
      return false;
    print(cache, json, os);
    return true;
  }
  CalibrationTable table;
  if (!readCalibrationTable(path, table, error))
    return false;
  print(table, json, os);
  return true;
}
