//===- GemmSimt.cpp - f32 gemm ---------------------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For contractions that stay f32: tiles in shared memory, warp_m x warp_n
// results per thread, one fma per k in increasing order, so that the result
// does not depend on the tile.
//
// Shared memory holds both tiles with k outermost: x[k][row], rows padded so
// that a warp's transposing stores spread over the banks. A thread's rows and
// columns are pairs, 2 * threads apart: 8-byte reads without conflicts.
//
//===----------------------------------------------------------------------===//
#include "GemmKernel.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::qopt;

namespace {
constexpr int64_t kFloatBytes = 4, kBanks = 32;

/// Floats between the rows of a tile. 32 / block_k puts the elements that a
/// warp stores into different banks; pairs must stay aligned.
int64_t getPadding(int64_t blockK) {
  return std::max<int64_t>(2, kBanks / blockK);
}

/// A tile of one operand in shared memory.
struct Tile {
  Value base, rowStride, firstRow, numRows;
  bool paddedRows;
  int64_t rows;
  /// Byte offset in shared memory; floats from one k to the next.
  int64_t offset, pitch;
  /// What fills depth beyond K.
  float filler;
};

class SimtKernel {
public:
  SimtKernel(DeviceBuilder &builder, gpu::GPUModuleOp kernels,
             const GemmProblem &problem, const GemmParameters &parameters)
      : b(builder), problem(problem), config(problem.config), p(parameters),
        emitter(*problem.getOp().getEpilogue()),
        shared(getSharedMemory(builder, kernels)) {}

  void emit();

private:
  void loadTile(const Tile &tile, Value depth);
  /// This thread's `count` values of a tile at `k`, by pairs.
  SmallVector<Value> readPairs(const Tile &tile, int64_t k, Value index,
                               int64_t count);
  /// Distance of a thread's pairs.
  static int64_t getPairStride(int64_t rows, int64_t perThread) {
    return 2 * rows / perThread;
  }

  DeviceBuilder &b;
  const GemmProblem &problem;
  GemmConfigAttr config;
  const GemmParameters &p;
  EpilogueEmitter emitter;
  Value shared, thread;
};
} // namespace

void SimtKernel::loadTile(const Tile &tile, Value depth) {
  int64_t threads = config.getNumThreads(), blockK = config.getBlockK();
  bool checked = problem.k % blockK != 0;
  Value lastRow = b.sub(tile.numRows, b.i32(1));
  for (int64_t i = 0; i < tile.rows * blockK / threads; ++i) {
    Value index = b.add(thread, i * threads);
    Value row = b.div(index, blockK), k = b.rem(index, blockK);
    Value source = b.add(tile.firstRow, row);
    if (!tile.paddedRows)
      source = b.minUnsigned(source, lastRow);
    Value column = b.add(depth, k);
    Value exists = checked ? b.less(column, p.k) : Value();
    if (checked)
      column = b.select(exists, column, b.i32(0));
    Value element =
        b.add(b.mul(b.toI64(source), b.toI64(tile.rowStride)), b.toI64(column));
    Value value =
        b.load(b.getF32Type(), b.offset(tile.base, b.mul(element, kFloatBytes)),
               kFloatBytes);
    if (checked)
      value = b.select(
          exists, value,
          arith::ConstantOp::create(b, b.getF32FloatAttr(tile.filler)));
    Value target = b.add(b.mul(b.add(b.mul(k, tile.pitch), row), kFloatBytes),
                         tile.offset);
    b.store(value, b.offset(shared, target), kFloatBytes);
  }
}

SmallVector<Value> SimtKernel::readPairs(const Tile &tile, int64_t k,
                                         Value index, int64_t count) {
  SmallVector<Value> values;
  for (int64_t pair = 0; pair < count / 2; ++pair) {
    Value row = b.add(b.mul(index, 2), pair * getPairStride(tile.rows, count));
    Value pointer =
        b.offset(shared, b.add(b.mul(row, kFloatBytes),
                               k * tile.pitch * kFloatBytes + tile.offset));
    Value both =
        b.load(VectorType::get(2, b.getF32Type()), pointer, 2 * kFloatBytes);
    values.push_back(b.vectorElement(both, 0));
    values.push_back(b.vectorElement(both, 1));
  }
  return values;
}

