//===- ConvMutants.cpp - Convolutions with a planted bug -------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The window's extents are arguments of the kernel: a mutant uses another value
// in place of one, or changes a check.
//
//===----------------------------------------------------------------------===//
#include "../../lib/Kernels/WindowCopies.h"
#include "Mutants.h"

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::test;

//===----------------------------------------------------------------------===//
// Places in a kernel
//===----------------------------------------------------------------------===//

/// The window's scalars are the last arguments.
static Value getScalar(gpu::GPUModuleOp kernels, WindowScalar scalar) {
  LLVM::LLVMFuncOp kernel;
  kernels.walk([&](LLVM::LLVMFuncOp op) { kernel = op; });
  return kernel.getArgument(kernel.getNumArguments() - kNumWindowScalars +
                            static_cast<unsigned>(scalar));
}

static Value makeConstant(Operation *before, Type type, int64_t value) {
  OpBuilder builder(before);
  return arith::ConstantOp::create(builder, before->getLoc(),
                                   builder.getIntegerAttr(type, value));
}

/// `scalar` is `value`.
static std::function<bool(gpu::GPUModuleOp)> use(WindowScalar scalar,
                                                 int64_t value) {
  return [=](gpu::GPUModuleOp kernels) {
    Value argument = getScalar(kernels, scalar);
    bool used = !argument.use_empty();
    Operation *first = &argument.getParentBlock()->front();
    argument.replaceAllUsesWith(makeConstant(first, argument.getType(), value));
    return used;
  };
}

/// Comparisons with `scalar` have another predicate.
static std::function<bool(gpu::GPUModuleOp)>
compare(WindowScalar scalar, arith::CmpIPredicate predicate) {
  return [=](gpu::GPUModuleOp kernels) {
    Value argument = getScalar(kernels, scalar);
    bool found = false;
    for (Operation *user : argument.getUsers())
      if (auto compare = dyn_cast<arith::CmpIOp>(user)) {
        compare.setPredicate(predicate);
        found = true;
      }
    return found;
  };
}

/// Uses of the group's number as the `index`-th factor are 0.
static std::function<bool(gpu::GPUModuleOp)> forgetGroup(unsigned index) {
  return [=](gpu::GPUModuleOp kernels) {
    SmallVector<arith::ExtUIOp> groups;
    kernels.walk([&](arith::ExtUIOp op) {
      if (op.getIn().getDefiningOp<NVVM::BlockIdZOp>())
        groups.push_back(op);
    });
    if (groups.empty())
      return false;
    // In program order: columns, channels of the image; then the columns of
    // b, the result and the epilogue's operands.
    SmallVector<OpOperand *> uses;
    for (OpOperand &use : groups.front()->getUses())
      uses.push_back(&use);
    llvm::sort(uses, [](OpOperand *x, OpOperand *y) {
      return x->getOwner()->isBeforeInBlock(y->getOwner());
    });
    if (index >= uses.size())
      return false;
    OpOperand *operand = uses[index];
    operand->set(
        makeConstant(operand->getOwner(), operand->get().getType(), 0));
    return true;
  };
}

//===----------------------------------------------------------------------===//
// Cases
//===----------------------------------------------------------------------===//

static ConvAxis axis(int64_t size, int64_t kernel, int64_t stride,
                     int64_t padLow, int64_t padHigh) {
  ConvAxis axis;
  axis.size = size;
  axis.kernel = kernel;
  axis.stride = stride;
  axis.padLow = padLow;
  axis.padHigh = padHigh;
  return axis;
}

static GemmCase makeCase(const ConvShape &conv, int64_t columns,
                         bool unsignedA = false) {
  GemmCase gemm;
  gemm.config = "<mma, block = [64, 64, 128], warp = [32, 32], stages = 4, "
                "split_k = 1>";
  gemm.blockN = 64;
  gemm.blockK = 128;
  gemm.conv = conv;
  gemm.m = conv.getRows();
  gemm.n = columns;
  gemm.k = conv.getDepth();
  gemm.unsignedA = unsignedA;
  return gemm;
}

/// 3 x 2 taps, 2 images; no runs, since the width is dilated.
static GemmCase makePadded(int64_t padValue = 0, int64_t channels = 16) {
  ConvShape conv;
  conv.images = 2;
  conv.channels = channels;
  conv.h = axis(9, 3, 2, 1, 2);
  conv.w = axis(8, 2, 3, 1, 3);
  conv.w.dilation = 2;
  conv.padValue = padValue;
  return makeCase(conv, 32);
}

/// Taps side by side.
static GemmCase makeRuns(int64_t channels = 16) {
  ConvShape conv;
  conv.channels = channels;
  conv.h = axis(7, 3, 1, 1, 1);
  conv.w = axis(9, 3, 1, 1, 1);
  return makeCase(conv, 32);
}

static GemmCase makeGrouped() {
  ConvShape conv;
  conv.channels = 64;
  conv.groups = 4;
  conv.h = axis(5, 3, 1, 1, 1);
  conv.w = axis(6, 3, 1, 1, 1);
  return makeCase(conv, 48);
}

