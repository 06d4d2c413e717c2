//===- ExportSuite.cpp - Cases and goldens as artifacts --------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "ExportSuite.h"

#include "GemmLayout.h"
#include "QuantOpt/Support/Npz.h"
#include "QuantOpt/Target/CompileArtifact.h"
#include "QuantOpt/Target/Ptx.h"
#include "QuantOpt/Target/Ptxas.h"
#include "mlir/Parser/Parser.h"

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::test;
using artifact::Artifact;
using artifact::BufferRef;

artifact::Extent test::makeExtent(int64_t value) {
  artifact::Extent extent;
  extent.offset = value;
  return extent;
}

artifact::Argument test::makePointer(BufferRef::Kind kind, uint32_t index,
                                     uint64_t size) {
  artifact::Argument argument;
  argument.kind = artifact::Argument::Kind::Buffer;
  argument.buffer = {kind, index, 0, size};
  return argument;
}

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

static ElementType getElementType(qopt_dtype dtype) {
  switch (dtype) {
  case QOPT_F32:
    return ElementType::F32;
  case QOPT_F16:
    return ElementType::F16;
  case QOPT_I16:
    return ElementType::I16;
  case QOPT_I32:
    return ElementType::I32;
  case QOPT_U8:
    return ElementType::U8;
  default:
    return ElementType::I8;
  }
}

static bool report(const std::string &error) {
  if (!error.empty())
    llvm::errs() << "kernel-suite: error: " << error << "\n";
  return error.empty();
}

bool Exporter::writeTensors(const std::string &name,
                            const std::vector<GoldenTensor> &tensors) {
  std::string error;
  std::unique_ptr<NpzWriter> writer =
      NpzWriter::create(folder + "/" + name + ".npz", error);
  for (const GoldenTensor &tensor : tensors) {
    size_t index = 0;
    std::vector<uint64_t> shape(tensor.dims.begin(), tensor.dims.end());
    ElementType type = getElementType(tensor.dtype);
    if (writer && writer->addArray(tensor.name, type, shape, &index, error))
      writer->append(index, tensor.bytes.data(),
                     tensor.bytes.size() / elementTypeSize(type), error);
    if (!error.empty())
      return report(error);
  }
  return (writer && writer->finish(error)) || report(error);
}

bool Exporter::write(const std::string &name, const Artifact &artifact) {
  return report(artifact::write(artifact, folder + "/" + name + ".qopt"));
}

Artifact Exporter::makeKernelArtifact(const std::string &name) {
  Artifact artifact;
  artifact.producer = "kernel-suite";
  artifact.modelName = name;
  artifact.fixedBatchReason = "it is a single kernel";
  artifact.modelText = "// A kernel without a model.\n";
  return artifact;
}

bool Exporter::compile(gpu::GPUModuleOp kernels, artifact::Plan &plan) {
  FailureOr<std::string> ptx = translateToPtx(kernels, plan.chip);
  if (failed(ptx))
    return false;
  plan.ptx = *ptx;
  if (!findPtxas())
    return true;
  auto [place, isNew] = cubins.try_emplace({plan.chip, plan.ptx});
  if (isNew) {
    auto emitError = [&] { return kernels.emitError(); };
    FailureOr<Cubin> cubin = assemble(plan.ptx, plan.chip, emitError);
    if (failed(cubin))
      return false;
    place->second = std::move(cubin->image);
  }
  plan.cubin = place->second;
  return true;
}

//===----------------------------------------------------------------------===//
// Goldens
//===----------------------------------------------------------------------===//

static artifact::TensorSpec getSpec(const GoldenTensor &tensor) {
  return {tensor.name, tensor.dtype, tensor.dims};
}

bool Exporter::add(const DeviceGolden &golden) {
  auto module =
      parseSourceString<ModuleOp>(golden.module, ParserConfig(&context));
  if (!module)
    return false;
  artifact::Launch launch;
  launch.kernel = "golden";
  launch.name = golden.name;
  for (size_t d = 0; d < launch.grid.size(); ++d)
    launch.grid[d] = makeExtent(golden.grid[d]);
  launch.block = {golden.threads, 1, 1};
  launch.sharedBytes = golden.sharedBytes;

  Artifact artifact = makeKernelArtifact(golden.name);
  std::vector<GoldenTensor> tensors = golden.inputs;
  for (auto [i, input] : llvm::enumerate(golden.inputs)) {
    artifact.inputs.push_back(getSpec(input));
    launch.arguments.push_back(
        makePointer(BufferRef::Kind::Input, i, input.bytes.size()));
  }
  for (auto [i, output] : llvm::enumerate(golden.outputs)) {
    artifact.outputs.push_back(getSpec(output));
    launch.arguments.push_back(
        makePointer(BufferRef::Kind::Output, i, output.bytes.size()));
    tensors.push_back(output);
  }
  for (const std::string &chip : chips) {
    artifact::Plan &plan = artifact.plans.emplace_back();
    plan.chip = chip;
    plan.launches = {launch};
    auto kernels = *module->getOps<gpu::GPUModuleOp>().begin();
    if (!compile(kernels, plan))
      return false;
  }
  return write(golden.name, artifact) && writeTensors(golden.name, tensors);
}

//===----------------------------------------------------------------------===//
// Gemms
//===----------------------------------------------------------------------===//

template <typename T>
static std::vector<uint8_t> getBytes(const std::vector<T> &values) {
  const auto *start = reinterpret_cast<const uint8_t *>(values.data());
  return {start, start + values.size() * sizeof(T)};
}

bool Exporter::add(const GemmCase &gemm) {
  // Tensors of a model have no space between rows.
  if (gemm.slack != 0)
    return true;
  std::string name = gemm.getName();
  GemmData data = makeData(gemm);
  auto module = parseSourceString<ModuleOp>(makeModule(gemm, &data),
                                            ParserConfig(&context));
  if (!module)
    return false;
  TargetOptions options;
  options.modelName = name;
  FailureOr<Artifact> artifact = compileArtifact(*module, chips, options);
  if (failed(artifact))
    return false;
  auto inMemory = [&](GemmOperand operand, const std::vector<uint8_t> &bytes,
                      qopt_dtype dtype) {
    return getLayout(gemm, operand)
        .toMemory(bytes, elementTypeSize(getElementType(dtype)), /*filler=*/0);
  };
  std::vector<GoldenTensor> tensors;
  for (const artifact::TensorSpec &spec : artifact->inputs) {
    const bool isFirst = tensors.empty();
    tensors.push_back({spec.name, spec.dtype, spec.dims,
                       isFirst ? inMemory(GemmOperand::A, data.a, spec.dtype)
                       : data.residual.empty() ? getBytes(data.rowScales)
                                               : data.residual});
  }
  const artifact::TensorSpec &result = artifact->outputs.front();
  tensors.push_back({result.name, result.dtype, result.dims,
                     inMemory(GemmOperand::Result, data.result, result.dtype)});
  return write(name, *artifact) && writeTensors(name, tensors);
}
