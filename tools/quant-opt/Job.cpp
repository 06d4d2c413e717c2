//===- Job.cpp - Job mode of the driver ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Job.h"

#include "Emit.h"
#include "Output.h"

#include "QuantOpt/Analysis/Report.h"
#include "QuantOpt/Calibration/Interrupt.h"
#include "QuantOpt/Frontend/Leftovers.h"
#include "QuantOpt/Frontend/LoadModel.h"
#include "QuantOpt/Frontend/ReleaseWeights.h"
#include "QuantOpt/Pipelines/Pipelines.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Pass/PassRegistry.h"
#include "llvm/Support/CrashRecoveryContext.h"
#include "llvm/Support/GlobPattern.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/SourceMgr.h"

#include <csignal>
#include <unistd.h>

using namespace mlir;
using namespace mlir::qopt;

namespace {
/// What is the driver's own on the command line, beside JobOptions.
struct Invocation {
  std::string input = "-";
  std::string output = "-";
  bool quantize = false;
  bool explain = false;
  std::string explainGlob;
  bool elide = false;
  bool allowBytecode = false;
  bool help = false;
  bool version = false;
  JobOptions options;
};
} // namespace

static constexpr StringLiteral kJobFlags[] = {"quantize-int8", "from", "to",
                                              "emit"};

/// "--name=value" or "-name" without its dashes and value; empty for operands.
static StringRef getFlagName(StringRef arg) {
  if (arg == "-" || !arg.consume_front("-"))
    return "";
  arg.consume_front("-");
  return arg.split('=').first;
}

bool mlir::qopt::isJob(int argc, char **argv) {
  for (int i = 1; i < argc; ++i)
    if (llvm::is_contained(kJobFlags, getFlagName(argv[i])))
      return true;
  return false;
}

/// True if `name` is a flag that only MlirOptMain knows.
static bool isPassFlag(StringRef name) {
  if (name.starts_with("qopt-") || name == "pass-pipeline" ||
      name.starts_with("load-") || name.starts_with("verify-") ||
      name.starts_with("mlir-") || name == "split-input-file")
    return true;
  return PassInfo::lookup(name) || PassPipelineInfo::lookup(name);
}

/// Hands "name=value" to the options struct, braced where the value has spaces.
static LogicalResult setOption(JobOptions &options, StringRef name,
                               StringRef value, bool hasValue) {
  std::string text = name.str();
  if (hasValue) {
    bool isPathList =
        name == "calibration-data" || name == "rules" || name == "report";
    if (isPathList && value.empty())
      return fail("--" + name + " needs a file or folder name");
    if (isPathList && value.contains(','))
      return fail("--" + name + "=" + value +
                  ": file names with a comma cannot be given (option lists are "
                  "split at commas); rename the file");
    bool braces =
        value.empty() || value.find_first_of(" \t") != StringRef::npos;
    text += braces ? ("={" + value + "}").str() : ("=" + value).str();
  }
  std::string message;
  llvm::raw_string_ostream stream(message);
  if (succeeded(options.parseFromString(text, stream)))
    return success();
  StringRef reason = StringRef(message).trim();
  if (reason.contains("no such option"))
    return fail(
        "unknown flag '--" + name +
        "' (see --quantize-int8 --help; flags of mlir-opt cannot be mixed "
        "with job flags)");
  if (reason.empty()) // the option's parser has already said what is wrong
    reason = "is not a valid setting (see --quantize-int8 --help)";
  return fail("--" + name + (hasValue ? "=" + value : Twine("")) + " " +
              reason);
}

static LogicalResult parseArguments(int argc, char **argv, Invocation &job) {
  bool haveInput = false;
  for (int i = 1; i < argc; ++i) {
    StringRef arg = argv[i], name = getFlagName(arg);
    if (name.empty()) {
      if (haveInput)
        return fail("more than one input: '" + job.input + "' and '" + arg +
                    "'");
      job.input = arg.str();
      haveInput = true;
      continue;
    }
    auto [flag, value] = arg.split('=');
    bool hasValue = arg.contains('=');
    bool takesNoValue = name == "quantize-int8" || name == "elide" ||
                        name == "allow-bytecode" || name == "help" ||
                        name == "version";
    if (takesNoValue && hasValue)
      return fail("--" + name + " takes no value");
    if (name == "o") {
      if (!hasValue && ++i == argc)
        return fail("-o needs a file name");
      job.output = hasValue ? value.str() : argv[i];
    } else if (name == "quantize-int8") {
      job.quantize = true;
    } else if (name == "explain") {
      job.explain = true;
      job.explainGlob = value.str();
    } else if (name == "elide") {
      job.elide = true;
    } else if (name == "allow-bytecode") {
      job.allowBytecode = true;
    } else if (name == "help" || name == "h") {
      job.help = true;
    } else if (name == "version") {
      job.version = true;
    } else if (isPassFlag(name)) {
      return fail("'" + flag +
                  "' is a flag of mlir-opt mode and cannot be mixed with job "
                  "flags such as --quantize-int8");
    } else if (failed(setOption(job.options, name, value, hasValue))) {
      return failure();
    }
  }
  return success();
}

