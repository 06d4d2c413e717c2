//===- Reduce.cpp - Smaller recipes that still fail -----------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Delta debugging on recipes: outputs go, nodes become one of their inputs or
// an input of the model, numbers shrink, options disappear; each change is kept
// if the recipe still fails, until a round changes nothing.
//
//===----------------------------------------------------------------------===//
#include "Recipe.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir::qopt;
using namespace mlir::qopt::differential;

namespace {
class Reducer {
public:
  Reducer(Recipe recipe, const std::function<bool(const Recipe &)> &fails,
          int budget)
      : best(std::move(recipe)), fails(fails), budget(budget) {}
  Recipe run();

private:
  /// Keeps `candidate` if it fits together and still fails.
  bool keep(Recipe candidate);
  bool dropOutputs();
  bool cutNodes();
  bool simplifyOptions();
  bool simplifyNodes();
  bool shrinkNumbers();

  Recipe best;
  const std::function<bool(const Recipe &)> &fails;
  int budget;
};
} // namespace

bool Reducer::keep(Recipe candidate) {
  removeDeadNodes(candidate);
  if (budget <= 0 || !writeModule(candidate))
    return false;
  --budget;
  if (!fails(candidate))
    return false;
  best = std::move(candidate);
  return true;
}

bool Reducer::dropOutputs() {
  bool changed = false;
  for (size_t i = 0; best.outputs.size() > 1 && i < best.outputs.size();) {
    Recipe candidate = best;
    candidate.outputs.erase(candidate.outputs.begin() + i);
    if (keep(std::move(candidate)))
      changed = true;
    else
      ++i;
  }
  return changed;
}

bool Reducer::cutNodes() {
  bool changed = false;
  // From the end: a node whose value is an output of its own ends the graph.
  for (int i = static_cast<int>(best.nodes.size()) - 1; i >= 0; --i) {
    if (i >= static_cast<int>(best.nodes.size()))
      continue;
    if (best.outputs != std::vector<int>{i}) {
      Recipe candidate = best;
      candidate.outputs = {i};
      if (best.nodes[i].kind != Kind::Argument && keep(std::move(candidate))) {
        changed = true;
        i = static_cast<int>(best.nodes.size());
        continue;
      }
    }
    if (best.nodes[i].kind == Kind::Argument)
      continue;
    // The node becomes an input of the model, or one of its inputs.
    std::vector<std::vector<int64_t>> shapes = getShapes(best);
    Recipe candidate = best;
    Node argument;
    argument.kind = Kind::Argument;
    argument.dims = shapes[i];
    argument.seed = best.nodes[i].seed;
    candidate.nodes[i] = argument;
    if (!llvm::is_contained(best.outputs, i) && !shapes[i].empty() &&
        keep(std::move(candidate))) {
      changed = true;
      continue;
    }
    for (int input : best.nodes[i].inputs) {
      candidate = best;
      for (Node &node : candidate.nodes)
        llvm::replace(node.inputs, i, input);
      llvm::replace(candidate.outputs, i, input);
      if (candidate.nodes[input].kind == Kind::Argument &&
          llvm::is_contained(candidate.outputs, input))
        continue;
      if (keep(std::move(candidate))) {
        changed = true;
        break;
      }
    }
  }
  return changed;
}

bool Reducer::simplifyOptions() {
  bool changed = false;
  for (size_t i = 0; i < best.options.size();) {
    Recipe candidate = best;
    candidate.options.erase(candidate.options.begin() + i);
    if (keep(std::move(candidate)))
      changed = true;
    else
      ++i;
  }
  if (best.strangeInputs) {
    Recipe candidate = best;
    candidate.strangeInputs = false;
    changed |= keep(std::move(candidate));
  }
  if (best.samples > 1) {
    Recipe candidate = best;
    candidate.samples = 1;
    changed |= keep(std::move(candidate));
  }
  return changed;
}

bool Reducer::simplifyNodes() {
  bool changed = false;
  for (size_t i = 0; i < best.nodes.size(); ++i) {
    auto attempt = [&](auto change) {
      Recipe candidate = best;
      if (!change(candidate.nodes[i]))
        return;
      changed |= keep(std::move(candidate));
    };
    attempt([](Node &n) { return std::exchange(n.biasInit, false); });
    attempt([](Node &n) {
      return std::exchange(n.weights, WeightForm::Float) != WeightForm::Float;
    });
    attempt([](Node &n) { return std::exchange(n.seed, n.seed & ~1ull) % 2; });
    attempt([](Node &n) { return std::exchange(n.variant, 0) != 0; });
    for (size_t w = 0; w < best.nodes[i].window.size(); ++w) {
      attempt(
          [&](Node &n) { return std::exchange(n.window[w].padLow, 0) != 0; });
      attempt(
          [&](Node &n) { return std::exchange(n.window[w].padHigh, 0) != 0; });
      attempt(
          [&](Node &n) { return std::exchange(n.window[w].stride, 1) != 1; });
      attempt(
          [&](Node &n) { return std::exchange(n.window[w].dilation, 1) != 1; });
    }
  }
  return changed;
}

bool Reducer::shrinkNumbers() {
  bool changed = false;
  // One number at a time to 1, to its half, or down by one. Shapes of inputs
  // may have to shrink together with what reads them: those are not found.
  auto shrink = [&](auto get) {
    for (int64_t to : {int64_t(1), get(best) / 2, get(best) - 1}) {
      if (to < 1 || to >= get(best))
        continue;
      Recipe candidate = best;
      get(candidate) = to;
      if (keep(std::move(candidate))) {
        changed = true;
        return;
      }
    }
  };
  for (size_t i = 0; i < best.nodes.size(); ++i) {
    bool isShape = best.nodes[i].kind == Kind::Argument ||
                   best.nodes[i].kind == Kind::Gather;
    for (size_t d = 0; isShape && d < best.nodes[i].dims.size(); ++d)
      shrink([&](Recipe &r) -> int64_t & { return r.nodes[i].dims[d]; });
    if (best.nodes[i].channels > 1)
      shrink([&](Recipe &r) -> int64_t & { return r.nodes[i].channels; });
    for (size_t w = 0; w < best.nodes[i].window.size(); ++w)
      shrink([&](Recipe &r) -> int64_t & { return r.nodes[i].window[w].size; });
  }
  return changed;
}

Recipe Reducer::run() {
  bool changed = true;
  while (changed && budget > 0) {
    changed = dropOutputs();
    changed |= cutNodes();
    changed |= simplifyOptions();
    changed |= simplifyNodes();
    changed |= shrinkNumbers();
  }
  return best;
}

Recipe
differential::reduceRecipe(Recipe recipe,
                           const std::function<bool(const Recipe &)> &fails,
                           int budget) {
  return Reducer(std::move(recipe), fails, budget).run();
}
