//===- QOptKernelOps.cpp - Ops of the kernels phase ------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Verifiers and accessors of the kernel ops, and what a gemm configuration must
// satisfy whatever the shapes and the chip are. Limits of a chip (shared
// memory, registers) are the business of lib/Kernels.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Dialect/QOpt/IR/QOpt.h"

#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace mlir::qopt;

//===----------------------------------------------------------------------===//
// GemmConfigAttr
//===----------------------------------------------------------------------===//

int64_t GemmConfigAttr::getNumThreads() const {
  switch (getKind()) {
  case GemmKind::Mma:
    return 32 * (getBlockM() / getWarpM()) * (getBlockN() / getWarpN());
  case GemmKind::Dp4a:
    return 32 * (getBlockN() / getWarpN());
  case GemmKind::Simt:
    return (getBlockM() / getWarpM()) * (getBlockN() / getWarpN());
  }
  llvm_unreachable("all kinds are handled");
}

/// What `mma` needs beside divisibility: whole m16n8k32 instructions, B loaded
/// two n8 blocks at a time, whole swizzle atoms, and every thread the same
/// number of 16-byte copies.
static LogicalResult verifyMma(function_ref<InFlightDiagnostic()> emitError,
                               int64_t m, int64_t n, int64_t k, int64_t warpM,
                               int64_t warpN, int64_t stages, int64_t threads) {
  if (warpM % 16 || warpN % 16)
    return emitError() << "mma needs warp extents that are multiples of 16";
  if (k != 64 && k != 128)
    return emitError() << "mma needs block_k 64 or 128, but it is " << k;
  if (stages < 2)
    return emitError() << "mma needs at least 2 stages";
  constexpr int64_t kChunk = 16;
  if ((m * k / kChunk) % threads || (n * k / kChunk) % threads)
    return emitError() << "mma tiles of " << m * k / kChunk << " and "
                       << n * k / kChunk << " chunks of 16 bytes do not divide "
                       << "over " << threads << " threads";
  return success();
}

/// What `simt` needs beside divisibility: pairs of results per thread, rows of
/// a tile that fit the banks, every thread the same number of loads.
static LogicalResult verifySimt(function_ref<InFlightDiagnostic()> emitError,
                                int64_t m, int64_t n, int64_t k, int64_t warpM,
                                int64_t warpN, int64_t threads) {
  constexpr int64_t kBanks = 32;
  if (warpM % 2 || warpN % 2)
    return emitError() << "simt needs warp extents that are multiples of 2";
  if (kBanks % k)
    return emitError() << "simt needs block_k that divides " << kBanks
                       << ", but it is " << k;
  if ((m * k) % threads || (n * k) % threads)
    return emitError() << "simt tiles of " << m * k << " and " << n * k
                       << " elements do not divide over " << threads
                       << " threads";
  return success();
}

LogicalResult
GemmConfigAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                       GemmKind kind, int64_t blockM, int64_t blockN,
                       int64_t blockK, int64_t warpM, int64_t warpN,
                       int64_t stages, int64_t splitK) {
  constexpr int64_t kMaxExtent = 4096, kMaxStages = 16, kMaxSplit = 1024;
  for (int64_t extent : {blockM, blockN, blockK, warpM, warpN})
    if (extent < 1 || extent > kMaxExtent)
      return emitError() << "extents must be from 1 to " << kMaxExtent;
  if (stages < 1 || stages > kMaxStages)
    return emitError() << "stages must be from 1 to " << kMaxStages;
  if (splitK < 1 || splitK > kMaxSplit)
    return emitError() << "split_k must be from 1 to " << kMaxSplit;
  if (blockM % warpM || blockN % warpN)
    return emitError() << "warp extents must divide block extents";
  if (splitK > 1 && kind != GemmKind::Mma)
    return emitError() << "split_k is for mma only";
  if (kind == GemmKind::Dp4a &&
      (blockM > 16 || warpM != blockM || blockK % 512))
    return emitError() << "dp4a needs block_m = warp_m of at most 16 and "
                          "block_k a multiple of 512";
  int64_t threads = kind == GemmKind::Dp4a
                        ? 32 * (blockN / warpN)
                        : (blockM / warpM) * (blockN / warpN) *
                              (kind == GemmKind::Mma ? 32 : 1);
  if (threads < 32 || threads > 1024 || threads % 32)
    return emitError() << "a block of " << threads
                       << " threads; it must be whole warps, at most 1024 "
                          "threads";
  if (kind == GemmKind::Mma)
    return verifyMma(emitError, blockM, blockN, blockK, warpM, warpN, stages,
                     threads);
  if (kind == GemmKind::Simt)
    return verifySimt(emitError, blockM, blockN, blockK, warpM, warpN, threads);
  return success();
}

//===----------------------------------------------------------------------===//
// GemmOp
//===----------------------------------------------------------------------===//

bool GemmOp::isBatched() {
  return cast<ShapedType>(getInit().getType()).getRank() == 3;
}

int64_t GemmOp::getBatch() {
  return isBatched() ? cast<ShapedType>(getInit().getType()).getDimSize(0) : 1;
}

int64_t GemmOp::getM() {
  return cast<ShapedType>(getInit().getType()).getShape().take_back(2).front();
}

int64_t GemmOp::getN() {
  return cast<ShapedType>(getInit().getType()).getShape().back();
}

int64_t GemmOp::getK() {
  return cast<ShapedType>(getA().getType()).getShape().back();
}

bool GemmOp::isInteger() {
  return getElementTypeOrSelf(getA().getType()).isInteger(8);
}

void GemmOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  for (OpOperand &operand : getOperation()->getOpOperands()) {
    if (!isa<MemRefType>(operand.get().getType()))
      continue;
    if (isDpsInit(&operand))
      effects.emplace_back(MemoryEffects::Write::get(), &operand);
    else
      effects.emplace_back(MemoryEffects::Read::get(), &operand);
  }
}

/// A map from the dims of the result to some of them, in order.
static LogicalResult verifyEpilogueMap(GemmOp op, unsigned index,
                                       AffineMap map) {
  auto type = cast<ShapedType>(op.getEpilogueInputs()[index].getType());
  auto result = cast<ShapedType>(op.getInit().getType());
  if (map.getNumDims() != result.getRank() || map.getNumSymbols() != 0 ||
      map.getNumResults() != type.getRank())
    return op.emitOpError("epilogue map #")
           << index << " must map the " << result.getRank()
           << " dims of the result to the " << type.getRank()
           << " of the operand, but is " << AffineMapAttr::get(map);
  int64_t previous = -1;
  for (auto [expr, extent] : llvm::zip(map.getResults(), type.getShape())) {
    auto dim = dyn_cast<AffineDimExpr>(expr);
    if (!dim || static_cast<int64_t>(dim.getPosition()) <= previous)
      return op.emitOpError("epilogue map #")
             << index << " must list dims in order, but is "
             << AffineMapAttr::get(map);
    previous = dim.getPosition();
    int64_t needed = result.getDimSize(previous);
    // Per column, a kernel reads whole tiles.
    bool padded = type.getRank() == 1 && previous + 1 == result.getRank();
    if (padded ? extent < needed : extent != needed)
      return op.emitOpError("epilogue operand #")
             << index << " has extent " << extent << " where " << needed
             << " is needed";
  }
  return success();
}

LogicalResult GemmOp::verify() {
  auto a = cast<ShapedType>(getA().getType());
  auto b = cast<ShapedType>(getB().getType());
  auto d = cast<ShapedType>(getInit().getType());
  for (Value operand : getOperands()) {
    auto type = cast<ShapedType>(operand.getType());
    if (!type.hasStaticShape())
      return emitOpError("needs static shapes, but has ") << type;
    if (isa<MemRefType>(type) != isa<MemRefType>(d))
      return emitOpError("mixes tensors and buffers");
  }
  if (getNumResults() != (isa<MemRefType>(d) ? 0 : 1))
    return emitOpError("has one result on tensors and none on buffers");
  if (getNumResults() == 1 && getResult(0).getType() != d)
    return emitOpError("result type must be that of the init operand");
  int64_t rank = d.getRank();
  if ((rank != 2 && rank != 3) || a.getRank() != rank ||
      (b.getRank() != rank && b.getRank() != 2))
    return emitOpError("needs operands of rank 2, or 3 with a leading batch, "
                       "but has ")
           << a << ", " << b << " and " << d;
  if (a.getElementType() != b.getElementType() ||
      !(a.getElementType().isInteger(8) || a.getElementType().isF32()))
    return emitOpError("multiplies i8 or f32, but has ") << a << " and " << b;
  if (!isInteger() && (getAUnsigned() || getBUnsigned()))
    return emitOpError("only i8 operands can be unsigned");
  if (isBatched() && (a.getDimSize(0) != getBatch() ||
                      (b.getRank() == 3 && b.getDimSize(0) != getBatch())))
    return emitOpError("batches differ: ") << a << ", " << b << " and " << d;
  if (a.getShape().take_back(2).front() != getM())
    return emitOpError("rows of a and the result differ: ")
           << a << " and " << d;
  int64_t rowsB = b.getShape().take_back(2).front(),
          depthB = b.getShape().back();
  if (rowsB < getN() || depthB < getK())
    return emitOpError("b must have at least ")
           << getN() << " rows of " << getK() << " elements, but is " << b;
  bool isPacked = rowsB != getN() || depthB != getK();
  if (isPacked && !isa_and_nonnull<PackOp>(getB().getDefiningOp()))
    return emitOpError("only the result of qopt.pack may be padded, but b is ")
           << b << " for " << getN() << " rows of " << getK() << " elements";
  if (getConfig() && (getConfig()->getKind() == GemmKind::Simt) == isInteger())
    return emitOpError("configuration ")
           << *getConfig() << " does not fit operands of "
           << a.getElementType();
  if (getEpilogueMaps().size() != getEpilogueInputs().size())
    return emitOpError("has ")
           << getEpilogueInputs().size() << " epilogue operands, but "
           << getEpilogueMaps().size() << " maps";
  for (auto [i, map] :
       llvm::enumerate(getEpilogueMaps().getAsValueRange<AffineMapAttr>()))
    if (failed(verifyEpilogueMap(*this, i, map)))
      return failure();
  return success();
}

LogicalResult GemmOp::verifyRegions() {
  Block *block = getEpilogue();
  Builder builder(getContext());
  SmallVector<Type> expected = {isInteger() ? Type(builder.getI32Type())
                                            : Type(builder.getF32Type())};
  for (Value input : getEpilogueInputs())
    expected.push_back(getElementTypeOrSelf(input.getType()));
  if (block->getArgumentTypes() != TypeRange(expected))
    return emitOpError("region must take the accumulator and one element per "
                       "epilogue operand: ")
           << expected;
  auto yield = dyn_cast<YieldOp>(block->getTerminator());
  Type element = getElementTypeOrSelf(getInit().getType());
  if (!yield || yield.getValues().size() != 1 ||
      yield.getValues().front().getType() != element)
    return emitOpError("region must yield one ") << element;
  return success();
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