static void printHelp(const JobOptions &options) {
  llvm::outs()
      << "usage: quant-opt --quantize-int8 [INPUT.mlir] [-o OUT] [flags]\n"
         "       quant-opt [mlir-opt flags] [INPUT.mlir]\n\n"
         "Quantizes a float model. Phases: import, annotate, calibrate, "
         "propagate, quantize, lower, kernels, emit.\n\n"
         "  -o FILE                  output (default: stdout); written whole "
         "or "
         "not at all\n"
         "  --explain[=GLOB]         decisions as remarks on stderr\n"
         "  --elide                  print large weights as ... (not "
         "reloadable)\n"
         "  --allow-bytecode         accept MLIR bytecode as input\n\n"
         "Job flags, --NAME=VALUE (lists: repeat the flag):\n";
  options.printHelp(/*indent=*/2, options.getOptionWidth() + 2);
}

namespace {
/// Prints "LOCATION: remark: NAME: ..." for the names that match a glob, for
/// edges also if one of their readers' names does. That an op stays float is
/// said again by the report, with all others in order: it is kept for jobs that
/// do not get there.
class ExplainStreamer : public remark::detail::MLIRRemarkStreamerBase {
public:
  explicit ExplainStreamer(std::optional<llvm::GlobPattern> glob)
      : glob(std::move(glob)) {}
  ~ExplainStreamer() override {
    for (auto &[name, line] : pending)
      llvm::errs() << line;
  }

  void streamOptimizationRemark(const remark::detail::Remark &remark) override {
    std::string text, readers;
    for (const remark::detail::Remark::Arg &arg : remark.getArgs())
      (arg.key == kReadersKey ? readers : text) += arg.val;
    std::string name = StringRef(text).split(": ").first.str();
    if (!matches(name, readers))
      return;
    std::string line =
        printLocation(remark.getLocation()) + ": remark: " + text + "\n";
    if (remark.getRemarkName() == kStaysFloatRemark) {
      pending.insert({std::move(name), std::move(line)});
      return;
    }
    if (remark.getCategoryName() == kReportRemarks)
      pending.erase(name);
    llvm::errs() << line;
  }

private:
  bool matches(StringRef name, StringRef readers) const {
    if (!glob || glob->match(name))
      return true;
    SmallVector<StringRef> names;
    readers.split(names, ", ");
    return llvm::any_of(names, [&](StringRef n) { return glob->match(n); });
  }

  std::optional<llvm::GlobPattern> glob;
  llvm::MapVector<std::string, std::string, std::map<std::string, unsigned>>
      pending;
};
} // namespace

/// Sends decisions to stderr where --explain asks for them.
static LogicalResult enableRemarks(MLIRContext &context,
                                   const Invocation &job) {
  std::optional<llvm::GlobPattern> glob;
  if (!job.explainGlob.empty()) {
    llvm::Expected<llvm::GlobPattern> parsed =
        llvm::GlobPattern::create(job.explainGlob);
    if (!parsed)
      return fail("--explain=" + job.explainGlob + ": " +
                  llvm::toString(parsed.takeError()));
    glob = std::move(*parsed);
  }
  remark::RemarkCategories categories;
  categories.passed = categories.missed = categories.analysis =
      (kRemarks + "|" + kReportRemarks).str();
  return remark::enableOptimizationRemarks(
      context, std::make_unique<ExplainStreamer>(std::move(glob)),
      std::make_unique<remark::RemarkEmittingPolicyAll>(), categories);
}

