//===- TextScan.cpp - A look at untrusted text before MLIR parses it ---*- C++
//-*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Frontend/TextScan.h"

#include <cstring>

using namespace mlir;
using namespace mlir::qopt;

/// The end of the string literal whose opening quote is at `p`.
static const char *skipString(const char *p, const char *end) {
  for (++p; p != end && *p != '"'; ++p)
    if (*p == '\\' && p + 1 != end)
      ++p;
  return p;
}

LogicalResult mlir::qopt::scanText(llvm::MemoryBufferRef buffer,
                                   bool allowBytecode, std::string &message) {
  StringRef text = buffer.getBuffer();
  if (text.starts_with("ML\xefR")) {
    if (allowBytecode)
      return success();
    message = "is MLIR bytecode, which upstream's reader does not check well "
              "enough for untrusted files; pass --allow-bytecode for your own";
    return failure();
  }
  unsigned depth = 0, line = 1;
  const char *end = text.end();
  for (const char *p = text.begin(); p != end; ++p) {
    switch (*p) {
    case '\n':
      ++line;
      break;
    case '"':
      p = skipString(p, end); // weights: the bulk of a file
      if (p == end)
        return success(); // the parser says where it began
      break;
    case '/':
      if (p + 1 != end && p[1] == '/') {
        const void *newline = memchr(p, '\n', end - p);
        p = newline ? static_cast<const char *>(newline) - 1 : end - 1;
      }
      break;
    case '(':
    case '[':
    case '{':
    case '<':
      if (++depth > kMaxNesting) {
        message = "line " + std::to_string(line) +
                  ": brackets nest deeper than " + std::to_string(kMaxNesting);
        return failure();
      }
      break;
    case ')':
    case ']':
    case '}':
      depth -= depth > 0;
      break;
    case '>':
      // Not the arrow "->".
      if (depth > 0 && (p == text.begin() || p[-1] != '-'))
        --depth;
      break;
    case '-':
      // Signs nest too, without brackets.
      if (p + kMaxNesting < end &&
          StringRef(p, kMaxNesting).find_first_not_of('-') == StringRef::npos) {
        message = "line " + std::to_string(line) + ": more than " +
                  std::to_string(kMaxNesting) + " minus signs in a row";
        return failure();
      }
      break;
    case '\0':
      message = "line " + std::to_string(line) +
                ": holds a zero byte; MLIR text was expected";
      return failure();
    default:
      break;
    }
  }
  return success();
}
