//===- GemmMma.cpp - gemm on tensor cores ----------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The multistage kernel of the sm_80 class: cp.async fills a ring of tiles in
// shared memory, ldmatrix reads fragments, mma.sync multiplies: m16n8k32 for
// 8-bit operands with i32 sums, m16n8k16 for f16 and bf16 with f32 sums. Both
// take 32 bytes of depth, in fragments of the same bytes; depth is counted in
// bytes.
//
// Shared memory. A stage holds block_m rows of a, then block_n rows of b, each
// row block_k bytes in 16-byte chunks, swizzled so that the eight rows of an
// ldmatrix phase lie in different banks:
//   a: rows 8i .. 8i+7 are read together; chunk c of row r is at
//      c ^ (r & 7) (block_k 128) or c ^ ((r >> 1) & 3) (block_k 64).
//   b: the rows read together are permuted (below); with V = warp_n / 4, row r
//      has i = 2 * ((r / V) & 3) + (r & 1), its chunk c is at c ^ i (128) or
//      c ^ (i >> 1) (64).
//
// Columns. An mma leaves thread t of a quad with columns 2t, 2t+1 of each group
// of 8. Which channel a column is, is free: it is the row of b that ldmatrix
// reads for it. Column 8j + 2t + e of a warp is channel V*t + 2j + e: thread t
// ends up with V consecutive channels of a row, one 16-byte store for
// warp_n = 64 and 8-bit results, and reads scales as vectors.
//
// Tails. Rows beyond M or N are clamped to the last one and their results not
// stored. Depth beyond K is filled with zeros by the copies' source size.
//
// split_k. See SplitK.h.
//
//===----------------------------------------------------------------------===//
#include "GemmKernel.h"
#include "SplitK.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::qopt;

namespace {
constexpr int64_t kChunk = 16;
constexpr int64_t kWarp = 32;
constexpr int64_t kMmaM = 16, kMmaN = 8;
/// Bytes of depth of an mma.
constexpr int64_t kMmaBytes = 32;
/// The narrowest cp.async.
constexpr int64_t kMinAsyncWidth = 4;
/// Results of a warp whose accumulators leave registers for narrower copies.
constexpr int64_t kMaxNarrowWarpTile = 32 * 32;
/// Tile rows that are walked together, for reuse of b in L2.
constexpr int64_t kRasterRows = 8;

/// One operand's tile and this thread's part of filling it. `rowStride` is in
/// bytes, 64-bit.
struct TileCopies {
  bool isB;
  Value base, rowStride, firstRow, numRows;
  /// Rows of the tile, and where it starts in a stage.
  int64_t rows, sharedOffset;
  /// Rows beyond the last one exist.
  bool paddedRows;
  /// Chunks may reach beyond K.
  bool hasTail;
  /// Bytes per copy instruction, 16 where rows are aligned.
  int64_t width;
  /// Byte offset of this thread's chunks in the tile's depth. The number of
  /// threads is a multiple of the chunks per row: it is the same for all.
  Value depth;

  /// Byte offset in a stage, and in global memory the start of the row and of
  /// the chunk at depth 0.
  struct Copy {
    Value shared, rowStart, global;
  };
  /// Kept in registers over the main loop; empty for narrow rows.
  SmallVector<Copy> copies;
};

class MmaKernel {
public:
  MmaKernel(DeviceBuilder &builder, gpu::GPUModuleOp kernels,
            const GemmProblem &problem, const GemmParameters &parameters)
      : b(builder), problem(problem), config(problem.config), p(parameters),
        emitter(*problem.getOp().getEpilogue()),
        shared(getSharedMemory(builder, kernels)),
        elementBytes(problem.getElementBytes()) {}

  void emit();

private:
  void emitTileIndex();
  void planCopies(TileCopies &tile, const MatrixLayout &layout,
                  bool paddedDepth);
  int64_t getNumCopies(const TileCopies &tile) const;
  /// Copy number `index` (i32) of this thread.
  TileCopies::Copy getCopy(const TileCopies &tile, Value index);
  void issueCopies(const TileCopies &tile, Value depth, Value stageOffset);
  void copyBytes(const TileCopies &tile, const TileCopies::Copy &copy,
                 Value depth, Value target, Value valid);
  void issueStage(Value tileK, Value stage);
  SmallVector<Value> emitMainLoop();
  void multiply(Value stage, MutableArrayRef<Value> sums);
  SmallVector<Value> loadFragments(Value pointer);
  Value multiplyFragments(ArrayRef<Value> a, ArrayRef<Value> b, ValueRange sum);
  Value getTileNumber();
  void emitEpilogue(ArrayRef<Value> sums);

