//===- GemmCase.cpp - A gemm with its exact result -------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "GemmCase.h"

#include "GemmLayout.h"
#include "QuantOpt/Support/HalfPrecision.h"

#include <cmath>
#include <cstring>
#include <random>
#include <sstream>

using namespace mlir::qopt;
using namespace mlir::qopt::test;

const char *mlir::qopt::test::getName(Epilogue epilogue) {
  switch (epilogue) {
  case Epilogue::Sum:
    return "sum";
  case Epilogue::Scale:
    return "scale";
  case Epilogue::Half:
    return "half";
  case Epilogue::Requantize:
    return "requantize";
  case Epilogue::Clamped:
    return "clamped";
  case Epilogue::ZeroPoint:
    return "zero_point";
  case Epilogue::PerRow:
    return "per_row";
  case Epilogue::Residual:
    return "residual";
  case Epilogue::Short:
    return "short";
  case Epilogue::ShortResidual:
    return "short_residual";
  }
  return "";
}

static int64_t alignTo(int64_t value, int64_t to) {
  return (value + to - 1) / to * to;
}

int64_t GemmCase::getPaddedN() const { return packed ? alignTo(n, blockN) : n; }

int64_t GemmCase::getPaddedK() const {
  return packed && getElementBytes() != 4 ? alignTo(k, blockK) : k;
}

std::string GemmCase::getName() const {
  std::ostringstream os;
  for (char c : config)
    if (isalnum(static_cast<unsigned char>(c)))
      os << c;
    else if (c == ',' || c == '[')
      os << '_';
  os << "__";
  if (batch)
    os << batch << 'x';
  if (heads)
    os << heads << 'x';
  os << m << 'x' << n << 'x' << k << '_' << (unsignedA ? 'u' : 's')
     << (unsignedB ? 'u' : 's') << '_' << test::getName(epilogue)
     << (half != Half::None ? std::string("_") + getElementType() : "")
     << (packed ? "" : "_unpacked");
  for (const std::string *layout : {&layoutA, &layoutB, &layoutD})
    if (!layout->empty())
      os << '_' << *layout;
  if (slack)
    os << "_slack" << slack;
  return os.str();
}

//===----------------------------------------------------------------------===//
// Data and the expected result
//===----------------------------------------------------------------------===//

static int32_t roundToInt(float x) {
  return static_cast<int32_t>(std::nearbyint(x)); // half to even by default
}

static int32_t clamp(int32_t x, int32_t low, int32_t high) {
  return x < low ? low : x > high ? high : x;
}

/// Rounds to f16, half to even; the suite's values are in its normal range or
/// overflow to infinity.
static uint16_t toHalf(float value) {
  uint32_t bits;
  memcpy(&bits, &value, 4);
  uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
  if (magnitude >= 0x477ff000) // rounds to 65536 or more
    return sign | 0x7c00;
  if (magnitude < 0x38800000) { // below 2^-14: a multiple of 2^-24
    float scaled = std::fabs(value) * 16777216.0f;
    return sign | static_cast<uint16_t>(std::nearbyint(scaled));
  }
  uint32_t rounded = magnitude + 0xfff + (magnitude >> 13 & 1);
  return sign | static_cast<uint16_t>((rounded - 0x38000000) >> 13);
}

namespace {
/// One result element, appended to the bytes of the result.
class ResultWriter {
public:
  ResultWriter(const GemmCase &gemm, GemmData &data) : gemm(gemm), data(data) {}

