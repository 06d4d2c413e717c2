//===- RoundConstants.cpp - What fits into 16-bit floats -------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Conversion/RoundConstants.h"

#include "QuantOpt/Analysis/Constants.h"
#include "QuantOpt/Support/HalfPrecision.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>

using namespace mlir;
using namespace mlir::qopt;

/// Below this a subnormal f16 is further from a value than the least accurate
/// normal one is from the largest value: 2^-25 against 2^-12 of it.
static constexpr double kLeastF16Magnitude = 0x1p-13;

static double getLimit(FloatType type) {
  return type.isF16() ? quantmath::kMaxF16 : quantmath::kMaxBF16;
}

static std::string printRange(double low, double high) {
  std::string text;
  llvm::raw_string_ostream(text) << "[" << llvm::format("%.6g", low) << ", "
                                 << llvm::format("%.6g", high) << "]";
  return text;
}

static std::string beyond(FloatType type) {
  std::string text;
  llvm::raw_string_ostream(text)
      << ", beyond " << (type.isF16() ? "f16" : "bf16") << " numbers ("
      << llvm::format("%.6g", getLimit(type)) << ")";
  return text;
}

std::string mlir::qopt::describeMisfit(double low, double high,
                                       FloatType type) {
  double magnitude = std::max(std::abs(low), std::abs(high));
  if (!(magnitude <= getLimit(type)))
    return "its values are in " + printRange(low, high) + beyond(type);
  if (type.isF16() && magnitude != 0 && magnitude < kLeastF16Magnitude)
    return "its values are in " + printRange(low, high) +
           ", where f16 numbers are subnormal";
  return "";
}

std::string mlir::qopt::describeBoundMisfit(double low, double high,
                                            FloatType type) {
  if (std::isinf(low) && std::isinf(high))
    return "nothing bounds its values: calibrate with an observer there, or "
           "use "
           "bf16";
  double magnitude = std::max(std::abs(low), std::abs(high));
  if (!(magnitude <= getLimit(type)))
    return "its values are only known to be in " + printRange(low, high) +
           beyond(type);
  return "";
}

ElementsAttr mlir::qopt::roundConstant(ElementsAttr elements, FloatType type,
                                       std::string &misfit) {
  FailureOr<FloatElements> floats = FloatElements::get(elements);
  if (failed(floats)) {
    misfit = "its data cannot be read";
    return nullptr;
  }
  bool isF16 = type.isF16();
  float low = 0, high = 0;
  bool overflows = false;
  std::vector<char> bytes(floats->getValues().size() * sizeof(uint16_t));
  char *out = bytes.data();
  for (float value : floats->getValues()) {
    uint16_t bits = isF16 ? quantmath::toF16(value) : quantmath::toBF16(value);
    memcpy(out, &bits, sizeof(bits));
    out += sizeof(bits);
    if (!std::isfinite(value))
      continue;
    low = std::min(low, value);
    high = std::max(high, value);
    overflows |= !std::isfinite(isF16 ? quantmath::fromF16(bits)
                                      : quantmath::fromBF16(bits));
  }
  // A number just above the largest may still round to it.
  float limit = getLimit(type);
  misfit = overflows ? describeMisfit(low, high, type)
                     : describeMisfit(std::max(low, -limit),
                                      std::min(high, limit), type);
  if (!misfit.empty())
    return nullptr;
  auto shape = cast<RankedTensorType>(elements.getType()).clone(type);
  return makeConstantElements(cast<RankedTensorType>(shape), std::move(bytes),
                              isF16 ? "f16" : "bf16");
}
