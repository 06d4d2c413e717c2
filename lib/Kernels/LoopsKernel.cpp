//===- LoopsKernel.cpp - Kernels of qopt.loops -----------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The plan of a kernel, its name and key, and its launch.
//
//===----------------------------------------------------------------------===//
#include "LoopsKernel.h"

#include "QuantOpt/Kernels/KernelLaunch.h"
#include "QuantOpt/Kernels/KernelsForm.h"
#include "llvm/Support/InterleavedRange.h"

using namespace mlir;
using namespace mlir::qopt;

/// The widest access, in bytes.
static constexpr int64_t kMaxAccess = kBufferAlignment;

//===----------------------------------------------------------------------===//
// Plan
//===----------------------------------------------------------------------===//

const KernelLoop *LoopsPlan::getLaneLoop() const {
  const SmallVector<KernelLoop> &loops =
      config.getKind() == LoopsKind::Rows ? reductions : parallel;
  return loops.empty() ? nullptr : &loops.back();
}

AffineExpr LoopsPlan::getUnits(AffineExpr rows) const {
  if (parallel.empty())
    return rows;
  // The first loop may stand for the rows loop and others.
  int64_t perRow = parallel.front().extent / shape.getRows();
  if (parallel.size() == 1)
    return steps.front() > perRow ? rows.ceilDiv(steps.front())
                                  : rows * (perRow / steps.front());
  AffineExpr units = perRow == 1 ? rows.ceilDiv(steps.front()) : rows * perRow;
  int64_t inner = 1;
  for (auto [loop, step] : llvm::drop_begin(llvm::zip(parallel, steps)))
    inner *= llvm::divideCeil(loop.extent, step);
  return units * inner;
}

int64_t LoopsPlan::getNumUnits() const {
  MLIRContext *context = config.getContext();
  AffineExpr units = getUnits(getAffineConstantExpr(shape.getRows(), context));
  return cast<AffineConstantExpr>(simplifyAffineExpr(units, 0, 0)).getValue();
}

SmallVector<KernelBuffer> LoopsPlan::getBuffers() const {
  SmallVector<KernelBuffer> buffers;
  for (const LoopsOperand &operand : shape.operands)
    buffers.push_back({operand.getValue(), operand.isOutput});
  return buffers;
}

/// Bytes from the buffer's element 0 to its last one.
static int64_t getSpan(const LoopsOperand &operand) {
  int64_t last = 0;
  for (auto [stride, extent] :
       llvm::zip(operand.strides, operand.type.getShape()))
    last += stride * (extent - 1);
  return last * getElementBytes(operand.getElementType());
}

/// The number of elements along the lanes' loop that one access may have.
static int64_t getWidth(const LoopsPlan &plan, size_t i) {
  const LoopsOperand &operand = plan.shape.operands[i];
  const KernelLoop *inner = plan.getLaneLoop();
  if (!inner || inner->strides[i] != 1 ||
      (inner->loop >= 0 && operand.isChecked(inner->loop)))
    return 1;
  int64_t bytes = getElementBytes(operand.getElementType());
  int64_t start = operand.address.offset * bytes;
  if (isa<MemRefType>(operand.type))
    start += getByteOffset(operand.getValue());
  // Groups must not straddle rows.
  int64_t extent = inner->extent;
  if (plan.config.getKind() != LoopsKind::Rows && plan.parallel.size() == 1)
    extent /= plan.shape.getRows();
  auto fits = [&](int64_t width) {
    int64_t access = width * bytes;
    auto steps = [&](ArrayRef<KernelLoop> loops) {
      return llvm::all_of(loops, [&](const KernelLoop &loop) {
        return &loop == inner || loop.strides[i] * bytes % access == 0;
      });
    };
    return access <= kMaxAccess && start % access == 0 && extent % width == 0 &&
           steps(plan.parallel) && steps(plan.reductions);
  };
  int64_t width = plan.config.getLanes();
  while (width > 1 && !fits(width))
    width /= 2;
  return width;
}

/// Loops whose counters have a use of their own.
static SmallVector<bool> getCountedLoops(const LoopsShape &shape,
                                         LoopsConfigAttr config) {
  SmallVector<bool> counted(shape.extents.size(),
                            config.getKind() == LoopsKind::Depthwise);
  for (const LoopsOperand &operand : shape.operands)
    for (size_t loop = 0; loop < counted.size(); ++loop)
      counted[loop] = counted[loop] || operand.isChecked(loop);
  return counted;
}

LoopsPlan mlir::qopt::makeLoopsPlan(LoopsShape shape, LoopsConfigAttr config) {
  LoopsPlan plan;
  plan.config = config;
  SmallVector<bool> counted = getCountedLoops(shape, config);
  SmallVector<SmallVector<int64_t>> strides;
  for (const LoopsOperand &operand : shape.operands)
    strides.push_back(operand.address.strides);
  plan.parallel = mergeLoops(shape.parallel, shape.extents, strides, counted);
  plan.reductions =
      mergeLoops(shape.reductions, shape.extents, strides, counted);
  plan.shape = std::move(shape);
  plan.steps.assign(plan.parallel.size(), 1);
  if (config.getKind() != LoopsKind::Rows && !plan.steps.empty())
    plan.steps.back() = config.getLanes();
  if (config.getKind() == LoopsKind::Depthwise) {
    unsigned width = matchDepthwise(plan.shape)->width;
    for (auto [loop, step] : llvm::zip(plan.parallel, plan.steps))
      if (loop.loop == static_cast<int>(width))
        step = config.getItems();
  }
  bool isOnBuffers = true;
  for (auto [i, operand] : llvm::enumerate(plan.shape.operands)) {
    plan.widths.push_back(getWidth(plan, i));
    plan.isFar.push_back(getSpan(operand) >= INT32_MAX);
    isOnBuffers &= isa<MemRefType>(operand.type);
  }
  if (isOnBuffers)
    plan.isDistinct = getDistinct(plan.getBuffers());
  plan.isWide = plan.getNumUnits() * config.getRowThreads() >= INT32_MAX;
  return plan;
}

