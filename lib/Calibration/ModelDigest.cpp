//===- ModelDigest.cpp - What a calibration table belongs to ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Everything that goes into a digest is preceded by its length, so that no two
// models give the same stream of bytes.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Calibration/ModelDigest.h"

#include "QuantOpt/Dialect/QOpt/IR/QOpt.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/BLAKE3.h"

using namespace mlir;
using namespace mlir::qopt;

namespace {
class Digester {
public:
  void add(Operation *op);
  ModelDigest finish();

private:
  using Hash = llvm::TruncatedBLAKE3<16>;

  static void addBytes(Hash &hash, ArrayRef<char> bytes);
  void addText(StringRef text) {
    addBytes(structure, ArrayRef(text.data(), text.size()));
  }
  void addNumber(uint64_t number);
  template <typename T> void addPrinted(T value);
  void addValue(Value value) { addNumber(ids.lookup(value)); }
  void defineValue(Value value);
  void addConstant(ElementsAttr attr);

  Hash structure, weights;
  /// Values by the order of their definition.
  llvm::DenseMap<Value, uint64_t> ids;
  /// Types and attributes repeat; printing them does not have to.
  llvm::DenseMap<const void *, uint64_t> printed;
};
} // namespace

void Digester::addBytes(Hash &hash, ArrayRef<char> bytes) {
  uint64_t size = bytes.size();
  char prefix[sizeof(size)];
  for (unsigned i = 0; i < sizeof(size); ++i)
    prefix[i] = static_cast<char>(size >> (8 * i));
  hash.update(StringRef(prefix, sizeof(prefix)));
  hash.update(StringRef(bytes.data(), bytes.size()));
}

void Digester::addNumber(uint64_t number) {
  char bytes[sizeof(number)];
  for (unsigned i = 0; i < sizeof(number); ++i)
    bytes[i] = static_cast<char>(number >> (8 * i));
  structure.update(StringRef(bytes, sizeof(bytes)));
}

template <typename T> void Digester::addPrinted(T value) {
  // The number of the first occurrence, and its text there.
  auto [it, isNew] =
      printed.try_emplace(value.getAsOpaquePointer(), printed.size());
  addNumber(it->second);
  if (!isNew)
    return;
  std::string text;
  llvm::raw_string_ostream os(text);
  os << value;
  addText(text);
}

void Digester::defineValue(Value value) {
  ids.try_emplace(value, ids.size() + 1);
  addPrinted(value.getType());
}

void Digester::addConstant(ElementsAttr attr) {
  addPrinted(attr.getType());
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(attr)) {
    if (AsmResourceBlob *blob = resource.getRawHandle().getBlob())
      addBytes(weights, blob->getData());
    return;
  }
  if (auto dense = dyn_cast<DenseIntOrFPElementsAttr>(attr)) {
    addNumber(dense.isSplat());
    addBytes(weights, dense.getRawData());
    return;
  }
  std::string text;
  llvm::raw_string_ostream(text) << attr;
  addBytes(weights, ArrayRef(text.data(), text.size()));
}

void Digester::add(Operation *op) {
  if (auto observe = dyn_cast<ObserveOp>(op)) {
    ids.try_emplace(observe.getResult(), ids.lookup(observe.getInput()));
    return;
  }
  addText(op->getName().getStringRef());
  addNumber(op->getNumOperands());
  for (Value operand : op->getOperands())
    addValue(operand);
  for (NamedAttribute attr : op->getAttrDictionary()) {
    if (attr.getName().strref().starts_with("qopt."))
      continue;
    addText(attr.getName());
    if (auto elements = dyn_cast<ElementsAttr>(attr.getValue()))
      addConstant(elements);
    else
      addPrinted(attr.getValue());
  }
  addNumber(op->getNumRegions());
  for (Region &region : op->getRegions()) {
    addNumber(llvm::range_size(region));
    for (Block &block : region) {
      addNumber(block.getNumArguments());
      for (BlockArgument arg : block.getArguments())
        defineValue(arg);
      for (Operation &inner : block)
        add(&inner);
    }
  }
  addNumber(op->getNumResults());
  for (Value result : op->getResults())
    defineValue(result);
}

ModelDigest Digester::finish() {
  auto hex = [](Hash &hash) {
    auto bytes = hash.final();
    return llvm::toHex(ArrayRef<uint8_t>(bytes), /*LowerCase=*/true);
  };
  return {hex(structure), hex(weights)};
}

ModelDigest mlir::qopt::getModelDigest(ModuleOp module) {
  Digester digester;
  digester.add(module);
  return digester.finish();
}
