//===- MergeGemms.cpp - Gemms of the same rows ---------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h"

namespace mlir::qopt {
#define GEN_PASS_DEF_MERGEGEMMS
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h.inc"
} // namespace mlir::qopt

using namespace mlir;
using namespace mlir::qopt;

namespace {
struct MergeGemms : public qopt::impl::MergeGemmsBase<MergeGemms> {
  using MergeGemmsBase::MergeGemmsBase;

  void runOnOperation() override {}
};
} // namespace
