//===- ReportDocument.h - The report, ready to be written -------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What JSON, the page and remarks share: the report that the phases have
// gathered, what the module itself tells, and what follows from both. Names
// come from models and are not to be trusted: they may hold any bytes.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_PIPELINES_REPORTDOCUMENT_H
#define QUANTOPT_LIB_PIPELINES_REPORTDOCUMENT_H

#include "QuantOpt/Analysis/Report.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/JSON.h"

namespace mlir::qopt {

struct ReportDocument {
  struct Value {
    std::string name, type;
  };

  ReportDocument(Report report, ModuleOp module, func::FuncOp entry);

  Report report;
  std::string model;
  SmallVector<Value> inputs, outputs;
  int64_t contractions = 0, contractionsInt8 = 0, opsFloat = 0;
  int64_t constantsBytesAfter = 0;
  /// Since the library was loaded.
  double compileSeconds = 0;
};

/// True for "f32", "f16" and "bf16".
bool isFloatPrecision(StringRef precision);

/// The smallest and largest number that the integers of an edge stand for.
struct EdgeLimits {
  double low, high;
};
EdgeLimits getLimits(const Report::EdgeRow &row);

/// `value` for people, with four significant digits: "0.0078", "1.5e-07"; small
/// integers with all of theirs. A dash for what is no finite number.
std::string formatNumber(double value);

/// The method that chose an edge's range, or "dynamic".
StringRef getCalibrationMethod(const Report &report);

/// One thing a person should look at.
struct Finding {
  enum class Severity { Problem, Hint };
  Severity severity;
  /// Short, without names.
  std::string what;
  /// The op or edge it is about; empty: the whole model.
  std::string name;
  bool isEdge = false;
  /// What was found, and what can be done about it.
  std::string detail;
};

/// What to look at first: the worst first, at most `limit` of each kind.
SmallVector<Finding> getFindings(const ReportDocument &document,
                                 size_t limit = 6);

/// The object of docs/Report.md.
llvm::json::Object makeReportJson(const ReportDocument &document);

/// The part of it about kernels: an object per chip.
llvm::json::Array makeKernelsJson(const Report &report);

/// One page of HTML without anything from elsewhere.
void printReportPage(const ReportDocument &document, raw_ostream &os);

/// A remark of category kReportRemarks for every op, edge and weight: "NAME:
/// ...". Does nothing unless remarks are enabled.
void emitReportRemarks(const Report &report, MLIRContext *context);

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_PIPELINES_REPORTDOCUMENT_H
