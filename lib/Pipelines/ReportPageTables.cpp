//===- ReportPageTables.cpp - Layers and edges on the report's page -------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "ReportPage.h"

#include <cmath>

using namespace mlir;
using namespace mlir::qopt;

//===----------------------------------------------------------------------===//
// Sketches
//===----------------------------------------------------------------------===//

namespace {
/// A histogram over the range of an edge and what its integers can hold.
class Sketch {
public:
  Sketch(const PageIndex::Edge &edge)
      : row(*edge.row), histogram(edge.histogram), limits(getLimits(row)),
        low(std::min(row.min, limits.low)),
        high(std::max(row.max, limits.high)) {}

  /// Prints nothing where limits or range are no finite numbers.
  void print(raw_ostream &os) const;

private:
  static constexpr int kWidth = 240, kBars = 34, kHeight = 44;

  /// The column of a value.
  int getX(double value) const {
    double share = high > low ? (value - low) / (high - low) : 0.5;
    return static_cast<int>(std::lround(kWidth * std::clamp(share, 0.0, 1.0)));
  }
  void printBars(raw_ostream &os) const;
  void printArea(raw_ostream &os, StringRef kind, int from, int to) const;

  const Report::EdgeRow &row;
  const Report::Histogram *histogram;
  const EdgeLimits limits;
  const double low, high;
};
} // namespace

/// One outline around all bars.
void Sketch::printBars(raw_ostream &os) const {
  int32_t most = *llvm::max_element(histogram->levels);
  if (most <= 0)
    return;
  double width = (histogram->high - histogram->low) / Report::Histogram::kBins;
  os << "<path class=\"bars\" d=\"M" << getX(histogram->low) << ' ' << kBars;
  int height = 0, x = getX(histogram->low);
  for (auto [bin, level] : llvm::enumerate(histogram->levels)) {
    int newHeight = std::max<int64_t>(0, level) * (kBars - 2) / most;
    // What is there is seen, be it a single value.
    if (level > 0)
      newHeight = std::max(newHeight, 1);
    int end = std::max(getX(histogram->low + width * (bin + 1)), x);
    // All of a constant edge is in the first bin.
    if (bin == 0)
      end = std::max(end, x + 1);
    if (newHeight != height)
      os << 'V' << kBars - newHeight;
    if (end != x)
      os << 'H' << end;
    height = newHeight;
    x = end;
  }
  os << 'V' << kBars << "z\"/>";
}

void Sketch::printArea(raw_ostream &os, StringRef kind, int from,
                       int to) const {
  if (from < to)
    os << "<rect class=\"" << kind << "\" x=\"" << from << "\" y=\"0\" width=\""
       << to - from << "\" height=\"" << kBars << "\"/>";
}

void Sketch::print(raw_ostream &os) const {
  if (!std::isfinite(high - low) || !(row.min <= row.max))
    return;
  int first = getX(limits.low), last = getX(limits.high);
  os << "<svg class=\"sketch\" viewBox=\"0 0 " << kWidth << ' ' << kHeight
     << "\" role=\"img\" aria-label=\"values from " << formatNumber(row.min)
     << " to " << formatNumber(row.max) << ", integers from "
     << formatNumber(limits.low) << " to " << formatNumber(limits.high)
     << "\">";
  printArea(os, "in", first, last);
  if (histogram && std::isfinite(histogram->high - histogram->low))
    printBars(os);
  printArea(os, "cut", getX(row.min), first);
  printArea(os, "cut", last, getX(row.max));
  os << "<path class=\"limits\" d=\"M" << first << " 0V" << kBars << 'M' << last
     << " 0V" << kBars << "\"/><path class=\"held\" d=\"M" << first << " 39H"
     << last << "\"/><path class=\"seen\" d=\"M" << getX(row.min) << " 39H"
     << std::max(getX(row.max), getX(row.min) + 1) << "\"/>";
  if (low <= 0 && high >= 0)
    os << "<path class=\"zero\" d=\"M" << getX(0) << ' ' << kBars << 'V'
       << kHeight << "\"/>";
  os << "</svg><span class=\"axis\"><i>" << formatNumber(low) << "</i><i>"
     << formatNumber(high) << "</i></span>";
}

//===----------------------------------------------------------------------===//
// Cells
//===----------------------------------------------------------------------===//

