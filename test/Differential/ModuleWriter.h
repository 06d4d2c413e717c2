//===- ModuleWriter.h - Text of a module, op by op -------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_TEST_DIFFERENTIAL_MODULEWRITER_H
#define QUANTOPT_TEST_DIFFERENTIAL_MODULEWRITER_H

#include "Random.h"
#include "Recipe.h"

#include <map>
#include <string>
#include <vector>

namespace mlir::qopt::differential {

using Shape = std::vector<int64_t>;

/// A tensor in the text.
struct Value {
  std::string name;
  Shape shape;
  std::string element = "f32";

  std::string type() const;
};

/// Collects the lines of one function. A shape that does not fit sets `valid`
/// to false and gives some value.
class ModuleWriter {
public:
  bool valid = true;
  std::string body;
  /// Scale of what an exporter quantized.
  std::map<std::string, float> edgeScales;
  /// Scales of accumulators of such an edge and quantized weights: one, or one
  /// per channel.
  std::map<std::string, std::vector<float>> sumScales;

  //===--------------------------------------------------------------------===//
  // Building blocks
  //===--------------------------------------------------------------------===//
  std::string fresh() { return "%" + std::to_string(counter++); }
  /// `RESULT = TEXT`.
  Value define(const std::string &text, Shape shape,
               const std::string &element = "f32");
  Value require(bool condition);
  /// Constants; elements that are all equal are written as a splat.
  Value constant(const std::vector<float> &values, Shape shape);
  Value constant(const std::vector<int64_t> &values, Shape shape,
                 const std::string &element);
  Value scalar(float value);
  Value empty(Shape shape, const std::string &element = "f32");
  Value fill(float value, Shape shape);
  /// A generic: maps as text such as "(d0, d1) -> (d1)", the body in terms of
  /// %i0, %i1, ..., %o.
  Value generic(const std::vector<Value> &inputs,
                const std::vector<std::string> &maps, const Value &init,
                const std::string &outMap,
                const std::vector<std::string> &iterators,
                const std::string &body, const std::string &yielded = "%r");
  /// All loops parallel, all inputs of the result's shape unless `maps` says
  /// otherwise.
  Value elementwise(const std::vector<Value> &inputs, const std::string &body,
                    std::vector<std::string> maps = {},
                    const std::string &element = "f32");

  //===--------------------------------------------------------------------===//
  // By family of ops
  //===--------------------------------------------------------------------===//
  Value transpose(const Value &x, const Shape &permutation);
  Value reshape(const Value &x, const Shape &shape);
  Value slice(const Value &x, int64_t dim, int64_t from, int64_t size);
  Value pad(const Value &x, const Shape &low, const Shape &high, float value);
  Value concat(const std::vector<Value> &inputs, int64_t dim);
  Value resize(const Value &x, bool channelsFirst);
  Value gather(const Value &table, const Value &indices);
  Value pool(const Node &node, const Value &x);
  Value globalMean(const Node &node, const Value &x);
  Value bias(const Value &x, int64_t dim, const std::vector<float> &values);
  /// A bias of i32 along `dim`, in steps of `scales`.
  Value biasIntegers(const Value &x, int64_t dim,
                     const std::vector<float> &scales, Random &random);
  Value affine(const Node &node, const Value &x);
  /// Remembers the scales of the contraction of `x` with the last weights.
  void noteSum(const Value &sum, const Value &x);
  Value binary(int variant, const Value &a, const Value &b);
  Value unary(int variant, const Value &x);
  Value softmax(int variant, const Value &x);
  Value layerNorm(const Node &node, const Value &x);
  Value recurrence(const Node &node, const Value &x);
  Value matmul(const Node &node, const Value &x);
  Value batchMatmul(const Node &node, const Value &a, const Value &b);
  Value conv(const Node &node, Value x);
  Value fakeQuant(const Node &node, const Value &x);

private:
  Value reduceLast(const Value &x, const std::string &op, float init);
  /// Weights of a contraction, channels along `axis`, in the node's form.
  Value weights(const Node &node, Shape shape, int64_t axis, int64_t products,
                Random &random);
  Value dequantize(const Value &integers, const std::vector<float> &scales,
                   int64_t zeroPoint, int64_t axis);
  Value matmulOp(const Node &node, const Value &x, Random &random);
  Value convOp(const Node &node, const Value &x, Random &random);

  unsigned counter = 0;
  /// Of the last quantized weights with a zero point of 0; else empty.
  std::vector<float> weightScales;
};

/// "d0, d1, d2".
std::string listDims(size_t rank);
/// "(d0, d1, d2) -> (d0, d2)" for the dimensions in `dims`.
std::string makeMap(size_t rank, const std::vector<size_t> &dims);
std::string identityMap(size_t rank);
std::string join(const std::vector<std::string> &parts,
                 const std::string &separator = ", ");
std::string listInts(const Shape &values);
int64_t product(const Shape &shape);

/// Random constants: mostly plain, sometimes with channels of zeros or of very
/// different sizes along `axis`.
std::vector<float> randomWeights(const Shape &shape, int64_t axis, float size,
                                 bool plain, Random &random);

} // namespace mlir::qopt::differential

#endif // QUANTOPT_TEST_DIFFERENTIAL_MODULEWRITER_H
