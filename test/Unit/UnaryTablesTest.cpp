//===- UnaryTablesTest.cpp - Tables against long double --------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every entry of every table is compared with the function in long double (64
// bits of mantissa), computed by libm. Only where that is within 1e-12 of a tie
// may the two differ. The tables are also looked up by compiled code.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Conversion/UnaryTables.h"

#include "CpuModel.h"
#include "IRSnippet.h"
#include "QuantOpt/Analysis/EvaluateBody.h"

#include <cmath>

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::test;

/// A function as the body of an elementwise op of %x and as an oracle.
struct UnaryCase {
  const char *name;
  const char *body; ///< ends in `linalg.yield`
  long double (*oracle)(long double);
};

static long double exactSigmoid(long double x) {
  return 1 / (1 + std::exp(-x));
}

// f32 constants are what they are, also in the oracles.
static const UnaryCase kCases[] = {
    {"sigmoid", R"(
      %n = arith.negf %x : f32
      %e = math.exp %n : f32
      %d = arith.addf %e, %one : f32
      %y = arith.divf %one, %d : f32
      linalg.yield %y : f32)",
     exactSigmoid},
    {"silu", R"(
      %n = arith.negf %x : f32
      %e = math.exp %n : f32
      %d = arith.addf %e, %one : f32
      %s = arith.divf %one, %d : f32
      %y = arith.mulf %x, %s : f32
      linalg.yield %y : f32)",
     [](long double x) { return x * exactSigmoid(x); }},
    {"tanh", R"(
      %y = math.tanh %x : f32
      linalg.yield %y : f32)",
     [](long double x) { return std::tanh(x); }},
    {"exp", R"(
      %y = math.exp %x : f32
      linalg.yield %y : f32)",
     [](long double x) { return std::exp(x); }},
    {"gelu", R"(
      %r = arith.constant 1.41421354 : f32
      %h = arith.constant 0.5 : f32
      %d = arith.divf %x, %r : f32
      %e = math.erf %d : f32
      %a = arith.addf %e, %one : f32
      %m = arith.mulf %a, %h : f32
      %y = arith.mulf %x, %m : f32
      linalg.yield %y : f32)",
     [](long double x) {
       return x * 0.5L * (1 + std::erf(x / (long double)1.41421354f));
     }},
    {"hard_swish", R"(
      %zero = arith.constant 0.0 : f32
      %three = arith.constant 3.0 : f32
      %six = arith.constant 6.0 : f32
      %a = arith.addf %x, %three : f32
      %b = arith.maximumf %a, %zero : f32
      %c = arith.minimumf %b, %six : f32
      %d = arith.divf %c, %six : f32
      %y = arith.mulf %d, %x : f32
      linalg.yield %y : f32)",
     [](long double x) {
       return x * std::min(std::max(x + 3, 0.0L), 6.0L) / 6;
     }},
    {"log_of_square", R"(
      %two = arith.constant 2 : i32
      %s = math.fpowi %x, %two : f32, i32
      %p = arith.addf %s, %one : f32
      %y = math.log %p : f32
      linalg.yield %y : f32)",
     [](long double x) { return std::log(x * x + 1); }},
    {"leaky_relu", R"(
      %zero = arith.constant 0.0 : f32
      %slope = arith.constant 0.125 : f32
      %s = arith.mulf %x, %slope : f32
      %c = arith.cmpf oge, %x, %zero : f32
      %y = arith.select %c, %x, %s : f32
      linalg.yield %y : f32)",
     [](long double x) { return x >= 0 ? x : x * 0.125L; }},
};

static std::string makeModule(const char *body) {
  return std::string(R"(
    func.func @main(%arg: tensor<4xf32>) -> tensor<4xf32> {
      %one = arith.constant 1.0 : f32
      %empty = tensor.empty() : tensor<4xf32>
      %r = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>,
          affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
          ins(%arg : tensor<4xf32>) outs(%empty : tensor<4xf32>) {
      ^bb0(%x: f32, %o: f32):)") +
         body + R"(
      } -> tensor<4xf32>
      return %r : tensor<4xf32>
    })";
}

static quant::UniformQuantizedType makeType(MLIRContext *context, bool isSigned,
                                            double scale, int64_t zeroPoint) {
  return quant::UniformQuantizedType::get(
      isSigned ? quant::QuantizationFlags::Signed : 0,
      IntegerType::get(context, 8), Float32Type::get(context), float(scale),
      zeroPoint, isSigned ? -128 : 0, isSigned ? 127 : 255);
}

/// The entry for `q` in long double; nullopt within 1e-12 of a tie.
static std::optional<int> getExact(const UnaryCase &test, int q,
                                   quant::UniformQuantizedType in,
                                   quant::UniformQuantizedType out) {
  float x = float(q - int(in.getZeroPoint())) * float(in.getScale());
  long double y = test.oracle(x) / (long double)(float(out.getScale()));
  if (std::fabs(y - std::floor(y) - 0.5L) < 1e-12L)
    return std::nullopt;
  long double z = out.getZeroPoint();
  return int(std::min<long double>(
      std::max<long double>(std::rint(y) + z, out.getStorageTypeMin()),
      out.getStorageTypeMax()));
}

