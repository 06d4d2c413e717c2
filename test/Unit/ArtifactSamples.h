//===- ArtifactSamples.h - Small artifacts for tests ------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Models that no compiler made. Their kernels are toys (ToyKernels.h).
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_TEST_UNIT_ARTIFACTSAMPLES_H
#define QUANTOPT_TEST_UNIT_ARTIFACTSAMPLES_H

#include "QuantOpt/Artifact/Artifact.h"

#include <cstring>
#include <deque>
#include <numeric>

namespace samples {

using mlir::qopt::artifact::Argument;
using mlir::qopt::artifact::Artifact;
using mlir::qopt::artifact::BufferRef;
using mlir::qopt::artifact::Constant;
using mlir::qopt::artifact::Extent;
using mlir::qopt::artifact::Launch;
using mlir::qopt::artifact::PackedConstant;
using mlir::qopt::artifact::Plan;

/// Adds a constant with a copy of the values.
template <typename T>
void addConstant(Artifact &artifact, const std::string &name, qopt_dtype dtype,
                 const std::vector<int64_t> &dims,
                 const std::vector<T> &values) {
  // Earlier constants keep their place: a deque does not move its elements.
  using Storage = std::deque<std::vector<uint8_t>>;
  auto storage = std::static_pointer_cast<const Storage>(artifact.constantData);
  if (!storage) {
    storage = std::make_shared<Storage>();
    artifact.constantData = storage;
  }
  auto &bytes = const_cast<Storage &>(*storage);
  bytes.emplace_back(values.size() * sizeof(T));
  if (!values.empty())
    memcpy(bytes.back().data(), values.data(), bytes.back().size());
  artifact.constants.push_back(
      {name, dtype, dims, bytes.back().data(), bytes.back().size()});
}

inline Argument buffer(BufferRef::Kind kind, uint32_t index, uint64_t offset,
                       uint64_t size) {
  Argument argument;
  argument.kind = Argument::Kind::Buffer;
  argument.buffer = {kind, index, offset, size};
  return argument;
}

inline Argument scalar(Argument::Kind kind, Extent extent) {
  Argument argument;
  argument.kind = kind;
  argument.scalar = extent;
  return argument;
}

inline Extent fixed(int64_t value) { return {0, value, 1}; }

/// y[b, n] = sum of x[b, k] * w[k, n], plus bias[n]; batch B, K = 3, N = 5.
/// Two launches on the chip `chip`: the product goes to the arena (toy_gemm,
/// with w packed to [8, 4]), then the bias is added (toy_bias), which counts
/// its blocks in the workspace.
inline Plan gemmPlan(const std::string &chip, int64_t batch) {
  using Kind = BufferRef::Kind;
  Plan plan;
  plan.chip = chip;
  plan.arenaBytes = 256 + uint64_t(batch) * 5 * 4;
  plan.workspaceBytes = 16;
  plan.packed = {{0, {1, 0}, {8, 4}}, {1, {0}, {8}}};
  plan.ptx = ".version 7.0\n.target " + chip + "\n.address_size 64\n";
  Launch gemm;
  gemm.kernel = "toy_gemm";
  gemm.name = "fc/matmul";
  gemm.grid = {Extent{1, 3, 4}, fixed(1), fixed(1)};
  gemm.block = {128, 1, 1};
  gemm.sharedBytes = 1024;
  gemm.arguments = {buffer(Kind::Input, 0, 0, uint64_t(batch) * 3 * 4),
                    buffer(Kind::Constant, 0, 0, 8 * 4 * 4),
                    buffer(Kind::Arena, 0, 256, uint64_t(batch) * 5 * 4),
                    scalar(Argument::Kind::Int32, {1, 0, 1})};
  Launch bias;
  bias.kernel = "toy_bias";
  bias.name = "fc/bias";
  bias.grid = {Extent{1, 0, 1}, fixed(2), fixed(1)};
  bias.block = {32, 2, 1};
  bias.arguments = {buffer(Kind::Arena, 0, 256, uint64_t(batch) * 5 * 4),
                    buffer(Kind::Constant, 1, 0, 8 * 4),
                    buffer(Kind::Output, 0, 0, uint64_t(batch) * 5 * 4),
                    buffer(Kind::Workspace, 0, 8, 4),
                    scalar(Argument::Kind::Int64, {5, 0, 1})};
  plan.launches = {gemm, bias};
  return plan;
}

/// The same in MLIR, with the constants by name.
inline std::string gemmText(int64_t batch) {
  std::string text = R"(
func.func @main(%x: tensor<Bx3xf32> {qopt.name = "x"})
    -> (tensor<Bx5xf32> {qopt.name = "y"}) {
  %w = arith.constant dense_resource<w> : tensor<3x5xf32>
  %b = arith.constant dense_resource<b> : tensor<5xf32>
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<Bx5xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<Bx5xf32>)
      -> tensor<Bx5xf32>
  %p = linalg.matmul ins(%x, %w : tensor<Bx3xf32>, tensor<3x5xf32>)
      outs(%f : tensor<Bx5xf32>) -> tensor<Bx5xf32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>,
                       affine_map<(i, j) -> (i, j)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%p, %b : tensor<Bx5xf32>, tensor<5xf32>)
      outs(%e : tensor<Bx5xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %s = arith.addf %a, %c : f32
    linalg.yield %s : f32
  } -> tensor<Bx5xf32>
  return %y : tensor<Bx5xf32>
}
)";
  const std::string marker = "<B";
  for (size_t at; (at = text.find(marker)) != std::string::npos;)
    text.replace(at, marker.size(), "<" + std::to_string(batch));
  return text;
}

