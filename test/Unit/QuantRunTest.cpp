//===- QuantRunTest.cpp - Flags, batches and checks of quant-run ----------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Everything of the tool that can be tested without running a model: results
// are made up here.
//
//===----------------------------------------------------------------------===//
#include "Evaluation.h"
#include "NpzTestFiles.h"
#include "Options.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

using namespace mlir::qopt;
using namespace mlir::qopt::run;
using namespace npztest;

namespace {

TensorSpec spec(const std::string &name, ElementType type,
                const std::vector<uint64_t> &shape) {
  TensorSpec result = {name, type, shape, elementTypeSize(type)};
  for (uint64_t extent : shape)
    result.bytes *= extent;
  return result;
}

/// 0, 1, 2, ... as f32.
std::string floats(size_t count, float start = 0) {
  std::vector<float> values(count);
  std::iota(values.begin(), values.end(), start);
  return bytesOf(values);
}

//===----------------------------------------------------------------------===//
// Flags
//===----------------------------------------------------------------------===//

std::string parse(std::vector<std::string> arguments, Options &options) {
  std::string error;
  bool ok = parseOptions(arguments, options, error);
  EXPECT_EQ(ok, error.empty());
  return error;
}

std::string parseError(std::vector<std::string> arguments) {
  Options options;
  return parse(std::move(arguments), options);
}

TEST(Options, AllFlags) {
  Options options;
  EXPECT_EQ(parse({"--input=i", "m.mlir", "--output=o=1", "--reference=r",
                   "--min-sqnr-db=-3.5", "--labels=l", "--device=cuda,cpu",
                   "--verify", "--benchmark=7", "--info", "--json",
                   "--entry=main", "--threads=3", "--target=sm_80"},
                  options),
            "");
  EXPECT_EQ(options.file, "m.mlir");
  EXPECT_EQ(options.input, "i");
  EXPECT_EQ(options.output, "o=1");
  EXPECT_EQ(options.reference, "r");
  EXPECT_EQ(options.minSqnrDb, -3.5);
  EXPECT_EQ(options.labels, "l");
  EXPECT_EQ(options.devices, (std::vector<std::string>{"cuda", "cpu"}));
  EXPECT_EQ(options.target, "sm_80");
  EXPECT_EQ(options.iterations, 7u);
  EXPECT_EQ(options.entry, "main");
  EXPECT_EQ(options.threads, 3u);
  EXPECT_TRUE(options.verify && options.benchmark && options.info &&
              options.json && !options.plainKernels);

  Options dashes;
  EXPECT_EQ(parse({"--benchmark", "--kernels=plain", "--", "-m.mlir"}, dashes),
            "");
  EXPECT_EQ(dashes.file, "-m.mlir");
  EXPECT_TRUE(dashes.plainKernels && dashes.iterations == 0);
  EXPECT_TRUE(dashes.devices.empty());
  EXPECT_EQ(parseError({"--help"}), "");
  EXPECT_EQ(parseError({"--version"}), "");
}

TEST(Options, Mistakes) {
  EXPECT_EQ(parseError({}), "no model given; see quant-run --help");
  EXPECT_EQ(parseError({"m"}), "nothing to do: give --input=FILE.npz, "
                               "--benchmark, --verify or --info");
  EXPECT_EQ(parseError({"a", "b", "--info"}), "two models given: 'a' and 'b'");
  EXPECT_EQ(parseError({"m", "--no-such"}),
            "unknown flag '--no-such'; see quant-run --help");
  EXPECT_EQ(parseError({"m", "--info=1"}), "flag --info takes no value");
  EXPECT_EQ(parseError({"m", "--input"}),
            "flag --input expects a file: --input=VALUE");
  for (const char *flag :
       {"--threads=0", "--threads=1025", "--threads=+1", "--threads= 1",
        "--threads=1x", "--threads=99999999999999999999", "--benchmark=0",
        "--benchmark=", "--min-sqnr-db=inf", "--min-sqnr-db=nan",
        "--min-sqnr-db= 1", "--min-sqnr-db=1dB", "--kernels=fast"})
    EXPECT_NE(parseError({"m", "--info", flag}).find(" expects "),
              std::string::npos)
        << flag;
  EXPECT_EQ(parseError({"m", "--output=o"}), "--output needs --input=FILE.npz");
  EXPECT_EQ(parseError({"m", "--input=i", "--min-sqnr-db=3"}),
            "--min-sqnr-db needs --reference=FILE.npz");
  EXPECT_EQ(parseError({"m", "--input=i", "--device=cpu,cuda"}),
            "several devices are for --verify");
  EXPECT_EQ(parseError({"m", "--info", "--device=gpu"}),
            "flag --device expects 'cuda', 'cpu' or 'emulator', not 'gpu'");
  EXPECT_EQ(parseError({"m", "--info", "--device=cuda", "--kernels=plain"}),
            "--kernels=plain is for --device=cpu");
  EXPECT_EQ(parseError({"m", "--verify", "--kernels=plain"}),
            "--verify runs plain loops anyway; leave out --kernels=plain");
}

//===----------------------------------------------------------------------===//
// Batches
//===----------------------------------------------------------------------===//

TEST(Batches, TheCommonFirstDimension) {
  auto batch = [](std::vector<std::vector<uint64_t>> shapes) {
    std::vector<TensorSpec> specs;
    for (const auto &shape : shapes)
      specs.push_back(spec("x", ElementType::F32, shape));
    return findBatch(specs);
  };
  EXPECT_EQ(batch({{4, 2}}), 4u);
  EXPECT_EQ(batch({{4, 2}, {}, {4}}), 4u);
  EXPECT_EQ(batch({{4, 2}, {3}}), 0u);
  EXPECT_EQ(batch({{0, 2}, {3}}), 0u);
  EXPECT_EQ(batch({{}}), 0u);
  EXPECT_EQ(batch({}), 0u);
}

TEST(Batches, APartialBatchIsPaddedWithItsLastSample) {
  Opened file(zip({{"x.npy", npy("<f4", "(5, 2)", floats(10))},
                   {"arg1.npy", npy("|u1", "(5,)", "abcde")},
                   {"scale.npy", npy("<f8", "()", bytesOf<double>({0.5}))}}));
  std::vector<TensorSpec> specs = {spec("x", ElementType::F32, {3, 2}),
                                   spec("y", ElementType::I64, {3}),
                                   spec("scale", ElementType::F32, {})};
  std::string error;
  auto feed = InputFeed::open(*file.reader, specs, error);
  ASSERT_TRUE(feed) << error;
  EXPECT_EQ(feed->plan().batch, 3u);
  EXPECT_EQ(feed->plan().samples, 5u);
  EXPECT_EQ(feed->plan().runs(), 2u);
  EXPECT_EQ(feed->plan().samplesOf(0), 3u);
  EXPECT_EQ(feed->plan().samplesOf(1), 2u);

  TensorBuffers buffers(specs);
  auto contents = [&](size_t index) {
    return std::string(static_cast<const char *>(buffers[index]),
                       specs[index].bytes);
  };
  ASSERT_TRUE(feed->next(buffers, error)) << error;
  EXPECT_EQ(contents(0), floats(6));
  EXPECT_EQ(contents(1), bytesOf<int64_t>({'a', 'b', 'c'}));
  EXPECT_EQ(contents(2), bytesOf<float>({0.5f}));
  ASSERT_TRUE(feed->next(buffers, error)) << error;
  EXPECT_EQ(contents(0), floats(4, 6) + floats(2, 8));
  EXPECT_EQ(contents(1), bytesOf<int64_t>({'d', 'e', 'e'}));
  EXPECT_EQ(contents(2), bytesOf<float>({0.5f}));
}

TEST(Batches, ArraysThatDoNotFit) {
  auto openError = [](const std::string &array,
                      const std::vector<TensorSpec> &specs) {
    Opened file(zip(
        {{"arg0.npy", array}, {"other.npy", npy("<f4", "(4,)", floats(4))}}));
    std::string error;
    EXPECT_EQ(InputFeed::open(*file.reader, specs, error), nullptr);
    return error;
  };
  std::string array = npy("<f4", "(4, 2)", floats(8));
  const std::string start = "'memory.npz': array 'arg0' ";
  EXPECT_EQ(openError(array, {spec("arg0", ElementType::I8, {2, 2})}),
            start + "has type f32; expected integers for i8");
  EXPECT_EQ(openError(array, {spec("arg0", ElementType::F32, {2, 3})}),
            start + "has shape 4x2; expected Nx3, since the model takes 2x3");
  EXPECT_EQ(openError(array, {spec("arg0", ElementType::F32, {2})}),
            start + "has shape 4x2; expected N, since the model takes 2");
  EXPECT_EQ(openError(array, {spec("arg0", ElementType::F32, {2, 2}),
                              spec("x", ElementType::F32, {2, 2})}),
            "'memory.npz': no array 'x' for input 1; the file has: 'arg0', "
            "'other'");
  EXPECT_EQ(openError(array, {spec("arg0", ElementType::F32, {2, 2}),
                              spec("other", ElementType::F32, {3})}),
            start + "has shape 4x2; expected 2x2");
  EXPECT_EQ(openError(npy("<f4", "(3, 2)", floats(6)),
                      {spec("arg0", ElementType::F32, {2, 2}),
                       spec("other", ElementType::F32, {2})}),
            "'memory.npz': array 'other' has 4 samples; expected 3 as in "
            "'arg0'");
  EXPECT_EQ(openError(npy("<f4", "(0, 2)", ""),
                      {spec("arg0", ElementType::F32, {2, 2})}),
            start + "has no samples: its shape is 0x2");
  EXPECT_EQ(openError(npy("|O", "(4, 2)", "pickle"),
                      {spec("arg0", ElementType::F32, {2, 2})}),
            start + "has type '|O', which holds Python objects, which are "
                    "never unpickled; save the values with a numeric dtype");
}

TEST(Batches, ASingleArrayFileGoesWithTheOnlyInput) {
  Opened file(npy("<f4", "(4, 2)", floats(8)));
  std::vector<TensorSpec> specs = {spec("x", ElementType::F64, {4, 2})};
  std::string error;
  EXPECT_TRUE(InputFeed::open(*file.reader, specs, error)) << error;
  specs.push_back(specs[0]);
  EXPECT_EQ(InputFeed::open(*file.reader, specs, error), nullptr);
}

TEST(Batches, OutputsWithoutABatchBelongToOneFullRun) {
  std::vector<TensorSpec> outputs = {spec("y", ElementType::F32, {4, 2}),
                                     spec("m", ElementType::F32, {2})};
  std::vector<OutputPlan> plans;
  std::string error;
  ASSERT_TRUE(planOutputs(outputs, {4, 4}, plans, error)) << error;
  EXPECT_TRUE(plans[0].batched);
  EXPECT_FALSE(plans[1].batched);
  EXPECT_EQ(plans[1].shape, (std::vector<uint64_t>{2}));
  for (uint64_t samples : {3, 8}) {
    EXPECT_FALSE(planOutputs(outputs, {4, samples}, plans, error));
    EXPECT_EQ(error, "output 'm' (2) has no batch dimension of 4, so the "
                     "model can only be run on exactly 4 samples; the input "
                     "has " +
                         std::to_string(samples));
  }
  outputs.pop_back();
  ASSERT_TRUE(planOutputs(outputs, {4, 9}, plans, error)) << error;
  EXPECT_EQ(plans[0].shape, (std::vector<uint64_t>{9, 2}));
  EXPECT_EQ(plans[0].rowElements(), 2u);
}

TEST(Batches, GeneratedInputsAreTheSameEveryTime) {
  std::vector<TensorSpec> specs = {spec("x", ElementType::F16, {4, 100}),
                                   spec("i", ElementType::I32, {4})};
  std::string contents[2], error;
  for (std::string &content : contents) {
    auto feed = InputFeed::generate(specs);
    EXPECT_EQ(feed->plan().runs(), 1u);
    TensorBuffers buffers(specs);
    ASSERT_TRUE(feed->next(buffers, error));
    content.assign(static_cast<const char *>(buffers[0]), specs[0].bytes);
    EXPECT_EQ(std::string(static_cast<const char *>(buffers[1]), 16),
              std::string(16, '\0'));
    for (int i = 0; i < 400; ++i)
      EXPECT_LE(std::fabs(elementAsDouble(ElementType::F16, buffers[0], i)), 1);
  }
  EXPECT_EQ(contents[0], contents[1]);
}

//===----------------------------------------------------------------------===//
// Evaluations
//===----------------------------------------------------------------------===//

/// Batches of two samples with one f32 output of `width` numbers.
class EvaluationTest : public testing::Test {
protected:
  void plan(uint64_t samples, std::vector<uint64_t> shape) {
    batch = {2, samples};
    specs = {spec("y", ElementType::F32, shape)};
    std::string error;
    ASSERT_TRUE(planOutputs(specs, batch, plans, error)) << error;
  }

