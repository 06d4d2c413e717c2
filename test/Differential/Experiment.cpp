//===- Experiment.cpp - One graph through compiler and interpreter --------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Experiment.h"

#include "Interpreter.h"
#include "Random.h"

#include "QuantOpt/Execution/CpuExecutable.h"
#include "QuantOpt/Pipelines/Pipelines.h"
#include "QuantOpt/Support/Npz.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/FileSystem.h"

#include <cstring>

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::differential;

llvm::StringRef differential::stringifyStage(Stage stage) {
  static constexpr StringLiteral names[] = {
      "passed",  "no-module", "parse",     "quantize", "lower",
      "compile", "execute",   "interpret", "bits",     "crash"};
  return names[static_cast<int>(stage)];
}

//===----------------------------------------------------------------------===//
// Data
//===----------------------------------------------------------------------===//

/// Runs with fresh data; an odd one more where inputs may be strange.
static constexpr int kTestRuns = 2;
static constexpr int kStrangeRun = 1000;

/// The values of an input in a run, as floats; integers are exact in them.
static std::vector<float> makeValues(const Input &input, int run) {
  Random style(input.seed), random(input.seed * 1021 + run);
  int64_t count = ShapedType::getNumElements(input.shape);
  std::vector<float> values(count);
  if (input.limit) {
    for (float &value : values)
      value = static_cast<float>(random.range(-input.limit, input.limit - 1));
    return values;
  }
  float size = std::ldexp(1.0f, static_cast<int>(style.range(-3, 3)));
  bool oneSided = style.oneIn(3);
  float offset = style.oneIn(4) ? size * style.symmetric() : 0.0f;
  bool outliers = style.oneIn(5);
  // Multiples of 2^-7 often lie between two steps.
  bool plain = input.seed % 2 == 0;
  for (float &value : values) {
    value = size * (oneSided ? random.uniform() : random.bell()) + offset;
    if (outliers && random.oneIn(16))
      value *= 8.0f;
    if (oneSided)
      value = std::fabs(value);
    if (plain)
      value = std::ldexp(std::rint(std::ldexp(value, 7)), -7);
  }
  if (run == kStrangeRun)
    for (float &value : values)
      if (random.oneIn(3))
        value = random.pick({float(NAN), float(INFINITY), float(-INFINITY),
                             -0.0f, 1e-40f, 1e30f, -1e30f, 3.4e38f, 0.5f});
  return values;
}

static std::vector<char> toBytes(const Input &input,
                                 const std::vector<float> &values) {
  std::vector<int64_t> integers(values.begin(), values.end());
  const void *data = values.data();
  size_t size = values.size() * sizeof(float);
  if (input.limit) {
    data = integers.data();
    size = integers.size() * sizeof(int64_t);
  }
  auto *bytes = static_cast<const char *>(data);
  return std::vector<char>(bytes, bytes + size);
}

/// Calibration samples as the pipeline reads them: the runs one after the other
/// along the first dimension.
static bool writeSamples(const ModelText &model, int runs,
                         const std::string &path, std::string &error) {
  std::unique_ptr<NpzWriter> writer =
      NpzWriter::create(path, error, NpzWriter::Compression::Stored);
  if (!writer)
    return false;
  for (auto [i, input] : llvm::enumerate(model.inputs)) {
    std::vector<uint64_t> shape(input.shape.begin(), input.shape.end());
    if (shape.empty())
      shape = {1};
    shape[0] *= runs;
    size_t index;
    if (!writer->addArray("arg" + std::to_string(i),
                          input.limit ? ElementType::I64 : ElementType::F32,
                          shape, &index, error))
      return false;
    for (int run = 0; run < runs; ++run) {
      std::vector<float> values = makeValues(input, run);
      if (!writer->append(index, toBytes(input, values).data(), values.size(),
                          error))
        return false;
    }
  }
  return writer->finish(error);
}

//===----------------------------------------------------------------------===//
// Comparison
//===----------------------------------------------------------------------===//

