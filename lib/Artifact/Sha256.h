//===- Sha256.h - The hash of an artifact's members -------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// SHA-256 of FIPS 180-4, and the CRC-32 that zip archives carry. Data may come
// in pieces of any size.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_ARTIFACT_SHA256_H
#define QUANTOPT_LIB_ARTIFACT_SHA256_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace mlir::qopt::artifact {

class Sha256 {
public:
  /// `isPortable`: without a processor's own instructions, for tests.
  explicit Sha256(bool isPortable = false) : isPortable(isPortable) {}

  void update(const void *data, size_t size);
  /// The hash as 64 lower-case hexadecimal digits; ends the computation.
  std::string finish();

private:
  void addBlocks(const uint8_t *blocks, size_t count);

  const bool isPortable;
  std::array<uint32_t, 8> state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372,
                                   0xa54ff53a, 0x510e527f, 0x9b05688c,
                                   0x1f83d9ab, 0x5be0cd19};
  std::array<uint8_t, 64> pending;
  size_t numPending = 0;
  uint64_t totalBytes = 0;
};

/// The hash of one piece.
std::string sha256(const void *data, size_t size);

/// CRC-32 (polynomial 0x04c11db7, reflected) of the data behind what gave
/// `crc`; 0 to begin with.
uint32_t crc32(uint32_t crc, const void *data, size_t size);

} // namespace mlir::qopt::artifact

#endif // QUANTOPT_LIB_ARTIFACT_SHA256_H
