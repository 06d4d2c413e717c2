//===- LoopsMutantsTest.cpp - Loops kernels with a planted bug -*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each mutant changes one thing in a finished kernel that a person could get
// wrong. The emulator must reject it, by a report or by a wrong result.
//
//===----------------------------------------------------------------------===//
#include "LoopsCases.h"
#include "LoopsInterpreter.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::test;

namespace {
struct Mutant {
  const char *name;
  LoopsCase loops;
  /// False where the kernel has no such place.
  std::function<bool(gpu::GPUModuleOp)> plant;
};
} // namespace

//===----------------------------------------------------------------------===//
// Places in a kernel
//===----------------------------------------------------------------------===//

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

static Value makeConstant(Operation *before, TypedAttr value) {
  OpBuilder builder(before);
  return arith::ConstantOp::create(builder, before->getLoc(), value);
}

static bool setOperand(Operation *op, unsigned operand, int64_t value) {
  Builder builder(op->getContext());
  Type type = op->getOperand(operand).getType();
  op->setOperand(operand,
                 makeConstant(op, builder.getIntegerAttr(type, value)));
  return true;
}

/// Makes the condition of an `scf.if` true.
static bool alwaysRun(scf::IfOp op) { return setOperand(op, 0, 1); }

static bool isShuffleBy(NVVM::ShflOp op, int64_t distance) {
  APInt value;
  return matchPattern(op.getOffset(), m_ConstantInt(&value)) &&
         value == distance;
}

static bool changeShuffles(gpu::GPUModuleOp kernels, int64_t from, int64_t to) {
  auto found = findAll<NVVM::ShflOp>(
      kernels, [&](NVVM::ShflOp op) { return isShuffleBy(op, from); });
  for (NVVM::ShflOp op : found)
    setOperand(op, 2, to);
  return !found.empty();
}

/// Selects of floats whose other value is a constant: elements beyond a row.
static bool changeIdentity(gpu::GPUModuleOp kernels, float identity) {
  auto found = findAll<arith::SelectOp>(kernels, [](arith::SelectOp op) {
    FloatAttr attr;
    return op.getType().isF32() &&
           matchPattern(op.getFalseValue(), m_Constant(&attr)) &&
           !matchPattern(op.getTrueValue(), m_Constant(&attr));
  });
  for (arith::SelectOp op : found)
    op->setOperand(
        2,
        makeConstant(op, Builder(op.getContext()).getF32FloatAttr(identity)));
  return !found.empty();
}

/// The last guard around a store, or the first one.
static bool removeGuard(gpu::GPUModuleOp kernels, bool isOutermost) {
  auto found = findAll<scf::IfOp>(kernels, [&](scf::IfOp op) {
    return isOutermost || !op.thenBlock()->getOps<LLVM::StoreOp>().empty();
  });
  return !found.empty() &&
         alwaysRun(isOutermost ? found.front() : found.back());
}

//===----------------------------------------------------------------------===//
// Mutants
//===----------------------------------------------------------------------===//

static LoopsCase makeSum(int length, const std::string &config) {
  return makeReduction(5, length, "addf", "f32", config);
}

static void addSumMutants(std::vector<Mutant> &mutants) {
  LoopsCase sum = makeSum(512, makeRowsConfig(64, 32, 8, 2));
  mutants.push_back(
      {"shuffle at half the distance", sum, [](gpu::GPUModuleOp kernels) {
         return changeShuffles(kernels, 16, 8);
       }});
  mutants.push_back(
      {"last levels of the tree exchanged", sum, [](gpu::GPUModuleOp kernels) {
         auto found = findAll<NVVM::ShflOp>(kernels);
         size_t count = found.size();
         // The last three are the levels of the lanes.
         return count > 3 && setOperand(found[count - 3], 2, 4) &&
                setOperand(found[count - 1], 2, 16);
       }});
  mutants.push_back(
      {"keeps what it should send", sum, [](gpu::GPUModuleOp kernels) {
         auto found = findAll<arith::SelectOp>(
             kernels, [](arith::SelectOp op) { return op.getType().isF32(); });
         if (found.empty())
           return false;
         found.front()->setOperand(1, found.front()->getOperand(2));
         return true;
       }});
  mutants.push_back(
      {"partial sums of another order",
       makeSum(49, makeRowsConfig(32, 4, 4, 4)), [](gpu::GPUModuleOp kernels) {
         auto found = findAll<arith::AddFOp>(kernels);
         if (found.size() < 2)
           return false;
         Value first = found[0].getRhs(), second = found[1].getRhs();
         found[0]->setOperand(1, second);
         found[1]->setOperand(1, first);
         return true;
       }});
  LoopsCase wide = makeSum(700, makeRowsConfig(128, 128, 2, 3));
  mutants.push_back({"barrier removed", wide, [](gpu::GPUModuleOp kernels) {
                       auto found = findAll<NVVM::BarrierOp>(kernels);
                       if (found.empty())
                         return false;
                       found.front().erase();
                       return true;
                     }});
  mutants.push_back(
      {"warps read the same partial sums", wide, [](gpu::GPUModuleOp kernels) {
         auto isShared = [](LLVM::LoadOp op) {
           auto type = cast<LLVM::LLVMPointerType>(op.getAddr().getType());
           return type.getAddressSpace() == 3;
         };
         auto found = findAll<LLVM::LoadOp>(kernels, isShared);
         if (found.size() < 2)
           return false;
         found[1]->setOperand(0, found[0].getAddr());
         return true;
       }});
}