namespace {
/// One run of the compiled code.
struct Execution {
  std::vector<std::vector<char>> outputs;
  std::string error;
};

class Experiment {
public:
  Experiment(const Recipe &recipe, const ExperimentOptions &options)
      : recipe(recipe), options(options) {}
  Outcome run();

private:
  bool fail(Stage stage, const std::string &message);
  std::string print(ModuleOp module);
  bool runPhases(ModuleOp module, const std::string &text, Stage stage);
  bool quantize(ModuleOp module, const ModelText &model);
  Execution execute(const CpuExecutable &code,
                    const std::vector<std::vector<char>> &inputs);
  bool compare(func::FuncOp qdq, const CpuExecutable &code,
               const ModelText &model, int run);
  bool compareBits(const Tensor &expected, const std::vector<char> &actual,
                   size_t output, int run);
  void compareSteps(const Tensor &expected, const std::vector<char> &actual);

  const Recipe &recipe;
  const ExperimentOptions &options;
  Outcome outcome;
  std::string diagnostics;
};
} // namespace

bool Experiment::fail(Stage stage, const std::string &message) {
  outcome.stage = stage;
  outcome.message = message;
  return false;
}

std::string Experiment::print(ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream os(text);
  module.print(os);
  return text;
}

bool Experiment::runPhases(ModuleOp module, const std::string &text,
                           Stage stage) {
  JobOptions job;
  PassManager pm(module.getContext());
  pm.enableVerifier(false);
  if (failed(job.parseFromString(text)) ||
      failed(buildQuantizePipeline(pm, job,
                                   [&](const Twine &error) {
                                     diagnostics += error.str() + "\n";
                                     return failure();
                                   })) ||
      failed(pm.run(module)))
    return fail(stage, diagnostics);
  return true;
}

bool Experiment::quantize(ModuleOp module, const ModelText &model) {
  std::string text = "to=quantize threads=1";
  for (const std::string &option : recipe.options)
    text += " " + option;
  if (llvm::is_contained(recipe.options, "dynamic"))
    return runPhases(module, text, Stage::Quantize);
  SmallString<128> path;
  std::string error;
  if (llvm::sys::fs::createTemporaryFile("differential", "npz", path))
    return fail(Stage::Quantize, "no temporary file for samples");
  bool written = writeSamples(model, recipe.samples, path.str().str(), error);
  bool done =
      written
          ? runPhases(module, text + " calibration-data=" + path.str().str(),
                      Stage::Quantize)
          : fail(Stage::Quantize, error);
  (void)llvm::sys::fs::remove(path);
  return done;
}

Execution Experiment::execute(const CpuExecutable &code,
                              const std::vector<std::vector<char>> &inputs) {
  Execution result;
  std::vector<const void *> in;
  std::vector<void *> out;
  for (const std::vector<char> &input : inputs)
    in.push_back(input.data());
  result.outputs.resize(code.outputs().size());
  for (auto [output, spec] : llvm::zip(result.outputs, code.outputs())) {
    output.assign(spec.getNumBytes(), char(0x5a));
    out.push_back(output.data());
  }
  result.error = llvm::toString(code.run(in, out));
  return result;
}

template <typename T>
static T readElement(const std::vector<char> &bytes, size_t i) {
  T value;
  std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
  return value;
}

bool Experiment::compareBits(const Tensor &expected,
                             const std::vector<char> &actual, size_t output,
                             int run) {
  Type element = getElementTypeOrSelf(expected.type);
  outcome.exact += expected.size();
  for (size_t i = 0; i < expected.size(); ++i) {
    double want, have;
    bool equal;
    if (element.isF32()) {
      auto a = float(expected.data[i].f), b = readElement<float>(actual, i);
      want = a, have = b;
      equal = (std::isnan(a) && std::isnan(b)) ||
              std::memcmp(&a, &b, sizeof a) == 0;
    } else {
      unsigned width = getWidth(element);
      int64_t b = width <= 8    ? readElement<int8_t>(actual, i)
                  : width == 16 ? readElement<int16_t>(actual, i)
                  : width == 32 ? readElement<int32_t>(actual, i)
                                : readElement<int64_t>(actual, i);
      want = double(expected.data[i].i), have = double(b);
      equal = wrap(expected.data[i].i, width) == wrap(b, width);
    }
    if (!equal) {
      std::string text;
      llvm::raw_string_ostream(text)
          << "run " << run << ", output " << output << ", element " << i
          << " of " << expected.size() << ": the interpreter gives "
          << llvm::format("%.9g", want) << ", the compiled code "
          << llvm::format("%.9g", have) << "\n";
      return fail(Stage::Bits, text);
    }
  }
  return true;
}

