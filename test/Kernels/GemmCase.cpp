//===- GemmCase.cpp - A gemm with its exact result -------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "GemmCase.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <sstream>

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
  }
  return "";
}

static int64_t alignTo(int64_t value, int64_t to) {
  return (value + to - 1) / to * to;
}

int64_t GemmCase::getPaddedN() const { return packed ? alignTo(n, blockN) : n; }

int64_t GemmCase::getPaddedK() const {
  return packed && !isFloat ? alignTo(k, blockK) : k;
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
  os << m << 'x' << n << 'x' << k << '_' << (unsignedA ? 'u' : 's')
     << (unsignedB ? 'u' : 's') << '_' << test::getName(epilogue)
     << (packed ? "" : "_unpacked");
  if (conv)
    os << '_' << conv->getName();
  return os.str();
}

//===----------------------------------------------------------------------===//
// Data and the expected result
//===----------------------------------------------------------------------===//

// Constants of the epilogues.
static constexpr float kResidualScale = 0.21875f, kResidualStep = 0.8125f;
static constexpr int kClampLow = 3, kClampHigh = 187, kZeroPoint = 77;

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
      float scale = data.rowScales[row] * data.multipliers[n];
      return append(std::fma(static_cast<float>(sum), scale, data.offsets[n]));
    }
    case Epilogue::Residual: {
      float r = static_cast<float>(data.residual[row * gemm.n + n]);
      float x = std::fma(r, kResidualScale, scaled(sum, n));
      x = std::fmax(x, 0.0f) * kResidualStep;
      return append(static_cast<int8_t>(clamp(roundToInt(x), -128, 127)));
    }
    }
  }
  template <typename T> void append(T value) {
    const auto *bytes = reinterpret_cast<const uint8_t *>(&value);
    data.result.insert(data.result.end(), bytes, bytes + sizeof(T));
  }

private:
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

static void computeIntegers(const GemmCase &gemm, GemmData &data) {
  ResultWriter writer(gemm, data);
  for (int64_t row = 0; row < gemm.getBatch() * gemm.m; ++row) {
    const uint8_t *a = &data.a[row * gemm.k];
    const uint8_t *b = &data.b[row / gemm.m * gemm.n * gemm.k];
    for (int64_t n = 0; n < gemm.n; ++n) {
      uint32_t sum = 0; // wraps, as accumulators do
      for (int64_t k = 0; k < gemm.k; ++k)
        sum += static_cast<uint32_t>(widen(a[k], gemm.unsignedA) *
                                     widen(b[n * gemm.k + k], gemm.unsignedB));
      writer.write(static_cast<int32_t>(sum), row, n);
    }
  }
}

static void computeConvolution(const GemmCase &gemm, GemmData &data) {
  ResultWriter writer(gemm, data);
  std::vector<int32_t> sums = convolve(*gemm.conv, gemm.n, data.a,
                                       gemm.unsignedA, data.b, gemm.unsignedB);
  for (size_t i = 0; i < sums.size(); ++i)
    writer.write(sums[i], i / gemm.n, i % gemm.n);
}

static void computeFloats(const GemmCase &gemm, GemmData &data) {
  ResultWriter writer(gemm, data);
  const auto *a = reinterpret_cast<const float *>(data.a.data());
  const auto *b = reinterpret_cast<const float *>(data.b.data());
  for (int64_t row = 0; row < gemm.getBatch() * gemm.m; ++row)
    for (int64_t n = 0; n < gemm.n; ++n) {
      const float *w = b + (row / gemm.m * gemm.n + n) * gemm.k;
      float sum = 0;
      for (int64_t k = 0; k < gemm.k; ++k)
        sum = std::fma(a[row * gemm.k + k], w[k], sum);
      if (gemm.epilogue == Epilogue::Sum)
        writer.append(sum);
      else
        writer.append(std::fmax(
            std::fma(sum, data.multipliers[n], data.offsets[n]), 0.0f));
    }
}

