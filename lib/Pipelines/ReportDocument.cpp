//===- ReportDocument.cpp - The report, ready to be written ---------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "ReportDocument.h"

#include "QuantOpt/Frontend/Entry.h"

#include "llvm/ADT/StringSwitch.h"

#include <chrono>
#include <cmath>

using namespace mlir;
using namespace mlir::qopt;

static const std::chrono::steady_clock::time_point kLoaded =
    std::chrono::steady_clock::now();

static std::string printType(Type type) {
  std::string text;
  llvm::raw_string_ostream(text) << type;
  return text;
}

bool mlir::qopt::isFloatPrecision(StringRef precision) {
  return precision.starts_with("f") || precision.starts_with("bf");
}

EdgeLimits mlir::qopt::getLimits(const Report::EdgeRow &row) {
  using Integers = std::pair<int64_t, int64_t>;
  auto [low, high] = llvm::StringSwitch<Integers>(row.storage)
                         .Case("u8", {0, 255})
                         .Case("i16", {-32768, 32767})
                         .Default({-128, 127});
  return {(low - row.zeroPoint) * row.scale,
          (high - row.zeroPoint) * row.scale};
}

std::string mlir::qopt::formatNumber(double value) {
  constexpr double kMostDigits = 1e7;
  if (!std::isfinite(value))
    return "\xE2\x80\x93"; // a dash
  bool isPlain = value == std::trunc(value) && std::abs(value) < kMostDigits;
  char text[32];
  snprintf(text, sizeof(text), isPlain ? "%.0f" : "%.4g", value);
  return text;
}

StringRef mlir::qopt::getCalibrationMethod(const Report &report) {
  StringRef method = report.getText("calibration_method");
  return method.empty() ? StringRef("dynamic") : method;
}

ReportDocument::ReportDocument(Report gathered, ModuleOp module,
                               func::FuncOp entry)
    : report(std::move(gathered)), model(entry.getName()),
      constantsBytesAfter(getConstantBytes(module)) {
  for (auto [i, type] : llvm::enumerate(entry.getArgumentTypes()))
    inputs.push_back({getArgumentName(entry, i), printType(type)});
  for (auto [i, type] : llvm::enumerate(entry.getResultTypes()))
    outputs.push_back({"out" + std::to_string(i), printType(type)});
  report.forEachOp([&](StringRef, const Report::OpRow &row) {
    bool isFloat = isFloatPrecision(row.precision);
    contractions += row.isContraction;
    contractionsInt8 += row.isContraction && !isFloat;
    opsFloat += isFloat;
  });
  std::chrono::duration<double> elapsed =
      std::chrono::steady_clock::now() - kLoaded;
  compileSeconds = elapsed.count();
}
