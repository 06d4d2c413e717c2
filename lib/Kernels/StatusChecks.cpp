//===- StatusChecks.cpp - Conditions that kernels check --------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "StatusChecks.h"

#include "QuantOpt/Artifact/StatusWord.h"
#include "QuantOpt/Execution/BufferAccess.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"

using namespace mlir;
using namespace mlir::qopt;

static constexpr llvm::StringLiteral kDeviceScope = "device";

bool mlir::qopt::needsClamp(memref::LoadOp load, unsigned dim) {
  auto range = getIndexRange(load.getIndices()[dim]);
  return !range || range->low < 0 ||
         range->high >= load.getMemRefType().getDimSize(dim);
}

SmallVector<BodyCheck> mlir::qopt::collectChecks(Block &body) {
  SmallVector<BodyCheck> checks;
  for (Operation &op : body) {
    if (auto assertion = dyn_cast<cf::AssertOp>(op)) {
      checks.push_back({&op, 0, assertion.getMsg().str()});
      continue;
    }
    auto load = dyn_cast<memref::LoadOp>(op);
    for (unsigned dim = 0; load && dim < load.getIndices().size(); ++dim)
      if (needsClamp(load, dim))
        checks.push_back(
            {&op, dim,
             describeIndexCheck(dim, load.getMemRefType().getDimSize(dim))});
  }
  return checks;
}

void mlir::qopt::emitCheck(DeviceBuilder &b, Value status, Value point,
                           unsigned number, Value condition) {
  Value failed = arith::XOrIOp::create(b, condition, b.i1(true));
  b.ifThen(failed, [&] {
    Value code = b.add(b.shiftLeft(b.toI64(point), kCheckBits), number);
    LLVM::AtomicRMWOp::create(
        b, LLVM::AtomicBinOp::umax, status, b.bitXor(code, b.i64(-1)),
        LLVM::AtomicOrdering::monotonic, kDeviceScope, kStatusWordBytes);
  });
}