GemmData mlir::qopt::test::makeData(const GemmCase &gemm) {
  std::mt19937 random(
      static_cast<uint32_t>(gemm.m * 31 + gemm.n * 17 + gemm.k));
  GemmData data;
  int64_t sizeA = gemm.conv ? gemm.conv->images * gemm.conv->getImageSize()
                            : gemm.getBatch() * gemm.m * gemm.k;
  int64_t sizeB = gemm.getBatch() * gemm.n * gemm.k;
  auto uniform = [&] {
    return static_cast<float>(random() >> 8) * 0x1p-24f; // [0, 1)
  };
  if (gemm.isFloat) {
    for (auto [bytes, size] :
         {std::make_pair(&data.a, sizeA), std::make_pair(&data.b, sizeB)}) {
      bytes->resize(size * 4);
      for (int64_t i = 0; i < size; ++i) {
        float value = 2 * uniform() - 1;
        memcpy(&(*bytes)[4 * i], &value, 4);
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
    for (int64_t k = 0; k < std::min(gemm.k, sizeA); ++k)
      data.a[k] = gemm.unsignedA ? 255 : 0x80;
    for (int64_t k = 0; k < gemm.k; ++k)
      data.b[k] = gemm.unsignedB ? 255 : 0x80;
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
  if (gemm.epilogue == Epilogue::Residual)
    for (int64_t i = 0; i < rows * gemm.n; ++i)
      data.residual.push_back(static_cast<int8_t>(random() >> 9));
  if (gemm.conv)
    computeConvolution(gemm, data);
  else if (gemm.isFloat)
    computeFloats(gemm, data);
  else
    computeIntegers(gemm, data);
  return data;
}

//===----------------------------------------------------------------------===//
// The module
//===----------------------------------------------------------------------===//

static std::string getResultElement(const GemmCase &gemm) {
  switch (gemm.epilogue) {
  case Epilogue::Sum:
    return gemm.isFloat ? "f32" : "i32";
  case Epilogue::Scale:
  case Epilogue::PerRow:
    return "f32";
  case Epilogue::Half:
    return "f16";
  default:
    return "i8";
  }
}

static std::string printFloat(float value) {
  uint32_t bits;
  memcpy(&bits, &value, 4);
  char text[16];
  snprintf(text, sizeof(text), "0x%08X", bits);
  return text;
}

/// The region's body; block arguments are %acc, %mul, %off, %r.
static std::string makeBody(const GemmCase &gemm) {
  std::string scaled = gemm.isFloat ? "%x = math.fma %acc, %mul, %off : f32\n"
                                    : "%f = arith.sitofp %acc : i32 to f32\n"
                                      "%x = math.fma %f, %mul, %off : f32\n";
  std::string relu = "%zero = arith.constant 0.0 : f32\n"
                     "%y = arith.maximumf %x, %zero : f32\n";
  auto quantize = [](int low, int high, bool isUnsigned) {
    std::ostringstream os;
    os << "%q = math.roundeven %y : f32\n"
       << "%low = arith.constant " << low << ".0 : f32\n"
       << "%high = arith.constant " << high << ".0 : f32\n"
       << "%c0 = arith.maximumf %q, %low : f32\n"
       << "%c1 = arith.minimumf %c0, %high : f32\n"
       << "%i = arith.fpto" << (isUnsigned ? "ui" : "si")
       << " %c1 : f32 to i8\n"
       << "qopt.yield %i : i8\n";
    return os.str();
  };
  std::string same = "%y = arith.addf %x, %minus_zero : f32\n";
  std::string minusZero = "%minus_zero = arith.constant -0.0 : f32\n";
  switch (gemm.epilogue) {
  case Epilogue::Sum:
    return "qopt.yield %acc : " + std::string(gemm.isFloat ? "f32" : "i32");
  case Epilogue::Scale:
    return scaled + relu + "qopt.yield %y : f32";
  case Epilogue::Half:
    return scaled + relu +
           "%h = arith.truncf %y : f32 to f16\nqopt.yield %h : f16";
  case Epilogue::Requantize:
    return scaled + minusZero + same + quantize(-128, 127, false);
  case Epilogue::Clamped:
    return scaled + minusZero + same + quantize(kClampLow, kClampHigh, true);
  case Epilogue::ZeroPoint: {
    std::ostringstream os;
    os << scaled << "%q = math.roundeven %x : f32\n"
       << "%low = arith.constant " << -kZeroPoint << ".0 : f32\n"
       << "%high = arith.constant " << 255 - kZeroPoint << ".0 : f32\n"
       << "%c0 = arith.maximumf %q, %low : f32\n"
       << "%c1 = arith.minimumf %c0, %high : f32\n"
       << "%i = arith.fptosi %c1 : f32 to i32\n"
       << "%z = arith.constant " << kZeroPoint << " : i32\n"
       << "%s = arith.addi %i, %z : i32\n"
       << "%t = arith.trunci %s : i32 to i8\n"
       << "qopt.yield %t : i8\n";
    return os.str();
  }
  case Epilogue::PerRow:
    return "%f = arith.sitofp %acc : i32 to f32\n"
           "%s = arith.mulf %row, %mul : f32\n"
           "%x = math.fma %f, %s, %off : f32\n"
           "qopt.yield %x : f32";
  case Epilogue::Residual:
    return scaled + "%ri = arith.extsi %row : i8 to i32\n" +
           "%rf = arith.sitofp %ri : i32 to f32\n" + "%rs = arith.constant " +
           printFloat(kResidualScale) + " : f32\n" +
           "%sum = math.fma %rf, %rs, %x : f32\n" +
           "%zero = arith.constant 0.0 : f32\n" +
           "%relu = arith.maximumf %sum, %zero : f32\n" +
           "%step = arith.constant " + printFloat(kResidualStep) + " : f32\n" +
           "%y = arith.mulf %relu, %step : f32\n" + quantize(-128, 127, false);
  }
  return "";
}

namespace {
/// Types of a gemm's operands in one of the two forms.
struct TypePrinter {
  const char *kind;
  std::string operator()(std::initializer_list<int64_t> dims,
                         const std::string &element) const {
    std::ostringstream os;
    os << kind << '<';
    for (int64_t dim : dims)
      if (dim)
        os << dim << 'x';
    os << element << '>';
    return os.str();
  }
};
} // namespace

template <typename T>
static std::string makeConstant(const std::vector<T> &values) {
  static const char digits[] = "0123456789ABCDEF";
  std::string text = "dense<\"0x";
  const auto *bytes = reinterpret_cast<const uint8_t *>(values.data());
  for (size_t i = 0; i < values.size() * sizeof(T); ++i) {
    text += digits[bytes[i] >> 4];
    text += digits[bytes[i] & 15];
  }
  return text + "\">";
}

std::string mlir::qopt::test::makeModule(const GemmCase &gemm,
                                         const GemmData *constants) {
  TypePrinter type{constants ? "tensor" : "memref"};
  std::string element = gemm.isFloat ? "f32" : "i8";
  std::string typeA = type({gemm.batch, gemm.m, gemm.k}, element);
  if (gemm.conv)
    typeA = type({gemm.conv->images, gemm.conv->h.size, gemm.conv->w.size,
                  gemm.conv->channels},
                 element);
  std::string typeB = type({gemm.batch, gemm.n, gemm.k}, element);
  std::string packedB =
      type({gemm.batch, gemm.getPaddedN(), gemm.getPaddedK()}, element);
  std::string channels = type({gemm.n}, "f32");
  std::string packedChannels = type({gemm.getPaddedN()}, "f32");
  std::string result =
      type({gemm.batch, gemm.m, gemm.n}, getResultElement(gemm));
  bool hasScales = gemm.epilogue != Epilogue::Sum;
  std::string extra, extraMap;
  std::string dims = gemm.batch ? "(b, m, n)" : "(m, n)";
  if (gemm.epilogue == Epilogue::PerRow) {
    extra = type({gemm.batch, gemm.m}, "f32");
    extraMap = gemm.batch ? "(b, m)" : "(m)";
  } else if (gemm.epilogue == Epilogue::Residual) {
    extra = type({gemm.batch, gemm.m, gemm.n}, "i8");
    extraMap = dims;
  }

  std::ostringstream os;
  os << "func.func @main(%a: " << typeA;
  if (!constants) {
    os << ", %b_: " << typeB;
    if (hasScales)
      os << ", %m_: " << channels << ", %o_: " << channels;
  }
  if (!extra.empty())
    os << ", %r: " << extra;
  if (constants)
    os << ") -> " << result << " {\n";
  else
    os << ", %d: " << result << ") {\n";
  if (constants) {
    os << "%b_ = arith.constant " << makeConstant(constants->b) << " : "
       << typeB << "\n";
    if (hasScales)
      os << "%m_ = arith.constant " << makeConstant(constants->multipliers)
         << " : " << channels << "\n%o_ = arith.constant "
         << makeConstant(constants->offsets) << " : " << channels << "\n";
    os << "%d = tensor.empty() : " << result << "\n";
  }
  auto pack = [&](const char *name, const std::string &from,
                  const std::string &to, const char *permutation) {
    std::string value = std::string("%") + name;
    if (from == to)
      return value + "_";
    os << value << " = qopt.pack " << value
       << "_ {permutation = array<i64: " << permutation << ">} : " << from
       << " -> " << to << "\n";
    return value;
  };
  std::string b = pack("b", typeB, packedB, gemm.batch ? "0, 1, 2" : "0, 1");
  std::string m, o;
  if (hasScales) {
    m = pack("m", channels, packedChannels, "0");
    o = pack("o", channels, packedChannels, "0");
  }
  if (constants)
    os << "%y = ";
  os << "qopt.gemm ins(%a, " << b << " : " << typeA << ", " << packedB << ")\n";
  if (hasScales) {
    os << "  epilogue(" << m << ", " << o << (extra.empty() ? "" : ", %r")
       << " : " << packedChannels << ", " << packedChannels
       << (extra.empty() ? "" : ", " + extra) << ")\n";
  }
  os << "  outs(%d : " << result
     << ") {\n^bb0(%acc: " << (gemm.isFloat ? "f32" : "i32");
  if (hasScales)
    os << ", %mul: f32, %off: f32";
  if (!extra.empty())
    os << ", %row: " << (gemm.epilogue == Epilogue::PerRow ? "f32" : "i8");
  os << "):\n" << makeBody(gemm) << "\n} {epilogue_maps = [";
  if (hasScales)
    os << "affine_map<" << dims << " -> (n)>, affine_map<" << dims
       << " -> (n)>";
  if (!extra.empty())
    os << ", affine_map<" << dims << " -> " << extraMap << ">";
  os << "], config = #qopt.gemm_config" << gemm.config;
  if (gemm.conv)
    os << ", window = " << gemm.conv->getWindow();
  if (gemm.unsignedA)
    os << ", a_unsigned";
  if (gemm.unsignedB)
    os << ", b_unsigned";
  os << "}";
  if (constants)
    os << " -> " << result << "\nreturn %y : " << result << "\n}\n";
  else
    os << "\nreturn\n}\n";
  return os.str();
}
