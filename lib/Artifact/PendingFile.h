//===- PendingFile.h - Files that appear complete or not at all -*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A process that is killed while it writes may leave "PATH.tmp-..." behind, but
// never a partial file under the name that was asked for. Everything throws
// FormatError.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_ARTIFACT_PENDINGFILE_H
#define QUANTOPT_LIB_ARTIFACT_PENDINGFILE_H

#include <cstdint>
#include <string>

namespace mlir::qopt::artifact {

/// A file of another name in the same folder, removed unless it was renamed.
/// `path` must be new or a regular file; a link's target is what is meant.
class PendingFile {
public:
  explicit PendingFile(const std::string &path);
  ~PendingFile();
  PendingFile(const PendingFile &) = delete;
  PendingFile &operator=(const PendingFile &) = delete;

  int descriptor() const { return file; }
  /// Makes the file appear under its name, on disk.
  void commit();

private:
  std::string path, temporary;
  int file = -1;
};

/// Writes all bytes to a descriptor.
void writeBytes(int descriptor, const void *data, uint64_t size);

} // namespace mlir::qopt::artifact

#endif // QUANTOPT_LIB_ARTIFACT_PENDINGFILE_H
