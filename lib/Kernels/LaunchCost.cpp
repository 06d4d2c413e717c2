//===- LaunchCost.cpp - What a launch moves, computes and takes -*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Bytes count each operand once, as if caches were perfect within a launch and
// empty between launches. Times of gemms are the cost model's; other kernels
// take the time of their bytes or of their operations, whichever is longer.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Kernels/LaunchCost.h"

#include "LoopShape.h"

#include "QuantOpt/Analysis/Report.h"
#include "QuantOpt/Kernels/CostModel.h"
#include "mlir/IR/Remarks.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::qopt;

//===----------------------------------------------------------------------===//
// Energy
//===----------------------------------------------------------------------===//

// Memory: Micron, "Ultra-Bandwidth Solutions" (average power of the device):
// HBM2E 6.0, GDDR6 7.5 pJ per bit; HBM3 taken as HBM2E, LPDDR5 as 5.
// Multiply-adds: half of the board's power at its peak rate, from data sheets
// (A100 400 W and 624 TOPS: 1.3 pJ at most): the other half is what moves data.
// L2: 20 mm of wire at 0.08 pJ per bit and mm and as much again for the caches
// (Dally, "On the Model of Computation", Communications of the ACM 2022, for
// the wire). Scalar operations: half of the board's power at its f32 rate.
EnergyCosts mlir::qopt::getEnergyCosts(const ChipInfo &chip) {
  constexpr double kHbm = 48, kGddr6 = 60, kLpddr5 = 40, kL2 = 25;
  switch (chip.computeCapability) {
  case 86:
    return {kGddr6, kL2, 1.0, 8};
  case 87:
    return {kLpddr5, kL2, 0.7, 11};
  case 89:
    return {kGddr6, kL2, 0.5, 4};
  case 90:
    return {kHbm, kL2, 0.4, 10};
  default:
    return {kHbm, kL2, 0.6, 20};
  }
}

//===----------------------------------------------------------------------===//
// Bytes
//===----------------------------------------------------------------------===//

/// Bytes of the elements of a buffer, gaps between strided rows apart.
static int64_t getBytes(Value value) {
  auto type = cast<ShapedType>(value.getType());
  return type.getNumElements() * getElementBytes(type.getElementType());
}

/// True where `input` is the memory of `init`.
static bool isSamePlace(Value input, Value init) {
  Value root = getBufferRoot(input);
  return root && root == getBufferRoot(init) &&
         getByteOffset(input) == getByteOffset(init);
}

/// Operands that the op reads and those that it writes.
static void countBytes(Operation *op, LaunchFigures &figures) {
  auto destination = cast<DestinationStyleOpInterface>(op);
  SmallVector<Value> seen;
  for (OpOperand *input : destination.getDpsInputOperands()) {
    // Scalars are arguments.
    if (!isa<MemRefType>(input->get().getType()))
      continue;
    if (!llvm::is_contained(seen, input->get()))
      figures.bytesRead += getBytes(input->get());
    seen.push_back(input->get());
  }
  auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
  for (OpOperand &init : destination.getDpsInitsMutable()) {
    figures.bytesWritten += getBytes(init.get());
    if (linalgOp && linalgOp.payloadUsesValueFromOperand(&init) &&
        !findInitialFill(linalgOp, init)) {
      figures.bytesRead += getBytes(init.get());
      figures.inPlace = true;
    }
    figures.inPlace |= llvm::any_of(
        seen, [&](Value input) { return isSamePlace(input, init.get()); });
  }
}

//===----------------------------------------------------------------------===//
// Operations
//===----------------------------------------------------------------------===//

/// True for what becomes arithmetic of its own.
static bool isScalarOp(Operation &op) {
  return !op.hasTrait<OpTrait::ConstantLike>() &&
         !op.hasTrait<OpTrait::IsTerminator>() &&
         !isa<linalg::IndexOp, memref::LoadOp>(op);
}

static int64_t getProduct(ArrayRef<int64_t> extents) {
  return std::accumulate(extents.begin(), extents.end(), int64_t(1),
                         std::multiplies<>());
}

static std::string printExtents(ArrayRef<int64_t> extents, StringRef names) {
  std::string text;
  llvm::raw_string_ostream os(text);
  llvm::interleave(extents, os, "x");
  os << " (" << names << ")";
  return text;
}

/// Clocks from the start of a kernel to its first data, as in the cost model.
static constexpr double kStartClocks = 1300;
/// Share of the memory bandwidth that large copies reach.
static constexpr double kMemoryEfficiency = 0.85;

/// The time of bytes or of scalar operations, whichever is longer.
static void estimateByBytes(LaunchFigures &figures, const ChipInfo &chip) {
  double start = kStartClocks / chip.clockMHz;
  double memory = (figures.bytesRead + figures.bytesWritten) /
                  (chip.memoryGBps * 1e3 * kMemoryEfficiency);
  double compute = figures.scalarOps / (double(chip.f32MacsPerClock) *
                                        chip.multiprocessors * chip.clockMHz);
  double work = std::max(memory, compute);
  figures.microseconds = start + work;
  figures.bound = work < start        ? "latency"
                  : memory >= compute ? "memory"
                                      : "math";
}

/// Bytes that tiles take from L2.
static double countL2Bytes(GemmOp op, const LaunchFigures &figures) {
  GemmConfigAttr config = *op.getConfig();
  if (config.getKind() == GemmKind::Dp4a)
    return figures.bytesRead;
  double tiles = double(llvm::divideCeil(op.getM(), config.getBlockM())) *
                 llvm::divideCeil(op.getN(), config.getBlockN()) *
                 op.getBatch();
  int64_t elementBytes =
      getElementBytes(cast<ShapedType>(op.getA().getType()).getElementType());
  return tiles * (config.getBlockM() + config.getBlockN()) * op.getK() *
         elementBytes;
}