/// "model.mlir:3:4" of "some/folder/model.mlir:3:4"; other locations as they
/// are.
static StringRef getShortLocation(StringRef location) {
  if (location.find_first_of(" \"()[]") != StringRef::npos)
    return location;
  return location.rsplit('/').second.empty() ? location
                                             : location.rsplit('/').second;
}

static std::string formatPercent(double fraction) {
  constexpr double kLeast = 1e-5;
  if (!(fraction > 0))
    return "0";
  if (fraction < kLeast)
    return "&lt; " + formatNumber(100 * kLeast) + " %";
  return formatNumber(std::round(1e5 * fraction) / 1000) + " %";
}

/// Starts a cell that sorts by `key`; cells without one sort last.
static void openCell(raw_ostream &os, std::optional<double> key,
                     StringRef classes = "") {
  os << "<td";
  if (!classes.empty())
    os << " class=\"" << classes << "\"";
  if (key && std::isfinite(*key))
    os << " data-v=\"" << formatNumber(*key) << "\"";
  os << '>';
}

static StringRef getSqnrClass(std::optional<double> sqnr) {
  constexpr double kGood = 35;
  if (!sqnr)
    return "none";
  return *sqnr < kPoorSqnrDb ? "poor" : *sqnr < kGood ? "fair" : "good";
}

StringRef mlir::qopt::getPrecisionClass(const Report::OpRow &row) {
  if (!isFloatPrecision(row.precision))
    return row.precision == "int8" ? "int8" : "wide";
  return row.precision == "f32" ? "float" : "half";
}

/// Range, storage, clipping and SQNR of `edges`: four cells with a part for
/// each edge.
static void printEdgeCells(const PageIndex &index, ArrayRef<unsigned> edges,
                           std::optional<unsigned> reader, raw_ostream &os) {
  auto rows =
      llvm::map_range(edges, [&](unsigned i) -> const PageIndex::Edge & {
        return index.edges[i];
      });
  std::optional<double> width, clipped, sqnr;
  for (const PageIndex::Edge &edge : rows) {
    width = std::max(width.value_or(0), edge.row->max - edge.row->min);
    clipped = std::max(clipped.value_or(0), edge.row->clippedFraction);
    if (auto db = edge.row->getExpectedSqnrDb())
      sqnr = std::min(sqnr.value_or(*db), *db);
  }
  openCell(os, width, "range");
  for (auto [i, edge] : llvm::zip(edges, rows)) {
    os << "<div class=\"edge\"";
    if (edge.reader == reader)
      os << " id=\"edge-" << i << "\"";
    os << "><bdi class=\"minor\">" << escapeHtml(edge.name) << "</bdi>";
    Sketch(edge).print(os);
    os << "<span class=\"minor\">seen " << formatNumber(edge.row->min) << " … "
       << formatNumber(edge.row->max) << "</span></div>";
  }
  os << "</td>";
  openCell(os, std::nullopt, "integers");
  for (const PageIndex::Edge &edge : rows) {
    EdgeLimits limits = getLimits(*edge.row);
    os << "<div class=\"edge\"><b>" << escapeHtml(edge.row->storage)
       << "</b> · " << escapeHtml(edge.row->method) << "<br><span>"
       << formatNumber(limits.low) << " … " << formatNumber(limits.high)
       << "</span><br><span class=\"minor\">scale "
       << formatNumber(edge.row->scale) << "<br>zero point "
       << edge.row->zeroPoint << "</span>";
    if (!edge.row->reason.empty())
      os << "<br><span class=\"minor\">" << escapeHtml(edge.row->reason)
         << "</span>";
    os << "</div>";
  }
  os << "</td>";
  openCell(os, clipped, "number");
  for (const PageIndex::Edge &edge : rows)
    os << "<div class=\"edge\">" << formatPercent(edge.row->clippedFraction)
       << "</div>";
  os << "</td>";
  openCell(os, sqnr, "number");
  for (const PageIndex::Edge &edge : rows) {
    std::optional<double> db = edge.row->getExpectedSqnrDb();
    os << "<div class=\"edge\"><span class=\"sqnr " << getSqnrClass(db)
       << "\">";
    if (db)
      os << formatNumber(std::round(10 * *db) / 10) << " dB";
    else
      os << "–";
    os << "</span></div>";
  }
  os << "</td>";
}

