//===- Artifact.h - The contents of a .qopt file ---------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A compiled model as data: what the compiler fills in, what the file holds and
// what the runtime executes. No LLVM. The file is a zip archive (stored) with
//
//   manifest.json          everything below but the bulk data, and the size and
//                          sha256 of every other member
//   weights.safetensors    constants in logical layout, each once
//   kernels/<chip>.cubin   one per plan, where ptxas was there
//   kernels/<chip>.ptx     one per plan
//   model.mlir             the integer form, for the CPU and the emulator
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_ARTIFACT_ARTIFACT_H
#define QUANTOPT_ARTIFACT_ARTIFACT_H

#include "QuantOpt/Runtime/quant_opt_runtime.h"

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace mlir::qopt::artifact {

/// Version of the manifest's schema. A reader refuses others.
constexpr int64_t kSchemaVersion = 1;

/// floor((batch * scale + offset) / divisor) * factor: a quantity that depends
/// on the number of samples of a run, such as tiles of rows times tiles of
/// columns. scale, offset >= 0; divisor, factor >= 1.
struct Extent {
  int64_t scale = 0;
  int64_t offset = 0;
  int64_t divisor = 1;
  int64_t factor = 1;
};

/// An input or output of the model. `dims` are those of the compiled batch.
struct TensorSpec {
  std::string name;
  qopt_dtype dtype = QOPT_F32;
  std::vector<int64_t> dims;
};

/// A constant of the model, in logical row-major layout.
struct Constant {
  std::string name;
  qopt_dtype dtype = QOPT_F32;
  std::vector<int64_t> dims;
  /// Its bytes: into `Artifact::constantData`, or into the mapped file.
  const uint8_t *data = nullptr;
  uint64_t size = 0;
};

/// A constant as kernels want it, made once at load:
///   packed[i0, i1, ...] = constant[j0, j1, ...],  j[permutation[d]] = i[d],
/// where that is in bounds, else zero. Without padding and permutation: a copy.
struct PackedConstant {
  /// Index into Artifact::constants.
  uint32_t constant = 0;
  std::vector<uint32_t> permutation;
  /// Extents of the packed tensor; as many as the constant has.
  std::vector<int64_t> dims;
};

/// Where a pointer argument of a kernel points: byte `offset` of a buffer. The
/// kernel touches at most `size` bytes from there.
struct BufferRef {
  enum class Kind : uint8_t {
    Input,
    Output,
    Arena,
    Constant,
    Workspace,
    /// Words of launches with checks, in their order; see StatusWord.h.
    Status
  };
  Kind kind = Kind::Arena;
  /// Of the input, output or packed constant; 0 for the others.
  uint32_t index = 0;
  uint64_t offset = 0;
  uint64_t size = 0;
};

/// One kernel parameter, in order.
struct Argument {
  enum class Kind : uint8_t { Buffer, Int32, Int64 };
  Kind kind = Kind::Buffer;
  BufferRef buffer;
  Extent scalar;
};

/// One launch; launches run one after the other.
struct Launch {
  /// Symbol in the plan's cubin and PTX.
  std::string kernel;
  /// The op it computes, for profiles and errors.
  std::string name;
  std::array<Extent, 3> grid;
  std::array<uint32_t, 3> block = {1, 1, 1};
  /// Dynamic shared memory in bytes.
  uint32_t sharedBytes = 0;
  std::vector<Argument> arguments;
  /// Messages of what the kernel checks, by number. If there are any, one
  /// argument is the launch's status word, else none is.
  std::vector<std::string> checks;
  /// Points that a sample has in the status word; 0 where the launch does not
  /// go sample by sample.
  int64_t pointsPerSample = 0;
};

/// The model compiled for one chip.
struct Plan {
  /// "sm_80".
  std::string chip;
  uint64_t arenaBytes = 0;
  /// Zeroed when a session is opened; every launch leaves it zeroed.
  uint64_t workspaceBytes = 0;
  std::vector<PackedConstant> packed;
  std::vector<Launch> launches;
  /// Empty where there was no ptxas.
  std::string cubin;
  std::string ptx;
};

/// A member of the file but the manifest.
struct MemberInfo {
  std::string name;
  uint64_t size = 0;
  /// 64 lower-case hexadecimal digits.
  std::string sha256;
};

struct Artifact {
  /// "quant-opt 0.1.0 (LLVM 22.1.8)".
  std::string producer;
  std::string modelName;
  /// Samples of the compiled batch, and whether fewer may be run.
  int64_t batch = 1;
  bool anyBatch = false;
  /// Why not, where `anyBatch` is false: names the op.
  std::string fixedBatchReason;
  std::vector<TensorSpec> inputs, outputs;
  std::vector<Constant> constants;
  std::vector<Plan> plans;
  /// Text of the integer form.
  std::string modelText;
  /// Keeps the bytes of `constants` alive.
  std::shared_ptr<const void> constantData;
  /// Filled by read(), which has compared the hashes; ignored by write().
  std::vector<MemberInfo> members;
};

/// The value of an extent of a validated artifact, for 1 <= batch <=
/// Artifact::batch.
inline int64_t evaluate(const Extent &extent, int64_t batch) {
  return (batch * extent.scale + extent.offset) / extent.divisor *
         extent.factor;
}

/// Bytes of the status words of a plan.
uint64_t statusBytes(const Plan &plan);

/// Bytes of a dense tensor of a validated artifact.
uint64_t byteSize(qopt_dtype dtype, const std::vector<int64_t> &dims);

/// Number of the chip, such as 80 of "sm_80" and 90 of "sm_90a"; 0 if the name
/// is none.
int chipNumber(const std::string &chip);

/// Checks everything a runtime relies on: indices, bounds of every argument in
/// its buffer at the compiled batch, sizes without overflow, positive grids,
/// names, limits on counts. Names of inputs, outputs, constants and kernels are
/// unique where they have to be, not empty and UTF-8 without control
/// characters. With `anyBatch`, `batch` is the first extent of every output and
/// of every input that is not a scalar. Returns an empty string, or what is
/// wrong.
std::string validate(const Artifact &artifact);

/// Validates, writes the file beside `path`, which must be new or a regular
/// file, and renames it. Text that only informs (producer, names of launches)
/// may hold any bytes; what is not UTF-8 is replaced. Returns an empty string,
/// or what went wrong; `path` is then as it was.
std::string write(const Artifact &artifact, const std::string &path);

/// Reads and checks the file: container, sizes, hashes, schema, then
/// validate(). Constants are read once, into memory that constantData owns: a
/// file that changes later changes nothing. On failure returns null and sets
/// `error` to one line that names the file and the member.
std::unique_ptr<Artifact> read(const std::string &path, std::string &error);

/// The same for a file's content in memory, which is not needed afterwards;
/// `name` stands for it in messages.
std::unique_ptr<Artifact> readMemory(const void *data, size_t size,
                                     const std::string &name,
                                     std::string &error);

} // namespace mlir::qopt::artifact

#endif // QUANTOPT_ARTIFACT_ARTIFACT_H
