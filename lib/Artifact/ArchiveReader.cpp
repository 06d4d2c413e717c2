//===- ArchiveReader.cpp - Reading stored zip archives --------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads the directory at the end of the file, then every member's own header,
// and requires that both agree and that members, directory and end tile the
// whole file.
//
//===----------------------------------------------------------------------===//
#include "Archive.h"
#include "Sha256.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <set>
#include <sys/stat.h>
#include <unistd.h>

using namespace mlir::qopt;
using namespace mlir::qopt::artifact;
using namespace mlir::qopt::artifact::zip;

/// An artifact has a handful of members.
static constexpr uint64_t kMaxMembers = 1024;
static constexpr uint64_t kMaxDirectoryBytes = 1 << 20;

//===----------------------------------------------------------------------===//
// Bytes
//===----------------------------------------------------------------------===//

namespace {
class FileRange : public ByteRange {
public:
  FileRange(int descriptor, uint64_t size) : descriptor(descriptor) {
    numBytes = size;
  }
  ~FileRange() override { close(descriptor); }

  void read(uint64_t offset, void *buffer, uint64_t size) const override {
    constexpr uint64_t kMaxRequest = uint64_t(1) << 30;
    char *next = static_cast<char *>(buffer);
    while (size > 0) {
      ssize_t got = pread(descriptor, next, size_t(std::min(size, kMaxRequest)),
                          off_t(offset));
      if (got < 0 && errno == EINTR)
        continue;
      if (got < 0)
        throw FormatError(std::string("cannot be read: ") + strerror(errno));
      if (got == 0)
        throw FormatError("was truncated while it was read");
      next += got;
      offset += uint64_t(got);
      size -= uint64_t(got);
    }
  }

private:
  int descriptor;
};

class MemoryRange : public ByteRange {
public:
  MemoryRange(const void *data, uint64_t size)
      : data(static_cast<const char *>(data)) {
    numBytes = size;
  }
  void read(uint64_t offset, void *buffer, uint64_t size) const override {
    if (size)
      memcpy(buffer, data + offset, size);
  }

private:
  const char *data;
};
} // namespace

std::unique_ptr<ByteRange> artifact::openFile(const std::string &path) {
  int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0)
    throw FormatError(std::string("cannot be opened: ") + strerror(errno));
  struct stat status = {};
  if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
    bool isFolder = S_ISDIR(status.st_mode);
    close(descriptor);
    throw FormatError(isFolder ? "is a folder" : "is not a regular file");
  }
  return std::make_unique<FileRange>(descriptor, uint64_t(status.st_size));
}

std::unique_ptr<ByteRange> artifact::openMemory(const void *data, size_t size) {
  return std::make_unique<MemoryRange>(data, size);
}

namespace {
/// Takes numbers from a block of bytes that has been read.
class Cursor {
public:
  Cursor(const ByteRange &file, uint64_t offset, uint64_t size)
      : bytes(size, '\0') {
    file.read(offset, &bytes[0], size);
  }

  uint64_t left() const { return bytes.size() - position; }
  void skip(uint64_t count) { position += count; }
  uint16_t take16() { return uint16_t(take(2)); }
  uint32_t take32() { return uint32_t(take(4)); }
  uint64_t take64() { return take(8); }
  std::string takeText(uint64_t size) {
    std::string text = bytes.substr(position, size);
    position += size;
    return text;
  }

private:
  /// The caller has checked `left`.
  uint64_t take(int size) {
    uint64_t value = 0;
    for (int i = 0; i < size; ++i)
      value |= uint64_t(static_cast<unsigned char>(bytes[position + i]))
               << (8 * i);
    position += size;
    return value;
  }

  std::string bytes;
  uint64_t position = 0;
};

/// Where the directory lies.
struct Directory {
  uint64_t offset, size, count;
};

/// What a header says of its member.
struct Header {
  uint16_t flags, method;
  uint32_t time, crc;
  uint64_t compressedSize, size, offset = 0;
  std::string name;
};
} // namespace

//===----------------------------------------------------------------------===//
// End of the file
//===----------------------------------------------------------------------===//

