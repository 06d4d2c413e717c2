//===- QuantizeWeightsTest.cpp - Weights to integers, and what they are ---===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "IRSnippet.h"

#include "QuantOpt/Analysis/Constants.h"
#include "QuantOpt/Conversion/QuantizeWeights.h"
#include "QuantOpt/Conversion/WeightLayout.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"

#include <numeric>
#include <random>

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::test;

using Shape = SmallVector<int64_t>;

//===----------------------------------------------------------------------===//
// Layout
//===----------------------------------------------------------------------===//

TEST(WeightLayout, GathersChannelsInRowMajorOrder) {
  struct Case {
    Shape shape, channels;
    bool dense;
  };
  const Case cases[] = {
      {{6, 5}, {0}, true},
      {{6, 5}, {1}, false},
      {{5, 2, 3, 4}, {0}, true},
      {{2, 3, 4, 5}, {3}, false},
      {{2, 3, 4, 5}, {1}, false},
      {{2, 3, 4, 5}, {0, 1}, true},
      {{2, 3, 4, 5}, {0, 3}, false},
      {{2, 3, 4, 5}, {1, 3}, false},
      {{2, 3, 4, 5}, {1, 2}, false},
      {{2, 3}, {0, 1}, true},
      {{7}, {0}, true},
      {{7}, {}, true},
      {{2, 3, 4}, {}, true},
      {{1, 5, 1}, {1}, true},
      {{4, 1}, {1}, true},
      {{3, 70}, {1}, false},
      {{}, {}, true},
  };
  for (const Case &c : cases) {
    WeightLayout layout(c.shape, c.channels);
    int64_t count = ShapedType::getNumElements(c.shape);
    int64_t size = layout.getChannelSize(), n = layout.getNumChannels();
    ASSERT_EQ(size * n, count);
    EXPECT_EQ(layout.isDense(), c.dense) << c.shape.size();
    std::vector<float> weight(count);
    std::iota(weight.begin(), weight.end(), 0.0f);
    std::vector<std::vector<float>> expected(n);
    forEachWeight(c.shape, c.channels, [&](int64_t i, int64_t channel) {
      expected[channel].push_back(weight[i]);
    });
    int64_t stride = size + 3;
    for (int64_t first = 0; first < n; ++first)
      for (int64_t some : {int64_t(1), n - first}) {
        std::vector<float> rows(some * stride, -1.0f);
        layout.gather(weight.data(), first, some, rows.data(), stride);
        for (int64_t i = 0; i < some; ++i) {
          std::vector<float> row(rows.begin() + i * stride,
                                 rows.begin() + i * stride + size);
          EXPECT_EQ(row, expected[first + i]);
          EXPECT_EQ(rows[i * stride + size], -1.0f);
        }
      }
    // The way back, of integers that say where they belong.
    std::vector<int8_t> rows(n * stride), back(count, -1);
    for (int64_t channel = 0; channel < n; ++channel)
      for (int64_t k = 0; k < size; ++k)
        rows[channel * stride + k] = static_cast<int8_t>(
            static_cast<int64_t>(expected[channel][k]) % 127);
    layout.scatter(rows.data(), stride, 0, n, back.data());
    for (int64_t i = 0; i < count; ++i)
      EXPECT_EQ(back[i], i % 127);
  }
}

//===----------------------------------------------------------------------===//
// Whole weights
//===----------------------------------------------------------------------===//

