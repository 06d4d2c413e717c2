//===- CalibrationTable.cpp - Printing and saving tables ------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A table is printed one item a line, so that tables can be looked at and
// compared with line tools.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Statistics/CalibrationTable.h"
#include "Base64.h"
#include "Sha256.h"
#include "TableFiles.h"
#include "TableFormat.h"

#include <algorithm>
#include <tuple>
#include <unordered_set>

using namespace mlir::qopt;
using namespace mlir::qopt::artifact;

//===----------------------------------------------------------------------===//
// What is valid
//===----------------------------------------------------------------------===//

static bool isUtf8(const std::string &text) {
  try {
    Json(text).dump();
    return true;
  } catch (const Json::exception &) {
    return false;
  }
}

static void checkName(const std::string &name, const std::string &what) {
  if (name.empty())
    throw FormatError(what + " has an empty name");
  if (!isUtf8(name))
    throw FormatError(what + " " + quote(name) +
                      " has a name that is not UTF-8");
}

static void checkDigest(const std::string &digest, const std::string &what) {
  constexpr size_t kMaxDigits = 128;
  if (digest.empty() || digest.size() > kMaxDigits ||
      digest.find_first_not_of("0123456789abcdef") != std::string::npos)
    throw FormatError(
        "the digest of " + what +
        " is not made of lower-case hexadecimal digits: " + quote(digest));
}

void mlir::qopt::addCount(uint64_t &count, uint64_t more,
                          const std::string &what) {
  if (__builtin_add_overflow(count, more, &count) ||
      count > uint64_t(INT64_MAX))
    throw FormatError("the number of " + what + " does not fit 63 bits");
}

void mlir::qopt::addMemory(uint64_t &bytes,
                           const CalibrationTable::Edge &edge) {
  bytes += edge.statistics.getMemoryBytes();
  if (bytes > kMaxTableMemory)
    throw FormatError("has edges that take more than " +
                      std::to_string(kMaxTableMemory) + " bytes of memory");
}

void mlir::qopt::checkTable(const CalibrationTable &table) {
  checkName(table.tool, "the tool");
  checkDigest(table.modelDigest, "the model");
  checkDigest(table.weightsDigest, "the weights");
  for (const std::string &name : table.instructionSets)
    checkName(name, "an instruction set");
  uint64_t samples = 0, runs = 0, dataRuns = 0;
  addCount(samples, table.samples, "samples");
  addCount(runs, table.runs, "runs");
  for (const CalibrationTable::DataFile &file : table.data) {
    checkName(file.name, "a data file");
    checkDigest(file.digest, "data file " + quote(file.name));
    addCount(dataRuns, file.runs, "runs");
  }
  if (dataRuns != runs)
    throw FormatError("has " + std::to_string(runs) +
                      " runs, but its data files have " +
                      std::to_string(dataRuns));
  if (table.edges.size() > kMaxTableEdges)
    throw FormatError("has " + std::to_string(table.edges.size()) +
                      " edges; expected at most " +
                      std::to_string(kMaxTableEdges));
  std::unordered_set<std::string> names;
  uint64_t memory = 0;
  for (const CalibrationTable::Edge &edge : table.edges) {
    addMemory(memory, edge);
    checkName(edge.name, "an edge");
    if (!names.insert(edge.name).second)
      throw FormatError("has the edge " + quote(edge.name) + " twice");
  }
}

//===----------------------------------------------------------------------===//
// Printing
//===----------------------------------------------------------------------===//

void mlir::qopt::sortData(std::vector<CalibrationTable::DataFile> &data) {
  std::sort(data.begin(), data.end(), [](const auto &a, const auto &b) {
    return std::tie(a.name, a.digest, a.runs) <
           std::tie(b.name, b.digest, b.runs);
  });
}

std::vector<std::pair<const char *, OrderedJson>>
mlir::qopt::summarize(const SampleStatistics &samples) {
  EdgeStatistics statistics = samples.getTotal();
  Distribution values = statistics.getDistribution();
  return {{"count", statistics.getCount()},
          {"zeros", values.zeros},
          {"nan", statistics.getNaNs()},
          {"inf", statistics.getPositiveInfinities() +
                      statistics.getNegativeInfinities()},
          {"sentinels", values.sentinels},
          {"min", values.min},
          {"max", values.max},
          {"channels", statistics.getChannelMaxima().size()}};
}

static OrderedJson formatDataFile(const CalibrationTable::DataFile &file) {
  OrderedJson json;
  json["name"] = file.name;
  json["digest"] = file.digest;
  json["runs"] = file.runs;
  return json;
}

static OrderedJson formatEdge(const CalibrationTable::Edge &edge) {
  OrderedJson json;
  json["name"] = edge.name;
  for (auto &[key, value] : summarize(edge.statistics))
    json[key] = value;
  json["state"] = encodeBase64(edge.statistics.serialize());
  return json;
}

/// A field whose items have a line each.
template <typename Items, typename Format>
static void printItems(std::string &text, const char *key, const Items &items,
                       const Format &format) {
  text += std::string(",\n  \"") + key + "\": [";
  const char *separator = "\n    ";
  for (const auto &item : items) {
    text += separator + dumpJson(format(item));
    separator = ",\n    ";
  }
  text += items.empty() ? "]" : "\n  ]";
}

std::string mlir::qopt::printCalibrationTable(const CalibrationTable &table) {
  std::vector<std::string> instructionSets = table.instructionSets;
  std::sort(instructionSets.begin(), instructionSets.end());
  instructionSets.erase(
      std::unique(instructionSets.begin(), instructionSets.end()),
      instructionSets.end());
  std::vector<CalibrationTable::DataFile> data = table.data;
  sortData(data);

  const std::pair<const char *, OrderedJson> fields[] = {
      {"format", kTableFormat},
      {"version", kTableVersion},
      {"tool", table.tool},
      {"model_digest", table.modelDigest},
      {"weights_digest", table.weightsDigest},
      {"instruction_sets", instructionSets},
      {"samples", table.samples},
      {"runs", table.runs},
      {"complete", table.complete}};
  std::string text;
  for (const auto &[key, value] : fields)
    text += (text.empty() ? "{\n  \"" : ",\n  \"") + std::string(key) +
            "\": " + dumpJson(value);
  printItems(text, "data", data, formatDataFile);
  printItems(text, "edges", table.edges, formatEdge);
  text += ",\n";
  std::string hash = sha256(text.data(), text.size());
  return text + kHashBegin + hash + kHashEnd;
}

bool mlir::qopt::writeCalibrationTable(const CalibrationTable &table,
                                       const std::string &path,
                                       std::string &error) {
  return reportErrors(path, error, [&] { checkTable(table); }) &&
         writeText(path, printCalibrationTable(table), error);
}
