//===- Recipe.cpp - A random graph before it is IR ------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Recipe.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir::qopt;
using namespace mlir::qopt::differential;

llvm::StringRef differential::stringifyKind(Kind kind) {
  static constexpr llvm::StringLiteral names[] = {
      "argument",   "matmul",    "batch_matmul", "conv",      "bias",
      "affine",     "binary",    "unary",        "max_pool",  "average_pool",
      "mean",       "concat",    "slice",        "transpose", "reshape",
      "pad",        "gather",    "resize",       "softmax",   "layer_norm",
      "recurrence", "fake_quant"};
  return names[static_cast<int>(kind)];
}

std::string differential::printRecipe(const Recipe &recipe) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << "seed " << recipe.seed << "\noptions";
  for (const std::string &option : recipe.options)
    os << " " << option;
  os << "\nsamples " << recipe.samples
     << (recipe.strangeInputs ? ", some strange" : "") << "\n";
  for (auto [i, node] : llvm::enumerate(recipe.nodes)) {
    os << i << " = " << stringifyKind(node.kind);
    auto list = [&](const char *name, const auto &values) {
      if (values.empty())
        return;
      os << " " << name << "=";
      llvm::interleave(values, os, ",");
    };
    list("inputs", node.inputs);
    list("dims", node.dims);
    for (const Window &w : node.window)
      os << " window=" << w.size << "/" << w.stride << "/" << w.dilation << "+"
         << w.padLow << "+" << w.padHigh;
    if (node.channels)
      os << " channels=" << node.channels;
    if (node.groups != 1)
      os << " groups=" << node.groups;
    os << " variant=" << node.variant
       << (node.channelsFirst ? " channels-first" : "")
       << (node.biasInit ? " bias" : "");
    if (node.weights != WeightForm::Float)
      os << (node.weights == WeightForm::PerAxisQDQ ? " qdq-per-axis"
                                                    : " qdq-per-tensor");
    os << " seed=" << node.seed << "\n";
  }
  os << "outputs ";
  llvm::interleave(recipe.outputs, os, ",");
  os << "\n";
  return text;
}

void differential::removeDeadNodes(Recipe &recipe) {
  std::vector<bool> live(recipe.nodes.size(), false);
  for (int output : recipe.outputs)
    live[output] = true;
  for (size_t i = recipe.nodes.size(); i-- > 0;)
    if (live[i])
      for (int input : recipe.nodes[i].inputs)
        live[input] = true;
  std::vector<int> number(recipe.nodes.size(), -1);
  std::vector<Node> nodes;
  for (auto [i, node] : llvm::enumerate(recipe.nodes)) {
    if (!live[i])
      continue;
    for (int &input : node.inputs)
      input = number[input];
    number[i] = nodes.size();
    nodes.push_back(std::move(node));
  }
  for (int &output : recipe.outputs)
    output = number[output];
  recipe.nodes = std::move(nodes);
}