  int64_t stageBytesA() const {
    return config.getBlockM() * config.getBlockK();
  }
  int64_t stageBytesB() const {
    return config.getBlockN() * config.getBlockK();
  }
  int64_t stageBytes() const { return stageBytesA() + stageBytesB(); }
  int64_t mmasM() const { return config.getWarpM() / kMmaM; }
  int64_t mmasN() const { return config.getWarpN() / kMmaN; }
  /// Consecutive columns of a thread.
  int64_t columnsPerThread() const { return config.getWarpN() / 4; }
  /// Position of chunk `chunk` of row `row` under the swizzle of a or b.
  Value swizzle(Value row, Value chunk, bool isB);

  DeviceBuilder &b;
  const GemmProblem &problem;
  GemmConfigAttr config;
  const GemmParameters &p;
  EpilogueEmitter emitter;
  Value shared;
  int64_t elementBytes;
  /// K in bytes.
  Value depthOfK;
  Value thread, lane, firstRow, firstColumn, warpRow, warpColumn;
  /// First tile along K of this block, and how many it takes.
  Value firstTileK, numTilesK;
  TileCopies copiesA, copiesB;
};
} // namespace

//===----------------------------------------------------------------------===//
// Which tile
//===----------------------------------------------------------------------===//

/// Blocks walk kRasterRows rows of tiles column by column, then the next ones.
void MmaKernel::emitTileIndex() {
  thread = b.threadId();
  lane = b.bitAnd(thread, kWarp - 1);
  Value warp = b.div(thread, kWarp);
  int64_t warpsM = config.getBlockM() / config.getWarpM();
  warpRow = b.mul(b.rem(warp, warpsM), config.getWarpM());
  warpColumn = b.mul(b.div(warp, warpsM), config.getWarpN());

  Value tilesM = b.ceilDiv(p.m, config.getBlockM());
  Value tilesN = b.ceilDiv(p.n, config.getBlockN());
  Value block = b.blockIdX();
  Value blocksPerGroup = b.mul(tilesN, kRasterRows);
  Value group = b.divDynamic(block, blocksPerGroup);
  Value groupRow = b.mul(group, kRasterRows);
  Value groupRows = b.minUnsigned(b.sub(tilesM, groupRow), b.i32(kRasterRows));
  Value local = b.sub(block, b.mul(group, blocksPerGroup));
  Value tileN = b.divDynamic(local, groupRows);
  Value tileM = b.add(groupRow, b.sub(local, b.mul(tileN, groupRows)));
  firstRow = b.mul(tileM, config.getBlockM());
  firstColumn = b.mul(tileN, config.getBlockN());

  depthOfK = b.mul(p.k, elementBytes);
  Value tilesK = b.ceilDiv(depthOfK, config.getBlockK());
  if (config.getSplitK() == 1) {
    firstTileK = b.i32(0);
    numTilesK = tilesK;
    return;
  }
  Value perSplit = b.ceilDiv(tilesK, config.getSplitK());
  firstTileK = b.mul(b.blockIdY(), perSplit);
  numTilesK =
      b.maxSigned(b.minSigned(b.sub(tilesK, firstTileK), perSplit), b.i32(0));
}

//===----------------------------------------------------------------------===//
// Global to shared memory
//===----------------------------------------------------------------------===//

Value MmaKernel::swizzle(Value row, Value chunk, bool isB) {
  bool wide = config.getBlockK() == 128;
  Value key;
  if (isB) {
    Value quad = b.bitAnd(b.div(row, columnsPerThread()), 3);
    key = wide ? b.add(b.mul(quad, 2), b.bitAnd(row, 1)) : quad;
  } else {
    key = wide ? b.bitAnd(row, 7) : b.bitAnd(b.div(row, 2), 3);
  }
  return b.bitXor(chunk, key);
}

int64_t MmaKernel::getNumCopies(const TileCopies &tile) const {
  return tile.rows * config.getBlockK() / kChunk / config.getNumThreads();
}