void Experiment::compareSteps(const Tensor &expected,
                              const std::vector<char> &actual) {
  constexpr double kRelative = 1e-5;
  if (!getElementTypeOrSelf(expected.type).isF32())
    return;
  double largest = 0;
  for (Scalar s : expected.data)
    if (std::isfinite(s.f))
      largest = std::max(largest, std::fabs(s.f));
  for (size_t i = 0; i < expected.size(); ++i) {
    double want = expected.data[i].f, have = readElement<float>(actual, i);
    if (!std::isfinite(want))
      continue;
    ++outcome.compared;
    if (!(std::fabs(want - have) <= expected.getStep(i) + kRelative * largest))
      ++outcome.outside;
  }
}

bool Experiment::compare(func::FuncOp qdq, const CpuExecutable &code,
                         const ModelText &model, int run) {
  std::vector<std::vector<char>> bytes;
  std::vector<TensorRef> tensors;
  for (auto [input, type] :
       llvm::zip_equal(model.inputs, qdq.getArgumentTypes())) {
    std::vector<float> values = makeValues(input, run);
    bytes.push_back(toBytes(input, values));
    Tensor tensor = makeTensor(type);
    for (auto [i, value] : llvm::enumerate(values))
      tensor.data[i] = input.limit ? ofInt(int64_t(value)) : ofFloat(value);
    tensors.push_back(std::make_shared<const Tensor>(std::move(tensor)));
  }
  Execution actual = execute(code, bytes);
  std::string error;
  std::vector<TensorRef> expected =
      Interpreter(Arithmetic::Integer).run(qdq, tensors, error);
  if (!error.empty())
    return fail(Stage::Interpret, error);
  if (!actual.error.empty())
    return fail(Stage::Execute, actual.error);
  for (auto [i, output] : llvm::enumerate(expected)) {
    if (output->isInexact)
      outcome.inexact += output->size();
    else if (!compareBits(*output, actual.outputs[i], i, run))
      return false;
  }
  if (run == kStrangeRun)
    return true;
  expected = Interpreter(Arithmetic::Float).run(qdq, tensors, error);
  if (!error.empty())
    return fail(Stage::Interpret, error);
  for (auto [i, output] : llvm::enumerate(expected))
    compareSteps(*output, actual.outputs[i]);
  return true;
}

Outcome Experiment::run() {
  std::optional<ModelText> model = writeModule(recipe);
  if (!model) {
    outcome.stage = Stage::NoModule;
    return outcome;
  }
  DialectRegistry registry;
  registerQuantOpt(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  context.loadAllAvailableDialects();
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() == DiagnosticSeverity::Error)
      diagnostics += diagnostic.str() + "\n";
  });
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(
      model->text, ParserConfig(&context), "graph.mlir");
  auto keepText = [&](const char *title, ModuleOp form) {
    if (options.texts)
      *options.texts += "// " + std::string(title) + "\n" + print(form) + "\n";
  };
  if (!module) {
    fail(Stage::Parse, diagnostics + model->text);
    return outcome;
  }
  keepText("Input", *module);
  if (!quantize(*module, *model))
    return outcome;
  OwningOpRef<ModuleOp> qdq = module->clone();
  keepText("QDQ form", *qdq);
  if (!runPhases(*module, "from=lower", Stage::Lower))
    return outcome;
  if (options.plant)
    options.plant(*module);
  keepText("Integer form", *module);
  CpuOptions cpuOptions;
  cpuOptions.optLevel = 1;
  auto code = CpuExecutable::compile(*module, "main", cpuOptions);
  if (failed(code)) {
    fail(Stage::Compile, diagnostics);
    return outcome;
  }
  func::FuncOp entry = qdq->lookupSymbol<func::FuncOp>("main");
  for (int run = 0; run < kTestRuns; ++run)
    if (!compare(entry, **code, *model, 100 + run))
      return outcome;
  if (recipe.strangeInputs)
    compare(entry, **code, *model, kStrangeRun);
  return outcome;
}

Outcome differential::runExperiment(const Recipe &recipe,
                                    const ExperimentOptions &options) {
  return Experiment(recipe, options).run();
}
