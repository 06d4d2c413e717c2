//===- QOptGemmOp.cpp - qopt.gemm and its attributes ------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The verifier and accessors, and what a configuration must satisfy whatever
// the shapes and the chip are. Limits of a chip (shared memory, registers) are
// the business of lib/Kernels.
//
//===----------------------------------------------------------------------===//
#include "QOptKernelOps.h"

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

/// Number `index` of `operand_maps`, or the identity of the operand's dims.
static AffineMap getOperandMap(GemmOp op, unsigned index, Value operand) {
  if (auto maps = op.getOperandMaps())
    return cast<AffineMapAttr>((*maps)[index]).getValue();
  unsigned rank = cast<ShapedType>(op.getInit().getType()).getRank();
  unsigned operandRank =
      op.getWindow() ? 2 : cast<ShapedType>(operand.getType()).getRank();
  // A shared operand has no batch dims.
  return AffineMap::getMinorIdentityMap(rank, operandRank, op.getContext());
}

AffineMap GemmOp::getMapA() { return getOperandMap(*this, 0, getA()); }
AffineMap GemmOp::getMapB() { return getOperandMap(*this, 1, getB()); }
AffineMap GemmOp::getMapD() { return getOperandMap(*this, 2, getInit()); }

SmallVector<int64_t> GemmOp::getLogicalShape() {
  ArrayRef<int64_t> shape = cast<ShapedType>(getInit().getType()).getShape();
  SmallVector<int64_t> logical(shape.size());
  for (auto [expr, extent] : llvm::zip(getMapD().getResults(), shape))
    logical[cast<AffineDimExpr>(expr).getPosition()] = extent;
  return logical;
}

SmallVector<int64_t> GemmOp::getBatchShape() {
  SmallVector<int64_t> shape = getLogicalShape();
  shape.truncate(shape.size() - 2);
  return shape;
}

bool GemmOp::isBatched() {
  return cast<ShapedType>(getInit().getType()).getRank() > 2;
}

int64_t GemmOp::getBatch() {
  return ShapedType::getNumElements(getBatchShape());
}

int64_t GemmOp::getM() { return getLogicalShape().end()[-2]; }

int64_t GemmOp::getN() { return getLogicalShape().back(); }

int64_t GemmOp::getK() {
  int64_t channels = cast<ShapedType>(getA().getType()).getShape().back();
  if (auto window = getWindow())
    return window->getKernelH() * window->getKernelW() * channels /
           window->getGroups();
  return channels;
}

bool GemmOp::isInteger() {
  return getElementTypeOrSelf(getA().getType()).isInteger(8);
}

void GemmOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  addBufferEffects(*this, effects);
}

/// A map from the dims of the result to some of them, in order.
static LogicalResult verifyEpilogueMap(GemmOp op, unsigned index,
                                       AffineMap map) {
  auto type = cast<ShapedType>(op.getEpilogueInputs()[index].getType());
  SmallVector<int64_t> result = op.getLogicalShape();
  if (map.getNumDims() != result.size() || map.getNumSymbols() != 0 ||
      map.getNumResults() != type.getRank())
    return op.emitOpError("epilogue map #")
           << index << " must map the " << result.size()
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
    int64_t needed = result[previous];
    // Per column, a kernel reads whole tiles.
    bool padded = type.getRank() == 1 &&
                  previous + 1 == static_cast<int64_t>(result.size());
    if (padded ? extent < needed : extent != needed)
      return op.emitOpError("epilogue operand #")
             << index << " has extent " << extent << " where " << needed
             << " is needed";
  }
  return success();
}

/// A map of an operand: dims once each, the last one at the end. The operand
/// has all dims but, where `batchIsOptional`, those of the batch.
static LogicalResult verifyOperandMap(GemmOp op, StringRef name, AffineMap map,
                                      unsigned operandRank,
                                      bool batchIsOptional) {
  unsigned rank = cast<ShapedType>(op.getInit().getType()).getRank();
  bool fits = map.getNumDims() == rank && map.getNumSymbols() == 0 &&
              map.getNumResults() == operandRank && operandRank >= 2 &&
              map.isProjectedPermutation() &&
              map.getDimPosition(operandRank - 1) + 1 == rank;
  for (unsigned dim = 0; fits && dim < rank; ++dim)
    fits = map.isFunctionOfDim(dim) || (batchIsOptional && dim + 2 < rank);
  if (fits)
    return success();
  return op.emitOpError("map of ")
         << name << " must give its dims as a permutation of the " << rank
         << " loops that ends with the last one, but is "
         << AffineMapAttr::get(map);
}

static LogicalResult verifyOperandMaps(GemmOp op) {
  auto getRank = [](Value value) {
    return cast<ShapedType>(value.getType()).getRank();
  };
  int64_t rank = getRank(op.getInit());
  int64_t rankA = op.getWindow() ? rank : getRank(op.getA());
  int64_t rankB = getRank(op.getB());
  if (rank < 2 || rank > 4 ||
      (!op.getOperandMaps() &&
       (rankA != rank || (rankB != rank && rankB != 2))))
    return op.emitOpError(
               "needs operands of rank 2, or with one or two leading "
               "batch dims, but has ")
           << op.getA().getType() << ", " << op.getB().getType() << " and "
           << op.getInit().getType();
  if (auto maps = op.getOperandMaps(); maps && maps->size() != 3)
    return op.emitOpError("has ")
           << maps->size() << " operand maps, but needs 3: a, b, result";
  if (op.getOperandMaps() && op.getWindow())
    return op.emitOpError("with a window has no operand maps");
  return success(
      succeeded(verifyOperandMap(op, "the result", op.getMapD(), rank,
                                 /*batchIsOptional=*/false)) &&
      succeeded(verifyOperandMap(op, "a", op.getMapA(), rankA,
                                 /*batchIsOptional=*/true)) &&
      succeeded(verifyOperandMap(op, "b", op.getMapB(), rankB,
                                 /*batchIsOptional=*/true)));
}

