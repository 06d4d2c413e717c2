//===- LayoutMutants.cpp - Planted bugs in layouts and 16 bits -*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Batch strides, heads, rows that are slices, results of 16 bits, and products
// of 16-bit floats.
//
//===----------------------------------------------------------------------===//
#include "Mutants.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace mlir::qopt::test;

//===----------------------------------------------------------------------===//
// Cases
//===----------------------------------------------------------------------===//

static GemmCase makeCase(int64_t m, int64_t n, int64_t k) {
  GemmCase gemm;
  gemm.config = "<mma, block = [64, 64, 128], warp = [32, 32], stages = 4, "
                "split_k = 1>";
  gemm.blockN = 64;
  gemm.blockK = 128;
  gemm.m = m;
  gemm.n = n;
  gemm.k = k;
  gemm.packed = false;
  return gemm;
}

/// Two samples of three heads, side by side in every row.
static GemmCase makeHeads() {
  GemmCase gemm = makeCase(20, 32, 64);
  gemm.batch = 2;
  gemm.heads = 3;
  gemm.layoutA = "bmhk";
  gemm.layoutB = "bnhk";
  gemm.layoutD = "bmhn";
  return gemm;
}

//===----------------------------------------------------------------------===//
// Places
//===----------------------------------------------------------------------===//

static LLVM::LLVMFuncOp getKernel(gpu::GPUModuleOp kernels) {
  return *kernels.getOps<LLVM::LLVMFuncOp>().begin();
}

/// Arguments of a kernel with two batch dims: ..., n, k, lda, ldb, ldd, inner
/// extent, then strides of a, b and the result, outer and inner. `fromEnd`
/// counts from the last one.
static Value getArgument(gpu::GPUModuleOp kernels, unsigned fromEnd) {
  auto arguments = getKernel(kernels).getArguments();
  return arguments[arguments.size() - 1 - fromEnd];
}

enum Argument : unsigned {
  kResultInner = 0,
  kResultOuter,
  kInnerB,
  kOuterB,
  kInnerA,
  kOuterA,
  kInnerExtent,
  kRowResult,
  kRowB,
  kRowA
};

static bool swapValues(Value x, Value y) {
  SmallVector<OpOperand *> usesX, usesY;
  for (OpOperand &use : x.getUses())
    usesX.push_back(&use);
  for (OpOperand &use : y.getUses())
    usesY.push_back(&use);
  for (OpOperand *use : usesX)
    use->set(y);
  for (OpOperand *use : usesY)
    use->set(x);
  return !usesX.empty() && !usesY.empty();
}

/// The division of the block's number by the inner extent.
static arith::DivUIOp findDecoding(gpu::GPUModuleOp kernels) {
  for (Operation *user : getArgument(kernels, kInnerExtent).getUsers())
    if (auto division = dyn_cast<arith::DivUIOp>(user))
      return division;
  return nullptr;
}

/// The number of the inner batch: what is left of the block's number.
static arith::SubIOp findRest(gpu::GPUModuleOp kernels) {
  arith::DivUIOp division = findDecoding(kernels);
  if (!division)
    return nullptr;
  for (Operation *user : division.getLhs().getUsers())
    if (auto rest = dyn_cast<arith::SubIOp>(user))
      return rest;
  return nullptr;
}

template <typename OpT>
static SmallVector<OpT> findAll(gpu::GPUModuleOp kernels) {
  SmallVector<OpT> found;
  kernels.walk<WalkOrder::PreOrder>([&](OpT op) { found.push_back(op); });
  return found;
}

static bool replaceWithOperand(Operation *op, unsigned operand) {
  op->getResult(0).replaceAllUsesWith(op->getOperand(operand));
  op->erase();
  return true;
}

//===----------------------------------------------------------------------===//
// Mutants
//===----------------------------------------------------------------------===//

