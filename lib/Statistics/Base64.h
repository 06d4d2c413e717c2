//===- Base64.h - Bytes as text ---------------------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// RFC 4648, section 4: with padding and without line breaks. What is decoded is
// the only text that encodes to those bytes.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_STATISTICS_BASE64_H
#define QUANTOPT_LIB_STATISTICS_BASE64_H

#include <string>

namespace mlir::qopt {

std::string encodeBase64(const std::string &bytes);

/// False where the text is not what `encodeBase64` gives.
bool decodeBase64(const std::string &text, std::string &bytes);

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_STATISTICS_BASE64_H
