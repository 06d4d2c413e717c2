//===- Mutants.cpp - Kernels with a planted bug ----------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Mutants.h"

#include "QuantOpt/Dialect/QOpt/IR/QOpt.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::test;

//===----------------------------------------------------------------------===//
// Places in a kernel
//===----------------------------------------------------------------------===//

/// All ops of a kind in program order that satisfy `filter`.
template <typename OpT>
static SmallVector<OpT> findAll(
    gpu::GPUModuleOp kernels,
    function_ref<bool(OpT)> filter = [](OpT) { return true; }) {
  SmallVector<OpT> found;
  kernels.walk<WalkOrder::PreOrder>([&](OpT op) {
    if (filter(op))
      found.push_back(op);
  });
  return found;
}

template <typename OpT> static bool isInLoop(OpT op) {
  return op->template getParentOfType<scf::ForOp>() != nullptr;
}

/// The last of the loops: the main loop.
static scf::ForOp findLoop(gpu::GPUModuleOp kernels) {
  auto loops = findAll<scf::ForOp>(kernels);
  return loops.empty() ? nullptr : loops.back();
}

static Value makeConstant(Operation *before, int64_t value, Type type) {
  OpBuilder builder(before);
  return arith::ConstantOp::create(builder, before->getLoc(),
                                   builder.getIntegerAttr(type, value));
}

static bool erase(Operation *op) {
  op->erase();
  return true;
}

/// Makes the condition of an `scf.if` true.
static bool alwaysRun(scf::IfOp op) {
  Value yes = makeConstant(op, 1, IntegerType::get(op.getContext(), 1));
  op.getConditionMutable().assign(yes);
  return true;
}

static bool replaceWithOperand(Operation *op, unsigned operand) {
  op->getResult(0).replaceAllUsesWith(op->getOperand(operand));
  return erase(op);
}

static bool swapOperands(Operation *op, unsigned i, unsigned j) {
  Value first = op->getOperand(i);
  op->setOperand(i, op->getOperand(j));
  op->setOperand(j, first);
  return true;
}

static bool copies(scf::IfOp op) {
  return !op.thenBlock()->getOps<NVVM::CpAsyncOp>().empty();
}

/// Guards of stores to the result: `scf.if`s that store to global memory.
static SmallVector<scf::IfOp> findStoreGuards(gpu::GPUModuleOp kernels) {
  return findAll<scf::IfOp>(kernels, [](scf::IfOp op) {
    return llvm::any_of(op.thenBlock()->getOps<LLVM::StoreOp>(),
                        [](LLVM::StoreOp store) {
                          auto type = cast<LLVM::LLVMPointerType>(
                              store.getAddr().getType());
                          return type.getAddressSpace() == 1;
                        }) ||
           llvm::any_of(op.thenBlock()->getOps<scf::IfOp>(),
                        [](scf::IfOp) { return true; });
  });
}

//===----------------------------------------------------------------------===//
// Cases
//===----------------------------------------------------------------------===//

namespace {
struct Shape {
  int64_t m, n, k;
};
} // namespace

static GemmCase makeCase(const char *config, int64_t blockN, int64_t blockK,
                         Shape shape, Epilogue epilogue, bool packed = true) {
  GemmCase gemm;
  gemm.config = config;
  gemm.blockN = blockN;
  gemm.blockK = blockK;
  gemm.m = shape.m;
  gemm.n = shape.n;
  gemm.k = shape.k;
  gemm.epilogue = epilogue;
  gemm.packed = packed;
  return gemm;
}

static GemmCase mma(Shape shape, Epilogue epilogue = Epilogue::Requantize,
                    bool packed = true) {
  return makeCase("<mma, block = [64, 64, 128], warp = [32, 32], stages = 4, "
                  "split_k = 1>",
                  64, 128, shape, epilogue, packed);
}

static GemmCase mmaNarrow(Shape shape,
                          Epilogue epilogue = Epilogue::Requantize) {
  return makeCase("<mma, block = [64, 128, 64], warp = [32, 64], stages = 4, "
                  "split_k = 1>",
                  128, 64, shape, epilogue);
}

static GemmCase split(Shape shape, Epilogue epilogue = Epilogue::Requantize) {
  return makeCase("<mma, block = [64, 64, 64], warp = [32, 32], stages = 3, "
                  "split_k = 4>",
                  64, 64, shape, epilogue);
}

