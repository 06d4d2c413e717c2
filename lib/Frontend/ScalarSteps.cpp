//===- ScalarSteps.cpp - Scalar ops as functions on registers ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "ScalarSteps.h"

#include "QuantOpt/Support/FloatingPoint.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>

using namespace mlir;
using namespace mlir::qopt;

//===----------------------------------------------------------------------===//
// Bits
//===----------------------------------------------------------------------===//

static unsigned getWidth(Type type) {
  return type.isIndex() ? 64 : type.getIntOrFloatBitWidth();
}

static bool isSingleOrDouble(Type type) { return type.isF32() || type.isF64(); }

template <typename T> static T unpack(ScalarBits bits) {
  T value;
  memcpy(&value, &bits, sizeof(T));
  return value;
}

template <typename T> static ScalarBits pack(T value) {
  ScalarBits bits = 0;
  memcpy(&bits, &value, sizeof(T));
  return bits;
}

static ScalarBits truncate(ScalarBits bits, unsigned width) {
  return bits & llvm::maskTrailingOnes<uint64_t>(width);
}

static int64_t extend(ScalarBits bits, unsigned width) {
  return llvm::SignExtend64(bits, width);
}

//===----------------------------------------------------------------------===//
// Steps
//===----------------------------------------------------------------------===//

using Step = ScalarStep;

/// `function` on floats or doubles, as `type` says.
template <typename F>
static Step makeUnary(Type type, unsigned d, unsigned a, F function) {
  if (type.isF32())
    return [=](ScalarBits *r) {
      r[d] = pack<float>(function(unpack<float>(r[a])));
      return true;
    };
  return [=](ScalarBits *r) {
    r[d] = pack<double>(function(unpack<double>(r[a])));
    return true;
  };
}

template <typename F>
static Step makeBinary(Type type, unsigned d, unsigned a, unsigned b,
                       F function) {
  if (type.isF32())
    return [=](ScalarBits *r) {
      r[d] = pack<float>(function(unpack<float>(r[a]), unpack<float>(r[b])));
      return true;
    };
  return [=](ScalarBits *r) {
    r[d] = pack<double>(function(unpack<double>(r[a]), unpack<double>(r[b])));
    return true;
  };
}

/// The result of comparing two floats, as the bit of CmpFPredicate: equal,
/// greater, less, unordered.
template <typename T> static unsigned compareFloats(T a, T b) {
  if (std::isnan(a) || std::isnan(b))
    return 8;
  return a == b ? 1 : a > b ? 2 : 4;
}

/// The outcomes of compareFloats for which `predicate` holds.
static unsigned getOutcomes(arith::CmpFPredicate predicate) {
  using P = arith::CmpFPredicate;
  switch (predicate) {
  case P::AlwaysFalse:
    return 0;
  case P::OEQ:
    return 1;
  case P::OGT:
    return 2;
  case P::OGE:
    return 3;
  case P::OLT:
    return 4;
  case P::OLE:
    return 5;
  case P::ONE:
    return 6;
  case P::ORD:
    return 7;
  case P::UEQ:
    return 9;
  case P::UGT:
    return 10;
  case P::UGE:
    return 11;
  case P::ULT:
    return 12;
  case P::ULE:
    return 13;
  case P::UNE:
    return 14;
  case P::UNO:
    return 8;
  case P::AlwaysTrue:
    return 15;
  }
  llvm_unreachable("all predicates are handled");
}

