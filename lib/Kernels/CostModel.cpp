//===- CostModel.cpp - How long a gemm takes with a configuration -*- C++
//-*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Times are in clocks of one multiprocessor unless a name says otherwise.
//
// A block works in steps of block_k. A step costs the largest of its clocks on
// the multiply units, in shared memory, and on the way from L2, times the
// blocks that share the multiprocessor; but no less than the latency of a load
// divided by the stages in flight (all of it, where loads are not
// asynchronous). A wave is the start of a block, the first load, its steps, and
// the epilogue.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Kernels/CostModel.h"

#include "TensorView.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <numeric>

using namespace mlir;
using namespace mlir::qopt;

/// Clocks from a load's issue to its data, from DRAM under load.
static constexpr double kLoadLatency = 700;
/// Clocks to start a block, compute its addresses and, at its end, to drain.
static constexpr double kBlockOverhead = 600;
/// Clocks of barrier, wait and loop control per step.
static constexpr double kStepOverhead = 40;
/// Bytes per clock of shared memory and L1.
static constexpr double kSharedBytesPerClock = 128;
/// Share of the memory bandwidth that large copies reach.
static constexpr double kMemoryEfficiency = 0.85;
/// Share of the shorter of computing and moving bytes that is not hidden.
static constexpr double kExposedShare = 0.1;
/// Warp instructions per clock.
static constexpr double kIssuePerClock = 4;
static constexpr int64_t kWarp = 32, kChunk = 16, kBanks = 32;
static constexpr int64_t kMaxRegisters = 255;

static int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// Bytes, at most 16, that the rows of `operand` are aligned to by the strides
/// of the buffer that it will be.
static int64_t getAlignment(Value operand) {
  auto type = dyn_cast<RankedTensorType>(operand.getType());
  if (!type)
    return kChunk;
  int64_t offset = 0;
  SmallVector<int64_t> strides = getTensorStrides(operand, offset);
  int64_t alignment = offset;
  for (auto [extent, stride] :
       llvm::zip(type.getShape().drop_back(), ArrayRef(strides).drop_back()))
    if (extent != 1)
      alignment = std::gcd(alignment, stride);
  int64_t bytes = ceilDiv(type.getElementTypeBitWidth(), 8);
  return std::gcd(alignment * bytes, kChunk);
}

int64_t GemmShape::getRowAlignment() const {
  return std::gcd(std::gcd(getDepth(), kChunk), rowAlignment);
}

GemmShape GemmShape::get(GemmOp op) {
  GemmShape shape;
  shape.batch = op.getBatch();
  shape.m = op.getM();
  shape.n = op.getN();
  shape.k = op.getK();
  shape.isInteger = op.isInteger();
  Type element = getElementTypeOrSelf(op.getA().getType());
  shape.isHalf = element.isF16() || element.isBF16();
  shape.sharesB = op.getMapB().getNumResults() == 2;
  shape.packsB = isa_and_nonnull<PackOp>(op.getB().getDefiningOp());
  shape.rowAlignment = getAlignment(op.getA());
  if (!shape.packsB)
    shape.rowAlignment = std::gcd(shape.rowAlignment, getAlignment(op.getB()));
  auto getBytes = [](Value value) {
    return ceilDiv(
        getElementTypeOrSelf(value.getType()).getIntOrFloatBitWidth(), 8);
  };
  shape.resultBytes = getBytes(op.getInit());
  for (auto [operand, map] :
       llvm::zip(op.getEpilogueInputs(),
                 op.getEpilogueMaps().getAsValueRange<AffineMapAttr>()))
    if (map.getNumResults() == map.getNumDims())
      shape.operandBytes += getBytes(operand);
  shape.scalarOps = op.getEpilogue()->getOperations().size();
  return shape;
}

//===----------------------------------------------------------------------===//
// Resources
//===----------------------------------------------------------------------===//

