//===- KernelReport.cpp - What kernels of a model cost ---------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Figures to attributes and back. Each struct names its fields once, in a
// function that both directions call.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Analysis/KernelReport.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace mlir::qopt;

namespace {
/// Adds fields that are not zero or empty to a dictionary.
class FieldWriter {
public:
  explicit FieldWriter(MLIRContext *context) : builder(context) {}

  void operator()(StringRef key, const std::string &value) {
    if (!value.empty())
      fields.push_back(builder.getNamedAttr(key, builder.getStringAttr(value)));
  }
  void operator()(StringRef key, int64_t value) {
    if (value != 0)
      fields.push_back(
          builder.getNamedAttr(key, builder.getI64IntegerAttr(value)));
  }
  void operator()(StringRef key, double value) {
    if (value != 0)
      fields.push_back(
          builder.getNamedAttr(key, builder.getF64FloatAttr(value)));
  }
  void operator()(StringRef key, bool value) {
    if (value)
      fields.push_back(builder.getNamedAttr(key, builder.getUnitAttr()));
  }
  DictionaryAttr take() { return builder.getDictionaryAttr(fields); }

private:
  Builder builder;
  SmallVector<NamedAttribute> fields;
};

/// Fills in what a dictionary has.
class FieldReader {
public:
  explicit FieldReader(DictionaryAttr dict) : dict(dict) {}

  void operator()(StringRef key, std::string &value) {
    if (auto attr = dict.getAs<StringAttr>(key))
      value = attr.str();
  }
  void operator()(StringRef key, int64_t &value) {
    if (auto attr = dict.getAs<IntegerAttr>(key))
      value = attr.getInt();
  }
  void operator()(StringRef key, double &value) {
    if (auto attr = dict.getAs<FloatAttr>(key))
      value = attr.getValueAsDouble();
  }
  void operator()(StringRef key, bool &value) { value = dict.contains(key); }

private:
  DictionaryAttr dict;
};
} // namespace

template <typename Figures, typename Fn>
static void visitLaunch(Figures &figures, Fn fn) {
  fn("name", figures.name);
  fn("kernel", figures.kernel);
  fn("family", figures.family);
  fn("shape", figures.shape);
  fn("bytes_read", figures.bytesRead);
  fn("bytes_written", figures.bytesWritten);
  fn("macs", figures.macs);
  fn("scalar_ops", figures.scalarOps);
  fn("microseconds", figures.microseconds);
  fn("bound", figures.bound);
  fn("tensor_share", figures.tensorShare);
  fn("bandwidth_share", figures.bandwidthShare);
  fn("microjoules", figures.microjoules);
  fn("in_place", figures.inPlace);
}

template <typename Figures, typename Fn>
static void visitMemory(Figures &figures, Fn fn) {
  fn("arena", figures.arena);
  fn("lower_bound", figures.lowerBound);
  fn("buffers", figures.buffers);
  fn("constants", figures.constants);
  fn("workspace", figures.workspace);
}

DictionaryAttr LaunchFigures::toAttribute(MLIRContext *context) const {
  FieldWriter writer(context);
  visitLaunch(*this, std::ref(writer));
  return writer.take();
}

LaunchFigures LaunchFigures::fromAttribute(DictionaryAttr attr) {
  LaunchFigures figures;
  FieldReader reader(attr);
  visitLaunch(figures, std::ref(reader));
  return figures;
}

DictionaryAttr MemoryFigures::toAttribute(MLIRContext *context) const {
  FieldWriter writer(context);
  visitMemory(*this, std::ref(writer));
  return writer.take();
}

MemoryFigures MemoryFigures::fromAttribute(DictionaryAttr attr) {
  MemoryFigures figures;
  FieldReader reader(attr);
  visitMemory(figures, std::ref(reader));
  return figures;
}

DictionaryAttr ChipFigures::toAttribute(MLIRContext *context) const {
  Builder builder(context);
  SmallVector<Attribute> rows;
  for (const LaunchFigures &launch : launches)
    rows.push_back(launch.toAttribute(context));
  return builder.getDictionaryAttr(
      {builder.getNamedAttr("batch", builder.getI64IntegerAttr(batch)),
       builder.getNamedAttr("memory", memory.toAttribute(context)),
       builder.getNamedAttr("launches", builder.getArrayAttr(rows))});
}

ChipFigures ChipFigures::fromAttribute(DictionaryAttr attr) {
  ChipFigures figures;
  FieldReader reader(attr);
  reader("batch", figures.batch);
  if (auto memory = attr.getAs<DictionaryAttr>("memory"))
    figures.memory = MemoryFigures::fromAttribute(memory);
  if (auto rows = attr.getAs<ArrayAttr>("launches"))
    for (Attribute row : rows)
      if (auto dict = dyn_cast<DictionaryAttr>(row))
        figures.launches.push_back(LaunchFigures::fromAttribute(dict));
  return figures;
}

int64_t ChipFigures::getCopies() const {
  return llvm::count_if(launches, [](const LaunchFigures &launch) {
    return launch.family == kCopyFamily;
  });
}

int64_t ChipFigures::getInPlace() const {
  return llvm::count_if(
      launches, [](const LaunchFigures &launch) { return launch.inPlace; });
}

LaunchFigures ChipFigures::getTotals() const {
  LaunchFigures totals;
  for (const LaunchFigures &launch : launches) {
    totals.bytesRead += launch.bytesRead;
    totals.bytesWritten += launch.bytesWritten;
    totals.macs += launch.macs;
    totals.scalarOps += launch.scalarOps;
    totals.microseconds += launch.microseconds;
    totals.microjoules += launch.microjoules;
    totals.tensorShare += launch.tensorShare * launch.microseconds;
    totals.bandwidthShare += launch.bandwidthShare * launch.microseconds;
  }
  if (totals.microseconds > 0) {
    totals.tensorShare /= totals.microseconds;
    totals.bandwidthShare /= totals.microseconds;
  }
  return totals;
}
