//===- LoopsDepthwise.cpp - Depthwise convolutions -------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A thread computes `lanes` channels of `items` neighbouring points along the
// width. For each row of taps it loads the columns that its points need, all
// channels of one at once, and turns four columns of four channels into four
// channels of four columns: 8 byte permutes (prmt). A dp4a then multiplies four
// taps of a channel. Points whose taps lie in the same four columns share them:
// the weights are shifted instead.
//
// Weights are [..., channels, 4 * ceil(S / 4)], zeros at the end, so that
// columns beyond a window do not matter.
//
//===----------------------------------------------------------------------===//
#include "LoopsKernel.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <map>

using namespace mlir;
using namespace mlir::qopt;

/// Bytes of a word, which are the taps of a dp4a.
static constexpr int64_t kTaps = 4;
/// Bytes of the widest load.
static constexpr int64_t kChunk = 16;

//===----------------------------------------------------------------------===//
// Code
//===----------------------------------------------------------------------===//

namespace {
class DepthwiseEmitter : public LoopsEmitter {
public:
  DepthwiseEmitter(const LoopsPlan &plan, DeviceBuilder &builder,
                   LLVM::LLVMFuncOp kernel)
      : LoopsEmitter(plan, builder, kernel),
        pattern(*matchDepthwise(plan.shape)), lanes(plan.config.getLanes()),
        items(plan.config.getItems()), taps(plan.shape.extents[pattern.tapsW]) {
  }

  void emit(Value unit);

private:
  /// By channel or by four channels.
  using Words = SmallVector<Value>;

  /// A loop of the op that is not merged with others.
  KernelLoop getLoop(unsigned loop) const;
  Value pointExists(int64_t point);
  /// `count` words at `pointer`.
  Words loadWords(Value pointer, int64_t count, int64_t alignment);
  void loadColumns(const LoopsPosition &position);
  Words transpose(int64_t first);
  const Words &getColumns(int64_t first);
  /// The four columns that hold `count` ones from `first` on: the first one.
  int64_t findColumns(int64_t first, int64_t count);
  void accumulate(const LoopsPosition &position);
  Value dot(Value pixels, Value weights, Value sum);
  void emitPoint(int64_t point);

  DepthwisePattern pattern;
  int64_t lanes, items, taps;
  LoopsPosition row;
  /// Of one row of taps: each column's channels; per channel, four columns, by
  /// the number of the first one.
  SmallVector<Words> columns;
  std::map<int64_t, Words> transposed;
  /// By point, then by channel.
  SmallVector<Words> sums;
};
} // namespace

KernelLoop DepthwiseEmitter::getLoop(unsigned loop) const {
  KernelLoop result{plan.shape.extents[loop], {}, static_cast<int>(loop)};
  for (const LoopsOperand &operand : plan.shape.operands)
    result.strides.push_back(operand.address.strides[loop]);
  return result;
}

/// Null where all points of a unit exist.
Value DepthwiseEmitter::pointExists(int64_t point) {
  int64_t extent = plan.shape.extents[pattern.width];
  if (point == 0 || extent % items == 0)
    return nullptr;
  Value counter = counters.lookup(pattern.width);
  Value end = counter.getType().isInteger(64) ? b.i64(extent) : b.i32(extent);
  return b.less(b.add(counter, point), end);
}

DepthwiseEmitter::Words
DepthwiseEmitter::loadWords(Value pointer, int64_t count, int64_t alignment) {
  Words words;
  if (alignment < 4) {
    for (int64_t word = 0; word < count; ++word) {
      Value value;
      for (int64_t byte = 0; byte < 4; byte += alignment) {
        Value piece = b.load(b.getIntegerType(8 * alignment),
                             b.offset(pointer, 4 * word + byte), alignment);
        piece = arith::ExtUIOp::create(b, b.getI32Type(), piece);
        piece = b.shiftLeft(piece, 8 * byte);
        value = value ? b.createOrFold<arith::OrIOp>(value, piece) : piece;
      }
      words.push_back(value);
    }
    return words;
  }
  int64_t width = std::min(alignment / 4, count);
  for (int64_t word = 0; word < count; word += width) {
    Value vector = b.load(VectorType::get(width, b.getI32Type()),
                          b.offset(pointer, 4 * word), 4 * width);
    for (int64_t i = 0; i < width; ++i)
      words.push_back(b.vectorElement(vector, i));
  }
  return words;
}

