//===- Report.cpp - What was decided for every op and edge, and why ---*- C++
//-*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Analysis/Report.h"

#include "QuantOpt/Analysis/Constants.h"
#include "QuantOpt/Analysis/Quantizable.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Quant/IR/QuantTypes.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Remarks.h"

#include <cmath>

using namespace mlir;
using namespace mlir::qopt;

static StringRef getString(DictionaryAttr dict, StringRef key) {
  auto attr = dict.getAs<StringAttr>(key);
  return attr ? attr.getValue() : StringRef();
}

static int64_t getInteger(DictionaryAttr dict, StringRef key) {
  auto attr = dict.getAs<IntegerAttr>(key);
  return attr ? attr.getInt() : 0;
}

static double getDouble(DictionaryAttr dict, StringRef key) {
  auto attr = dict.getAs<FloatAttr>(key);
  return attr ? attr.getValueAsDouble() : 0.0;
}

static std::vector<std::string> getStrings(DictionaryAttr dict, StringRef key) {
  std::vector<std::string> result;
  if (auto list = dict.getAs<ArrayAttr>(key))
    for (auto text : list.getAsRange<StringAttr>())
      result.push_back(text.str());
  return result;
}

std::optional<double> Report::EdgeRow::getExpectedSqnrDb() const {
  if (!(expectedError > 0))
    return std::nullopt;
  return -10.0 * std::log10(expectedError);
}

bool Report::EdgeRow::suffers() const {
  return getExpectedSqnrDb().value_or(kPoorSqnrDb) < kPoorSqnrDb;
}

std::optional<double> Report::WeightRow::getHeadroomBits() const {
  constexpr double kBits = 31;
  if (accumulatorMax <= 0)
    return std::nullopt;
  return kBits - std::log2(static_cast<double>(accumulatorMax));
}

Report Report::load(ModuleOp module) {
  Report report;
  auto root = module->getAttrOfType<DictionaryAttr>(kReportAttr);
  if (!root)
    return report;
  auto forEachRow = [&](StringRef table, auto fn) {
    if (auto rows = root.getAs<ArrayAttr>(table))
      for (Attribute attr : rows) {
        // A damaged row is left out: the report is for people.
        auto row = dyn_cast<DictionaryAttr>(attr);
        if (row && !getString(row, "name").empty())
          fn(getString(row, "name"), row);
      }
  };
  forEachRow("ops", [&](StringRef name, DictionaryAttr row) {
    report.setOp(name,
                 {getString(row, "op").str(), getString(row, "location").str(),
                  getString(row, "precision").str(),
                  getString(row, "reason").str(), row.contains("contraction"),
                  getString(row, "kernel").str()});
  });
  forEachRow("edges", [&](StringRef name, DictionaryAttr row) {
    report.setEdge(
        name, {getDouble(row, "min"), getDouble(row, "max"),
               getDouble(row, "scale"), getInteger(row, "zero_point"),
               getString(row, "storage").str(), getString(row, "method").str(),
               getDouble(row, "clipped_fraction"), getInteger(row, "nonfinite"),
               getInteger(row, "sentinels"), getDouble(row, "expected_error"),
               getStrings(row, "readers"), getString(row, "reason").str()});
  });
  forEachRow("histograms", [&](StringRef name, DictionaryAttr row) {
    auto levels = row.getAs<DenseI32ArrayAttr>("levels");
    if (levels && levels.size() == Histogram::kBins)
      report.setHistogram(name, {getDouble(row, "low"), getDouble(row, "high"),
                                 SmallVector<int32_t>(levels.asArrayRef())});
  });
  forEachRow("weights", [&](StringRef name, DictionaryAttr row) {
    SmallVector<int64_t> firstDead;
    if (auto indices = row.getAs<DenseI64ArrayAttr>("first_dead_channels"))
      llvm::append_range(firstDead, indices.asArrayRef());
    report.setWeight(
        name, {getInteger(row, "channels"), getInteger(row, "dead_channels"),
               std::move(firstDead), getDouble(row, "scale_min"),
               getDouble(row, "scale_max"), getInteger(row, "floored_scales"),
               getString(row, "method").str(), getDouble(row, "sqnr_db"),
               getInteger(row, "accumulator_max")});
  });
  forEachRow("chips", [&](StringRef name, DictionaryAttr row) {
    if (auto figures = row.getAs<DictionaryAttr>("figures"))
      report.setChip(name, ChipFigures::fromAttribute(figures));
  });
  forEachRow("facts", [&](StringRef name, DictionaryAttr row) {
    if (auto number = row.getAs<FloatAttr>("value"))
      report.setNumber(name, number.getValueAsDouble());
    else
      report.setText(name, getString(row, "value"));
  });
  return report;
}

