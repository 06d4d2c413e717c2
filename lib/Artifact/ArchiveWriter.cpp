//===- ArchiveWriter.cpp - Writing stored zip archives --------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The zip64 fields are written only where a size or an offset needs them. The
// bytes depend on names and contents only: there are no dates.
//
//===----------------------------------------------------------------------===//
#include "Archive.h"
#include "PendingFile.h"
#include "Sha256.h"

#include <algorithm>

using namespace mlir::qopt;
using namespace mlir::qopt::artifact;
using namespace mlir::qopt::artifact::zip;

/// What a reader needs to know: 2.0, or 4.5 for zip64.
static constexpr uint16_t kVersion = 20, kVersion64 = 45;
/// The earliest date of zip, 1980-01-01.
static constexpr uint16_t kDate = 1 << 5 | 1;
static constexpr uint64_t kAlignment = 64;

static void put16(std::string &bytes, uint64_t value) {
  bytes += char(value);
  bytes += char(value >> 8);
}

static void put32(std::string &bytes, uint64_t value) {
  put16(bytes, value);
  put16(bytes, value >> 16);
}

static void put64(std::string &bytes, uint64_t value) {
  put32(bytes, value);
  put32(bytes, value >> 32);
}

static uint64_t clamp32(uint64_t value) {
  return std::min<uint64_t>(value, kMax32);
}

void ArchiveWriter::write(const void *data, uint64_t size) {
  position += size;
  writeBytes(descriptor, data, size);
}

/// The fields that the local header and the directory share, from the version
/// needed to the length of the name.
static std::string formatCommon(const ArchiveMember &member, bool isLarge) {
  std::string bytes;
  put16(bytes, isLarge ? kVersion64 : kVersion);
  put16(bytes, kUtf8Flag);
  put16(bytes, 0); // Stored.
  put16(bytes, 0); // Midnight.
  put16(bytes, kDate);
  put32(bytes, member.crc);
  put32(bytes, isLarge ? kMax32 : member.size);
  put32(bytes, isLarge ? kMax32 : member.size);
  put16(bytes, member.name.size());
  return bytes;
}

static std::string formatZip64(std::initializer_list<uint64_t> numbers) {
  std::string bytes;
  put16(bytes, kZip64Extra);
  put16(bytes, 8 * numbers.size());
  for (uint64_t number : numbers)
    put64(bytes, number);
  return bytes;
}

void ArchiveWriter::add(const std::string &name,
                        const std::vector<Piece> &pieces) {
  Entry entry = {{name, 0, 0, 0}, position};
  ArchiveMember &member = entry.member;
  for (const Piece &piece : pieces) {
    member.crc = crc32(member.crc, piece.data, piece.size);
    member.size += piece.size;
  }
  bool isLarge = member.size >= kMax32;
  std::string extra;
  if (isLarge)
    extra = formatZip64({member.size, member.size});
  // The filler has an id, a length, the alignment, and zeros.
  constexpr uint64_t kFillerHeader = 6;
  uint64_t end =
      position + kLocalHeaderSize + name.size() + extra.size() + kFillerHeader;
  uint64_t numZeros = (kAlignment - end % kAlignment) % kAlignment;
  put16(extra, kAlignmentExtra);
  put16(extra, 2 + numZeros);
  put16(extra, kAlignment);
  extra.append(numZeros, '\0');

  std::string header;
  put32(header, kLocalHeader);
  header += formatCommon(member, isLarge);
  put16(header, extra.size());
  header += name + extra;
  write(header.data(), header.size());
  for (const Piece &piece : pieces)
    write(piece.data, piece.size);
  entries.push_back(std::move(entry));
}

void ArchiveWriter::finish() {
  uint64_t start = position;
  for (const Entry &entry : entries) {
    const ArchiveMember &member = entry.member;
    bool isLarge = member.size >= kMax32;
    bool isFar = entry.headerOffset >= kMax32;
    std::string extra;
    if (isLarge && isFar)
      extra = formatZip64({member.size, member.size, entry.headerOffset});
    else if (isLarge)
      extra = formatZip64({member.size, member.size});
    else if (isFar)
      extra = formatZip64({entry.headerOffset});
    std::string bytes;
    put32(bytes, kDirectoryEntry);
    put16(bytes, kVersion64); // Made by.
    bytes += formatCommon(member, isLarge);
    put16(bytes, extra.size());
    put16(bytes, 0); // No comment.
    put16(bytes, 0); // Disk.
    put16(bytes, 0); // Internal attributes.
    put32(bytes, 0); // External attributes.
    put32(bytes, clamp32(entry.headerOffset));
    bytes += member.name + extra;
    write(bytes.data(), bytes.size());
  }

  uint64_t size = position - start;
  std::string bytes;
  if (start >= kMax32 || size >= kMax32 || entries.size() >= kMax16) {
    uint64_t end64 = position;
    put32(bytes, kEnd64);
    put64(bytes, kEnd64Size - 12); // Of what follows.
    put16(bytes, kVersion64);
    put16(bytes, kVersion64);
    put32(bytes, 0); // This disk, and the directory's.
    put32(bytes, 0);
    put64(bytes, entries.size());
    put64(bytes, entries.size());
    put64(bytes, size);
    put64(bytes, start);
    put32(bytes, kEnd64Locator);
    put32(bytes, 0);
    put64(bytes, end64);
    put32(bytes, 1); // Number of disks.
  }
  put32(bytes, kEnd);
  put32(bytes, 0); // This disk, and the directory's.
  put16(bytes, std::min<uint64_t>(entries.size(), kMax16));
  put16(bytes, std::min<uint64_t>(entries.size(), kMax16));
  put32(bytes, clamp32(size));
  put32(bytes, clamp32(start));
  put16(bytes, 0); // No comment.
  write(bytes.data(), bytes.size());
}
