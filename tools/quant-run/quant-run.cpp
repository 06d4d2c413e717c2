//===- quant-run.cpp - Run a model on samples -----------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The tool: opens the model, plans the runs, lets the evaluations see every
// result, measures and reports. It needs no LLVM; the runtime loads what a
// device takes.
//
//===----------------------------------------------------------------------===//
#include "ArtifactInfo.h"
#include "Options.h"
#include "Report.h"

#include <chrono>
#include <cstdio>
#include <new>
#include <stdexcept>

using namespace mlir::qopt;
using namespace mlir::qopt::run;

namespace {

/// Everything that the job opens; later members refer to earlier ones.
class Job {
public:
  explicit Job(const Options &options) : options(options) {
    threads = options.threads ? options.threads : availableProcessors();
  }

  bool run(std::string &error);

  Report report;

private:
  bool openModels(std::string &error);
  bool openFiles(std::string &error);
  std::unique_ptr<InputFeed> openFeed(std::string &error) const;
  bool checkBatch(const BatchPlan &batch, std::string &error) const;
  bool openEvaluations(const BatchPlan &batch, std::string &error);
  bool runSamples(std::string &error);
  bool runBenchmark(std::string &error);

  /// All samples are run unless one batch is all that is asked for.
  bool needsRun() const {
    bool onlyMeasures = options.benchmark && options.output.empty() &&
                        options.reference.empty() && options.labels.empty();
    return options.verify || (!options.input.empty() && !onlyMeasures);
  }

  const Options &options;
  unsigned threads;
  std::unique_ptr<Model> model, other;
  std::unique_ptr<NpzReader> input, reference;
  std::vector<OutputPlan> plans;

  std::unique_ptr<Summary> summary;
  std::unique_ptr<OutputFile> output;
  std::unique_ptr<ReferenceCheck> referenceCheck;
  std::unique_ptr<LabelCheck> labels;
  std::unique_ptr<BitCheck> bits;
};

} // namespace

bool Job::openFiles(std::string &error) {
  if (!options.input.empty())
    if (!(input = NpzReader::open(options.input, error)))
      return false;
  if (!options.reference.empty())
    if (!(reference = NpzReader::open(options.reference, error)))
      return false;
  return true;
}

bool Job::openModels(std::string &error) {
  ModelOptions first;
  first.entry = options.entry;
  first.plainKernels = options.plainKernels;
  first.target = options.target;
  if (!options.devices.empty())
    first.device = options.devices[0];
  model = Model::open(options.file, first, error);
  if (!model)
    return false;
  if (!options.verify)
    return true;
  // A single device is compared with the CPU, the CPU with its plain loops.
  ModelOptions second = first;
  second.device = options.devices.size() > 1 ? options.devices[1] : "cpu";
  second.plainKernels = second.device == "cpu" && model->device() == "cpu";
  other = Model::open(options.file, second, error);
  return other != nullptr;
}

/// A model that takes its full batch only has to say so before anything is run.
bool Job::checkBatch(const BatchPlan &batch, std::string &error) const {
  if (batch.batch == 0)
    return true;
  uint64_t last = batch.samplesOf(batch.runs() - 1);
  return model->checkSamples(last, error) &&
         (!other || other->checkSamples(last, error));
}

std::unique_ptr<InputFeed> Job::openFeed(std::string &error) const {
  return input ? InputFeed::open(*input, model->inputs(), error)
               : InputFeed::generate(model->inputs());
}

bool Job::openEvaluations(const BatchPlan &batch, std::string &error) {
  summary = std::make_unique<Summary>(plans);
  if (reference) {
    referenceCheck = ReferenceCheck::open(*reference, plans, batch, error);
    if (!referenceCheck)
      return false;
  }
  if (!options.labels.empty()) {
    labels = LabelCheck::open(*input, options.labels, plans, batch, error);
    if (!labels)
      return false;
  }
  if (other)
    bits = std::make_unique<BitCheck>(plans);
  if (options.output.empty())
    return true;
  output = OutputFile::create(options.output, plans, error);
  return output != nullptr;
}