static Directory readEnd64(const ByteRange &file) {
  constexpr uint64_t kTail = kEndSize + kEnd64LocatorSize + kEnd64Size;
  if (file.size() < kTail)
    throw FormatError("ends within its directory");
  uint64_t start = file.size() - kTail;
  Cursor end(file, start, kEnd64Size);
  Cursor locator(file, start + kEnd64Size, kEnd64LocatorSize);
  Directory directory;
  bool ok = end.take32() == kEnd64 && end.take64() == kEnd64Size - 12;
  end.skip(4); // Versions.
  ok &= end.take32() == 0 && end.take32() == 0;
  directory.count = end.take64();
  ok &= end.take64() == directory.count;
  directory.size = end.take64();
  directory.offset = end.take64();
  ok &= locator.take32() == kEnd64Locator && locator.take32() == 0 &&
        locator.take64() == start && locator.take32() == 1;
  if (!ok || directory.offset > start ||
      directory.size != start - directory.offset)
    throw FormatError("has a damaged directory");
  return directory;
}

static Directory readEnd(const ByteRange &file) {
  if (file.size() < kEndSize)
    throw FormatError("is too short to be an artifact: " +
                      std::to_string(file.size()) + " bytes");
  uint64_t start = file.size() - kEndSize;
  Cursor end(file, start, kEndSize);
  if (end.take32() != kEnd)
    throw FormatError("is cut off or no zip archive: it does not end with a "
                      "directory");
  bool oneDisk = end.take32() == 0;
  Directory directory;
  directory.count = end.take16();
  uint64_t total = end.take16();
  directory.size = end.take32();
  directory.offset = end.take32();
  if (!oneDisk || total != directory.count || end.take16() != 0)
    throw FormatError("has a damaged directory");
  if (total == kMax16 || directory.size == kMax32 || directory.offset == kMax32)
    return readEnd64(file);
  if (directory.offset > start || directory.size != start - directory.offset)
    throw FormatError("has a damaged directory");
  return directory;
}

//===----------------------------------------------------------------------===//
// Headers
//===----------------------------------------------------------------------===//

/// From the flags to the sizes.
static Header takeCommon(Cursor &cursor) {
  Header header;
  header.flags = cursor.take16();
  header.method = cursor.take16();
  header.time = cursor.take32();
  header.crc = cursor.take32();
  header.compressedSize = cursor.take32();
  header.size = cursor.take32();
  return header;
}

/// Replaces the numbers that stand for ones in the zip64 field.
static void applyZip64(Cursor &extra, uint64_t extraSize, Header &header) {
  uint64_t *numbers[] = {&header.size, &header.compressedSize, &header.offset};
  while (extraSize >= 4) {
    uint16_t id = extra.take16(), size = extra.take16();
    extraSize -= 4;
    if (size > extraSize)
      throw FormatError("has a damaged extra field");
    extraSize -= size;
    if (id != kZip64Extra) {
      extra.skip(size);
      continue;
    }
    uint64_t left = size;
    for (uint64_t *number : numbers)
      if (*number == kMax32 && left >= 8) {
        *number = extra.take64();
        left -= 8;
      }
    extra.skip(left);
  }
  extra.skip(extraSize);
}

static void checkHeader(const Header &header) {
  if (header.method != 0)
    throw FormatError("is compressed; members of an artifact are stored");
  if (header.flags & ~kUtf8Flag)
    throw FormatError("is encrypted or of a kind that artifacts do not have");
  if (header.size != header.compressedSize)
    throw FormatError("has two sizes: " + std::to_string(header.size) +
                      " and " + std::to_string(header.compressedSize));
}

static Header takeEntry(Cursor &cursor) {
  if (cursor.left() < kDirectoryEntrySize || cursor.take32() != kDirectoryEntry)
    throw FormatError("has a damaged directory");
  cursor.skip(4); // Versions.
  Header header = takeCommon(cursor);
  uint64_t nameSize = cursor.take16(), extraSize = cursor.take16(),
           commentSize = cursor.take16();
  uint16_t disk = cursor.take16();
  cursor.skip(6); // Attributes.
  header.offset = cursor.take32();
  if (disk != 0 || nameSize + extraSize + commentSize > cursor.left())
    throw FormatError("has a damaged directory");
  header.name = cursor.takeText(nameSize);
  applyZip64(cursor, extraSize, header);
  cursor.skip(commentSize);
  return header;
}

