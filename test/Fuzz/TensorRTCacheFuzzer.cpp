//===- TensorRTCacheFuzzer.cpp - Arbitrary bytes as calibration caches ----===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An entry point for libFuzzer (clang++ -fsanitize=fuzzer,address,undefined),
// also called by the unit tests with mutated files: a cache that is read has
// usable scales under unique names, and printing it gives a cache that is read
// the same way.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Statistics/CalibrationTable.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <set>

using namespace mlir::qopt;

static void require(bool condition, const char *what) {
  if (condition)
    return;
  fprintf(stderr, "promise broken: %s\n", what);
  abort();
}

extern "C" int LLVMFuzzerTestOneCache(const uint8_t *data, size_t size) {
  std::string text(reinterpret_cast<const char *>(data), size);
  TensorRTCache cache, copy;
  std::string error = "unset";
  bool ok = parseTensorRTCache(text, "input", cache, error);
  require(ok == error.empty(), "a failure has a message");
  require(error.find('\n') == std::string::npos, "messages are one line");
  if (!ok)
    return 0;
  require(cache.header.compare(0, 4, "TRT-") == 0, "the header is one");
  std::set<std::string> names;
  for (const auto &[name, scale] : cache.scales) {
    require(!name.empty() && names.insert(name).second, "names are unique");
    require(std::isfinite(scale) && !std::signbit(scale), "scales are usable");
  }
  require(parseTensorRTCache(printTensorRTCache(cache), "printed", copy, error),
          "what is printed is read");
  require(copy.header == cache.header && copy.scales == cache.scales,
          "printing loses nothing");
  return 0;
}

#ifdef QUANTOPT_LIBFUZZER
extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  return LLVMFuzzerTestOneCache(data, size);
}
#endif