namespace {
/// A contraction whose weight is given as numbers.
class Model {
public:
  Model(StringRef op, const std::string &x, const std::string &w,
        const std::string &y, ArrayRef<float> values)
      : snippet(("func.func @f(%x: " + x + ", %init: " + y +
                 ") {\n%w = arith.constant dense<1.0> : " + w + "\n%0 = " + op +
                 " ins(%x, %w : " + x + ", " + w + ") outs(%init : " + y +
                 ") -> " + y + "\nreturn\n}")
                    .str()) {
    auto constant = snippet.get<arith::ConstantOp>();
    auto type = cast<RankedTensorType>(constant.getType());
    constant.setValueAttr(
        cast<TypedAttr>(makeFloatElements(type, values, "w")));
    match = matchQuantizable(snippet.getMarked());
    EXPECT_TRUE(match && match->weight);
  }
  /// A matrix product with the weight [k, n].
  Model(int64_t k, int64_t n, ArrayRef<float> values)
      : Model("linalg.matmul {test}", tensor({2, k}), tensor({k, n}),
              tensor({2, n}), values) {}

  static std::string tensor(ArrayRef<int64_t> shape) {
    std::string type = "tensor<";
    for (int64_t size : shape)
      type += std::to_string(size) + "x";
    return type + "f32>";
  }
  FailureOr<QuantizedWeights>
  quantize(bool perTensor = false, WeightMethod method = WeightMethod::Max) {
    return quantizeWeights(*match, perTensor, method);
  }

  IRSnippet snippet;
  std::optional<Quantizable> match;
};

std::vector<float> randomWeights(int64_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<float> values(count);
  for (float &value : values) {
    float x = float(random() >> 8) * 0x1p-24f - 0.5f;
    value = x * x * x;
  }
  return values;
}

/// Quantizes element by element and compares everything.
void check(Model &model, ArrayRef<int64_t> shape, ArrayRef<float> values,
           bool perTensor, WeightMethod method) {
  FailureOr<QuantizedWeights> weights = model.quantize(perTensor, method);
  ASSERT_TRUE(succeeded(weights)) << model.snippet.errors;
  ArrayRef<int64_t> dims = model.match->weightChannelDims;
  SmallVector<std::vector<float>> channels(weights->absoluteSums.size());
  forEachWeight(shape, dims, [&](int64_t i, int64_t channel) {
    channels[channel].push_back(values[i]);
  });
  std::vector<WeightScale> scales(perTensor ? 1 : channels.size());
  if (perTensor) {
    ASSERT_TRUE(
        chooseWeightScale(values.data(), values.size(), method, scales[0]));
  } else {
    for (auto [channel, scale] : llvm::zip(channels, scales))
      ASSERT_TRUE(
          chooseWeightScale(channel.data(), channel.size(), method, scale));
  }
  std::vector<int8_t> integers = *readInt8s(weights->values);
  std::vector<int64_t> sums(channels.size());
  forEachWeight(shape, dims, [&](int64_t i, int64_t channel) {
    float scale = scales[perTensor ? 0 : channel].scale;
    int32_t q = quantmath::quantizeMul(
        values[i], quantmath::reciprocalScale(scale), 0, {-127, 127});
    ASSERT_EQ(integers[i], q) << i;
    sums[channel] += std::abs(q);
  });
  EXPECT_EQ(ArrayRef<int64_t>(weights->absoluteSums), ArrayRef<int64_t>(sums));
  FailureOr<QuantizedParameters> parameters =
      QuantizedParameters::get(weights->type);
  ASSERT_TRUE(succeeded(parameters));
  ASSERT_EQ(parameters->scales.size(), scales.size());
  double squaredError = 0;
  for (auto [number, scale] : llvm::zip(parameters->scales, scales)) {
    EXPECT_EQ(number, scale.scale);
    EXPECT_GE(scale.scale, weights->scaleMin);
    EXPECT_LE(scale.scale, weights->scaleMax);
    squaredError += scale.squaredError;
  }
  EXPECT_EQ(weights->squaredError, squaredError);
  EXPECT_EQ(weights->numScales, static_cast<int64_t>(scales.size()));
  EXPECT_TRUE(weights->deadChannels.empty());
  EXPECT_EQ(weights->flooredScales, 0);
}
} // namespace

