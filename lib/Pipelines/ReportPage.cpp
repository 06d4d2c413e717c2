//===- ReportPage.cpp - The report as a page ------------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "ReportPage.h"

#include "llvm/Support/Base64.h"
#include "llvm/Support/SHA256.h"

#include <cmath>

using namespace mlir;
using namespace mlir::qopt;

std::string mlir::qopt::escapeHtml(StringRef text) {
  std::string valid;
  if (!llvm::json::isUTF8(text)) {
    valid = llvm::json::fixUTF8(text);
    text = valid;
  }
  std::string result;
  for (char c : text) {
    switch (c) {
    case '&':
      result += "&amp;";
      break;
    case '<':
      result += "&lt;";
      break;
    case '>':
      result += "&gt;";
      break;
    case '"':
      result += "&quot;";
      break;
    case '\'':
      result += "&#39;";
      break;
    default:
      // Controls mean nothing in HTML, and are errors in parts of it.
      bool isControl = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
      result += isControl ? std::string("\xEF\xBF\xBD") : std::string(1, c);
    }
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Index
//===----------------------------------------------------------------------===//

PageIndex::PageIndex(const Report &report) {
  llvm::StringMap<const Report::WeightRow *> weights;
  report.forEachWeight([&](StringRef name, const Report::WeightRow &row) {
    weights[name] = &row;
  });
  report.forEachOp([&](StringRef name, const Report::OpRow &row) {
    opNumbers[name] = ops.size();
    ops.push_back({name.str(), &row, weights.lookup(name), {}, false});
  });
  report.forEachEdge([&](StringRef name, const Report::EdgeRow &row) {
    unsigned number = edges.size();
    edgeNumbers[name] = number;
    edges.push_back(
        {name.str(), &row, report.findHistogram(name), std::nullopt});
    for (const std::string &reader : row.readers) {
      auto it = opNumbers.find(reader);
      // An op may read one edge twice.
      if (it == opNumbers.end() ||
          llvm::is_contained(ops[it->second].edges, number))
        continue;
      PageIndex::Op &op = ops[it->second];
      op.edges.push_back(number);
      op.suffers |= row.suffers();
      if (!edges[number].reader)
        edges[number].reader = it->second;
    }
  });
}

std::string PageIndex::getLink(StringRef name, bool isEdge) const {
  const llvm::StringMap<unsigned> &numbers = isEdge ? edgeNumbers : opNumbers;
  auto it = numbers.find(name);
  if (it == numbers.end())
    return "";
  return (isEdge ? "#edge-" : "#op-") + std::to_string(it->second);
}

//===----------------------------------------------------------------------===//
// Sections
//===----------------------------------------------------------------------===//

static std::string formatBytes(double bytes) {
  static constexpr const char *units[] = {"bytes", "KB", "MB", "GB"};
  unsigned unit = 0;
  for (; bytes >= 1000 && unit + 1 < std::size(units); ++unit)
    bytes /= 1000;
  return formatNumber(std::round(bytes * 10) / 10) + " " + units[unit];
}

namespace {
class Page {
public:
  Page(const ReportDocument &document, raw_ostream &os)
      : document(document), report(document.report), index(report), os(os) {}

  void print();

private:
  void printHead();
  void printHeader();
  void printValues(StringRef title, ArrayRef<ReportDocument::Value> values);
  void printTiles();
  void printTile(StringRef label, const llvm::Twine &value,
                 const llvm::Twine &note, StringRef state = "");
  void printStrip();
  void printFindings();
  void printLayers();

  const ReportDocument &document;
  const Report &report;
  const PageIndex index;
  raw_ostream &os;
};
} // namespace

void Page::printHead() {
  llvm::SHA256 hash;
  hash.update(getPageScript());
  std::string model = escapeHtml(document.model);
  os << "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta "
        "charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src "
        "'none'; style-src 'unsafe-inline'; script-src 'sha256-"
     << llvm::encodeBase64(hash.final())
     << "'; base-uri 'none'; form-action 'none'\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, "
        "initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light "
        "dark\">"
        "\n<title>"
     << model << " in int8</title>\n<style>" << getPageStyle()
     << "</style>\n</head>\n";
}

void Page::printValues(StringRef title,
                       ArrayRef<ReportDocument::Value> values) {
  os << "<dt>" << title << "</dt><dd>";
  for (const ReportDocument::Value &value : values)
    os << "<span class=\"io\"><bdi>" << escapeHtml(value.name)
       << "</bdi> <code>" << escapeHtml(value.type) << "</code></span> ";
  os << "</dd>";
}

void Page::printHeader() {
  os << "<header><h1><bdi>" << escapeHtml(document.model)
     << "</bdi></h1><p class=\"minor\">quantized by quant-opt " QUANTOPT_VERSION
        "</p><dl>";
  printValues("takes", document.inputs);
  printValues("gives", document.outputs);
  os << "</dl></header>\n";
}

void Page::printTile(StringRef label, const llvm::Twine &value,
                     const llvm::Twine &note, StringRef state) {
  os << "<div class=\"tile " << state << "\"><span>" << label << "</span><b>"
     << value << "</b><small>" << note << "</small></div>\n";
}

void Page::printTiles() {
  os << "<section class=\"tiles\">\n";
  bool allInt8 = document.contractionsInt8 == document.contractions;
  printTile(
      "Contractions in int8",
      llvm::Twine(document.contractionsInt8) + " <i>of " +
          llvm::Twine(document.contractions) + "</i>",
      allInt8 ? "all of them"
              : llvm::Twine(document.contractions - document.contractionsInt8) +
                    " stay float",
      allInt8 ? "ok" : "attention");

  double before = report.getNumber("weights_bytes_before").value_or(0);
  double after = report.getNumber("weights_bytes_after").value_or(before);
  std::string smaller =
      after > 0 && before > 0
          ? formatNumber(std::round(10 * before / after) / 10) +
                " times smaller"
          : std::string("no weights");
  printTile("Weights", formatBytes(after),
            "from " + formatBytes(before) + ", " + smaller);

  unsigned kinds = 0;
  llvm::StringMap<unsigned> floatKinds;
  for (const PageIndex::Op &op : index.ops)
    if (isFloatPrecision(op.row->precision))
      kinds += floatKinds[op.row->op]++ == 0;
  printTile("Ops left in float", llvm::Twine(document.opsFloat),
            "of " + llvm::Twine(index.ops.size()) +
                (kinds ? ", of " + std::to_string(kinds) +
                             (kinds == 1 ? " kind" : " kinds")
                       : std::string()));

  std::optional<double> samples = report.getNumber("calibration_samples");
  std::optional<double> seconds = report.getNumber("calibration_seconds");
  std::string method = escapeHtml(getCalibrationMethod(report));
  if (samples)
    printTile(
        "Calibration", formatNumber(*samples) + " <i>samples</i>",
        "method " + method +
            (seconds
                 ? ", " + formatNumber(std::round(*seconds * 10) / 10) + " s"
                 : std::string()));
  else
    printTile("Calibration", method == "dynamic" ? "none" : "table",
              method == "dynamic" ? std::string("scales at run time")
                                  : "method " + method);

  size_t suffering = llvm::count_if(
      index.edges, [](const PageIndex::Edge &e) { return e.row->suffers(); });
  printTile("Edges that suffer",
            llvm::Twine(suffering) + " <i>of " +
                llvm::Twine(index.edges.size()) + "</i>",
            "below " + formatNumber(kPoorSqnrDb) + " dB expected",
            suffering ? "bad" : "ok");
  printTile("Compiled in",
            formatNumber(std::round(document.compileSeconds * 10) / 10) +
                " <i>s</i>",
            "with calibration");
  os << "</section>\n";
}

void Page::printStrip() {
  constexpr size_t kMany = 600;
  os << "<section><h2>Overview <small>" << index.ops.size()
     << " ops in order</small></h2>\n<div class=\"strip"
     << (index.ops.size() > kMany ? " many" : "") << "\">";
  for (auto [i, op] : llvm::enumerate(index.ops))
    os << "<a href=\"#op-" << i << "\" class=\"" << getPrecisionClass(*op.row)
       << (op.row->isContraction ? " k" : "") << (op.suffers ? " s" : "")
       << "\" title=\"" << escapeHtml(op.name) << " · "
       << escapeHtml(op.row->op) << " · " << escapeHtml(op.row->precision)
       << ": " << escapeHtml(op.row->reason) << "\"></a>";
  os << "</div>\n<p class=\"legend minor\">";
  auto explain = [&](StringRef classes, StringRef text) {
    os << "<a class=\"" << classes << "\"></a>" << text << ' ';
  };
  explain("int8 k", "int8 contraction");
  explain("int8", "other 8-bit op");
  explain("wide", "16-bit integers");
  explain("half k", "16-bit float");
  explain("float k", "f32 contraction");
  explain("float", "other f32 op");
  explain("int8 k s", "reads an edge that suffers");
  os << "</p></section>\n";
}

void Page::printFindings() {
  os << "<section><h2>What to look at first</h2>\n";
  SmallVector<Finding> findings = getFindings(document);
  if (findings.empty()) {
    os << "<p class=\"fine\">Nothing stands out.</p></section>\n";
    return;
  }
  os << "<ol class=\"findings\">\n";
  for (const Finding &finding : findings) {
    bool isProblem = finding.severity == Finding::Severity::Problem;
    os << "<li class=\"" << (isProblem ? "problem" : "hint") << "\"><b>"
       << escapeHtml(finding.what) << "</b> ";
    std::string link = index.getLink(finding.name, finding.isEdge);
    if (!link.empty())
      os << "<a href=\"" << link << "\"><bdi>" << escapeHtml(finding.name)
         << "</bdi></a>";
    else if (!finding.name.empty())
      os << "<bdi>" << escapeHtml(finding.name) << "</bdi>";
    os << "<p>" << escapeHtml(finding.detail) << "</p></li>\n";
  }
  os << "</ol></section>\n";
}

void Page::printLayers() {
  os << "<section><h2>Layers <small id=\"shown\">" << index.ops.size()
     << "</small></h2>\n<div class=\"controls\"><input id=\"filter\" "
        "type=\"search\" placeholder=\"name, kind or reason\" "
        "aria-label=\"Filter layers\"><span id=\"chips\">"
        "<button data-f=\"\" aria-pressed=\"true\">all</button>"
        "<button data-f=\"k\">contractions</button>"
        "<button data-f=\"int\">integer</button>"
        "<button data-f=\"float\">float</button>"
        "<button data-f=\"s\">suffering</button></span>"
        "<span class=\"minor\">Click a column's head to sort.</span></div>\n"
        "<p class=\"minor\">Bars: how often values came up in calibration, on "
        "a "
        "logarithmic scale. Shaded: what the integers can hold. Red: values "
        "that are clipped. Line below: the range seen.</p>\n";
  printLayerTable(index, os);
  os << "</section>\n";
}

void Page::print() {
  printHead();
  os << "<body>\n<main>\n";
  printHeader();
  printTiles();
  printFindings();
  printStrip();
  printLayers();
  printOtherEdges(index, os);
  printKernelTables(report, os);
  os << "</main>\n<script>" << getPageScript()
     << "</script>\n</body>\n</html>\n";
}

void mlir::qopt::printReportPage(const ReportDocument &document,
                                 raw_ostream &os) {
  Page(document, os).print();
}
