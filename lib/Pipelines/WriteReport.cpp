//===- WriteReport.cpp - The report to files and remarks ------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "ReportDocument.h"

#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h"
#include "QuantOpt/Frontend/Entry.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"

namespace mlir::qopt {
#define GEN_PASS_DEF_WRITEREPORT
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h.inc"
} // namespace mlir::qopt

using namespace mlir;
using namespace mlir::qopt;

static bool isPage(StringRef file) {
  StringRef extension = llvm::sys::path::extension(file);
  return extension.equals_insensitive(".html") ||
         extension.equals_insensitive(".htm");
}

/// Writes to a temporary beside `file` and renames, so that `file` is either
/// the old or the whole new report.
static llvm::Error write(const ReportDocument &document, StringRef file) {
  return llvm::writeToOutput(file, [&](raw_ostream &os) {
    if (isPage(file))
      printReportPage(document, os);
    else
      os << llvm::formatv("{0:2}", llvm::json::Value(makeReportJson(document)))
         << "\n";
    return llvm::Error::success();
  });
}

namespace {
struct WriteReport : public qopt::impl::WriteReportBase<WriteReport> {
  using WriteReportBase::WriteReportBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    Report report = Report::load(module);
    emitReportRemarks(report, &getContext());
    if (!files.empty()) {
      FailureOr<func::FuncOp> entry = findEntry(module, this->entry);
      if (failed(entry))
        return signalPassFailure();
      ReportDocument document(std::move(report), module, *entry);
      for (const std::string &file : files)
        if (llvm::Error error = write(document, file)) {
          module.emitError() << "cannot write report '" << file
                             << "': " << llvm::toString(std::move(error));
          return signalPassFailure();
        }
    }
    Report::strip(module);
  }
};
} // namespace