TEST(QuantizeWeights, EveryLayout) {
  struct Case {
    const char *op;
    Shape x, w, y;
  };
  const Case cases[] = {
      {"linalg.matmul {test}", {2, 40}, {40, 150}, {2, 150}},
      {"linalg.matmul {test}", {2, 3}, {3, 1}, {2, 1}},
      {"linalg.conv_2d_nhwc_fhwc {test}",
       {1, 4, 4, 5},
       {6, 3, 2, 5},
       {1, 2, 3, 6}},
      {"linalg.conv_2d_nhwc_hwcf {test}",
       {1, 4, 4, 5},
       {3, 2, 5, 6},
       {1, 2, 3, 6}},
      {"linalg.conv_2d_nhwgc_gfhwc {test}",
       {1, 4, 4, 2, 5},
       {2, 3, 3, 2, 5},
       {1, 2, 3, 2, 3}},
      {"linalg.depthwise_conv_2d_nhwc_hwcm {test}",
       {1, 4, 4, 5},
       {3, 2, 5, 2},
       {1, 2, 3, 5, 2}},
      {"linalg.batch_matmul {test}", {3, 2, 20}, {3, 20, 7}, {3, 2, 7}},
  };
  for (const Case &c : cases)
    for (bool perTensor : {false, true})
      for (WeightMethod method : {WeightMethod::Max, WeightMethod::MSE}) {
        SCOPED_TRACE(c.op);
        auto values = randomWeights(ShapedType::getNumElements(c.w), 1);
        Model model(c.op, Model::tensor(c.x), Model::tensor(c.w),
                    Model::tensor(c.y), values);
        check(model, c.w, values, perTensor, method);
      }
}

TEST(QuantizeWeights, Threads) {
  // More channels than one group, and one channel of more than one part.
  for (bool perTensor : {false, true}) {
    auto values = randomWeights(1500 * 500, 2);
    Model model(1500, 500, values);
    ASSERT_TRUE(model.snippet.context.isMultithreadingEnabled());
    check(model, {1500, 500}, values, perTensor, WeightMethod::MSE);
    FailureOr<QuantizedWeights> parallel =
        model.quantize(perTensor, WeightMethod::MSE);
    model.snippet.context.disableMultithreading();
    FailureOr<QuantizedWeights> serial =
        model.quantize(perTensor, WeightMethod::MSE);
    ASSERT_TRUE(succeeded(parallel) && succeeded(serial));
    EXPECT_EQ(parallel->type, serial->type);
    EXPECT_EQ(*readInt8s(parallel->values), *readInt8s(serial->values));
    EXPECT_EQ(parallel->squaredError, serial->squaredError);
  }
}

TEST(QuantizeWeights, DeadChannels) {
  // Columns 1 and 3 of 4 are dead.
  std::vector<float> values = {1.0f, 0.0f, 0.5f, -0.0f, 2.0f, 0.0f, 0.0f, 0.0f};
  Model model(2, 4, values);
  for (bool perTensor : {false, true}) {
    FailureOr<QuantizedWeights> weights = model.quantize(perTensor);
    ASSERT_TRUE(succeeded(weights));
    EXPECT_EQ(weights->deadChannels, SmallVector<int64_t>({1, 3}));
    EXPECT_EQ(weights->scaleMax, float(2.0 / 127));
    EXPECT_EQ(weights->scaleMin, float((perTensor ? 2.0 : 0.5) / 127));
    EXPECT_EQ(weights->absoluteSums[1], 0);
  }
  Model dead(2, 2, {0.0f, 0.0f, 0.0f, 0.0f});
  for (bool perTensor : {false, true}) {
    FailureOr<QuantizedWeights> weights = dead.quantize(perTensor);
    ASSERT_TRUE(succeeded(weights));
    EXPECT_EQ(weights->deadChannels, SmallVector<int64_t>({0, 1}));
    EXPECT_EQ(weights->scaleMin, 1.0f);
    EXPECT_EQ(weights->scaleMax, 1.0f);
    EXPECT_EQ(weights->flooredScales, 0);
    EXPECT_EQ(weights->squaredSum, 0.0);
  }
}