static void estimateProduct(GemmOp op, LaunchFigures &figures,
                            const ChipInfo &chip) {
  GemmConfigAttr config = *op.getConfig();
  figures.family = (Twine(op.getWindow() ? "conv " : "gemm ") +
                    stringifyGemmKind(config.getKind()))
                       .str();
  figures.shape = printExtents({op.getBatch(), op.getM(), op.getN(), op.getK()},
                               "batch, m, n, k");
  int64_t elements = op.getBatch() * op.getM() * op.getN();
  if (op.isInteger())
    figures.macs = elements * op.getK();
  else
    figures.scalarOps = 2 * elements * op.getK();
  figures.scalarOps += elements * llvm::count_if(*op.getEpilogue(), isScalarOp);
  GemmCost cost = estimateGemm(GemmShape::get(op), config, chip);
  figures.microseconds = cost.microseconds;
  figures.bound = stringifyGemmBound(cost.bound).str();
}

static void estimateLoops(linalg::LinalgOp op, LaunchFigures &figures,
                          const ChipInfo &chip) {
  SmallVector<int64_t> extents = op.getStaticLoopRanges();
  int64_t points = getProduct(extents);
  figures.shape = printExtents(extents, "loops");
  figures.scalarOps = points * llvm::count_if(*op.getBlock(), isScalarOp);
  // Elements of tables: each at most once.
  op.getBlock()->walk([&](memref::LoadOp load) {
    int64_t element = getElementBytes(load.getType());
    figures.bytesRead += std::min(points * element, getBytes(load.getMemRef()));
  });
  estimateByBytes(figures, chip);
}

static void estimateLoops(LoopsOp op, LaunchFigures &figures,
                          const ChipInfo &chip) {
  ArrayRef<int64_t> extents = op.getExtents();
  int64_t points = getProduct(extents), parallel = 1;
  for (auto [extent, isReduced] : llvm::zip(extents, op.getReductions()))
    if (!isReduced)
      parallel *= extent;
  DenseSet<Value> varying = op.getVarying();
  for (Operation &inner : *op.getProgram()) {
    if (!isScalarOp(inner))
      continue;
    bool perPoint =
        isa<ReduceOp>(inner) || varying.contains(inner.getResult(0));
    figures.scalarOps += perPoint ? points : parallel;
  }
  figures.shape = printExtents(extents, "loops");
  estimateByBytes(figures, chip);
}

//===----------------------------------------------------------------------===//
// All of it
//===----------------------------------------------------------------------===//

LaunchFigures mlir::qopt::estimateLaunch(Operation *op,
                                         const KernelLaunch &launch,
                                         const ChipInfo &chip) {
  LaunchFigures figures;
  figures.kernel = launch.kernel;
  figures.family = StringRef(launch.kernel).split('_').first.str();
  countBytes(op, figures);
  double l2Bytes = 0;
  if (auto gemm = dyn_cast<GemmOp>(op)) {
    estimateProduct(gemm, figures, chip);
    l2Bytes = countL2Bytes(gemm, figures);
  } else if (auto loops = dyn_cast<LoopsOp>(op)) {
    estimateLoops(loops, figures, chip);
  } else {
    estimateLoops(cast<linalg::LinalgOp>(op), figures, chip);
  }
  double bytes = figures.bytesRead + figures.bytesWritten;
  double clocks = figures.microseconds * chip.clockMHz;
  figures.tensorShare =
      figures.macs / (clocks * chip.mmaMacsPerClock * chip.multiprocessors);
  figures.bandwidthShare =
      bytes / (figures.microseconds * 1e3 * chip.memoryGBps);
  EnergyCosts costs = getEnergyCosts(chip);
  constexpr double kMicro = 1e-6; // of a pJ
  figures.microjoules =
      kMicro *
      (bytes * costs.memoryByte + std::max(l2Bytes, bytes) * costs.l2Byte +
       figures.macs * costs.mac + figures.scalarOps * costs.scalarOp);
  return figures;
}

std::string mlir::qopt::describeLaunch(const LaunchFigures &figures) {
  std::string text =
      llvm::formatv("{0} {1}: {2:f1} us ({3}), reads {4:f1} KB, writes {5:f1} "
                    "KB, {6:f1} % of the bandwidth",
                    figures.kernel, figures.shape, figures.microseconds,
                    figures.bound, figures.bytesRead / 1e3,
                    figures.bytesWritten / 1e3, 100 * figures.bandwidthShare);
  if (figures.macs)
    text += llvm::formatv(", {0:f1} % of the tensor cores",
                          100 * figures.tensorShare);
  text += llvm::formatv(", {0:f1} uJ", figures.microjoules);
  return text;
}

void mlir::qopt::noteLaunch(gpu::LaunchFuncOp call, Operation *op,
                            const KernelLaunch &launch, const ChipInfo &chip) {
  LaunchFigures figures = estimateLaunch(op, launch, chip);
  figures.name = getOpName(call).str();
  call->setAttr(kWorkAttr, figures.toAttribute(call.getContext()));
  remark::analysis(op->getLoc(),
                   remark::RemarkOpts::name("launch").category(kRemarks))
      << figures.name << ": launch: " << chip.name.str() << ": "
      << describeLaunch(figures);
}