static void checkTable(const UnaryCase &test, linalg::GenericOp op,
                       quant::UniformQuantizedType in,
                       quant::UniformQuantizedType out) {
  std::optional<UnaryTable> table = buildUnaryTable(op, in, out);
  ASSERT_TRUE(table);
  int first = in.isSigned() ? -128 : 0;
  for (int i = 0; i < 256; ++i) {
    std::optional<int> expected = getExact(test, first + i, in, out);
    if (!expected)
      continue;
    int found = out.isSigned() ? int((*table)[i]) : int(uint8_t((*table)[i]));
    EXPECT_EQ(found, *expected) << test.name << "(" << first + i << ")";
  }
}

TEST(UnaryTablesTest, EveryEntryIsExact) {
  for (const UnaryCase &test : kCases) {
    IRSnippet snippet(makeModule(test.body));
    auto op = snippet.get<linalg::GenericOp>();
    MLIRContext *context = &snippet.context;
    // Scales from "one step is a lot" to "all entries differ", powers of two
    // (where ties abound) and others.
    for (double scaleIn : {1.0 / 64, 0.02, 0.0471, 0.125})
      for (double scaleOut : {1.0 / 256, 1.0 / 127, 0.0313}) {
        auto s8 = makeType(context, true, scaleIn, 0);
        auto u8 = makeType(context, false, scaleIn, 0);
        auto skewed = makeType(context, false, scaleIn, 93);
        auto toS8 = makeType(context, true, scaleOut, -7);
        auto toU8 = makeType(context, false, scaleOut, 5);
        checkTable(test, op, s8, toS8);
        checkTable(test, op, u8, toU8);
        checkTable(test, op, skewed, toS8);
        checkTable(test, op, s8, toU8);
      }
  }
}

