//===- ReportPage.h - Parts of the report's page ----------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The page is complete without scripts: the script only sorts and filters what
// is there. Every text from the model goes through `escapeHtml`; beside that,
// the page's content security policy allows no script but ours, by its hash.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_PIPELINES_REPORTPAGE_H
#define QUANTOPT_LIB_PIPELINES_REPORTPAGE_H

#include "ReportDocument.h"

#include "llvm/ADT/StringMap.h"

namespace mlir::qopt {

/// `text` for element contents and quoted attribute values: UTF-8 without
/// markup and control characters.
std::string escapeHtml(StringRef text);

StringRef getPageStyle();
StringRef getPageScript();

/// The rows of a report by name, and which of them belong together.
class PageIndex {
public:
  struct Op {
    std::string name;
    const Report::OpRow *row;
    /// Null where the op has no integer weights.
    const Report::WeightRow *weight = nullptr;
    /// Indices of the edges it reads.
    SmallVector<unsigned> edges;
    /// What it reads is expected to be noisy.
    bool suffers = false;
  };
  struct Edge {
    std::string name;
    const Report::EdgeRow *row;
    const Report::Histogram *histogram;
    /// The first op that reads it; its row holds the edge's anchor.
    std::optional<unsigned> reader;
  };

  /// `report` must outlive the index.
  explicit PageIndex(const Report &report);

  std::vector<Op> ops;
  std::vector<Edge> edges;

  /// "#op-3", "#edge-7"; empty where there is no such row.
  std::string getLink(StringRef name, bool isEdge) const;

private:
  llvm::StringMap<unsigned> opNumbers, edgeNumbers;
};

/// How precisely an op computes, as a class of the style: "int8", "wide"
/// (16-bit integers), "half" (16-bit floats), "float".
StringRef getPrecisionClass(const Report::OpRow &row);

/// The table of all ops with what they read.
void printLayerTable(const PageIndex &index, raw_ostream &os);

/// The table of the edges that no op of the other table reads; nothing if there
/// are none.
void printOtherEdges(const PageIndex &index, raw_ostream &os);

/// For each chip its memory and a table of its launches.
void printKernelTables(const Report &report, raw_ostream &os);

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_PIPELINES_REPORTPAGE_H
