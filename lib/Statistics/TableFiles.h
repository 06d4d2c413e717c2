//===- TableFiles.h - Reading and writing small text files ------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What tables and caches share. Functions return false and set `error`, which
// begins with the path; functions in the namespace `artifact` throw.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_STATISTICS_TABLEFILES_H
#define QUANTOPT_LIB_STATISTICS_TABLEFILES_H

#include "Format.h"

namespace mlir::qopt {

/// Calls `body`, which may throw what is wrong with the file at `path`.
template <typename Body>
bool reportErrors(const std::string &path, std::string &error,
                  const Body &body) {
  error = artifact::catchErrors(body);
  if (error.empty())
    return true;
  error = artifact::quote(path) + ": " + error;
  return false;
}

/// The first `maxBytes` bytes of a regular file.
bool readStart(const std::string &path, uint64_t maxBytes, std::string &text,
               std::string &error);

/// All of a regular file of at most `maxBytes` bytes.
bool readText(const std::string &path, uint64_t maxBytes, std::string &text,
              std::string &error);

/// Makes the file appear complete or not at all. What is no regular file, such
/// as /dev/stdout, has no contents to protect and is written directly.
bool writeText(const std::string &path, const std::string &text,
               std::string &error);

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_STATISTICS_TABLEFILES_H
