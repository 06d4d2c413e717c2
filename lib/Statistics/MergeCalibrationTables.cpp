//===- MergeCalibrationTables.cpp - Adding what others have seen ----------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every field is combined by an operation that is associative and commutative
// (sums, unions, EdgeStatistics::merge), so that the order in which shards
// arrive does not show.
//
//===----------------------------------------------------------------------===//
#include "TableFiles.h"
#include "TableFormat.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

using namespace mlir::qopt;
using namespace mlir::qopt::artifact;

using DataFile = CalibrationTable::DataFile;
using Edge = CalibrationTable::Edge;

static constexpr char kOthers[] = "the tables before it";

static void checkComplete(const CalibrationTable &table,
                          const std::string &subject) {
  if (!table.complete)
    throw FormatError(
        subject + " was saved by a calibration that was interrupted after " +
        std::to_string(table.runs) +
        " runs; finish it first: repeat its command with --calibration-table="
        "THAT_FILE");
}

static void checkDigests(const std::string &what, const std::string &mine,
                         const std::string &others,
                         const CalibrationTable &table,
                         const CalibrationTable &other) {
  if (mine == others)
    return;
  std::string text = "is of " + what + ": digest " + others + "; expected " +
                     mine + ", that of " + kOthers;
  if (table.tool != other.tool)
    text += " (it was written by " + quote(other.tool) + ", they by " +
            quote(table.tool) + ": use one version for all)";
  throw FormatError(text);
}

/// The names in `edges` that are not in `others`, the first few in full; ""
/// where there are none.
static std::string listMissing(const std::vector<Edge> &edges,
                               const std::vector<Edge> &others) {
  constexpr size_t kListed = 3;
  std::unordered_set<std::string> known;
  for (const Edge &edge : others)
    known.insert(edge.name);
  std::string text;
  size_t count = 0;
  for (const Edge &edge : edges)
    if (!known.count(edge.name) && ++count <= kListed)
      text += (count > 1 ? ", " : "") + quote(edge.name);
  if (count > kListed)
    text += " and " + std::to_string(count - kListed) + " more";
  return text;
}

static void checkEdges(const CalibrationTable &table,
                       const CalibrationTable &other) {
  std::string more = listMissing(other.edges, table.edges);
  std::string fewer = listMissing(table.edges, other.edges);
  if (!more.empty() || !fewer.empty())
    throw FormatError("does not have the edges of " + std::string(kOthers) +
                      ": it " + (fewer.empty() ? "" : "lacks " + fewer) +
                      (fewer.empty() || more.empty() ? "" : " and ") +
                      (more.empty() ? "" : "alone has " + more) +
                      "; calibrate all shards with the same options");
  for (size_t i = 0; i < table.edges.size(); ++i)
    if (table.edges[i].name != other.edges[i].name)
      throw FormatError("has its edges in another order: edge " +
                        std::to_string(i) + " is " +
                        quote(other.edges[i].name) + "; expected " +
                        quote(table.edges[i].name));
}

static void checkData(const CalibrationTable &table,
                      const CalibrationTable &other) {
  std::unordered_map<std::string, const DataFile *> used;
  for (const DataFile &file : table.data)
    if (file.runs > 0)
      used.emplace(file.digest, &file);
  for (const DataFile &file : other.data) {
    auto found = used.find(file.digest);
    if (file.runs == 0 || found == used.end())
      continue;
    const DataFile &known = *found->second;
    throw FormatError(
        "was made from " + quote(file.name) + ", and so " +
        (file.name == known.name
             ? "was one of "
             : "was, under the name " + quote(known.name) + ", one of ") +
        kOthers + ": its " + std::to_string(std::min(file.runs, known.runs)) +
        " runs would be counted twice");
  }
}

/// The items of both, sorted, each once.
static std::vector<std::string> unite(std::vector<std::string> items,
                                      const std::vector<std::string> &more) {
  items.insert(items.end(), more.begin(), more.end());
  std::sort(items.begin(), items.end());
  items.erase(std::unique(items.begin(), items.end()), items.end());
  return items;
}

static constexpr char kToolSeparator[] = ", ";

static std::vector<std::string> splitTools(const std::string &tools) {
  std::vector<std::string> names;
  for (size_t begin = 0;;) {
    size_t end = tools.find(kToolSeparator, begin);
    names.push_back(tools.substr(begin, end - begin));
    if (end == std::string::npos)
      return names;
    begin = end + sizeof(kToolSeparator) - 1;
  }
}

static std::string uniteTools(const std::string &tools,
                              const std::string &more) {
  std::string text;
  for (const std::string &name : unite(splitTools(tools), splitTools(more)))
    text += (text.empty() ? "" : kToolSeparator) + name;
  return text;
}

static void mergeEdge(Edge &edge, const Edge &other) {
  if (edge.statistics.merge(other.statistics))
    return;
  std::string subject = "edge " + quote(edge.name);
  ChannelLayout mine = edge.statistics.getChannelLayout();
  ChannelLayout others = other.statistics.getChannelLayout();
  if (mine.channels == others.channels && mine.inner == others.inner)
    throw FormatError("has too many values of " + subject +
                      " to count with those of " + kOthers);
  auto text = [](const ChannelLayout &layout) {
    return std::to_string(layout.channels) + " channels by " +
           std::to_string(layout.inner);
  };
  throw FormatError("has " + text(others) + " of " + subject + "; " + kOthers +
                    " have " + text(mine));
}

static CalibrationTable merge(CalibrationTable table,
                              const CalibrationTable &other) {
  checkDigests("another model", table.modelDigest, other.modelDigest, table,
               other);
  checkDigests("a model with other weights", table.weightsDigest,
               other.weightsDigest, table, other);
  checkEdges(table, other);
  checkComplete(other, "it");
  checkComplete(table, "one of " + std::string(kOthers));
  checkData(table, other);

  table.tool = uniteTools(table.tool, other.tool);
  table.instructionSets = unite(table.instructionSets, other.instructionSets);
  addCount(table.samples, other.samples, "samples");
  addCount(table.runs, other.runs, "runs");
  table.data.insert(table.data.end(), other.data.begin(), other.data.end());
  sortData(table.data);
  for (size_t i = 0; i < table.edges.size(); ++i)
    mergeEdge(table.edges[i], other.edges[i]);
  return table;
}

bool mlir::qopt::mergeCalibrationTables(CalibrationTable &table,
                                        const CalibrationTable &other,
                                        const std::string &otherPath,
                                        std::string &error) {
  return reportErrors(otherPath, error, [&] { table = merge(table, other); });
}