void MmaKernel::planCopies(TileCopies &tile, const MatrixLayout &layout,
                           bool paddedDepth) {
  tile.width = layout.rowAlignment;
  tile.hasTail =
      !paddedDepth && problem.k * elementBytes % config.getBlockK() != 0;
  tile.depth = b.mul(b.rem(thread, config.getBlockK() / kChunk), kChunk);
  if (tile.width >= kMinAsyncWidth)
    for (int64_t i = 0; i < getNumCopies(tile); ++i)
      tile.copies.push_back(getCopy(tile, b.i32(i)));
}

TileCopies::Copy MmaKernel::getCopy(const TileCopies &tile, Value index) {
  int64_t chunks = config.getBlockK() / kChunk;
  Value row = b.add(b.div(thread, chunks),
                    b.mul(index, config.getNumThreads() / chunks));
  Value position = swizzle(row, b.rem(thread, chunks), tile.isB);
  Value shared = b.add(b.mul(row, config.getBlockK()), b.mul(position, kChunk));
  Value source = b.add(tile.firstRow, row);
  if (!tile.paddedRows)
    source = b.minUnsigned(source, b.sub(tile.numRows, b.i32(1)));
  Value start = b.offset(tile.base, b.mul(b.toI64(source), tile.rowStride));
  return {b.add(shared, tile.sharedOffset), start,
          b.offset(start, b.toI64(tile.depth))};
}

/// Narrow rows: loads and a store instead of an asynchronous copy. The store
/// is ordered as the copies are: by the barrier before its stage is read.
void MmaKernel::copyBytes(const TileCopies &tile, const TileCopies::Copy &copy,
                          Value depth, Value target, Value valid) {
  int64_t width = tile.width;
  Type type = b.getIntegerType(8 * width);
  SmallVector<Value> words(kChunk / 4, b.i32(0));
  Value chunkStart = b.offset(copy.global, b.toI64(depth));
  for (int64_t i = 0; i < kChunk; i += width) {
    Value pointer = b.offset(chunkStart, i);
    Value exists;
    if (tile.hasTail) {
      exists = b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::sgt, valid,
                                             b.i32(i));
      pointer = b.select(exists, pointer, copy.rowStart);
    }
    Value bits = b.createOrFold<arith::ExtUIOp>(b.getI32Type(),
                                                b.load(type, pointer, width));
    if (exists)
      bits = b.select(exists, bits, b.i32(0));
    words[i / 4] = b.createOrFold<arith::OrIOp>(words[i / 4],
                                                b.shiftLeft(bits, 8 * (i % 4)));
  }
  Value vector = vector::FromElementsOp::create(
      b, VectorType::get(words.size(), b.getI32Type()), words);
  b.store(vector, target, kChunk);
}

void MmaKernel::issueCopies(const TileCopies &tile, Value depth,
                            Value stageOffset) {
  Value valid;
  if (tile.hasTail)
    valid = b.maxSigned(
        b.minSigned(b.sub(b.sub(depthOfK, depth), tile.depth), b.i32(kChunk)),
        b.i32(0));
  // A loop over the narrow copies: unrolled, their loads would take all
  // registers.
  if (tile.width < kMinAsyncWidth) {
    b.loop(b.i32(getNumCopies(tile)), 1, {},
           [&](Value index, ValueRange) -> SmallVector<Value> {
             TileCopies::Copy copy = getCopy(tile, index);
             Value target = b.offset(shared, b.add(copy.shared, stageOffset));
             copyBytes(tile, copy, depth, target, valid);
             return {};
           });
    return;
  }
  for (const TileCopies::Copy &copy : tile.copies) {
    Value target = b.offset(shared, b.add(copy.shared, stageOffset));
    Value source = b.offset(copy.global, b.toI64(depth));
    for (int64_t i = 0; i < kChunk; i += tile.width) {
      Value bytes = valid;
      if (valid && tile.width < kChunk)
        bytes = b.maxSigned(b.minSigned(b.add(valid, -i), b.i32(tile.width)),
                            b.i32(0));
      b.asyncCopy(b.offset(target, i), b.offset(source, i), tile.width, bytes);
    }
  }
}

