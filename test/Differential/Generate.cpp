//===- Generate.cpp - The graph that belongs to a seed --------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Nodes are tried at random on values that are there; one that does not fit is
// dropped. Shapes are small and odd, since what goes wrong goes wrong at edges.
//
// Not covered: 16-bit floats (--precision), TOSA and the pre-fused quantized
// ops, 3-D and transposed convolutions, dynamic shapes, composites other than
// those spelled in WriteOps.cpp, GRU and LSTM cells, --keep-float and rules.
// Elements behind contractions that stay in floating point have no bits and are
// compared with fake quantization only.
//
//===----------------------------------------------------------------------===//
#include "Random.h"
#include "Recipe.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir::qopt;
using namespace mlir::qopt::differential;

namespace {
/// What kind of model a graph resembles.
enum class Family { Dense, Sequence, Image, Signal };

class Generator {
public:
  explicit Generator(uint64_t seed) : random(seed * 2 + 1) {
    recipe.seed = seed;
  }
  Recipe run();

private:
  int add(Node node);
  /// A random node on existing values, or none that fits.
  bool step();
  Node make(Kind kind, std::vector<int> inputs);
  Node makeContraction(int input);
  Node makeConv(int input);
  Window makeWindow(bool isPool);
  std::optional<Node> makePartnered(int input);
  Node makeShaped(int input);
  void finishContraction(int result);
  int pickInput();
  void chooseOptions();
  void chooseOutputs();

  Random random;
  Recipe recipe;
  std::vector<std::vector<int64_t>> shapes;
  Family family = Family::Dense;
  bool channelsFirst = false;
  /// The model arrives quantized: its edges have Q and DQ.
  WeightForm weights = WeightForm::Float;
  int fakeQuantVariant = -1;
};
} // namespace

Node Generator::make(Kind kind, std::vector<int> inputs) {
  Node node;
  node.kind = kind;
  node.inputs = std::move(inputs);
  node.seed = random.next();
  node.variant = static_cast<int>(random.range(0, 59));
  node.channelsFirst = channelsFirst;
  return node;
}

/// Index of the new node, or -1 where it does not fit.
int Generator::add(Node node) {
  recipe.nodes.push_back(std::move(node));
  std::vector<std::vector<int64_t>> all = getShapes(recipe);
  if (all.empty()) {
    recipe.nodes.pop_back();
    return -1;
  }
  shapes = std::move(all);
  return static_cast<int>(recipe.nodes.size()) - 1;
}

int Generator::pickInput() {
  // Mostly the newest values, so that graphs are deep; any for branches.
  int count = static_cast<int>(shapes.size());
  if (random.oneIn(3))
    return static_cast<int>(random.range(0, count - 1));
  return static_cast<int>(random.range(std::max(0, count - 2), count - 1));
}

Window Generator::makeWindow(bool isPool) {
  Window w;
  w.size = random.range(isPool ? 2 : 1, 3);
  w.stride = random.oneIn(3) ? 2 : 1;
  w.dilation = !isPool && random.oneIn(5) ? 2 : 1;
  w.padLow = random.range(0, w.size - 1);
  w.padHigh = random.oneIn(3) ? random.range(0, w.size - 1) : w.padLow;
  return w;
}

Node Generator::makeConv(int input) {
  Node node = make(Kind::Conv, {input});
  const std::vector<int64_t> &shape = shapes[input];
  for (size_t i = 0; i + 2 < shape.size(); ++i)
    node.window.push_back(makeWindow(/*isPool=*/false));
  node.channels = random.range(1, 7);
  int64_t inputs = shape[channelsFirst ? 1 : shape.size() - 1];
  if (shape.size() == 4 && random.oneIn(4)) {
    node.groups = inputs;
    node.channels = inputs;
  } else if (channelsFirst && shape.size() == 4 && inputs % 2 == 0 &&
             random.oneIn(4)) {
    node.groups = 2;
    node.channels = 2 * random.range(1, 3);
  }
  node.biasInit = random.oneIn(2);
  node.weights = weights;
  return node;
}

Node Generator::makeContraction(int input) {
  size_t rank = shapes[input].size();
  if (rank == 4 || (rank == 3 && family == Family::Signal))
    return makeConv(input);
  Node node = make(Kind::Matmul, {input});
  node.channels = random.range(1, 9);
  node.biasInit = random.oneIn(3);
  node.weights = weights;
  return node;
}

