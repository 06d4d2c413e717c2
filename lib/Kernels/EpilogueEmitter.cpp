//===- EpilogueEmitter.cpp - Epilogue regions as kernel code ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "EpilogueEmitter.h"

#include "QuantOpt/Dialect/QOpt/IR/QOpt.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::qopt;

EpilogueEmitter::EpilogueEmitter(Block &region, unsigned result)
    : region(region), yielded(region.getTerminator()->getOperand(result)),
      elementType(yielded.getType()), tail(matchTail(yielded)) {}

//===----------------------------------------------------------------------===//
// Quantization at the end
//===----------------------------------------------------------------------===//

/// A constant integral f32.
static std::optional<int64_t> matchIntegral(Value value) {
  FloatAttr attr;
  if (!matchPattern(value, m_Constant(&attr)) || !attr.getType().isF32())
    return std::nullopt;
  double number = attr.getValueAsDouble();
  constexpr double kBound = 65536;
  if (!(number >= -kBound && number <= kBound) ||
      number != static_cast<int64_t>(number))
    return std::nullopt;
  return static_cast<int64_t>(number);
}

/// select(cmpf uno x, x), 0, x) -> x.
static Value matchNaNToZero(Value value) {
  auto select = value.getDefiningOp<arith::SelectOp>();
  if (!select || !matchPattern(select.getTrueValue(), m_AnyZeroFloat()))
    return nullptr;
  auto compare = select.getCondition().getDefiningOp<arith::CmpFOp>();
  Value x = select.getFalseValue();
  if (!compare || compare.getPredicate() != arith::CmpFPredicate::UNO ||
      compare.getLhs() != x || compare.getRhs() != x)
    return nullptr;
  return x;
}

std::optional<EpilogueEmitter::QuantizeTail>
EpilogueEmitter::matchTail(Value value) {
  if (!value.getType().isInteger(8) && !value.getType().isInteger(16))
    return std::nullopt;
  QuantizeTail tail{};
  tail.bits = value.getType().getIntOrFloatBitWidth();
  // The zero point, added in i32.
  if (auto trunc = value.getDefiningOp<arith::TruncIOp>()) {
    auto add = trunc.getIn().getDefiningOp<arith::AddIOp>();
    APInt zeroPoint;
    if (!add || !matchPattern(add.getRhs(), m_ConstantInt(&zeroPoint)))
      return std::nullopt;
    tail.zeroPoint = zeroPoint.getSExtValue();
    value = add.getLhs();
  }
  Operation *convert = value.getDefiningOp();
  if (!isa_and_nonnull<arith::FPToSIOp, arith::FPToUIOp>(convert))
    return std::nullopt;
  value = convert->getOperand(0);
  if (!value.getType().isF32())
    return std::nullopt;
  // The clamp: at least from both sides once, or conversion could overflow.
  constexpr int64_t kUnbounded = int64_t(1) << 32;
  tail.low = -kUnbounded;
  tail.high = kUnbounded;
  while (Operation *op = value.getDefiningOp()) {
    if (!isa<arith::MaximumFOp, arith::MinimumFOp>(op))
      break;
    std::optional<int64_t> bound = matchIntegral(op->getOperand(1));
    if (!bound)
      return std::nullopt;
    // From the outermost inwards: an inner bound never loosens an outer one.
    if (isa<arith::MaximumFOp>(op))
      tail.low = std::max(tail.low, std::min(*bound, tail.high));
    else
      tail.high = std::min(tail.high, std::max(*bound, tail.low));
    value = op->getOperand(0);
  }
  int64_t low = tail.low + tail.zeroPoint, high = tail.high + tail.zeroPoint;
  // Which values of these bits: those that hold the whole clamped range.
  tail.isUnsigned = low >= 0;
  if (low < tail.getTypeLow() || high > tail.getTypeHigh())
    return std::nullopt;
  if (Value x = matchNaNToZero(value))
    value = x;
  auto round = value.getDefiningOp<math::RoundEvenOp>();
  if (!round)
    return std::nullopt;
  tail.input = round.getOperand();
  return tail;
}

//===----------------------------------------------------------------------===//
// Emission
//===----------------------------------------------------------------------===//

Value qopt::cloneSlice(DeviceBuilder &builder, Value value,
                       IRMapping &mapping) {
  if (Value known = mapping.lookupOrNull(value))
    return known;
  Operation *op = value.getDefiningOp();
  for (Value operand : op->getOperands())
    cloneSlice(builder, operand, mapping);
  return builder.clone(*op, mapping)
      ->getResult(cast<OpResult>(value).getResultNumber());
}

