//===- SimtLoops.cpp - Any linalg op as a kernel ---------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The fallback for what has no kernel family of its own: one thread per element
// of the parallel iteration space, reductions in increasing order with their
// running value in a register. This file decides how the space is laid over
// threads: loops that all operands walk as one are merged (less index
// arithmetic), and where memory is contiguous a thread takes several elements
// so that loads and stores are up to 16 bytes wide.
//
//===----------------------------------------------------------------------===//
#include "LoopKernel.h"
#include "QuantOpt/Kernels/KernelLaunch.h"
#include "QuantOpt/Kernels/KernelsForm.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/InterleavedRange.h"

using namespace mlir;
using namespace mlir::qopt;

/// Ops that the lanes of a thread may have together.
static constexpr int64_t kMaxLaneOps = 512;
/// The widest access, in bytes.
static constexpr int64_t kMaxAccess = kBufferAlignment;

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

/// Loops whose counter has a use of its own: in the body, or in subscripts that
/// are not linear.
static SmallVector<bool> getCountedLoops(const LoopShape &shape) {
  SmallVector<bool> counted(shape.extents.size(), false);
  linalg::LinalgOp op = shape.op;
  op.getBlock()->walk(
      [&](linalg::IndexOp index) { counted[index.getDim()] = true; });
  for (const LoopOperand &operand : shape.operands)
    for (unsigned loop = 0; loop < counted.size() && !operand.linear; ++loop)
      if (operand.map.isFunctionOfDim(loop))
        counted[loop] = true;
  return counted;
}

SmallVector<KernelLoop>
mlir::qopt::mergeLoops(ArrayRef<unsigned> loops, ArrayRef<int64_t> extents,
                       ArrayRef<SmallVector<int64_t>> strides,
                       ArrayRef<bool> counted) {
  SmallVector<KernelLoop> merged;
  bool lastIsCounted = false;
  for (unsigned loop : loops) {
    KernelLoop next{extents[loop], {}, static_cast<int>(loop)};
    for (const SmallVector<int64_t> &operand : strides)
      next.strides.push_back(operand[loop]);
    bool fits = !merged.empty() && !lastIsCounted && !counted[loop];
    for (size_t i = 0; fits && i < next.strides.size(); ++i)
      fits = merged.back().strides[i] == next.strides[i] * next.extent;
    lastIsCounted = counted[loop];
    if (!fits) {
      merged.push_back(next);
      continue;
    }
    merged.back().extent *= next.extent;
    merged.back().strides = next.strides;
    merged.back().loop = -1;
  }
  return merged;
}

//===----------------------------------------------------------------------===//
// Lanes
//===----------------------------------------------------------------------===//

/// True if all accesses of operand `i` to groups of `lanes` elements are
/// aligned to their size.
static bool isAligned(const LoopKernelPlan &plan, size_t i, int64_t lanes) {
  const LoopOperand &operand = plan.shape.operands[i];
  int64_t bytes = getElementBytes(operand.type.getElementType());
  int64_t access = lanes * bytes;
  if (access > kMaxAccess || getByteOffset(operand.getBuffer()) % access ||
      operand.linear->offset * bytes % access)
    return false;
  auto steps = [&](ArrayRef<KernelLoop> loops) {
    return llvm::all_of(loops, [&](const KernelLoop &loop) {
      return loop.strides[i] * bytes % access == 0;
    });
  };
  return steps(ArrayRef(plan.parallel).drop_back()) && steps(plan.reductions);
}

/// The number of elements of the innermost parallel loop for one thread.
static int64_t chooseLanes(const LoopKernelPlan &plan) {
  if (plan.parallel.empty())
    return 1;
  const LoopShape &shape = plan.shape;
  const KernelLoop &inner = plan.parallel.back();
  // Groups must not straddle rows, of which a launch may have any number.
  int64_t extent = inner.extent;
  if (plan.parallel.size() == 1)
    extent /= shape.getRows();
  auto fits = [&](int64_t lanes) {
    if (extent % lanes != 0)
      return false;
    for (auto [i, operand] : llvm::enumerate(shape.operands)) {
      if (!operand.linear) {
        if (inner.loop < 0 || operand.map.isFunctionOfDim(inner.loop))
          return false;
        continue;
      }
      int64_t stride = inner.strides[i];
      if (stride == 1 ? !isAligned(plan, i, lanes) : stride != 0)
        return false;
    }
    return true;
  };
  linalg::LinalgOp op = shape.op;
  int64_t bodySize = op.getBlock()->getOperations().size();
  for (int64_t lanes = kMaxAccess; lanes > 1; lanes /= 2)
    if (lanes * bodySize <= kMaxLaneOps && fits(lanes))
      return lanes;
  return 1;
}