static OwningOpRef<ModuleOp> parseInput(const Invocation &job,
                                        MLIRContext &context,
                                        llvm::SourceMgr &sources) {
  std::string message;
  std::unique_ptr<llvm::MemoryBuffer> buffer = openModel(job.input, message);
  if (!buffer) {
    (void)fail(message);
    return nullptr;
  }
  LoadOptions options;
  options.allowBytecode = job.allowBytecode;
  OwningOpRef<ModuleOp> module =
      loadModel(std::move(buffer), options, sources, &context, message);
  if (!message.empty())
    (void)fail(job.input + ": " + message);
  return module;
}

/// Where statistics go that were collected before an interruption: they must
/// not be lost because nobody thought of saving them.
static void planInterruption(Invocation &job) {
  JobOptions &options = job.options;
  if (!options.saveInterrupted.empty() || !options.saveCalibration.empty())
    return;
  if (!options.calibrationTable.empty()) // it is being gone on with
    options.saveInterrupted = options.calibrationTable.getValue();
  else
    options.saveInterrupted =
        ((job.input == "-" ? StringRef("stdin")
                           : llvm::sys::path::stem(job.input)) +
         ".interrupted.json")
            .str();
}

/// Ctrl-C: a calibration saves what it has; anything else ends at once. LLVM
/// calls this once; a second Ctrl-C ends the process.
static void handleInterrupt() {
  if (requestCalibrationStop()) {
    static const char message[] =
        "\nfinishing the samples that have begun; interrupt again to quit "
        "without saving\n";
    (void)!write(STDERR_FILENO, message, sizeof(message) - 1);
    return;
  }
  signal(SIGINT, SIG_DFL);
  raise(SIGINT);
}

static LogicalResult run(const Invocation &job) {
  auto handleError = [](const Twine &error) { return fail(error); };
  FailureOr<JobPlan> plan = planJob(job.options, handleError);
  if (failed(plan))
    return failure();
  if (plan->emit == EmitKind::QOpt && job.output == "-")
    return fail("--emit=qopt needs a file to write: give -o FILE.qopt");

  DialectRegistry registry;
  registerQuantOpt(registry);
  MLIRContext context(registry);
  // An error names the op's place in the file; printing whole modules does not
  // help.
  context.printOpOnDiagnostic(false);
  context.loadAllAvailableDialects();
  if (job.explain && failed(enableRemarks(context, job)))
    return failure();

  llvm::SourceMgr sources;
  SourceMgrDiagnosticHandler handler(sources, &context, llvm::errs());
  ScopedDiagnosticHandler adviser(&context, [](Diagnostic &diagnostic) {
    adviseOnUnknownDialect(diagnostic);
    return failure(); // The handler above prints it.
  });
  // Import replaces exporters' own ops or refuses them by name.
  context.allowUnregisteredDialects(job.options.from == Phase::Import);
  OwningOpRef<ModuleOp> module = parseInput(job, context, sources);
  if (!module)
    return failure();
  PassManager pm(&context);
  pm.addInstrumentation(std::make_unique<WeightReleaser>());
  buildTensorPhases(pm, job.options, *plan);
  if (failed(pm.run(*module)))
    return failure();
  Destination destination;
  destination.path = job.output;
  destination.elide = job.elide;
  if (job.input != "-")
    destination.modelName = llvm::sys::path::stem(job.input).str();
  return emitModule(*module, *plan, job.options, destination);
}

int mlir::qopt::runJob(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  registerPassesAndPipelines();
  Invocation job;
  if (failed(parseArguments(argc, argv, job)))
    return 1;
  if (job.help) {
    printHelp(job.options);
    return 0;
  }
  if (job.version) {
    llvm::outs() << "quant-opt " QUANTOPT_VERSION " (LLVM " LLVM_VERSION_STRING
                    ")\n";
    return 0;
  }
  planInterruption(job);
  llvm::sys::SetInterruptFunction(handleInterrupt);
  // MLIR's parser and printer recurse, and a damaged file can crash upstream's
  // parser: a large stack for the one, an error instead of a signal for the
  // other. Temporary files go as they would on an interrupt.
  constexpr unsigned stackBytes = 1u << 30;
  LogicalResult result = failure();
  llvm::CrashRecoveryContext::Enable();
  llvm::CrashRecoveryContext recovery;
  if (recovery.RunSafelyOnThread([&] { result = run(job); }, stackBytes))
    return failed(result);
  llvm::errs() << "quant-opt: error: crashed while working on '" << job.input
               << "': the file may be damaged; nothing was written\n";
  llvm::errs().flush();
  llvm::sys::RunInterruptHandlers();
  _exit(1);
}
