//===- RaiseIdioms.cpp - Multi-op idioms to composites ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h"

namespace mlir::qopt {
#define GEN_PASS_DEF_RAISEIDIOMS
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h.inc"
} // namespace mlir::qopt

using namespace mlir;
using namespace mlir::qopt;

namespace {
struct RaiseIdioms : public qopt::impl::RaiseIdiomsBase<RaiseIdioms> {
  using RaiseIdiomsBase::RaiseIdiomsBase;
  void runOnOperation() override {}
};
} // namespace
