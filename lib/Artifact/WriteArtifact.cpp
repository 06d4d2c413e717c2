//===- WriteArtifact.cpp - Writing .qopt files ----------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A process that is killed while it writes may leave "PATH.tmp-..." behind, but
// never a partial file under the name that was asked for.
//
//===----------------------------------------------------------------------===//
#include "Archive.h"
#include "Manifest.h"
#include "QuantOpt/Artifact/Safetensors.h"
#include "Sha256.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace mlir::qopt;
using namespace mlir::qopt::artifact;

namespace {
/// A file of another name in the same folder, removed unless it was renamed.
class PendingFile {
public:
  explicit PendingFile(const std::string &path);
  ~PendingFile();
  PendingFile(const PendingFile &) = delete;
  PendingFile &operator=(const PendingFile &) = delete;

  int descriptor() const { return file; }
  /// Makes the file appear under its name, on disk.
  void commit();

private:
  std::string path, temporary;
  int file = -1;
};
} // namespace

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

namespace {
/// A member before it is written.
struct Content {
  MemberInfo info;
  std::vector<Piece> pieces;
};
} // namespace

static Content makeContent(const std::string &name, std::vector<Piece> pieces) {
  Content content = {{name, 0, ""}, std::move(pieces)};
  Sha256 hash;
  for (const Piece &piece : content.pieces) {
    hash.update(piece.data, piece.size);
    content.info.size += piece.size;
  }
  content.info.sha256 = hash.finish();
  return content;
}

static Content makeContent(const std::string &name, const std::string &text) {
  return makeContent(name, {{text.data(), text.size()}});
}

static Content makeWeights(const std::vector<Constant> &constants,
                           std::string &header) {
  std::vector<size_t> order = orderByAlignment(constants);
  std::string error;
  header = formatSafetensorsHeader(constants, order, error);
  if (!error.empty())
    throw FormatError(error);
  std::vector<Piece> pieces = {{header.data(), header.size()}};
  for (size_t index : order)
    pieces.push_back({constants[index].data, constants[index].size});
  return makeContent(kWeightsName, std::move(pieces));
}

static void writeAll(const Artifact &artifact, const std::string &path) {
  if (std::string problem = validate(artifact); !problem.empty())
    throw FormatError(problem);
  std::string header;
  std::vector<Content> contents = {makeWeights(artifact.constants, header)};
  for (const Plan &plan : artifact.plans) {
    if (!plan.cubin.empty())
      contents.push_back(makeContent(kernelMember(plan, ".cubin"), plan.cubin));
    if (!plan.ptx.empty())
      contents.push_back(makeContent(kernelMember(plan, ".ptx"), plan.ptx));
  }
  contents.push_back(makeContent(kModelName, artifact.modelText));
  std::vector<MemberInfo> members;
  for (const Content &content : contents)
    members.push_back(content.info);
  std::string manifest = writeManifest(artifact, members);

  PendingFile file(path);
  ArchiveWriter writer(file.descriptor());
  writer.add(kManifestName, {{manifest.data(), manifest.size()}});
  for (const Content &content : contents)
    writer.add(content.info.name, content.pieces);
  writer.finish();
  file.commit();
}

std::string artifact::write(const Artifact &artifact, const std::string &path) {
  return catchErrors([&] {
    try {
      writeAll(artifact, path);
    } catch (const std::bad_alloc &) {
      throw FormatError(quote(path) + ": out of memory");
    } catch (const FormatError &error) {
      throw FormatError(quote(path) + ": " + error.what());
    }
  });
}