static Step makeFloatStep(Operation *op, unsigned d, ArrayRef<unsigned> in) {
  if (in.empty() || !isSingleOrDouble(op->getOperand(0).getType()))
    return {};
  Type type = op->getOperand(0).getType();
  auto unary = [&](auto function) {
    return makeUnary(type, d, in[0], function);
  };
  auto binary = [&](auto function) {
    return makeBinary(type, d, in[0], in[1], function);
  };
  return llvm::TypeSwitch<Operation *, Step>(op)
      .Case<arith::AddFOp>(
          [&](auto) { return binary([](auto a, auto b) { return a + b; }); })
      .Case<arith::SubFOp>(
          [&](auto) { return binary([](auto a, auto b) { return a - b; }); })
      .Case<arith::MulFOp>(
          [&](auto) { return binary([](auto a, auto b) { return a * b; }); })
      .Case<arith::DivFOp>(
          [&](auto) { return binary([](auto a, auto b) { return a / b; }); })
      // NaN if one operand is; +0 is greater than -0.
      .Case<arith::MaximumFOp>([&](auto) {
        return binary([](auto a, auto b) {
          if (std::isnan(a) || std::isnan(b))
            return a + b;
          return a > b || (a == b && !std::signbit(a)) ? a : b;
        });
      })
      .Case<arith::MinimumFOp>([&](auto) {
        return binary([](auto a, auto b) {
          if (std::isnan(a) || std::isnan(b))
            return a + b;
          return a < b || (a == b && std::signbit(a)) ? a : b;
        });
      })
      .Case<arith::MaxNumFOp>([&](auto) {
        return binary([](auto a, auto b) {
          return std::isnan(b) || a > b || (a == b && !std::signbit(a)) ? a : b;
        });
      })
      .Case<arith::MinNumFOp>([&](auto) {
        return binary([](auto a, auto b) {
          return std::isnan(b) || a < b || (a == b && std::signbit(a)) ? a : b;
        });
      })
      .Case<math::CopySignOp>([&](auto) {
        return binary([](auto a, auto b) { return std::copysign(a, b); });
      })
      .Case<arith::NegFOp>(
          [&](auto) { return unary([](auto a) { return -a; }); })
      .Case<math::AbsFOp>(
          [&](auto) { return unary([](auto a) { return std::fabs(a); }); })
      .Case<math::FloorOp>(
          [&](auto) { return unary([](auto a) { return std::floor(a); }); })
      .Case<math::CeilOp>(
          [&](auto) { return unary([](auto a) { return std::ceil(a); }); })
      .Case<math::TruncOp>(
          [&](auto) { return unary([](auto a) { return std::trunc(a); }); })
      .Case<math::RoundOp>(
          [&](auto) { return unary([](auto a) { return std::round(a); }); })
      .Case<math::RoundEvenOp>(
          [&](auto) { return unary([](auto a) { return std::nearbyint(a); }); })
      .Case<math::SqrtOp>(
          [&](auto) { return unary([](auto a) { return std::sqrt(a); }); })
      // Two operations, as everywhere (docs/Numerics.md).
      .Case<math::RsqrtOp>([&](auto) {
        return unary([](auto a) {
          auto root = std::sqrt(a);
          return 1 / root;
        });
      })
      .Case<math::FmaOp>([&](auto) -> Step {
        unsigned a = in[0], b = in[1], c = in[2];
        if (type.isF32())
          return [=](ScalarBits *r) {
            r[d] = pack(quantmath::fusedMultiplyAdd(
                unpack<float>(r[a]), unpack<float>(r[b]), unpack<float>(r[c])));
            return true;
          };
        return [=](ScalarBits *r) {
          r[d] = pack(std::fma(unpack<double>(r[a]), unpack<double>(r[b]),
                               unpack<double>(r[c])));
          return true;
        };
      })
      .Case<arith::CmpFOp>([&](auto compare) -> Step {
        unsigned a = in[0], b = in[1];
        unsigned outcomes = getOutcomes(compare.getPredicate());
        if (type.isF32())
          return [=](ScalarBits *r) {
            r[d] = (outcomes & compareFloats(unpack<float>(r[a]),
                                             unpack<float>(r[b]))) != 0;
            return true;
          };
        return [=](ScalarBits *r) {
          r[d] = (outcomes & compareFloats(unpack<double>(r[a]),
                                           unpack<double>(r[b]))) != 0;
          return true;
        };
      })
      .Default(Step());
}

static bool compareIntegers(arith::CmpIPredicate predicate, ScalarBits a,
                            ScalarBits b, unsigned width) {
  return arith::applyCmpPredicate(predicate, APInt(width, a), APInt(width, b));
}

