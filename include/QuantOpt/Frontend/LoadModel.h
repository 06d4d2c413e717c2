//===- LoadModel.h - Models whose weights never pass the parser --*- C++
//-*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The parser would hold a model's weights several times: as text, as a string
// of digits, as an attribute that the context hashes and keeps forever. Here
// they go from the text straight into a temporary file; the module has
// `dense_resource` handles to a mapping of it.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_FRONTEND_LOADMODEL_H
#define QUANTOPT_FRONTEND_LOADMODEL_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/Support/MemoryBuffer.h"

#include <string>

namespace llvm {
class SourceMgr;
} // namespace llvm

namespace mlir::qopt {

/// The text of a model: `path` mapped into memory, or stdin for "-". Null after
/// an error, with `message` saying what it was.
std::unique_ptr<llvm::MemoryBuffer> openModel(StringRef path,
                                              std::string &message);

struct LoadOptions {
  bool allowBytecode = false;
  /// Weights of fewer bytes are left to the parser.
  size_t minWeightBytes = 4096;
};

/// Scans (TextScan.h) and parses `buffer`, any text or, if that is allowed,
/// bytecode. Weights become resources, all else is as the parser makes it;
/// lines of diagnostics are those of the file. `sources` receives what the
/// parser read and must outlive the diagnostics.
///
/// Null after an error: `message` says what it was, or is empty where the
/// parser has reported it.
OwningOpRef<ModuleOp> loadModel(std::unique_ptr<llvm::MemoryBuffer> buffer,
                                const LoadOptions &options,
                                llvm::SourceMgr &sources, MLIRContext *context,
                                std::string &message);

} // namespace mlir::qopt

#endif // QUANTOPT_FRONTEND_LOADMODEL_H
