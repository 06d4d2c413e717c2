//===- ScaleStateTest.cpp - The lattices of scale propagation -------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Analysis/ScaleState.h"

#include "mlir/Dialect/Quant/IR/Quant.h"
#include "mlir/IR/Builders.h"

#include <gtest/gtest.h>

#include <random>

using namespace mlir;
using namespace mlir::qopt;

namespace {
class ScaleStates : public testing::Test {
protected:
  ScaleStates() {
    context.loadDialect<quant::QuantDialect>();
    Builder b(&context);
    for (int i = 1; i <= 4; ++i)
      types.push_back(quant::UniformQuantizedType::get(
          quant::QuantizationFlags::Signed, b.getI8Type(), b.getF32Type(),
          0.5 * i, 0, -128, 127));
  }

  /// The final type of edge `producer`.
  ScaleState makeFinal(unsigned producer) {
    return ScaleState::final(types[(producer * 7 + producer / 4) % 4],
                             producer);
  }

  /// What some joins give, of up to four final types.
  ScaleState makeRandom() {
    ScaleState state;
    for (unsigned n = random() % 5; n > 0; --n)
      state.join(makeFinal(random() % 12));
    if (random() % 2)
      state.join(ScaleState::demand(random() % 4));
    return state;
  }

  MLIRContext context;
  std::vector<quant::UniformQuantizedType> types;
  std::mt19937 random{1};
};

ScaleState join(ScaleState a, const ScaleState &b) {
  a.join(b);
  return a;
}

TEST_F(ScaleStates, LevelsRise) {
  using Level = ScaleState::Level;
  ScaleState state;
  EXPECT_EQ(state.getLevel(), Level::Bottom);
  EXPECT_TRUE(state.join(ScaleState::demand(kEightBits)));
  EXPECT_EQ(state.getLevel(), Level::Demands);
  EXPECT_FALSE(state.join(ScaleState::demand(kEightBits)));
  EXPECT_TRUE(state.join(ScaleState::final(types[0], 5)));
  EXPECT_EQ(state.getLevel(), Level::Type);
  // Demands stay known, and the same type from an earlier edge is no conflict.
  EXPECT_EQ(state.getDemands(), kEightBits);
  EXPECT_TRUE(state.join(ScaleState::final(types[0], 3)));
  EXPECT_EQ(state.getLevel(), Level::Type);
  EXPECT_EQ(state.getTypes()[0].producer, 3u);
  EXPECT_TRUE(state.join(ScaleState::final(types[1], 4)));
  EXPECT_EQ(state.getLevel(), Level::Conflict);
  // A conflict names the first two producers, whatever comes later.
  EXPECT_FALSE(state.join(ScaleState::final(types[2], 9)));
  EXPECT_TRUE(state.join(ScaleState::final(types[3], 1)));
  ASSERT_EQ(state.getTypes().size(), 2u);
  EXPECT_EQ(state.getTypes()[0].producer, 1u);
  EXPECT_EQ(state.getTypes()[1].producer, 3u);
  EXPECT_EQ(state.getLevel(), Level::Conflict);
}

TEST_F(ScaleStates, JoinIsALattice) {
  for (int i = 0; i < 20000; ++i) {
    ScaleState a = makeRandom(), b = makeRandom(), c = makeRandom();
    EXPECT_TRUE(join(a, b) == join(b, a));
    EXPECT_TRUE(join(join(a, b), c) == join(a, join(b, c)));
    EXPECT_TRUE(join(a, a) == a);
    EXPECT_TRUE(join(a, ScaleState()) == a);
    // The level never falls, and a join that says it adds nothing does not.
    ScaleState joined = a;
    bool rose = joined.join(b);
    EXPECT_GE(joined.getLevel(), std::max(a.getLevel(), b.getLevel()));
    EXPECT_EQ(rose, !(joined == a));
    EXPECT_FALSE(joined.join(a) || joined.join(b));
  }
}

/// Rises until nothing adds to it: at most as often as the header says.
TEST_F(ScaleStates, HeightIsFinite) {
  for (int i = 0; i < 500; ++i) {
    ScaleState state;
    unsigned rises = 0;
    for (int k = 0; k < 200; ++k)
      rises += state.join(makeRandom());
    EXPECT_LE(rises, 2u + 2u * 12u);
  }
}

TEST_F(ScaleStates, TypesAlone) {
  ScaleState state = ScaleState::demand(kEightBits);
  ScaleState other = ScaleState::final(types[0], 0);
  other.join(ScaleState::demand(kZeroPointZero));
  EXPECT_TRUE(state.joinTypes(other));
  EXPECT_EQ(state.getDemands(), kEightBits);
  EXPECT_EQ(state.getLevel(), ScaleState::Level::Type);
}

TEST(Intervals, HullAndClamp) {
  Interval empty, all = Interval::everything(), unit{0, 1};
  EXPECT_TRUE(empty.isEmpty());
  EXPECT_FALSE(empty.isBounded() || all.isBounded());
  EXPECT_TRUE(unit.isBounded());
  EXPECT_TRUE(empty.hull(unit) == unit);
  EXPECT_TRUE(unit.hull({-1, 0.5}) == (Interval{-1, 1}));
  EXPECT_TRUE(all.clamp({0, 6}) == (Interval{0, 6}));
  EXPECT_TRUE((Interval{-3, -2}).clamp({0, 6}) == (Interval{0, 0}));
  EXPECT_TRUE((Interval{2, 9}).clamp({0, 6}) == (Interval{2, 6}));
  EXPECT_TRUE(empty.clamp({0, 6}).isEmpty());
  // One open side.
  EXPECT_FALSE(
      all.clamp({0, std::numeric_limits<double>::infinity()}).isBounded());
}

TEST(ValueFactsTest, JoinIsALattice) {
  std::mt19937 random(2);
  auto make = [&] {
    ValueFacts facts;
    facts.content = static_cast<Content>(random() % 3);
    if (random() % 4) {
      double limits[] = {-1, 0, 0.5, 1, 6};
      facts.range = {limits[random() % 3], limits[2 + random() % 3]};
    }
    return facts;
  };
  auto join = [](ValueFacts a, const ValueFacts &b) {
    a.join(b);
    return a;
  };
  for (int i = 0; i < 5000; ++i) {
    ValueFacts a = make(), b = make(), c = make();
    EXPECT_TRUE(join(a, b) == join(b, a));
    EXPECT_TRUE(join(join(a, b), c) == join(a, join(b, c)));
    EXPECT_TRUE(join(a, a) == a);
    EXPECT_TRUE(join(a, ValueFacts()) == a);
    // Clamping, the only transfer function that computes, is monotone.
    Interval limits{0, 1};
    Interval low = a.range, high = join(a, b).range;
    Interval hull = low.clamp(limits).hull(high.clamp(limits));
    EXPECT_TRUE(hull == high.clamp(limits));
  }
}

/// The solver on random graphs, cycles among them: the sets that reach a node.
TEST(FixedPoints, OrderDoesNotMatter) {
  std::mt19937 random(3);
  for (int graph = 0; graph < 200; ++graph) {
    unsigned size = 1 + random() % 40;
    std::vector<SmallVector<unsigned>> dependents(size), sources(size);
    for (unsigned edge = random() % (3 * size); edge > 0; --edge) {
      unsigned from = random() % size, to = random() % size;
      dependents[from].push_back(to);
      sources[to].push_back(from);
    }
    auto solve = [&](PickNext pick) {
      std::vector<uint64_t> sets(size);
      size_t steps = solveFixedPoint(
          dependents,
          [&](unsigned node) {
            uint64_t before = sets[node];
            sets[node] |= uint64_t(1) << node;
            for (unsigned source : sources[node])
              sets[node] |= sets[source];
            return sets[node] != before;
          },
          pick);
      // A node is visited for each rise of one it depends on.
      EXPECT_LE(steps, size + size * 3 * size);
      return sets;
    };
    auto inOrder = solve([](size_t n) { return n - 1; });
    auto shuffled = solve([&](size_t n) { return random() % n; });
    EXPECT_EQ(inOrder, shuffled);
  }
}
} // namespace