GemmResources qopt::getGemmResources(GemmConfigAttr config) {
  GemmResources resources;
  int64_t blockM = config.getBlockM(), blockN = config.getBlockN(),
          blockK = config.getBlockK();
  int64_t warpM = config.getWarpM(), warpN = config.getWarpN();
  resources.threads = config.getNumThreads();
  int64_t registers = 0;
  switch (config.getKind()) {
  case GemmKind::Mma: {
    resources.sharedBytes = config.getStages() * blockK * (blockM + blockN);
    // Accumulators; fragments of this and the next k32 step; addresses, which
    // are one set per 64 bytes of depth.
    int64_t fragments = 4 * (warpM / 16) + 2 * (warpN / 8);
    registers = warpM * warpN / kWarp + 2 * fragments + 24 * (blockK / 64);
    break;
  }
  case GemmKind::Dp4a:
    // Sums, chunks of weights and of one row, and pointers.
    registers = warpM * warpN + 4 * warpN * (blockK / 512) + 4 +
                2 * (warpM + warpN) + 24;
    break;
  case GemmKind::Simt: {
    int64_t pad = kBanks / std::min(blockK, kBanks);
    resources.sharedBytes = 4 * blockK * (blockM + blockN + 2 * pad);
    registers = warpM * warpN + 2 * (warpM + warpN) +
                blockK * (blockM + blockN) / resources.threads + 32;
    break;
  }
  }
  constexpr int64_t kGranularity = 8;
  resources.registers = llvm::alignTo(registers, kGranularity);
  return resources;
}

int64_t qopt::getBlocksPerMultiprocessor(GemmConfigAttr config,
                                         const ChipInfo &chip) {
  GemmResources resources = getGemmResources(config);
  if (resources.sharedBytes > chip.sharedPerBlock ||
      resources.registers > kMaxRegisters)
    return 0;
  return std::min({chip.blocksPerMultiprocessor,
                   chip.threadsPerMultiprocessor / resources.threads,
                   chip.registersPerMultiprocessor /
                       (resources.registers * resources.threads),
                   chip.sharedPerMultiprocessor /
                       (resources.sharedBytes + chip.sharedReservedPerBlock)});
}

//===----------------------------------------------------------------------===//
// Time
//===----------------------------------------------------------------------===//

StringRef qopt::stringifyGemmBound(GemmBound bound) {
  switch (bound) {
  case GemmBound::Math:
    return "math";
  case GemmBound::SharedMemory:
    return "shared memory";
  case GemmBound::L2:
    return "L2";
  case GemmBound::Memory:
    return "memory";
  case GemmBound::Latency:
    return "latency";
  }
  llvm_unreachable("all bounds are handled");
}

namespace {
/// Clocks that one block takes of each unit of its multiprocessor.
struct BlockWork {
  int64_t blocks;                 ///< of the whole gemm
  int64_t steps;                  ///< of a block
  double math, shared, l2, issue; ///< per step
  double loadsInFlight;           ///< steps whose loads overlap
  bool asynchronous;              ///< loads overlap multiplications
  double epilogue, extraLatency;  ///< per block
};
} // namespace

/// Instructions to copy `bytes` of rows of that alignment, per warp. Rows that
/// are not aligned to 4 bytes are put together in registers.
static double getCopyInstructions(double bytes, int64_t alignment) {
  constexpr double kPerCopy = 2, kPerNarrowLoad = 6;
  return bytes / alignment / kWarp *
         (alignment >= 4 ? kPerCopy : kPerNarrowLoad);
}

static double getEpilogueClocks(const GemmShape &shape, const ChipInfo &chip,
                                double elements) {
  // Addresses, checks, packing.
  constexpr double kMoreOps = 6;
  double compute =
      elements * (shape.scalarOps + kMoreOps) / chip.f32MacsPerClock;
  double bytes = elements * (shape.resultBytes + shape.operandBytes);
  return std::max(compute, bytes / chip.l2BytesPerClock);
}

