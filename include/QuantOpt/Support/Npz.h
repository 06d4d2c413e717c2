//===- Npz.h - Reading and writing NumPy's .npy and .npz --------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Samples, references and outputs travel as NumPy archives. The reader takes
// untrusted files: every size is checked before it is used, nothing is ever
// unpickled, and an array is streamed row by row (a row is one index of the
// first dimension), so that memory does not grow with the file.
//
// Functions that can fail return false or null and set `error` to a message
// that names file and array, what was found and what was expected. Needs
// neither LLVM nor exceptions.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_SUPPORT_NPZ_H
#define QUANTOPT_SUPPORT_NPZ_H

#include "QuantOpt/Support/ElementType.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace mlir::qopt {

/// What a reader refuses to go beyond.
struct NpzLimits {
  /// Text of one array's header, in bytes; NumPy itself stops at 10000.
  uint32_t maxHeaderBytes = 64 * 1024;
  /// Number of dimensions.
  uint32_t maxRank = 32;
  /// Arrays in one file.
  uint32_t maxArrays = 4096;
  /// Data of one array, in bytes. Streaming needs memory for a row only.
  uint64_t maxArrayBytes = uint64_t(1) << 44;
  /// Data of one array that has to be in memory as a whole, in bytes: one in
  /// Fortran order.
  uint64_t maxResidentBytes = uint64_t(1) << 32;
};

/// One array of a file.
struct NpzArray {
  /// The key: the name without ".npy"; empty for the array of a .npy file.
  std::string name;
  ElementType type = ElementType::F32;
  /// Empty for a scalar.
  std::vector<uint64_t> shape;
  /// Why the array cannot be read, such as an object type; empty if it can, and
  /// only then are type and shape meaningful.
  std::string problem;

  /// Extent of the first dimension; 1 for a scalar.
  uint64_t numRows() const;
  /// Elements and bytes of one row. The reader has checked that these and the
  /// products below fit.
  uint64_t rowElements() const;
  uint64_t rowBytes() const;
  uint64_t numElements() const;
};

/// "2x3" for messages; "scalar" where there are no dimensions.
std::string shapeToString(const std::vector<uint64_t> &shape);

/// A name in quotes for messages: control characters escaped, long ones cut.
std::string quoteName(const std::string &name);

/// Reads the rows of one array in order, each once. For one thread at a time;
/// any number of streams may be open on one file.
class NpzArrayStream {
public:
  ~NpzArrayStream();
  NpzArrayStream(const NpzArrayStream &) = delete;
  NpzArrayStream &operator=(const NpzArrayStream &) = delete;

  const NpzArray &array() const;
  /// The row that the next read begins with.
  uint64_t position() const;

  /// Reads the next `rows` rows into `buffer`, in row-major order and the
  /// machine's byte order. After the last row the file's checksum is compared.
  /// A failed stream stays failed.
  bool read(uint64_t rows, void *buffer, std::string &error);

  /// The same, converted to type `to` as by `convertElements`.
  bool readAs(ElementType to, uint64_t rows, void *buffer, std::string &error);

private:
  friend class NpzReader;
  struct Impl;
  explicit NpzArrayStream(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl;
};

/// An open .npz (stored or deflated) or .npy file. Immutable once open, so that
/// threads may share it.
class NpzReader {
public:
  /// Opens a file and reads the headers of its arrays, not their data. What is
  /// wrong with one array only is that array's `problem`; what makes the file
  /// ambiguous or unreadable, such as a name that occurs twice, is an error.
  /// Members of an archive that are not named "*.npy" are left out.
  static std::unique_ptr<NpzReader> open(const std::string &path,
                                         std::string &error,
                                         const NpzLimits &limits = {});

  /// The same for a file's content in memory, which must outlive reader and
  /// streams. `name` stands for it in messages.
  static std::unique_ptr<NpzReader> openMemory(const void *data, size_t size,
                                               const std::string &name,
                                               std::string &error,
                                               const NpzLimits &limits = {});
  ~NpzReader();
  NpzReader(const NpzReader &) = delete;
  NpzReader &operator=(const NpzReader &) = delete;

  /// Path or name that the reader was opened with.
  const std::string &path() const;
  /// False for a single .npy.
  bool isArchive() const;
  /// In the order of the file.
  const std::vector<NpzArray> &arrays() const;
  /// The array with this key, or null.
  const NpzArray *find(const std::string &name) const;

  /// Starts reading an array.
  std::unique_ptr<NpzArrayStream> stream(const std::string &name,
                                         std::string &error) const;

private:
  struct Impl;
  explicit NpzReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl;
};

/// Writes an .npz that NumPy reads. Rows are appended to the arrays in any
/// order and kept in unnamed temporary files beside the result; `finish` makes
/// the file appear under its name at once, complete. Without `finish`, or when
/// it fails, nothing is left behind and an older file is untouched. The bytes
/// depend on names and data only. For one thread at a time.
class NpzWriter {
public:
  enum class Compression { Stored, Deflated };

  /// `path` must be new or a regular file.
  static std::unique_ptr<NpzWriter>
  create(const std::string &path, std::string &error,
         Compression compression = Compression::Deflated);
  ~NpzWriter();
  NpzWriter(const NpzWriter &) = delete;
  NpzWriter &operator=(const NpzWriter &) = delete;

  /// Declares an array; its data follow by `append`. Names are unique and not
  /// empty; BF16, which NumPy lacks, is refused. `*index` is the array's number
  /// for `append`.
  bool addArray(const std::string &name, ElementType type,
                const std::vector<uint64_t> &shape, size_t *index,
                std::string &error);

  /// Appends the next `count` elements, in row-major order, to array `index`.
  bool append(size_t index, const void *data, uint64_t count,
              std::string &error);

  /// Writes and closes the file. Every array must be complete.
  bool finish(std::string &error);

private:
  struct Impl;
  explicit NpzWriter(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl;
};

} // namespace mlir::qopt

#endif // QUANTOPT_SUPPORT_NPZ_H