static GemmCase makeTransposed() {
  ConvShape conv;
  conv.channels = 16;
  conv.h = axis(5, 2, 1, 1, 1);
  conv.w = axis(4, 3, 1, 2, 1);
  conv.h.inputDilation = 3;
  conv.w.inputDilation = 2;
  return makeCase(conv, 32);
}

//===----------------------------------------------------------------------===//
// Mutants
//===----------------------------------------------------------------------===//

static void addExtentMutants(std::vector<Mutant> &mutants) {
  GemmCase padded = makePadded();
  auto add = [&](const char *name, WindowScalar scalar, int64_t value) {
    mutants.push_back({name, padded, use(scalar, value)});
  };
  add("pad above forgotten", WindowScalar::PadH, 0);
  add("pad on the left forgotten", WindowScalar::PadX, 0);
  add("stride of the height taken for 1", WindowScalar::StrideH, 1);
  add("stride of the width in pixels", WindowScalar::StrideX, 3);
  add("dilation of the width in pixels", WindowScalar::DilationX, 2);
  add("dilation of the height doubled", WindowScalar::DilationH, 2);
  add("all windows of the first image", WindowScalar::ImagePitch, 0);
  add("rows of the image without the last pixel", WindowScalar::RowPitch,
      7 * 16);
  add("the image's last row forgotten", WindowScalar::Height, 8);
  mutants.push_back(
      {"taps column by column", padded, [](gpu::GPUModuleOp kernels) {
         // As if a row had three taps, and a column two.
         constexpr int64_t kShift = 32, kTaps = 3;
         return use(WindowScalar::Taps, kTaps)(kernels) &&
                use(WindowScalar::TapsMagic,
                    (int64_t(1) << kShift) / kTaps + 1)(kernels) &&
                use(WindowScalar::TapsShift, kShift)(kernels);
       }});
  mutants.push_back(
      {"one channel too few per tap", padded, [](gpu::GPUModuleOp kernels) {
         constexpr int64_t kShift = 34, kRun = 15;
         return use(WindowScalar::Run, kRun)(kernels) &&
                use(WindowScalar::RunMagic,
                    (int64_t(1) << kShift) / kRun + 1)(kernels) &&
                use(WindowScalar::RunShift, kShift)(kernels);
       }});
}

static void addBorderMutants(std::vector<Mutant> &mutants) {
  using Predicate = arith::CmpIPredicate;
  for (bool runs : {false, true}) {
    GemmCase gemm = runs ? makeRuns() : makePadded();
    mutants.push_back(
        {runs ? "one row below the image (runs)" : "one row below the image",
         gemm, compare(WindowScalar::Height, Predicate::ule)});
    mutants.push_back({runs ? "one pixel right of the image (runs)"
                            : "one pixel right of the image",
                       gemm, compare(WindowScalar::Width, Predicate::ule)});
    mutants.push_back(
        {runs ? "rows above the image (runs)" : "rows above the image", gemm,
         compare(WindowScalar::Height, Predicate::slt)});
    mutants.push_back(
        {runs ? "pixels left of the image (runs)" : "pixels left of the image",
         gemm, compare(WindowScalar::Width, Predicate::slt)});
  }
  mutants.push_back({"bytes left of the image (narrow)", makeRuns(3),
                     compare(WindowScalar::Width, Predicate::slt)});
  mutants.push_back(
      {"pads are zeros", makePadded(-7), use(WindowScalar::PadByte, 0)});
  mutants.push_back({"pads of narrow copies are zeros", makePadded(-7, 3),
                     use(WindowScalar::PadByte, 0)});
  mutants.push_back(
      {"copies what is not there", makePadded(), [](gpu::GPUModuleOp kernels) {
         SmallVector<NVVM::CpAsyncOp> found;
         kernels.walk([&](NVVM::CpAsyncOp op) {
           if (op.getCpSize())
             found.push_back(op);
         });
         for (NVVM::CpAsyncOp op : found)
           op.getCpSizeMutable().assign(
               makeConstant(op, op.getCpSize().getType(), 16));
         return !found.empty();
       }});
}

static void addGroupMutants(std::vector<Mutant> &mutants) {
  GemmCase gemm = makeGrouped();
  mutants.push_back(
      {"all groups have the first one's columns", gemm, forgetGroup(0)});
  mutants.push_back(
      {"all groups read the first one's channels", gemm, forgetGroup(1)});
  GemmCase transposed = makeTransposed();
  mutants.push_back({"pixels between those of the image repeat one", transposed,
                     [](gpu::GPUModuleOp kernels) {
                       SmallVector<arith::CmpIOp> found;
                       kernels.walk([&](arith::CmpIOp op) {
                         if (op.getPredicate() == arith::CmpIPredicate::eq &&
                             op.getLhs().getDefiningOp<arith::MulIOp>())
                           found.push_back(op);
                       });
                       for (arith::CmpIOp op : found)
                         op.getRhsMutable().assign(op.getLhs());
                       return !found.empty();
                     }});
  mutants.push_back(
      {"transposed: pad one short", transposed, use(WindowScalar::PadX, 1)});
}

void mlir::qopt::test::addConvMutants(std::vector<Mutant> &mutants) {
  addExtentMutants(mutants);
  addBorderMutants(mutants);
  addGroupMutants(mutants);
}