static BlockWork getMmaWork(const GemmShape &shape, GemmConfigAttr config,
                            const ChipInfo &chip) {
  double blockM = config.getBlockM(), blockN = config.getBlockN(),
         blockK = config.getBlockK();
  int64_t tiles = ceilDiv(shape.m, config.getBlockM()) *
                  ceilDiv(shape.n, config.getBlockN()) * shape.batch;
  double warps = config.getNumThreads() / kWarp;
  double tileBytes = (blockM + blockN) * blockK;
  BlockWork work{};
  work.blocks = tiles * config.getSplitK();
  work.steps = ceilDiv(ceilDiv(shape.getDepth(), config.getBlockK()),
                       config.getSplitK());
  work.math = blockM * blockN * blockK / chip.mmaMacsPerClock;
  double fragmentBytes =
      warps * (config.getWarpM() + config.getWarpN()) * blockK;
  work.shared = (fragmentBytes + tileBytes) / kSharedBytesPerClock;
  work.l2 = tileBytes / chip.l2BytesPerClock;
  int64_t alignment = shape.getRowAlignment();
  work.issue = (getCopyInstructions(blockM * blockK, alignment) +
                getCopyInstructions(blockN * blockK,
                                    shape.packsB ? kChunk : alignment)) /
               kIssuePerClock;
  work.loadsInFlight = config.getStages() - 1;
  work.asynchronous = true;
  work.epilogue = getEpilogueClocks(shape, chip, blockM * blockN);
  if (config.getSplitK() > 1) {
    // Sums to and from L2, the counter, the last block's second look at them.
    work.epilogue += 3 * 4 * blockM * blockN / chip.l2BytesPerClock;
    work.extraLatency = 2 * kLoadLatency;
  }
  return work;
}

static BlockWork getDp4aWork(const GemmShape &shape, GemmConfigAttr config,
                             const ChipInfo &chip) {
  double blockM = config.getBlockM(), warpN = config.getWarpN();
  double warps = config.getNumThreads() / kWarp;
  BlockWork work{};
  work.blocks = ceilDiv(shape.m, config.getBlockM()) *
                ceilDiv(shape.n, config.getBlockN()) * shape.batch;
  work.steps = ceilDiv(shape.k, config.getBlockK());
  // The last step ends with K.
  double depth = double(shape.k) / work.steps;
  double words = warps * blockM * warpN * config.getBlockK() / 4;
  work.math = words / chip.dp4aPerClock;
  work.shared = warps * (blockM + warpN) * depth / kSharedBytesPerClock;
  work.l2 = (warps * warpN + blockM) * depth / chip.l2BytesPerClock;
  int64_t alignment = shape.getRowAlignment();
  work.issue =
      (getCopyInstructions(warps * blockM * config.getBlockK(), alignment) +
       getCopyInstructions(warps * warpN * config.getBlockK(),
                           shape.packsB ? kChunk : alignment)) /
      kIssuePerClock;
  work.loadsInFlight = 1;
  // Five rounds of shuffle and add, a select per result.
  constexpr double kPerSum = 11;
  work.epilogue = warps * blockM * warpN * kPerSum / kIssuePerClock +
                  getEpilogueClocks(shape, chip, blockM * warps * warpN);
  return work;
}

static BlockWork getSimtWork(const GemmShape &shape, GemmConfigAttr config,
                             const ChipInfo &chip) {
  double blockM = config.getBlockM(), blockN = config.getBlockN(),
         blockK = config.getBlockK();
  double warps = config.getNumThreads() / kWarp;
  double tileFloats = (blockM + blockN) * blockK;
  BlockWork work{};
  work.blocks = ceilDiv(shape.m, config.getBlockM()) *
                ceilDiv(shape.n, config.getBlockN()) * shape.batch;
  work.steps = ceilDiv(shape.k, config.getBlockK());
  work.math = blockM * blockN * blockK / chip.f32MacsPerClock;
  // Pairs of floats, each a clock for a warp; tiles are written float by float.
  work.shared = warps * blockK * (config.getWarpM() + config.getWarpN()) / 2 +
                tileFloats * 4 / kSharedBytesPerClock;
  work.l2 = tileFloats * 4 / chip.l2BytesPerClock;
  // An address, a check and a store per float; loads of pairs; fma.
  constexpr double kPerFloat = 6;
  double instructions =
      tileFloats / kWarp * kPerFloat +
      warps * blockK * (config.getWarpM() + config.getWarpN()) / 2 +
      blockM * blockN * blockK / kWarp;
  work.issue = instructions / kIssuePerClock;
  work.loadsInFlight = 1;
  work.epilogue = getEpilogueClocks(shape, chip, blockM * blockN);
  return work;
}