  /// `row` counts over all batches.
  void write(int32_t sum, int64_t row, int64_t n) {
    switch (gemm.epilogue) {
    case Epilogue::Sum:
      return append(sum);
    case Epilogue::Scale:
      return append(std::fmax(scaled(sum, n), 0.0f));
    case Epilogue::Half:
      return append(toHalf(std::fmax(scaled(sum, n), 0.0f)));
    case Epilogue::Requantize:
      return append(
          static_cast<int8_t>(clamp(roundToInt(scaled(sum, n)), -128, 127)));
    case Epilogue::Clamped:
      return append(static_cast<uint8_t>(
          clamp(roundToInt(scaled(sum, n)), kClampLow, kClampHigh)));
    case Epilogue::ZeroPoint:
      return append(static_cast<uint8_t>(
          clamp(roundToInt(scaled(sum, n)), -kZeroPoint, 255 - kZeroPoint) +
          kZeroPoint));
    case Epilogue::PerRow: {
      int64_t batch = row / gemm.m / (gemm.heads ? gemm.heads : 1);
      float scale =
          data.rowScales[batch * gemm.m + row % gemm.m] * data.multipliers[n];
      return append(std::fma(static_cast<float>(sum), scale, data.offsets[n]));
    }
    case Epilogue::Residual: {
      float r = static_cast<int8_t>(data.residual[row * gemm.n + n]);
      float x = std::fma(r, kResidualScale, scaled(sum, n));
      x = std::fmax(x, 0.0f) * kResidualStep;
      return append(static_cast<int8_t>(clamp(roundToInt(x), -128, 127)));
    }
    case Epilogue::Short:
      return append(toShort(scaled(sum, n) * kShortStep));
    case Epilogue::ShortResidual: {
      int16_t r;
      memcpy(&r, &data.residual[2 * (row * gemm.n + n)], 2);
      float x = std::fma(static_cast<float>(r), kResidualScale, scaled(sum, n));
      return append(toShort(x * kShortStep));
    }
    }
  }
  template <typename T> void append(T value) {
    const auto *bytes = reinterpret_cast<const uint8_t *>(&value);
    data.result.insert(data.result.end(), bytes, bytes + sizeof(T));
  }

private:
  static int16_t toShort(float x) {
    return static_cast<int16_t>(clamp(roundToInt(x), -32768, 32767));
  }
  float scaled(int32_t sum, int64_t n) const {
    return std::fma(static_cast<float>(sum), data.multipliers[n],
                    data.offsets[n]);
  }
  const GemmCase &gemm;
  GemmData &data;
};
} // namespace

static int32_t widen(uint8_t byte, bool isUnsigned) {
  return isUnsigned ? byte : static_cast<int8_t>(byte);
}

/// What an operand has of batch `batch`: batches may share it.
static int64_t getOwnBatch(const GemmCase &gemm, GemmOperand operand,
                           int64_t batch) {
  const std::string dims = getLayout(gemm, operand).dims;
  int64_t heads = gemm.heads ? gemm.heads : 1, own = 0;
  if (dims.find('b') != std::string::npos)
    own = batch / heads;
  if (dims.find('h') != std::string::npos)
    own = own * heads + batch % heads;
  return own;
}

static int64_t getBatchOfB(const GemmCase &gemm, int64_t row) {
  return getOwnBatch(gemm, GemmOperand::B, row / gemm.m);
}

static int64_t getRowOfA(const GemmCase &gemm, int64_t row) {
  return getOwnBatch(gemm, GemmOperand::A, row / gemm.m) * gemm.m +
         row % gemm.m;
}

static void computeIntegers(const GemmCase &gemm, GemmData &data) {
  ResultWriter writer(gemm, data);
  for (int64_t row = 0; row < gemm.getBatch() * gemm.m; ++row) {
    const uint8_t *a = &data.a[getRowOfA(gemm, row) * gemm.k];
    const uint8_t *b = &data.b[getBatchOfB(gemm, row) * gemm.n * gemm.k];
    for (int64_t n = 0; n < gemm.n; ++n) {
      uint32_t sum = 0; // wraps, as accumulators do
      for (int64_t k = 0; k < gemm.k; ++k)
        sum += static_cast<uint32_t>(widen(a[k], gemm.unsignedA) *
                                     widen(b[n * gemm.k + k], gemm.unsignedB));
      writer.write(static_cast<int32_t>(sum), row, n);
    }
  }
}

/// The elements of an operand as f32.
static std::vector<float> readFloats(const GemmCase &gemm,
                                     const std::vector<uint8_t> &bytes) {
  std::vector<float> values(bytes.size() / gemm.getElementBytes());
  for (size_t i = 0; i < values.size(); ++i) {
    if (gemm.half == GemmCase::Half::None) {
      memcpy(&values[i], &bytes[4 * i], 4);
      continue;
    }
    uint16_t half;
    memcpy(&half, &bytes[2 * i], 2);
    values[i] = gemm.half == GemmCase::Half::F16 ? quantmath::fromF16(half)
                                                 : quantmath::fromBF16(half);
  }
  return values;
}

