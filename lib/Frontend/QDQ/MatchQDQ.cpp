//===- MatchQDQ.cpp - Quantize and dequantize in any spelling ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Both are read from their end. What must be there: the rounding of a quantize,
// the multiplication of a dequantize. Zero points may come before or after the
// clamps and the conversion, clamps in any spelling and number; what they mean
// together is collected.
//
//===----------------------------------------------------------------------===//
#include "MatchQDQ.h"

#include "QuantOpt/Support/QuantMath.h"

#include <cmath>

using namespace mlir;
using namespace mlir::qopt;

static double add(double a, double b) { return a + b; }

static bool isInteger(const Parameter &parameter) {
  return llvm::all_of(parameter.values, [](double v) {
    return std::rint(v) == v && std::abs(v) <= std::ldexp(1.0, 31);
  });
}

static unsigned getBits(Scalar scalar) {
  return scalar.value.getType().isInteger()
             ? scalar.value.getType().getIntOrFloatBitWidth()
             : 0;
}

static double getStorageMin(unsigned bits, bool isSigned) {
  return isSigned ? -std::ldexp(1.0, bits - 1) : 0;
}

static double getStorageMax(unsigned bits, bool isSigned) {
  return std::ldexp(1.0, isSigned ? bits - 1 : bits) - 1;
}

//===----------------------------------------------------------------------===//
// Quantize
//===----------------------------------------------------------------------===//

namespace {
/// What was found of a quantize so far, from its end.
class QuantizeParser {
public:
  explicit QuantizeParser(bool fake) : converted(fake) {}
  std::optional<QuantizeMatch> run(Scalar scalar);

private:
  enum class Result { Continue, Done, Fail };
  Result take(const Step &step);
  Result clamp(const Parameter &bound, double &limit, bool isLower);

  QuantizeMatch match;
  /// Added after the step being read.
  Parameter offset = Parameter::number(0);
  bool converted, rounded = false, truncated = false;
};
} // namespace

/// `offset` is added after the clamp: in terms of the result its bound is the
/// sum, and that must be one number.
QuantizeParser::Result QuantizeParser::clamp(const Parameter &bound,
                                             double &limit, bool isLower) {
  std::optional<Parameter> sum = Parameter::combine(bound, offset, add);
  if (!sum || !isInteger(*sum) || !sum->isAll(sum->values.front()))
    return Result::Fail;
  double value = sum->values.front();
  limit = isLower ? std::max(limit, value) : std::min(limit, value);
  return Result::Continue;
}

QuantizeParser::Result QuantizeParser::take(const Step &step) {
  switch (step.kind) {
  case Step::Kind::Truncate:
    // The sign is decided by the limits once they are known.
    if (converted || truncated)
      return Result::Fail;
    truncated = true;
    return Result::Continue;
  case Step::Kind::ToInteger:
    if (converted)
      return Result::Fail;
    converted = true;
    if (!truncated)
      match.isSigned = step.isSigned;
    return Result::Continue;
  case Step::Kind::Add: {
    // Adding before rounding is another function next to ties.
    if (rounded || !isInteger(step.parameter))
      return Result::Fail;
    std::optional<Parameter> sum =
        Parameter::combine(offset, step.parameter, add);
    if (!sum)
      return Result::Fail;
    offset = std::move(*sum);
    return Result::Continue;
  }
  case Step::Kind::Max:
    return clamp(step.parameter, match.low, /*isLower=*/true);
  case Step::Kind::Min:
    return clamp(step.parameter, match.high, /*isLower=*/false);
  case Step::Kind::Round:
    if (!converted || rounded)
      return Result::Fail;
    rounded = true;
    return Result::Continue;
  case Step::Kind::Multiply:
  case Step::Kind::Divide:
    if (!rounded)
      return Result::Fail;
    match.divides = step.kind == Step::Kind::Divide;
    match.factor = step.parameter;
    match.input = step.input;
    return Result::Done;
  default:
    return Result::Fail;
  }
}

std::optional<QuantizeMatch> QuantizeParser::run(Scalar scalar) {
  match.bits = getBits(scalar);
  match.low = -INFINITY;
  match.high = INFINITY;
  Scalar at = scalar;
  while (true) {
    std::optional<Step> step = getLastStep(at);
    if (!step)
      return std::nullopt;
    Result result = take(*step);
    if (result == Result::Fail)
      return std::nullopt;
    if (result == Result::Done)
      break;
    at = step->input;
  }
  match.zeroPoint = std::move(offset);
  if (match.low > match.high)
    return std::nullopt;
  if (truncated) {
    // Only what fits is kept as it is.
    match.isSigned =
        match.low < 0 || match.high <= getStorageMax(match.bits, true);
    if (match.low < getStorageMin(match.bits, match.isSigned) ||
        match.high > getStorageMax(match.bits, match.isSigned))
      return std::nullopt;
  }
  return match;
}