/// How much of the multiply units' rate `warps` resident warps reach: all four
/// schedulers need one, and others while it waits.
static double getMathEfficiency(double warps) {
  return warps / std::max(4.0, warps + 1);
}

/// Clocks of a step of one block while `warps` warps are resident.
static double getStepClocks(const BlockWork &work, double warps) {
  double math = work.math / getMathEfficiency(warps);
  return std::max({math, work.shared, work.l2, work.issue});
}

/// Clocks of a wave in which every multiprocessor runs `resident` blocks. More
/// blocks share the units; they never make one block faster than it is alone.
static double getWaveClocks(const BlockWork &work, double warpsPerBlock,
                            double resident, double &mathClocks) {
  double busy = resident * getStepClocks(work, resident * warpsPerBlock);
  double alone = getStepClocks(work, warpsPerBlock) + kStepOverhead;
  double latency = kLoadLatency / work.loadsInFlight;
  double step = work.asynchronous ? std::max({busy, alone, latency})
                                  : std::max(busy, latency + alone);
  mathClocks = work.steps * resident * work.math;
  return work.steps * step + resident * work.epilogue;
}

/// Bytes that cross the memory interface once.
static double getMemoryBytes(const GemmShape &shape, GemmConfigAttr config) {
  double n = shape.n, depth = shape.getDepth();
  if (shape.packsB && config.getKind() == GemmKind::Mma) {
    n = llvm::alignTo(shape.n, config.getBlockN());
    depth = llvm::alignTo(shape.getDepth(), config.getBlockK());
  }
  double batch = shape.batch;
  return batch * shape.m * shape.getDepth() +
         (shape.sharesB ? 1 : batch) * n * depth +
         batch * shape.m * shape.n * (shape.resultBytes + shape.operandBytes);
}

GemmCost qopt::estimateGemm(const GemmShape &shape, GemmConfigAttr config,
                            const ChipInfo &chip) {
  BlockWork work =
      config.getKind() == GemmKind::Mma    ? getMmaWork(shape, config, chip)
      : config.getKind() == GemmKind::Dp4a ? getDp4aWork(shape, config, chip)
                                           : getSimtWork(shape, config, chip);
  int64_t resident = getBlocksPerMultiprocessor(config, chip);
  double warps = config.getNumThreads() / double(kWarp);
  int64_t perWave = chip.multiprocessors * resident;
  int64_t fullWaves = work.blocks / perWave;
  int64_t rest = ceilDiv(work.blocks % perWave, chip.multiprocessors);

  double mathClocks = 0, waveMath = 0;
  double fixed = kBlockOverhead + kLoadLatency + work.extraLatency;
  // Later waves start while other blocks still run.
  double clocks = fixed;
  if (fullWaves > 0) {
    clocks += fullWaves * getWaveClocks(work, warps, resident, waveMath) +
              (fullWaves - 1) * fixed / resident;
    mathClocks += fullWaves * waveMath;
  }
  if (rest > 0) {
    clocks += getWaveClocks(work, warps, rest, waveMath);
    mathClocks += waveMath;
    if (fullWaves > 0)
      clocks += fixed / resident;
  }

  GemmCost cost;
  cost.waves = double(work.blocks) / perWave;
  double bytesPerClock =
      chip.memoryGBps * kMemoryEfficiency * 1000 / chip.clockMHz;
  double memory = kBlockOverhead + kLoadLatency +
                  getMemoryBytes(shape, config) / bytesPerClock;
  // They overlap, but never quite.
  double total =
      std::max(clocks, memory) + kExposedShare * std::min(clocks, memory);
  cost.microseconds = total / chip.clockMHz;
  double perMath = mathClocks / work.math;
  double busiest =
      std::max({mathClocks, perMath * work.shared, perMath * work.l2});
  if (memory > clocks)
    cost.bound = GemmBound::Memory;
  else if (busiest < clocks / 2)
    cost.bound = GemmBound::Latency;
  else
    cost.bound = busiest == mathClocks              ? GemmBound::Math
                 : busiest == perMath * work.shared ? GemmBound::SharedMemory
                                                    : GemmBound::L2;
  return cost;
}
