//===- LoopsInterpreter.cpp - qopt.loops by definition ---------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "LoopsInterpreter.h"

#include "QuantOpt/Support/HalfPrecision.h"
#include "QuantOpt/Support/QuantMathFunctions.h"
#include "llvm/ADT/TypeSwitch.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::test;
namespace qm = mlir::qopt::quantmath;

namespace {
/// A value of the body: integers sign-extended, floats as f32.
struct Scalar {
  int64_t integer = 0;
  float real = 0;
};

/// One per reduced point.
using Points = std::vector<Scalar>;
} // namespace

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

static int64_t signExtend(int64_t value, Type type) {
  unsigned unused = 64 - type.getIntOrFloatBitWidth();
  return static_cast<int64_t>(static_cast<uint64_t>(value) << unused) >> unused;
}

static uint64_t zeroExtend(int64_t value, Type type) {
  unsigned unused = 64 - type.getIntOrFloatBitWidth();
  return static_cast<uint64_t>(value) << unused >> unused;
}

static Scalar readElement(const char *data, Type type) {
  Scalar result;
  uint64_t bits = 0;
  memcpy(&bits, data, type.getIntOrFloatBitWidth() / 8);
  if (type.isF32())
    memcpy(&result.real, data, 4);
  else if (type.isF16())
    result.real = qm::fromF16(static_cast<uint16_t>(bits));
  else
    result.integer = signExtend(bits, type);
  return result;
}

static void writeElement(char *data, Type type, Scalar value) {
  if (type.isF32()) {
    memcpy(data, &value.real, 4);
  } else if (type.isF16()) {
    uint16_t bits = qm::toF16(value.real);
    memcpy(data, &bits, 2);
  } else {
    memcpy(data, &value.integer, type.getIntOrFloatBitWidth() / 8);
  }
}

