//===- NpzArrayStream.cpp - Reading an array row by row -------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each stream opens the file for itself, because neither FILE nor libzip's
// archive may be shared between threads. An array in Fortran order is brought
// into row-major order in memory when its first row is read.
//
//===----------------------------------------------------------------------===//
#include "ArrayStream.h"

#include <algorithm>
#include <cstring>
#include <new>

using namespace mlir::qopt;
using namespace mlir::qopt::npy;

/// Elements converted or reordered at a time.
static constexpr uint64_t kChunkElements = 1 << 14;
static constexpr size_t kMaxElementSize = 8;

bool NpzArrayStream::Impl::open(const Content &content, bool isArchive,
                                const Location &location,
                                const NpzLimits &limits, std::string &error) {
  if (!array.problem.empty()) {
    error = array.problem;
    return false;
  }
  uint64_t totalSize = location.totalSize;
  if (isArchive) {
    ZipPtr archive = content.openArchive(error);
    if (!archive)
      return false;
    zip_stat_t status;
    zip_stat_init(&status);
    if (zip_stat_index(archive.get(), location.index, 0, &status) == 0)
      totalSize = status.size;
    source = openMember(std::move(archive), location.index, error);
  } else {
    source = content.open(&totalSize, error);
  }
  if (!source ||
      !readHeader(*source, location.totalSize, limits, header, error))
    return false;
  const Header &listed = location.header;
  if (totalSize != location.totalSize || header.type != listed.type ||
      header.bigEndian != listed.bigEndian ||
      header.fortranOrder != listed.fortranOrder ||
      header.shape != listed.shape) {
    error = "has changed since the file was opened";
    return false;
  }
  uint64_t bytes = array.numElements() * elementTypeSize(array.type);
  if (header.fortranOrder && bytes > limits.maxResidentBytes) {
    error = "is in Fortran order and so has to be in memory as a whole, but "
            "its " +
            std::to_string(bytes) + " bytes are more than the limit of " +
            std::to_string(limits.maxResidentBytes) +
            "; save it with numpy.ascontiguousarray";
    return false;
  }
  return bytes != 0 || source->expectEnd(error);
}

//===----------------------------------------------------------------------===//
// Bytes to native elements
//===----------------------------------------------------------------------===//

template <typename Unsigned> static void swapBytes(void *data, uint64_t count) {
  char *bytes = static_cast<char *>(data);
  for (uint64_t i = 0; i < count; ++i, bytes += sizeof(Unsigned)) {
    Unsigned value;
    memcpy(&value, bytes, sizeof(value));
    if constexpr (sizeof(value) == 2)
      value = __builtin_bswap16(value);
    else if constexpr (sizeof(value) == 4)
      value = __builtin_bswap32(value);
    else
      value = __builtin_bswap64(value);
    memcpy(bytes, &value, sizeof(value));
  }
}

void NpzArrayStream::Impl::makeNative(void *data, uint64_t count) const {
  if (array.type == ElementType::I1) {
    // As NumPy does, take any byte but 0 for true.
    uint8_t *bytes = static_cast<uint8_t *>(data);
    for (uint64_t i = 0; i < count; ++i)
      bytes[i] = bytes[i] != 0;
    return;
  }
  constexpr bool kHostIsBigEndian = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
  if (header.bigEndian == kHostIsBigEndian)
    return;
  switch (elementTypeSize(array.type)) {
  case 2:
    return swapBytes<uint16_t>(data, count);
  case 4:
    return swapBytes<uint32_t>(data, count);
  case 8:
    return swapBytes<uint64_t>(data, count);
  }
}

//===----------------------------------------------------------------------===//
// Fortran order
//===----------------------------------------------------------------------===//

