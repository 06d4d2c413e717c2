//===- SafetensorsFuzzer.cpp - Arbitrary bytes as .safetensors files ------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An entry point for libFuzzer (clang++ -fsanitize=fuzzer,address,undefined),
// also called by the unit tests with mutated files: tensors that are read lie
// in the input one after the other, and writing them gives a file that is read
// the same way.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Artifact/Safetensors.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <numeric>

using namespace mlir::qopt::artifact;

namespace {
void require(bool condition, const char *what) {
  if (condition)
    return;
  fprintf(stderr, "promise broken: %s\n", what);
  abort();
}

void checkRoundTrip(const std::vector<Constant> &tensors) {
  std::vector<size_t> order(tensors.size());
  std::iota(order.begin(), order.end(), 0);
  std::string error;
  std::string file = formatSafetensorsHeader(tensors, order, error);
  if (file.empty()) { // A name that is read but not written.
    require(!error.empty(), "a failure has a message");
    return;
  }
  for (const Constant &tensor : tensors)
    file.append(reinterpret_cast<const char *>(tensor.data), tensor.size);
  std::vector<Constant> copies;
  error = readSafetensors(file.data(), file.size(), copies);
  require(error.empty() && copies.size() == tensors.size(),
          "what is written is read");
  // Tensors without elements may change places among themselves.
  for (const Constant &copy : copies) {
    bool found = false;
    for (const Constant &tensor : tensors)
      found |= copy.name == tensor.name && copy.dtype == tensor.dtype &&
               copy.dims == tensor.dims && copy.size == tensor.size &&
               memcmp(copy.data, tensor.data, copy.size) == 0;
    require(found, "tensors are read as they were");
  }
}
} // namespace

extern "C" int LLVMFuzzerTestOneSafetensors(const uint8_t *data, size_t size) {
  std::vector<Constant> tensors;
  std::string error = readSafetensors(data, size, tensors);
  require(error.find('\n') == std::string::npos, "messages are one line");
  if (!error.empty())
    return 0;
  const uint8_t *next = data + size;
  for (size_t i = tensors.size(); i-- > 0;) {
    const Constant &tensor = tensors[i];
    require(tensor.data + tensor.size == next && tensor.data >= data,
            "tensors tile the end of the file");
    require(byteSize(tensor.dtype, tensor.dims) == tensor.size,
            "sizes go with shapes");
    next = tensor.data;
  }
  if (tensors.size() < 100)
    checkRoundTrip(tensors);
  return 0;
}

#ifdef QUANTOPT_LIBFUZZER
extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  return LLVMFuzzerTestOneSafetensors(data, size);
}
#endif