static GemmCase dp4a(Shape shape, Epilogue epilogue = Epilogue::Requantize) {
  return makeCase("<dp4a, block = [4, 16, 512], warp = [4, 4], stages = 1, "
                  "split_k = 1>",
                  16, 16, shape, epilogue);
}

static GemmCase simt(Shape shape, Epilogue epilogue = Epilogue::Scale) {
  GemmCase gemm =
      makeCase("<simt, block = [64, 64, 16], warp = [4, 4], stages = 1, "
               "split_k = 1>",
               64, 16, shape, epilogue, /*packed=*/false);
  gemm.isFloat = true;
  return gemm;
}

//===----------------------------------------------------------------------===//
// Mutants of the tensor-core kernel
//===----------------------------------------------------------------------===//

static void addPipelineMutants(std::vector<Mutant> &mutants) {
  GemmCase exact = mma({64, 64, 1152});
  mutants.push_back(
      {"barrier of the main loop removed", exact, [](gpu::GPUModuleOp kernels) {
         auto found =
             findAll<NVVM::BarrierOp>(kernels, isInLoop<NVVM::BarrierOp>);
         return !found.empty() && erase(found.front());
       }});
  mutants.push_back(
      {"waits for one group too few", exact, [](gpu::GPUModuleOp kernels) {
         auto found = findAll<NVVM::CpAsyncWaitGroupOp>(kernels);
         if (found.empty())
           return false;
         found.front().setN(found.front().getN() + 1);
         return true;
       }});
  mutants.push_back({"wait removed", exact, [](gpu::GPUModuleOp kernels) {
                       auto found = findAll<NVVM::CpAsyncWaitGroupOp>(kernels);
                       return !found.empty() && erase(found.front());
                     }});
  mutants.push_back(
      {"commit of the main loop removed", exact, [](gpu::GPUModuleOp kernels) {
         auto found = findAll<NVVM::CpAsyncCommitGroupOp>(
             kernels, isInLoop<NVVM::CpAsyncCommitGroupOp>);
         return !found.empty() && erase(found.front());
       }});
  mutants.push_back(
      {"commit of the prologue removed", exact, [](gpu::GPUModuleOp kernels) {
         auto found = findAll<NVVM::CpAsyncCommitGroupOp>(kernels);
         return found.size() > 1 && erase(found.front());
       }});
  mutants.push_back(
      {"fills the stage that is read", exact, [](gpu::GPUModuleOp kernels) {
         scf::ForOp loop = findLoop(kernels);
         // Carried: read stage, write stage, sums.
         loop->setOperand(4, loop->getOperand(3));
         return true;
       }});
  mutants.push_back(
      {"reads the next stage", exact, [](gpu::GPUModuleOp kernels) {
         scf::ForOp loop = findLoop(kernels);
         loop->setOperand(
             3, makeConstant(loop, 1, loop.getInductionVar().getType()));
         return true;
       }});
  mutants.push_back({"one k step too few", exact, [](gpu::GPUModuleOp kernels) {
                       scf::ForOp loop = findLoop(kernels);
                       OpBuilder b(loop);
                       Value one = makeConstant(loop, 1,
                                                loop.getUpperBound().getType());
                       loop.setUpperBound(arith::SubIOp::create(
                           b, loop.getLoc(), loop.getUpperBound(), one));
                       return true;
                     }});
  mutants.push_back({"prologue without its guard", mma({64, 64, 128}),
                     [](gpu::GPUModuleOp kernels) {
                       auto found =
                           findAll<scf::IfOp>(kernels, [](scf::IfOp op) {
                             return !isInLoop(op) && copies(op);
                           });
                       return found.size() > 1 && alwaysRun(found[1]);
                     }});
  mutants.push_back(
      {"main loop copies without a guard", exact, [](gpu::GPUModuleOp kernels) {
         auto found = findAll<scf::IfOp>(
             kernels, [](scf::IfOp op) { return isInLoop(op) && copies(op); });
         return !found.empty() && alwaysRun(found.front());
       }});
}