bool Job::runSamples(std::string &error) {
  std::unique_ptr<InputFeed> feed = openFeed(error);
  if (!feed || !checkBatch(feed->plan(), error) ||
      !planOutputs(model->outputs(), feed->plan(), plans, error) ||
      !openEvaluations(feed->plan(), error))
    return false;
  std::vector<const Model *> models = {model.get()};
  if (other)
    models.push_back(other.get());
  std::vector<Evaluation *> evaluations;
  for (Evaluation *evaluation :
       {static_cast<Evaluation *>(summary.get()),
        static_cast<Evaluation *>(output.get()),
        static_cast<Evaluation *>(referenceCheck.get()),
        static_cast<Evaluation *>(labels.get()),
        static_cast<Evaluation *>(bits.get())})
    if (evaluation)
      evaluations.push_back(evaluation);

  auto start = std::chrono::steady_clock::now();
  auto consume = [&](const RunResult &result, std::string &reason) {
    for (Evaluation *evaluation : evaluations)
      if (!evaluation->consume(result, reason))
        return false;
    return true;
  };
  if (!runAll(models, *feed, threads, consume, error))
    return false;
  report.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
          .count();
  for (Evaluation *evaluation : evaluations)
    if (!evaluation->finish(error))
      return false;

  report.hasRun = true;
  report.batch = feed->plan();
  report.threads = unsigned(std::min<uint64_t>(threads, feed->plan().runs()));
  report.summary = summary.get();
  report.reference = referenceCheck.get();
  report.labels = labels.get();
  report.bits = bits.get();
  return true;
}

bool Job::runBenchmark(std::string &error) {
  std::unique_ptr<InputFeed> feed = openFeed(error);
  if (!feed)
    return false;
  TensorBuffers buffers(model->inputs());
  BenchmarkResult result;
  if (!feed->next(buffers, error) ||
      !benchmark(*model, buffers, threads, options.iterations, result, error))
    return false;
  report.batch = feed->plan();
  report.benchmark = result;
  return true;
}

bool Job::run(std::string &error) {
  report.file = options.file;
  report.showSignature = options.info;
  report.generated = options.input.empty();
  report.minSqnrDb = options.minSqnrDb;
  // Files first: a mistake there should not wait for a compilation.
  if (!openFiles(error))
    return false;
  if (options.info && isArtifact(options.file)) {
    if (!describeArtifact(options.file, report.artifact, error))
      return false;
    if (!needsRun() && !options.benchmark)
      return true; // No device is needed.
  }
  if (!openModels(error))
    return false;
  report.model = model.get();
  report.other = other.get();
  if (needsRun() && !runSamples(error))
    return false;
  if (options.benchmark && !runBenchmark(error))
    return false;
  judge(report);
  return true;
}

//===----------------------------------------------------------------------===//
// Entry
//===----------------------------------------------------------------------===//

static int fail(const std::string &message) {
  fprintf(stderr, "quant-run: error: %s\n", message.c_str());
  return 1;
}

static int runTool(int argc, char **argv) {
  Options options;
  std::string error;
  if (!parseOptions({argv + 1, argv + argc}, options, error))
    return fail(error);
  if (options.help || options.version) {
    if (options.help)
      printf("%s", helpText());
    else
      printf("quant-run %s\n", qopt_version());
    return fflush(stdout) == 0 ? 0 : fail("cannot write to stdout");
  }
  Job job(options);
  if (!job.run(error))
    return fail(error);
  if (!(options.json ? printJson(job.report) : printText(job.report)))
    return fail("cannot write to stdout");
  for (const std::string &failure : job.report.failures)
    fail(failure);
  return job.report.failures.empty() ? 0 : 1;
}

int main(int argc, char **argv) {
  try {
    return runTool(argc, argv);
  } catch (const std::bad_alloc &) {
    return fail("out of memory");
  } catch (const std::length_error &) {
    return fail("out of memory: a tensor is too large");
  }
}