std::optional<QuantizeMatch> mlir::qopt::matchQuantize(Scalar scalar,
                                                       bool fake) {
  if (fake ? !scalar.value.getType().isF32() : getBits(scalar) < 8)
    return std::nullopt;
  std::optional<QuantizeMatch> match = QuantizeParser(fake).run(scalar);
  if (!match || !match->input.value.getType().isF32())
    return std::nullopt;
  if (!fake)
    return match;
  // The limits say how wide the integers would be.
  match->bits = 0;
  match->isSigned = match->low < 0;
  for (unsigned bits : {8, 16})
    if (match->low >= getStorageMin(bits, match->isSigned) &&
        match->high <= getStorageMax(bits, match->isSigned)) {
      match->bits = bits;
      return match;
    }
  return std::nullopt;
}

int32_t QuantizeMatch::getLow() const {
  return std::max(low, getStorageMin(bits, isSigned));
}

int32_t QuantizeMatch::getHigh() const {
  return std::min(
      {high, getStorageMax(bits, isSigned), double(quantmath::kInt32Max)});
}

std::optional<QuantizedParameters>
QuantizeMatch::getParameters(const Parameter &scale) const {
  bool same =
      scale.dims == factor.dims && scale.values.size() == factor.values.size();
  for (size_t i = 0; same && i < scale.values.size(); ++i) {
    float s = scale.values[i], f = factor.values[i];
    same = divides ? s == f : quantmath::reciprocalScale(s) == f;
  }
  if (!same)
    return std::nullopt;
  return makeParameters(scale, zeroPoint, bits, isSigned, getLow(), getHigh());
}

std::optional<Parameter> QuantizeMatch::findScale() const {
  if (divides)
    return factor;
  // The reciprocal of a reciprocal is off by one place at most.
  Parameter scale = factor;
  for (double &value : scale.values) {
    float r = value, s = quantmath::reciprocalScale(r);
    float candidates[] = {s, std::nextafter(s, 0.0f),
                          std::nextafter(s, INFINITY)};
    auto *found = llvm::find_if(candidates, [&](float candidate) {
      return quantmath::reciprocalScale(candidate) == r;
    });
    if (found == std::end(candidates))
      return std::nullopt;
    value = *found;
  }
  return scale;
}

//===----------------------------------------------------------------------===//
// Dequantize
//===----------------------------------------------------------------------===//

std::optional<DequantizeMatch> mlir::qopt::matchDequantize(Scalar scalar) {
  if (!scalar.value.getType().isF32())
    return std::nullopt;
  std::optional<Step> step = getLastStep(scalar);
  if (!step || step->kind != Step::Kind::Multiply)
    return std::nullopt;
  DequantizeMatch match;
  match.scale = std::move(step->parameter);
  match.zeroPoint = Parameter::number(0);
  Scalar at = step->input;
  auto takeZeroPoint = [&]() {
    step = getLastStep(at);
    if (!step || step->kind != Step::Kind::Add || !isInteger(step->parameter))
      return;
    std::optional<Parameter> sum =
        Parameter::combine(match.zeroPoint, step->parameter,
                           [](double z, double added) { return z - added; });
    if (!sum)
      return;
    match.zeroPoint = std::move(*sum);
    at = step->input;
    step = getLastStep(at);
  };
  takeZeroPoint();
  if (!step || step->kind != Step::Kind::ToFloat) {
    match.isFake = true;
    match.input = at;
    return match;
  }
  // Up to here in f32, from here on in integers; both are exact for 16 bits.
  match.isSigned = step->isSigned;
  at = step->input;
  takeZeroPoint();
  while (step && step->kind == Step::Kind::Extend) {
    match.isSigned = step->isSigned;
    at = step->input;
    step = getLastStep(at);
  }
  unsigned bits = getBits(at);
  if (bits != 8 && bits != 16 && bits != 32)
    return std::nullopt;
  if (bits == 32 && !match.zeroPoint.isAll(0))
    return std::nullopt;
  match.input = at;
  return match;
}

//===----------------------------------------------------------------------===//
// Parameters
//===----------------------------------------------------------------------===//

std::optional<QuantizedParameters>
mlir::qopt::makeParameters(const Parameter &scale, const Parameter &zeroPoint,
                           unsigned bits, bool isSigned, int32_t low,
                           int32_t high) {
  // Both over the same blocks.
  auto first = [](double a, double) { return a; };
  auto second = [](double, double b) { return b; };
  std::optional<Parameter> scales = Parameter::combine(scale, zeroPoint, first);
  if (!scales)
    return std::nullopt;
  std::optional<Parameter> zeroPoints =
      Parameter::combine(scale, zeroPoint, second);
  QuantizedParameters result;
  result.channelDims = scales->dims;
  result.blockSizes = scales->blocks;
  result.bits = bits;
  result.isSigned = isSigned;
  result.low = low;
  result.high = high;
  for (auto [s, z] : llvm::zip(scales->values, zeroPoints->values)) {
    float rounded = s;
    if (!std::isfinite(rounded) || rounded <= 0 || z < low || z > high)
      return std::nullopt;
    result.scales.push_back(rounded);
    result.zeroPoints.push_back(z);
  }
  return result;
}