static void addLayoutMutants(std::vector<Mutant> &mutants) {
  for (bool narrow : {false, true}) {
    GemmCase gemm = narrow ? mmaNarrow({64, 128, 320}) : mma({64, 64, 384});
    mutants.push_back({narrow ? "ldmatrix of 64-byte rows without its swizzle"
                              : "ldmatrix of 128-byte rows without its swizzle",
                       gemm, [](gpu::GPUModuleOp kernels) {
                         auto found = findAll<arith::XOrIOp>(
                             kernels, isInLoop<arith::XOrIOp>);
                         for (arith::XOrIOp op : found)
                           replaceWithOperand(op, 0);
                         return !found.empty();
                       }});
    mutants.push_back({narrow ? "copies of 64-byte rows without their swizzle"
                              : "copies of 128-byte rows without their swizzle",
                       gemm, [](gpu::GPUModuleOp kernels) {
                         auto found = findAll<arith::XOrIOp>(
                             kernels,
                             [](arith::XOrIOp op) { return !isInLoop(op); });
                         for (arith::XOrIOp op : found)
                           replaceWithOperand(op, 0);
                         return !found.empty();
                       }});
  }
  GemmCase gemm = mma({64, 64, 256});
  mutants.push_back(
      {"fragments of a in the wrong order", gemm, [](gpu::GPUModuleOp kernels) {
         auto found = findAll<NVVM::MmaOp>(kernels);
         for (NVVM::MmaOp op : found)
           swapOperands(op, 1, 2);
         return !found.empty();
       }});
  mutants.push_back(
      {"fragments of b in the wrong order", gemm, [](gpu::GPUModuleOp kernels) {
         auto found = findAll<NVVM::MmaOp>(kernels);
         for (NVVM::MmaOp op : found)
           swapOperands(op, 4, 5);
         return !found.empty();
       }});
  mutants.push_back({"one mma accumulates into another sum", gemm,
                     [](gpu::GPUModuleOp kernels) {
                       auto found = findAll<NVVM::MmaOp>(kernels);
                       if (found.size() < 2)
                         return false;
                       found[1]->setOperand(6, found[0]->getOperand(6));
                       return true;
                     }});
  mutants.push_back({"b taken as unsigned", gemm, [](gpu::GPUModuleOp kernels) {
                       auto found = findAll<NVVM::MmaOp>(kernels);
                       for (NVVM::MmaOp op : found)
                         op.setMultiplicandBPtxType(NVVM::MMATypes::u8);
                       return !found.empty();
                     }});
  mutants.push_back(
      {"sums saturate early", mma({64, 64, 132200}, Epilogue::Sum),
       [](gpu::GPUModuleOp kernels) {
         // Not a bug below the proven depth; here sums pass 2^31 and must wrap.
         auto found = findAll<NVVM::MmaOp>(kernels);
         for (NVVM::MmaOp op : found)
           op.setIntOverflowBehavior(NVVM::MMAIntOverflow::satfinite);
         return !found.empty();
       }});
  mutants.push_back(
      {"half of a chunk copied", mma({64, 64, 1152}),
       [](gpu::GPUModuleOp kernels) {
         auto found =
             findAll<NVVM::CpAsyncOp>(kernels, isInLoop<NVVM::CpAsyncOp>);
         if (found.empty())
           return false;
         found.front().setSize(8);
         found.front().setModifier(NVVM::LoadCacheModifierKind::CA);
         return true;
       }});
}

static void addTailMutants(std::vector<Mutant> &mutants) {
  mutants.push_back({"rows of a not clamped", mma({37, 64, 256}),
                     [](gpu::GPUModuleOp kernels) {
                       auto found = findAll<arith::MinUIOp>(
                           kernels, [](arith::MinUIOp op) {
                             return !op->getParentOfType<scf::IfOp>();
                           });
                       // The first one is the raster's.
                       for (arith::MinUIOp op : llvm::drop_begin(found))
                         replaceWithOperand(op, 0);
                       return found.size() > 1;
                     }});
  mutants.push_back(
      {"depth beyond K not filled with zeros",
       mma({64, 64, 400}, Epilogue::Requantize, /*packed=*/false),
       [](gpu::GPUModuleOp kernels) {
         auto found = findAll<NVVM::CpAsyncOp>(
             kernels, [](NVVM::CpAsyncOp op) { return bool(op.getCpSize()); });
         for (NVVM::CpAsyncOp op : found)
           op.getCpSizeMutable().clear();
         return !found.empty();
       }});
  mutants.push_back(
      {"valid bytes one chunk too many",
       mma({64, 64, 400}, Epilogue::Requantize, /*packed=*/false),
       [](gpu::GPUModuleOp kernels) {
         auto found = findAll<NVVM::CpAsyncOp>(
             kernels, [](NVVM::CpAsyncOp op) { return bool(op.getCpSize()); });
         for (NVVM::CpAsyncOp op : found)
           op.getCpSizeMutable().assign(
               makeConstant(op, 16, op.getCpSize().getType()));
         return !found.empty();
       }});
  mutants.push_back({"rows beyond M stored", mma({37, 64, 256}),
                     [](gpu::GPUModuleOp kernels) {
                       auto guards = findStoreGuards(kernels);
                       for (scf::IfOp op : guards)
                         alwaysRun(op);
                       return !guards.empty();
                     }});
  mutants.push_back({"columns beyond N stored",
                     mma({64, 40, 256}, Epilogue::Requantize),
                     [](gpu::GPUModuleOp kernels) {
                       auto guards = findStoreGuards(kernels);
                       SmallVector<scf::IfOp> inner;
                       for (scf::IfOp op : guards)
                         if (op->getParentOfType<scf::IfOp>())
                           inner.push_back(op);
                       for (scf::IfOp op : inner)
                         alwaysRun(op);
                       return !inner.empty();
                     }});
  mutants.push_back(
      {"channels beyond N read",
       mma({64, 40, 256}, Epilogue::Scale, /*packed=*/false),
       [](gpu::GPUModuleOp kernels) {
         auto found = findAll<arith::SelectOp>(kernels, [](arith::SelectOp op) {
           auto less = op.getCondition().getDefiningOp<arith::CmpIOp>();
           return !isInLoop(op) && less &&
                  less.getPredicate() == arith::CmpIPredicate::ult;
         });
         for (arith::SelectOp op : found)
           replaceWithOperand(op, 1);
         return !found.empty();
       }});
}