/// Finds the member's bytes, which must end by `limit`.
static ArchiveMember locate(const ByteRange &file, const Header &entry,
                            uint64_t limit) {
  if (entry.offset > limit || limit - entry.offset < kLocalHeaderSize)
    throw FormatError("lies beyond the end of the file");
  uint64_t available = limit - entry.offset - kLocalHeaderSize;
  Cursor fixed(file, entry.offset, kLocalHeaderSize);
  bool ok = fixed.take32() == kLocalHeader;
  fixed.skip(2); // Version.
  Header local = takeCommon(fixed);
  uint64_t nameSize = fixed.take16(), extraSize = fixed.take16();
  if (!ok || nameSize + extraSize > available)
    throw FormatError("has a damaged header");
  Cursor variable(file, entry.offset + kLocalHeaderSize, nameSize + extraSize);
  local.name = variable.takeText(nameSize);
  applyZip64(variable, extraSize, local);
  if (local.flags != entry.flags || local.method != entry.method ||
      local.time != entry.time || local.crc != entry.crc ||
      local.size != entry.size ||
      local.compressedSize != entry.compressedSize || local.name != entry.name)
    throw FormatError("has a header that disagrees with the directory");
  available -= nameSize + extraSize;
  if (entry.size > available)
    throw FormatError("has " + std::to_string(entry.size) + " bytes; only " +
                      std::to_string(available) + " are in the file");
  return {entry.name, limit - available, entry.size, entry.crc};
}

std::vector<ArchiveMember> artifact::listMembers(const ByteRange &file) {
  Directory directory = readEnd(file);
  if (directory.count > kMaxMembers || directory.size > kMaxDirectoryBytes)
    throw FormatError("has a directory of " + std::to_string(directory.count) +
                      " members and " + std::to_string(directory.size) +
                      " bytes; expected at most " +
                      std::to_string(kMaxMembers) + " and " +
                      std::to_string(kMaxDirectoryBytes));
  Cursor cursor(file, directory.offset, directory.size);
  std::vector<ArchiveMember> members;
  std::set<std::string> names;
  uint64_t position = 0;
  for (uint64_t i = 0; i < directory.count; ++i) {
    Header entry = takeEntry(cursor);
    std::string subject = "member " + quote(entry.name) + " ";
    try {
      checkHeader(entry);
      if (!names.insert(entry.name).second)
        throw FormatError("occurs twice");
      // Members in another order would be legal zip, but overlap or hide bytes.
      if (entry.offset != position)
        throw FormatError("does not begin where the one before it ends");
      members.push_back(locate(file, entry, directory.offset));
    } catch (const FormatError &error) {
      throw FormatError(subject + error.what());
    }
    position = members.back().offset + members.back().size;
  }
  if (cursor.left() != 0 || position != directory.offset)
    throw FormatError("holds bytes that belong to no member");
  return members;
}

//===----------------------------------------------------------------------===//
// Contents
//===----------------------------------------------------------------------===//

MemberBytes artifact::readMember(const ByteRange &file,
                                 const ArchiveMember &member) {
  constexpr size_t kAlignment = 64;
  // Never empty, so that the pointer is not null; a multiple of the alignment,
  // as aligned_alloc wants.
  size_t capacity = (member.size / kAlignment + 1) * kAlignment;
  auto *data = static_cast<uint8_t *>(aligned_alloc(kAlignment, capacity));
  MemberBytes bytes = {std::shared_ptr<uint8_t>(data, free), member.size};
  if (!data)
    throw std::bad_alloc();
  std::string subject = "member " + quote(member.name) + " ";
  try {
    file.read(member.offset, data, member.size);
  } catch (const FormatError &error) {
    throw FormatError(subject + error.what());
  }
  if (crc32(0, data, member.size) != member.crc)
    throw FormatError(subject +
                      "is damaged: its checksum (CRC) does not match");
  return bytes;
}
