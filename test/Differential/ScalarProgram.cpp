//===- ScalarProgram.cpp - Bodies of linalg ops, one element at a time ----===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "ScalarProgram.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::differential;

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

unsigned differential::getWidth(Type type) {
  return type.isIndex() ? 64 : type.getIntOrFloatBitWidth();
}

int64_t differential::wrap(int64_t value, unsigned width) {
  if (width >= 64)
    return value;
  uint64_t bits = uint64_t(value) & ((uint64_t(1) << width) - 1);
  if (width > 1 && (bits >> (width - 1)))
    bits |= ~uint64_t(0) << width;
  return static_cast<int64_t>(bits);
}

double differential::roundTo(Type type, double value) {
  return type.isF64() ? value : double(float(value));
}

static uint64_t toUnsigned(int64_t value, unsigned width) {
  return width >= 64 ? uint64_t(value)
                     : uint64_t(value) & ((uint64_t(1) << width) - 1);
}

//===----------------------------------------------------------------------===//
// Floating point
//===----------------------------------------------------------------------===//

/// maximumf and minimumf: NaN wins, and -0 < +0.
static double maximum(double a, double b) {
  if (std::isnan(a) || std::isnan(b))
    return NAN;
  if (a == b)
    return std::signbit(a) ? b : a;
  return a > b ? a : b;
}
static double minimum(double a, double b) { return -maximum(-a, -b); }

/// maxnumf and minnumf: NaN loses.
static double maxNum(double a, double b) {
  return std::isnan(a) ? b : std::isnan(b) ? a : maximum(a, b);
}
static double minNum(double a, double b) { return -maxNum(-a, -b); }

static bool compare(arith::CmpFPredicate predicate, double a, double b) {
  using P = arith::CmpFPredicate;
  bool unordered = std::isnan(a) || std::isnan(b);
  switch (predicate) {
  case P::AlwaysFalse:
    return false;
  case P::OEQ:
    return a == b;
  case P::OGT:
    return a > b;
  case P::OGE:
    return a >= b;
  case P::OLT:
    return a < b;
  case P::OLE:
    return a <= b;
  case P::ONE:
    return !unordered && a != b;
  case P::ORD:
    return !unordered;
  case P::UEQ:
    return unordered || a == b;
  case P::UGT:
    return unordered || a > b;
  case P::UGE:
    return unordered || a >= b;
  case P::ULT:
    return unordered || a < b;
  case P::ULE:
    return unordered || a <= b;
  case P::UNE:
    return a != b;
  case P::UNO:
    return unordered;
  case P::AlwaysTrue:
    return true;
  }
  llvm_unreachable("all predicates are handled");
}