//===----------------------------------------------------------------------===//
// Key and name
//===----------------------------------------------------------------------===//

std::string LoopsPlan::getKey() const {
  std::string key;
  llvm::raw_string_ostream os(key);
  os << config;
  printLoops(parallel, /*isParallel=*/true, os);
  printLoops(reductions, /*isParallel=*/false, os);
  os << (isWide ? " wide" : "");
  for (auto [i, operand] : llvm::enumerate(shape.operands)) {
    os << " [" << operand.operand->getOperandNumber() << ' '
       << operand.getElementType() << ' ' << operand.isOutput << isFar[i]
       << isDistinct[i] << 'w' << widths[i] << '+' << operand.address.offset;
    if (operand.pad)
      os << " pad " << operand.pad;
    for (unsigned dim : operand.checkedDims)
      os << " d" << dim << '<' << operand.type.getDimSize(dim) << ':'
         << operand.subscripts[dim].offset << '+'
         << llvm::interleaved(operand.subscripts[dim].strides);
    os << ']';
  }
  LoopsOp op = shape.op;
  os << " -> ";
  printRegionKey(*op.getProgram(), os);
  return key;
}

/// "rows_i8_i8": the family and the types of the first input and output.
static std::string getBaseName(const LoopsPlan &plan) {
  LoopsOp op = plan.shape.op;
  std::string name;
  llvm::raw_string_ostream os(name);
  os << "loops_" << stringifyLoopsKind(plan.config.getKind());
  if (!op.getInputs().empty())
    os << '_' << getElementTypeOrSelf(op.getInputs().front());
  os << '_' << getElementTypeOrSelf(op.getInits().front());
  return name;
}

//===----------------------------------------------------------------------===//
// Launch
//===----------------------------------------------------------------------===//

static LLVM::LLVMFuncOp createLoopsKernel(const LoopsPlan &plan,
                                          gpu::GPUModuleOp kernels) {
  LoopsOp op = plan.shape.op;
  DeviceBuilder b(op.getLoc(), op.getContext());
  SmallVector<Type> types(plan.shape.operands.size(),
                          b.pointerType(MemorySpace::Global));
  types.push_back(b.getIntegerType(plan.isWide ? 64 : 32));
  LLVM::LLVMFuncOp kernel =
      createKernel(b, kernels, makeKernelName(kernels, getBaseName(plan)),
                   types, plan.config.getThreads());
  setKernelKey(kernel, plan.getKey());
  markPointers(plan.getBuffers(), plan.isDistinct, kernel);
  switch (plan.config.getKind()) {
  case LoopsKind::Threads:
    emitLoopsThreads(plan, b, kernel);
    break;
  case LoopsKind::Rows:
    emitLoopsRows(plan, b, kernel, kernels);
    break;
  case LoopsKind::Depthwise:
    emitLoopsDepthwise(plan, b, kernel);
    break;
  }
  LLVM::ReturnOp::create(b, ValueRange());
  return kernel;
}

FailureOr<KernelLaunch> mlir::qopt::buildLoopsKernel(LoopsOp op,
                                                     gpu::GPUModuleOp kernels,
                                                     const ChipInfo &chip) {
  LoopsConfigAttr config = op.getConfigAttr();
  if (!config)
    return op.emitOpError("has no config: run qopt-select-configs first");
  FailureOr<LoopsShape> shape = analyzeLoops(op);
  if (failed(shape) || failed(verifyLoopsConfig(*shape, config)))
    return failure();
  if (config.getKind() == LoopsKind::Depthwise &&
      !hasPackedWeights(*shape, *matchDepthwise(*shape)))
    return op.emitOpError("needs packed weights for ")
           << config << ": run qopt-select-configs before bufferization";
  LoopsPlan plan = makeLoopsPlan(std::move(*shape), config);
  LLVM::LLVMFuncOp kernel = findKernel(kernels, plan.getKey());
  if (!kernel)
    kernel = createLoopsKernel(plan, kernels);

  KernelLaunch launch;
  launch.kernel = kernel.getName().str();
  for (const LoopsOperand &operand : plan.shape.operands)
    launch.arguments.push_back(
        {KernelArgument::Kind::Buffer, operand.getValue(), {}, 64});
  AffineExpr units = plan.getUnits(getAffineSymbolExpr(0, op.getContext()));
  launch.arguments.push_back(
      {KernelArgument::Kind::Scalar, {}, units, plan.isWide ? 64u : 32u});
  bool isRows = config.getKind() == LoopsKind::Rows;
  int64_t unitsPerBlock = isRows ? config.getThreads() / config.getRowThreads()
                                 : config.getThreads();
  AffineExpr one = getAffineConstantExpr(1, op.getContext());
  launch.grid = {units.ceilDiv(unitsPerBlock), one, one};
  launch.threads = config.getThreads();
  launch.sharedBytes = isRows ? getRowsSharedBytes(plan) : 0;
  return launch;
}