static Step makeIntegerStep(Operation *op, unsigned d, ArrayRef<unsigned> in) {
  if (in.empty())
    return {};
  Type type = op->getOperand(0).getType();
  if (!type.isIntOrIndex())
    return {};
  unsigned width = getWidth(type);
  // Modulo 2^width.
  auto binary = [&](auto function) -> Step {
    unsigned a = in[0], b = in[1];
    return [=](ScalarBits *r) {
      r[d] = truncate(function(r[a], r[b]), width);
      return true;
    };
  };
  auto signedBinary = [&](auto function) -> Step {
    unsigned a = in[0], b = in[1];
    return [=](ScalarBits *r) {
      r[d] =
          truncate(function(extend(r[a], width), extend(r[b], width)), width);
      return true;
    };
  };
  // Undefined for a divisor of 0, and of -1 where the quotient overflows.
  auto signedDivision = [&](auto function) -> Step {
    unsigned a = in[0], b = in[1];
    return [=](ScalarBits *r) {
      int64_t x = extend(r[a], width), y = extend(r[b], width);
      if (y == 0 || (y == -1 && x == llvm::minIntN(width)))
        return false;
      r[d] = truncate(function(x, y), width);
      return true;
    };
  };
  auto unsignedDivision = [&](auto function) -> Step {
    unsigned a = in[0], b = in[1];
    return [=](ScalarBits *r) {
      if (r[b] == 0)
        return false;
      r[d] = function(r[a], r[b]);
      return true;
    };
  };
  auto shift = [&](auto function) -> Step {
    unsigned a = in[0], b = in[1];
    return [=](ScalarBits *r) {
      if (r[b] >= width)
        return false;
      r[d] = truncate(function(r[a], r[b], width), width);
      return true;
    };
  };
  using U = ScalarBits;
  using S = int64_t;
  return llvm::TypeSwitch<Operation *, Step>(op)
      .Case<arith::AddIOp>(
          [&](auto) { return binary([](U a, U b) { return a + b; }); })
      .Case<arith::SubIOp>(
          [&](auto) { return binary([](U a, U b) { return a - b; }); })
      .Case<arith::MulIOp>(
          [&](auto) { return binary([](U a, U b) { return a * b; }); })
      .Case<arith::AndIOp>(
          [&](auto) { return binary([](U a, U b) { return a & b; }); })
      .Case<arith::OrIOp>(
          [&](auto) { return binary([](U a, U b) { return a | b; }); })
      .Case<arith::XOrIOp>(
          [&](auto) { return binary([](U a, U b) { return a ^ b; }); })
      .Case<arith::MaxUIOp>(
          [&](auto) { return binary([](U a, U b) { return a > b ? a : b; }); })
      .Case<arith::MinUIOp>(
          [&](auto) { return binary([](U a, U b) { return a < b ? a : b; }); })
      .Case<arith::MaxSIOp>([&](auto) {
        return signedBinary([](S a, S b) { return a > b ? a : b; });
      })
      .Case<arith::MinSIOp>([&](auto) {
        return signedBinary([](S a, S b) { return a < b ? a : b; });
      })
      .Case<arith::DivSIOp>(
          [&](auto) { return signedDivision([](S a, S b) { return a / b; }); })
      .Case<arith::RemSIOp>(
          [&](auto) { return signedDivision([](S a, S b) { return a % b; }); })
      .Case<arith::FloorDivSIOp>([&](auto) {
        return signedDivision([](S a, S b) {
          return a / b - (a % b != 0 && (a < 0) != (b < 0));
        });
      })
      .Case<arith::CeilDivSIOp>([&](auto) {
        return signedDivision([](S a, S b) {
          return a / b + (a % b != 0 && (a < 0) == (b < 0));
        });
      })
      .Case<arith::DivUIOp>([&](auto) {
        return unsignedDivision([](U a, U b) { return a / b; });
      })
      .Case<arith::RemUIOp>([&](auto) {
        return unsignedDivision([](U a, U b) { return a % b; });
      })
      .Case<arith::CeilDivUIOp>([&](auto) {
        return unsignedDivision([](U a, U b) { return a / b + (a % b != 0); });
      })
      .Case<arith::ShLIOp>([&](auto) {
        return shift([](U a, U b, unsigned) { return a << b; });
      })
      .Case<arith::ShRUIOp>([&](auto) {
        return shift([](U a, U b, unsigned) { return a >> b; });
      })
      .Case<arith::ShRSIOp>([&](auto) {
        return shift([](U a, U b, unsigned w) { return U(extend(a, w) >> b); });
      })
      .Case<math::AbsIOp>([&](auto) -> Step {
        unsigned a = in[0];
        return [=](ScalarBits *r) {
          int64_t x = extend(r[a], width);
          r[d] = truncate(x < 0 ? 0 - U(x) : U(x), width);
          return true;
        };
      })
      .Case<arith::CmpIOp>([&](auto compare) -> Step {
        unsigned a = in[0], b = in[1];
        arith::CmpIPredicate predicate = compare.getPredicate();
        return [=](ScalarBits *r) {
          r[d] = compareIntegers(predicate, r[a], r[b], width);
          return true;
        };
      })
      .Default(Step());
}

