//===- Entry.cpp - The function a job works on ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Frontend/Entry.h"

using namespace mlir;
using namespace mlir::qopt;

FailureOr<func::FuncOp> mlir::qopt::findEntry(ModuleOp module, StringRef name) {
  SmallVector<func::FuncOp> publicFuncs;
  std::string names;
  for (auto func : module.getOps<func::FuncOp>()) {
    if (func.isExternal())
      continue;
    if (!names.empty())
      names += ", ";
    names += func.getName();
    if (!name.empty() && func.getName() == name)
      return func;
    if (func.isPublic())
      publicFuncs.push_back(func);
  }
  if (!name.empty()) {
    module.emitError() << "no function '" << name
                       << "' with a body; the module has: "
                       << (names.empty() ? "none" : names);
    return failure();
  }
  if (publicFuncs.size() == 1)
    return publicFuncs.front();
  for (StringRef candidate : {"main", "main_graph"})
    for (func::FuncOp func : publicFuncs)
      if (func.getName() == candidate)
        return func;
  if (publicFuncs.empty())
    module.emitError(
        "the module has no public function with a body to work on");
  else
    module.emitError() << "several public functions: name one with entry="
                       << " (the module has: " << names << ")";
  return failure();
}

std::string mlir::qopt::getArgumentName(func::FuncOp entry, unsigned index) {
  if (auto name = entry.getArgAttrOfType<StringAttr>(index, "qopt.name"))
    return name.getValue().str();
  return "arg" + std::to_string(index);
}
