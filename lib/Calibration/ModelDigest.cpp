//===- ModelDigest.cpp - What a calibration table belongs to ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Everything that goes into a digest is preceded by its length, so that no two
// models give the same stream of bytes. Constants count where they are used:
// neither where they stand nor how often they are repeated nor whether a weight
// is an inline attribute or a resource makes another model.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Calibration/ModelDigest.h"

#include "QuantOpt/Dialect/QOpt/IR/QOpt.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
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
  /// An operand: its number, 0 for constants, which follow.
  void addValue(Value value);
  void defineValue(Value value);
  /// The digest of the values of a tensor constant.
  static std::string getContents(ElementsAttr attr);

  Hash structure, weights;
  /// Values by the order of their definition, from 1.
  llvm::DenseMap<Value, uint64_t> ids;
  llvm::DenseMap<Value, Attribute> constants;
  llvm::DenseMap<Attribute, std::string> contents;
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

std::string Digester::getContents(ElementsAttr attr) {
  Hash hash;
  bool isSplat = false;
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(attr)) {
    if (AsmResourceBlob *blob = resource.getRawHandle().getBlob())
      addBytes(hash, blob->getData());
  } else if (auto dense = dyn_cast<DenseIntOrFPElementsAttr>(attr)) {
    isSplat = dense.isSplat();
    addBytes(hash, dense.getRawData());
  } else {
    std::string text;
    llvm::raw_string_ostream(text) << attr;
    addBytes(hash, ArrayRef(text.data(), text.size()));
  }
  auto bytes = hash.final();
  return std::string(bytes.begin(), bytes.end()) + (isSplat ? "s" : "d");
}

void Digester::addValue(Value value) {
  auto constant = constants.find(value);
  if (constant == constants.end())
    return addNumber(ids.lookup(value));
  addNumber(0);
  addPrinted(value.getType());
  auto elements = dyn_cast<ElementsAttr>(constant->second);
  if (!elements)
    return addPrinted(constant->second);
  auto [it, isNew] = contents.try_emplace(elements);
  if (isNew)
    it->second = getContents(elements);
  addBytes(weights, ArrayRef(it->second.data(), it->second.size()));
}

void Digester::add(Operation *op) {
  if (auto observe = dyn_cast<ObserveOp>(op)) {
    // Also of a constant.
    if (Attribute constant = constants.lookup(observe.getInput()))
      constants.try_emplace(observe.getResult(), constant);
    else
      ids.try_emplace(observe.getResult(), ids.lookup(observe.getInput()));
    return;
  }
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    constants.try_emplace(constant.getResult(), constant.getValue());
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
