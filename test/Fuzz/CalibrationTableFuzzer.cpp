//===- CalibrationTableFuzzer.cpp - Arbitrary bytes as tables -------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An entry point for libFuzzer (clang++ -fsanitize=fuzzer,address,undefined),
// also called by the unit tests with mutated files: reads the input as it is
// and with a hash made to match, and checks what CalibrationTable.h promises of
// a table that was read.
//
//===----------------------------------------------------------------------===//
#include "../../lib/Artifact/Sha256.h"
#include "QuantOpt/Statistics/CalibrationTable.h"

#include <cstdio>
#include <cstdlib>
#include <set>

using namespace mlir::qopt;

namespace {
void require(bool condition, const char *what) {
  if (condition)
    return;
  fprintf(stderr, "promise broken: %s\n", what);
  abort();
}

/// The table with the hash of what stands before the hash.
std::string withHash(const std::string &text) {
  const std::string begin = "  \"sha256\": \"", end = "\"\n}\n";
  std::string body = text.substr(0, text.rfind(begin));
  return body + begin + artifact::sha256(body.data(), body.size()) + end;
}

void useTable(const CalibrationTable &table) {
  std::set<std::string> names;
  for (const CalibrationTable::Edge &edge : table.edges)
    require(names.insert(edge.name).second, "names of edges are unique");
  std::string text = printCalibrationTable(table), error;
  CalibrationTable copy;
  require(parseCalibrationTable(text, "printed", copy, error),
          "what is printed is read");
  require(printCalibrationTable(copy) == text, "printing loses nothing");

  // Its own data, counted twice.
  bool merged = mergeCalibrationTables(copy, table, "input", error);
  require(!merged || table.runs == 0, "nothing is counted twice");
  require(merged || printCalibrationTable(copy) == text,
          "a failed merge changes nothing");
}

void readTable(const std::string &text) {
  CalibrationTable table;
  std::string error = "unset";
  bool ok = parseCalibrationTable(text, "input", table, error);
  require(ok == error.empty(), "a failure has a message");
  require(error.find('\n') == std::string::npos, "messages are one line");
  if (ok)
    useTable(table);
}
} // namespace

extern "C" int LLVMFuzzerTestOneTable(const uint8_t *data, size_t size) {
  std::string text(reinterpret_cast<const char *>(data), size);
  readTable(text);
  readTable(withHash(text));
  return 0;
}

#ifdef QUANTOPT_LIBFUZZER
extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  return LLVMFuzzerTestOneTable(data, size);
}
#endif
