//===- differential.cpp - Random graphs, compiled and interpreted ---------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The command line: which seeds, how long, what to do with failures.
//
//===----------------------------------------------------------------------===//
#include "Workers.h"

#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <chrono>
#include <thread>

using namespace mlir::qopt;
using namespace mlir::qopt::differential;

static llvm::cl::OptionCategory category("differential options");
static llvm::cl::opt<std::string>
    seeds("seeds", llvm::cl::desc("A..B: the seeds A to B - 1, or one seed"),
          llvm::cl::init("0..1000"), llvm::cl::cat(category));
static llvm::cl::opt<unsigned>
    seconds("time", llvm::cl::desc("stop after this many seconds (0: never)"),
            llvm::cl::init(0), llvm::cl::cat(category));
static llvm::cl::opt<unsigned>
    jobs("jobs", llvm::cl::desc("processes (0: one per core)"),
         llvm::cl::init(0), llvm::cl::cat(category));
static llvm::cl::opt<bool> reduce("reduce",
                                  llvm::cl::desc("reduce the first failures"),
                                  llvm::cl::cat(category));
static llvm::cl::opt<std::string>
    saveTo("save", llvm::cl::desc("folder for failing graphs"),
           llvm::cl::init(""), llvm::cl::cat(category));
static llvm::cl::opt<bool>
    show("show",
         llvm::cl::desc("print recipe and forms of each seed, run nothing "
                        "else"),
         llvm::cl::cat(category));

/// Failures reduced in one go, and runs for each.
static constexpr size_t kMostReduced = 3;
static constexpr int kReductionBudget = 400;
/// More elements than this beyond one step of fake quantization is an error.
static constexpr double kMostOutside = 1e-4;

static bool parseSeeds(llvm::StringRef text, uint64_t &first, uint64_t &last) {
  auto [from, to] = text.split("..");
  if (from.getAsInteger(10, first))
    return false;
  if (to.empty()) {
    last = first + 1;
    return !text.contains("..");
  }
  return !to.getAsInteger(10, last) && first <= last;
}

namespace {
struct Failure {
  uint64_t seed;
  Outcome outcome;
};

/// What all outcomes add up to.
struct Totals {
  int64_t graphs = 0, exact = 0, inexact = 0, compared = 0, outside = 0;
  std::vector<Failure> failures;
  /// Seeds with elements beyond a step.
  std::vector<std::pair<int64_t, uint64_t>> far;
};
} // namespace

static void describe(const Recipe &recipe, const Outcome &outcome,
                     llvm::raw_ostream &os) {
  ExperimentOptions options;
  std::string texts;
  options.texts = &texts;
  if (outcome.stage != Stage::Crash)
    (void)runExperiment(recipe, options);
  else if (std::optional<ModelText> model = writeModule(recipe))
    texts = "// Input\n" + model->text;
  std::string recipeText = printRecipe(recipe);
  llvm::SmallVector<llvm::StringRef> lines;
  llvm::StringRef(recipeText).split(lines, '\n', -1, false);
  os << "// stage: " << stringifyStage(outcome.stage) << "\n";
  for (llvm::StringRef line : lines)
    os << "// " << line << "\n";
  lines.clear();
  llvm::StringRef(outcome.message).split(lines, '\n', -1, false);
  for (llvm::StringRef line : lines)
    os << "// " << line << "\n";
  os << texts;
}

static void save(const std::string &name, const std::string &text) {
  if (saveTo.empty())
    return;
  (void)llvm::sys::fs::create_directories(saveTo);
  std::error_code error;
  llvm::raw_fd_ostream file(saveTo + "/" + name, error);
  if (error)
    llvm::errs() << "differential: cannot write '" << saveTo << "/" << name
                 << "': " << error.message() << "\n";
  else
    file << text;
}

static void handleFailure(const Failure &failure, bool mayReduce) {
  Recipe recipe = generateRecipe(failure.seed);
  Outcome outcome = failure.outcome;
  std::string name = "seed-" + std::to_string(failure.seed) + ".mlir";
  if (mayReduce) {
    Stage stage = outcome.stage;
    recipe = reduceRecipe(
        recipe,
        [stage](const Recipe &r) { return runInChild(r).stage == stage; },
        kReductionBudget);
    outcome = runInChild(recipe);
  }
  std::string text;
  llvm::raw_string_ostream os(text);
  describe(recipe, outcome, os);
  save(name, text);
  if (mayReduce)
    llvm::outs() << text;
}

int main(int argc, char **argv) {
  llvm::cl::HideUnrelatedOptions(category);
  llvm::cl::ParseCommandLineOptions(
      argc, argv, "Random graphs, compiled and interpreted\n");
  uint64_t first, last;
  if (!parseSeeds(seeds, first, last)) {
    llvm::errs() << "differential: --seeds must be A..B or one number, not '"
                 << seeds << "'\n";
    return 2;
  }
  if (show) {
    for (uint64_t seed = first; seed < last; ++seed) {
      Recipe recipe = generateRecipe(seed);
      describe(recipe, runInChild(recipe), llvm::outs());
    }
    return 0;
  }

  Totals totals;
  auto start = std::chrono::steady_clock::now();
  auto getSeconds = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() -
                                         start)
        .count();
  };
  unsigned workers =
      jobs ? unsigned(jobs) : std::max(1u, std::thread::hardware_concurrency());
  runSeeds(
      first, last, workers, [&] { return seconds && getSeconds() > seconds; },
      [&](uint64_t seed, const Outcome &outcome) {
        ++totals.graphs;
        totals.exact += outcome.exact;
        totals.inexact += outcome.inexact;
        totals.compared += outcome.compared;
        totals.outside += outcome.outside;
        if (outcome.outside)
          totals.far.push_back({outcome.outside, seed});
        if (!outcome.failed())
          return;
        totals.failures.push_back({seed, outcome});
        llvm::outs() << "seed " << seed << " failed ("
                     << stringifyStage(outcome.stage)
                     << "): " << outcome.message;
        llvm::outs().flush();
      });

  llvm::sort(totals.failures, [](const Failure &a, const Failure &b) {
    return a.seed < b.seed;
  });
  for (auto [i, failure] : llvm::enumerate(totals.failures))
    if (reduce || !saveTo.empty())
      handleFailure(failure, reduce && i < kMostReduced);
  llvm::sort(totals.far, std::greater<>());
  totals.far.resize(std::min<size_t>(totals.far.size(), 10));
  double share =
      totals.compared ? double(totals.outside) / double(totals.compared) : 0.0;
  llvm::outs() << totals.graphs << " graphs in "
               << llvm::format("%.1f", getSeconds()) << " s: " << totals.exact
               << " elements compared bit for bit, " << totals.inexact
               << " behind float contractions; " << totals.compared
               << " with fake quantization, "
               << llvm::format("%.4f", 100.0 * (1.0 - share))
               << " % of them within one step\n";
  if (!totals.far.empty()) {
    llvm::outs() << "most elements beyond a step: seeds";
    for (auto [count, seed] : totals.far)
      llvm::outs() << " " << seed << " (" << count << ")";
    llvm::outs() << "\n";
  }
  llvm::outs() << totals.failures.size() << " failures\n";
  return totals.failures.empty() && share <= kMostOutside ? 0 : 1;
}