void Report::save(ModuleOp module) const {
  Builder b(module.getContext());
  auto text = [&](StringRef key, StringRef value) {
    return b.getNamedAttr(key, b.getStringAttr(value));
  };
  auto number = [&](StringRef key, double value) {
    return b.getNamedAttr(key, b.getF64FloatAttr(value));
  };
  auto integer = [&](StringRef key, int64_t value) {
    return b.getNamedAttr(key, b.getI64IntegerAttr(value));
  };
  SmallVector<Attribute> opRows, edgeRows, histogramRows, weightRows, chipRows,
      facts;
  for (auto &[name, row] : ops) {
    SmallVector<NamedAttribute> fields = {
        text("name", name), text("op", row.op), text("location", row.location),
        text("precision", row.precision), text("reason", row.reason)};
    if (row.isContraction)
      fields.push_back(b.getNamedAttr("contraction", b.getUnitAttr()));
    if (!row.kernel.empty())
      fields.push_back(text("kernel", row.kernel));
    opRows.push_back(b.getDictionaryAttr(fields));
  }
  for (auto &[name, row] : edges) {
    SmallVector<NamedAttribute> fields = {
        text("name", name),
        number("min", row.min),
        number("max", row.max),
        number("scale", row.scale),
        integer("zero_point", row.zeroPoint),
        text("storage", row.storage),
        text("method", row.method),
        number("clipped_fraction", row.clippedFraction)};
    if (row.nonFinite)
      fields.push_back(integer("nonfinite", row.nonFinite));
    if (row.sentinels)
      fields.push_back(integer("sentinels", row.sentinels));
    if (row.expectedError)
      fields.push_back(number("expected_error", row.expectedError));
    if (!row.readers.empty()) {
      SmallVector<StringRef> readers(row.readers.begin(), row.readers.end());
      fields.push_back(b.getNamedAttr("readers", b.getStrArrayAttr(readers)));
    }
    if (!row.reason.empty())
      fields.push_back(text("reason", row.reason));
    edgeRows.push_back(b.getDictionaryAttr(fields));
  }
  for (auto &[name, row] : histograms)
    histogramRows.push_back(b.getDictionaryAttr(
        {text("name", name), number("low", row.low), number("high", row.high),
         b.getNamedAttr("levels", b.getDenseI32ArrayAttr(row.levels))}));
  for (auto &[name, row] : weights)
    weightRows.push_back(b.getDictionaryAttr(
        {text("name", name), integer("channels", row.channels),
         integer("dead_channels", row.deadChannels),
         b.getNamedAttr("first_dead_channels",
                        b.getDenseI64ArrayAttr(row.firstDeadChannels)),
         number("scale_min", row.scaleMin), number("scale_max", row.scaleMax),
         integer("floored_scales", row.flooredScales),
         text("method", row.method), number("sqnr_db", row.sqnrDb),
         integer("accumulator_max", row.accumulatorMax)}));
  for (auto &[name, figures] : chips)
    chipRows.push_back(b.getDictionaryAttr(
        {text("name", name),
         b.getNamedAttr("figures", figures.toAttribute(b.getContext()))}));
  for (auto &[key, value] : numbers)
    facts.push_back(
        b.getDictionaryAttr({text("name", key), number("value", value)}));
  for (auto &[key, value] : texts)
    facts.push_back(
        b.getDictionaryAttr({text("name", key), text("value", value)}));
  SmallVector<NamedAttribute> tables = {
      b.getNamedAttr("ops", b.getArrayAttr(opRows)),
      b.getNamedAttr("edges", b.getArrayAttr(edgeRows)),
      b.getNamedAttr("facts", b.getArrayAttr(facts))};
  if (!histogramRows.empty())
    tables.push_back(
        b.getNamedAttr("histograms", b.getArrayAttr(histogramRows)));
  if (!weightRows.empty())
    tables.push_back(b.getNamedAttr("weights", b.getArrayAttr(weightRows)));
  if (!chipRows.empty())
    tables.push_back(b.getNamedAttr("chips", b.getArrayAttr(chipRows)));
  module->setAttr(kReportAttr, b.getDictionaryAttr(tables));
}

void Report::setPrecision(StringRef name, StringRef precision,
                          StringRef reason) {
  auto it = ops.find(name.str());
  if (it == ops.end())
    return;
  it->second.precision = precision.str();
  it->second.reason = reason.str();
}