static void computeFloats(const GemmCase &gemm, GemmData &data) {
  ResultWriter writer(gemm, data);
  std::vector<float> a = readFloats(gemm, data.a);
  std::vector<float> b = readFloats(gemm, data.b);
  for (int64_t row = 0; row < gemm.getBatch() * gemm.m; ++row)
    for (int64_t n = 0; n < gemm.n; ++n) {
      const float *w =
          b.data() + (getBatchOfB(gemm, row) * gemm.n + n) * gemm.k;
      float sum = 0;
      for (int64_t k = 0; k < gemm.k; ++k)
        sum = std::fma(a[getRowOfA(gemm, row) * gemm.k + k], w[k], sum);
      if (gemm.epilogue == Epilogue::Sum) {
        writer.append(sum);
        continue;
      }
      float scaled =
          std::fmax(std::fma(sum, data.multipliers[n], data.offsets[n]), 0.0f);
      if (gemm.epilogue == Epilogue::Half)
        writer.append(toHalf(scaled));
      else
        writer.append(scaled);
    }
}

GemmData mlir::qopt::test::makeData(const GemmCase &gemm) {
  std::mt19937 random(
      static_cast<uint32_t>(gemm.m * 31 + gemm.n * 17 + gemm.k));
  GemmData data;
  auto getSize = [&](GemmOperand operand) {
    int64_t size = 1;
    for (int64_t extent : getLayout(gemm, operand).extents)
      size *= extent;
    return size;
  };
  int64_t sizeA = getSize(GemmOperand::A), sizeB = getSize(GemmOperand::B);
  auto uniform = [&] {
    return static_cast<float>(random() >> 8) * 0x1p-24f; // [0, 1)
  };
  if (gemm.isFloat) {
    for (auto [bytes, size] :
         {std::make_pair(&data.a, sizeA), std::make_pair(&data.b, sizeB)}) {
      int64_t width = gemm.getElementBytes();
      bytes->resize(size * width);
      for (int64_t i = 0; i < size; ++i) {
        float value = 2 * uniform() - 1;
        uint32_t bits;
        memcpy(&bits, &value, 4);
        if (gemm.half != GemmCase::Half::None) {
          value = std::nearbyint(8 * value);
          bits = gemm.half == GemmCase::Half::F16 ? quantmath::toF16(value)
                                                  : quantmath::toBF16(value);
        }
        memcpy(&(*bytes)[width * i], &bits, width);
      }
    }
  } else {
    data.a.resize(sizeA);
    data.b.resize(sizeB);
    for (uint8_t &byte : data.a)
      byte = random() >> 11;
    for (uint8_t &byte : data.b)
      byte = random() >> 11;
    // Extremes: the largest sums in the first row and column.
    for (int64_t k = 0; k < gemm.k; ++k) {
      data.a[k] = gemm.unsignedA ? 255 : 0x80;
      data.b[k] = gemm.unsignedB ? 255 : 0x80;
    }
  }
  // Scales so that results spread over more than the 8-bit range.
  float spread =
      gemm.isFloat ? 1.0f
                   : 90.0f / (5461.0f * std::sqrt(static_cast<float>(gemm.k)));
  for (int64_t n = 0; n < gemm.n; ++n) {
    data.multipliers.push_back(spread * (0.5f + uniform()));
    data.offsets.push_back(40.0f * uniform() - 10.0f);
  }
  int64_t rows = gemm.getBatch() * gemm.m;
  for (int64_t i = 0; i < rows; ++i)
    data.rowScales.push_back(0.25f + uniform());
  int64_t residualBytes = gemm.epilogue == Epilogue::Residual        ? 1
                          : gemm.epilogue == Epilogue::ShortResidual ? 2
                                                                     : 0;
  for (int64_t i = 0; i < rows * gemm.n * residualBytes; ++i)
    data.residual.push_back(static_cast<uint8_t>(random() >> 9));
  if (gemm.isFloat)
    computeFloats(gemm, data);
  else
    computeIntegers(gemm, data);
  return data;
}
