//===- GemmCaseModule.cpp - A gemm of the suite as IR ----------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "GemmLayout.h"

#include <cstring>
#include <sstream>

using namespace mlir::qopt::test;

static std::string getResultElement(const GemmCase &gemm) {
  switch (gemm.epilogue) {
  case Epilogue::Sum:
    return gemm.isFloat ? "f32" : "i32";
  case Epilogue::Scale:
  case Epilogue::PerRow:
    return "f32";
  case Epilogue::Half:
    return "f16";
  case Epilogue::Short:
  case Epilogue::ShortResidual:
    return "i16";
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
  auto quantize = [](int low, int high, bool isUnsigned,
                     const char *type = "i8") {
    std::ostringstream os;
    os << "%q = math.roundeven %y : f32\n"
       << "%low = arith.constant " << low << ".0 : f32\n"
       << "%high = arith.constant " << high << ".0 : f32\n"
       << "%c0 = arith.maximumf %q, %low : f32\n"
       << "%c1 = arith.minimumf %c0, %high : f32\n"
       << "%i = arith.fpto" << (isUnsigned ? "ui" : "si") << " %c1 : f32 to "
       << type << "\n"
       << "qopt.yield %i : " << type << "\n";
    return os.str();
  };
  std::string shortStep =
      "%short_step = arith.constant " + printFloat(kShortStep) + " : f32\n";
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
  case Epilogue::Short:
    return scaled + shortStep + "%y = arith.mulf %x, %short_step : f32\n" +
           quantize(-32768, 32767, false, "i16");
  case Epilogue::ShortResidual:
    return scaled + "%ri = arith.extsi %row : i16 to i32\n" +
           "%rf = arith.sitofp %ri : i32 to f32\n" + "%rs = arith.constant " +
           printFloat(kResidualScale) + " : f32\n" +
           "%sum = math.fma %rf, %rs, %x : f32\n" + shortStep +
           "%y = arith.mulf %sum, %short_step : f32\n" +
           quantize(-32768, 32767, false, "i16");
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
  std::string operator()(const OperandLayout &layout,
                         const std::string &element) const {
    std::ostringstream os;
    os << kind << '<';
    for (int64_t extent : layout.extents)
      os << extent << 'x';
    os << element << layout.printStrides() << '>';
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
  std::string element = gemm.getElementType();
  std::string typeA = type(getLayout(gemm, GemmOperand::A), element);
  std::string typeB = type(getLayout(gemm, GemmOperand::B), element);
  std::string packedB =
      gemm.packed
          ? type({gemm.batch, gemm.getPaddedN(), gemm.getPaddedK()}, element)
          : typeB;
  std::string channels = type({gemm.n}, "f32");
  std::string packedChannels = type({gemm.getPaddedN()}, "f32");
  std::string result =
      type(getLayout(gemm, GemmOperand::Result), getResultElement(gemm));
  bool hasScales = gemm.epilogue != Epilogue::Sum;
  std::string extra, extraMap, extraElement;
  std::string dims = gemm.heads   ? "(b, h, m, n)"
                     : gemm.batch ? "(b, m, n)"
                                  : "(m, n)";
  if (gemm.epilogue == Epilogue::PerRow) {
    extraElement = "f32";
    extra = type({gemm.batch, gemm.m}, extraElement);
    extraMap = gemm.batch ? "(b, m)" : "(m)";
  } else if (gemm.epilogue == Epilogue::Residual ||
             gemm.epilogue == Epilogue::ShortResidual) {
    extraElement = gemm.epilogue == Epilogue::Residual ? "i8" : "i16";
    extra = type({gemm.batch, gemm.heads, gemm.m, gemm.n}, extraElement);
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
    os << "%b_ = arith.constant "
       << makeConstant(getLayout(gemm, GemmOperand::B)
                           .toMemory(constants->b, gemm.getElementBytes(),
                                     /*filler=*/0))
       << " : " << typeB << "\n";
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
    os << ", %row: " << extraElement;
  os << "):\n" << makeBody(gemm) << "\n} {epilogue_maps = [";
  if (hasScales)
    os << "affine_map<" << dims << " -> (n)>, affine_map<" << dims
       << " -> (n)>";
  if (!extra.empty())
    os << ", affine_map<" << dims << " -> " << extraMap << ">";
  os << ']';
  if (!gemm.layoutA.empty() || !gemm.layoutB.empty() || !gemm.layoutD.empty()) {
    std::string batches = gemm.batch ? gemm.heads ? "bh" : "b" : "";
    os << ", operand_maps = ["
       << getLayout(gemm, GemmOperand::A).printMap(batches + "mk") << ", "
       << getLayout(gemm, GemmOperand::B).printMap(batches + "nk") << ", "
       << getLayout(gemm, GemmOperand::Result).printMap(batches + "mn") << ']';
  }
  os << ", config = #qopt.gemm_config" << gemm.config;
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
