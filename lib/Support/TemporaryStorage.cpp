//===- TemporaryStorage.cpp - Weights in a file without a name ------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The file is written with pwrite, which needs no page faults and reports a
// full disk, and read through a shared mapping. A process-wide list of such
// mappings tells what releasePages may drop.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Support/TemporaryStorage.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <map>
#include <mutex>
#include <string>
#include <sys/mman.h>
#include <unistd.h>

using namespace mlir::qopt;

//===----------------------------------------------------------------------===//
// Mappings of files
//===----------------------------------------------------------------------===//

namespace {
struct FileMappings {
  std::mutex mutex;
  std::map<uintptr_t, uintptr_t> endOf; ///< By begin; they do not overlap.
};
} // namespace

/// Leaked: storage may be destroyed after static objects.
static FileMappings &getFileMappings() {
  static FileMappings *mappings = new FileMappings;
  return *mappings;
}

void mlir::qopt::releasePages(const void *data, size_t size) {
  const uintptr_t pageSize = sysconf(_SC_PAGESIZE);
  uintptr_t begin = reinterpret_cast<uintptr_t>(data), end = begin + size;
  FileMappings &mappings = getFileMappings();
  // Held until the end: the mapping must not be replaced meanwhile.
  std::lock_guard<std::mutex> lock(mappings.mutex);
  auto next = mappings.endOf.upper_bound(begin);
  if (size == 0 || next == mappings.endOf.begin())
    return;
  auto [first, last] = *std::prev(next);
  if (end > last)
    return;
  // Neighbours that share a page read it again.
  begin = std::max(first, begin / pageSize * pageSize);
  (void)madvise(reinterpret_cast<void *>(begin), end - begin, MADV_DONTNEED);
}

//===----------------------------------------------------------------------===//
// TemporaryStorage
//===----------------------------------------------------------------------===//

/// A file of `size` bytes without a name, or -1.
static int createFile(size_t size) {
  const char *folder = getenv("TMPDIR");
  std::string path = folder && *folder ? folder : "/tmp";
  path += "/quant-opt-XXXXXX";
  int file = mkostemp(path.data(), O_CLOEXEC);
  if (file < 0)
    return -1;
  (void)unlink(path.c_str());
  // A disk that fills up later would be a signal in the middle of a read.
  int error;
  do
    error = posix_fallocate(file, 0, off_t(size));
  while (error == EINTR);
  if (error == 0)
    return file;
  close(file);
  return -1;
}

std::shared_ptr<TemporaryStorage> TemporaryStorage::create(size_t size) {
  int file = createFile(size);
  void *base = MAP_FAILED;
  if (file >= 0) {
    base = mmap(nullptr, size, PROT_READ, MAP_SHARED, file, 0);
    if (base == MAP_FAILED) {
      close(file);
      file = -1;
    }
  }
  if (base == MAP_FAILED)
    base = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base == MAP_FAILED)
    return nullptr;
  return std::shared_ptr<TemporaryStorage>(
      new TemporaryStorage(static_cast<char *>(base), size, file));
}

TemporaryStorage::TemporaryStorage(char *base, size_t length, int file)
    : base(base), length(length), mapsFile(file >= 0), file(file) {
  if (!mapsFile)
    return;
  FileMappings &mappings = getFileMappings();
  std::lock_guard<std::mutex> lock(mappings.mutex);
  uintptr_t begin = reinterpret_cast<uintptr_t>(base);
  mappings.endOf[begin] = begin + length;
}

TemporaryStorage::~TemporaryStorage() {
  FileMappings &mappings = getFileMappings();
  std::lock_guard<std::mutex> lock(mappings.mutex);
  mappings.endOf.erase(reinterpret_cast<uintptr_t>(base));
  munmap(base, length);
  finish();
}

void TemporaryStorage::finish() {
  if (file >= 0)
    close(file);
  file = -1;
}

bool TemporaryStorage::write(size_t offset, const void *data, size_t count) {
  if (!mapsFile) {
    memcpy(base + offset, data, count);
    return true;
  }
  const char *next = static_cast<const char *>(data);
  while (count > 0) {
    ssize_t written = pwrite(file, next, count, off_t(offset));
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return false;
    next += written;
    offset += written;
    count -= written;
  }
  return true;
}
