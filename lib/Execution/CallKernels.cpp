//===- CallKernels.cpp - Contractions to kernel calls ----------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Replaces sums of products on buffers by calls of kernels that are built here
// for exactly these shapes and strides. Which operation it is follows from the
// loops that each operand depends on (KernelShapes.h), never from the op's
// name. What has no static strides stays a linalg op.
//
//===----------------------------------------------------------------------===//
#include "Buffers.h"
#include "CpuCompiler.h"
#include "KernelShapes.h"

#include "QuantOpt/Analysis/MulAdd.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::cpu;

namespace {
/// Builds kernels for the ops of one function.
class KernelCaller {
public:
  KernelCaller(func::FuncOp entry, size_t firstWeight, size_t numWeights,
               KernelPreference preference,
               std::vector<std::unique_ptr<Kernel>> &kernels)
      : entry(entry), firstWeight(firstWeight), numWeights(numWeights),
        preference(preference), kernels(kernels) {}

  /// Replaces `op` if its buffers allow it.
  LogicalResult replace(linalg::GenericOp op, MulAdd types);

private:
  /// The buffer is a weight, at a fixed address.
  bool isConstant(Value memref);
  void createCall(linalg::GenericOp op, const KernelShape &shape,
                  const Kernel *kernel);

  func::FuncOp entry;
  size_t firstWeight, numWeights;
  KernelPreference preference;
  std::vector<std::unique_ptr<Kernel>> &kernels;
};
} // namespace

bool KernelCaller::isConstant(Value memref) {
  auto root = dyn_cast_or_null<BlockArgument>(getRoot(memref));
  if (!root || root.getOwner() != &entry.getBody().front() ||
      root.getArgNumber() < firstWeight ||
      root.getArgNumber() >= firstWeight + numWeights)
    return false;
  SmallVector<int64_t> strides;
  int64_t offset;
  auto type = cast<MemRefType>(getViewBase(memref).getType());
  return succeeded(type.getStridesAndOffset(strides, offset)) &&
         !ShapedType::isDynamic(offset);
}

/// Initial zeros that nobody wrote, for ops that read their output.
static void createZeroFill(linalg::GenericOp op) {
  OpBuilder builder(op);
  Value out = op.getDpsInits()[0];
  Type type = cast<MemRefType>(out.getType()).getElementType();
  Value zero = arith::ConstantOp::create(builder, op.getLoc(),
                                         builder.getZeroAttr(type));
  linalg::FillOp::create(builder, op.getLoc(), zero, out);
}

void KernelCaller::createCall(linalg::GenericOp op, const KernelShape &shape,
                              const Kernel *kernel) {
  OpBuilder builder(op);
  Location loc = op.getLoc();
  Value operands[3] = {op.getDpsInputs()[0], op.getDpsInputs()[1],
                       op.getDpsInits()[0]};
  Value pointers[3];
  for (unsigned i = 0; i < 3; ++i) {
    Type type = cast<MemRefType>(operands[i].getType()).getElementType();
    pointers[i] =
        advancePointer(builder, loc, createPointer(builder, loc, operands[i]),
                       type, builder.getI64IntegerAttr(shape.offsets[i]));
  }

  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIntOp::create(builder, loc, value, 64);
  };
  // Loops around the call over what the kernel has no dimension for.
  for (const KernelLoop &outer : shape.outerLoops) {
    auto loop = scf::ForOp::create(builder, loc, constant(0),
                                   constant(outer.extent), constant(1));
    builder.setInsertionPointToStart(loop.getBody());
    for (unsigned i = 0; i < 3; ++i) {
      if (outer.strides[i] == 0)
        continue;
      Type type = cast<MemRefType>(operands[i].getType()).getElementType();
      Value elements = arith::MulIOp::create(
          builder, loc, loop.getInductionVar(), constant(outer.strides[i]));
      pointers[i] = advancePointer(builder, loc, pointers[i], type, elements);
    }
  }
  // The kernel lives as long as the compiled code.
  Value handle = LLVM::IntToPtrOp::create(
      builder, loc, pointers[0].getType(),
      constant(static_cast<int64_t>(reinterpret_cast<intptr_t>(kernel))));
  unsigned lhs = shape.swapOperands ? 1 : 0;
  func::CallOp::create(
      builder, loc, kRunKernelFn, TypeRange(),
      ValueRange{handle, pointers[lhs], pointers[1 - lhs], pointers[2]});
}

static ElementType getElementType(MulAdd::Factor factor) {
  switch (factor) {
  case MulAdd::Factor::F32:
    return ElementType::F32;
  case MulAdd::Factor::S8:
    return ElementType::S8;
  case MulAdd::Factor::U8:
    return ElementType::U8;
  }
  llvm_unreachable("all factors are handled");
}

LogicalResult KernelCaller::replace(linalg::GenericOp op, MulAdd types) {
  bool zeroInit = op->hasAttr(kZeroInitAttr);
  op->removeAttr(kZeroInitAttr);
  std::optional<KernelShape> shape = inferKernelShape(op);
  if (!shape) {
    if (zeroInit)
      createZeroFill(op);
    return success();
  }

  // Partial sums of several calls meet in the output.
  bool isSplit = llvm::any_of(shape->outerLoops, [](const KernelLoop &loop) {
    return loop.isReduction;
  });
  if (isSplit && zeroInit)
    createZeroFill(op);
  bool accumulate = isSplit || !zeroInit;

  ElementType elementTypes[2] = {getElementType(types.lhs),
                                 getElementType(types.rhs)};
  bool isConstantOperand[2];
  for (unsigned i = 0; i < 2; ++i)
    isConstantOperand[i] =
        isConstant(op.getDpsInputs()[i]) &&
        llvm::all_of(shape->outerLoops, [&](const KernelLoop &loop) {
          return loop.strides[i] == 0;
        });
  unsigned lhs = shape->swapOperands ? 1 : 0;
  std::unique_ptr<Kernel> kernel;
  std::string error;
  if (shape->isConvolution) {
    ConvolutionSpec spec = shape->convolution;
    spec.inputType = elementTypes[lhs];
    spec.filterType = elementTypes[1 - lhs];
    spec.filterConstant = isConstantOperand[1 - lhs];
    spec.accumulate = accumulate;
    kernel = createConvolution(spec, preference, error);
  } else {
    ContractionSpec spec = shape->contraction;
    spec.lhsType = elementTypes[lhs];
    spec.rhsType = elementTypes[1 - lhs];
    spec.lhsConstant = isConstantOperand[lhs];
    spec.rhsConstant = isConstantOperand[1 - lhs];
    spec.accumulate = accumulate;
    kernel = createContraction(spec, preference, error);
  }
  if (!kernel)
    return op.emitError() << "no CPU kernel: " << error;
  createCall(op, *shape, kernel.get());
  kernels.push_back(std::move(kernel));
  op.erase();
  return success();
}

LogicalResult cpu::callKernels(func::FuncOp entry, size_t firstWeight,
                               size_t numWeights, KernelPreference preference,
                               std::vector<std::unique_ptr<Kernel>> &kernels) {
  KernelCaller caller(entry, firstWeight, numWeights, preference, kernels);
  SmallVector<std::pair<linalg::GenericOp, MulAdd>> ops;
  entry.walk([&](linalg::GenericOp op) {
    if (auto types = matchMulAdd(op))
      ops.emplace_back(op, *types);
  });
  for (auto [op, types] : ops)
    if (failed(caller.replace(op, types)))
      return failure();
  return success();
}
