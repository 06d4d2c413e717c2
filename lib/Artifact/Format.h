//===- Format.h - Helpers of the artifact's readers and writers -*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Inside this library what is wrong with a file travels as an exception; the
// functions of Artifact.h and Safetensors.h turn it into text.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_ARTIFACT_FORMAT_H
#define QUANTOPT_LIB_ARTIFACT_FORMAT_H

#include "QuantOpt/Artifact/Artifact.h"

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

namespace mlir::qopt::artifact {

/// What is wrong, in one line.
struct FormatError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A name in quotes for messages: control characters escaped, long ones cut.
std::string quote(const std::string &name);

/// True if the bytes are UTF-8 (RFC 3629) without control characters.
bool isPlainText(const std::string &text);

/// "f32", ..., or null for a number that is no qopt_dtype.
const char *dtypeName(qopt_dtype dtype);
/// The type of that name; false if there is none.
bool parseDType(const std::string &name, qopt_dtype &dtype);

/// Bytes of one element; 0 for a number that is no qopt_dtype.
uint64_t dtypeSize(qopt_dtype dtype);

/// "2x3"; "scalar" without dimensions.
std::string shapeText(const std::vector<int64_t> &dims);

/// The product of type and extents, in bytes. False where an extent is negative
/// or the product of the extents that are not zero exceeds kMaxTensorBytes.
constexpr uint64_t kMaxTensorBytes = uint64_t(1) << 46;
bool computeBytes(qopt_dtype dtype, const std::vector<int64_t> &dims,
                  uint64_t &bytes);

/// Calls `body`, which returns nothing, and returns "" or what it threw as
/// text. Nothing else leaves.
template <typename Body> std::string catchErrors(const Body &body) noexcept {
  // Short enough to need no memory.
  try {
    try {
      body();
      return "";
    } catch (const std::bad_alloc &) {
      return "out of memory";
    } catch (const std::exception &error) {
      return error.what();
    }
  } catch (...) {
    return "out of memory";
  }
}

} // namespace mlir::qopt::artifact

#endif // QUANTOPT_LIB_ARTIFACT_FORMAT_H