inline Artifact gemmArtifact(int64_t batch = 6,
                             const std::vector<std::string> &chips = {
                                 "sm_80"}) {
  Artifact artifact;
  artifact.producer = "a test";
  artifact.modelName = "gemm";
  artifact.batch = batch;
  artifact.anyBatch = true;
  artifact.inputs = {{"x", QOPT_F32, {batch, 3}}};
  artifact.outputs = {{"y", QOPT_F32, {batch, 5}}};
  std::vector<float> weights(15);
  std::iota(weights.begin(), weights.end(), 1.0f);
  addConstant<float>(artifact, "w", QOPT_F32, {3, 5}, weights);
  addConstant<float>(artifact, "b", QOPT_F32, {5}, {10, 20, 30, 40, 50});
  for (const std::string &chip : chips)
    artifact.plans.push_back(gemmPlan(chip, batch));
  artifact.modelText = gemmText(batch);
  return artifact;
}

/// Adds two launches of toy_check to each plan, before and after the others;
/// only the first knows its samples.
inline void addChecks(Artifact &artifact) {
  using Kind = BufferRef::Kind;
  for (Plan &plan : artifact.plans) {
    Launch check;
    check.kernel = "toy_check";
    check.grid = {fixed(1), fixed(1), fixed(1)};
    check.arguments = {buffer(Kind::Input, 0, 0, uint64_t(artifact.batch) * 12),
                       buffer(Kind::Status, 0, 0, 8),
                       scalar(Argument::Kind::Int32, {1, 0, 1})};
    check.checks = {"x is too large", "x is too small"};
    check.name = "early";
    check.pointsPerSample = 2;
    plan.launches.insert(plan.launches.begin(), check);
    check.name = "late";
    check.pointsPerSample = 0;
    check.arguments[1].buffer.offset = 8;
    plan.launches.push_back(check);
  }
}

/// Constants of every type, a scalar and an empty one; a plan with a cubin and
/// one with checks.
inline Artifact richArtifact() {
  Artifact artifact = gemmArtifact(4, {"sm_80", "sm_90a"});
  artifact.modelName = "r\xc3\xa4ich \"model\"";
  addChecks(artifact);
  artifact.inputs.push_back({"scalar", QOPT_F64, {}});
  addConstant<int8_t>(artifact, "i8", QOPT_I8, {3}, {-1, 2, -128});
  addConstant<uint8_t>(artifact, "u8", QOPT_U8, {1, 1}, {255});
  addConstant<uint8_t>(artifact, "i1", QOPT_I1, {2}, {1, 0});
  addConstant<uint16_t>(artifact, "f16", QOPT_F16, {}, {0x3c00});
  addConstant<uint16_t>(artifact, "bf16", QOPT_BF16, {1}, {0x3f80});
  addConstant<int16_t>(artifact, "i16", QOPT_I16, {1}, {-300});
  addConstant<int32_t>(artifact, "i32", QOPT_I32, {1}, {1 << 30});
  addConstant<int64_t>(artifact, "i64", QOPT_I64, {1}, {INT64_MIN});
  addConstant<double>(artifact, "f64", QOPT_F64, {1}, {0.1});
  addConstant<float>(artifact, "empty", QOPT_F32, {0, 7}, {});
  artifact.plans[1].cubin = std::string("\x7f"
                                        "ELF\0cubin",
                                        10);
  return artifact;
}

} // namespace samples

#endif // QUANTOPT_TEST_UNIT_ARTIFACTSAMPLES_H
