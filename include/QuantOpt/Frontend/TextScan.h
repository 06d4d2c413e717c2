//===- TextScan.h - A look at untrusted text before MLIR parses it ---*- C++
//-*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One pass over the text, as fast as memory: it refuses what would overflow the
// parser's stack and finds the weights, nearly all of a model's bytes, which
// need no parser.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_FRONTEND_TEXTSCAN_H
#define QUANTOPT_FRONTEND_TEXTSCAN_H

#include "mlir/Support/LLVM.h"
#include "llvm/Support/MemoryBufferRef.h"

#include <functional>
#include <string>
#include <vector>

namespace mlir::qopt {

/// MLIR's parser is recursive: brackets nested deeper than this are refused
/// before they can overflow the stack. Real models nest less than 30 deep.
inline constexpr unsigned kMaxNesting = 256;

/// A weight in hex whose size is what its type says, found where the parser
/// would read an attribute or a resource. Its digits are not checked.
struct HexLiteral {
  enum class Kind {
    Dense,   ///< `dense<"0x...">`, followed by its tensor type
    Resource ///< `KEY: "0x..."` in dialect_resources, after its alignment
  };
  Kind kind;
  /// Offsets of the text that stands for the weight: from `dense` to `>`, or
  /// from the opening to the closing quote.
  size_t begin, end;
  /// The digits of the weight's bytes, two for each.
  size_t digits, numBytes;
  /// Dense: bytes of one element.
  unsigned elementBytes = 0;
  /// Resource: the key as the parser knows it, and the alignment in bytes.
  std::string key;
  unsigned alignment = 0;
};

/// What to look for beside damage.
struct ScanOptions {
  bool allowBytecode = false;
  /// Weights of fewer bytes are left to the parser.
  size_t minBytes = 4096;
  /// Receives the weights, in their order in the text; null: none are looked
  /// for.
  std::vector<HexLiteral> *literals = nullptr;
  /// Called now and then with a part of the text that the scan has passed and
  /// will hardly read again; may be null.
  std::function<void(StringRef)> passed;
};

/// Checks that `buffer` is text whose brackets nest at most kMaxNesting deep,
/// or bytecode if that is allowed. On failure `message` says what is wrong and
/// where ("line 3: ...").
LogicalResult scanText(llvm::MemoryBufferRef buffer, const ScanOptions &options,
                       std::string &message);
LogicalResult scanText(llvm::MemoryBufferRef buffer, bool allowBytecode,
                       std::string &message);

} // namespace mlir::qopt

#endif // QUANTOPT_FRONTEND_TEXTSCAN_H