void DepthwiseEmitter::loadColumns(const LoopsPosition &position) {
  const LoopsOperand &image = plan.shape.operands[pattern.image];
  KernelLoop tapLoop = getLoop(pattern.tapsW);
  int64_t pad = 0;
  if (image.pad)
    pad = cast<IntegerAttr>(image.pad).getValue().getZExtValue();
  columns.clear();
  transposed.clear();
  int64_t count = (items - 1) * pattern.strideW + taps;
  for (int64_t column = 0; column < count; ++column) {
    LoopsPosition at = advance(position, tapLoop, b.i32(column));
    Value inside = isInside(pattern.image, at, nullptr, 0);
    // Exists if the first point that needs it does.
    int64_t point = column < taps ? 0 : (column - taps) / pattern.strideW + 1;
    Value readable = pointExists(point);
    if (inside)
      readable = readable ? b.bitAnd(inside, readable) : inside;
    Value pointer = at.pointers[pattern.image];
    if (readable)
      pointer = b.select(readable, pointer, kernel.getArgument(pattern.image));
    Words words = loadWords(pointer, lanes / 4, plan.widths[pattern.image]);
    if (inside)
      for (Value &word : words)
        word = b.select(inside, word, b.i32(pad * 0x01010101));
    columns.push_back(words);
  }
}

/// Bytes `mask` of eight, `low` first.
static Value permute(DeviceBuilder &b, Value low, Value high,
                     ArrayRef<int64_t> mask) {
  Type bytes = VectorType::get(4, b.getI8Type());
  Value result =
      vector::ShuffleOp::create(b, LLVM::BitcastOp::create(b, bytes, low),
                                LLVM::BitcastOp::create(b, bytes, high), mask);
  return LLVM::BitcastOp::create(b, b.getI32Type(), result);
}

DepthwiseEmitter::Words DepthwiseEmitter::transpose(int64_t first) {
  Words channels;
  for (int64_t group = 0; group < lanes / 4; ++group) {
    auto get = [&](int64_t i) {
      return first + i < static_cast<int64_t>(columns.size())
                 ? columns[first + i][group]
                 : b.i32(0);
    };
    Value x0 = get(0), x1 = get(1), x2 = get(2), x3 = get(3);
    Value low01 = permute(b, x0, x1, {0, 4, 1, 5});
    Value low23 = permute(b, x2, x3, {0, 4, 1, 5});
    Value high01 = permute(b, x0, x1, {2, 6, 3, 7});
    Value high23 = permute(b, x2, x3, {2, 6, 3, 7});
    channels.push_back(permute(b, low01, low23, {0, 1, 4, 5}));
    channels.push_back(permute(b, low01, low23, {2, 3, 6, 7}));
    channels.push_back(permute(b, high01, high23, {0, 1, 4, 5}));
    channels.push_back(permute(b, high01, high23, {2, 3, 6, 7}));
  }
  return channels;
}

const DepthwiseEmitter::Words &DepthwiseEmitter::getColumns(int64_t first) {
  auto found = transposed.find(first);
  if (found != transposed.end())
    return found->second;
  int64_t shift = first % kTaps;
  // Wide windows: one permute of two neighbours instead of two per channel.
  if (taps < kTaps || shift == 0)
    return transposed[first] = transpose(first);
  const Words &low = getColumns(first - shift);
  const Words &high = getColumns(first - shift + kTaps);
  Words words;
  for (auto [x, y] : llvm::zip(low, high))
    words.push_back(permute(b, x, y, {shift, shift + 1, shift + 2, shift + 3}));
  return transposed[first] = words;
}

int64_t DepthwiseEmitter::findColumns(int64_t first, int64_t count) {
  auto covers = [&](int64_t start) {
    return start <= first && first + count <= start + kTaps;
  };
  for (const auto &[start, words] : transposed)
    if (covers(start))
      return start;
  int64_t aligned = first - first % kTaps;
  return taps >= kTaps && covers(aligned) ? aligned : first;
}