static void addTailMutants(std::vector<Mutant> &mutants) {
  std::string config = makeRowsConfig(64, 32, 4, 1);
  mutants.push_back(
      {"elements beyond a row count as 1", makeSum(100, config),
       [](gpu::GPUModuleOp kernels) { return changeIdentity(kernels, 1.0f); }});
  LoopsCase negative = makeReduction(5, 100, "maximumf", "f32", config);
  Floats values = negative.inputs[0].as<float>();
  for (float &value : values)
    value = -1.0f - value * value;
  negative.inputs[0] = values;
  mutants.push_back(
      {"elements beyond a row are 0 for a maximum", negative,
       [](gpu::GPUModuleOp kernels) { return changeIdentity(kernels, 0.0f); }});
  LoopsCase softmax = makeSoftmax(5, 100, "i8", config);
  mutants.push_back(
      {"stores beyond a row", softmax, [](gpu::GPUModuleOp kernels) {
         return removeGuard(kernels, /*isOutermost=*/false);
       }});
  mutants.push_back(
      {"stores rows that do not exist", softmax, [](gpu::GPUModuleOp kernels) {
         return removeGuard(kernels, /*isOutermost=*/true);
       }});
  mutants.push_back(
      {"reads beyond a row", softmax, [](gpu::GPUModuleOp kernels) {
         auto found = findAll<arith::SelectOp>(kernels, [](arith::SelectOp op) {
           return isa<LLVM::LLVMPointerType>(op.getType());
         });
         for (arith::SelectOp op : found)
           op->setOperand(2, op.getTrueValue());
         return !found.empty();
       }});
}

static void addWindowMutants(std::vector<Mutant> &mutants) {
  LoopsCase pool = makeMaxPool(2, 5, 8, makeThreadsConfig(64, 8));
  mutants.push_back(
      {"pads with another value", pool, [](gpu::GPUModuleOp kernels) {
         auto found =
             findAll<arith::ConstantOp>(kernels, [](arith::ConstantOp op) {
               return isa<DenseElementsAttr>(op.getValue());
             });
         for (arith::ConstantOp op : found)
           op.setValueAttr(DenseElementsAttr::get(
               cast<ShapedType>(op.getType()), APInt(8, 100)));
         return !found.empty();
       }});
  mutants.push_back(
      {"checks a subscript against the wrong extent", pool,
       [](gpu::GPUModuleOp kernels) {
         auto found = findAll<arith::CmpIOp>(kernels, [](arith::CmpIOp op) {
           APInt extent;
           return matchPattern(op.getRhs(), m_ConstantInt(&extent)) &&
                  extent == 5;
         });
         for (arith::CmpIOp op : found)
           setOperand(op, 1, 6);
         return !found.empty();
       }});
  Depthwise depthwise;
  depthwise.config = makeDepthwiseConfig(32, 16, 4);
  LoopsCase convolution = makeDepthwise(depthwise);
  mutants.push_back(
      {"columns in the wrong order", convolution, [](gpu::GPUModuleOp kernels) {
         auto found = findAll<vector::ShuffleOp>(kernels);
         if (found.empty())
           return false;
         found.front().setMask({1, 4, 0, 5});
         return true;
       }});
  mutants.push_back(
      {"weights not shifted", convolution, [](gpu::GPUModuleOp kernels) {
         auto found = findAll<arith::ShLIOp>(kernels, [](arith::ShLIOp op) {
           APInt bits;
           return matchPattern(op.getRhs(), m_ConstantInt(&bits)) && bits == 8;
         });
         for (arith::ShLIOp op : found) {
           op.replaceAllUsesWith(op.getLhs());
           op.erase();
         }
         return !found.empty();
       }});
  mutants.push_back({"stores points beyond the width", convolution,
                     [](gpu::GPUModuleOp kernels) {
                       return removeGuard(kernels, /*isOutermost=*/false);
                     }});
  depthwise.padValue = 77;
  mutants.push_back(
      {"pads with zero instead of the zero point", makeDepthwise(depthwise),
       [](gpu::GPUModuleOp kernels) {
         auto found = findAll<arith::SelectOp>(kernels, [](arith::SelectOp op) {
           APInt word;
           return matchPattern(op.getFalseValue(), m_ConstantInt(&word)) &&
                  word == 0x4d4d4d4d;
         });
         for (arith::SelectOp op : found)
           setOperand(op, 2, 0);
         return !found.empty();
       }});
}

/// A report or a wrong result under one of the schedules.
static bool isCaught(KernelsModel &model, const LoopsCase &loops) {
  std::vector<Buffer> expected = interpretLoops(loops.text, loops.inputs);
  for (const emulator::LaunchOptions &options : makeSchedules()) {
    std::vector<std::string> reports;
    std::vector<Buffer> actual =
        model.run(loops.inputs, model.getBatch(), options, reports);
    if (!reports.empty())
      return true;
    for (size_t i = 0; i < expected.size(); ++i)
      if (expected[i].bytes != actual[i].bytes)
        return true;
  }
  return false;
}

TEST(LoopsMutants, AreCaught) {
  std::vector<Mutant> mutants;
  addSumMutants(mutants);
  addTailMutants(mutants);
  addWindowMutants(mutants);
  for (const Mutant &mutant : mutants) {
    KernelsModel sound(mutant.loops.text, /*withGemms=*/true);
    ASSERT_EQ(sound.error(), "") << mutant.name;
    EXPECT_FALSE(isCaught(sound, mutant.loops))
        << "without the bug: " << mutant.name;
    bool isPlanted = false;
    KernelsModel model(
        mutant.loops.text, /*withGemms=*/true,
        [&](gpu::GPUModuleOp kernels) { isPlanted = mutant.plant(kernels); });
    ASSERT_TRUE(isPlanted) << mutant.name;
    ASSERT_EQ(model.error(), "") << mutant.name;
    EXPECT_TRUE(isCaught(model, mutant.loops)) << "escaped: " << mutant.name;
  }
  std::printf("%zu mutants\n", mutants.size());
}
