//===- artifact-check.cpp - Run artifacts and compare the bits -*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   artifact-check DIR [--device=cuda|emulator] [--target=CHIP]
//                      [--filter=TEXT] [--from=N] [--repeat=N]
//
// Runs every NAME.qopt of a folder on the arrays of NAME.npz beside it, and
// compares each output bit for bit with the array of its name (NaNs are all
// equal). Stdout gets one JSON object per line: {"event": "start", ...} before
// and {"event": "done", ...} after each case, so that whoever reads it knows
// which case hung or crashed; stderr gets what failed, in words.
//
// Exit status: 0 all exact; 1 something was not; 2 wrong use; 3 a run failed on
// a GPU, which may stay unusable for this process: start again with --from.
//
//===----------------------------------------------------------------------===//
#include "CheckedModel.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

using namespace mlir::qopt;
using namespace mlir::qopt::check;

using Json = nlohmann::ordered_json;

namespace {
struct Options {
  std::string folder, device = "cuda", target, filter;
  size_t from = 0, repeat = 2;
};
} // namespace

static int fail(const std::string &message) {
  fprintf(stderr, "artifact-check: error: %s\n", message.c_str());
  return 2;
}

static bool parseNumber(const std::string &text, size_t &number) {
  char *end = nullptr;
  number = strtoul(text.c_str(), &end, 10);
  return !text.empty() && *end == 0;
}

/// False after a message.
static bool parseOptions(int argc, char **argv, Options &options) {
  for (int i = 1; i < argc; ++i) {
    std::string argument = argv[i];
    auto consume = [&](const char *prefix) {
      size_t length = strlen(prefix);
      if (argument.compare(0, length, prefix) != 0)
        return false;
      argument.erase(0, length);
      return true;
    };
    bool valid = true;
    if (consume("--device="))
      options.device = argument;
    else if (consume("--target="))
      options.target = argument;
    else if (consume("--filter="))
      options.filter = argument;
    else if (consume("--from="))
      valid = parseNumber(argument, options.from);
    else if (consume("--repeat="))
      valid = parseNumber(argument, options.repeat) && options.repeat > 0;
    else if (argument[0] != '-' && options.folder.empty())
      options.folder = argument;
    else
      valid = false;
    if (!valid) {
      fail(std::string("unexpected argument '") + argv[i] + "'");
      return false;
    }
  }
  if (options.folder.empty())
    fail("name a folder with .qopt and .npz files");
  return !options.folder.empty();
}

/// Paths of the cases without their suffix, in the order of their names.
static bool findCases(const Options &options, std::vector<std::string> &cases) {
  std::error_code error;
  for (const auto &entry :
       std::filesystem::directory_iterator(options.folder, error)) {
    std::filesystem::path path = entry.path();
    if (path.extension() != ".qopt" ||
        path.stem().string().find(options.filter) == std::string::npos)
      continue;
    cases.push_back(path.replace_extension().string());
  }
  if (error) {
    fail("cannot read '" + options.folder + "': " + error.message());
    return false;
  }
  std::sort(cases.begin(), cases.end());
  return true;
}

static void printLine(const Json &json) {
  printf("%s\n",
         json.dump(-1, ' ', true, Json::error_handler_t::replace).c_str());
  fflush(stdout);
}

int main(int argc, char **argv) {
  Options options;
  std::vector<std::string> cases;
  if (!parseOptions(argc, argv, options) || !findCases(options, cases))
    return 2;
  size_t numExact = 0;
  for (size_t i = options.from; i < cases.size(); ++i) {
    std::string name = std::filesystem::path(cases[i]).filename().string();
    printLine({{"event", "start"}, {"index", i}, {"name", name}});
    auto start = std::chrono::steady_clock::now();
    CheckResult result =
        checkModel(cases[i], options.device, options.target, options.repeat);
    std::chrono::duration<double> seconds =
        std::chrono::steady_clock::now() - start;
    Json line = {{"event", "done"},
                 {"index", i},
                 {"name", name},
                 {"outcome", getName(result.outcome)},
                 {"elements", result.elements},
                 {"seconds", seconds.count()}};
    if (!result.device.empty())
      line["device"] = result.device;
    if (result.outcome == Outcome::Exact) {
      ++numExact;
    } else {
      line["message"] = result.message;
      fprintf(stderr, "%s: %s: %s\n", getName(result.outcome), name.c_str(),
              result.message.c_str());
    }
    printLine(line);
    if (result.outcome == Outcome::RunFailed && options.device == "cuda")
      return 3;
  }
  size_t numRun = cases.size() - std::min(options.from, cases.size());
  fprintf(stderr, "artifact-check: %zu of %zu exact on %s\n", numExact, numRun,
          options.device.c_str());
  return numExact == numRun ? 0 : 1;
}
