//===- Options.cpp - The command line of quant-run ------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A table of flags, each with how its value is read.
//
//===----------------------------------------------------------------------===//
#include "Options.h"

#include <cerrno>
#include <cmath>
#include <cstdlib>

using namespace mlir::qopt::run;

const char *mlir::qopt::run::helpText() {
  return R"(usage: quant-run FILE [flags]

Runs a model (an artifact, .qopt, or MLIR text, .mlir, in float or integer form)
on samples, compares and measures.

data
  --input=FILE.npz        samples: one array for each argument, under its name
                          or arg0, arg1, ...; shape Nx... where the model takes
                          Bx...; all N are run, also a last partial batch (an
                          artifact that takes its full batch only says why)
  --output=FILE.npz       writes the outputs, under their names or out0, ...
device
  --device=cuda|cpu|emulator
                          the device to run on (default: cuda for an artifact
                          with kernels for the GPU, else cpu, said on stderr);
                          MLIR text runs on cpu only
  --target=CHIP           the artifact's kernels to run, such as sm_80 (default:
                          the best for the GPU; the emulator's: the first)
  --entry=NAME            the function of MLIR text to run (default: the only
                          public one)
  --kernels=auto|plain    plain: on cpu, loops without tuned kernels
  --threads=N             samples run at a time on cpu (default: all processors)
checks
  --reference=FILE.npz    compares each output with the array of its name or
                          out0, ...: max abs, rms, SQNR, cosine, argmax
  --min-sqnr-db=X         fails where an output's SQNR is below X dB
  --labels=KEY            top-1 and top-5 accuracy against this integer array
                          of the input file; AUC if there is a single score
  --verify                runs with tuned kernels and with plain loops, or on
                          two devices (--device=A,B), and compares all bits
  --benchmark[=RUNS]      latency and throughput (default: about 2 seconds each);
                          on cuda with inputs on the GPU, by the GPU's clock
output
  --info                  prints inputs and outputs of the model; of an artifact
                          also targets, kernels, sizes and hashes
  --json                  prints everything as one JSON object
  --help, --version

--verify finds no difference in an integer form; float contractions may round
differently. An output without a batch dimension is allowed only when a single
full batch is run. Without --input, --verify and --benchmark use generated
samples.
Exit status: 0 done, 1 an error was reported or a check failed.
)";
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

static bool parseCount(const std::string &text, uint64_t max, uint64_t &value) {
  if (text.empty() || text.size() > 18 ||
      text.find_first_not_of("0123456789") != std::string::npos)
    return false;
  value = strtoull(text.c_str(), nullptr, 10);
  return value >= 1 && value <= max;
}

static bool parseNumber(const std::string &text, double &value) {
  if (text.empty() || isspace(static_cast<unsigned char>(text[0])))
    return false;
  char *end;
  value = strtod(text.c_str(), &end);
  return *end == '\0' && std::isfinite(value);
}

static std::vector<std::string> split(const std::string &text) {
  std::vector<std::string> parts;
  size_t begin = 0;
  for (size_t comma; (comma = text.find(',', begin)) != std::string::npos;
       begin = comma + 1)
    parts.push_back(text.substr(begin, comma - begin));
  parts.push_back(text.substr(begin));
  return parts;
}

//===----------------------------------------------------------------------===//
// Flags
//===----------------------------------------------------------------------===//

namespace {
/// Whether a flag takes "=VALUE".
enum class ValueKind { None, Optional, Required };

struct Flag {
  const char *name;
  ValueKind kind;
  /// What is expected after '=', for messages.
  const char *expected;
  /// Stores the value (empty if there is none); false if it is not valid.
  bool (*store)(Options &, const std::string &);
};
} // namespace

template <bool Options::*Field>
static bool setTrue(Options &options, const std::string &) {
  options.*Field = true;
  return true;
}

template <std::string Options::*Field>
static bool setText(Options &options, const std::string &value) {
  options.*Field = value;
  return true;
}

static bool setDevices(Options &options, const std::string &value) {
  options.devices = split(value);
  for (const std::string &device : options.devices)
    if (device != "cpu" && device != "cuda" && device != "emulator")
      return false;
  return true;
}

static bool setMinSqnr(Options &options, const std::string &value) {
  double number;
  if (!parseNumber(value, number))
    return false;
  options.minSqnrDb = number;
  return true;
}

static bool setKernels(Options &options, const std::string &value) {
  options.plainKernels = value == "plain";
  return options.plainKernels || value == "auto";
}