static void addEpilogueMutants(std::vector<Mutant> &mutants) {
  mutants.push_back({"packed bytes in the wrong order", mma({64, 64, 256}),
                     [](gpu::GPUModuleOp kernels) {
                       auto found = findAll<CvtPackSatOp>(kernels);
                       for (CvtPackSatOp op : found)
                         swapOperands(op, 0, 1);
                       return !found.empty();
                     }});
  mutants.push_back({"packed with the wrong signedness", mma({64, 64, 256}),
                     [](gpu::GPUModuleOp kernels) {
                       auto found = findAll<CvtPackSatOp>(kernels);
                       for (CvtPackSatOp op : found)
                         op.setIsUnsigned(!op.getIsUnsigned());
                       return !found.empty();
                     }});
  mutants.push_back({"clamp dropped", mma({64, 64, 256}, Epilogue::Clamped),
                     [](gpu::GPUModuleOp kernels) {
                       auto found = findAll<arith::MaxSIOp>(
                           kernels, [](arith::MaxSIOp op) {
                             return op.getLhs().getDefiningOp<CvtRniOp>();
                           });
                       for (arith::MaxSIOp op : found)
                         replaceWithOperand(op, 0);
                       return !found.empty();
                     }});
  mutants.push_back(
      {"multiply and add instead of fma", mma({64, 64, 256}, Epilogue::Scale),
       [](gpu::GPUModuleOp kernels) {
         auto found = findAll<math::FmaOp>(kernels);
         for (math::FmaOp op : found) {
           OpBuilder b(op);
           Value product =
               arith::MulFOp::create(b, op.getLoc(), op.getA(), op.getB());
           op.replaceAllUsesWith(
               arith::AddFOp::create(b, op.getLoc(), product, op.getC())
                   .getResult());
           op.erase();
         }
         return !found.empty();
       }});
}

//===----------------------------------------------------------------------===//
// Mutants of split K and of the other families
//===----------------------------------------------------------------------===//

