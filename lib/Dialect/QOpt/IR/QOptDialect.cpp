//===- QOptDialect.cpp - The qopt dialect and its attributes ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Registration, and the text form of the attributes. Doubles are printed with
// 17 digits so that text round-trips to the same bits.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Dialect/QOpt/IR/QOpt.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/Format.h"

#include <cmath>

using namespace mlir;
using namespace mlir::qopt;

#include "QuantOpt/Dialect/QOpt/IR/QOptDialect.cpp.inc"
#include "QuantOpt/Dialect/QOpt/IR/QOptEnums.cpp.inc"
#include "QuantOpt/Dialect/QOpt/IR/QOptInterfaces.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "QuantOpt/Dialect/QOpt/IR/QOptAttrs.cpp.inc"

void QOptDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "QuantOpt/Dialect/QOpt/IR/QOptAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "QuantOpt/Dialect/QOpt/IR/QOptOps.cpp.inc"
      >();
}

/// Prints a finite double so that MLIR's lexer reads it back to the same bits:
/// the shortest of 1..17 digits that does, always with a decimal point.
static void printDouble(AsmPrinter &printer, double value) {
  char buffer[40];
  for (int digits = 1; digits <= 17; ++digits) {
    snprintf(buffer, sizeof(buffer), "%.*g", digits, value);
    if (strtod(buffer, nullptr) == value)
      break;
  }
  StringRef text(buffer);
  size_t exponent = text.find('e');
  StringRef mantissa = text.substr(0, exponent);
  printer << mantissa;
  if (!mantissa.contains('.'))
    printer << ".0";
  if (exponent != StringRef::npos)
    printer << text.substr(exponent);
}

/// Parses `keyword = <double>`.
static ParseResult parseDouble(AsmParser &parser, StringRef keyword,
                               double &value) {
  return failure(parser.parseKeyword(keyword) || parser.parseEqual() ||
                 parser.parseFloat(value));
}

template <typename EnumT>
static ParseResult parseEnum(AsmParser &parser, StringRef what,
                             std::optional<EnumT> (*symbolize)(StringRef),
                             EnumT &value) {
  StringRef keyword;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseKeyword(&keyword))
    return failure();
  std::optional<EnumT> parsed = symbolize(keyword);
  if (!parsed)
    return parser.emitError(loc)
           << "unknown " << what << " '" << keyword << "'";
  value = *parsed;
  return success();
}

//===----------------------------------------------------------------------===//
// CandidateAttr
//===----------------------------------------------------------------------===//

Attribute CandidateAttr::parse(AsmParser &parser, Type) {
  Storage storage;
  Method method;
  double min, max, error, clipped = 0.0;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseLess() ||
      parseEnum<Storage>(parser, "storage", symbolizeStorage, storage) ||
      parser.parseComma() ||
      parseEnum<Method>(parser, "method", symbolizeMethod, method) ||
      parser.parseComma() || parseDouble(parser, "min", min) ||
      parser.parseComma() || parseDouble(parser, "max", max) ||
      parser.parseComma() || parseDouble(parser, "error", error))
    return {};
  std::optional<double> cost;
  while (!cost && succeeded(parser.parseOptionalComma()))
    if (succeeded(parser.parseOptionalKeyword("clipped"))
            ? failed(parser.parseEqual()) || failed(parser.parseFloat(clipped))
            : failed(parseDouble(parser, "cost", cost.emplace())))
      return {};
  if (parser.parseGreater())
    return {};
  return CandidateAttr::getChecked([&] { return parser.emitError(loc); },
                                   parser.getContext(), storage, method, min,
                                   max, error, clipped, cost.value_or(error));
}

void CandidateAttr::print(AsmPrinter &printer) const {
  printer << "<" << stringifyStorage(getStorage()) << ", "
          << stringifyMethod(getMethod()) << ", min = ";
  printDouble(printer, getMin());
  printer << ", max = ";
  printDouble(printer, getMax());
  printer << ", error = ";
  printDouble(printer, getError());
  if (getClipped() != 0.0) {
    printer << ", clipped = ";
    printDouble(printer, getClipped());
  }
  if (getCost() != getError()) {
    printer << ", cost = ";
    printDouble(printer, getCost());
  }
  printer << ">";
}