bool NpzArrayStream::Impl::loadFortran(std::string &error) {
  size_t size = elementTypeSize(array.type), rank = array.shape.size();
  uint64_t left = array.numElements();
  resident.reset(new (std::nothrow) char[left * size]);
  if (!resident) {
    error = "is in Fortran order and its " + std::to_string(left * size) +
            " bytes do not fit in memory";
    return false;
  }
  // The row-major distance between neighbours of each dimension, in bytes.
  std::vector<uint64_t> strides(rank), indices(rank, 0);
  uint64_t stride = size;
  for (size_t i = rank; i-- > 0; stride *= array.shape[i])
    strides[i] = stride;

  char chunk[kChunkElements * kMaxElementSize];
  uint64_t offset = 0;
  while (left > 0) {
    uint64_t count = std::min(left, kChunkElements);
    if (!source->read(chunk, count * size, error))
      return false;
    makeNative(chunk, count);
    for (uint64_t i = 0; i < count; ++i) {
      memcpy(resident.get() + offset, chunk + i * size, size);
      // The first index runs fastest.
      for (size_t dim = 0; dim < rank; ++dim) {
        offset += strides[dim];
        if (++indices[dim] < array.shape[dim])
          break;
        offset -= strides[dim] * array.shape[dim];
        indices[dim] = 0;
      }
    }
    left -= count;
  }
  return source->expectEnd(error);
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

bool NpzArrayStream::Impl::readRows(uint64_t rows, void *buffer,
                                    std::string &error) {
  uint64_t rowBytes = array.rowBytes(), bytes = rows * rowBytes;
  if (bytes == 0) {
    position += rows;
    return true;
  }
  if (header.fortranOrder) {
    if (!resident && !loadFortran(error))
      return false;
    memcpy(buffer, resident.get() + position * rowBytes, bytes);
    position += rows;
    return true;
  }
  if (!source->read(buffer, bytes, error))
    return false;
  makeNative(buffer, rows * array.rowElements());
  position += rows;
  return position != array.numRows() || source->expectEnd(error);
}

bool NpzArrayStream::Impl::convertRows(ElementType to, uint64_t rows,
                                       void *buffer, std::string &error) {
  if (to == array.type)
    return readRows(rows, buffer, error);
  if (!isConvertible(array.type, to)) {
    error = std::string("has type ") + elementTypeName(array.type) +
            ", which is not converted to " + elementTypeName(to);
    return false;
  }
  size_t size = elementTypeSize(array.type), toSize = elementTypeSize(to);
  uint64_t left = rows * array.rowElements();
  uint64_t index = position * array.rowElements();
  if (header.fortranOrder && left && !resident && !loadFortran(error))
    return false;
  char chunk[kChunkElements * kMaxElementSize];
  for (char *next = static_cast<char *>(buffer); left > 0;) {
    uint64_t count = std::min(left, kChunkElements);
    const char *elements = chunk;
    if (header.fortranOrder) {
      elements = resident.get() + index * size;
    } else {
      if (!source->read(chunk, count * size, error))
        return false;
      makeNative(chunk, count);
    }
    if (!convertElements(array.type, elements, to, next, count, error, index)) {
      error = "cannot be read as " + std::string(elementTypeName(to)) + ": " +
              error;
      return false;
    }
    next += count * toSize;
    index += count;
    left -= count;
  }
  position += rows;
  return header.fortranOrder || array.numElements() == 0 ||
         position != array.numRows() || source->expectEnd(error);
}

template <typename Body>
bool NpzArrayStream::Impl::guard(uint64_t rows, std::string &error,
                                 const Body &body) {
  if (failure.empty() && rows > array.numRows() - position)
    failure = "has " + std::to_string(array.numRows()) + " rows, of which " +
              std::to_string(array.numRows() - position) +
              " are left; asked for " + std::to_string(rows);
  else if (failure.empty() && !body(failure) && failure.empty())
    failure = "cannot be read";
  if (failure.empty())
    return true;
  error = prefix + failure;
  return false;
}

NpzArrayStream::NpzArrayStream(std::unique_ptr<Impl> impl)
    : impl(std::move(impl)) {}
NpzArrayStream::~NpzArrayStream() = default;

const NpzArray &NpzArrayStream::array() const { return impl->array; }
uint64_t NpzArrayStream::position() const { return impl->position; }

bool NpzArrayStream::read(uint64_t rows, void *buffer, std::string &error) {
  return impl->guard(rows, error, [&](std::string &reason) {
    return impl->readRows(rows, buffer, reason);
  });
}

bool NpzArrayStream::readAs(ElementType to, uint64_t rows, void *buffer,
                            std::string &error) {
  return impl->guard(rows, error, [&](std::string &reason) {
    return impl->convertRows(to, rows, buffer, reason);
  });
}
