//===- GemmDp4a.cpp - 8-bit gemm for few rows ------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For at most 16 rows of a the weights' bytes decide: every weight is read
// once, 16 bytes per lane, a warp walking warp_n rows of b along K. Each lane
// keeps its own sums of all rows of a (dp4a), which a butterfly of shuffles
// adds up at the end. The rows of a are read from global memory by all warps:
// they fit the L1 cache.
//
//===----------------------------------------------------------------------===//
#include "GemmKernel.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <numeric>

using namespace mlir;
using namespace mlir::qopt;

namespace {
constexpr int64_t kWarp = 32;
/// Bytes that a lane reads at once, and all lanes of a warp together.
constexpr int64_t kChunk = 16, kWarpChunk = kChunk * kWarp;

class Dp4aKernel {
public:
  Dp4aKernel(DeviceBuilder &builder, const GemmProblem &problem,
             const GemmParameters &parameters)
      : b(builder), problem(problem), config(problem.config), p(parameters),
        emitter(*problem.getOp().getEpilogue()) {}

  void emit();

private:
  /// The words of a chunk of a row at depth `depth`; zeros beyond K.
  SmallVector<Value> loadChunk(Value row, Value depth, int64_t width);
  void accumulate(Value depth, MutableArrayRef<Value> sums);
  Value dot(Value a, Value w, Value sum);
  Value sumOverWarp(Value value);
  void emitEpilogue(ArrayRef<Value> sums);

  DeviceBuilder &b;
  const GemmProblem &problem;
  GemmConfigAttr config;
  const GemmParameters &p;
  EpilogueEmitter emitter;
  Value lane, firstRow, firstColumn;
  SmallVector<Value> rowsA, rowsB;
};
} // namespace

SmallVector<Value> Dp4aKernel::loadChunk(Value row, Value depth,
                                         int64_t width) {
  bool checked = problem.k % config.getBlockK() != 0;
  SmallVector<Value> words(kChunk / 4, b.i32(0));
  for (int64_t i = 0; i < kChunk; i += width) {
    Value start = b.add(depth, i);
    Value exists = checked ? b.less(start, p.k) : Value();
    if (checked)
      start = b.select(exists, start, b.i32(0));
    Value pointer = b.offset(row, b.toI64(start));
    auto mask = [&](Value word) {
      return checked ? b.select(exists, word, b.i32(0)) : word;
    };
    if (width >= 4) {
      int64_t count = width / 4;
      Type type = count == 1 ? Type(b.getI32Type())
                             : Type(VectorType::get(count, b.getI32Type()));
      Value loaded = b.load(type, pointer, width);
      for (int64_t w = 0; w < count; ++w)
        words[i / 4 + w] =
            mask(count == 1 ? loaded : b.vectorElement(loaded, w));
      continue;
    }
    Value bits = b.createOrFold<arith::ExtUIOp>(
        b.getI32Type(), b.load(b.getIntegerType(8 * width), pointer, width));
    words[i / 4] = b.createOrFold<arith::OrIOp>(
        words[i / 4], b.shiftLeft(mask(bits), 8 * (i % 4)));
  }
  return words;
}

static NVVM::DotAccumulateType getDotType(bool isUnsigned) {
  return isUnsigned ? NVVM::DotAccumulateType::UNSIGNED
                    : NVVM::DotAccumulateType::SIGNED;
}

Value Dp4aKernel::dot(Value a, Value w, Value sum) {
  GemmOp op = problem.getOp();
  Type bytes = VectorType::get(4, b.getI8Type());
  return NVVM::DotAccumulate4WayOp::create(
      b, b.getI32Type(), LLVM::BitcastOp::create(b, bytes, a),
      getDotType(op.getAUnsigned()), LLVM::BitcastOp::create(b, bytes, w),
      getDotType(op.getBUnsigned()), sum);
}

/// One step of `block_k` bytes along K: `sums[row][column]`.
void Dp4aKernel::accumulate(Value depth, MutableArrayRef<Value> sums) {
  // A piece of a row is inside K or outside as a whole.
  int64_t widthA = std::gcd(problem.a.rowAlignment, problem.k);
  int64_t widthB = problem.b.rowAlignment;
  int64_t depthB =
      cast<ShapedType>(problem.getOp().getB().getType()).getShape().back();
  bool wholeChunks = depthB >= (problem.k + kChunk - 1) / kChunk * kChunk;
  if (!wholeChunks)
    widthB = std::gcd(widthB, problem.k);
  for (int64_t step = 0; step < config.getBlockK(); step += kWarpChunk) {
    Value chunk = b.add(b.add(depth, step), b.mul(lane, kChunk));
    SmallVector<SmallVector<Value>> weights;
    for (Value row : rowsB)
      weights.push_back(loadChunk(row, chunk, widthB));
    for (auto [m, row] : llvm::enumerate(rowsA)) {
      SmallVector<Value> words = loadChunk(row, chunk, widthA);
      for (auto [n, weight] : llvm::enumerate(weights)) {
        Value &sum = sums[m * weights.size() + n];
        for (auto [x, w] : llvm::zip(words, weight))
          sum = dot(x, w, sum);
      }
    }
  }
}