ScalarProgram::Function ScalarProgram::selectFloat(Operation &op) {
  Type type = op.getResult(0).getType();
  if (!type.isF32() && !type.isF64())
    return Function();
  // f32 + - * / and sqrt evaluated in f64 and rounded once more are the f32
  // operations: 53 >= 2 * 24 + 2.
  auto unary = [&](auto f) -> Function {
    return [type, f](const Scalar *in, const Context &) {
      return ofFloat(roundTo(type, f(in[0].f)));
    };
  };
  auto binary = [&](auto f) -> Function {
    return [type, f](const Scalar *in, const Context &) {
      return ofFloat(roundTo(type, f(in[0].f, in[1].f)));
    };
  };
  bool isF32 = type.isF32();
  return llvm::TypeSwitch<Operation *, Function>(&op)
      .Case([&](arith::AddFOp) {
        return binary([](double a, double b) { return a + b; });
      })
      .Case([&](arith::SubFOp) {
        return binary([](double a, double b) { return a - b; });
      })
      .Case([&](arith::MulFOp) {
        return binary([](double a, double b) { return a * b; });
      })
      .Case([&](arith::DivFOp) {
        return binary([](double a, double b) { return a / b; });
      })
      .Case([&](arith::MaximumFOp) { return binary(maximum); })
      .Case([&](arith::MinimumFOp) { return binary(minimum); })
      .Case([&](arith::MaxNumFOp) { return binary(maxNum); })
      .Case([&](arith::MinNumFOp) { return binary(minNum); })
      .Case([&](arith::NegFOp) { return unary([](double a) { return -a; }); })
      .Case([&](math::AbsFOp) {
        return unary([](double a) { return std::fabs(a); });
      })
      .Case([&](math::FloorOp) {
        return unary([](double a) { return std::floor(a); });
      })
      .Case([&](math::CeilOp) {
        return unary([](double a) { return std::ceil(a); });
      })
      .Case([&](math::RoundEvenOp) {
        return unary([](double a) { return quantmath::roundHalfEven(a); });
      })
      .Case([&](math::SqrtOp) {
        return unary([](double a) { return std::sqrt(a); });
      })
      .Case([&](math::RsqrtOp) {
        return isF32 ? unary([](double a) {
          return double(quantmath::rsqrt(float(a)));
        })
                     : Function();
      })
      .Case([&](math::ExpOp) {
        return isF32 ? unary([](double a) { return double(expF32(float(a))); })
                     : Function();
      })
      .Case([&](math::ErfOp) {
        return isF32 ? unary([](double a) { return double(erfF32(float(a))); })
                     : Function();
      })
      .Case([&](math::TanhOp) {
        return isF32 ? unary([](double a) { return double(tanhF32(float(a))); })
                     : Function();
      })
      .Case([&](math::LogOp) {
        return isF32 ? unary([](double a) { return double(logF32(float(a))); })
                     : Function();
      })
      .Case([&](math::FmaOp) -> Function {
        if (!isF32)
          return Function();
        return [](const Scalar *in, const Context &) {
          return ofFloat(quantmath::fusedMultiplyAdd(
              float(in[0].f), float(in[1].f), float(in[2].f)));
        };
      })
      .Case([&](math::FPowIOp power) -> Function {
        APInt exponent;
        if (!isF32 || !matchPattern(power.getRhs(), m_ConstantInt(&exponent)))
          return Function();
        return unary([n = exponent.getSExtValue()](double a) {
          return double(powerF32(float(a), n));
        });
      })
      .Default([](Operation *) { return Function(); });
}

//===----------------------------------------------------------------------===//
// Integers
//===----------------------------------------------------------------------===//

static bool compare(arith::CmpIPredicate predicate, int64_t a, int64_t b,
                    unsigned width) {
  using P = arith::CmpIPredicate;
  uint64_t ua = toUnsigned(a, width), ub = toUnsigned(b, width);
  switch (predicate) {
  case P::eq:
    return a == b;
  case P::ne:
    return a != b;
  case P::slt:
    return a < b;
  case P::sle:
    return a <= b;
  case P::sgt:
    return a > b;
  case P::sge:
    return a >= b;
  case P::ult:
    return ua < ub;
  case P::ule:
    return ua <= ub;
  case P::ugt:
    return ua > ub;
  case P::uge:
    return ua >= ub;
  }
  llvm_unreachable("all predicates are handled");
}

ScalarProgram::Function ScalarProgram::selectInteger(Operation &op) {
  Type type = op.getResult(0).getType();
  if (!type.isIntOrIndex())
    return Function();
  unsigned width = getWidth(type);
  auto binary = [width](auto f) -> Function {
    return [width, f](const Scalar *in, const Context &) {
      return ofInt(
          wrap(int64_t(f(uint64_t(in[0].i), uint64_t(in[1].i))), width));
    };
  };
  return llvm::TypeSwitch<Operation *, Function>(&op)
      .Case([&](arith::AddIOp) {
        return binary([](uint64_t a, uint64_t b) { return a + b; });
      })
      .Case([&](arith::SubIOp) {
        return binary([](uint64_t a, uint64_t b) { return a - b; });
      })
      .Case([&](arith::MulIOp) {
        return binary([](uint64_t a, uint64_t b) { return a * b; });
      })
      .Case([&](arith::AndIOp) {
        return binary([](uint64_t a, uint64_t b) { return a & b; });
      })
      .Case([&](arith::OrIOp) {
        return binary([](uint64_t a, uint64_t b) { return a | b; });
      })
      .Case([&](arith::XOrIOp) {
        return binary([](uint64_t a, uint64_t b) { return a ^ b; });
      })
      .Case([&](arith::MaxSIOp) {
        return binary([](int64_t a, int64_t b) { return std::max(a, b); });
      })
      .Case([&](arith::MinSIOp) {
        return binary([](int64_t a, int64_t b) { return std::min(a, b); });
      })
      .Case([&](arith::CmpIOp cmp) -> Function {
        unsigned inWidth = getWidth(cmp.getLhs().getType());
        return [p = cmp.getPredicate(), inWidth](const Scalar *in,
                                                 const Context &) {
          return ofInt(compare(p, in[0].i, in[1].i, inWidth));
        };
      })
      .Case([&](arith::CmpFOp cmp) -> Function {
        return [p = cmp.getPredicate()](const Scalar *in, const Context &) {
          return ofInt(compare(p, in[0].f, in[1].f));
        };
      })
      .Default([](Operation *) { return Function(); });
}