//===----------------------------------------------------------------------===//
// Plan
//===----------------------------------------------------------------------===//

/// Bytes from the buffer's element 0 to its last one.
static int64_t getSpan(const LoopOperand &operand) {
  int64_t last = 0;
  for (auto [stride, extent] :
       llvm::zip(operand.strides, operand.type.getShape()))
    last += stride * (extent - 1);
  return last * getElementBytes(operand.type.getElementType());
}

SmallVector<bool> mlir::qopt::getDistinct(ArrayRef<KernelBuffer> buffers) {
  SmallVector<Value> roots;
  for (const KernelBuffer &buffer : buffers)
    roots.push_back(getBufferRoot(buffer.buffer));
  SmallVector<bool> distinct;
  for (size_t i = 0; i < roots.size(); ++i) {
    bool result = true;
    for (size_t j = 0; j < roots.size(); ++j)
      if (i != j && (buffers[i].isWritten || buffers[j].isWritten))
        result &= roots[i] != roots[j];
    distinct.push_back(result);
  }
  return distinct;
}

static SmallVector<KernelBuffer> getBuffers(const LoopShape &shape) {
  SmallVector<KernelBuffer> buffers;
  for (const LoopOperand &operand : shape.operands)
    buffers.push_back({operand.getBuffer(), operand.isOutput});
  for (Value capture : shape.captures)
    buffers.push_back({capture, false});
  return buffers;
}

static LoopKernelPlan makePlan(LoopShape shape) {
  LoopKernelPlan plan;
  SmallVector<bool> counted = getCountedLoops(shape);
  SmallVector<SmallVector<int64_t>> strides;
  for (const LoopOperand &operand : shape.operands)
    strides.push_back(operand.linear
                          ? operand.linear->strides
                          : SmallVector<int64_t>(shape.extents.size(), 0));
  plan.parallel = mergeLoops(shape.parallel, shape.extents, strides, counted);
  plan.reductions =
      mergeLoops(shape.reductions, shape.extents, strides, counted);
  plan.shape = std::move(shape);
  for (LoopOperand &operand : plan.shape.operands) {
    linalg::FillOp fill;
    if (operand.isOutput)
      fill = findInitialFill(plan.shape.op, *operand.operand);
    plan.initialValues.push_back(fill ? fill.value() : Value());
    plan.isFar.push_back(getSpan(operand) >= INT32_MAX);
  }
  plan.isDistinct = getDistinct(getBuffers(plan.shape));
  plan.lanes = chooseLanes(plan);
  int64_t points = 1;
  for (const KernelLoop &loop : plan.parallel)
    points *= loop.extent;
  plan.isWide = points / plan.lanes >= INT32_MAX;
  plan.pointsPerRow = points / plan.shape.getRows() / plan.lanes;
  return plan;
}

void mlir::qopt::printLoops(ArrayRef<KernelLoop> loops, bool isParallel,
                            llvm::raw_ostream &os) {
  for (auto [i, loop] : llvm::enumerate(loops)) {
    os << ' ' << (isParallel ? 'p' : 'r') << loop.loop << ':';
    if (!isParallel || i != 0)
      os << loop.extent;
    for (int64_t stride : loop.strides)
      os << ',' << stride;
  }
}

std::string LoopKernelPlan::getKey() const {
  std::string key;
  llvm::raw_string_ostream os(key);
  os << "loops";
  printLoops(parallel, /*isParallel=*/true, os);
  printLoops(reductions, /*isParallel=*/false, os);
  os << " lanes" << lanes << (isWide ? " wide" : "");
  for (auto [i, operand] : llvm::enumerate(shape.operands)) {
    os << " [" << operand.type.getElementType() << ' ' << operand.isOutput
       << isFar[i] << isDistinct[i];
    if (operand.linear)
      os << " +" << operand.linear->offset;
    else
      os << ' ' << operand.map << " by " << llvm::interleaved(operand.strides);
    if (initialValues[i])
      os << " from " << initialValues[i].getDefiningOp()->getAttrDictionary();
    os << ']';
  }
  linalg::LinalgOp op = shape.op;
  for (OpOperand &operand : op->getOpOperands())
    if (!isa<MemRefType>(operand.get().getType()))
      os << " #" << operand.getOperandNumber() << '='
         << operand.get().getDefiningOp()->getAttrDictionary();
  for (auto [i, capture] : llvm::enumerate(shape.captures))
    os << " @" << capture.getType() << isDistinct[shape.operands.size() + i];
  os << " -> ";
  op.getBlock()->walk([&](memref::LoadOp load) {
    for (unsigned dim = 0; dim < load.getIndices().size(); ++dim)
      os << needsClamp(load, dim);
  });
  printRegionKey(*op.getBlock(), os);
  return key;
}

