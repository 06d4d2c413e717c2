//===- ReadArtifact.cpp - Reading .qopt files -----------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// From the outside in: container, manifest, hashes, contents, meaning. Memory
// is bounded by the file's size and by what JSON's limits let a manifest take.
//
//===----------------------------------------------------------------------===//
#include "Archive.h"
#include "Manifest.h"
#include "QuantOpt/Artifact/Safetensors.h"
#include "Sha256.h"

#include <map>

using namespace mlir::qopt;
using namespace mlir::qopt::artifact;

/// A manifest larger than this is refused before it is read.
static constexpr uint64_t kMaxManifestBytes = uint64_t(1) << 26;

namespace {
/// The members of a file by name.
class Members {
public:
  explicit Members(const ByteRange &file)
      : file(file), list(listMembers(file)) {
    for (const ArchiveMember &member : list)
      byName[member.name] = &member;
  }

  const ArchiveMember *find(const std::string &name) const {
    auto found = byName.find(name);
    return found == byName.end() ? nullptr : found->second;
  }

  const ByteRange &file;
  const std::vector<ArchiveMember> list;

private:
  std::map<std::string, const ArchiveMember *> byName;
};
} // namespace

static std::string subject(const std::string &member) {
  return "member " + quote(member) + " ";
}

static void readManifest(const Members &members, Artifact &artifact) {
  const ArchiveMember *manifest = members.find(kManifestName);
  if (!manifest)
    throw FormatError(std::string("is no artifact: it has no ") +
                      kManifestName);
  if (manifest->size > kMaxManifestBytes)
    throw FormatError(
        subject(kManifestName) + "has " + std::to_string(manifest->size) +
        " bytes; expected at most " + std::to_string(kMaxManifestBytes));
  MemberBytes bytes = readMember(members.file, *manifest);
  try {
    readManifest(reinterpret_cast<const char *>(bytes.data.get()), bytes.size,
                 artifact);
  } catch (const FormatError &error) {
    throw FormatError(std::string(kManifestName) + ": " + error.what());
  }
}

/// The manifest lists exactly the members that the file has.
static void checkList(const Members &members, const Artifact &artifact) {
  std::map<std::string, const MemberInfo *> listed;
  for (const MemberInfo &info : artifact.members) {
    if (!listed.emplace(info.name, &info).second || info.name == kManifestName)
      throw FormatError(std::string(kManifestName) + ": member " +
                        quote(info.name) + " must not be listed here");
    const ArchiveMember *member = members.find(info.name);
    if (!member)
      throw FormatError("lacks the member " + quote(info.name));
    if (member->size != info.size)
      throw FormatError(subject(info.name) + "has " +
                        std::to_string(member->size) + " bytes; expected " +
                        std::to_string(info.size));
  }
  for (const ArchiveMember &member : members.list)
    if (member.name != kManifestName && !listed.count(member.name))
      throw FormatError(subject(member.name) + "is not in the manifest");
}

namespace {
/// Takes members out of the file, each once.
class ContentReader {
public:
  ContentReader(const Members &members, const Artifact &artifact)
      : members(members) {
    for (const MemberInfo &info : artifact.members)
      left[info.name] = &info;
  }

  bool has(const std::string &name) const { return left.count(name); }

  /// Reads the member and compares its hash.
  MemberBytes take(const std::string &name) {
    auto found = left.find(name);
    if (found == left.end())
      throw FormatError("lacks the member " + quote(name));
    MemberBytes bytes = readMember(members.file, *members.find(name));
    if (sha256(bytes.data.get(), bytes.size) != found->second->sha256)
      throw FormatError(subject(name) +
                        "is damaged: its SHA-256 is not that of the manifest");
    left.erase(found);
    return bytes;
  }

  std::string takeText(const std::string &name) {
    MemberBytes bytes = take(name);
    return std::string(reinterpret_cast<const char *>(bytes.data.get()),
                       bytes.size);
  }

  void finish() const {
    if (!left.empty())
      throw FormatError(subject(left.begin()->first) +
                        "belongs to nothing in the manifest");
  }

private:
  const Members &members;
  std::map<std::string, const MemberInfo *> left;
};
} // namespace

/// Gives the constants, known by name so far, their tensors.
static void readConstants(ContentReader &contents, Artifact &artifact) {
  MemberBytes bytes = contents.take(kWeightsName);
  std::vector<Constant> tensors;
  std::string error = readSafetensors(bytes.data.get(), bytes.size, tensors);
  if (!error.empty())
    throw FormatError(std::string(kWeightsName) + ": " + error);
  std::map<std::string, Constant *> byName;
  for (Constant &tensor : tensors)
    byName[tensor.name] = &tensor;
  for (Constant &constant : artifact.constants) {
    auto found = byName.find(constant.name);
    if (found == byName.end())
      throw FormatError(std::string(kWeightsName) + ": lacks constant " +
                        quote(constant.name) + ", or it is listed twice");
    constant = *found->second;
    byName.erase(found);
  }
  if (!byName.empty())
    throw FormatError(std::string(kWeightsName) + ": tensor " +
                      quote(byName.begin()->first) + " is not in the manifest");
  artifact.constantData = bytes.data;
}

static void readAll(const ByteRange &file, Artifact &artifact) {
  Members members(file);
  readManifest(members, artifact);
  checkList(members, artifact);
  ContentReader contents(members, artifact);
  readConstants(contents, artifact);
  for (Plan &plan : artifact.plans) {
    std::string cubin = kernelMember(plan, ".cubin");
    std::string ptx = kernelMember(plan, ".ptx");
    if (contents.has(cubin))
      plan.cubin = contents.takeText(cubin);
    if (contents.has(ptx))
      plan.ptx = contents.takeText(ptx);
  }
  artifact.modelText = contents.takeText(kModelName);
  contents.finish();
  if (std::string problem = validate(artifact); !problem.empty())
    throw FormatError(problem);
}

template <typename Open>
static std::unique_ptr<Artifact>
readFrom(const std::string &name, const Open &open, std::string &error) {
  std::unique_ptr<Artifact> artifact;
  error = catchErrors([&] {
    try {
      artifact = std::make_unique<Artifact>();
      readAll(*open(), *artifact);
    } catch (const std::bad_alloc &) {
      throw FormatError(quote(name) + ": out of memory");
    } catch (const FormatError &failure) {
      throw FormatError(quote(name) + ": " + failure.what());
    }
  });
  if (!error.empty())
    artifact.reset();
  return artifact;
}

std::unique_ptr<Artifact> artifact::read(const std::string &path,
                                         std::string &error) {
  return readFrom(path, [&] { return openFile(path); }, error);
}

std::unique_ptr<Artifact> artifact::readMemory(const void *data, size_t size,
                                               const std::string &name,
                                               std::string &error) {
  return readFrom(name, [&] { return openMemory(data, size); }, error);
}