void SimtKernel::emit() {
  int64_t blockK = config.getBlockK(), perM = config.getWarpM(),
          perN = config.getWarpN();
  thread = b.threadId();
  int64_t threadsN = config.getBlockN() / perN;
  Value indexN = b.rem(thread, threadsN), indexM = b.div(thread, threadsN);
  Value firstRow = b.mul(b.blockIdY(), config.getBlockM());
  Value firstColumn = b.mul(b.blockIdX(), config.getBlockN());

  int64_t pad = getPadding(blockK);
  // fma(-0, 0, x) is x, also where x is -0.
  Tile tileA = {p.a,
                p.lda,
                firstRow,
                p.m,
                /*paddedRows=*/false,
                config.getBlockM(),
                /*offset=*/0,
                config.getBlockM() + pad,
                /*filler=*/-0.0f};
  Tile tileB = {p.b,
                p.ldb,
                firstColumn,
                p.n,
                problem.paddedRowsB,
                config.getBlockN(),
                blockK * tileA.pitch * kFloatBytes,
                config.getBlockN() + pad,
                /*filler=*/0.0f};

  Value zero = arith::ConstantOp::create(b, b.getF32FloatAttr(0.0f));
  SmallVector<Value> zeros(perM * perN, zero);
  SmallVector<Value> sums = b.loop(
      b.ceilDiv(p.k, blockK), 1, zeros, [&](Value step, ValueRange carried) {
        Value depth = b.mul(step, blockK);
        loadTile(tileA, depth);
        loadTile(tileB, depth);
        b.barrier();
        SmallVector<Value> next(carried);
        for (int64_t k = 0; k < blockK; ++k) {
          SmallVector<Value> a = readPairs(tileA, k, indexM, perM);
          SmallVector<Value> w = readPairs(tileB, k, indexN, perN);
          for (int64_t m = 0; m < perM; ++m)
            for (int64_t n = 0; n < perN; ++n)
              next[m * perN + n] =
                  math::FmaOp::create(b, a[m], w[n], next[m * perN + n]);
        }
        b.barrier();
        return next;
      });

  for (int64_t pairN = 0; pairN < perN / 2; ++pairN) {
    Value column = b.add(b.add(firstColumn, b.mul(indexN, 2)),
                         pairN * getPairStride(config.getBlockN(), perN));
    GemmRowEpilogue epilogue(b, problem, p, emitter);
    epilogue.loadColumns(column, 2);
    for (int64_t m = 0; m < perM; ++m) {
      Value row =
          b.add(b.add(firstRow, b.mul(indexM, 2)),
                m / 2 * getPairStride(config.getBlockM(), perM) + m % 2);
      int64_t at = m * perN + 2 * pairN;
      epilogue.store(row, {sums[at], sums[at + 1]});
    }
  }
}

FailureOr<KernelLaunch> qopt::buildGemmSimt(const GemmProblem &problem,
                                            gpu::GPUModuleOp kernels) {
  GemmConfigAttr config = problem.config;
  int64_t threads = config.getNumThreads(), blockK = config.getBlockK();
  if (config.getWarpM() % 2 || config.getWarpN() % 2 || kBanks % blockK ||
      (config.getBlockM() * blockK) % threads ||
      (config.getBlockN() * blockK) % threads)
    return problem.getOp().emitOpError("configuration ")
           << config
           << " needs even results per thread, block_k that divides 32, and "
              "tiles that divide over the threads";
  DeviceBuilder b(problem.getOp().getLoc(), kernels.getContext());
  std::string key = problem.getKey();
  if (!findKernel(kernels, key)) {
    GemmParameters parameters = createGemmKernel(
        b, kernels, problem, makeKernelName(kernels, problem.getKernelName()));
    SimtKernel(b, kernels, problem, parameters).emit();
    LLVM::ReturnOp::create(b, ValueRange());
  }
  KernelLaunch launch;
  launch.kernel = findKernel(kernels, key).getName().str();
  launch.arguments = getGemmArguments(problem, /*counterBytes=*/0);
  launch.threads = threads;
  int64_t pad = getPadding(blockK);
  launch.sharedBytes = blockK *
                       (config.getBlockM() + config.getBlockN() + 2 * pad) *
                       kFloatBytes;
  auto constant = [&](int64_t value) { return b.getAffineConstantExpr(value); };
  launch.grid = {constant(problem.n).ceilDiv(config.getBlockN()),
                 problem.getRowsOfBatch().ceilDiv(config.getBlockM()),
                 problem.getGridZ()};
  return launch;
}
