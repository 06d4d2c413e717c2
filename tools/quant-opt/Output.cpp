//===- Output.cpp - Files that are written whole or not at all -*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Output.h"

#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mlir::qopt;

LogicalResult mlir::qopt::fail(const Twine &message) {
  llvm::errs() << "quant-opt: error: " << message << "\n";
  return failure();
}

/// Flushes; what went wrong on the way is an error about `what`.
static LogicalResult finish(llvm::raw_fd_ostream &os, const Twine &what) {
  os.flush();
  if (!os.has_error())
    return success();
  std::string reason = os.error().message();
  os.clear_error();
  return fail("cannot write " + what + ": " + reason);
}

/// True for a device or a pipe: it has no contents to protect and must not be
/// replaced.
static bool isSpecial(StringRef path) {
  llvm::sys::fs::file_status status;
  return !llvm::sys::fs::status(path, status) &&
         llvm::sys::fs::exists(status) &&
         !llvm::sys::fs::is_regular_file(status);
}

LogicalResult mlir::qopt::writeOutput(StringRef path,
                                      function_ref<void(raw_ostream &)> print) {
  if (path == "-") {
    print(llvm::outs());
    return finish(llvm::outs(), "to stdout");
  }
  std::string quoted = ("'" + path + "'").str();
  if (isSpecial(path)) {
    std::error_code code;
    llvm::raw_fd_ostream os(path, code);
    if (code)
      return fail("cannot open " + quoted + ": " + code.message());
    print(os);
    return finish(os, quoted);
  }
  SmallString<256> model(path);
  model += ".tmp-%%%%%%";
  llvm::Expected<llvm::sys::fs::TempFile> file =
      llvm::sys::fs::TempFile::create(model);
  if (!file)
    return fail("cannot create a file beside " + quoted + ": " +
                llvm::toString(file.takeError()));
  {
    llvm::raw_fd_ostream os(file->FD, /*shouldClose=*/false);
    print(os);
    if (failed(finish(os, quoted))) {
      llvm::consumeError(file->discard());
      return failure();
    }
  }
  if (llvm::Error error = file->keep(path))
    return fail("cannot rename to " + quoted + ": " +
                llvm::toString(std::move(error)));
  return success();
}