/// Extents of batches and rows, without a window.
static LogicalResult verifyOperands(GemmOp op) {
  SmallVector<int64_t> shape = op.getLogicalShape();
  auto verify = [&](StringRef name, Value operand, AffineMap map,
                    bool hasRows) -> LogicalResult {
    auto type = cast<ShapedType>(operand.getType());
    for (auto [expr, extent] :
         llvm::zip(map.getResults().drop_back(), type.getShape())) {
      unsigned dim = cast<AffineDimExpr>(expr).getPosition();
      bool isRow = dim + 2 == shape.size();
      if (extent != shape[dim] && (hasRows || !isRow))
        return op.emitOpError() << (isRow ? "rows" : "batches") << " of "
                                << name << " and the result differ: " << type
                                << " and " << op.getInit().getType();
    }
    return success();
  };
  return success(
      succeeded(verify("a", op.getA(), op.getMapA(), /*hasRows=*/true)) &&
      succeeded(verify("b", op.getB(), op.getMapB(), /*hasRows=*/false)));
}

/// Extents of a convolution.
static LogicalResult verifyWindow(GemmOp op) {
  WindowAttr window = *op.getWindow();
  auto a = cast<ShapedType>(op.getA().getType());
  auto b = cast<ShapedType>(op.getB().getType());
  auto d = cast<ShapedType>(op.getInit().getType());
  if (a.getRank() != 4 || b.getRank() != 2 || d.getRank() != 2)
    return op.emitOpError("with a window needs an image of rank 4, and b and a "
                          "result of rank 2, but has ")
           << a << ", " << b << " and " << d;
  int64_t windows = a.getDimSize(0) * window.getOutH() * window.getOutW();
  if (op.getM() != windows)
    return op.emitOpError("has ")
           << windows << " windows, but a result of " << op.getM() << " rows";
  for (int64_t channels : {a.getShape().back(), op.getN()})
    if (channels % window.getGroups() != 0)
      return op.emitOpError("has ")
             << channels << " channels in " << window.getGroups() << " groups";
  if (!op.isInteger() && window.getPadValue() != 0)
    return op.emitOpError("pads floats with other values than 0");
  int64_t low = op.getAUnsigned() ? 0 : INT8_MIN;
  if (op.isInteger() &&
      (window.getPadValue() < low || window.getPadValue() > low + UINT8_MAX))
    return op.emitOpError("pads ")
           << (op.getAUnsigned() ? "unsigned" : "signed") << " bytes with "
           << window.getPadValue();
  return success();
}

LogicalResult WindowAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                 int64_t kernelH, int64_t kernelW, int64_t outH,
                                 int64_t outW, int64_t strideH, int64_t strideW,
                                 int64_t dilationH, int64_t dilationW,
                                 int64_t padH, int64_t padW,
                                 int64_t inputDilationH, int64_t inputDilationW,
                                 int64_t groups, int64_t padValue) {
  for (int64_t extent :
       {kernelH, kernelW, outH, outW, strideH, strideW, dilationH, dilationW,
        inputDilationH, inputDilationW, groups})
    if (extent < 1 || extent > INT32_MAX)
      return emitError() << "extents of a window must be positive, but one is "
                         << extent;
  for (int64_t pad : {padH, padW})
    if (pad < 0 || pad > INT32_MAX)
      return emitError() << "pads must not be negative, but one is " << pad;
  if (padValue < -128 || padValue > 255)
    return emitError() << "pad_value must have 8 bits, but is " << padValue;
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
  Type element = a.getElementType();
  if (element != b.getElementType() ||
      !(element.isInteger(8) || element.isF32() || element.isF16() ||
        element.isBF16()))
    return emitOpError("multiplies i8, f16, bf16 or f32, but has ")
           << a << " and " << b;
  if (!isInteger() && (getAUnsigned() || getBUnsigned()))
    return emitOpError("only i8 operands can be unsigned");
  if (failed(verifyOperandMaps(*this)) ||
      failed(getWindow() ? verifyWindow(*this) : verifyOperands(*this)))
    return failure();
  int64_t depthB = b.getShape().back();
  int64_t rowsB = 0;
  for (auto [expr, extent] : llvm::zip(getMapB().getResults(), b.getShape()))
    if (cast<AffineDimExpr>(expr).getPosition() + 2 == d.getRank())
      rowsB = extent;
  if (rowsB < getN() || depthB < getK())
    return emitOpError("b must have at least ")
           << getN() << " rows of " << getK() << " elements, but is " << b;
  bool isPacked = rowsB != getN() || depthB != getK();
  if (isPacked && !isa_and_nonnull<PackOp>(getB().getDefiningOp()))
    return emitOpError("only the result of qopt.pack may be padded, but b is ")
           << b << " for " << getN() << " rows of " << getK() << " elements";
  bool fits =
      !getConfig() ||
      (getConfig()->getKind() == GemmKind::Simt
           ? a.getElementType().isF32()
           : !a.getElementType().isF32() &&
                 (getConfig()->getKind() == GemmKind::Mma || isInteger()));
  if (!fits)
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