TEST(QuantizeWeights, FlooredScales) {
  // Columns: tiny, subnormal, ordinary, huge.
  std::vector<float> values = {1e-30f, 0x1p-140f, 1.0f, 1e30f,
                               0.0f,   0x1p-149f, 0.5f, -2e30f};
  Model model(2, 4, values);
  for (WeightMethod method : {WeightMethod::Max, WeightMethod::MSE}) {
    FailureOr<QuantizedWeights> weights = model.quantize(false, method);
    ASSERT_TRUE(succeeded(weights));
    EXPECT_EQ(weights->flooredScales, 3);
    EXPECT_TRUE(weights->deadChannels.empty());
    EXPECT_EQ(weights->scaleMin, 0x1p-40f);
    EXPECT_EQ(weights->scaleMax, 0x1p40f);
    std::vector<int8_t> q = *readInt8s(weights->values);
    EXPECT_EQ(q[0], 0);
    EXPECT_EQ(q[1], 0);
    EXPECT_EQ(q[3], 127);
    EXPECT_EQ(q[7], -127);
  }
}

TEST(QuantizeWeights, Errors) {
  Model bad(2, 2, {1.0f, INFINITY, 0.5f, 2.0f});
  for (bool perTensor : {false, true}) {
    bad.snippet.errors.clear();
    EXPECT_TRUE(failed(bad.quantize(perTensor)));
    expectContains(bad.snippet.errors, "has weights that are NaN or infinite");
  }
}

//===----------------------------------------------------------------------===//
// Accumulators
//===----------------------------------------------------------------------===//

TEST(BoundAccumulators, LargestChannelDecides) {
  MLIRContext context;
  context.loadDialect<quant::QuantDialect>();
  Builder b(&context);
  auto uniform = [&](bool isSigned, int64_t zeroPoint) {
    return quant::UniformQuantizedType::get(
        isSigned ? quant::QuantizationFlags::Signed : 0, b.getI8Type(),
        b.getF32Type(), 0.5, zeroPoint, isSigned ? -128 : 0,
        isSigned ? 127 : 255);
  };
  // Dynamic and symmetric s8: |qa| up to 128.
  AccumulatorProof proof = boundAccumulators(Type(), {5, 1000, 999});
  EXPECT_EQ(proof.channel, 1);
  EXPECT_EQ(proof.absoluteSum, 1000);
  EXPECT_EQ(proof.getMax(), 128000);
  EXPECT_TRUE(proof.holds());
  EXPECT_EQ(boundAccumulators(uniform(true, 0), {1000}).getMax(), 128000);
  // u8: the raw sum counts even where the corrected one is smaller.
  EXPECT_EQ(boundAccumulators(uniform(false, 0), {1000}).getMax(), 255000);
  EXPECT_EQ(boundAccumulators(uniform(false, 128), {1000}).getMax(), 255000);
  // s8 with a zero point: the corrected one.
  EXPECT_EQ(boundAccumulators(uniform(true, -128), {1000}).getMax(), 255000);
  // The last that fits, and one more.
  const int64_t fits = 2147483647 / 255;
  EXPECT_TRUE(boundAccumulators(uniform(false, 7), {fits, 1}).holds());
  EXPECT_FALSE(boundAccumulators(uniform(false, 7), {1, fits + 1}).holds());
  EXPECT_EQ(boundAccumulators(Type(), {0, 0}).getMax(), 0);
}

TEST(BoundAccumulators, OverflowIsExplained) {
  Model model(2, 2, {1.0f, 1.0f, 1.0f, 1.0f});
  AccumulatorProof proof = boundAccumulators(Type(), {1, 16777216});
  ASSERT_FALSE(proof.holds());
  EXPECT_EQ(describeOverflow(*model.match, proof),
            "an i32 accumulator could overflow: output channel 1 sums 2 "
            "products with a sum of |qw| of 16777216, so |acc| can reach "
            "2147483648, and the limit is 2147483647");
}