/// Starts the copies of tile `tileK` (counted from this block's first one).
void MmaKernel::issueStage(Value tileK, Value stage) {
  Value depth = b.mul(b.add(firstTileK, tileK), config.getBlockK());
  Value stageOffset = b.mul(stage, stageBytes());
  issueCopies(copiesA, depth, stageOffset);
  issueCopies(copiesB, depth, stageOffset);
}

//===----------------------------------------------------------------------===//
// Main loop
//===----------------------------------------------------------------------===//

SmallVector<Value> MmaKernel::loadFragments(Value pointer) {
  Type i32 = b.getI32Type();
  auto type =
      LLVM::LLVMStructType::getLiteral(b.getContext(), {i32, i32, i32, i32});
  auto shape = NVVM::LdStMatrixShapeAttr::get(b.getContext(), 8, 8);
  Value matrices = NVVM::LdMatrixOp::create(b, type, pointer, /*num=*/4,
                                            NVVM::MMALayout::row, shape,
                                            NVVM::LdStMatrixEltType::B16);
  SmallVector<Value> words;
  for (int64_t i = 0; i < 4; ++i)
    words.push_back(b.structElement(matrices, i));
  return words;
}

static NVVM::MMATypes getMmaType(bool isUnsigned) {
  return isUnsigned ? NVVM::MMATypes::u8 : NVVM::MMATypes::s8;
}

/// One mma instruction on fragments as ldmatrix gives them.
Value MmaKernel::multiplyFragments(ArrayRef<Value> a, ArrayRef<Value> w,
                                   ValueRange sum) {
  Type element = getElementTypeOrSelf(problem.getOp().getA().getType());
  auto resultType = LLVM::LLVMStructType::getLiteral(
      b.getContext(), SmallVector<Type>(4, sum.front().getType()));
  std::array<int64_t, 3> shape = {kMmaM, kMmaN, kMmaBytes / elementBytes};
  std::array<NVVM::MMALayout, 2> layouts = {NVVM::MMALayout::row,
                                            NVVM::MMALayout::col};
  if (element.isInteger(8)) {
    std::array<NVVM::MMATypes, 2> types = {
        getMmaType(problem.getOp().getAUnsigned()),
        getMmaType(problem.getOp().getBUnsigned())};
    return NVVM::MmaOp::create(b, resultType, a, w, sum, shape,
                               /*b1Op=*/std::nullopt,
                               NVVM::MMAIntOverflow::wrapped, types, layouts);
  }
  // Registers of bf16 are words, those of f16 pairs.
  std::array<NVVM::MMATypes, 2> types = {NVVM::MMATypes::bf16,
                                         NVVM::MMATypes::bf16};
  SmallVector<Value> pairsA(a), pairsB(w);
  if (element.isF16()) {
    types = {NVVM::MMATypes::f16, NVVM::MMATypes::f16};
    Type pair = VectorType::get(2, element);
    for (SmallVector<Value> *words : {&pairsA, &pairsB})
      for (Value &word : *words)
        word = LLVM::BitcastOp::create(b, pair, word);
  }
  return NVVM::MmaOp::create(b, resultType, pairsA, pairsB, sum, shape,
                             /*b1Op=*/std::nullopt,
                             /*intOverflow=*/std::nullopt, types, layouts);
}

