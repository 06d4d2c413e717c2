//===- NpzReader.cpp - Listing the arrays of .npy and .npz files ----------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Opens a file, reads every array's header and checks it against the size that
// the file or the archive declares. Data are NpzArrayStream's.
//
//===----------------------------------------------------------------------===//
#include "ArrayStream.h"

#include <cstring>
#include <map>

using namespace mlir::qopt;
using namespace mlir::qopt::npy;

//===----------------------------------------------------------------------===//
// One array
//===----------------------------------------------------------------------===//

bool npy::readHeader(ByteSource &source, uint64_t totalSize,
                     const NpzLimits &limits, Header &header,
                     std::string &error) {
  unsigned char preamble[kPreambleSize + 4];
  uint64_t consumed = kPreambleSize;
  if (totalSize < kPreambleSize + 2) {
    error =
        "is no .npy array: it has only " + std::to_string(totalSize) + " bytes";
    return false;
  }
  if (!source.read(preamble, kPreambleSize, error))
    return false;
  if (memcmp(preamble, kMagic, kMagicSize) != 0) {
    error = "is no .npy array: it does not begin with \\x93NUMPY";
    return false;
  }
  unsigned major = preamble[kMagicSize], minor = preamble[kMagicSize + 1];
  if (major < 1 || major > 3 || minor != 0) {
    error = "has .npy version " + std::to_string(major) + "." +
            std::to_string(minor) + "; expected 1.0, 2.0 or 3.0";
    return false;
  }

  size_t lengthBytes = major == 1 ? 2 : 4;
  unsigned char *lengthField = preamble + kPreambleSize;
  consumed += lengthBytes;
  if (totalSize < consumed) {
    error = "ends within its header";
    return false;
  }
  if (!source.read(lengthField, lengthBytes, error))
    return false;
  uint32_t length = 0;
  for (size_t i = 0; i < lengthBytes; ++i)
    length |= uint32_t(lengthField[i]) << (8 * i);
  if (length > limits.maxHeaderBytes || length > totalSize - consumed) {
    error = "has a header of " + std::to_string(length) + " bytes; expected " +
            (length > limits.maxHeaderBytes
                 ? "at most " + std::to_string(limits.maxHeaderBytes)
                 : "no more than the " + std::to_string(totalSize - consumed) +
                       " that follow");
    return false;
  }
  std::string text(length, '\0');
  if (!source.read(&text[0], length, error))
    return false;
  consumed += length;
  if (!parseHeader(text.data(), text.size(), limits, header, error))
    return false;

  uint64_t expected = elementTypeSize(header.type);
  for (uint64_t extent : header.shape)
    expected *= extent; // Checked by parseHeader.
  if (totalSize - consumed != expected) {
    error = "has " + std::to_string(totalSize - consumed) +
            " bytes of data; expected " + std::to_string(expected) +
            " for shape " + shapeToString(header.shape) + " of " +
            elementTypeName(header.type);
    return false;
  }
  return true;
}

//===----------------------------------------------------------------------===//
// The file
//===----------------------------------------------------------------------===//

struct NpzReader::Impl {
  bool open(std::string &error);
  bool openArchive(std::string &error);
  bool addMember(zip_t *archive, uint64_t index, std::string &error);
  void addArray(NpzArray array, Location location);

  Content content;
  NpzLimits limits;
  bool isArchive = false;
  std::vector<NpzArray> arrays;
  /// One for each array.
  std::vector<Location> locations;
  std::map<std::string, size_t> indices;
};

void NpzReader::Impl::addArray(NpzArray array, Location location) {
  array.type = location.header.type;
  array.shape = location.header.shape;
  indices.emplace(array.name, arrays.size());
  arrays.push_back(std::move(array));
  locations.push_back(std::move(location));
}

/// The size an archive declares for a member drives what a program allocates,
/// so it has to be possible: deflate at most expands 1 bit to 258 bytes, which
/// is a little over 1030 : 1.
static bool checkSizes(const zip_stat_t &status, std::string &error) {
  constexpr uint64_t kMaxDeflateRatio = 1040;
  constexpr zip_uint64_t kNeeded = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE |
                                   ZIP_STAT_COMP_METHOD |
                                   ZIP_STAT_ENCRYPTION_METHOD;
  bool deflated = status.comp_method == ZIP_CM_DEFLATE;
  if ((status.valid & kNeeded) != kNeeded) {
    error = "has an incomplete entry in the archive";
  } else if (status.encryption_method != ZIP_EM_NONE) {
    error = "is encrypted";
  } else if (!deflated && status.comp_method != ZIP_CM_STORE) {
    error = "has compression method " + std::to_string(status.comp_method) +
            "; expected stored or deflated";
  } else if (deflated ? status.size / kMaxDeflateRatio > status.comp_size
                      : status.size != status.comp_size) {
    error = "cannot have the " + std::to_string(status.size) +
            " bytes that the archive declares, being stored in " +
            std::to_string(status.comp_size);
  } else {
    return true;
  }
  return false;
}

