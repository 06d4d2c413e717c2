//===- ReportKernels.cpp - Memory and launches in the report --------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The part of the report that a job with GPU targets has: what each chip's
// kernels form takes. Keys are those of docs/Report.md.
//
//===----------------------------------------------------------------------===//
#include "ReportPage.h"

#include <cmath>

using namespace mlir;
using namespace mlir::qopt;
using llvm::json::Array;
using llvm::json::Object;

//===----------------------------------------------------------------------===//
// JSON
//===----------------------------------------------------------------------===//

static llvm::json::Value makeText(StringRef text) {
  return llvm::json::isUTF8(text) ? text.str() : llvm::json::fixUTF8(text);
}

static llvm::json::Value makeNumber(double value) {
  return std::isfinite(value) ? llvm::json::Value(value)
                              : llvm::json::Value(nullptr);
}

/// What launches and totals share.
static Object makeWork(const LaunchFigures &figures) {
  return Object{{"bytes_read", figures.bytesRead},
                {"bytes_written", figures.bytesWritten},
                {"macs", figures.macs},
                {"scalar_ops", figures.scalarOps},
                {"estimated_us", makeNumber(figures.microseconds)},
                {"tensor_utilisation", makeNumber(figures.tensorShare)},
                {"bandwidth_utilisation", makeNumber(figures.bandwidthShare)},
                {"estimated_uj", makeNumber(figures.microjoules)}};
}

static Object makeLaunch(const LaunchFigures &figures) {
  Object row = makeWork(figures);
  row["name"] = makeText(figures.name);
  row["kernel"] = makeText(figures.kernel);
  row["family"] = makeText(figures.family);
  row["shape"] = makeText(figures.shape);
  row["bound"] = makeText(figures.bound);
  row["in_place"] = figures.inPlace;
  return row;
}

Array mlir::qopt::makeKernelsJson(const Report &report) {
  Array chips;
  report.forEachChip([&](StringRef chip, const ChipFigures &figures) {
    Array launches;
    for (const LaunchFigures &launch : figures.launches)
      launches.push_back(makeLaunch(launch));
    const MemoryFigures &memory = figures.memory;
    Object totals = makeWork(figures.getTotals());
    totals["launches"] = int64_t(figures.launches.size());
    totals["copies"] = figures.getCopies();
    totals["in_place"] = figures.getInPlace();
    chips.push_back(
        Object{{"chip", makeText(chip)},
               {"batch", figures.batch},
               {"memory", Object{{"arena_bytes", memory.arena},
                                 {"lower_bound_bytes", memory.lowerBound},
                                 {"buffers", memory.buffers},
                                 {"constants_bytes", memory.constants},
                                 {"workspace_bytes", memory.workspace}}},
               {"totals", std::move(totals)},
               {"launches", std::move(launches)}});
  });
  return chips;
}

//===----------------------------------------------------------------------===//
// The page
//===----------------------------------------------------------------------===//

/// With three digits and a unit of 1000s.
static std::string formatScaled(double value, ArrayRef<StringRef> units) {
  constexpr double kStep = 1000;
  size_t unit = 0;
  for (; value >= kStep && unit + 1 < units.size(); ++unit)
    value /= kStep;
  char text[32];
  snprintf(text, sizeof(text), "%.3g ", value);
  return text + units[unit].str();
}

static std::string formatBytes(double bytes) {
  return formatScaled(bytes, {"B", "KB", "MB", "GB"});
}

static std::string formatTime(double microseconds) {
  return formatScaled(microseconds, {"µs", "ms", "s"});
}

static std::string formatEnergy(double microjoules) {
  return formatScaled(microjoules, {"µJ", "mJ", "J"});
}

static std::string formatShare(double share) {
  char text[32];
  snprintf(text, sizeof(text), "%.0f %%", 100 * share);
  return text;
}

static void printMemory(const ChipFigures &figures, raw_ostream &os) {
  const MemoryFigures &memory = figures.memory;
  os << "<p class=\"minor\">Batch " << figures.batch << ": arena "
     << formatBytes(memory.arena) << " for " << memory.buffers
     << " buffers (at least " << formatBytes(memory.lowerBound)
     << " live at once), constants " << formatBytes(memory.constants)
     << ", workspace " << formatBytes(memory.workspace) << "; "
     << figures.getCopies() << " launches only move elements, "
     << figures.getInPlace() << " write in place.</p>\n";
}

static void printRow(const LaunchFigures &figures, double total,
                     raw_ostream &os) {
  auto number = [&](const std::string &text) {
    os << "<td class=\"number\">" << text << "</td>";
  };
  os << "<tr><td><bdi class=\"name\">" << escapeHtml(figures.name)
     << "</bdi><br><span class=\"minor\">" << escapeHtml(figures.kernel)
     << (figures.inPlace ? " · in place" : "") << "</span></td><td>"
     << escapeHtml(figures.shape) << "</td>";
  number(formatBytes(figures.bytesRead));
  number(formatBytes(figures.bytesWritten));
  number(figures.macs
             ? formatScaled(figures.macs, {"", "k", "M", "G", "T"})
             : formatScaled(figures.scalarOps, {"", "k", "M", "G", "T"}));
  number(formatTime(figures.microseconds));
  number(total > 0 ? formatShare(figures.microseconds / total) : "–");
  os << "<td>" << escapeHtml(figures.bound) << "</td>";
  number(figures.macs ? formatShare(figures.tensorShare) : "–");
  number(formatShare(figures.bandwidthShare));
  number(formatEnergy(figures.microjoules));
  os << "</tr>\n";
}

void mlir::qopt::printKernelTables(const Report &report, raw_ostream &os) {
  report.forEachChip([&](StringRef chip, const ChipFigures &figures) {
    os << "<section><h2>Kernels for " << escapeHtml(chip) << " <small>"
       << figures.launches.size()
       << " launches</small></h2><p class=\"minor\">Times and energy are "
          "estimates, launches apart; bytes and operations are counted. "
          "</p>\n";
    printMemory(figures, os);
    os << "<details open><summary>Launches</summary><div class=\"scroll\">"
          "<table><thead><tr><th>Launch</th><th>Shape</th>"
          "<th class=\"number\">Reads</th><th class=\"number\">Writes</th>"
          "<th class=\"number\">Operations</th><th class=\"number\">Time</th>"
          "<th class=\"number\">Share</th><th>Bound</th>"
          "<th class=\"number\">Tensor cores</th>"
          "<th class=\"number\">Bandwidth</th>"
          "<th class=\"number\">Energy</th></tr></thead>\n<tbody>\n";
    LaunchFigures totals = figures.getTotals();
    totals.name = "all launches";
    printRow(totals, 0, os);
    for (const LaunchFigures &launch : figures.launches)
      printRow(launch, totals.microseconds, os);
    os << "</tbody></table></div></details></section>\n";
  });
}