/// All mma instructions of one stage.
void MmaKernel::multiply(Value stage, MutableArrayRef<Value> sums) {
  int64_t blockK = config.getBlockK();
  Value base = b.offset(shared, b.mul(stage, stageBytes()));
  // a: lanes 0-15 give rows 0-15 of chunk 0, lanes 16-31 those of chunk 1.
  Value rowA = b.add(warpRow, b.bitAnd(lane, 15));
  Value halfA = b.div(lane, 16);
  Value baseA = b.offset(base, b.mul(rowA, blockK));
  // b: lanes 0-7 rows of the first group of 8 columns, chunk 0; 8-15 chunk 1;
  // 16-31 the same for the second group.
  Value i = b.bitAnd(lane, 7);
  Value rowB = b.add(warpColumn,
                     b.add(b.mul(b.div(i, 2), columnsPerThread()),
                           b.add(b.mul(b.div(lane, 16), 2), b.bitAnd(i, 1))));
  Value halfB = b.bitAnd(b.div(lane, 8), 1);
  Value baseB = b.offset(base, b.add(b.mul(rowB, blockK), stageBytesA()));

  for (int64_t step = 0; step < blockK / kMmaBytes; ++step) {
    Value positionA =
        b.mul(swizzle(rowA, b.add(halfA, 2 * step), /*isB=*/false), kChunk);
    Value positionB =
        b.mul(swizzle(rowB, b.add(halfB, 2 * step), /*isB=*/true), kChunk);
    SmallVector<SmallVector<Value>> fragmentsA, fragmentsB;
    Value pointerA = b.offset(baseA, positionA);
    for (int64_t m = 0; m < mmasM(); ++m)
      fragmentsA.push_back(
          loadFragments(b.offset(pointerA, m * kMmaM * blockK)));
    Value pointerB = b.offset(baseB, positionB);
    for (int64_t n = 0; n < mmasN(); n += 2) {
      // Group n starts at channel 2n of each thread's columns.
      SmallVector<Value> both =
          loadFragments(b.offset(pointerB, 2 * n * blockK));
      fragmentsB.push_back({both[0], both[1]});
      fragmentsB.push_back({both[2], both[3]});
    }
    for (int64_t m = 0; m < mmasM(); ++m)
      for (int64_t n = 0; n < mmasN(); ++n) {
        MutableArrayRef<Value> sum = sums.slice(4 * (m * mmasN() + n), 4);
        Value result = multiplyFragments(fragmentsA[m], fragmentsB[n], sum);
        for (int64_t e = 0; e < 4; ++e)
          sum[e] = b.structElement(result, e);
      }
  }
}

/// Returns the accumulators: [m][n][4] in mma order.
SmallVector<Value> MmaKernel::emitMainLoop() {
  int64_t stages = config.getStages();
  for (int64_t s = 0; s < stages - 1; ++s) {
    // Always a group per stage, possibly empty: the wait counts stay right.
    b.ifThen(b.less(b.i32(s), numTilesK),
             [&] { issueStage(b.i32(s), b.i32(s)); });
    b.asyncCommit();
  }
  SmallVector<Value> init = {b.i32(0), b.i32(stages - 1)};
  Value zero = problem.getOp().isInteger()
                   ? b.i32(0)
                   : arith::ConstantOp::create(b, b.getF32FloatAttr(0.0f));
  init.append(4 * mmasM() * mmasN(), zero);
  SmallVector<Value> last =
      b.loop(numTilesK, 1, init, [&](Value tileK, ValueRange carried) {
        Value readStage = carried[0], writeStage = carried[1];
        b.asyncWait(stages - 2);
        // After it, the tile is visible to all, and nobody reads the stage that
        // is filled next.
        b.barrier();
        Value ahead = b.add(tileK, stages - 1);
        b.ifThen(b.less(ahead, numTilesK),
                 [&] { issueStage(ahead, writeStage); });
        b.asyncCommit();
        SmallVector<Value> sums(carried.drop_front(2));
        multiply(readStage, sums);
        auto next = [&](Value stage) {
          Value following = b.add(stage, 1);
          return b.select(b.equal(following, b.i32(stages)), b.i32(0),
                          following);
        };
        SmallVector<Value> yielded = {next(readStage), next(writeStage)};
        yielded.append(sums);
        return yielded;
      });
  return SmallVector<Value>(llvm::drop_begin(last, 2));
}

//===----------------------------------------------------------------------===//
// Split K and epilogue
//===----------------------------------------------------------------------===//

/// Of this block's tile, over all batches.
Value MmaKernel::getTileNumber() {
  Value tile = b.blockIdX();
  if (!problem.isBatched())
    return tile;
  Value tilesPerBatch = b.mul(b.ceilDiv(p.m, config.getBlockM()),
                              b.ceilDiv(p.n, config.getBlockN()));
  return b.add(tile, b.mul(b.blockIdZ(), tilesPerBatch));
}

void MmaKernel::emitEpilogue(ArrayRef<Value> sums) {
  Value group = b.div(lane, 4), quad = b.bitAnd(lane, 3);
  Value row = b.add(b.add(firstRow, warpRow), group);
  Value column =
      b.add(b.add(firstColumn, warpColumn), b.mul(quad, columnsPerThread()));
  GemmRowEpilogue epilogue(b, problem, p, emitter);
  epilogue.loadColumns(column, columnsPerThread());
  for (int64_t m = 0; m < mmasM(); ++m)
    for (int64_t half = 0; half < 2; ++half) {
      SmallVector<Value> values;
      for (int64_t n = 0; n < mmasN(); ++n)
        for (int64_t e = 0; e < 2; ++e)
          values.push_back(sums[4 * (m * mmasN() + n) + 2 * half + e]);
      epilogue.store(b.add(row, m * kMmaM + half * 8), values);
    }
}

