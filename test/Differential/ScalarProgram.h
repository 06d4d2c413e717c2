//===- ScalarProgram.h - Bodies of linalg ops, one element at a time -*- C++
//-*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A block without control flow as a list of instructions on numbered slots.
// Every operation is the one that the IR names, rounded once to its type.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_TEST_DIFFERENTIAL_SCALARPROGRAM_H
#define QUANTOPT_TEST_DIFFERENTIAL_SCALARPROGRAM_H

#include "Tensor.h"
#include "mlir/IR/Operation.h"

#include <functional>
#include <string>

namespace mlir::qopt::differential {

/// Something a scalar op cannot do: an index out of bounds, an undefined
/// conversion, a failed assertion.
struct ScalarError {
  std::string message;
};

/// f32 functions as the CPU executor expands them.
float expF32(float x);
float erfF32(float x);
float tanhF32(float x);
float logF32(float x);
/// The product of the squares x^(2^i) of the bits of |n|, lowest first; its
/// reciprocal for n < 0.
float powerF32(float x, int64_t n);

class ScalarProgram {
public:
  /// Values from outside of the block.
  using Lookup = std::function<TensorRef(Value)>;

  /// An addition of a dequantized edge, an argument of the block, to another
  /// value: by fma, with one rounding.
  struct Residual {
    Value edge, other;
    float scale;
  };
  using Residuals = DenseMap<Operation *, Residual>;

  /// False (with `error`) where the block holds an op that is not known. With
  /// residuals, `run` wants the arguments' q - z after the arguments.
  bool compile(Block &block, const Lookup &lookup, std::string &error,
               const Residuals *residuals = nullptr);
  /// One op outside of a body.
  bool compile(Operation &op, const Lookup &lookup, std::string &error);

  /// Runs the block. `arguments` are its arguments, `counters` the loops that
  /// linalg.index reads. The result holds what the terminator yields, valid
  /// until the next call.
  const Scalar *run(const Scalar *arguments, const int64_t *counters,
                    ScalarError &error);

private:
  struct Context {
    const int64_t *counters;
    ScalarError *error;
  };
  using Function = std::function<Scalar(const Scalar *, const Context &)>;
  struct Instruction {
    Function function;
    SmallVector<unsigned> operands;
    unsigned result;
  };

  unsigned getSlot(Value value, const Lookup &lookup);
  bool add(Operation &op, const Lookup &lookup, std::string &error);
  void addResidual(Operation &op, const Residual &residual,
                   const Lookup &lookup);
  static Function select(Operation &op, const Lookup &lookup);
  static Function selectFloat(Operation &op);
  static Function selectInteger(Operation &op);
  static Function selectConversion(Operation &op);

  DenseMap<Value, unsigned> slots;
  std::vector<Scalar> values;
  std::vector<Instruction> instructions;
  SmallVector<unsigned> results;
  std::vector<Scalar> operands, yielded;
  unsigned numArguments = 0;
};

/// Bits of an integer or float type, 64 for index.
unsigned getWidth(Type type);
/// `value` as an integer of `width` bits in the form Scalar keeps it.
int64_t wrap(int64_t value, unsigned width);
/// `value` rounded to `type`.
double roundTo(Type type, double value);

} // namespace mlir::qopt::differential

#endif // QUANTOPT_TEST_DIFFERENTIAL_SCALARPROGRAM_H
