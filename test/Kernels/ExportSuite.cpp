//===- ExportSuite.cpp - Cases and goldens as artifacts --------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "ExportSuite.h"

#include "KernelModule.h"
#include "QuantOpt/Support/Npz.h"
#include "QuantOpt/Target/Ptx.h"
#include "QuantOpt/Target/Ptxas.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::test;
using artifact::Artifact;
using artifact::BufferRef;

static artifact::Extent fixed(int64_t value) {
  artifact::Extent extent;
  extent.offset = value;
  return extent;
}

static artifact::Argument makePointer(BufferRef::Kind kind, uint32_t index,
                                      uint64_t size) {
  artifact::Argument argument;
  argument.kind = artifact::Argument::Kind::Buffer;
  argument.buffer = {kind, index, 0, size};
  return argument;
}

static qopt_dtype getDtype(Type type) {
  if (type.isF32())
    return QOPT_F32;
  if (type.isF16())
    return QOPT_F16;
  return type.isInteger(32) ? QOPT_I32 : QOPT_I8;
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

bool Exporter::write(const std::string &name, Artifact &artifact) {
  artifact.producer = "kernel-suite";
  artifact.modelName = name;
  artifact.fixedBatchReason = "the suite's kernels are compiled for one shape";
  if (artifact.modelText.empty())
    artifact.modelText = "// One kernel; there is no model.\n";
  return report(artifact::write(artifact, folder + "/" + name + ".qopt"));
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
    for (const ResourceUsage &usage : cubin->log.kernels)
      spilledBytes += usage.spillStores + usage.spillLoads;
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
    launch.grid[d] = fixed(golden.grid[d]);
  launch.block = {golden.threads, 1, 1};
  launch.sharedBytes = golden.sharedBytes;

  Artifact artifact;
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

namespace {
/// What the arguments of a case's function on buffers stand for, in order: a,
/// b and the channels' numbers, row scales or residual, result.
class Operands {
public:
  Operands(func::FuncOp function, bool hasConstants) {
    ArrayRef<Type> types = function.getArgumentTypes();
    // With more than a, b, d there are multipliers and offsets.
    size_t numConstants = types.size() > 3 ? 3 : 1;
    for (auto [i, type] : llvm::enumerate(types)) {
      BufferRef::Kind kind = i + 1 == types.size() ? BufferRef::Kind::Output
                             : hasConstants && i >= 1 && i <= numConstants
                                 ? BufferRef::Kind::Constant
                                 : BufferRef::Kind::Input;
      static const char *const kNames[] = {"a", "b", "m", "o", "r"};
      places.push_back({kind, counts[static_cast<size_t>(kind)]++,
                        kind == BufferRef::Kind::Output ? "d" : kNames[i],
                        cast<MemRefType>(type)});
    }
  }

  struct Place {
    BufferRef::Kind kind;
    uint32_t index;
    const char *name;
    MemRefType type;
  };
  std::vector<Place> places;

private:
  std::array<uint32_t, 5> counts = {};
};
} // namespace

/// The argument behind a kernel's buffer, which may be a pack of it.
static unsigned getArgumentNumber(Value buffer) {
  if (auto pack = buffer.getDefiningOp<PackOp>())
    buffer = pack.getSource();
  return cast<BlockArgument>(buffer).getArgNumber();
}

static uint64_t getBytes(MemRefType type) {
  return static_cast<uint64_t>(type.getNumElements()) *
         type.getElementTypeBitWidth() / 8;
}

static int64_t evaluate(AffineExpr expr, int64_t rows) {
  AffineExpr number = getAffineConstantExpr(rows, expr.getContext());
  return cast<AffineConstantExpr>(expr.replaceDimsAndSymbols({}, number))
      .getValue();
}

bool Exporter::buildPlan(const GemmCase &gemm, bool hasConstants,
                         StringRef chip, artifact::Plan &plan) {
  auto built = buildKernel(context, gemm, *findChip(chip));
  if (!built)
    return false;
  Operands operands(built->gemm->getParentOfType<func::FuncOp>(), hasConstants);
  int64_t rows = gemm.batch ? gemm.batch : gemm.m;
  artifact::Launch launch;
  launch.kernel = built->launch.kernel;
  launch.name = gemm.getName();
  for (auto [extent, expr] : llvm::zip(launch.grid, built->launch.grid))
    extent = fixed(evaluate(expr, rows));
  launch.block = {static_cast<uint32_t>(built->launch.threads), 1, 1};
  launch.sharedBytes = built->launch.sharedBytes;
  plan.chip = chip.str();
  plan.workspaceBytes = built->launch.workspaceBytes;
  for (const Operands::Place &place : operands.places)
    if (place.kind == BufferRef::Kind::Constant)
      plan.packed.push_back({place.index, {}, {}});
  for (const KernelArgument &argument : built->launch.arguments) {
    artifact::Argument &result = launch.arguments.emplace_back();
    switch (argument.kind) {
    case KernelArgument::Kind::Scalar:
      result.kind = argument.bits == 64 ? artifact::Argument::Kind::Int64
                                        : artifact::Argument::Kind::Int32;
      result.scalar = fixed(evaluate(argument.scalar, rows));
      break;
    case KernelArgument::Kind::Workspace:
      result = makePointer(BufferRef::Kind::Workspace, 0, plan.workspaceBytes);
      break;
    case KernelArgument::Kind::Buffer: {
      const auto &place = operands.places[getArgumentNumber(argument.buffer)];
      auto type = cast<MemRefType>(argument.buffer.getType());
      result = makePointer(place.kind, place.index, getBytes(type));
      if (place.kind == BufferRef::Kind::Constant) {
        artifact::PackedConstant &packed = plan.packed[place.index];
        packed.dims = type.getShape();
        packed.permutation.clear();
        for (uint32_t d = 0; d < packed.dims.size(); ++d)
          packed.permutation.push_back(d);
      }
    }
    }
  }
  plan.launches = {launch};
  return compile(built->kernels, plan);
}

/// Inputs, constants and outputs of a case, and the tensors of its .npz.
static void describeOperands(const Operands &operands, const GemmData *data,
                             Artifact &artifact,
                             std::vector<GoldenTensor> &tensors) {
  auto getData = [&](StringRef name) -> std::vector<uint8_t> {
    auto bytes = [](const auto &values) {
      const auto *start = reinterpret_cast<const uint8_t *>(values.data());
      return std::vector<uint8_t>(start,
                                  start + values.size() * sizeof(values[0]));
    };
    if (name == "a")
      return data->a;
    if (name == "b")
      return data->b;
    if (name == "m")
      return bytes(data->multipliers);
    if (name == "o")
      return bytes(data->offsets);
    if (name == "d")
      return data->result;
    return data->residual.empty() ? bytes(data->rowScales)
                                  : bytes(data->residual);
  };
  for (const Operands::Place &place : operands.places) {
    std::vector<int64_t> dims = place.type.getShape();
    qopt_dtype dtype = getDtype(place.type.getElementType());
    if (place.kind == BufferRef::Kind::Constant) {
      auto storage = std::make_shared<
          std::pair<std::shared_ptr<const void>, std::vector<uint8_t>>>(
          artifact.constantData, getData(place.name));
      artifact.constants.push_back({place.name, dtype, dims,
                                    storage->second.data(),
                                    storage->second.size()});
      artifact.constantData = storage;
      continue;
    }
    auto &specs = place.kind == BufferRef::Kind::Output ? artifact.outputs
                                                        : artifact.inputs;
    specs.push_back({place.name, dtype, dims});
    if (data)
      tensors.push_back({place.name, dtype, dims, getData(place.name)});
  }
}

/// The types of a case's operands.
static OwningOpRef<ModuleOp> parseCase(MLIRContext &context,
                                       const GemmCase &gemm) {
  return parseSourceString<ModuleOp>(makeModule(gemm, nullptr),
                                     ParserConfig(&context));
}

bool Exporter::add(const GemmCase &gemm) {
  OwningOpRef<ModuleOp> module = parseCase(context, gemm);
  if (!module)
    return false;
  GemmData data = makeData(gemm);
  Artifact artifact;
  std::vector<GoldenTensor> tensors;
  Operands operands(*module->getOps<func::FuncOp>().begin(),
                    /*hasConstants=*/true);
  describeOperands(operands, &data, artifact, tensors);
  artifact.modelText = makeModule(gemm, &data);
  for (const std::string &chip : chips)
    if (!buildPlan(gemm, /*hasConstants=*/true, chip,
                   artifact.plans.emplace_back()))
      return false;
  return write(gemm.getName(), artifact) &&
         writeTensors(gemm.getName(), tensors);
}

bool Exporter::addBenchmark(const GemmCase &gemm) {
  OwningOpRef<ModuleOp> module = parseCase(context, gemm);
  if (!module)
    return false;
  Artifact artifact;
  std::vector<GoldenTensor> tensors;
  Operands operands(*module->getOps<func::FuncOp>().begin(),
                    /*hasConstants=*/false);
  describeOperands(operands, nullptr, artifact, tensors);
  for (const std::string &chip : chips)
    if (!buildPlan(gemm, /*hasConstants=*/false, chip,
                   artifact.plans.emplace_back()))
      return false;
  return write(gemm.getName(), artifact);
}