/// A range must be finite and contain 0, which every storage kind represents
/// exactly.
static LogicalResult verifyRange(function_ref<InFlightDiagnostic()> emitError,
                                 double min, double max) {
  if (!std::isfinite(min) || !std::isfinite(max))
    return emitError() << "range must be finite";
  if (min > max)
    return emitError() << "min must not be greater than max";
  return success();
}

LogicalResult
CandidateAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                      Storage storage, Method, Real min, Real max, Real error,
                      Real clipped, Real cost) {
  if (failed(verifyRange(emitError, min, max)))
    return failure();
  if (min > 0 || max < 0)
    return emitError() << "the range of a candidate must contain 0";
  if (storage == Storage::U8 && min < 0)
    return emitError() << "storage u8 is one-sided: min must be 0";
  if (!std::isfinite(error) || error < 0)
    return emitError() << "error must be finite and not negative";
  if (!(clipped >= 0) || clipped > 1)
    return emitError() << "clipped must be between 0 and 1";
  if (!std::isfinite(cost) || cost < 0)
    return emitError() << "cost must be finite and not negative";
  return success();
}

//===----------------------------------------------------------------------===//
// StatsAttr
//===----------------------------------------------------------------------===//

Attribute StatsAttr::parse(AsmParser &parser, Type) {
  double min, max;
  int64_t count, nonFinite, sentinels = 0;
  SmallVector<CandidateAttr> candidates;
  SMLoc loc = parser.getCurrentLocation();
  auto parseCandidate = [&]() -> ParseResult {
    return parser.parseAttribute(candidates.emplace_back());
  };
  if (parser.parseLess() || parseDouble(parser, "min", min) ||
      parser.parseComma() || parseDouble(parser, "max", max) ||
      parser.parseComma() || parser.parseKeyword("count") ||
      parser.parseEqual() || parser.parseInteger(count) ||
      parser.parseComma() || parser.parseKeyword("nonfinite") ||
      parser.parseEqual() || parser.parseInteger(nonFinite) ||
      parser.parseComma())
    return {};
  if (succeeded(parser.parseOptionalKeyword("sentinels")) &&
      (parser.parseEqual() || parser.parseInteger(sentinels) ||
       parser.parseComma()))
    return {};
  if (parser.parseKeyword("candidates") || parser.parseEqual() ||
      parser.parseCommaSeparatedList(AsmParser::Delimiter::Square,
                                     parseCandidate) ||
      parser.parseGreater())
    return {};
  return StatsAttr::getChecked([&] { return parser.emitError(loc); },
                               parser.getContext(), min, max, count, nonFinite,
                               sentinels, candidates);
}

void StatsAttr::print(AsmPrinter &printer) const {
  printer << "<min = ";
  printDouble(printer, getMin());
  printer << ", max = ";
  printDouble(printer, getMax());
  printer << ", count = " << getCount() << ", nonfinite = " << getNonFinite();
  if (getSentinels())
    printer << ", sentinels = " << getSentinels();
  printer << ", candidates = [";
  llvm::interleaveComma(getCandidates(), printer,
                        [&](CandidateAttr c) { printer << c; });
  printer << "]>";
}

LogicalResult StatsAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                Real min, Real max, int64_t count,
                                int64_t nonFinite, int64_t sentinels,
                                ArrayRef<CandidateAttr>) {
  if (failed(verifyRange(emitError, min, max)))
    return failure();
  if (count < 0 || nonFinite < 0 || sentinels < 0)
    return emitError() << "counts must not be negative";
  if (nonFinite > count)
    return emitError() << "more non-finite values than values";
  if (sentinels > count - nonFinite)
    return emitError() << "more sentinels than finite values";
  return success();
}
