//===- HexDigits.h - Bytes from hex digits at memory speed -----*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Internal to lib/Frontend and its tests.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_FRONTEND_HEXDIGITS_H
#define QUANTOPT_LIB_FRONTEND_HEXDIGITS_H

#include <cstddef>
#include <cstdint>

namespace mlir::qopt {

/// Writes the bytes of 2 · `numBytes` hex digits of either case. False if some
/// character is no digit; `bytes` then hold nothing useful.
bool decodeHex(const char *digits, size_t numBytes, uint8_t *bytes);

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_FRONTEND_HEXDIGITS_H
