//===- NpyHeader.h - The header of a .npy file ------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A .npy file is "\x93NUMPY", a version of two bytes, the header's length (16
// bits in version 1, 32 in versions 2 and 3), a Python dict literal with the
// keys descr, fortran_order and shape, and the data. This file knows the
// literal; what surrounds it is NpzReader's.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_SUPPORT_NPYHEADER_H
#define QUANTOPT_LIB_SUPPORT_NPYHEADER_H

#include "QuantOpt/Support/Npz.h"

namespace mlir::qopt::npy {

inline constexpr char kMagic[] = "\x93NUMPY";
inline constexpr size_t kMagicSize = 6;
/// Magic and version.
inline constexpr size_t kPreambleSize = kMagicSize + 2;

struct Header {
  ElementType type;
  bool bigEndian;
  /// Stored column by column, and not the same as row by row.
  bool fortranOrder;
  std::vector<uint64_t> shape;
};

/// a * b in `product`, or false.
bool checkedMultiply(uint64_t a, uint64_t b, uint64_t &product);

/// Parses the dict of `size` bytes. The product of the shape and its size in
/// bytes are checked against the limits.
bool parseHeader(const char *text, size_t size, const NpzLimits &limits,
                 Header &header, std::string &error);

/// All bytes before the data: version 1.0, little-endian, C order, padded to a
/// multiple of 64. `type` is not BF16 and the rank at most 32.
std::string formatHeader(ElementType type, const std::vector<uint64_t> &shape);

} // namespace mlir::qopt::npy

#endif // QUANTOPT_LIB_SUPPORT_NPYHEADER_H
