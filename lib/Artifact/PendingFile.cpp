//===- PendingFile.cpp - Files that appear complete or not at all ---------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "PendingFile.h"
#include "Format.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace mlir::qopt;
using namespace mlir::qopt::artifact;

[[noreturn]] static void failWriting() {
  throw FormatError(std::string("cannot be written: ") + strerror(errno));
}

PendingFile::PendingFile(const std::string &target) : path(target) {
  // Renaming would put a file in place of a device or link; a link's target is
  // what is meant.
  struct stat status;
  if (stat(path.c_str(), &status) == 0) {
    if (!S_ISREG(status.st_mode))
      throw FormatError("exists and is not a regular file");
    if (char *resolved = realpath(path.c_str(), nullptr)) {
      path = resolved;
      free(resolved);
    }
  }
  constexpr int kMaxAttempts = 1000;
  constexpr mode_t kMode = 0666; // Less the user's mask.
  for (int attempt = 0; file < 0; ++attempt) {
    temporary = path + ".tmp-" + std::to_string(getpid()) + "-" +
                std::to_string(attempt);
    file =
        open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kMode);
    if (file < 0 && (errno != EEXIST || attempt == kMaxAttempts))
      failWriting();
  }
}

PendingFile::~PendingFile() {
  if (file >= 0) {
    close(file);
    unlink(temporary.c_str());
  }
}

void PendingFile::commit() {
  if (fsync(file) != 0 || rename(temporary.c_str(), path.c_str()) != 0)
    failWriting();
  close(file);
  file = -1;
  // The name is safe once the folder is; some file systems cannot say.
  size_t slash = path.rfind('/');
  std::string folder =
      slash == std::string::npos ? "." : path.substr(0, slash + 1);
  int handle = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (handle >= 0) {
    fsync(handle);
    close(handle);
  }
}

void artifact::writeBytes(int descriptor, const void *data, uint64_t size) {
  constexpr uint64_t kMaxRequest = uint64_t(1) << 30;
  const char *next = static_cast<const char *>(data);
  while (size > 0) {
    ssize_t written =
        ::write(descriptor, next, size_t(std::min(size, kMaxRequest)));
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      failWriting();
    next += written;
    size -= uint64_t(written);
  }
}
