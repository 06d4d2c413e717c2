//===- Buffers.cpp - Addresses of elements of memrefs ----------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Buffers.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/AffineExpr.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::cpu;

std::optional<SmallVector<int64_t>>
mlir::qopt::getStaticStrides(MemRefType type) {
  SmallVector<int64_t> strides;
  int64_t offset;
  if (!type.hasStaticShape() ||
      failed(type.getStridesAndOffset(strides, offset)))
    return std::nullopt;
  for (auto [stride, size] : llvm::zip(strides, type.getShape())) {
    if (size == 1) // Never stepped over; its stride may be anything.
      stride = 0;
    if (ShapedType::isDynamic(stride) || stride < 0)
      return std::nullopt;
  }
  return strides;
}

/// Adds `scale * expr` to `access`; false where `expr` is not linear.
static bool addLinear(AffineExpr expr, int64_t scale, LinearAccess &access) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr)) {
    access.offset += scale * constant.getValue();
    return true;
  }
  if (auto dim = dyn_cast<AffineDimExpr>(expr)) {
    access.strides[dim.getPosition()] += scale;
    return true;
  }
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return false;
  if (binary.getKind() == AffineExprKind::Add)
    return addLinear(binary.getLHS(), scale, access) &&
           addLinear(binary.getRHS(), scale, access);
  if (binary.getKind() != AffineExprKind::Mul)
    return false;
  if (auto factor = dyn_cast<AffineConstantExpr>(binary.getRHS()))
    return addLinear(binary.getLHS(), scale * factor.getValue(), access);
  if (auto factor = dyn_cast<AffineConstantExpr>(binary.getLHS()))
    return addLinear(binary.getRHS(), scale * factor.getValue(), access);
  return false;
}

std::optional<LinearAccess> mlir::qopt::linearizeAccess(AffineMap subscripts,
                                                        MemRefType type) {
  auto strides = getStaticStrides(type);
  if (!strides || subscripts.getNumSymbols() != 0)
    return std::nullopt;
  LinearAccess access;
  access.strides.assign(subscripts.getNumDims(), 0);
  for (auto [expr, stride] : llvm::zip(subscripts.getResults(), *strides))
    if (!addLinear(expr, stride, access))
      return std::nullopt;
  if (access.offset < 0 ||
      llvm::any_of(access.strides, [](int64_t stride) { return stride < 0; }))
    return std::nullopt;
  return access;
}

Value mlir::qopt::getViewBase(Value memref) {
  while (Operation *op = memref.getDefiningOp()) {
    if (!isa<memref::CastOp, memref::ExpandShapeOp, memref::CollapseShapeOp>(
            op))
      break;
    memref = op->getOperand(0);
  }
  return memref;
}

Value mlir::qopt::getRoot(Value memref) {
  while (Operation *op = memref.getDefiningOp()) {
    auto view = dyn_cast<ViewLikeOpInterface>(op);
    if (!view)
      return isa<memref::AllocOp>(op) ? memref : Value();
    memref = view.getViewSource();
  }
  bool isFunctionArgument =
      isa<func::FuncOp>(cast<BlockArgument>(memref).getOwner()->getParentOp());
  return isFunctionArgument ? memref : Value();
}

bool mlir::qopt::areDistinct(Value rootA, Value rootB) {
  return rootA && rootB && rootA != rootB;
}

Value cpu::createPointer(OpBuilder &builder, Location loc, Value memref) {
  memref = getViewBase(memref);
  Type i64 = builder.getI64Type();
  Value address =
      memref::ExtractAlignedPointerAsIndexOp::create(builder, loc, memref);
  address = arith::IndexCastOp::create(builder, loc, i64, address);
  Value base = LLVM::IntToPtrOp::create(
      builder, loc, LLVM::LLVMPointerType::get(builder.getContext()), address);
  auto type = cast<MemRefType>(memref.getType());
  SmallVector<int64_t> strides;
  int64_t offset;
  if (failed(type.getStridesAndOffset(strides, offset)) ||
      ShapedType::isDynamic(offset)) {
    auto metadata =
        memref::ExtractStridedMetadataOp::create(builder, loc, memref);
    Value elements =
        arith::IndexCastOp::create(builder, loc, i64, metadata.getOffset());
    return advancePointer(builder, loc, base, type.getElementType(), elements);
  }
  return advancePointer(builder, loc, base, type.getElementType(),
                        builder.getI64IntegerAttr(offset));
}

Type cpu::getStorageType(Type elementType) {
  if (elementType.isIndex())
    return IntegerType::get(elementType.getContext(), 64);
  if (elementType.isInteger(1))
    return IntegerType::get(elementType.getContext(), 8);
  return elementType;
}

Value cpu::advancePointer(OpBuilder &builder, Location loc, Value pointer,
                          Type elementType, OpFoldResult elements) {
  LLVM::GEPArg index = dyn_cast<Value>(elements)
                           ? LLVM::GEPArg(cast<Value>(elements))
                           : LLVM::GEPArg(0);
  if (auto attr = dyn_cast<Attribute>(elements)) {
    int64_t value = cast<IntegerAttr>(attr).getInt();
    if (value == 0)
      return pointer;
    // GEPArg holds only 32-bit constants.
    index = LLVM::ConstantOp::create(builder, loc, builder.getI64Type(), attr)
                .getResult();
  }
  return LLVM::GEPOp::create(
      builder, loc, pointer.getType(), getStorageType(elementType), pointer,
      ArrayRef<LLVM::GEPArg>(index), LLVM::GEPNoWrapFlags::inbounds);
}