//===----------------------------------------------------------------------===//
// Conversions
//===----------------------------------------------------------------------===//

ScalarProgram::Function ScalarProgram::selectConversion(Operation &op) {
  if (op.getNumOperands() != 1)
    return Function();
  Type from = op.getOperand(0).getType(), to = op.getResult(0).getType();
  if (!from.isIntOrIndexOrFloat() || !to.isIntOrIndexOrFloat())
    return Function();
  unsigned width = getWidth(to), inWidth = getWidth(from);
  // Out of range the result is undefined: a lowering must not rely on it.
  auto toInteger = [width](double low, double high) -> Function {
    return [width, low, high](const Scalar *in, const Context &context) {
      double x = std::trunc(in[0].f);
      if (!(x >= low && x < high)) {
        context.error->message = "conversion of a float that does not fit";
        return ofInt(0);
      }
      return ofInt(wrap(x < 0x1p63 ? int64_t(x) : int64_t(uint64_t(x)), width));
    };
  };
  return llvm::TypeSwitch<Operation *, Function>(&op)
      .Case<arith::TruncFOp, arith::ExtFOp>([&](Operation *) -> Function {
        if (!to.isF32() && !to.isF64())
          return Function();
        return [to](const Scalar *in, const Context &) {
          return ofFloat(roundTo(to, in[0].f));
        };
      })
      .Case([&](arith::SIToFPOp) -> Function {
        return [to](const Scalar *in, const Context &) {
          return ofFloat(to.isF32() ? double(float(in[0].i)) : double(in[0].i));
        };
      })
      .Case([&](arith::UIToFPOp) -> Function {
        return [to, inWidth](const Scalar *in, const Context &) {
          uint64_t value = toUnsigned(in[0].i, inWidth);
          return ofFloat(to.isF32() ? double(float(value)) : double(value));
        };
      })
      .Case([&](arith::FPToSIOp) {
        return toInteger(-std::ldexp(1.0, width - 1),
                         std::ldexp(1.0, width - 1));
      })
      .Case([&](arith::FPToUIOp) {
        return toInteger(0.0, std::ldexp(1.0, width));
      })
      .Case([&](arith::ExtUIOp) -> Function {
        return [inWidth](const Scalar *in, const Context &) {
          return ofInt(static_cast<int64_t>(toUnsigned(in[0].i, inWidth)));
        };
      })
      .Case([&](arith::ExtSIOp) -> Function {
        return [inWidth](const Scalar *in, const Context &) {
          return ofInt(inWidth == 1 ? -in[0].i : in[0].i);
        };
      })
      .Case<arith::TruncIOp, arith::IndexCastOp>([&](Operation *) -> Function {
        return [width](const Scalar *in, const Context &) {
          return ofInt(wrap(in[0].i, width));
        };
      })
      .Default([](Operation *) { return Function(); });
}

//===----------------------------------------------------------------------===//
// Programs
//===----------------------------------------------------------------------===//

static bool isConstant(Operation &op, Scalar &value) {
  Attribute attr;
  if (!matchPattern(&op, m_Constant(&attr)))
    return false;
  if (auto number = dyn_cast<FloatAttr>(attr)) {
    value = ofFloat(number.getValueAsDouble());
    return true;
  }
  auto integer = dyn_cast<IntegerAttr>(attr);
  if (!integer)
    return false;
  unsigned width = getWidth(integer.getType());
  value = ofInt(wrap(width == 1 ? int64_t(integer.getValue().getZExtValue())
                                : integer.getValue().getSExtValue(),
                     width));
  return true;
}

