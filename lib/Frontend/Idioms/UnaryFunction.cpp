//===- UnaryFunction.cpp - GELU, SiLU, sigmoid and their like --*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// There are many spellings of each, but only one function: the elementwise ops
// between a value and the result are evaluated at some points and compared with
// the functions that have a name. Nothing depends on the name being right: the
// composite computes what the ops computed.
//
//===----------------------------------------------------------------------===//
#include "Idiom.h"

#include "QuantOpt/Analysis/Elementwise.h"
#include "QuantOpt/Analysis/EvaluateBody.h"
#include "QuantOpt/Support/QuantMathFunctions.h"
#include "llvm/ADT/SetVector.h"

#include <array>
#include <cmath>

using namespace mlir;
using namespace mlir::qopt;

/// No idiom has more ops than this (GELU of TOSA has ten).
static constexpr size_t kMaxOps = 16;

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

static double sigmoid(double x) { return 1 / (1 + quantmath::exp(-x)); }

static double clampUnit(double x) { return std::min(std::max(x, 0.0), 1.0); }

namespace {
struct NamedFunction {
  StringLiteral name;
  double (*evaluate)(double);
};
} // namespace

static constexpr NamedFunction kFunctions[] = {
    {"sigmoid", sigmoid},
    {"silu", [](double x) { return x * sigmoid(x); }},
    {"gelu",
     [](double x) {
       return x * 0.5 * (1 + quantmath::erf(x * 0.70710678118654752));
     }},
    {"gelu_tanh",
     [](double x) {
       constexpr double kSqrtTwoOverPi = 0.79788456080286536;
       return 0.5 * x *
              (1 +
               quantmath::tanh(kSqrtTwoOverPi * (x + 0.044715 * x * x * x)));
     }},
    {"hard_sigmoid", [](double x) { return clampUnit(x / 6 + 0.5); }},
    // The slope of ONNX's operator.
    {"hard_sigmoid", [](double x) { return clampUnit(0.2 * x + 0.5); }},
    {"hard_swish", [](double x) { return x * clampUnit(x / 6 + 0.5); }},
};

/// The name of the nearest to `function`, or an empty one if all are far. GELU
/// and its tanh form differ by up to 5e-4; exporters write the constant of the
/// latter as 0.797724, which makes differences of 1e-4.
static StringRef findName(function_ref<FailureOr<double>(double)> function) {
  constexpr double kLimit = 9, kStep = 0.375, kTolerance = 2e-4;
  constexpr size_t kCount = std::size(kFunctions);
  std::array<double, kCount> distances = {};
  for (double x = -kLimit; x <= kLimit; x += kStep) {
    FailureOr<double> y = function(x);
    if (failed(y) || !std::isfinite(*y))
      return "";
    for (auto [candidate, distance] : llvm::zip_equal(kFunctions, distances))
      distance = std::max(distance, std::fabs(candidate.evaluate(x) - *y));
  }
  size_t nearest = llvm::min_element(distances) - distances.begin();
  return distances[nearest] <= kTolerance ? StringRef(kFunctions[nearest].name)
                                          : "";
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

static linalg::GenericOp getElementwise(Value value, Block *block) {
  auto generic = value.getDefiningOp<linalg::GenericOp>();
  if (!generic || generic->getBlock() != block || !isElementwise(generic) ||
      generic.hasIndexSemantics())
    return {};
  for (OpOperand *input : generic.getDpsInputOperands())
    if (!getConstantScalar(input->get()) &&
        !generic.getMatchingIndexingMap(input).isIdentity())
      return {};
  return generic;
}

namespace {
/// Elementwise ops from one value or several to the result.
struct UnaryChain {
  explicit UnaryChain(linalg::GenericOp root) { add(root); }

  void add(linalg::GenericOp op);
  /// The latest op among those that define the frontier joins, if only the
  /// chain needs it.
  bool grow();
  FailureOr<double> evaluate(double x) const;

  SmallVector<linalg::GenericOp> ops;      ///< each before those it uses
  llvm::SmallSetVector<Value, 4> frontier; ///< what they read, constants apart
};
} // namespace

void UnaryChain::add(linalg::GenericOp op) {
  ops.push_back(op);
  frontier.remove(op.getResult(0));
  for (Value input : op.getDpsInputs())
    if (!getConstantScalar(input))
      frontier.insert(input);
}

bool UnaryChain::grow() {
  Block *block = ops.front()->getBlock();
  Operation *last = nullptr;
  for (Value value : frontier) {
    Operation *def = value.getDefiningOp();
    if (def && def->getBlock() == block &&
        (!last || last->isBeforeInBlock(def)))
      last = def;
  }
  if (!last || last->getNumResults() != 1 || ops.size() == kMaxOps)
    return false;
  linalg::GenericOp op = getElementwise(last->getResult(0), block);
  if (!op || !llvm::all_of(last->getUsers(), [&](Operation *user) {
        return llvm::is_contained(ops, user);
      }))
    return false;
  add(op);
  return true;
}

FailureOr<double> UnaryChain::evaluate(double x) const {
  DenseMap<Value, double> known{{frontier.front(), x}};
  FailureOr<double> result = failure();
  for (linalg::GenericOp op : llvm::reverse(ops)) {
    SmallVector<double> inputs;
    for (Value input : op.getDpsInputs()) {
      auto it = known.find(input);
      inputs.push_back(it != known.end() ? it->second
                                         : *getConstantScalar(input));
    }
    result = evaluateBody(op, inputs);
    if (failed(result))
      return failure();
    known[op.getResult(0)] = *result;
  }
  return result;
}

Idioms mlir::qopt::matchUnaryFunction(Operation *op) {
  linalg::GenericOp root = getElementwise(op->getResult(0), op->getBlock());
  if (!root)
    return {};
  UnaryChain chain(root);
  do {
    if (chain.frontier.size() != 1)
      continue;
    Value input = chain.frontier.front();
    if (input.getType() != root.getResult(0).getType())
      continue;
    StringRef name = findName([&](double x) { return chain.evaluate(x); });
    if (name.empty())
      continue;
    Idiom idiom{name, root.getResult(0), {input}};
    idiom.isElementwise = true;
    return {idiom};
  } while (chain.grow());
  return {};
}
