//===- ReleaseWeights.cpp - Memory of weights that are done with -*- C++-*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Frontend/ReleaseWeights.h"

#include "QuantOpt/Support/TemporaryStorage.h"
#include "mlir/IR/AttrTypeSubElements.h"
#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;
using namespace mlir::qopt;

using BlobEntry = DialectResourceBlobManager::BlobEntry;

void mlir::qopt::releaseWeights(ModuleOp module) {
  DenseSet<const BlobEntry *> used;
  AttrTypeWalker walker;
  walker.addWalk([&](DenseResourceElementsAttr attr) {
    used.insert(attr.getRawHandle().getResource());
  });
  module.walk([&](Operation *op) { walker.walk(op->getAttrDictionary()); });

  DialectResourceBlobManager &manager =
      DenseResourceElementsHandle::getManagerInterface(module.getContext())
          .getBlobManager();
  SmallVector<std::string> unused;
  manager.getBlobMap([&](const llvm::StringMap<BlobEntry> &entries) {
    for (const auto &entry : entries) {
      const AsmResourceBlob *blob = entry.getValue().getBlob();
      if (!blob)
        continue;
      if (used.contains(&entry.getValue()))
        releasePages(blob->getData().data(), blob->getData().size());
      else
        unused.push_back(entry.getKey().str());
    }
  });
  for (const std::string &key : unused)
    manager.update(key, AsmResourceBlob());
}

void WeightReleaser::runAfterPass(Pass *pass, Operation *op) {
  auto module = dyn_cast<ModuleOp>(op);
  if (module && !module->getParentOp())
    releaseWeights(module);
}