/// Ops of two values of fitting shapes.
std::optional<Node> Generator::makePartnered(int input) {
  std::vector<int> same, products;
  for (size_t i = 0; i < shapes.size(); ++i) {
    if (shapes[i] == shapes[input])
      same.push_back(static_cast<int>(i));
    if (shapes[i].size() == 3 && shapes[input].size() == 3 &&
        shapes[i][0] == shapes[input][0])
      products.push_back(static_cast<int>(i));
  }
  auto pickOf = [&](const std::vector<int> &list) {
    return list[random.next() % list.size()];
  };
  if (!products.empty() && random.oneIn(3)) {
    Node node = make(Kind::BatchMatmul, {input, pickOf(products)});
    return node;
  }
  if (random.oneIn(3)) {
    Node node = make(Kind::Concat, {input, pickOf(same)});
    node.dims = {random.range(0, shapes[input].size() - 1)};
    return node;
  }
  Node node = make(Kind::Binary, {input, pickOf(same)});
  if (random.oneIn(2))
    node.variant = 0;
  return node;
}

/// Ops that move data or change shapes.
Node Generator::makeShaped(int input) {
  const std::vector<int64_t> &shape = shapes[input];
  int64_t rank = shape.size();
  int64_t dim = random.range(0, rank - 1);
  switch (random.range(0, 7)) {
  case 0: {
    Node node = make(Kind::Slice, {input});
    int64_t from = random.range(0, shape[dim] - 1);
    node.dims = {dim, from, random.range(1, shape[dim] - from)};
    return node;
  }
  case 1: {
    Node node = make(Kind::Transpose, {input});
    for (int64_t d = 0; d < rank; ++d)
      node.dims.push_back(d);
    for (int64_t d = rank - 1; d > 0; --d)
      std::swap(node.dims[d], node.dims[random.range(0, d)]);
    return node;
  }
  case 2: {
    Node node = make(Kind::Reshape, {input});
    // Merge two neighbours, or split one.
    node.dims.assign(shape.begin(), shape.end());
    if (rank > 2 && random.oneIn(2)) {
      int64_t d = random.range(0, rank - 2);
      node.dims[d] *= node.dims[d + 1];
      node.dims.erase(node.dims.begin() + d + 1);
    } else {
      int64_t factor = shape[dim] % 2 == 0 ? 2 : 1;
      node.dims[dim] /= factor;
      node.dims.insert(node.dims.begin() + dim, factor);
    }
    return node;
  }
  case 3: {
    Node node = make(Kind::Pad, {input});
    node.dims = {dim, random.range(0, 2), random.range(0, 2)};
    return node;
  }
  case 4: {
    Node node = make(Kind::GlobalMean, {input});
    node.variant = random.oneIn(2);
    return node;
  }
  default: {
    Kind kind = random.oneIn(2) ? Kind::MaxPool : Kind::AveragePool;
    if (random.oneIn(3))
      return make(Kind::Resize, {input});
    Node node = make(kind, {input});
    node.window = {makeWindow(true), makeWindow(true)};
    return node;
  }
  }
}

/// What usually follows a contraction: a bias, a norm, an activation.
void Generator::finishContraction(int result) {
  int last = result;
  auto chain = [&](Node node) {
    int next = add(std::move(node));
    last = next < 0 ? last : next;
  };
  size_t rank = shapes[result].size();
  int64_t channel = channelsFirst && rank > 2 ? 1 : rank - 1;
  if (random.oneIn(2)) {
    Node node = make(random.oneIn(4) ? Kind::Affine : Kind::Bias, {last});
    node.dims = {channel};
    chain(std::move(node));
  }
  if (!random.oneIn(3)) {
    Node node = make(Kind::Unary, {last});
    node.variant = random.oneIn(2) ? static_cast<int>(random.range(0, 3))
                                   : static_cast<int>(random.range(0, 15));
    chain(std::move(node));
  }
  if (fakeQuantVariant >= 0) {
    Node node = make(Kind::FakeQuant, {last});
    node.variant = fakeQuantVariant;
    bool isOnnx = fakeQuantVariant % 2 == 0;
    node.dims = {random.range(-7, -5),
                 random.oneIn(2)
                     ? 0
                     : random.range(isOnnx ? -128 : 0, isOnnx ? 127 : 255)};
    chain(std::move(node));
  }
}

bool Generator::step() {
  int input = pickInput();
  size_t rank = shapes[input].size();
  uint64_t choice = random.next() % 16;
  if (choice < 6) {
    int result = add(makeContraction(input));
    if (result >= 0)
      finishContraction(result);
    return result >= 0;
  }
  if (choice < 9) {
    std::optional<Node> node = makePartnered(input);
    return node && add(std::move(*node)) >= 0;
  }
  if (choice < 11) {
    Node node = make(Kind::Unary, {input});
    node.variant = static_cast<int>(random.range(0, 15));
    return add(std::move(node)) >= 0;
  }
  if (choice < 14)
    return add(makeShaped(input)) >= 0;
  if (family == Family::Sequence && rank == 3) {
    if (random.oneIn(4)) {
      Node node = make(Kind::Recurrence, {input});
      node.channels = random.range(1, 4);
      return add(std::move(node)) >= 0;
    }
    return add(make(random.oneIn(2) ? Kind::Softmax : Kind::LayerNorm,
                    {input})) >= 0;
  }
  return false;
}