static bool setBenchmark(Options &options, const std::string &value) {
  constexpr uint64_t kMaxIterations = 1000000000;
  options.benchmark = true;
  return value.empty() || parseCount(value, kMaxIterations, options.iterations);
}

static bool setThreads(Options &options, const std::string &value) {
  constexpr uint64_t kMaxThreads = 1024;
  uint64_t count;
  if (!parseCount(value, kMaxThreads, count))
    return false;
  options.threads = unsigned(count);
  return true;
}

static constexpr Flag kFlags[] = {
    {"--device", ValueKind::Required, "'cuda', 'cpu' or 'emulator'",
     setDevices},
    {"--target", ValueKind::Required, "a chip", setText<&Options::target>},
    {"--input", ValueKind::Required, "a file", setText<&Options::input>},
    {"--output", ValueKind::Required, "a file", setText<&Options::output>},
    {"--reference", ValueKind::Required, "a file",
     setText<&Options::reference>},
    {"--min-sqnr-db", ValueKind::Required, "a number", setMinSqnr},
    {"--labels", ValueKind::Required, "a key", setText<&Options::labels>},
    {"--verify", ValueKind::None, "", setTrue<&Options::verify>},
    {"--benchmark", ValueKind::Optional, "a number of runs, 1 or more",
     setBenchmark},
    {"--info", ValueKind::None, "", setTrue<&Options::info>},
    {"--json", ValueKind::None, "", setTrue<&Options::json>},
    {"--entry", ValueKind::Required, "a function", setText<&Options::entry>},
    {"--threads", ValueKind::Required, "a number, 1 to 1024", setThreads},
    {"--kernels", ValueKind::Required, "'auto' or 'plain'", setKernels},
    {"--help", ValueKind::None, "", setTrue<&Options::help>},
    {"-h", ValueKind::None, "", setTrue<&Options::help>},
    {"--version", ValueKind::None, "", setTrue<&Options::version>},
};

static bool parseFlag(const std::string &argument, Options &options,
                      std::string &error) {
  size_t equals = argument.find('=');
  std::string name = argument.substr(0, equals);
  bool hasValue = equals != std::string::npos;
  std::string value = hasValue ? argument.substr(equals + 1) : "";
  for (const Flag &flag : kFlags) {
    if (name != flag.name)
      continue;
    if (hasValue && flag.kind == ValueKind::None)
      error = "flag " + name + " takes no value";
    else if (flag.kind == ValueKind::Required && value.empty())
      error =
          "flag " + name + " expects " + flag.expected + ": " + name + "=VALUE";
    else if ((hasValue && value.empty()) || !flag.store(options, value))
      error = "flag " + name + " expects " + flag.expected + ", not '" + value +
              "'";
    else
      return true;
    return false;
  }
  error = "unknown flag '" + name + "'; see quant-run --help";
  return false;
}

static bool checkCombination(const Options &options, std::string &error) {
  if (options.file.empty())
    error = "no model given; see quant-run --help";
  else if (options.devices.size() > (options.verify ? 2 : 1))
    error = options.verify ? "--verify compares two devices, not more"
                           : "several devices are for --verify";
  else if (options.verify && options.plainKernels)
    error = "--verify runs plain loops anyway; leave out --kernels=plain";
  else if (options.plainKernels && !options.devices.empty() &&
           options.devices[0] != "cpu")
    error = "--kernels=plain is for --device=cpu";
  else if (options.input.empty() &&
           (!options.output.empty() || !options.reference.empty() ||
            !options.labels.empty()))
    error = std::string(!options.output.empty()      ? "--output"
                        : !options.reference.empty() ? "--reference"
                                                     : "--labels") +
            " needs --input=FILE.npz";
  else if (options.minSqnrDb && options.reference.empty())
    error = "--min-sqnr-db needs --reference=FILE.npz";
  else if (options.input.empty() && !options.verify && !options.benchmark &&
           !options.info)
    error = "nothing to do: give --input=FILE.npz, --benchmark, --verify or "
            "--info";
  else
    return true;
  return false;
}

bool mlir::qopt::run::parseOptions(const std::vector<std::string> &arguments,
                                   Options &options, std::string &error) {
  bool flagsEnded = false;
  for (const std::string &argument : arguments) {
    if (argument == "--" && !flagsEnded) {
      flagsEnded = true;
    } else if (!flagsEnded && argument.size() > 1 && argument[0] == '-') {
      if (!parseFlag(argument, options, error))
        return false;
    } else if (!options.file.empty()) {
      error = "two models given: '" + options.file + "' and '" + argument + "'";
      return false;
    } else {
      options.file = argument;
    }
  }
  return options.help || options.version || checkCombination(options, error);
}