TEST(UnaryTablesTest, DivisionInF32) {
  // x / 3 is inexact: rounded to f32 first, then divided in f32.
  IRSnippet snippet(makeModule(R"(
      %three = arith.constant 3.0 : f32
      %y = arith.divf %x, %three : f32
      linalg.yield %y : f32)"));
  auto in = makeType(&snippet.context, true, 0.1, 0);
  auto out = makeType(&snippet.context, true, 0.0666666701, 0);
  auto op = snippet.get<linalg::GenericOp>();
  std::optional<UnaryTable> table = buildUnaryTable(op, in, out, true);
  ASSERT_TRUE(table);
  for (int q = -128; q < 128; ++q) {
    float y = float(double(q * 0.1f) / 3);
    float quotient = std::nearbyint(y / 0.0666666701f);
    EXPECT_EQ((*table)[q + 128],
              int(std::min(std::max(quotient, -128.0f), 127.0f)));
  }
  EXPECT_NE(*table, *buildUnaryTable(op, in, out, false));
}

TEST(UnaryTablesTest, NaNIsTheZeroPointAndInfinitySaturates) {
  IRSnippet snippet(makeModule(R"(
      %y = math.log %x : f32
      linalg.yield %y : f32)"));
  auto in = makeType(&snippet.context, true, 1, 0);
  auto out = makeType(&snippet.context, true, 0.1, 3);
  std::optional<UnaryTable> table =
      buildUnaryTable(snippet.get<linalg::GenericOp>(), in, out);
  ASSERT_TRUE(table);
  EXPECT_EQ((*table)[127], 3);    // log(-1)
  EXPECT_EQ((*table)[128], -128); // log(0)
  EXPECT_EQ((*table)[129], 3);    // log(1)
}

TEST(UnaryTablesTest, RefusesOthers) {
  IRSnippet snippet(makeModule(R"(
      %y = math.sin %x : f32
      linalg.yield %y : f32)"));
  auto op = snippet.get<linalg::GenericOp>();
  auto s8 = makeType(&snippet.context, true, 1, 0);
  EXPECT_FALSE(buildUnaryTable(op, s8, s8));
  IRSnippet identity(makeModule("linalg.yield %x : f32"));
  auto s16 = quant::UniformQuantizedType::get(
      quant::QuantizationFlags::Signed, IntegerType::get(&identity.context, 16),
      Float32Type::get(&identity.context), 1.0, 0, -32768, 32767);
  auto copy = identity.get<linalg::GenericOp>();
  auto type = makeType(&identity.context, true, 1, 0);
  EXPECT_TRUE(buildUnaryTable(copy, type, type));
  EXPECT_FALSE(buildUnaryTable(copy, s16, type));
  EXPECT_FALSE(buildUnaryTable(copy, type, s16));
}

//===----------------------------------------------------------------------===//
// Execution
//===----------------------------------------------------------------------===//

static void checkLookup(bool unsignedIndex) {
  IRSnippet snippet(R"(
    func.func @main(%q: tensor<16x16xi8>) -> tensor<16x16xi8> {
      return %q : tensor<16x16xi8>
    })");
  auto function = snippet.get<func::FuncOp>();
  Operation *terminator = function.getBody().front().getTerminator();
  UnaryTable table;
  std::mt19937 random(7);
  for (int8_t &entry : table)
    entry = int8_t(random());
  OpBuilder builder(terminator);
  terminator->setOperand(0, buildTableLookup(builder, function.getLoc(),
                                             function.getArgument(0), table,
                                             unsignedIndex));
  std::string text;
  llvm::raw_string_ostream os(text);
  snippet.module->print(os);
  CpuModel model(text);
  std::vector<int8_t> input(256), expected(256);
  for (int i = 0; i < 256; ++i) {
    input[i] = int8_t(i * 37);
    expected[i] =
        table[unsignedIndex ? uint8_t(input[i]) : int(input[i]) + 128];
  }
  EXPECT_EQ(model.run1<int8_t>({input}), expected) << model.error();
}

TEST(UnaryTablesTest, LooksUpSigned) { checkLookup(false); }
TEST(UnaryTablesTest, LooksUpUnsigned) { checkLookup(true); }

//===----------------------------------------------------------------------===//
// Bodies
//===----------------------------------------------------------------------===//

/// Of `body`, a function of %x.
static std::optional<double> evaluate(const char *body, double x) {
  IRSnippet snippet(makeModule(body));
  FailureOr<double> y = evaluateUnaryBody(snippet.get<linalg::GenericOp>(), x);
  return succeeded(y) ? std::optional(*y) : std::nullopt;
}

TEST(EvaluateBodyTest, MinimaAndMaxima) {
  auto apply = [](const std::string &name, double x) {
    return evaluate(("%c = arith.constant 2.0 : f32\n%y = arith." + name +
                     " %x, %c : f32\nlinalg.yield %y : f32")
                        .c_str(),
                    x);
  };
  EXPECT_EQ(apply("maximumf", 1), 2);
  EXPECT_EQ(apply("maximumf", 3), 3);
  EXPECT_EQ(apply("minimumf", 1), 1);
  EXPECT_EQ(apply("minimumf", 3), 2);
  EXPECT_TRUE(std::isnan(*apply("maximumf", NAN)));
  EXPECT_TRUE(std::isnan(*apply("minimumf", NAN)));
  EXPECT_EQ(apply("maxnumf", NAN), 2);
  EXPECT_EQ(apply("minnumf", NAN), 2);
}

TEST(EvaluateBodyTest, ComparisonsOfNaN) {
  auto apply = [](const std::string &predicate) {
    return evaluate(
        ("%c = arith.constant 2.0 : f32\n%z = arith.constant 0.0 : f32\n"
         "%b = arith.cmpf " +
         predicate +
         ", %x, %c : f32\n%y = arith.select %b, %c, %z : f32\n"
         "linalg.yield %y : f32")
            .c_str(),
        NAN);
  };
  for (const char *ordered : {"oeq", "one", "ogt", "oge", "olt", "ole", "ord"})
    EXPECT_EQ(apply(ordered), 0) << ordered;
  for (const char *other : {"ueq", "une", "ugt", "uge", "ult", "ule", "uno"})
    EXPECT_EQ(apply(other), 2) << other;
}

TEST(EvaluateBodyTest, ConversionsPowersAndRounding) {
  EXPECT_EQ(evaluate(R"(
      %eps = arith.constant 1.0e-05 : f64
      %e = arith.truncf %eps : f64 to f32
      %y = arith.addf %x, %e : f32
      linalg.yield %y : f32)",
                     0),
            double(1e-5f));
  EXPECT_EQ(evaluate(R"(
      %n = arith.constant -3.0 : f32
      %y = math.powf %x, %n : f32
      linalg.yield %y : f32)",
                     2),
            0.125);
  EXPECT_EQ(evaluate(R"(
      %n = arith.constant 0.5 : f32
      %y = math.powf %x, %n : f32
      linalg.yield %y : f32)",
                     2),
            std::sqrt(2.0));
  EXPECT_FALSE(evaluate(R"(
      %n = arith.constant 0.75 : f32
      %y = math.powf %x, %n : f32
      linalg.yield %y : f32)",
                        2));
  EXPECT_EQ(evaluate(R"(
      %a = math.roundeven %x : f32
      %b = math.floor %x : f32
      %c = math.ceil %x : f32
      %d = arith.addf %a, %b : f32
      %y = arith.addf %d, %c : f32
      linalg.yield %y : f32)",
                     2.5),
            2 + 2 + 3);
  EXPECT_EQ(evaluate(R"(
      %y = math.rsqrt %x : f32
      linalg.yield %y : f32)",
                     4),
            0.5);
}

TEST(EvaluateBodyTest, BooleansAndOtherInputs) {
  EXPECT_EQ(evaluate(R"(
      %z = arith.constant 0.0 : f32
      %a = arith.cmpf oge, %x, %z : f32
      %b = arith.cmpf olt, %x, %one : f32
      %c = arith.andi %a, %b : i1
      %true = arith.constant true
      %d = arith.xori %c, %true : i1
      %y = arith.select %d, %one, %z : f32
      linalg.yield %y : f32)",
                     0.5),
            0);
  EXPECT_FALSE(evaluate("linalg.yield %o : f32", 1));
}
