//===- NpzWriter.cpp - Writing .npz files ---------------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Arrays grow in unnamed temporary files; libzip packs these into an archive of
// a temporary name and renames it.
//
//===----------------------------------------------------------------------===//
#include "ByteSource.h"
#include "NpyHeader.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <sys/stat.h>
#include <unistd.h>

using namespace mlir::qopt;
using namespace mlir::qopt::npy;

namespace {
/// An array on its way: header and data so far.
struct PendingArray {
  std::string name;
  ElementType type;
  uint64_t headerBytes;
  uint64_t numElements;
  uint64_t written = 0;
  FilePtr file;
};
} // namespace

struct NpzWriter::Impl {
  bool fail(const std::string &what, std::string &error) const {
    error = quoteName(path) + ": " + what;
    return false;
  }
  bool failArray(const std::string &name, const std::string &what,
                 std::string &error) const {
    return fail("array " + quoteName(name) + " " + what, error);
  }
  bool pack(zip_t *archive, std::string &error);

  std::string path;
  Compression compression;
  std::vector<PendingArray> arrays;
  bool finished = false;
};

/// A file without a name in the folder of `path`, where the result will need
/// the space anyway.
static FilePtr openUnnamed(const std::string &path) {
  std::string name = path + ".XXXXXX";
  int descriptor = mkstemp(&name[0]);
  if (descriptor < 0)
    return nullptr;
  unlink(name.c_str());
  FilePtr file(fdopen(descriptor, "w+b"));
  if (!file)
    close(descriptor);
  return file;
}

NpzWriter::NpzWriter(std::unique_ptr<Impl> impl) : impl(std::move(impl)) {}
NpzWriter::~NpzWriter() = default;

std::unique_ptr<NpzWriter> NpzWriter::create(const std::string &path,
                                             std::string &error,
                                             Compression compression) {
  auto impl = std::make_unique<Impl>();
  impl->path = path;
  impl->compression = compression;
  // Renaming would put a file in place of a device or link; a link's target is
  // what is meant.
  struct stat status;
  if (stat(path.c_str(), &status) == 0) {
    if (!S_ISREG(status.st_mode)) {
      impl->fail("exists and is not a regular file", error);
      return nullptr;
    }
    if (char *resolved = realpath(path.c_str(), nullptr)) {
      impl->path = resolved;
      free(resolved);
    }
  }
  if (!openUnnamed(impl->path)) {
    impl->fail(std::string("cannot be written: ") + strerror(errno), error);
    return nullptr;
  }
  return std::unique_ptr<NpzWriter>(new NpzWriter(std::move(impl)));
}

bool NpzWriter::addArray(const std::string &name, ElementType type,
                         const std::vector<uint64_t> &shape, size_t *index,
                         std::string &error) {
  constexpr size_t kMaxRank = 32;
  PendingArray array;
  array.name = name;
  array.type = type;
  array.numElements = 1;
  if (name.empty() || name.find('\0') != std::string::npos)
    return impl->failArray(name, "has no valid name", error);
  for (const PendingArray &other : impl->arrays)
    if (other.name == name)
      return impl->failArray(name, "is added twice", error);
  if (type == ElementType::BF16)
    return impl->failArray(
        name, "has type bf16, which NumPy lacks; convert it to f32", error);
  if (shape.size() > kMaxRank)
    return impl->failArray(name, "has more than 32 dimensions", error);
  uint64_t bytes = elementTypeSize(type);
  for (uint64_t extent : shape) {
    array.numElements *= extent;
    if (!checkedMultiply(bytes, extent ? extent : 1, bytes) ||
        bytes > uint64_t(INT64_MAX))
      return impl->failArray(
          name, "has shape " + shapeToString(shape) + ", which is too large",
          error);
  }

  std::string header = formatHeader(type, shape);
  array.headerBytes = header.size();
  array.file = openUnnamed(impl->path);
  if (!array.file || fwrite(header.data(), 1, header.size(),
                            array.file.get()) != header.size())
    return impl->failArray(
        name, std::string("cannot be written: ") + strerror(errno), error);
  *index = impl->arrays.size();
  impl->arrays.push_back(std::move(array));
  return true;
}

bool NpzWriter::append(size_t index, const void *data, uint64_t count,
                       std::string &error) {
  if (index >= impl->arrays.size() || impl->finished)
    return impl->fail("no array takes data under this number", error);
  PendingArray &array = impl->arrays[index];
  if (count > array.numElements - array.written)
    return impl->failArray(array.name,
                           "gets more than the " +
                               std::to_string(array.numElements) +
                               " elements of its shape",
                           error);
  size_t size = elementTypeSize(array.type);
  if (count && fwrite(data, size, count, array.file.get()) != count)
    return impl->failArray(array.name,
                           std::string("cannot be written: ") + strerror(errno),
                           error);
  array.written += count;
  return true;
}

/// Adds all arrays to `archive`, which then owns their files.
bool NpzWriter::Impl::pack(zip_t *archive, std::string &error) {
  for (PendingArray &array : arrays) {
    // libzip reads from where the file stands. Seeking also writes what is
    // buffered.
    if (fseek(array.file.get(), 0, SEEK_SET) != 0)
      return failArray(array.name,
                       std::string("cannot be written: ") + strerror(errno),
                       error);
    uint64_t size =
        array.headerBytes + array.numElements * elementTypeSize(array.type);
    zip_source_t *source =
        zip_source_filep(archive, array.file.get(), 0, zip_int64_t(size));
    if (!source)
      return failArray(
          array.name, std::string("cannot be packed: ") + zip_strerror(archive),
          error);
    array.file.release(); // The source closes it.
    zip_int64_t index = zip_file_add(archive, (array.name + ".npy").c_str(),
                                     source, ZIP_FL_ENC_UTF_8);
    if (index < 0)
      zip_source_free(source);
    // The date is the earliest of zip, 1980-01-01, as NumPy's is.
    constexpr zip_uint16_t kTime = 0, kDate = 1 << 5 | 1;
    zip_int32_t method =
        compression == Compression::Stored ? ZIP_CM_STORE : ZIP_CM_DEFLATE;
    if (index < 0 || zip_set_file_compression(archive, index, method, 0) != 0 ||
        zip_file_set_dostime(archive, index, kTime, kDate, 0) != 0)
      return failArray(
          array.name, std::string("cannot be packed: ") + zip_strerror(archive),
          error);
  }
  return true;
}

bool NpzWriter::finish(std::string &error) {
  if (impl->finished || impl->arrays.empty())
    return impl->fail(impl->finished ? "is finished already"
                                     : "has no arrays to write",
                      error);
  for (const PendingArray &array : impl->arrays)
    if (array.written != array.numElements)
      return impl->failArray(array.name,
                             "got " + std::to_string(array.written) + " of " +
                                 std::to_string(array.numElements) +
                                 " elements",
                             error);
  impl->finished = true;
  int code = 0;
  ZipPtr archive(
      zip_open(impl->path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code));
  if (!archive) {
    zip_error_t reason;
    zip_error_init_with_code(&reason, code);
    impl->fail(std::string("cannot be written: ") + zip_error_strerror(&reason),
               error);
    zip_error_fini(&reason);
    return false;
  }
  if (!impl->pack(archive.get(), error))
    return false;
  if (zip_close(archive.get()) != 0)
    return impl->fail(std::string("cannot be written: ") +
                          zip_strerror(archive.get()),
                      error);
  archive.release(); // Closed.
  return true;
}