void Generator::chooseOptions() {
  auto option = [&](const std::string &text) {
    recipe.options.push_back(text);
  };
  if (random.oneIn(5)) {
    option("dynamic");
  } else {
    if (random.oneIn(2))
      option(std::string("activations=") +
             random.pick({"symmetric", "asymmetric"}));
    if (random.oneIn(4))
      option("storage=s8");
    if (random.oneIn(5))
      option(std::string("activation-bits=") + random.pick({"8", "16"}));
    if (random.oneIn(2))
      option(std::string("calibration-method=") +
             random.pick({"max", "percentile", "entropy", "mse"}));
  }
  if (random.oneIn(4))
    option("weights=per-tensor");
  if (random.oneIn(6))
    option("weight-method=mse");
  recipe.samples = static_cast<int>(random.range(1, 3));
  recipe.strangeInputs = random.oneIn(4);
}

void Generator::chooseOutputs() {
  std::vector<bool> used(recipe.nodes.size(), false);
  for (const Node &node : recipe.nodes)
    for (int input : node.inputs)
      used[input] = true;
  // Every value nobody reads, or the graph would shrink; sometimes others, too.
  for (size_t i = 0; i < used.size(); ++i)
    if (recipe.nodes[i].kind != Kind::Argument &&
        (!used[i] || random.oneIn(12)))
      recipe.outputs.push_back(static_cast<int>(i));
}

Recipe Generator::run() {
  family = random.pick({Family::Dense, Family::Sequence, Family::Image,
                        Family::Image, Family::Signal});
  channelsFirst = random.oneIn(2);
  if (random.oneIn(4)) {
    weights =
        random.oneIn(2) ? WeightForm::PerTensorQDQ : WeightForm::PerAxisQDQ;
    fakeQuantVariant = static_cast<int>(random.range(0, 1));
  }
  // A placeholder, so that partial recipes have an output.
  recipe.outputs = {0};
  auto addArgument = [&](std::vector<int64_t> dims) {
    Node node = make(Kind::Argument, {});
    node.dims = std::move(dims);
    add(std::move(node));
  };
  if (family != Family::Image && random.oneIn(6)) {
    Node node = make(Kind::Gather, {});
    node.dims = {random.range(2, 9), random.range(1, 8), random.range(1, 5)};
    int rows = add(std::move(node));
    if (family != Family::Dense) {
      Node wide = make(Kind::Reshape, {rows});
      wide.dims = {1, shapes[rows][0], shapes[rows][1]};
      add(std::move(wide));
    }
  } else {
    int64_t batch = random.oneIn(3) ? 2 : 1;
    switch (family) {
    case Family::Dense:
      addArgument({random.range(1, 5), random.range(1, 12)});
      break;
    case Family::Sequence:
    case Family::Signal:
      addArgument({batch, random.range(1, 7), random.range(1, 8)});
      break;
    case Family::Image: {
      int64_t c = random.range(1, 4), h = random.range(2, 8),
              w = random.range(2, 8);
      if (channelsFirst)
        addArgument({batch, c, h, w});
      else
        addArgument({batch, h, w, c});
      break;
    }
    }
    if (random.oneIn(5))
      addArgument(shapes[0]);
  }
  if (fakeQuantVariant >= 0) {
    Node node = make(Kind::FakeQuant, {static_cast<int>(shapes.size()) - 1});
    node.variant = fakeQuantVariant;
    node.dims = {-6, fakeQuantVariant % 2 ? 120 : 3};
    add(std::move(node));
  }
  int64_t wanted = random.range(2, 9);
  size_t given = shapes.size();
  for (int tries = 0; tries < 40 && int64_t(shapes.size()) < wanted; ++tries)
    step();
  while (shapes.size() == given)
    step();
  recipe.outputs.clear();
  chooseOutputs();
  if (recipe.outputs.empty())
    recipe.outputs = {static_cast<int>(recipe.nodes.size()) - 1};
  removeDeadNodes(recipe);
  chooseOptions();
  return std::move(recipe);
}

Recipe differential::generateRecipe(uint64_t seed) {
  return Generator(seed).run();
}
