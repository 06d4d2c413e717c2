//===- DifferentialTest.cpp - The differential tests, tested --------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Faults.h"
#include "ScalarProgram.h"
#include "Workers.h"

#include "llvm/ADT/STLExtras.h"

#include <gtest/gtest.h>

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::differential;

namespace {
/// Nodes that compute something.
int64_t countOps(const Recipe &recipe) {
  return llvm::count_if(recipe.nodes, [](const Node &node) {
    return node.kind != Kind::Argument;
  });
}

TEST(Generator, SeedsMeanGraphs) {
  std::string previous;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    Recipe recipe = generateRecipe(seed);
    std::string text = printRecipe(recipe);
    EXPECT_EQ(text, printRecipe(generateRecipe(seed)));
    EXPECT_NE(text, previous);
    EXPECT_TRUE(writeModule(recipe)) << text;
    EXPECT_GE(countOps(recipe), 1) << text;
    previous = text;
  }
}

TEST(Generator, UsesEveryKind) {
  std::array<int, static_cast<size_t>(Kind::FakeQuant) + 1> seen = {};
  for (uint64_t seed = 0; seed < 1000; ++seed)
    for (const Node &node : generateRecipe(seed).nodes)
      ++seen[static_cast<size_t>(node.kind)];
  for (auto [kind, count] : llvm::enumerate(seen))
    EXPECT_GE(count, 10) << stringifyKind(static_cast<Kind>(kind)).str();
}

/// Reduction alone: a graph fails as long as it holds some kind of node.
TEST(Reducer, LeavesWhatFails) {
  for (Kind wanted : {Kind::MaxPool, Kind::Binary, Kind::LayerNorm}) {
    auto fails = [&](const Recipe &recipe) {
      return llvm::any_of(recipe.nodes,
                          [&](const Node &n) { return n.kind == wanted; });
    };
    uint64_t seed = 0;
    while (!fails(generateRecipe(seed)) || countOps(generateRecipe(seed)) < 4)
      ++seed;
    Recipe reduced = reduceRecipe(generateRecipe(seed), fails, 400);
    EXPECT_EQ(countOps(reduced), 1) << printRecipe(reduced);
    EXPECT_EQ(reduced.outputs.size(), 1u);
    EXPECT_TRUE(reduced.options.empty());
    EXPECT_TRUE(writeModule(reduced));
  }
}

TEST(ScalarFunctions, AgreeWithQuantMath) {
  for (float x = -12.0f; x < 12.0f; x += 0.00390625f) {
    auto isClose = [&](float actual, double expected) {
      return std::fabs(actual - expected) <=
             0x1p-24 * std::fabs(expected) * 1.01;
    };
    EXPECT_TRUE(isClose(expF32(x), quantmath::exp(x))) << x;
    EXPECT_TRUE(isClose(erfF32(x), quantmath::erf(x))) << x;
    EXPECT_TRUE(isClose(tanhF32(x), quantmath::tanh(x))) << x;
    if (x > 0) {
      EXPECT_TRUE(isClose(logF32(x), quantmath::log(x))) << x;
    }
  }
}

/// Planted faults are found in one of the first graphs that have a place for
/// them, and reduced to a few ops.
class PlantedFaults : public testing::TestWithParam<Fault> {};

TEST_P(PlantedFaults, AreFoundAndReduced) {
  constexpr uint64_t kMostSeeds = 80;
  constexpr int kBudget = 120;
  ExperimentOptions options;
  options.plant = [](ModuleOp module) { plantFault(module, GetParam()); };
  auto fails = [&](const Recipe &recipe) {
    return runInChild(recipe, options).stage == Stage::Bits;
  };
  for (uint64_t seed = 0; seed < kMostSeeds; ++seed) {
    Recipe recipe = generateRecipe(seed);
    if (countOps(recipe) < 4 || !fails(recipe))
      continue;
    Recipe reduced = reduceRecipe(recipe, fails, kBudget);
    EXPECT_LE(countOps(reduced), 3) << printRecipe(reduced);
    EXPECT_TRUE(fails(reduced));
    EXPECT_FALSE(runInChild(reduced).failed()) << printRecipe(reduced);
    return;
  }
  FAIL() << "not found in " << kMostSeeds << " graphs";
}

INSTANTIATE_TEST_SUITE_P(All, PlantedFaults,
                         testing::ValuesIn(getFaults().begin(),
                                           getFaults().end()),
                         [](const auto &info) {
                           std::string name = stringifyFault(info.param).str();
                           llvm::erase(name, '-');
                           return name;
                         });

/// A process that dies is an outcome.
TEST(Workers, ReportCrashes) {
  ExperimentOptions options;
  options.plant = [](ModuleOp) { abort(); };
  for (uint64_t seed = 0;; ++seed) {
    Outcome outcome = runInChild(generateRecipe(seed), options);
    if (outcome.stage == Stage::NoModule)
      continue;
    EXPECT_EQ(outcome.stage, Stage::Crash);
    EXPECT_NE(outcome.message.find("Abort"), std::string::npos)
        << outcome.message;
    return;
  }
}
} // namespace