/// `to` from a float of `from` bits, rounded to nearest even.
static ScalarBits convertFloat(ScalarBits bits, FloatType from, FloatType to) {
  APFloat value(from.getFloatSemantics(), APInt(from.getWidth(), bits));
  bool losesInfo;
  value.convert(to.getFloatSemantics(), APFloat::rmNearestTiesToEven,
                &losesInfo);
  return value.bitcastToAPInt().getZExtValue();
}

/// Truncates towards zero; failure out of range, where the result is poison.
static bool convertToInteger(ScalarBits bits, FloatType from, unsigned width,
                             bool isUnsigned, ScalarBits &result) {
  APFloat value(from.getFloatSemantics(), APInt(from.getWidth(), bits));
  llvm::APSInt integer(width, isUnsigned);
  bool isExact;
  if (value.convertToInteger(integer, APFloat::rmTowardZero, &isExact) ==
      APFloat::opInvalidOp)
    return false;
  result = integer.getZExtValue();
  return true;
}

static ScalarBits convertToFloat(ScalarBits bits, unsigned width,
                                 bool isUnsigned, FloatType to) {
  APFloat value(to.getFloatSemantics());
  value.convertFromAPInt(APInt(width, bits), !isUnsigned,
                         APFloat::rmNearestTiesToEven);
  return value.bitcastToAPInt().getZExtValue();
}

static Step makeConversionStep(Operation *op, unsigned d,
                               ArrayRef<unsigned> in) {
  if (in.size() != 1 || op->getNumResults() != 1)
    return {};
  unsigned a = in[0];
  Type from = op->getOperand(0).getType(), to = op->getResult(0).getType();
  unsigned fromWidth = getWidth(from), toWidth = getWidth(to);
  if (isa<arith::ExtUIOp, arith::TruncIOp, arith::IndexCastUIOp,
          arith::BitcastOp>(op))
    return [=](ScalarBits *r) {
      r[d] = truncate(r[a], toWidth);
      return true;
    };
  if (isa<arith::ExtSIOp, arith::IndexCastOp>(op))
    return [=](ScalarBits *r) {
      r[d] = truncate(extend(r[a], fromWidth), toWidth);
      return true;
    };
  if (isa<arith::ExtFOp, arith::TruncFOp>(op)) {
    if (auto truncate = dyn_cast<arith::TruncFOp>(op))
      if (truncate.getRoundingmode().value_or(
              arith::RoundingMode::to_nearest_even) !=
          arith::RoundingMode::to_nearest_even)
        return {};
    if (from.isF32() && to.isF64())
      return [=](ScalarBits *r) {
        r[d] = pack<double>(unpack<float>(r[a]));
        return true;
      };
    if (from.isF64() && to.isF32())
      return [=](ScalarBits *r) {
        r[d] = pack<float>(static_cast<float>(unpack<double>(r[a])));
        return true;
      };
    auto source = cast<FloatType>(from), target = cast<FloatType>(to);
    return [=](ScalarBits *r) {
      r[d] = convertFloat(r[a], source, target);
      return true;
    };
  }
  if (isa<arith::SIToFPOp, arith::UIToFPOp>(op)) {
    bool isUnsigned = isa<arith::UIToFPOp>(op);
    auto target = cast<FloatType>(to);
    return [=](ScalarBits *r) {
      r[d] = convertToFloat(r[a], fromWidth, isUnsigned, target);
      return true;
    };
  }
  if (isa<arith::FPToSIOp, arith::FPToUIOp>(op)) {
    bool isUnsigned = isa<arith::FPToUIOp>(op);
    auto source = cast<FloatType>(from);
    return [=](ScalarBits *r) {
      return convertToInteger(r[a], source, toWidth, isUnsigned, r[d]);
    };
  }
  return {};
}

ScalarStep mlir::qopt::makeScalarStep(Operation *op, unsigned result,
                                      ArrayRef<unsigned> operands) {
  auto fits = [](Type type) { return getScalarBytes(type) != 0; };
  if (op->getNumResults() != 1 || op->getNumRegions() != 0 ||
      !llvm::all_of(op->getOperandTypes(), fits) ||
      !llvm::all_of(op->getResultTypes(), fits))
    return {};
  if (isa<arith::SelectOp>(op)) {
    unsigned condition = operands[0], a = operands[1], b = operands[2];
    return [=](ScalarBits *r) {
      r[result] = r[condition] ? r[a] : r[b];
      return true;
    };
  }
  if (Step step = makeFloatStep(op, result, operands))
    return step;
  if (Step step = makeIntegerStep(op, result, operands))
    return step;
  return makeConversionStep(op, result, operands);
}
