//===- ReportRemarks.cpp - The report as remarks --------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One line per row. The ops of the rows may be gone by now: an op's remark is
// at the location its row remembers, an edge's and a weight's at the op that
// makes or has it, or else reads it.
//
//===----------------------------------------------------------------------===//
#include "ReportDocument.h"

#include "mlir/AsmParser/AsmParser.h"
#include "mlir/IR/Remarks.h"

#include <cmath>

using namespace mlir;
using namespace mlir::qopt;

/// The location that `printLocation` has printed.
static Location parseLocation(StringRef text, MLIRContext *context) {
  auto [front, column] = text.rsplit(':');
  auto [file, line] = front.rsplit(':');
  unsigned lineNumber, columnNumber;
  if (!line.getAsInteger(10, lineNumber) &&
      !column.getAsInteger(10, columnNumber))
    return FileLineColLoc::get(context, file, lineNumber, columnNumber);
  // Fused locations and calls; what was not printed by us is no error.
  ScopedDiagnosticHandler ignore(context, [](Diagnostic &) {});
  auto location = dyn_cast_or_null<LocationAttr>(
      parseAttribute(("loc(" + text + ")").str(), context));
  return location ? Location(location) : UnknownLoc::get(context);
}

/// The name of the op that makes an edge: "conv_0" of "conv_0:0". Edges of
/// arguments are named after them, and give nothing.
static StringRef getProducer(StringRef edge) { return edge.rsplit(':').first; }

static void emit(Location loc, StringRef kind, const std::string &text,
                 ArrayRef<std::string> readers = {}) {
  remark::RemarkOpts options =
      remark::RemarkOpts::name(kind).category(kReportRemarks);
  if (readers.empty()) {
    remark::analysis(loc, options) << text;
    return;
  }
  remark::analysis(loc, options)
      << text
      << remark::detail::Remark::Arg(kReadersKey, llvm::join(readers, ", "));
}

static std::string describe(const Report::EdgeRow &row) {
  EdgeLimits limits = getLimits(row);
  std::string text = row.storage + " from " + formatNumber(limits.low) +
                     " to " + formatNumber(limits.high) + ", scale " +
                     formatNumber(row.scale) + ", zero point " +
                     std::to_string(row.zeroPoint) + ", method " + row.method +
                     "; range " + formatNumber(row.min) + " to " +
                     formatNumber(row.max) + ", " +
                     formatNumber(100 * row.clippedFraction) + " % clipped";
  if (std::optional<double> sqnr = row.getExpectedSqnrDb())
    text += ", " + formatNumber(*sqnr) + " dB expected";
  if (!row.reason.empty())
    text += ": " + row.reason;
  else if (!row.readers.empty())
    text += ": read by " + llvm::join(row.readers, ", ");
  return text;
}

static std::string describe(const Report::WeightRow &row) {
  std::string text = std::to_string(row.channels) + " channels, scales " +
                     formatNumber(row.scaleMin) + " to " +
                     formatNumber(row.scaleMax) + ", method " + row.method;
  if (std::isfinite(row.sqnrDb))
    text += ", " + formatNumber(row.sqnrDb) + " dB";
  if (row.deadChannels)
    text += ", " + std::to_string(row.deadChannels) + " dead";
  if (std::optional<double> headroom = row.getHeadroomBits())
    text += ", " + formatNumber(*headroom) + " bits of headroom";
  return text;
}

void mlir::qopt::emitReportRemarks(const Report &report, MLIRContext *context) {
  if (!context->getRemarkEngine())
    return;
  auto locate = [&](StringRef op, ArrayRef<std::string> readers = {}) {
    const Report::OpRow *row = report.findOp(op);
    // Arguments are made by no op.
    if (!row && !readers.empty())
      row = report.findOp(readers.front());
    return row ? parseLocation(row->location, context)
               : Location(UnknownLoc::get(context));
  };
  report.forEachOp([&](StringRef name, const Report::OpRow &row) {
    std::string text =
        (name + ": " + row.precision + " " + row.op + ": " + row.reason).str();
    if (!row.kernel.empty())
      text += "; " + row.kernel;
    emit(locate(name), "op", text);
  });
  report.forEachEdge([&](StringRef name, const Report::EdgeRow &row) {
    emit(locate(getProducer(name), row.readers), "edge",
         (name + ": edge: ").str() + describe(row), row.readers);
  });
  report.forEachWeight([&](StringRef name, const Report::WeightRow &row) {
    emit(locate(name), "weight", (name + ": weights: ").str() + describe(row));
  });
}