//===----------------------------------------------------------------------===//
// Kernel and launch
//===----------------------------------------------------------------------===//

/// "reduce_f32_i8": what it does and the types of the first input and output.
static std::string getBaseName(const LoopKernelPlan &plan) {
  linalg::LinalgOp op = plan.shape.op;
  std::string name;
  llvm::raw_string_ostream os(name);
  Operation *yield = op.getBlock()->getTerminator();
  bool copies = op.getBlock()->getOperations().size() == 1;
  if (!plan.shape.captures.empty())
    os << "gather";
  else if (!plan.reductions.empty())
    os << "reduce";
  else if (isa<linalg::FillOp>(op.getOperation()) ||
           (copies && op.getNumDpsInputs() == 0))
    os << "fill";
  else
    os << (copies ? "copy" : "elementwise");
  if (op.getNumDpsInputs() != 0)
    os << '_' << getElementTypeOrSelf(op.getDpsInputOperand(0)->get());
  os << '_' << yield->getOperand(0).getType();
  return name;
}

void mlir::qopt::markPointers(ArrayRef<KernelBuffer> buffers,
                              ArrayRef<bool> distinct,
                              LLVM::LLVMFuncOp kernel) {
  UnitAttr unit = UnitAttr::get(kernel.getContext());
  for (size_t i = 0; i < buffers.size(); ++i) {
    if (distinct[i])
      kernel.setArgAttr(i, LLVM::LLVMDialect::getNoAliasAttrName(), unit);
    if (!buffers[i].isWritten)
      kernel.setArgAttr(i, LLVM::LLVMDialect::getReadonlyAttrName(), unit);
  }
}

FailureOr<KernelLaunch> mlir::qopt::buildLoopKernel(linalg::LinalgOp op,
                                                    gpu::GPUModuleOp kernels,
                                                    const ChipInfo &chip) {
  FailureOr<LoopShape> shape = analyzeLoops(op);
  if (failed(shape))
    return failure();
  if (shape->isEmpty())
    return op.emitOpError() << kNoKernel << ": it has no elements";
  LoopKernelPlan plan = makePlan(std::move(*shape));

  std::string key = plan.getKey();
  LLVM::LLVMFuncOp kernel = findKernel(kernels, key);
  if (!kernel) {
    DeviceBuilder builder(op.getLoc(), op.getContext());
    SmallVector<Type> types(plan.isDistinct.size(),
                            builder.pointerType(MemorySpace::Global));
    if (!plan.shape.checks.empty())
      types.push_back(builder.pointerType(MemorySpace::Global));
    types.push_back(builder.getIntegerType(plan.isWide ? 64 : 32));
    kernel = createKernel(builder, kernels,
                          makeKernelName(kernels, getBaseName(plan)), types,
                          kLoopThreads);
    setKernelKey(kernel, key);
    markPointers(getBuffers(plan.shape), plan.isDistinct, kernel);
    emitLoopKernel(plan, builder, kernel);
  }

  KernelLaunch launch;
  launch.kernel = kernel.getName().str();
  for (const LoopOperand &operand : plan.shape.operands)
    launch.arguments.push_back(
        {KernelArgument::Kind::Buffer, operand.getBuffer(), {}, 64});
  for (Value capture : plan.shape.captures)
    launch.arguments.push_back({KernelArgument::Kind::Buffer, capture, {}, 64});
  if (!plan.shape.checks.empty())
    launch.arguments.push_back({KernelArgument::Kind::Status, {}, {}, 64});
  for (const BodyCheck &check : plan.shape.checks)
    launch.checks.push_back(check.message);
  launch.pointsPerRow = plan.pointsPerRow;
  AffineExpr points =
      getAffineSymbolExpr(0, op.getContext()) * plan.pointsPerRow;
  launch.arguments.push_back(
      {KernelArgument::Kind::Scalar, {}, points, plan.isWide ? 64u : 32u});
  AffineExpr one = getAffineConstantExpr(1, op.getContext());
  launch.grid = {points.ceilDiv(kLoopThreads), one, one};
  launch.threads = kLoopThreads;
  return launch;
}
