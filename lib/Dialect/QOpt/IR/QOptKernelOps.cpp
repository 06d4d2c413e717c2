//===- QOptKernelOps.cpp - Constants and effects of kernel ops ------------*-
// C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QOptKernelOps.h"

using namespace mlir;
using namespace mlir::qopt;

void mlir::qopt::addBufferEffects(
    DestinationStyleOpInterface op,
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<MemRefType>(operand.get().getType()))
      continue;
    if (op.isDpsInit(&operand))
      effects.emplace_back(MemoryEffects::Write::get(), &operand);
    else
      effects.emplace_back(MemoryEffects::Read::get(), &operand);
  }
}

//===----------------------------------------------------------------------===//
// PackOp
//===----------------------------------------------------------------------===//

LogicalResult PackOp::verify() {
  auto source = cast<ShapedType>(getSource().getType());
  auto result = cast<ShapedType>(getResult().getType());
  if (!source.hasStaticShape() || !result.hasStaticShape() ||
      source.getRank() != result.getRank() ||
      source.getElementType() != result.getElementType() ||
      isa<MemRefType>(source) != isa<MemRefType>(result))
    return emitOpError("needs static types of one rank and element type, but "
                       "has ")
           << source << " and " << result;
  SmallVector<int64_t> sorted(getPermutation());
  llvm::sort(sorted);
  if (sorted != llvm::to_vector(llvm::seq<int64_t>(0, source.getRank())))
    return emitOpError("permutation must be one of the ")
           << source.getRank() << " dims";
  for (auto [d, from] : llvm::enumerate(getPermutation()))
    if (result.getDimSize(d) < source.getDimSize(from))
      return emitOpError("cannot shrink dim ")
             << from << " of " << source << " to dim " << d << " of " << result;
  return success();
}