void MmaKernel::emit() {
  emitTileIndex();
  copiesA.isB = false;
  copiesA.base = p.a;
  copiesA.rowStride = b.mul(b.toI64(p.lda), elementBytes);
  copiesA.firstRow = firstRow;
  copiesA.numRows = p.m;
  copiesA.rows = config.getBlockM();
  copiesA.sharedOffset = 0;
  copiesA.paddedRows = false;
  planCopies(copiesA, problem.a, /*paddedDepth=*/false);
  copiesB.isB = true;
  copiesB.base = p.b;
  copiesB.rowStride = b.mul(b.toI64(p.ldb), elementBytes);
  copiesB.firstRow = firstColumn;
  copiesB.numRows = p.n;
  copiesB.rows = config.getBlockN();
  copiesB.sharedOffset = stageBytesA();
  copiesB.paddedRows = problem.paddedRowsB;
  planCopies(copiesB, problem.b, problem.paddedDepthB);
  SmallVector<Value> sums = emitMainLoop();
  if (config.getSplitK() == 1)
    return emitEpilogue(sums);
  SplitK split(b, p, config, getTileNumber(), thread, sums.size());
  Value isLast = split.add(sums, shared);
  b.ifThen(isLast, [&] { emitEpilogue(split.takeTotals()); });
}

FailureOr<KernelLaunch> qopt::buildGemmMma(const GemmProblem &problem,
                                           gpu::GPUModuleOp kernels) {
  GemmConfigAttr config = problem.config;
  if (!problem.getOp().isInteger() && config.getSplitK() > 1)
    return problem.getOp().emitOpError("configuration ")
           << config
           << " splits sums of floats, which depend on their order; use "
              "split_k = 1";
  if (std::min(problem.a.rowAlignment, problem.b.rowAlignment) <
          kMinAsyncWidth &&
      config.getWarpM() * config.getWarpN() > kMaxNarrowWarpTile)
    return problem.getOp().emitOpError("configuration ")
           << config << " does not take rows that are not aligned to "
           << kMinAsyncWidth
           << " bytes: their copies go through registers, which "
              "warp tiles of more than 32 x 32 do not leave; use a smaller one";
  auto ceilDiv = [](int64_t a, int64_t b) { return (a + b - 1) / b; };
  int64_t tilesM = ceilDiv(problem.m, config.getBlockM());
  int64_t tilesN = ceilDiv(problem.n, config.getBlockN());
  constexpr int64_t kCounterBytes = 4, kAlignment = 256;
  int64_t counterBytes = llvm::alignTo(
      tilesM * tilesN * problem.batch * kCounterBytes, kAlignment);

  DeviceBuilder b(problem.getOp().getLoc(), kernels.getContext());
  std::string key = problem.getKey();
  LLVM::LLVMFuncOp kernel = findKernel(kernels, key);
  if (!kernel) {
    GemmParameters parameters = createGemmKernel(
        b, kernels, problem, makeKernelName(kernels, problem.getKernelName()));
    MmaKernel(b, kernels, problem, parameters).emit();
    LLVM::ReturnOp::create(b, ValueRange());
    kernel = findKernel(kernels, key);
  }

  KernelLaunch launch;
  launch.kernel = kernel.getName().str();
  launch.arguments = getGemmArguments(problem, counterBytes);
  launch.threads = config.getNumThreads();
  launch.sharedBytes = config.getStages() * config.getBlockK() *
                       (config.getBlockM() + config.getBlockN());
  auto constant = [&](int64_t value) { return b.getAffineConstantExpr(value); };
  launch.grid = {problem.getRowsOfBatch().ceilDiv(config.getBlockM()) *
                     constant(tilesN),
                 constant(config.getSplitK()), problem.getGridZ()};
  if (config.getSplitK() > 1)
    launch.workspaceBytes = counterBytes + problem.batch * tilesM * tilesN *
                                               config.getBlockM() *
                                               config.getBlockN() * 4;
  return launch;
}