bool NpzReader::Impl::addMember(zip_t *archive, uint64_t index,
                                std::string &error) {
  zip_stat_t status;
  zip_stat_init(&status);
  if (zip_stat_index(archive, index, 0, &status) != 0 ||
      !(status.valid & ZIP_STAT_NAME)) {
    error = "entry " + std::to_string(index) +
            " of the archive cannot be read: " + zip_strerror(archive);
    return false;
  }
  constexpr char kSuffix[] = ".npy";
  constexpr size_t kSuffixSize = sizeof(kSuffix) - 1;
  NpzArray array;
  array.name = status.name;
  if (array.name.size() < kSuffixSize ||
      array.name.compare(array.name.size() - kSuffixSize, kSuffixSize,
                         kSuffix) != 0)
    return true;
  array.name.resize(array.name.size() - kSuffixSize);
  if (indices.count(array.name)) {
    error = "array " + quoteName(array.name) + " occurs twice";
    return false;
  }
  if (arrays.size() == limits.maxArrays) {
    error = "has more than " + std::to_string(limits.maxArrays) + " arrays";
    return false;
  }

  Location location;
  location.index = index;
  location.totalSize = status.size;
  if (checkSizes(status, array.problem))
    if (auto source = openMember(archive, index, array.problem))
      readHeader(*source, status.size, limits, location.header, array.problem);
  addArray(std::move(array), std::move(location));
  return true;
}

bool NpzReader::Impl::openArchive(std::string &error) {
  ZipPtr archive = content.openArchive(error);
  if (!archive)
    return false;
  isArchive = true;
  zip_int64_t count = zip_get_num_entries(archive.get(), 0);
  for (zip_int64_t i = 0; i < count; ++i)
    if (!addMember(archive.get(), uint64_t(i), error))
      return false;
  return true;
}

bool NpzReader::Impl::open(std::string &error) {
  Location location;
  auto source = content.open(&location.totalSize, error);
  if (!source)
    return false;
  // The two kinds of archive: with members, and empty.
  constexpr char kZipMagic[] = "PK\x03\x04", kEmptyZipMagic[] = "PK\x05\x06";
  char magic[kMagicSize] = {};
  size_t magicSize = std::min<uint64_t>(location.totalSize, sizeof(magic));
  if (!source->read(magic, magicSize, error))
    return false;
  if (memcmp(magic, kZipMagic, 4) == 0 || memcmp(magic, kEmptyZipMagic, 4) == 0)
    return openArchive(error);
  if (memcmp(magic, kMagic, kMagicSize) != 0) {
    error = "is neither an .npz archive nor an .npy array";
    return false;
  }
  NpzArray array;
  source = content.open(&location.totalSize, error);
  if (!source)
    return false;
  readHeader(*source, location.totalSize, limits, location.header,
             array.problem);
  addArray(std::move(array), std::move(location));
  return true;
}

NpzReader::NpzReader(std::unique_ptr<Impl> impl) : impl(std::move(impl)) {}
NpzReader::~NpzReader() = default;

std::unique_ptr<NpzReader> NpzReader::open(const std::string &path,
                                           std::string &error,
                                           const NpzLimits &limits) {
  auto impl = std::make_unique<Impl>();
  impl->content.path = path;
  impl->limits = limits;
  if (impl->open(error))
    return std::unique_ptr<NpzReader>(new NpzReader(std::move(impl)));
  error = quoteName(path) + ": " + error;
  return nullptr;
}

std::unique_ptr<NpzReader> NpzReader::openMemory(const void *data, size_t size,
                                                 const std::string &name,
                                                 std::string &error,
                                                 const NpzLimits &limits) {
  auto impl = std::make_unique<Impl>();
  impl->content.path = name;
  impl->content.data = size ? data : ""; // Null stands for a file.
  impl->content.size = size;
  impl->limits = limits;
  if (impl->open(error))
    return std::unique_ptr<NpzReader>(new NpzReader(std::move(impl)));
  error = quoteName(name) + ": " + error;
  return nullptr;
}

const std::string &NpzReader::path() const { return impl->content.path; }
bool NpzReader::isArchive() const { return impl->isArchive; }
const std::vector<NpzArray> &NpzReader::arrays() const { return impl->arrays; }

const NpzArray *NpzReader::find(const std::string &name) const {
  auto found = impl->indices.find(name);
  return found == impl->indices.end() ? nullptr : &impl->arrays[found->second];
}

std::unique_ptr<NpzArrayStream> NpzReader::stream(const std::string &name,
                                                  std::string &error) const {
  auto found = impl->indices.find(name);
  std::string prefix = quoteName(path()) + ": ";
  if (found == impl->indices.end()) {
    error = prefix + "no array " + quoteName(name);
    return nullptr;
  }
  size_t index = found->second;
  if (impl->isArchive)
    prefix += "array " + quoteName(name) + " ";
  auto stream = std::make_unique<NpzArrayStream::Impl>();
  stream->array = impl->arrays[index];
  stream->prefix = prefix;
  if (stream->open(impl->content, impl->isArchive, impl->locations[index],
                   impl->limits, error))
    return std::unique_ptr<NpzArrayStream>(
        new NpzArrayStream(std::move(stream)));
  error = prefix + error;
  return nullptr;
}
