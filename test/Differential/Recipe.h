//===- Recipe.h - A random graph before it is IR ---------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Generator, module text and reducer meet here: a list of nodes, each with the
// numbers that shape it. Any node can be dropped or changed; what no longer
// fits together gives no module, and the reducer tries something else.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_TEST_DIFFERENTIAL_RECIPE_H
#define QUANTOPT_TEST_DIFFERENTIAL_RECIPE_H

#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace mlir::qopt::differential {

enum class Kind {
  Argument,    ///< a float input of shape `dims`
  Matmul,      ///< activation x constant, `channels` results
  BatchMatmul, ///< two activations; `variant` transposes the second
  Conv,        ///< 1-D or 2-D, `channels`, `window`, `groups`
  Bias,        ///< constant along dimension `dims[0]`
  Affine,      ///< scale and shift along `dims[0]`: a batch norm
  Binary,      ///< add, sub, mul by `variant`
  Unary,       ///< an activation function by `variant`
  MaxPool,     ///< `window`
  AveragePool, ///< `window`
  GlobalMean,  ///< over the spatial dimensions, or the last but one
  Concat,      ///< along `dims[0]`
  Slice,       ///< dimension `dims[0]` from `dims[1]`, `dims[2]` long
  Transpose,   ///< permutation `dims`
  Reshape,     ///< to `dims`
  Pad,         ///< dimension `dims[0]` by `dims[1]` and `dims[2]` zeros
  Gather,      ///< rows of a constant table by an integer input
  Resize,      ///< nearest neighbour, factor 2
  Softmax,     ///< along the last dimension
  LayerNorm,   ///< along the last dimension
  Recurrence,  ///< scf.for over dimension 0: h = f(x W + h U + b)
  FakeQuant    ///< Q and DQ of an exporter: scale 2^dims[0], zero point dims[1]
};

/// How an exporter wrote the weights of a contraction.
enum class WeightForm { Float, PerTensorQDQ, PerAxisQDQ };

/// One spatial dimension of a convolution or pool.
struct Window {
  int64_t size = 1, stride = 1, dilation = 1, padLow = 0, padHigh = 0;
};

struct Node {
  Kind kind;
  /// Earlier nodes.
  std::vector<int> inputs;
  std::vector<int64_t> dims;
  std::vector<Window> window;
  int64_t channels = 0, groups = 1;
  /// Spelling or function, by kind.
  int variant = 0;
  bool channelsFirst = false;
  /// Contractions: a bias as initial value of the op.
  bool biasInit = false;
  WeightForm weights = WeightForm::Float;
  /// Random constants. Even seeds make plain ones.
  uint64_t seed = 0;
};

struct Recipe {
  uint64_t seed = 0;
  std::vector<Node> nodes;
  std::vector<int> outputs;
  /// Of the job, as on a command line without dashes.
  std::vector<std::string> options;
  int samples = 2;
  /// Inputs hold NaN, infinities, subnormal and huge numbers, too.
  bool strangeInputs = false;
};

llvm::StringRef stringifyKind(Kind kind);

/// The recipe in one line per node, for people.
std::string printRecipe(const Recipe &recipe);

/// The graph that belongs to a seed.
Recipe generateRecipe(uint64_t seed);

/// Removes nodes no output needs, and renumbers.
void removeDeadNodes(Recipe &recipe);

/// An input of the model and what it holds in calibration and in tests.
struct Input {
  std::vector<int64_t> shape;
  /// 0 for floats, else i64 below this.
  int64_t limit = 0;
  uint64_t seed = 0;
};

struct ModelText {
  std::string text;
  std::vector<Input> inputs;
};

/// Writes the module; nothing where the recipe does not fit together.
std::optional<ModelText> writeModule(const Recipe &recipe);

/// Shape of each node's value, empty where the recipe does not fit together.
std::vector<std::vector<int64_t>> getShapes(const Recipe &recipe);

/// Smaller variants of a failing recipe, down to the smallest that still fails.
/// `fails` runs a recipe; `budget` is the number of times it may.
Recipe reduceRecipe(Recipe recipe,
                    const std::function<bool(const Recipe &)> &fails,
                    int budget);

} // namespace mlir::qopt::differential

#endif // QUANTOPT_TEST_DIFFERENTIAL_RECIPE_H