Value Dp4aKernel::sumOverWarp(Value value) {
  Value all = b.i32(-1), clamp = b.i32(kWarp - 1);
  for (int64_t distance = kWarp / 2; distance > 0; distance /= 2) {
    Value other =
        NVVM::ShflOp::create(b, b.getI32Type(), all, value, b.i32(distance),
                             clamp, NVVM::ShflKind::bfly, UnitAttr());
    value = b.add(value, other);
  }
  return value;
}

/// Lane i takes results i, i + 32, ... of the warp's block_m x warp_n.
void Dp4aKernel::emitEpilogue(ArrayRef<Value> sums) {
  int64_t columns = config.getWarpN();
  for (int64_t first = 0; first < static_cast<int64_t>(sums.size());
       first += kWarp) {
    int64_t count =
        std::min<int64_t>(kWarp, static_cast<int64_t>(sums.size()) - first);
    Value mine = sums[first];
    for (int64_t i = 1; i < count; ++i)
      mine = b.select(b.equal(lane, b.i32(i)), sums[first + i], mine);
    Value index = b.add(lane, first);
    Value row = b.add(firstRow, b.div(index, columns));
    if (count < kWarp)
      row = b.select(b.less(lane, b.i32(count)), row, p.m);
    GemmRowEpilogue epilogue(b, problem, p, emitter);
    epilogue.loadColumns(b.add(firstColumn, b.rem(index, columns)), 1);
    epilogue.store(row, mine);
  }
}

void Dp4aKernel::emit() {
  Value thread = b.threadId();
  lane = b.rem(thread, kWarp);
  firstRow = b.mul(b.blockIdY(), config.getBlockM());
  firstColumn = b.add(b.mul(b.blockIdX(), config.getBlockN()),
                      b.mul(b.div(thread, kWarp), config.getWarpN()));
  Value lastRow = b.sub(p.m, b.i32(1)), lastColumn = b.sub(p.n, b.i32(1));
  for (int64_t m = 0; m < config.getBlockM(); ++m) {
    Value row = b.minUnsigned(b.add(firstRow, m), lastRow);
    rowsA.push_back(b.offset(p.a, b.mul(b.toI64(row), b.toI64(p.lda))));
  }
  for (int64_t n = 0; n < config.getWarpN(); ++n) {
    Value column = b.add(firstColumn, n);
    if (!problem.paddedRowsB)
      column = b.minUnsigned(column, lastColumn);
    rowsB.push_back(b.offset(p.b, b.mul(b.toI64(column), b.toI64(p.ldb))));
  }
  SmallVector<Value> zeros(rowsA.size() * rowsB.size(), b.i32(0));
  SmallVector<Value> sums =
      b.loop(b.ceilDiv(p.k, config.getBlockK()), 1, zeros,
             [&](Value step, ValueRange carried) {
               SmallVector<Value> next(carried);
               accumulate(b.mul(step, config.getBlockK()), next);
               return next;
             });
  for (Value &sum : sums)
    sum = sumOverWarp(sum);
  emitEpilogue(sums);
}

FailureOr<KernelLaunch> qopt::buildGemmDp4a(const GemmProblem &problem,
                                            gpu::GPUModuleOp kernels) {
  GemmConfigAttr config = problem.config;
  DeviceBuilder b(problem.getOp().getLoc(), kernels.getContext());
  std::string key = problem.getKey();
  if (!findKernel(kernels, key)) {
    GemmParameters parameters = createGemmKernel(
        b, kernels, problem, makeKernelName(kernels, problem.getKernelName()));
    Dp4aKernel(b, problem, parameters).emit();
    LLVM::ReturnOp::create(b, ValueRange());
  }
  KernelLaunch launch;
  launch.kernel = findKernel(kernels, key).getName().str();
  launch.arguments = getGemmArguments(problem, /*counterBytes=*/0);
  launch.threads = config.getNumThreads();
  auto constant = [&](int64_t value) { return b.getAffineConstantExpr(value); };
  launch.grid = {constant(problem.n).ceilDiv(config.getBlockN()),
                 problem.getRowsOfBatch().ceilDiv(config.getBlockM()),
                 problem.getGridZ()};
  return launch;
}
