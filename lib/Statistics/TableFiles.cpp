//===- TableFiles.cpp - Reading and writing small text files --------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TableFiles.h"
#include "Archive.h"
#include "PendingFile.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace mlir::qopt;
using namespace mlir::qopt::artifact;

static std::string readBytes(const ByteRange &file, uint64_t size) {
  std::string text(size, '\0');
  file.read(0, text.data(), size);
  return text;
}

bool mlir::qopt::readStart(const std::string &path, uint64_t maxBytes,
                           std::string &text, std::string &error) {
  return reportErrors(path, error, [&] {
    auto file = openFile(path);
    text = readBytes(*file, std::min(file->size(), maxBytes));
  });
}

bool mlir::qopt::readText(const std::string &path, uint64_t maxBytes,
                          std::string &text, std::string &error) {
  return reportErrors(path, error, [&] {
    auto file = openFile(path);
    if (file->size() > maxBytes)
      throw FormatError("has " + std::to_string(file->size()) +
                        " bytes; expected at most " + std::to_string(maxBytes));
    text = readBytes(*file, file->size());
  });
}

/// True for a device or a pipe.
static bool isSpecial(const std::string &path) {
  struct stat status;
  return stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode) &&
         !S_ISDIR(status.st_mode);
}

namespace {
/// Closes a descriptor.
struct Closer {
  ~Closer() { close(descriptor); }
  const int descriptor;
};
} // namespace

bool mlir::qopt::writeText(const std::string &path, const std::string &text,
                           std::string &error) {
  return reportErrors(path, error, [&] {
    if (isSpecial(path)) {
      Closer file = {open(path.c_str(), O_WRONLY | O_CLOEXEC)};
      if (file.descriptor < 0)
        throw FormatError(std::string("cannot be opened: ") + strerror(errno));
      writeBytes(file.descriptor, text.data(), text.size());
      return;
    }
    PendingFile file(path);
    writeBytes(file.descriptor(), text.data(), text.size());
    file.commit();
  });
}