static Scalar readAttribute(Attribute attr) {
  Scalar result;
  if (auto integer = dyn_cast<IntegerAttr>(attr))
    result.integer =
        signExtend(integer.getValue().getZExtValue(), integer.getType());
  else
    result.real = cast<FloatAttr>(attr).getValue().convertToFloat();
  return result;
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

static float maximum(float x, float y) {
  if (std::isnan(x) || std::isnan(y))
    return std::numeric_limits<float>::quiet_NaN();
  return x > y ? x : y;
}

static float minimum(float x, float y) { return -maximum(-x, -y); }

static Scalar makeReal(float value) { return {0, value}; }
static Scalar makeInteger(int64_t value, Type type) {
  return {signExtend(value, type), 0};
}

/// One op on the values of one point.
static Scalar evaluate(Operation *op, ArrayRef<Scalar> in) {
  Type type = op->getResult(0).getType();
  using S = Scalar;
  return llvm::TypeSwitch<Operation *, Scalar>(op)
      .Case([&](arith::ConstantOp c) { return readAttribute(c.getValue()); })
      .Case([&](arith::AddFOp) { return makeReal(in[0].real + in[1].real); })
      .Case([&](arith::SubFOp) { return makeReal(in[0].real - in[1].real); })
      .Case([&](arith::MulFOp) { return makeReal(in[0].real * in[1].real); })
      .Case([&](arith::DivFOp) { return makeReal(in[0].real / in[1].real); })
      .Case([&](arith::MaximumFOp) {
        return makeReal(maximum(in[0].real, in[1].real));
      })
      .Case([&](arith::MinimumFOp) {
        return makeReal(minimum(in[0].real, in[1].real));
      })
      .Case([&](math::SqrtOp) { return makeReal(std::sqrt(in[0].real)); })
      .Case([&](math::AbsFOp) { return makeReal(std::fabs(in[0].real)); })
      .Case([&](math::ExpOp) {
        return makeReal(
            static_cast<float>(qm::exp(static_cast<double>(in[0].real))));
      })
      .Case([&](math::RoundEvenOp) {
        return makeReal(std::nearbyint(in[0].real));
      })
      .Case([&](arith::ExtFOp) { return in[0]; })
      .Case([&](arith::TruncFOp) {
        return makeReal(qm::fromF16(qm::toF16(in[0].real)));
      })
      .Case([&](arith::SIToFPOp) {
        return makeReal(static_cast<float>(in[0].integer));
      })
      .Case([&](arith::FPToSIOp) {
        return makeInteger(static_cast<int64_t>(in[0].real), type);
      })
      .Case([&](arith::CmpFOp compare) {
        EXPECT_EQ(compare.getPredicate(), arith::CmpFPredicate::UNO);
        return makeInteger(std::isnan(in[0].real) || std::isnan(in[1].real),
                           type);
      })
      .Case([&](arith::SelectOp) -> S { return in[0].integer ? in[1] : in[2]; })
      .Case([&](arith::ExtSIOp) -> S { return in[0]; })
      .Case([&](arith::ExtUIOp) -> S {
        return makeInteger(
            zeroExtend(in[0].integer, op->getOperand(0).getType()), type);
      })
      .Case([&](arith::TruncIOp) { return makeInteger(in[0].integer, type); })
      .Case([&](arith::AddIOp) {
        return makeInteger(in[0].integer + in[1].integer, type);
      })
      .Case([&](arith::MulIOp) {
        return makeInteger(in[0].integer * in[1].integer, type);
      })
      .Default([&](Operation *unknown) {
        ADD_FAILURE() << "not interpreted: "
                      << unknown->getName().getStringRef().str();
        return Scalar();
      });
}

static Scalar combine(ReduceKind kind, Type type, Scalar a, Scalar b) {
  auto pick = [&](bool first) { return first ? a : b; };
  switch (kind) {
  case ReduceKind::MaximumF:
    return makeReal(maximum(a.real, b.real));
  case ReduceKind::MinimumF:
    return makeReal(minimum(a.real, b.real));
  case ReduceKind::MaxNumF:
    return makeReal(std::fmax(a.real, b.real));
  case ReduceKind::MinNumF:
    return makeReal(std::fmin(a.real, b.real));
  case ReduceKind::AddI:
    return makeInteger(a.integer + b.integer, type);
  case ReduceKind::MaxSI:
    return pick(a.integer > b.integer);
  case ReduceKind::MinSI:
    return pick(a.integer < b.integer);
  case ReduceKind::MaxUI:
    return pick(zeroExtend(a.integer, type) > zeroExtend(b.integer, type));
  case ReduceKind::MinUI:
    return pick(zeroExtend(a.integer, type) < zeroExtend(b.integer, type));
  case ReduceKind::OrI:
    return makeInteger(a.integer | b.integer, type);
  case ReduceKind::AndI:
    return makeInteger(a.integer & b.integer, type);
  case ReduceKind::AddF:
    break;
  }
  llvm_unreachable("sums have an order");
}

static Scalar reduce(ReduceOp op, const Points &points) {
  if (op.getKind() == ReduceKind::AddF)
    return makeReal(qm::fixedOrderSum(
        points.size(), [&](int64_t i) { return points[i].real; }));
  Scalar result = points.front();
  for (size_t i = 1; i < points.size(); ++i)
    result = combine(op.getKind(), op.getType(), result, points[i]);
  return result;
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

namespace {
class Interpreter {
public:
  Interpreter(LoopsOp op, const std::vector<Buffer> &arguments)
      : op(op), arguments(arguments) {
    for (Value init : op.getInits()) {
      auto type = cast<ShapedType>(init.getType());
      results.emplace_back(std::vector<char>(
          type.getNumElements() *
          (type.getElementType().getIntOrFloatBitWidth() / 8)));
    }
    for (auto [loop, isReduced] : llvm::enumerate(op.getReductions()))
      (isReduced ? reduced : parallel).push_back(loop);
  }

  std::vector<Buffer> run() {
    SmallVector<int64_t> counters(op.getExtents().size(), 0);
    do
      runRow(counters);
    while (next(counters, parallel));
    return results;
  }

private:
  /// Row-major; false, with all zeros, after the last one.
  bool next(SmallVector<int64_t> &counters, ArrayRef<unsigned> loops) {
    for (unsigned loop : llvm::reverse(loops)) {
      if (++counters[loop] < op.getExtents()[loop])
        return true;
      counters[loop] = 0;
    }
    return false;
  }

  /// The element that the map of operand `index` names; nothing outside.
  std::optional<int64_t> locate(unsigned index, ArrayRef<int64_t> counters) {
    SmallVector<int64_t> subscripts =
        op.getMap(index).compose(ArrayRef<int64_t>(counters));
    auto type = cast<ShapedType>(op->getOperand(index).getType());
    int64_t position = 0;
    for (auto [subscript, extent] : llvm::zip(subscripts, type.getShape())) {
      if (subscript < 0 || subscript >= extent)
        return std::nullopt;
      position = position * extent + subscript;
    }
    return position;
  }

  Scalar read(unsigned index, ArrayRef<int64_t> counters) {
    std::optional<int64_t> position = locate(index, counters);
    if (!position)
      return readAttribute(op.getPad(index));
    Value input = op.getInputs()[index];
    Type type = getElementTypeOrSelf(input.getType());
    if (auto argument = dyn_cast<BlockArgument>(input))
      return readElement(arguments[argument.getArgNumber()].bytes.data() +
                             *position * (type.getIntOrFloatBitWidth() / 8),
                         type);
    auto constant = input.getDefiningOp<arith::ConstantOp>();
    auto elements = cast<DenseElementsAttr>(constant.getValue());
    return readAttribute(*(elements.value_begin<Attribute>() + *position));
  }

  void runRow(SmallVector<int64_t> counters);

  LoopsOp op;
  const std::vector<Buffer> &arguments;
  std::vector<Buffer> results;
  SmallVector<unsigned> parallel, reduced;
};
} // namespace

void Interpreter::runRow(SmallVector<int64_t> counters) {
  SmallVector<SmallVector<int64_t>> positions;
  do
    positions.push_back(counters);
  while (next(counters, reduced));
  DenseMap<Value, Points> values;
  for (BlockArgument argument : op.getProgram()->getArguments())
    for (const auto &position : positions)
      values[argument].push_back(read(argument.getArgNumber(), position));
  for (Operation &inner : op.getProgram()->without_terminator()) {
    Points result;
    if (auto reduction = dyn_cast<ReduceOp>(inner)) {
      result.assign(positions.size(),
                    reduce(reduction, values[reduction.getValue()]));
    } else {
      for (size_t i = 0; i < positions.size(); ++i) {
        SmallVector<Scalar> operands;
        for (Value operand : inner.getOperands())
          operands.push_back(values[operand][i]);
        result.push_back(evaluate(&inner, operands));
      }
    }
    values[inner.getResult(0)] = result;
  }
  for (auto [i, yielded] :
       llvm::enumerate(op.getProgram()->getTerminator()->getOperands())) {
    Type type = yielded.getType();
    for (auto [position, value] : llvm::zip(positions, values[yielded]))
      writeElement(results[i].bytes.data() +
                       *locate(op.getInputs().size() + i, position) *
                           (type.getIntOrFloatBitWidth() / 8),
                   type, value);
  }
}

std::vector<Buffer>
mlir::qopt::test::interpretLoops(const std::string &text,
                                 const std::vector<Buffer> &inputs) {
  DialectRegistry registry;
  registry.insert<arith::ArithDialect, func::FuncDialect, math::MathDialect,
                  QOptDialect, tensor::TensorDialect>();
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  auto module =
      parseSourceString<ModuleOp>(text, ParserConfig(&context), "model.mlir");
  if (!module) {
    ADD_FAILURE() << "cannot parse " << text;
    return {};
  }
  std::vector<Buffer> results;
  module->walk([&](LoopsOp op) { results = Interpreter(op, inputs).run(); });
  return results;
}
