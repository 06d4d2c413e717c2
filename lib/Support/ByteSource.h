//===- ByteSource.h - Sequential bytes of a file or zip member --*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Where NpzReader gets bytes from: a file or a block of memory, as it is or
// through libzip. Messages here do not name the file; callers do.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_SUPPORT_BYTESOURCE_H
#define QUANTOPT_LIB_SUPPORT_BYTESOURCE_H

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <zip.h>

namespace mlir::qopt::npy {

/// Bytes that are read once, in order.
class ByteSource {
public:
  virtual ~ByteSource() = default;

  /// Reads exactly `size` bytes; fails where there are fewer.
  bool read(void *buffer, uint64_t size, std::string &error);

  /// Checks that all bytes have been read, and their checksum if there is one.
  bool expectEnd(std::string &error);

protected:
  /// Reads up to `size` bytes; 0 at the end, negative after an error.
  virtual int64_t readSome(void *buffer, size_t size, std::string &error) = 0;
};

struct FileCloser {
  void operator()(FILE *file) const { fclose(file); }
};
using FilePtr = std::unique_ptr<FILE, FileCloser>;

/// Closes an archive that was opened for reading, or drops its changes.
struct ZipDiscarder {
  void operator()(zip_t *archive) const { zip_discard(archive); }
};
using ZipPtr = std::unique_ptr<zip_t, ZipDiscarder>;

/// A file's content: a path, or memory where `data` is not null. May be opened
/// any number of times, from any thread.
struct Content {
  std::string path;
  const void *data = nullptr;
  size_t size = 0;

  /// The content as it is; `*totalSize` receives its size.
  std::unique_ptr<ByteSource> open(uint64_t *totalSize,
                                   std::string &error) const;
  /// The content as a zip archive.
  ZipPtr openArchive(std::string &error) const;
};

/// Member `index`, decompressed. Owns `archive`, or shares one that outlives
/// the source.
std::unique_ptr<ByteSource> openMember(zip_t *archive, uint64_t index,
                                       std::string &error);
std::unique_ptr<ByteSource> openMember(ZipPtr archive, uint64_t index,
                                       std::string &error);

} // namespace mlir::qopt::npy

#endif // QUANTOPT_LIB_SUPPORT_BYTESOURCE_H