static void printWeightCell(const Report::WeightRow *row, raw_ostream &os) {
  if (!row) {
    os << "<td></td>";
    return;
  }
  openCell(os, row->sqnrDb);
  os << "<b>" << row->channels << "</b> channels";
  if (row->deadChannels)
    os << ", <span class=\"warn\">" << row->deadChannels << " dead</span>";
  os << "<br>";
  if (std::isfinite(row->sqnrDb))
    os << formatNumber(std::round(10 * row->sqnrDb) / 10) << " dB";
  else
    os << "exact";
  os << " · " << escapeHtml(row->method) << "<br><span class=\"minor\">scales "
     << formatNumber(row->scaleMin) << " … " << formatNumber(row->scaleMax);
  if (row->scaleMin > 0 && row->scaleMax > row->scaleMin)
    os << " (×"
       << formatNumber(std::round(row->scaleMax / row->scaleMin * 10) / 10)
       << ")";
  if (row->flooredScales)
    os << ", <span class=\"warn\">" << row->flooredScales << " clamped</span>";
  if (std::optional<double> bits = row->getHeadroomBits())
    os << "<br>" << formatNumber(std::round(10 * *bits) / 10)
       << " bits of headroom";
  os << "</span></td>";
}

//===----------------------------------------------------------------------===//
// Tables
//===----------------------------------------------------------------------===//

static constexpr StringLiteral kEdgeHeads =
    "<th class=\"range\">Values and limits</th><th class=\"integers\">Integers"
    "</th>"
    "<th class=\"number\">Clipped</th><th class=\"number\">Expected SQNR</th>";

void mlir::qopt::printLayerTable(const PageIndex &index, raw_ostream &os) {
  os << "<div class=\"scroll\"><table id=\"layers\"><thead><tr>"
        "<th class=\"number\">#</th><th>Layer</th><th>Precision, and why</th>"
     << kEdgeHeads << "<th>Weights</th></tr></thead>\n<tbody>\n";
  for (auto [i, op] : llvm::enumerate(index.ops)) {
    StringRef precision = getPrecisionClass(*op.row);
    os << "<tr id=\"op-" << i << "\" data-p=\"" << precision << '"'
       << (op.suffers ? " data-s" : "")
       << (op.row->isContraction ? " data-k" : "") << ">";
    openCell(os, i, "number minor");
    os << i + 1 << "</td><td><bdi class=\"name\">" << escapeHtml(op.name)
       << "</bdi><br><span class=\"minor\">";
    // "matmul_0" says it already.
    bool isNamedByKind = StringRef(op.name).starts_with(op.row->op + "_");
    bool hasLocation =
        !op.row->location.empty() && op.row->location != "unknown";
    if (!isNamedByKind || !hasLocation)
      os << escapeHtml(op.row->op) << (hasLocation ? " · " : "");
    if (hasLocation)
      os << "<bdi title=\"" << escapeHtml(op.row->location) << "\">"
         << escapeHtml(getShortLocation(op.row->location)) << "</bdi>";
    if (!op.row->kernel.empty())
      os << "<br>" << escapeHtml(op.row->kernel);
    os << "</span></td><td><span class=\"badge " << precision << "\">"
       << escapeHtml(op.row->precision) << "</span> <span class=\"why\">"
       << escapeHtml(op.row->reason) << "</span></td>";
    printEdgeCells(index, op.edges, i, os);
    printWeightCell(op.weight, os);
    os << "</tr>\n";
  }
  os << "</tbody></table></div>\n";
}

void mlir::qopt::printOtherEdges(const PageIndex &index, raw_ostream &os) {
  SmallVector<unsigned> others;
  for (auto [i, edge] : llvm::enumerate(index.edges))
    if (!edge.reader)
      others.push_back(i);
  if (others.empty())
    return;
  os << "<section><h2>Other edges <small>" << others.size()
     << "</small></h2><p class=\"minor\">Tensors in memory that no contraction "
        "reads.</p>\n<div class=\"scroll\"><table><thead><tr>"
     << kEdgeHeads << "</tr></thead>\n<tbody>\n";
  for (unsigned i : others) {
    os << "<tr>";
    printEdgeCells(index, i, std::nullopt, os);
    os << "</tr>\n";
  }
  os << "</tbody></table></div></section>\n";
}
