//===- ReadCalibrationTable.cpp - Reading tables --------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Tables come from other machines. The version is looked at first, then the
// hash, so that an old tool says what to do about a newer file and damage is
// told apart from a file that was never right; then every field.
//
//===----------------------------------------------------------------------===//
#include "Base64.h"
#include "Sha256.h"
#include "TableFiles.h"
#include "TableFormat.h"

#include <algorithm>

using namespace mlir::qopt;
using namespace mlir::qopt::artifact;

/// Splits a text into what is hashed and the hash. False where it does not end
/// as a table does.
static bool splitHash(const std::string &text, size_t &hashedBytes,
                      std::string &hash) {
  constexpr size_t kDigits = 64;
  const std::string begin = kHashBegin, end = kHashEnd;
  size_t size = begin.size() + kDigits + end.size();
  if (text.size() < size)
    return false;
  hashedBytes = text.size() - size;
  hash = text.substr(hashedBytes + begin.size(), kDigits);
  return text.compare(hashedBytes, begin.size(), begin) == 0 &&
         text.compare(text.size() - end.size(), end.size(), end) == 0;
}

static Json parseText(const std::string &text, bool isWhole) {
  JsonLimits limits;
  limits.maxBytes = kMaxTableBytes;
  limits.maxDepth = 4;
  limits.maxValues = 1 << 20;
  try {
    return parseJson(text.data(), text.size(), limits);
  } catch (const FormatError &error) {
    if (isWhole)
      throw;
    throw FormatError(std::string("is cut off or no calibration table: it ") +
                      error.what());
  }
}

/// Takes the fields that tell whether this reader knows the format.
static void readVersion(JsonObject &root, std::string &tool) {
  constexpr char kNoTable[] = "is no calibration table of quant-opt";
  if (!root.has("format") || root.take("format").value != Json(kTableFormat))
    throw FormatError(kNoTable);
  int64_t version = root.take("version").asInteger(1, INT64_MAX);
  tool = root.take("tool").asString();
  if (version != kTableVersion)
    throw FormatError("has version " + std::to_string(version) +
                      " and was written by " + quote(tool) +
                      "; this tool reads version " +
                      std::to_string(kTableVersion) +
                      ": use the tool that wrote it or a later one");
}

static uint64_t takeCount(JsonObject &object, const char *key) {
  return uint64_t(object.take(key).asInteger(0, INT64_MAX));
}

static std::vector<std::string> readStrings(const JsonField &field) {
  std::vector<std::string> strings(field.size());
  for (size_t i = 0; i < strings.size(); ++i) {
    strings[i] = field[i].asString();
    if (i > 0 && !(strings[i - 1] < strings[i]))
      field.fail("is not sorted, or has an item twice");
  }
  return strings;
}

static CalibrationTable::DataFile readDataFile(const JsonField &field) {
  JsonObject object(field);
  CalibrationTable::DataFile file;
  file.name = object.take("name").asString();
  file.digest = object.take("digest").asString();
  file.runs = takeCount(object, "runs");
  object.finish();
  return file;
}

static CalibrationTable::Edge readEdge(const JsonField &item) {
  CalibrationTable::Edge edge;
  edge.name = JsonObject(item).take("name").asString();
  JsonField field(item.value, "edge " + quote(edge.name));
  JsonObject object(field);
  object.take("name");
  JsonField state = object.take("state");
  if (!state.value.is_string())
    state.fail("is not a string");
  std::string bytes, error;
  if (!decodeBase64(state.value.get_ref<const std::string &>(), bytes))
    state.fail("is not base64");
  if (!SampleStatistics::deserialize(bytes, edge.statistics, error))
    state.fail(error);
  for (const auto &[key, value] : summarize(edge.statistics)) {
    JsonField found = object.take(key);
    if (found.value != Json(value))
      found.fail("is " + dumpJson(found.value) + ", but the state says " +
                 dumpJson(value));
  }
  object.finish();
  return edge;
}

static CalibrationTable readTable(const std::string &text) {
  size_t hashedBytes;
  std::string hash;
  bool isWhole = splitHash(text, hashedBytes, hash);
  Json json = parseText(text, isWhole);
  CalibrationTable table;
  JsonObject root(JsonField(json, ""));
  readVersion(root, table.tool);
  if (!isWhole || sha256(text.data(), hashedBytes) != hash)
    throw FormatError("was changed since it was written: its sha256 does not "
                      "match");
  root.take("sha256");
  table.modelDigest = root.take("model_digest").asString();
  table.weightsDigest = root.take("weights_digest").asString();
  table.instructionSets = readStrings(root.take("instruction_sets"));
  table.samples = takeCount(root, "samples");
  table.runs = takeCount(root, "runs");
  table.complete = root.take("complete").asBool();
  JsonField data = root.take("data");
  for (size_t i = 0; i < data.size(); ++i)
    table.data.push_back(readDataFile(data[i]));
  std::vector<CalibrationTable::DataFile> sorted = table.data;
  sortData(sorted);
  if (sorted != table.data)
    data.fail("is not sorted");
  JsonField edges = root.take("edges");
  if (edges.size() > kMaxTableEdges)
    edges.fail("has " + std::to_string(edges.size()) +
               " items; expected at most " + std::to_string(kMaxTableEdges));
  uint64_t memory = 0;
  for (size_t i = 0; i < edges.size(); ++i) {
    table.edges.push_back(readEdge(edges[i]));
    addMemory(memory, table.edges.back());
  }
  root.finish();
  checkTable(table);
  return table;
}

bool mlir::qopt::parseCalibrationTable(const std::string &text,
                                       const std::string &path,
                                       CalibrationTable &table,
                                       std::string &error) {
  return reportErrors(path, error, [&] { table = readTable(text); });
}

bool mlir::qopt::readCalibrationTable(const std::string &path,
                                      CalibrationTable &table,
                                      std::string &error) {
  std::string text;
  return readText(path, kMaxTableBytes, text, error) &&
         parseCalibrationTable(text, path, table, error);
}

bool mlir::qopt::identifyTable(const std::string &path, TableKind &kind,
                               std::string &error) {
  // The format's name is at the beginning, unless something else wrote the file
  // anew.
  constexpr uint64_t kStart = 4096;
  constexpr char kCacheStart[] = "TRT-", kSpaces[] = " \t\r\n";
  std::string start;
  if (!readStart(path, kStart, start, error))
    return false;
  kind = TableKind::Unknown;
  size_t first = start.find_first_not_of(kSpaces);
  if (start.compare(0, sizeof(kCacheStart) - 1, kCacheStart) == 0)
    kind = TableKind::TensorRT;
  else if (first != std::string::npos && start[first] == '{' &&
           start.find(dumpJson(kTableFormat)) != std::string::npos)
    kind = TableKind::QuantOpt;
  return true;
}