Value DepthwiseEmitter::dot(Value pixels, Value weights, Value sum) {
  auto getType = [](bool isUnsigned) {
    return isUnsigned ? NVVM::DotAccumulateType::UNSIGNED
                      : NVVM::DotAccumulateType::SIGNED;
  };
  Type bytes = VectorType::get(4, b.getI8Type());
  return NVVM::DotAccumulate4WayOp::create(
      b, b.getI32Type(), LLVM::BitcastOp::create(b, bytes, pixels),
      getType(pattern.isImageUnsigned),
      LLVM::BitcastOp::create(b, bytes, weights),
      getType(pattern.areWeightsUnsigned), sum);
}

/// Adds the products of one row of taps.
void DepthwiseEmitter::accumulate(const LoopsPosition &position) {
  loadColumns(position);
  int64_t wordsPerChannel = llvm::divideCeil(taps, kTaps);
  Words weights = loadWords(position.pointers[pattern.weights],
                            lanes * wordsPerChannel, kChunk);
  for (int64_t point = 0; point < items; ++point) {
    for (int64_t word = 0; word < wordsPerChannel; ++word) {
      int64_t column = point * pattern.strideW + word * kTaps;
      int64_t count = std::min(kTaps, taps - word * kTaps);
      int64_t start = findColumns(column, count);
      const Words &pixels = getColumns(start);
      for (int64_t lane = 0; lane < lanes; ++lane) {
        Value weight = weights[lane * wordsPerChannel + word];
        Value &sum = sums[point][lane];
        sum = dot(pixels[lane], b.shiftLeft(weight, 8 * (column - start)), sum);
      }
    }
  }
}

void DepthwiseEmitter::emitPoint(int64_t point) {
  LoopsPosition position = advance(row, getLoop(pattern.width), b.i32(point));
  const KernelLoop *laneLoop = plan.getLaneLoop();
  SmallVector<IRMapping> bodies(lanes);
  for (BlockArgument argument : program.getUniformInputs()) {
    SmallVector<Value> elements =
        load(getInput(argument), position, laneLoop, lanes);
    for (auto [body, element] : llvm::zip(bodies, elements))
      body.map(argument, element);
  }
  for (auto [body, sum] : llvm::zip(bodies, sums[point])) {
    program.emitUniform(b, 0, body);
    body.map(pattern.sum.getResult(), sum);
    program.emitUniform(b, 1, body);
  }
  LoopsOp op = plan.shape.op;
  for (unsigned result = 0; result < op.getInits().size(); ++result) {
    SmallVector<Value> values;
    for (IRMapping &body : bodies)
      values.push_back(emitResult(result, body));
    store(result, position, laneLoop, values);
  }
}

void DepthwiseEmitter::emit(Value unit) {
  row = enterParallelLoops(unit);
  sums.assign(items, Words(lanes, b.i32(0)));
  if (pattern.tapsH) {
    KernelLoop tapLoop = getLoop(*pattern.tapsH);
    for (int64_t tap = 0; tap < tapLoop.extent; ++tap)
      accumulate(advance(row, tapLoop, b.i32(tap)));
  } else {
    accumulate(row);
  }
  for (int64_t point = 0; point < items; ++point) {
    if (Value exists = pointExists(point))
      b.ifThen(exists, [&] { emitPoint(point); });
    else
      emitPoint(point);
  }
}

void mlir::qopt::emitLoopsDepthwise(const LoopsPlan &plan, DeviceBuilder &b,
                                    LLVM::LLVMFuncOp kernel) {
  Value block = b.blockIdX(), thread = b.threadId();
  if (plan.isWide) {
    block = b.toI64(block);
    thread = b.toI64(thread);
  }
  Value unit = b.add(b.mul(block, plan.config.getThreads()), thread);
  b.ifThen(b.less(unit, kernel.getArguments().back()),
           [&] { DepthwiseEmitter(plan, b, kernel).emit(unit); });
}
