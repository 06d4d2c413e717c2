//===- Archive.h - Stored zip archives --------------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The container of an artifact: a zip archive whose members are stored, lie one
// after the other without gaps, and begin at multiples of 64 bytes. Any zip
// program reads it. The reader takes only such archives (alignment is free):
// nothing compressed, hidden, overlapping or named twice, so that a member's
// size is bounded by the file's. No zip library: the runtime has no
// dependencies, and libzip does not tell where a member's bytes lie.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_ARTIFACT_ARCHIVE_H
#define QUANTOPT_LIB_ARTIFACT_ARCHIVE_H

#include "Format.h"

#include <memory>
#include <vector>

namespace mlir::qopt::artifact {

/// Random access to the bytes of a file. Throws FormatError.
class ByteRange {
public:
  virtual ~ByteRange() = default;
  uint64_t size() const { return numBytes; }
  /// Reads exactly these bytes, which lie within the size.
  virtual void read(uint64_t offset, void *buffer, uint64_t size) const = 0;

protected:
  uint64_t numBytes = 0;
};

/// A regular file, or memory that outlives the range.
std::unique_ptr<ByteRange> openFile(const std::string &path);
std::unique_ptr<ByteRange> openMemory(const void *data, size_t size);

/// A member of an archive.
struct ArchiveMember {
  std::string name;
  /// Where its bytes lie in the file.
  uint64_t offset = 0;
  uint64_t size = 0;
  uint32_t crc = 0;
};

/// The members in the order of the file. Throws FormatError.
std::vector<ArchiveMember> listMembers(const ByteRange &file);

/// A member's bytes in memory of their own.
struct MemberBytes {
  std::shared_ptr<uint8_t> data;
  uint64_t size = 0;
};

/// Reads a member and compares its checksum. The bytes begin at a multiple of
/// 64.
MemberBytes readMember(const ByteRange &file, const ArchiveMember &member);

/// Bytes to write, in place.
struct Piece {
  const void *data;
  uint64_t size;
};

/// Writes an archive to a file descriptor, from its beginning. Throws
/// FormatError.
class ArchiveWriter {
public:
  explicit ArchiveWriter(int descriptor) : descriptor(descriptor) {}

  /// Adds a member whose content is the pieces, one after the other.
  void add(const std::string &name, const std::vector<Piece> &pieces);
  /// Writes the directory. Nothing may be added afterwards.
  void finish();

private:
  void write(const void *data, uint64_t size);

  struct Entry {
    ArchiveMember member;
    uint64_t headerOffset;
  };

  int descriptor;
  uint64_t position = 0;
  std::vector<Entry> entries;
};

/// Numbers of a zip archive; all are little-endian.
namespace zip {
constexpr uint32_t kLocalHeader = 0x04034b50, kDirectoryEntry = 0x02014b50,
                   kEnd = 0x06054b50, kEnd64 = 0x06064b50,
                   kEnd64Locator = 0x07064b50;
constexpr uint64_t kLocalHeaderSize = 30, kDirectoryEntrySize = 46,
                   kEndSize = 22, kEnd64Size = 56, kEnd64LocatorSize = 20;
/// Stand for a number that is in the zip64 fields.
constexpr uint32_t kMax32 = 0xffffffff;
constexpr uint16_t kMax16 = 0xffff;
/// The name is UTF-8.
constexpr uint16_t kUtf8Flag = 1 << 11;
/// Ids of extra fields: sizes beyond 32 bits; filler that aligns the data.
constexpr uint16_t kZip64Extra = 0x0001, kAlignmentExtra = 0xd935;
} // namespace zip

} // namespace mlir::qopt::artifact

#endif // QUANTOPT_LIB_ARTIFACT_ARCHIVE_H
