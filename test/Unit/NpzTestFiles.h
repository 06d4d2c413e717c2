//===- NpzTestFiles.h - .npy and .npz files made byte by byte ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Independent of NpzWriter, so that reader and writer are not tested against
// each other only, and able to lie in every field.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_TEST_UNIT_NPZTESTFILES_H
#define QUANTOPT_TEST_UNIT_NPZTESTFILES_H

#include "QuantOpt/Support/Npz.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace npztest {

using mlir::qopt::NpzArrayStream;
using mlir::qopt::NpzReader;

/// `size` bytes of `value`, least first.
inline std::string littleEndian(uint64_t value, int size) {
  std::string bytes;
  for (int i = 0; i < size; ++i)
    bytes += char(value >> (8 * i));
  return bytes;
}

/// The bytes of numbers as they are in memory.
template <typename T> std::string bytesOf(const std::vector<T> &values) {
  return std::string(reinterpret_cast<const char *>(values.data()),
                     values.size() * sizeof(T));
}

/// A .npy file with this dict and version.
inline std::string npyWithHeader(const std::string &dict,
                                 const std::string &data = "", int major = 1,
                                 int minor = 0) {
  return std::string("\x93NUMPY") + char(major) + char(minor) +
         littleEndian(dict.size(), major == 1 ? 2 : 4) + dict + data;
}

/// A well-formed header, as NumPy prints it but for the padding.
inline std::string npyDict(const std::string &descr, const std::string &shape,
                           bool fortran = false) {
  return "{'descr': '" + descr +
         "', 'fortran_order': " + (fortran ? "True" : "False") +
         ", 'shape': " + shape + ", }\n";
}

inline std::string npy(const std::string &descr, const std::string &shape,
                       const std::string &data, bool fortran = false) {
  return npyWithHeader(npyDict(descr, shape, fortran), data);
}

inline uint32_t crc32(const std::string &data) {
  uint32_t crc = ~0u;
  for (unsigned char byte : data) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit)
      crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
  }
  return ~crc;
}

/// One raw deflate block of stored bytes.
inline std::string deflateStored(const std::string &data) {
  return '\x01' + littleEndian(data.size(), 2) + littleEndian(~data.size(), 2) +
         data;
}

/// A member of an archive; what is set overrides the truth.
struct Member {
  std::string name;
  /// As in the file.
  std::string data;
  uint16_t method = 0;
  /// Uncompressed.
  std::optional<uint64_t> size = {};
  std::optional<uint64_t> compressedSize = {};
  std::optional<uint32_t> crc = {};
  uint16_t flags = 0;
  /// Sizes in the extra field for large files.
  bool zip64 = false;
};

inline std::string zip(const std::vector<Member> &members) {
  std::string archive, directory;
  for (const Member &member : members) {
    uint64_t compressed = member.compressedSize.value_or(member.data.size());
    uint64_t size = member.size.value_or(member.data.size());
    uint32_t crc = member.crc.value_or(crc32(member.data));
    std::string extra;
    if (member.zip64)
      extra = littleEndian(1, 2) + littleEndian(16, 2) + littleEndian(size, 8) +
              littleEndian(compressed, 8);
    // From the version needed to the lengths of name and extra field.
    std::string common =
        littleEndian(45, 2) + littleEndian(member.flags, 2) +
        littleEndian(member.method, 2) + littleEndian(0, 2) +
        littleEndian(0x21, 2) + littleEndian(crc, 4) +
        littleEndian(member.zip64 ? 0xffffffff : compressed, 4) +
        littleEndian(member.zip64 ? 0xffffffff : size, 4) +
        littleEndian(member.name.size(), 2) + littleEndian(extra.size(), 2);
    directory += "PK\x01\x02" + littleEndian(45, 2) + common +
                 std::string(10, '\0') + littleEndian(archive.size(), 4) +
                 member.name + extra;
    archive += "PK\x03\x04" + common + member.name + extra + member.data;
  }
  return archive + directory + "PK\x05\x06" + littleEndian(0, 4) +
         littleEndian(members.size(), 2) + littleEndian(members.size(), 2) +
         littleEndian(directory.size(), 4) + littleEndian(archive.size(), 4) +
         littleEndian(0, 2);
}

/// An open file in memory.
struct Opened {
  explicit Opened(std::string bytes, mlir::qopt::NpzLimits limits = {})
      : bytes(std::move(bytes)),
        reader(NpzReader::openMemory(this->bytes.data(), this->bytes.size(),
                                     "memory.npz", error, limits)) {}

  /// What keeps the array from being read as a whole; "" if nothing does.
  std::string readError(const std::string &name = "") {
    std::string reason = error;
    auto stream = reader ? reader->stream(name, reason) : nullptr;
    if (!stream)
      return reason;
    std::vector<char> buffer(stream->array().numElements() * 8 + 1);
    return stream->read(stream->array().numRows(), buffer.data(), reason)
               ? ""
               : reason;
  }

  std::string bytes, error;
  std::unique_ptr<NpzReader> reader;
};

/// All elements of an array as T; `type` is T's. Empty after an error.
template <typename T>
std::vector<T> readAll(const NpzReader &reader, const std::string &name,
                       mlir::qopt::ElementType type, std::string &error) {
  auto stream = reader.stream(name, error);
  if (!stream)
    return {};
  std::vector<T> values(stream->array().numElements());
  if (!stream->readAs(type, stream->array().numRows(), values.data(), error))
    values.clear();
  return values;
}

/// A folder that is removed with all its files.
class TemporaryFolder {
public:
  TemporaryFolder() {
    std::string name =
        (std::filesystem::temp_directory_path() / "quant-opt.XXXXXX").string();
    folder = mkdtemp(name.data()) ? name : "";
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  }

  std::string path(const std::string &file) const {
    return folder + "/" + file;
  }

  /// Names of the files in it, sorted.
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto &entry : std::filesystem::directory_iterator(folder))
      names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
  }

private:
  std::string folder;
};

inline std::string readFile(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

inline void writeFile(const std::string &path, const std::string &bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

} // namespace npztest

#endif // QUANTOPT_TEST_UNIT_NPZTESTFILES_H
