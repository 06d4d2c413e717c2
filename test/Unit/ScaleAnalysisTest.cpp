//===- ScaleAnalysisTest.cpp - Facts, states and groups of edges ----------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "IRSnippet.h"

#include "QuantOpt/Analysis/ScaleAnalysis.h"
#include "QuantOpt/Analysis/ValueRanges.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

#include <random>

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::test;

namespace {
const ScaleAnalysis::Edge &findEdge(const ScaleAnalysis &analysis,
                                    StringRef name) {
  for (const ScaleAnalysis::Edge &edge : analysis.getEdges())
    if (ObserveOp(edge.op).getName() == name)
      return edge;
  ADD_FAILURE() << "no edge " << name.str();
  return analysis.getEdges().front();
}

TEST(ScaleAnalysisTest, ContentAndRanges) {
  IRSnippet snippet(R"(
    func.func @f(%x: tensor<4xf32>) {
      %c = arith.constant 6.0 : f32
      %m = tensor.empty() : tensor<4xf32>
      %six = linalg.fill {test.six} ins(%c : f32) outs(%m : tensor<4xf32>) -> tensor<4xf32>
      %a = qopt.observe %x {name = "a"} : tensor<4xf32>
      %both = tensor.concat dim(0) %a, %six {test.both} : (tensor<4xf32>, tensor<4xf32>) -> tensor<8xf32>
      %sum = linalg.add {test.sum} ins(%a, %six : tensor<4xf32>, tensor<4xf32>) outs(%m : tensor<4xf32>) -> tensor<4xf32>
      %mixed = tensor.concat dim(0) %a, %sum {test.mixed} : (tensor<4xf32>, tensor<4xf32>) -> tensor<8xf32>
      return
    })");
  ScaleAnalysis analysis(*snippet.module);
  auto getFacts = [&](StringRef attr) {
    ValueFacts facts;
    snippet.module->walk([&](Operation *op) {
      if (op->hasAttr(attr))
        facts = analysis.getFacts(op->getResult(0));
    });
    return facts;
  };
  EXPECT_EQ(getFacts("test.six").content, Content::Nothing);
  EXPECT_TRUE(getFacts("test.six").range == (Interval{6, 6}));
  EXPECT_EQ(getFacts("test.both").content, Content::Integers);
  EXPECT_EQ(getFacts("test.sum").content, Content::Reals);
  EXPECT_EQ(getFacts("test.mixed").content, Content::Reals);
}

/// A recurrent cell: the edges of the initial value, of the body's argument and
/// of the yielded value are one tensor.
TEST(ScaleAnalysisTest, LoopsCarryOneType) {
  IRSnippet snippet(R"(
    func.func @f(%x: tensor<1x2xf32>, %acc: tensor<1x2xf32>) -> tensor<1x2xf32> {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %w = arith.constant dense<1.0> : tensor<2x2xf32>
      %init = qopt.observe %x {name = "initial", type = !quant.uniform<i8:f32, 0.5>} : tensor<1x2xf32>
      %r = scf.for %i = %c0 to %c1 step %c1 iter_args(%h = %init) -> (tensor<1x2xf32>) {
        %arg = qopt.observe %h {name = "argument"} : tensor<1x2xf32>
        %p = linalg.matmul {qopt.quantize, qopt.name = "m"} ins(%arg, %w : tensor<1x2xf32>, tensor<2x2xf32>) outs(%acc : tensor<1x2xf32>) -> tensor<1x2xf32>
        %next = qopt.observe %p {name = "next"} : tensor<1x2xf32>
        scf.yield %next : tensor<1x2xf32>
      }
      return %r : tensor<1x2xf32>
    })");
  ScaleAnalysis analysis(*snippet.module);
  ASSERT_EQ(analysis.getGroups().size(), 1u);
  const ScaleAnalysis::Group &group = analysis.getGroups()[0];
  EXPECT_EQ(group.edges, (SmallVector<unsigned>{0, 1, 2}));
  EXPECT_EQ(group.state.getLevel(), ScaleState::Level::Type);
  EXPECT_TRUE(isa<scf::ForOp>(group.joint));
  const ScaleAnalysis::Edge &argument = findEdge(analysis, "argument");
  EXPECT_TRUE(argument.isCarried);
  EXPECT_EQ(argument.demands, unsigned(kEightBits));
  ASSERT_EQ(argument.readers.size(), 1u);
  EXPECT_TRUE(isa<linalg::MatmulOp>(argument.readers[0]));
  // The loop's result leaves the function, so others than 'argument' read it.
  const ScaleAnalysis::Edge &next = findEdge(analysis, "next");
  EXPECT_FALSE(next.isCarried || next.isPassedOn());
  EXPECT_EQ(next.demands, unsigned(kNoDemand));
  EXPECT_EQ(next.readingEdges, (SmallVector<unsigned>{1}));
}

/// Without an observer on what is yielded, the argument holds results of
/// arithmetic and is quantized in each iteration.
TEST(ScaleAnalysisTest, LoopsOfReals) {
  IRSnippet snippet(R"(
    func.func @f(%x: tensor<2xf32>) -> tensor<2xf32> {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %init = qopt.observe %x {name = "initial"} : tensor<2xf32>
      %r = scf.for %i = %c0 to %c1 step %c1 iter_args(%h = %init) -> (tensor<2xf32>) {
        %arg = qopt.observe %h {name = "argument"} : tensor<2xf32>
        %next = linalg.add ins(%arg, %arg : tensor<2xf32>, tensor<2xf32>) outs(%h : tensor<2xf32>) -> tensor<2xf32>
        scf.yield %next : tensor<2xf32>
      }
      return %r : tensor<2xf32>
    })");
  ScaleAnalysis analysis(*snippet.module);
  EXPECT_EQ(analysis.getGroups().size(), 2u);
  EXPECT_FALSE(findEdge(analysis, "argument").isCarried);
}

TEST(ScaleAnalysisTest, Branches) {
  IRSnippet snippet(R"(
    func.func @f(%x: tensor<2xf32>, %y: tensor<2xf32>, %c: i1) -> tensor<2xf32> {
      %a = qopt.observe %x {name = "a"} : tensor<2xf32>
      %r = scf.if %c -> (tensor<2xf32>) {
        scf.yield %a : tensor<2xf32>
      } else {
        %b = qopt.observe %y {name = "b"} : tensor<2xf32>
        scf.yield %b : tensor<2xf32>
      }
      return %r : tensor<2xf32>
    })");
  EXPECT_EQ(ScaleAnalysis(*snippet.module).getGroups().size(), 1u);
}

/// A zero-filled tensor that several ops start from does not tie them together;
/// nor does one float tensor that is quantized twice.
TEST(ScaleAnalysisTest, WhatTiesNothing) {
  IRSnippet snippet(R"(
    func.func @f(%x: tensor<1xf32>, %y: tensor<1xf32>) -> (tensor<2xf32>, tensor<2xf32>, tensor<1xf32>) {
      %zero = arith.constant dense<0.0> : tensor<2xf32>
      %a = qopt.observe %x {name = "a"} : tensor<1xf32>
      %b = qopt.observe %y {name = "b"} : tensor<1xf32>
      %c = qopt.observe %y {name = "c"} : tensor<1xf32>
      %0 = tensor.insert_slice %a into %zero[0] [1] [1] : tensor<1xf32> into tensor<2xf32>
      %1 = tensor.insert_slice %b into %zero[1] [1] [1] : tensor<1xf32> into tensor<2xf32>
      return %0, %1, %c : tensor<2xf32>, tensor<2xf32>, tensor<1xf32>
    })");
  EXPECT_EQ(ScaleAnalysis(*snippet.module).getGroups().size(), 3u);
}

/// Products of two run-time operands prefer zero point 0; demands go back
/// through a concat but not through an edge, which answers them.
TEST(ScaleAnalysisTest, Demands) {
  IRSnippet snippet(R"(
    func.func @f(%x: tensor<1x2xf32>, %y: tensor<1x2xf32>, %z: tensor<2x2xf32>, %acc: tensor<2x2xf32>) -> tensor<2x2xf32> {
      %a = qopt.observe %x {name = "a"} : tensor<1x2xf32>
      %b = qopt.observe %y {name = "b"} : tensor<1x2xf32>
      %ab = tensor.concat dim(0) %a, %b : (tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<2x2xf32>
      %c = qopt.observe %z {name = "c"} : tensor<2x2xf32>
      %t = tensor.expand_shape %c [[0, 1], [2]] output_shape [1, 2, 2] : tensor<2x2xf32> into tensor<1x2x2xf32>
      %d = qopt.observe %t {name = "d"} : tensor<1x2x2xf32>
      %u = tensor.collapse_shape %d [[0, 1], [2]] : tensor<1x2x2xf32> into tensor<2x2xf32>
      %r = linalg.matmul {qopt.quantize, qopt.name = "m"} ins(%ab, %u : tensor<2x2xf32>, tensor<2x2xf32>) outs(%acc : tensor<2x2xf32>) -> tensor<2x2xf32>
      return %r : tensor<2x2xf32>
    })");
  ScaleAnalysis analysis(*snippet.module);
  unsigned both = kEightBits | kZeroPointZero;
  EXPECT_EQ(findEdge(analysis, "a").demands, both);
  EXPECT_EQ(findEdge(analysis, "b").demands, both);
  EXPECT_EQ(findEdge(analysis, "d").demands, both);
  EXPECT_EQ(findEdge(analysis, "c").demands, unsigned(kNoDemand));
  EXPECT_TRUE(findEdge(analysis, "c").isPassedOn());
}

TEST(ValueRangesTest, Bodies) {
  auto getRange = [](const std::string &body) {
    IRSnippet snippet(R"(
      #id = affine_map<(d0) -> (d0)>
      func.func @f(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
        %zero = arith.constant 0.0 : f32
        %one = arith.constant 1.0 : f32
        %three = arith.constant 3.0 : f32
        %six = arith.constant 6.0 : f32
        %r = linalg.generic {test, indexing_maps = [#id, #id], iterator_types = ["parallel"]}
            ins(%x : tensor<4xf32>) outs(%y : tensor<4xf32>) {
        ^bb0(%a: f32, %o: f32):)" +
                      body + R"(
          linalg.yield %r : f32
        } -> tensor<4xf32>
        return %r : tensor<4xf32>
      })");
    return getResultRange(snippet.getMarked());
  };
  double inf = std::numeric_limits<double>::infinity();
  EXPECT_TRUE(getRange("%r = math.tanh %a : f32") == (Interval{-1, 1}));
  EXPECT_TRUE(getRange("%r = arith.mulf %a, %a : f32") ==
              Interval::everything());
  EXPECT_TRUE(getRange("%r = math.exp %a : f32") == (Interval{0, inf}));
  // Sigmoid.
  EXPECT_TRUE(getRange(R"(
      %n = arith.negf %a : f32
      %e = math.exp %n : f32
      %s = arith.addf %e, %one : f32
      %r = arith.divf %one, %s : f32)") == (Interval{0, 1}));
  // Hard sigmoid: relu6(x + 3) / 6 by compare and select.
  EXPECT_TRUE(getRange(R"(
      %s = arith.addf %a, %three : f32
      %c = arith.cmpf ult, %s, %zero : f32
      %l = arith.select %c, %zero, %s : f32
      %d = arith.cmpf ugt, %l, %six : f32
      %h = arith.select %d, %six, %l : f32
      %r = arith.divf %h, %six : f32)") == (Interval{0, 1}));
  // What divides may be zero.
  EXPECT_TRUE(getRange(R"(
      %e = math.exp %a : f32
      %r = arith.divf %one, %e : f32)") == Interval::everything());
}

/// A function of tensor<4xf32> values: `size` random ops, loops among them.
class RandomGraph {
public:
  explicit RandomGraph(unsigned seed) : random(seed) {}

  std::string make(unsigned size) {
    std::vector<std::string> values = {"%x", "%y", "%zeros"};
    std::string body = emit(size, values, /*depth=*/0);
    return "func.func @f(%x: tensor<4xf32>, %y: tensor<4xf32>) -> "
           "tensor<4xf32> {\n"
           "%c0 = arith.constant 0 : index\n%c3 = arith.constant 3 : index\n"
           "%c1 = arith.constant 1 : index\n"
           "%zeros = arith.constant dense<0.0> : tensor<4xf32>\n" +
           body + "return " + values.back() + " : tensor<4xf32>\n}";
  }

private:
  std::string pick(const std::vector<std::string> &values) {
    return values[random() % values.size()];
  }
  std::string fresh() { return "%v" + std::to_string(next++); }

  std::string emit(unsigned size, std::vector<std::string> &values,
                   unsigned depth) {
    const std::string t = " : tensor<4xf32>",
                      two = " : tensor<4xf32>, tensor<4xf32>";
    std::string text;
    for (unsigned i = 0; i < size; ++i) {
      std::string r = fresh(), a = pick(values), b = pick(values);
      switch (random() % (depth < 2 ? 7 : 6)) {
      case 0:
        text += r + " = qopt.observe " + a + " {name = \"e" + r.substr(2) +
                "\"}" + t + "\n";
        break;
      case 1:
        text += r + " = qopt.observe " + a + " {name = \"e" + r.substr(2) +
                "\", type = !quant.uniform<i8:f32, 0." +
                std::to_string(1 + random() % 3) + ">}" + t + "\n";
        break;
      case 2:
        text += r + " = linalg.add ins(" + a + ", " + b + two + ") outs(" + a +
                t + ") -> tensor<4xf32>\n";
        break;
      case 3:
        text += r + " = linalg.max ins(" + a + ", " + b + two + ") outs(" + a +
                t + ") -> tensor<4xf32>\n";
        break;
      case 4: {
        std::string c = fresh();
        text += c + " = tensor.concat dim(0) " + a + ", " + b +
                " : (tensor<4xf32>, tensor<4xf32>) -> tensor<8xf32>\n" + r +
                " = tensor.extract_slice " + c +
                "[2] [4] [1] : tensor<8xf32> to tensor<4xf32>\n";
        break;
      }
      case 5: {
        std::string s = fresh();
        text += s + " = tensor.extract_slice " + a +
                "[1] [2] [1] : tensor<4xf32> to tensor<2xf32>\n" + r +
                " = tensor.insert_slice " + s + " into " + b +
                "[0] [2] [1] : tensor<2xf32> into tensor<4xf32>\n";
        break;
      }
      default: {
        std::string p = fresh(), q = fresh();
        std::vector<std::string> inner = values;
        inner.push_back(p);
        inner.push_back(q);
        std::string body = emit(1 + random() % 5, inner, depth + 1);
        text += r + ":2 = scf.for %i" + r.substr(1) +
                " = %c0 to %c3 step %c1 iter_args(" + p + " = " + a + ", " + q +
                " = " + b + ") -> (tensor<4xf32>, tensor<4xf32>) {\n" + body +
                "scf.yield " + pick(inner) + ", " + pick(inner) + two + "\n}\n";
        values.push_back(r + "#1");
        r += "#0";
        break;
      }
      }
      values.push_back(r);
    }
    return text;
  }

  std::mt19937 random;
  unsigned next = 0;
};

/// Everything the analysis says, as text.
std::string describe(const ScaleAnalysis &analysis, ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream os(text);
  auto describeValue = [&](Value value) {
    ValueFacts facts = analysis.getFacts(value);
    ScaleState state = analysis.getState(value);
    os << int(facts.content) << " [" << facts.range.low << ", "
       << facts.range.high << "] " << int(state.getLevel()) << " "
       << state.getDemands();
    for (const FinalType &type : state.getTypes())
      os << " " << type.type << " by " << type.producer;
    os << "\n";
  };
  module->walk([&](Operation *op) {
    for (Value result : op->getResults())
      describeValue(result);
    for (Region &region : op->getRegions())
      for (Value argument : region.getArguments())
        describeValue(argument);
  });
  for (const ScaleAnalysis::Edge &edge : analysis.getEdges()) {
    os << edge.group << edge.isCarried << edge.readers.size();
    llvm::interleaveComma(edge.readingEdges, os);
    os << "\n";
  }
  for (const ScaleAnalysis::Group &group : analysis.getGroups()) {
    llvm::interleaveComma(group.edges, os);
    os << (group.joint ? group.joint->getName().getStringRef() : "") << "\n";
    if (group.state.getLevel() == ScaleState::Level::Conflict) {
      Operation *meeting =
          analysis.getMeetingOp(group.state.getTypes()[0].producer,
                                group.state.getTypes()[1].producer);
      os << (meeting ? meeting->getName().getStringRef() : "directly") << "\n";
    }
  }
  return text;
}

TEST(ScaleAnalysisTest, RandomGraphs) {
  size_t groupsOfSeveral = 0, conflicts = 0;
  for (unsigned seed = 0; seed < 150; ++seed) {
    IRSnippet snippet(RandomGraph(seed).make(5 + seed % 40));
    ASSERT_TRUE(snippet.module) << "seed " << seed;
    ScaleAnalysis analysis(*snippet.module);
    std::string expected = describe(analysis, *snippet.module);
    std::mt19937 random(seed);
    for (int i = 0; i < 4; ++i) {
      ScaleAnalysis shuffled(*snippet.module,
                             [&](size_t n) { return random() % n; });
      EXPECT_EQ(describe(shuffled, *snippet.module), expected)
          << "seed " << seed;
    }
    for (const ScaleAnalysis::Group &group : analysis.getGroups()) {
      groupsOfSeveral += group.edges.size() > 1;
      conflicts += group.state.getLevel() == ScaleState::Level::Conflict;
      // Every edge of a group knows the types of all.
      for (unsigned edge : group.edges) {
        ObserveOp op = analysis.getEdges()[edge].op;
        EXPECT_EQ(analysis.getState(op.getResult()).getTypes(),
                  group.state.getTypes());
      }
    }
  }
  // The graphs do have what is tested.
  EXPECT_GT(groupsOfSeveral, 100u);
  EXPECT_GT(conflicts, 30u);
}
} // namespace
