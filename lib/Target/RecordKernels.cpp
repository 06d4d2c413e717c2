//===- RecordKernels.cpp - Figures of kernels for the report ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Analysis/Report.h"
#include "QuantOpt/Dialect/QOpt/IR/QOpt.h"
#include "QuantOpt/Kernels/KernelsForm.h"
#include "QuantOpt/Target/BufferPlace.h"
#include "QuantOpt/Target/CompileArtifact.h"
#include "QuantOpt/Target/EmitPlan.h"

using namespace mlir;
using namespace mlir::qopt;

/// The places in files that `loc` was made from.
static void collectLocations(Location loc, SmallVectorImpl<std::string> &out) {
  if (auto fused = dyn_cast<FusedLoc>(loc)) {
    for (Location part : fused.getLocations())
      collectLocations(part, out);
    return;
  }
  out.push_back(printLocation(loc));
}

/// Bytes of the constants of a kernels form as kernels read them, each once.
static int64_t countConstantBytes(func::FuncOp entry) {
  DenseMap<std::tuple<Attribute, Attribute, Type>, int64_t> bytes;
  auto add = [&](Value value, Attribute symbol, Attribute permutation) {
    auto type = cast<MemRefType>(value.getType());
    bytes[{symbol, permutation, type}] =
        type.getNumElements() * getElementBytes(type);
  };
  for (Operation &op : entry.getBody().front()) {
    if (auto get = dyn_cast<memref::GetGlobalOp>(op)) {
      bool isRead = llvm::any_of(
          get->getUsers(), [](Operation *user) { return !isa<PackOp>(user); });
      if (isRead)
        add(get, get.getNameAttr(), nullptr);
    } else if (auto pack = dyn_cast<PackOp>(op)) {
      Value source = pack.getSource();
      while (Value next = getViewSource(source))
        source = next;
      auto get = source.getDefiningOp<memref::GetGlobalOp>();
      add(pack.getResult(), get ? Attribute(get.getNameAttr()) : nullptr,
          pack.getPermutationAttr());
    }
  }
  int64_t total = 0;
  for (auto [key, size] : bytes)
    total += size;
  return total;
}

/// Moves what passes have left on the form to figures.
static ChipFigures takeFigures(ModuleOp kernelsForm, StringRef entryName) {
  ChipFigures figures;
  if (auto batch = kernelsForm->getAttrOfType<IntegerAttr>(kBatchAttr))
    figures.batch = batch.getInt();
  for (auto function : kernelsForm.getOps<func::FuncOp>()) {
    if (auto memory = function->getAttrOfType<DictionaryAttr>(kMemoryAttr))
      figures.memory = MemoryFigures::fromAttribute(memory);
    function->removeDiscardableAttr(kMemoryAttr);
  }
  kernelsForm.walk([&](gpu::LaunchFuncOp launch) {
    if (auto work = launch->getAttrOfType<DictionaryAttr>(kWorkAttr))
      figures.launches.push_back(LaunchFigures::fromAttribute(work));
    launch->removeDiscardableAttr(kWorkAttr);
  });
  FailureOr<KernelsEntry> entry = findKernelsEntry(kernelsForm, entryName);
  if (succeeded(entry)) {
    figures.memory.workspace = entry->workspaceBytes;
    figures.memory.constants = countConstantBytes(entry->function);
  }
  return figures;
}

void mlir::qopt::recordKernels(Report &report, ModuleOp kernelsForm,
                               StringRef chip, StringRef entry) {
  report.setChip(chip, takeFigures(kernelsForm, entry));
  std::map<std::string, std::string> kernelOf;
  kernelsForm.walk([&](gpu::LaunchFuncOp launch) {
    SmallVector<std::string> locations;
    collectLocations(launch.getLoc(), locations);
    for (const std::string &location : locations) {
      std::string &kernels = kernelOf[location];
      if (!kernels.empty())
        kernels += " + ";
      kernels += launch.getKernelName().getValue();
    }
  });
  report.forEachOp([&](StringRef name, const Report::OpRow &row) {
    auto it = kernelOf.find(row.location);
    if (it != kernelOf.end())
      report.addKernel(name, chip, it->second);
  });
}
