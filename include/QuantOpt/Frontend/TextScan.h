//===- TextScan.h - A look at untrusted text before MLIR parses it ---*- C++
//-*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_FRONTEND_TEXTSCAN_H
#define QUANTOPT_FRONTEND_TEXTSCAN_H

#include "mlir/Support/LLVM.h"
#include "llvm/Support/MemoryBufferRef.h"

#include <string>

namespace mlir::qopt {

/// MLIR's parser is recursive: brackets nested deeper than this are refused
/// before they can overflow the stack. Real models nest less than 30 deep.
inline constexpr unsigned kMaxNesting = 256;

/// Checks that `buffer` is text whose brackets nest at most kMaxNesting deep,
/// or bytecode if that is allowed. On failure `message` says what is wrong and
/// where ("line 3: ...").
LogicalResult scanText(llvm::MemoryBufferRef buffer, bool allowBytecode,
                       std::string &message);

} // namespace mlir::qopt

#endif // QUANTOPT_FRONTEND_TEXTSCAN_H
