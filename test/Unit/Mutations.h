//===- Mutations.h - Damaged files for tests --------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the unit tests feed the fuzzers' entry points with: random changes to
// good files, and the seeds of test/Fuzz/corpus.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_TEST_UNIT_MUTATIONS_H
#define QUANTOPT_TEST_UNIT_MUTATIONS_H

#include "NpzTestFiles.h"

#include <random>

namespace mutations {

inline const uint8_t *bytes(const std::string &text) {
  return reinterpret_cast<const uint8_t *>(text.data());
}

/// Changes a file in one random way; tokens replace what is there.
inline void mutate(std::string &file, std::mt19937 &random,
                   const std::vector<std::string> &tokens) {
  size_t size = file.size();
  size_t at = size ? random() % size : 0;
  switch (random() % 8) {
  case 0:
  case 1:
    if (size)
      file[at] = char(random());
    break;
  case 2:
    if (size)
      file[at] ^= char(1 << random() % 8);
    break;
  case 3:
    file.resize(at);
    break;
  case 4:
    file.insert(at, std::string(random() % 9, char(random())));
    break;
  case 5:
    file.erase(at, random() % 9);
    break;
  default: {
    std::string token = tokens[random() % tokens.size()];
    file.replace(at, std::min(token.size(), size - at), token);
    break;
  }
  }
}

/// The contents of the seeds for a fuzzer, by name.
inline std::vector<std::pair<std::string, std::string>>
readCorpus(const std::string &fuzzer) {
  std::vector<std::pair<std::string, std::string>> files;
  for (const auto &entry : std::filesystem::directory_iterator(
           std::string(QUANTOPT_TEST_DIR) + "/Fuzz/corpus/" + fuzzer))
    files.push_back({entry.path().filename().string(),
                     npztest::readFile(entry.path().string())});
  std::sort(files.begin(), files.end());
  return files;
}

} // namespace mutations

#endif // QUANTOPT_TEST_UNIT_MUTATIONS_H
