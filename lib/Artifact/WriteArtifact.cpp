//===- WriteArtifact.cpp - Writing .qopt files ----------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Archive.h"
#include "Manifest.h"
#include "PendingFile.h"
#include "QuantOpt/Artifact/Safetensors.h"
#include "Sha256.h"

using namespace mlir::qopt;
using namespace mlir::qopt::artifact;

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