static void addBatchMutants(std::vector<Mutant> &mutants) {
  GemmCase heads = makeHeads();
  mutants.push_back(
      {"heads where samples belong", heads, [](gpu::GPUModuleOp kernels) {
         arith::DivUIOp outer = findDecoding(kernels);
         arith::SubIOp inner = findRest(kernels);
         if (!outer || !inner)
           return false;
         // But for what the rest is made from.
         Operation *product = inner.getRhs().getDefiningOp();
         Value temporary = outer.getResult();
         for (OpOperand &use :
              llvm::make_early_inc_range(temporary.getUses())) {
           if (use.getOwner() == product)
             continue;
           use.set(inner);
         }
         return true;
       }});
  mutants.push_back({"heads not taken off the number of the batch", heads,
                     [](gpu::GPUModuleOp kernels) {
                       arith::SubIOp rest = findRest(kernels);
                       return rest && replaceWithOperand(rest, 0);
                     }});
  mutants.push_back(
      {"every head is a sample", heads, [](gpu::GPUModuleOp kernels) {
         arith::DivUIOp division = findDecoding(kernels);
         if (!division)
           return false;
         Value all = division.getLhs();
         for (OpOperand &use :
              llvm::make_early_inc_range(division.getResult().getUses()))
           if (isa<arith::ExtUIOp>(use.getOwner()))
             use.set(all);
         return true;
       }});
  mutants.push_back({"strides of samples and heads swapped", heads,
                     [](gpu::GPUModuleOp kernels) {
                       return swapValues(getArgument(kernels, kOuterA),
                                         getArgument(kernels, kInnerA));
                     }});
  mutants.push_back(
      {"a at the batch of b", heads, [](gpu::GPUModuleOp kernels) {
         return swapValues(getArgument(kernels, kOuterA),
                           getArgument(kernels, kOuterB));
       }});
  mutants.push_back(
      {"result at the head of b", heads, [](gpu::GPUModuleOp kernels) {
         getArgument(kernels, kResultOuter)
             .replaceAllUsesWith(getArgument(kernels, kOuterB));
         return true;
       }});
  GemmCase shared = makeHeads();
  shared.layoutB = "hnk";
  mutants.push_back({"shared b moved on with the samples", shared,
                     [](gpu::GPUModuleOp kernels) {
                       getArgument(kernels, kOuterB)
                           .replaceAllUsesWith(getArgument(kernels, kInnerB));
                       return true;
                     }});
  GemmCase slice = makeHeads();
  slice.slack = 16;
  slice.layoutA = "bhmk";
  slice.layoutD = "bhmn";
  mutants.push_back({"rows of a slice as if they were next to each other",
                     slice, [](gpu::GPUModuleOp kernels) {
                       getArgument(kernels, kRowA)
                           .replaceAllUsesWith(
                               getArgument(kernels, kRowResult + 3));
                       return true;
                     }});
  mutants.push_back(
      {"result with the rows of a", slice, [](gpu::GPUModuleOp kernels) {
         getArgument(kernels, kRowResult)
             .replaceAllUsesWith(getArgument(kernels, kRowA));
         return true;
       }});
  GemmCase scales = makeHeads();
  scales.epilogue = Epilogue::PerRow;
  mutants.push_back(
      {"scales of another sample", scales, [](gpu::GPUModuleOp kernels) {
         // The last parameters are the operand's strides: it has no heads.
         return swapValues(getArgument(kernels, 0), getArgument(kernels, 1));
       }});
}

static void addShortMutants(std::vector<Mutant> &mutants) {
  GemmCase gemm = makeCase(64, 64, 256);
  gemm.epilogue = Epilogue::Short;
  mutants.push_back(
      {"16-bit results not clamped", gemm, [](gpu::GPUModuleOp kernels) {
         auto found = findAll<arith::MinSIOp>(kernels);
         for (arith::MinSIOp op : found)
           replaceWithOperand(op, 0);
         return !found.empty();
       }});
  mutants.push_back(
      {"low half of a pair not cut off", gemm, [](gpu::GPUModuleOp kernels) {
         bool changed = false;
         for (arith::AndIOp op : findAll<arith::AndIOp>(kernels))
           if (llvm::any_of(op->getUsers(), [](Operation *user) {
                 return isa<arith::OrIOp>(user);
               }))
             changed = replaceWithOperand(op, 0);
         return changed;
       }});
  gemm.epilogue = Epilogue::ShortResidual;
  mutants.push_back(
      {"residual of 16 bits at 8-bit offsets", gemm,
       [](gpu::GPUModuleOp kernels) {
         bool changed = false;
         for (LLVM::LoadOp load : findAll<LLVM::LoadOp>(kernels)) {
           auto type = dyn_cast<VectorType>(load.getType());
           if (!type || !type.getElementType().isInteger(16))
             continue;
           auto pointer = load.getAddr().getDefiningOp<LLVM::GEPOp>();
           auto shift = pointer.getDynamicIndices()
                            .front()
                            .getDefiningOp<arith::ShLIOp>();
           if (shift)
             changed = replaceWithOperand(shift, 0);
         }
         return changed;
       }});
}

static void addHalfMutants(std::vector<Mutant> &mutants) {
  GemmCase gemm = makeCase(64, 64, 192);
  gemm.isFloat = true;
  gemm.half = GemmCase::Half::F16;
  gemm.epilogue = Epilogue::Sum;
  mutants.push_back({"f16 fragments of a in the wrong order", gemm,
                     [](gpu::GPUModuleOp kernels) {
                       auto found = findAll<NVVM::MmaOp>(kernels);
                       for (NVVM::MmaOp op : found) {
                         Value first = op->getOperand(1);
                         op->setOperand(1, op->getOperand(2));
                         op->setOperand(2, first);
                       }
                       return !found.empty();
                     }});
  mutants.push_back(
      {"depth of f16 counted in elements", gemm, [](gpu::GPUModuleOp kernels) {
         // k is the third scalar; twice it is the depth.
         bool changed = false;
         for (arith::ShLIOp op : findAll<arith::ShLIOp>(kernels)) {
           auto argument = dyn_cast<BlockArgument>(op.getLhs());
           if (argument && argument.getType().isInteger(32))
             changed |= replaceWithOperand(op, 0);
         }
         return changed;
       }});
}

void mlir::qopt::test::addLayoutAndHalfMutants(std::vector<Mutant> &mutants) {
  addBatchMutants(mutants);
  addShortMutants(mutants);
  addHalfMutants(mutants);
}
