//===- SpecializeInteger.cpp - s8 contractions as named ops ----*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Upstream's specialization, applied only where it is right: it ignores the
// difference between zero- and sign-extended operands.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Analysis/MulAdd.h"
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h"

#include "mlir/Dialect/Linalg/Transforms/Transforms.h"

namespace mlir::qopt {
#define GEN_PASS_DEF_SPECIALIZEINTEGER
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h.inc"
} // namespace mlir::qopt

using namespace mlir;
using namespace mlir::qopt;

namespace {
struct SpecializeInteger
    : public qopt::impl::SpecializeIntegerBase<SpecializeInteger> {
  using SpecializeIntegerBase::SpecializeIntegerBase;

  void runOnOperation() override {
    SmallVector<linalg::GenericOp> ops;
    getOperation().walk([&](linalg::GenericOp op) {
      std::optional<MulAdd> mulAdd = matchMulAdd(op);
      if (mulAdd && mulAdd->lhs == MulAdd::Factor::S8 &&
          mulAdd->rhs == MulAdd::Factor::S8)
        ops.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (linalg::GenericOp op : ops) {
      rewriter.setInsertionPoint(op);
      // What has no name stays.
      (void)linalg::specializeGenericOp(rewriter, op);
    }
  }
};
} // namespace