void Report::addKernel(StringRef name, StringRef chip, StringRef kernel) {
  auto it = ops.find(name.str());
  if (it == ops.end())
    return;
  std::string &text = it->second.kernel;
  text += ((text.empty() ? "" : ", ") + chip + ": " + kernel).str();
}

std::optional<double> Report::getNumber(StringRef key) const {
  auto it = numbers.find(key.str());
  if (it == numbers.end())
    return std::nullopt;
  return it->second;
}

StringRef Report::getText(StringRef key) const {
  auto it = texts.find(key.str());
  return it == texts.end() ? StringRef() : StringRef(it->second);
}

StringRef mlir::qopt::getOpName(Operation *op) {
  auto attr = op->getAttrOfType<StringAttr>(kNameAttr);
  return attr ? attr.getValue() : StringRef();
}

StringRef mlir::qopt::getLocationName(Location loc) {
  if (auto name = dyn_cast<NameLoc>(loc))
    return name.getName().getValue();
  if (auto fused = dyn_cast<FusedLoc>(loc))
    for (Location part : fused.getLocations())
      if (StringRef name = getLocationName(part); !name.empty())
        return name;
  return "";
}

std::string mlir::qopt::printLocation(Location loc) {
  std::string text;
  if (auto named = dyn_cast<NameLoc>(loc))
    return printLocation(named.getChildLoc());
  if (auto file = dyn_cast<FileLineColLoc>(loc)) {
    llvm::raw_string_ostream(text) << file.getFilename().getValue() << ":"
                                   << file.getLine() << ":" << file.getColumn();
    return text;
  }
  llvm::raw_string_ostream(text) << loc;
  // "loc(...)": the wrapper says nothing.
  StringRef inner = text;
  if (inner.consume_front("loc(") && inner.consume_back(")"))
    return inner.str();
  return text;
}

void mlir::qopt::reportFloat(Report &report, Operation *op, StringRef kind,
                             const llvm::Twine &reason) {
  std::string text = reason.str();
  StringRef name = getOpName(op);
  report.setOp(name, {kind.str(), printLocation(op->getLoc()), "f32", text,
                      matchQuantizable(op).has_value()});
  remarkFloat(op, text);
}

void mlir::qopt::remarkFloat(Operation *op, StringRef reason) {
  remark::missed(op->getLoc(),
                 remark::RemarkOpts::name(kStaysFloatRemark).category(kRemarks))
      << (getOpName(op) + ": " + reason).str();
}

const Report::OpRow *Report::findOp(StringRef name) const {
  auto it = ops.find(name.str());
  return it == ops.end() ? nullptr : &it->second;
}

const Report::Histogram *Report::findHistogram(StringRef name) const {
  auto it = histograms.find(name.str());
  return it == histograms.end() ? nullptr : &it->second;
}

/// The bytes of the f32 scales of a type.
static int64_t getScaleBytes(quant::QuantizedType type) {
  int64_t count = 1;
  if (auto perAxis = dyn_cast<quant::UniformQuantizedPerAxisType>(type))
    count = perAxis.getScales().size();
  else if (auto blocks = dyn_cast<quant::UniformQuantizedSubChannelType>(type))
    count = blocks.getScales().getNumElements();
  return count * sizeof(float);
}

int64_t mlir::qopt::getWeightBytes(ModuleOp module) {
  DenseSet<Attribute> seen;
  int64_t bytes = 0;
  module.walk([&](Operation *op) {
    std::optional<Quantizable> match = matchQuantizable(op);
    if (!match || !match->weight)
      return;
    Value value = match->weight->get();
    std::optional<QuantizedConstant> quantized = getQuantizedConstant(value);
    ElementsAttr weight =
        quantized ? quantized->elements : getConstantElements(value);
    if (!weight || !seen.insert(weight).second)
      return;
    FailureOr<int64_t> size =
        getDenseByteSize(cast<ShapedType>(weight.getType()));
    if (succeeded(size))
      bytes += *size + (quantized ? getScaleBytes(quantized->type) : 0);
  });
  return bytes;
}

int64_t mlir::qopt::getConstantBytes(ModuleOp module) {
  // Two ops may share one attribute: it is stored once.
  DenseSet<Attribute> seen;
  int64_t bytes = 0;
  module.walk([&](arith::ConstantOp op) {
    auto elements = dyn_cast<ElementsAttr>(op.getValue());
    if (!elements || isa<SplatElementsAttr>(op.getValue()) ||
        !seen.insert(elements).second)
      return;
    FailureOr<int64_t> size =
        getDenseByteSize(cast<ShapedType>(elements.getType()));
    if (succeeded(size))
      bytes += *size;
  });
  return bytes;
}