static void addSplitMutants(std::vector<Mutant> &mutants) {
  GemmCase gemm = split({64, 64, 1024});
  auto findAtomics = [](gpu::GPUModuleOp kernels, LLVM::AtomicBinOp kind) {
    return findAll<LLVM::AtomicRMWOp>(
        kernels, [=](LLVM::AtomicRMWOp op) { return op.getBinOp() == kind; });
  };
  mutants.push_back(
      {"sums stored instead of added", gemm, [=](gpu::GPUModuleOp kernels) {
         auto found = findAtomics(kernels, LLVM::AtomicBinOp::add);
         found.front().setBinOp(LLVM::AtomicBinOp::xchg);
         return true;
       }});
  mutants.push_back(
      {"every block runs the epilogue", gemm, [=](gpu::GPUModuleOp kernels) {
         auto found = findAtomics(kernels, LLVM::AtomicBinOp::xchg);
         auto guard = found.front()->getParentOfType<scf::IfOp>();
         return guard && alwaysRun(guard);
       }});
  mutants.push_back({"counter not reset", gemm, [=](gpu::GPUModuleOp kernels) {
                       auto found =
                           findAtomics(kernels, LLVM::AtomicBinOp::xchg);
                       return erase(found.back());
                     }});
  mutants.push_back({"sums not reset", gemm, [=](gpu::GPUModuleOp kernels) {
                       auto found =
                           findAtomics(kernels, LLVM::AtomicBinOp::xchg);
                       found.front().setBinOp(LLVM::AtomicBinOp::add);
                       return true;
                     }});
  mutants.push_back(
      {"broadcast without its barrier", gemm, [](gpu::GPUModuleOp kernels) {
         auto found = findAll<NVVM::BarrierOp>(
             kernels, [](NVVM::BarrierOp op) { return !isInLoop(op); });
         return found.size() == 2 && erase(found.back());
       }});
  mutants.push_back(
      {"counted before all sums are in", gemm, [](gpu::GPUModuleOp kernels) {
         auto found = findAll<NVVM::BarrierOp>(
             kernels, [](NVVM::BarrierOp op) { return !isInLoop(op); });
         return found.size() == 2 && erase(found.front());
       }});
}

static void addDp4aMutants(std::vector<Mutant> &mutants) {
  GemmCase gemm = dp4a({4, 16, 1024});
  mutants.push_back(
      {"a step of the warp sum missing", gemm, [](gpu::GPUModuleOp kernels) {
         auto found = findAll<NVVM::ShflOp>(kernels);
         if (found.empty())
           return false;
         Operation *op = found[2];
         OpBuilder b(op);
         op->getResult(0).replaceAllUsesWith(
             makeConstant(op, 0, b.getI32Type()));
         return erase(op);
       }});
  mutants.push_back(
      {"dp4a with b unsigned", gemm, [](gpu::GPUModuleOp kernels) {
         auto found = findAll<NVVM::DotAccumulate4WayOp>(kernels);
         for (NVVM::DotAccumulate4WayOp op : found)
           op.setBType(NVVM::DotAccumulateType::UNSIGNED);
         return !found.empty();
       }});
  mutants.push_back(
      {"dp4a reads beyond K", dp4a({4, 16, 560}), [](gpu::GPUModuleOp kernels) {
         auto found =
             findAll<arith::SelectOp>(kernels, isInLoop<arith::SelectOp>);
         for (arith::SelectOp op : found)
           replaceWithOperand(op, 1);
         return !found.empty();
       }});
  mutants.push_back({"dp4a rows beyond M stored", dp4a({3, 16, 512}),
                     [](gpu::GPUModuleOp kernels) {
                       auto guards = findStoreGuards(kernels);
                       for (scf::IfOp op : guards)
                         alwaysRun(op);
                       return !guards.empty();
                     }});
}

static void addSimtMutants(std::vector<Mutant> &mutants) {
  GemmCase gemm = simt({64, 64, 64});
  mutants.push_back({"f32 tile read before it is written", gemm,
                     [](gpu::GPUModuleOp kernels) {
                       auto found = findAll<NVVM::BarrierOp>(kernels);
                       return found.size() == 2 && erase(found.front());
                     }});
  mutants.push_back({"f32 tile overwritten while it is read", gemm,
                     [](gpu::GPUModuleOp kernels) {
                       auto found = findAll<NVVM::BarrierOp>(kernels);
                       return found.size() == 2 && erase(found.back());
                     }});
  mutants.push_back(
      {"f32 sum in another order", gemm, [](gpu::GPUModuleOp kernels) {
         // The first two steps of one sum change places.
         auto found = findAll<math::FmaOp>(kernels, isInLoop<math::FmaOp>);
         math::FmaOp first = found.front();
         for (math::FmaOp second : found)
           if (second.getC() == first.getResult()) {
             Value a = first.getA(), b = first.getB();
             first.getAMutable().assign(second.getA());
             first.getBMutable().assign(second.getB());
             second.getAMutable().assign(a);
             second.getBMutable().assign(b);
             first->moveBefore(second);
             return true;
           }
         return false;
       }});
}

std::vector<Mutant> mlir::qopt::test::makeMutants() {
  std::vector<Mutant> mutants;
  addPipelineMutants(mutants);
  addLayoutMutants(mutants);
  addTailMutants(mutants);
  addEpilogueMutants(mutants);
  addSplitMutants(mutants);
  addDp4aMutants(mutants);
  addSimtMutants(mutants);
  addLayoutAndHalfMutants(mutants);
  return mutants;
}