Value EpilogueEmitter::emit(DeviceBuilder &builder,
                            ValueRange arguments) const {
  IRMapping mapping;
  mapping.map(region.getArguments(), arguments);
  return emit(builder, mapping);
}

Value EpilogueEmitter::emit(DeviceBuilder &builder, IRMapping &mapping) const {
  if (!tail)
    return cloneSlice(builder, yielded, mapping);
  Value q = CvtRniOp::create(builder, builder.getI32Type(),
                             cloneSlice(builder, tail->input, mapping));
  // The pack of bytes saturates to the type; only tighter bounds need
  // instructions. A zero point must not wrap what cvt_rni saturated.
  bool packSaturates = tail->bits == 8;
  if (!packSaturates || tail->low + tail->zeroPoint > tail->getTypeLow() ||
      tail->zeroPoint < 0)
    q = builder.maxSigned(q, builder.i32(tail->low));
  if (!packSaturates || tail->high + tail->zeroPoint < tail->getTypeHigh() ||
      tail->zeroPoint > 0)
    q = builder.minSigned(q, builder.i32(tail->high));
  return builder.add(q, tail->zeroPoint);
}

/// A word of values (i32) of `bits` each, lowest first; each has zeros above
/// its bits, the last one anything.
static Value joinWord(DeviceBuilder &builder, ValueRange values, int64_t bits) {
  Value word;
  for (auto [i, value] : llvm::enumerate(values)) {
    Value part = builder.shiftLeft(value, bits * i);
    word = word ? builder.createOrFold<arith::OrIOp>(word, part) : part;
  }
  return word;
}

/// The bits of a float or integer of up to 16 bits, zero-extended.
static Value toWord(DeviceBuilder &builder, Value value) {
  int64_t bits = value.getType().getIntOrFloatBitWidth();
  if (isa<FloatType>(value.getType()))
    value = builder.createOrFold<arith::BitcastOp>(builder.getIntegerType(bits),
                                                   value);
  return builder.createOrFold<arith::ExtUIOp>(builder.getI32Type(), value);
}

Value EpilogueEmitter::packQuantized(DeviceBuilder &builder,
                                     ValueRange values) const {
  Value zero = builder.i32(0);
  auto get = [&](size_t i) { return i < values.size() ? values[i] : zero; };
  auto pack = [&](Value high, Value low, Value rest) -> Value {
    return CvtPackSatOp::create(builder, builder.getI32Type(), high, low, rest,
                                tail->isUnsigned);
  };
  Value upper = values.size() > 2 ? pack(get(3), get(2), zero) : zero;
  return pack(get(1), get(0), upper);
}

/// A word of up to two values quantized to 16 bits.
static Value packShorts(DeviceBuilder &builder, ValueRange values) {
  SmallVector<Value> parts(values);
  parts.front() = builder.bitAnd(parts.front(), 0xffff);
  return joinWord(builder, parts, 16);
}

/// Words made of as many values of `bits` as fit, or less than a word.
static Value packWords(DeviceBuilder &builder, ValueRange values, int64_t bits,
                       function_ref<Value(ValueRange)> packWord) {
  size_t perWord = 32 / bits;
  SmallVector<Value> words;
  for (size_t i = 0; i < values.size(); i += perWord)
    words.push_back(packWord(
        values.slice(i, std::min<size_t>(perWord, values.size() - i))));
  if (values.size() < perWord)
    return arith::TruncIOp::create(
        builder, builder.getIntegerType(bits * values.size()), words.front());
  if (words.size() == 1)
    return words.front();
  return vector::FromElementsOp::create(
      builder, VectorType::get(words.size(), builder.getI32Type()), words);
}

Value qopt::packElements(DeviceBuilder &builder, ValueRange values) {
  if (values.size() == 1)
    return values.front();
  Type type = values.front().getType();
  int64_t bits = type.getIntOrFloatBitWidth();
  if (bits <= 16)
    return packWords(builder, values, bits, [&](ValueRange word) {
      SmallVector<Value> parts;
      for (Value value : word)
        parts.push_back(toWord(builder, value));
      return joinWord(builder, parts, bits);
    });
  return vector::FromElementsOp::create(
      builder, VectorType::get(values.size(), type), values);
}

Value EpilogueEmitter::pack(DeviceBuilder &builder, ValueRange values) const {
  if (!tail)
    return packElements(builder, values);
  return packWords(builder, values, tail->bits, [&](ValueRange word) {
    return tail->bits == 8 ? packQuantized(builder, word)
                           : packShorts(builder, word);
  });
}
