//===- TableCommands.cpp - Work on calibration tables alone ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TableCommands.h"

#include "Output.h"

#include "QuantOpt/Calibration/DescribeTable.h"
#include "QuantOpt/Statistics/CalibrationTable.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mlir::qopt;

namespace {
struct Arguments {
  bool merge = false, inspect = false, json = false;
  std::string output = "-";
  SmallVector<std::string> tables;
};
} // namespace

static LogicalResult parse(int argc, char **argv, Arguments &arguments) {
  for (int i = 1; i < argc; ++i) {
    StringRef arg = argv[i];
    if (arg.empty() || arg == "-" || !arg.starts_with("-")) {
      arguments.tables.push_back(arg.str());
      continue;
    }
    auto [flag, value] = arg.split('=');
    StringRef name = flag.ltrim('-');
    bool hasValue = arg.contains('=');
    if (name == "merge-calibration" || name == "inspect") {
      (name == "inspect" ? arguments.inspect : arguments.merge) = true;
      if (hasValue)
        arguments.tables.push_back(value.str());
    } else if (name == "json" && !hasValue) {
      arguments.json = true;
    } else if (name == "o") {
      if (!hasValue && ++i == argc)
        return fail("-o needs a file name");
      arguments.output = hasValue ? value.str() : argv[i];
    } else {
      return fail("'" + arg +
                  "' does not go with --merge-calibration or --inspect");
    }
  }
  if (arguments.merge && arguments.inspect)
    return fail("--merge-calibration and --inspect are two commands");
  return success();
}

static LogicalResult merge(const Arguments &arguments) {
  if (arguments.json)
    return fail("--json goes with --inspect");
  if (arguments.tables.size() < 2)
    return fail("--merge-calibration needs at least two tables: "
                "--merge-calibration A.json B.json -o C.json");
  if (arguments.output == "-")
    return fail("--merge-calibration needs a file to write: give -o FILE");
  CalibrationTable result;
  std::string error;
  for (size_t i = 0; i < arguments.tables.size(); ++i) {
    const std::string &path = arguments.tables[i];
    CalibrationTable table;
    if (!readCalibrationTable(path, table, error))
      return fail(error);
    if (i == 0)
      result = std::move(table);
    else if (!mergeCalibrationTables(result, table, path, error))
      return fail(error);
  }
  if (!writeCalibrationTable(result, arguments.output, error))
    return fail(error);
  if (result.instructionSets.size() > 1)
    llvm::errs() << "quant-opt: warning: the tables were computed with "
                    "different instruction sets; activations may differ in "
                    "their last bits between them, so the merged table can "
                    "differ from that of one machine\n";
  return success();
}

static LogicalResult inspect(const Arguments &arguments) {
  if (arguments.tables.size() != 1)
    return fail("--inspect takes one table: --inspect=TABLE.json");
  std::string text, error;
  llvm::raw_string_ostream os(text);
  if (!describeTable(arguments.tables[0], arguments.json, os, error))
    return fail(error);
  return writeOutput(arguments.output, [&](raw_ostream &out) { out << text; });
}

bool mlir::qopt::isTableCommand(int argc, char **argv) {
  for (int i = 1; i < argc; ++i) {
    StringRef name = StringRef(argv[i]).split('=').first;
    if (name.starts_with("-") && (name.ltrim('-') == "merge-calibration" ||
                                  name.ltrim('-') == "inspect"))
      return true;
  }
  return false;
}

int mlir::qopt::runTableCommand(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  Arguments arguments;
  if (failed(parse(argc, argv, arguments)))
    return 1;
  return failed(arguments.merge ? merge(arguments) : inspect(arguments));
}
