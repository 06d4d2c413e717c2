//===- ArrayStream.h - How an array of a file is read -----------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What NpzReader and NpzArrayStream share: where an array lies and the reading
// of its header.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_SUPPORT_ARRAYSTREAM_H
#define QUANTOPT_LIB_SUPPORT_ARRAYSTREAM_H

#include "ByteSource.h"
#include "NpyHeader.h"

namespace mlir::qopt {

namespace npy {

/// Where an array lies in its file, and what its header said.
struct Location {
  /// Index in the archive.
  uint64_t index = 0;
  /// Bytes of header and data.
  uint64_t totalSize = 0;
  Header header = {};
};

/// Reads everything before the data of an array of `totalSize` bytes, which
/// must be what the header's shape takes.
bool readHeader(ByteSource &source, uint64_t totalSize, const NpzLimits &limits,
                Header &header, std::string &error);

} // namespace npy

struct NpzArrayStream::Impl {
  /// Goes to the first row. The header must be the same as in the listing.
  bool open(const npy::Content &content, bool isArchive,
            const npy::Location &location, const NpzLimits &limits,
            std::string &error);
  /// Reads `rows` rows as they are.
  bool readRows(uint64_t rows, void *buffer, std::string &error);
  /// Reads and converts.
  bool convertRows(ElementType to, uint64_t rows, void *buffer,
                   std::string &error);
  /// Checks the request, reads through `body` and remembers a failure.
  template <typename Body>
  bool guard(uint64_t rows, std::string &error, const Body &body);
  /// Makes native elements of bytes just read.
  void makeNative(void *data, uint64_t count) const;
  /// Fills `resident` from a file in Fortran order.
  bool loadFortran(std::string &error);

  NpzArray array;
  /// "'file': array 'name' ", before every message.
  std::string prefix;
  npy::Header header = {};
  std::unique_ptr<npy::ByteSource> source;
  uint64_t position = 0;
  /// The message of the read that failed.
  std::string failure;
  /// A Fortran-order array in row-major order, once something is read.
  std::unique_ptr<char[]> resident;
};

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_SUPPORT_ARRAYSTREAM_H