  /// Gives the evaluation all runs of the values, padded.
  void feed(Evaluation &evaluation, const std::vector<float> &values,
            const std::vector<float> *others = nullptr) {
    std::string error;
    uint64_t width = plans[0].rowElements();
    for (uint64_t run = 0; run < batch.runs(); ++run) {
      RunResult result = {
          run, batch.firstSample(run), batch.samplesOf(run), {}};
      TensorBuffers first(specs), second(specs);
      auto fill = [&](const TensorBuffers &buffers,
                      const std::vector<float> &source) {
        float *data = static_cast<float *>(buffers[0]);
        std::fill(data, data + 2 * width, 1e30f); // Padding must not count.
        std::copy_n(source.begin() + run * 2 * width, result.samples * width,
                    data);
        result.outputs.push_back(&buffers);
      };
      fill(first, values);
      if (others)
        fill(second, *others);
      ASSERT_TRUE(evaluation.consume(result, error)) << error;
    }
    ASSERT_TRUE(evaluation.finish(error)) << error;
  }

  BatchPlan batch;
  std::vector<TensorSpec> specs;
  std::vector<OutputPlan> plans;
  std::string error;
};

TEST_F(EvaluationTest, OutputFileHasTheSamplesOnly) {
  plan(3, {2, 2});
  TemporaryFolder folder;
  auto file = OutputFile::create(folder.path("o.npz"), plans, error);
  ASSERT_TRUE(file) << error;
  feed(*file, {1, 2, 3, 4, 5, 6});
  auto reader = NpzReader::open(folder.path("o.npz"), error);
  ASSERT_TRUE(reader) << error;
  EXPECT_EQ(reader->find("y")->shape, (std::vector<uint64_t>{3, 2}));
  EXPECT_EQ(readAll<float>(*reader, "y", ElementType::F32, error),
            (std::vector<float>{1, 2, 3, 4, 5, 6}));
}

TEST_F(EvaluationTest, ReferenceByNameOrNumber) {
  plan(3, {2, 2});
  for (const char *key : {"y.npy", "out0.npy"}) {
    Opened file(zip(
        {{key, npy("<f8", "(3, 2)", bytesOf<double>({1, 2, 4, 3, 5, 8}))}}));
    auto check = ReferenceCheck::open(*file.reader, plans, batch, error);
    ASSERT_TRUE(check) << error;
    feed(*check, {1, 2, 3, 4, 5, 6});
    const ReferenceCheck::Compared &item = check->compared.at(0);
    EXPECT_EQ(item.errors.maxAbs(), 2);
    EXPECT_DOUBLE_EQ(item.errors.sqnrDb(), 10 * std::log10(119.0 / 6));
    EXPECT_DOUBLE_EQ(item.agreement->percent(), 200.0 / 3);
  }
}

TEST_F(EvaluationTest, ReferencesThatDoNotFit) {
  plan(3, {2, 2});
  Opened other(zip({{"z.npy", npy("<f4", "(1,)", floats(1))}}));
  EXPECT_EQ(ReferenceCheck::open(*other.reader, plans, batch, error), nullptr);
  EXPECT_EQ(error, "'memory.npz': has none of the outputs; expected 'y'");
  Opened shorter(zip({{"y.npy", npy("<f4", "(2, 2)", floats(4))}}));
  EXPECT_EQ(ReferenceCheck::open(*shorter.reader, plans, batch, error),
            nullptr);
  EXPECT_EQ(error, "'memory.npz': array 'y' has shape 2x2; expected 3x2 as "
                   "output 'y' of 3 samples");
}

TEST_F(EvaluationTest, OneNumberPerSampleHasNoArgmax) {
  plan(3, {2});
  Opened file(zip({{"y.npy", npy("<f4", "(3,)", floats(3))}}));
  auto check = ReferenceCheck::open(*file.reader, plans, batch, error);
  ASSERT_TRUE(check) << error;
  feed(*check, {0, 1, 2});
  EXPECT_FALSE(check->compared[0].agreement);
  EXPECT_EQ(check->compared[0].errors.maxAbs(), 0);
}

TEST_F(EvaluationTest, LabelsOfClassesAndOfOneScore) {
  plan(3, {2, 3});
  Opened file(zip({{"l.npy", npy("<i8", "(3,)", bytesOf<int64_t>({2, 0, 0}))},
                   {"b.npy", npy("|b1", "(3, 1)", std::string("\1\0\0", 3))}}));
  auto check = LabelCheck::open(*file.reader, "l", plans, batch, error);
  ASSERT_TRUE(check) << error;
  feed(*check, {1, 2, 3, 1, 2, 3, 3, 2, 1});
  EXPECT_FALSE(check->isBinary());
  EXPECT_EQ(check->count(), 3u);
  EXPECT_DOUBLE_EQ(check->accuracy().top1Percent(), 200.0 / 3);

  plan(3, {2, 1});
  check = LabelCheck::open(*file.reader, "b", plans, batch, error);
  ASSERT_TRUE(check) << error;
  EXPECT_TRUE(check->isBinary());
  feed(*check, {2, 1, 2});
  EXPECT_DOUBLE_EQ(check->auc(), 75);
}

TEST_F(EvaluationTest, LabelsThatDoNotFit) {
  plan(2, {2, 3});
  Opened file(zip({{"f.npy", npy("<f4", "(2,)", floats(2))},
                   {"n.npy", npy("<i8", "(3,)", std::string(24, '\0'))},
                   {"big.npy", npy("|i1", "(2,)", std::string("\2\3", 2))},
                   {"low.npy", npy("|i1", "(2,)", std::string("\0\xff", 2))}}));
  auto openError = [&](const char *key) {
    EXPECT_EQ(LabelCheck::open(*file.reader, key, plans, batch, error),
              nullptr);
    return error;
  };
  EXPECT_EQ(openError("none"), "'memory.npz': no array 'none' for --labels");
  EXPECT_EQ(openError("f"),
            "'memory.npz': array 'f' has type f32; expected integer labels");
  EXPECT_EQ(openError("n"), "'memory.npz': array 'n' has shape 3, which goes "
                            "with no output; expected 2 labels");
  TensorBuffers buffers(specs);
  RunResult result = {0, 0, 2, {&buffers}};
  for (auto [key, value] : {std::pair("big", "3"), std::pair("low", "-1")}) {
    auto check = LabelCheck::open(*file.reader, key, plans, batch, error);
    ASSERT_TRUE(check) << error;
    EXPECT_FALSE(check->consume(result, error));
    EXPECT_EQ(error, std::string("label 1 of array '") + key + "' is " + value +
                         "; expected 0 to 2 for output 'y'");
  }
}

TEST_F(EvaluationTest, BitsAndTheFirstDifference) {
  plan(5, {2, 2});
  std::vector<float> first = {1, 2, 3, NAN, 5, 6, 0.0f, 8, 9, 10};
  std::vector<float> second = first;
  second[3] = -NAN;
  BitCheck same(plans);
  feed(same, first, &second);
  EXPECT_FALSE(same.firstDifference);
  EXPECT_EQ(same.elements, 10u);

  second[6] = -0.0f;
  second[9] = 10.5f;
  BitCheck different(plans);
  feed(different, first, &second);
  ASSERT_TRUE(different.firstDifference);
  EXPECT_EQ(different.firstDifference->index, (std::vector<uint64_t>{3, 0}));
  EXPECT_EQ(different.firstDifference->first, "0");
  EXPECT_EQ(different.firstDifference->second, "-0");
  EXPECT_EQ(different.differing, 2u);
  EXPECT_EQ(different.errors.maxAbs(), 0.5);
}

} // namespace
