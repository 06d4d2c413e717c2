//===- NpzFuzzer.cpp - Arbitrary bytes as .npy and .npz files -------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An entry point for libFuzzer (clang++ -fsanitize=fuzzer,address,undefined),
// also called by the unit tests with mutated files: opens the input, reads what
// can be read of every array and checks what NpzReader promises. Memory is
// bounded, so that a size that lies shows as an excess.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Support/Npz.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

using namespace mlir::qopt;

static void require(bool condition, const char *what) {
  if (condition)
    return;
  fprintf(stderr, "promise broken: %s\n", what);
  abort();
}

/// Reads an array in pieces, as far as the budget goes.
static void readArray(const NpzReader &reader, const NpzArray &array,
                      bool convert) {
  constexpr uint64_t kMaxPieceBytes = 1 << 16;
  constexpr int kMaxPieces = 64;
  std::string error;
  auto stream = reader.stream(array.name, error);
  require(stream || !error.empty(), "a failure has a message");
  require(!stream || array.problem.empty(), "problems keep from reading");
  if (!stream)
    return;
  uint64_t rowBytes = array.rowElements() * sizeof(double);
  if (rowBytes > kMaxPieceBytes)
    return;
  std::vector<double> buffer(kMaxPieceBytes / sizeof(double));
  for (int piece = 0; piece < kMaxPieces; ++piece) {
    uint64_t left = array.numRows() - stream->position();
    uint64_t rows =
        std::min(left, kMaxPieceBytes / std::max<uint64_t>(rowBytes, 1));
    if (rows == 0)
      return;
    bool ok = convert
                  ? stream->readAs(ElementType::F64, rows, buffer.data(), error)
                  : stream->read(rows, buffer.data(), error);
    require(ok || !error.empty(), "a failure has a message");
    if (!ok) {
      require(!stream->read(0, buffer.data(), error),
              "a failed stream stays failed");
      return;
    }
  }
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  NpzLimits limits;
  limits.maxArrays = 16;
  limits.maxResidentBytes = 1 << 20;
  std::string error;
  auto reader = NpzReader::openMemory(data, size, "input", error, limits);
  require(reader || !error.empty(), "a failure has a message");
  if (!reader)
    return 0;
  require(reader->arrays().size() <= limits.maxArrays, "limit of arrays");
  for (const NpzArray &array : reader->arrays()) {
    require(array.shape.size() <= limits.maxRank, "limit of dimensions");
    require(reader->find(array.name) == &array, "names are unique");
    readArray(*reader, array, false);
    readArray(*reader, array, true);
  }
  return 0;
}
