//===- Interpreter.h - What a QDQ form means -------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Evaluates a QDQ form op by op, by docs/Numerics.md. It knows nothing of the
// lowering: a float tensor carries the integers or the exact sums it comes
// from, and a cast or a contraction that finds them there uses the contract of
// the document. Slow, and meant to be read.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_TEST_DIFFERENTIAL_INTERPRETER_H
#define QUANTOPT_TEST_DIFFERENTIAL_INTERPRETER_H

#include "ScalarProgram.h"
#include "Tensor.h"

#include "QuantOpt/Dialect/QOpt/IR/QOpt.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <string>

namespace mlir::qopt::differential {

enum class Arithmetic {
  /// Contractions on integers and the contracts of docs/Numerics.md: the bits
  /// of the integer form.
  Integer,
  /// Every cast and every contraction in floating point: fake quantization.
  Float
};

class Interpreter {
public:
  explicit Interpreter(Arithmetic arithmetic) : arithmetic(arithmetic) {}

  /// The results of `entry`; empty where `error` says why.
  std::vector<TensorRef> run(func::FuncOp entry, ArrayRef<TensorRef> inputs,
                             std::string &error);

private:
  //===--------------------------------------------------------------------===//
  // Interpreter.cpp
  //===--------------------------------------------------------------------===//
  bool fail(Operation &op, const Twine &message);
  TensorRef get(Value value);
  void set(Value value, Tensor tensor);
  bool runBlock(Block &block);
  bool runOp(Operation &op);
  bool runConstant(Operation &op);
  bool runFor(scf::ForOp op);
  bool runScalar(Operation &op);
  std::vector<int64_t> getIndices(ArrayRef<OpFoldResult> values);

  //===--------------------------------------------------------------------===//
  // InterpretStructured.cpp
  //===--------------------------------------------------------------------===//
  bool runStructured(linalg::LinalgOp op);
  /// Runs the body over all loops, on `operands` in place of the op's. Fills in
  /// steps where `withSteps`.
  bool evaluateBody(linalg::LinalgOp op, ArrayRef<TensorRef> operands,
                    const ScalarProgram::Lookup &lookup, bool withSteps,
                    std::vector<Tensor> &results,
                    const ScalarProgram::Residuals *residuals = nullptr);
  /// A max pool of integers of one scale has a maximum that is one of them.
  void poolIntegers(linalg::LinalgOp op, Tensor &result);

  //===--------------------------------------------------------------------===//
  // InterpretMovement.cpp
  //===--------------------------------------------------------------------===//
  /// True if `op` only chooses among the elements of its operands.
  bool isMovement(Operation &op);
  bool runMovement(Operation &op);

  //===--------------------------------------------------------------------===//
  // InterpretContraction.cpp
  //===--------------------------------------------------------------------===//
  bool runContraction(linalg::LinalgOp op);
  bool contractFloats(linalg::LinalgOp op, Tensor &result);
  bool contractIntegers(linalg::LinalgOp op, const Quantized &lhs,
                        const Quantized &rhs, Tensor &result);
  /// An exact sum of integers; false where the op is none.
  bool sumIntegers(linalg::LinalgOp op, Tensor &result);

  //===--------------------------------------------------------------------===//
  // InterpretEpilogue.cpp
  //===--------------------------------------------------------------------===//
  /// Adds a bias, the factor of a mean or a clamp to what follows an
  /// accumulator. False if the op is neither: it is computed on real values.
  bool extendEpilogue(linalg::GenericOp op, Tensor &result);
  bool addBias(linalg::GenericOp op, OpOperand *main, Tensor &result);
  bool addFactor(linalg::GenericOp op, OpOperand *main, Tensor &result);
  bool addClamp(linalg::GenericOp op, OpOperand *main, Tensor &result);
  /// A constant inside or outside of the body.
  TensorRef getConstant(linalg::GenericOp op, Value value);
  /// Elementwise on real values, dequantized edges added to accumulated ones
  /// with one rounding. False where the op is not elementwise.
  bool runResidual(linalg::GenericOp op, Tensor &result);

  //===--------------------------------------------------------------------===//
  // InterpretQuantization.cpp
  //===--------------------------------------------------------------------===//
  bool runQuantize(quant::QuantizeCastOp op);
  /// The f64 results of a function that is a table; false where `op` does not
  /// follow one (InterpretTables.cpp).
  bool evaluateTable(quant::QuantizeCastOp op, std::vector<double> &results);
  bool runDequantize(quant::DequantizeCastOp op);
  bool runStorage(quant::StorageCastOp op);
  bool runDynamicQuantize(DynamicQuantizeOp op);
  bool runDynamicDequantize(DynamicDequantizeOp op);

  Arithmetic arithmetic;
  DenseMap<Value, TensorRef> values;
  std::string *error = nullptr;
};

/// A tensor of `type` with room for its elements.
Tensor makeTensor(Type type);
/// Calls `visit(flat index, index along each dimension)` in row-major order.
void forEachIndex(ArrayRef<int64_t> shape,
                  function_ref<void(int64_t, ArrayRef<int64_t>)> visit);

/// Position of an element of an operand as a linear function of the loops.
struct LinearMap {
  int64_t constant = 0;
  SmallVector<int64_t> coefficients;

  /// Nothing where `map` is not linear.
  static std::optional<LinearMap> get(AffineMap map, ArrayRef<int64_t> shape);
  int64_t operator()(ArrayRef<int64_t> loops) const {
    int64_t position = constant;
    for (auto [c, i] : llvm::zip(coefficients, loops))
      position += c * i;
    return position;
  }
};

/// Requantizes what `accumulator` holds to steps of `scale`: the contract
/// `fused` or `fused-i32`.
std::vector<int32_t> requantize(const Accumulator &accumulator, float scale,
                                int32_t zeroPoint, quantmath::IntRange range);
/// The same for an edge that divides: the contract `compensated`, if
/// `isCompensated`.
std::vector<int32_t> requantizeCompensated(const Accumulator &accumulator,
                                           float scale, int32_t zeroPoint,
                                           quantmath::IntRange range);
/// True if nothing but clamps and a bias of integers of the accumulator's scale
/// follows it.
bool isCompensated(const Accumulator &accumulator);
/// The real value of element `i`.
float toReal(const Accumulator &accumulator, size_t i);

} // namespace mlir::qopt::differential

#endif // QUANTOPT_TEST_DIFFERENTIAL_INTERPRETER_H
