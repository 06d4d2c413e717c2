//===- ByteSource.cpp - Sequential bytes of a file or zip member ----------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// libzip checks a member's CRC and declared size when the end is reached; it is
// never asked for more bytes than the caller expects, plus one to find the end.
//
//===----------------------------------------------------------------------===//
#include "ByteSource.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace mlir::qopt;
using namespace mlir::qopt::npy;

bool ByteSource::read(void *buffer, uint64_t size, std::string &error) {
  // libzip 1.7 miscounts requests beyond 4 GiB.
  constexpr uint64_t kMaxRequest = uint64_t(1) << 26;
  char *next = static_cast<char *>(buffer);
  for (uint64_t left = size; left > 0;) {
    int64_t got = readSome(next, size_t(std::min(left, kMaxRequest)), error);
    if (got < 0)
      return false;
    if (got == 0) {
      error = "ends " + std::to_string(left) + " bytes early";
      return false;
    }
    next += got;
    left -= uint64_t(got);
  }
  return true;
}

bool ByteSource::expectEnd(std::string &error) {
  char byte;
  int64_t got = readSome(&byte, 1, error);
  if (got > 0)
    error = "holds more bytes than its header says";
  return got == 0;
}

namespace {

class FileSource : public ByteSource {
public:
  explicit FileSource(FilePtr file) : file(std::move(file)) {}

protected:
  int64_t readSome(void *buffer, size_t size, std::string &error) override {
    size_t got = fread(buffer, 1, size, file.get());
    if (got == 0 && ferror(file.get())) {
      error = std::string("cannot be read: ") + strerror(errno);
      return -1;
    }
    return int64_t(got);
  }

private:
  FilePtr file;
};

class MemorySource : public ByteSource {
public:
  MemorySource(const void *data, size_t size)
      : next(static_cast<const char *>(data)), left(size) {}

protected:
  int64_t readSome(void *buffer, size_t size, std::string &) override {
    size_t count = std::min(size, left);
    if (count)
      memcpy(buffer, next, count);
    next += count;
    left -= count;
    return int64_t(count);
  }

private:
  const char *next;
  size_t left;
};

class MemberSource : public ByteSource {
public:
  MemberSource(ZipPtr archive, zip_file_t *member)
      : archive(std::move(archive)), member(member) {}
  ~MemberSource() override { zip_fclose(member); }

protected:
  int64_t readSome(void *buffer, size_t size, std::string &error) override {
    zip_int64_t got = zip_fread(member, buffer, size);
    if (got < 0) {
      zip_error_t *reason = zip_file_get_error(member);
      if (zip_error_code_zip(reason) == ZIP_ER_CRC)
        error = "is damaged: its checksum (CRC) does not match";
      else if (zip_error_code_zip(reason) == ZIP_ER_INCONS)
        error = "does not have the size that the archive declares";
      else
        error = std::string("cannot be read: ") + zip_file_strerror(member);
      return -1;
    }
    return got;
  }

private:
  ZipPtr archive; // Null where shared; closed after the member.
  zip_file_t *member;
};

} // namespace

/// Opens a regular file. Others (pipes, devices) could block or never end.
static FilePtr openFile(const std::string &path, uint64_t *size,
                        std::string &error) {
  int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  struct stat status;
  if (descriptor < 0 || fstat(descriptor, &status) != 0) {
    error = std::string("cannot be opened: ") + strerror(errno);
  } else if (!S_ISREG(status.st_mode)) {
    error = S_ISDIR(status.st_mode) ? "is a folder" : "is not a regular file";
  } else if (FILE *file = fdopen(descriptor, "rb")) {
    *size = uint64_t(status.st_size);
    return FilePtr(file);
  } else {
    error = std::string("cannot be opened: ") + strerror(errno);
  }
  if (descriptor >= 0)
    close(descriptor);
  return nullptr;
}

std::unique_ptr<ByteSource> Content::open(uint64_t *totalSize,
                                          std::string &error) const {
  if (data) {
    *totalSize = size;
    return std::make_unique<MemorySource>(data, size);
  }
  FilePtr file = openFile(path, totalSize, error);
  return file ? std::make_unique<FileSource>(std::move(file)) : nullptr;
}

ZipPtr Content::openArchive(std::string &error) const {
  zip_error_t reason;
  zip_error_init(&reason);
  zip_source_t *source = nullptr;
  if (data) {
    source = zip_source_buffer_create(data, size, 0, &reason);
  } else {
    uint64_t fileSize;
    FilePtr file = openFile(path, &fileSize, error);
    if (!file) {
      zip_error_fini(&reason);
      return nullptr;
    }
    source = zip_source_filep_create(file.get(), 0, -1, &reason);
    if (source)
      file.release(); // The source closes it.
  }
  zip_t *archive = nullptr;
  if (source) {
    archive = zip_open_from_source(source, ZIP_RDONLY, &reason);
    if (!archive)
      zip_source_free(source);
  }
  if (!archive)
    error = std::string("is not a valid zip archive: ") +
            zip_error_strerror(&reason);
  zip_error_fini(&reason);
  return ZipPtr(archive);
}

static std::unique_ptr<ByteSource>
openMember(ZipPtr owned, zip_t *archive, uint64_t index, std::string &error) {
  zip_file_t *member = zip_fopen_index(archive, index, 0);
  if (!member) {
    error = std::string("cannot be read: ") + zip_strerror(archive);
    return nullptr;
  }
  return std::make_unique<MemberSource>(std::move(owned), member);
}

std::unique_ptr<ByteSource> npy::openMember(zip_t *archive, uint64_t index,
                                            std::string &error) {
  return ::openMember(nullptr, archive, index, error);
}

std::unique_ptr<ByteSource> npy::openMember(ZipPtr archive, uint64_t index,
                                            std::string &error) {
  zip_t *borrowed = archive.get();
  return ::openMember(std::move(archive), borrowed, index, error);
}
