//===- TemporaryStorage.h - Weights in a file without a name ----*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Large constants are written once and then read now and then. They live in a
// temporary file that has no name any more and is mapped for reading: pages
// that nobody reads at the moment need not stay in memory. Needs neither LLVM
// nor exceptions.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_SUPPORT_TEMPORARYSTORAGE_H
#define QUANTOPT_SUPPORT_TEMPORARYSTORAGE_H

#include <cstddef>
#include <memory>

namespace mlir::qopt {

/// A fixed number of bytes that are first written and then read.
class TemporaryStorage {
public:
  /// Storage in a file of TMPDIR (/tmp without it) whose space is reserved; in
  /// anonymous memory where no such file can be made. Null if there is no
  /// memory either. `size` is in bytes, at least 1.
  static std::shared_ptr<TemporaryStorage> create(size_t size);
  ~TemporaryStorage();
  TemporaryStorage(const TemporaryStorage &) = delete;
  TemporaryStorage &operator=(const TemporaryStorage &) = delete;

  /// Writes `count` bytes at `offset`, both inside of the storage. Threads may
  /// write to different ranges at once. False after an I/O error.
  bool write(size_t offset, const void *data, size_t count);

  /// Ends the writing: the storage occupies no file descriptor any more.
  void finish();

  /// All bytes, from a page boundary.
  const char *data() const { return base; }
  size_t size() const { return length; }
  /// Whether the bytes are in a file: their pages can be given back.
  bool isFile() const { return mapsFile; }

private:
  TemporaryStorage(char *base, size_t length, int file);

  char *base;
  size_t length;
  bool mapsFile; ///< Otherwise anonymous memory.
  int file;      ///< -1 if there is none, or after the last write.
};

/// Gives back the physical pages of [data, data + size) where that range lies
/// in the file of a TemporaryStorage; the next access reads them again. Does
/// nothing for all other memory, so that callers need not know what they hold.
void releasePages(const void *data, size_t size);

} // namespace mlir::qopt

#endif // QUANTOPT_SUPPORT_TEMPORARYSTORAGE_H
