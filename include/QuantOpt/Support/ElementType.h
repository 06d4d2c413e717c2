//===- ElementType.h - Types of tensor elements and conversion --*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The element types of data that come from files or go into a model, and the
// conversion of buffers between them. Needs neither LLVM nor exceptions.
// Buffers are dense, in the machine's byte order and aligned to their elements.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_SUPPORT_ELEMENTTYPE_H
#define QUANTOPT_SUPPORT_ELEMENTTYPE_H

#include <cstddef>
#include <cstdint>
#include <string>

namespace mlir::qopt {

/// Type of one element. I1 is a truth value in a byte of its own, 0 or 1.
enum class ElementType : uint8_t {
  F16,
  BF16,
  F32,
  F64,
  I1,
  I8,
  I16,
  I32,
  I64,
  U8,
  U16,
  U32,
  U64
};

/// "f32", "u8", ...
const char *elementTypeName(ElementType type);

/// Bytes of one element: 1, 2, 4 or 8.
size_t elementTypeSize(ElementType type);

/// True for F16, BF16, F32 and F64; the others are integers.
bool isFloatType(ElementType type);

/// Converts `count` elements; the buffers do not overlap.
///
/// Float to float rounds once, to nearest even (what is too large becomes an
/// infinity). Integer to integer keeps the value: one that does not fit is an
/// error that names its index, counted from `firstIndex`, and the value; for I1
/// only 0 and 1 fit. Integers also convert to F32 and F64, rounding likewise.
/// Float to integer and integer to F16 or BF16 are refused.
bool convertElements(ElementType from, const void *source, ElementType to,
                     void *destination, size_t count, std::string &error,
                     uint64_t firstIndex = 0);

/// True if `convertElements` knows the pair of types.
bool isConvertible(ElementType from, ElementType to);

/// Element `index` of a buffer as f64, exact except for integers beyond 2^53.
double elementAsDouble(ElementType type, const void *data, size_t index);

/// Element `index` of a buffer as text that tells it from its neighbours.
std::string elementAsText(ElementType type, const void *data, size_t index);

} // namespace mlir::qopt

#endif // QUANTOPT_SUPPORT_ELEMENTTYPE_H