ScalarProgram::Function ScalarProgram::select(Operation &op,
                                              const Lookup &lookup) {
  if (isa<arith::SelectOp>(op))
    return [](const Scalar *in, const Context &) {
      return in[0].i ? in[1] : in[2];
    };
  if (auto index = dyn_cast<linalg::IndexOp>(op))
    return [dim = index.getDim()](const Scalar *, const Context &context) {
      return ofInt(context.counters[dim]);
    };
  if (auto assertion = dyn_cast<cf::AssertOp>(op))
    return [text = assertion.getMsg().str()](const Scalar *in,
                                             const Context &context) {
      if (!in[0].i)
        context.error->message = text;
      return ofInt(0);
    };
  if (auto extract = dyn_cast<tensor::ExtractOp>(op)) {
    TensorRef table = lookup(extract.getTensor());
    if (!table)
      return Function();
    return [table](const Scalar *in, const Context &context) {
      int64_t flat = 0;
      for (auto [i, size] : llvm::enumerate(table->shape)) {
        // The first operand is the table.
        int64_t position = in[i + 1].i;
        if (position < 0 || position >= size) {
          context.error->message = "index out of bounds";
          return table->data.front();
        }
        flat = flat * size + position;
      }
      return table->data[flat];
    };
  }
  for (auto family : {selectFloat, selectInteger, selectConversion})
    if (op.getNumResults() == 1)
      if (Function function = family(op))
        return function;
  return Function();
}

unsigned ScalarProgram::getSlot(Value value, const Lookup &lookup) {
  auto [it, isNew] = slots.try_emplace(value, values.size());
  if (isNew) {
    TensorRef outer = lookup(value);
    // Tables that tensor.extract reads have a slot that nobody looks at.
    values.push_back(outer && !outer->data.empty() ? outer->data.front()
                                                   : ofInt(0));
  }
  return it->second;
}

bool ScalarProgram::add(Operation &op, const Lookup &lookup,
                        std::string &error) {
  Scalar value;
  if (isConstant(op, value)) {
    slots[op.getResult(0)] = values.size();
    values.push_back(value);
    return true;
  }
  Instruction instruction;
  instruction.function = select(op, lookup);
  if (!instruction.function) {
    error =
        "the interpreter does not know " + op.getName().getStringRef().str();
    return false;
  }
  for (Value operand : op.getOperands())
    instruction.operands.push_back(getSlot(operand, lookup));
  instruction.result = values.size();
  values.push_back(ofInt(0));
  if (op.getNumResults() == 1)
    slots[op.getResult(0)] = instruction.result;
  instructions.push_back(std::move(instruction));
  return true;
}

void ScalarProgram::addResidual(Operation &op, const Residual &residual,
                                const Lookup &lookup) {
  Instruction instruction;
  unsigned edge = cast<BlockArgument>(residual.edge).getArgNumber();
  instruction.operands = {numArguments / 2 + edge,
                          getSlot(residual.other, lookup)};
  instruction.function = [s = residual.scale](const Scalar *in,
                                              const Context &) {
    return ofFloat(
        quantmath::fusedMultiplyAdd(float(in[0].f), s, float(in[1].f)));
  };
  instruction.result = values.size();
  values.push_back(ofInt(0));
  slots[op.getResult(0)] = instruction.result;
  instructions.push_back(std::move(instruction));
}

bool ScalarProgram::compile(Block &block, const Lookup &lookup,
                            std::string &error, const Residuals *residuals) {
  numArguments = block.getNumArguments() * (residuals ? 2 : 1);
  values.resize(numArguments, ofInt(0));
  for (BlockArgument argument : block.getArguments())
    slots[argument] = argument.getArgNumber();
  for (Operation &op : block.without_terminator()) {
    if (residuals && residuals->contains(&op))
      addResidual(op, residuals->lookup(&op), lookup);
    else if (!add(op, lookup, error))
      return false;
  }
  for (Value result : block.getTerminator()->getOperands())
    results.push_back(getSlot(result, lookup));
  yielded.resize(results.size());
  return true;
}

bool ScalarProgram::compile(Operation &op, const Lookup &lookup,
                            std::string &error) {
  if (!add(op, lookup, error))
    return false;
  if (op.getNumResults() == 1)
    results.push_back(slots[op.getResult(0)]);
  yielded.resize(results.size());
  return true;
}

const Scalar *ScalarProgram::run(const Scalar *arguments,
                                 const int64_t *counters, ScalarError &error) {
  std::copy(arguments, arguments + numArguments, values.begin());
  Context context{counters, &error};
  for (const Instruction &instruction : instructions) {
    operands.clear();
    for (unsigned operand : instruction.operands)
      operands.push_back(values[operand]);
    values[instruction.result] = instruction.function(operands.data(), context);
  }
  for (auto [i, slot] : llvm::enumerate(results))
    yielded[i] = values[slot];
  return yielded.data();
}
