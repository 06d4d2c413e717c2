//===- KernelsModel.cpp - Run the kernels form in tests --------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "KernelsModel.h"

#include "QuantOpt/Analysis/Constants.h"
#include "QuantOpt/Kernels/KernelsForm.h"
#include "QuantOpt/Pipelines/Pipelines.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "mlir/Pass/PassManager.h"

#include <cmath>

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::test;

//===----------------------------------------------------------------------===//
// Compilation
//===----------------------------------------------------------------------===//

KernelsModel::KernelsModel(const std::string &text, bool withGemms,
                           function_ref<void(gpu::GPUModuleOp)> change,
                           StringRef chip) {
  DialectRegistry registry;
  registerQuantOpt(registry);
  context.appendDialectRegistry(registry);
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    llvm::raw_string_ostream(messages)
        << diagnostic.getLocation() << ": " << diagnostic.str() << "\n";
  });
  OwningOpRef<ModuleOp> parsed =
      parseSourceString<ModuleOp>(text, ParserConfig(&context), "model.mlir");
  if (!parsed)
    return;
  PassManager manager(&context);
  if (withGemms) {
    buildKernelsPhase(manager, chip, /*entry=*/"");
  } else {
    manager.addPass(createPrepareKernels());
    manager.addPass(createBufferizeKernels());
    manager.addPass(createPlanMemory());
    manager.addPass(createBuildKernels());
  }
  if (failed(manager.run(*parsed)))
    return;
  auto gpuModule = parsed->lookupSymbol<gpu::GPUModuleOp>(kKernelsModule);
  if (change)
    change(gpuModule);
  auto compiled = emulator::EmulatedModule::create(gpuModule);
  if (failed(compiled))
    return;
  kernels = std::move(*compiled);
  module = std::move(parsed);
}

func::FuncOp KernelsModel::getEntry() {
  return *module->getOps<func::FuncOp>().begin();
}

int64_t KernelsModel::getBatch() {
  return (*module)->getAttrOfType<IntegerAttr>(kBatchAttr).getInt();
}

std::string KernelsModel::getFixedReason() {
  auto reason = (*module)->getAttrOfType<StringAttr>(kFixedBatchAttr);
  return reason ? reason.str() : "";
}

//===----------------------------------------------------------------------===//
// Execution
//===----------------------------------------------------------------------===//

static int64_t getElementBytes(Type type) {
  return type.isIndex() ? 8 : (type.getIntOrFloatBitWidth() + 7) / 8;
}

static int64_t getNumBytes(Value memref) {
  auto type = cast<MemRefType>(memref.getType());
  return type.getNumElements() * getElementBytes(type.getElementType());
}

namespace {
/// Carries out the entry function op by op.
class LaunchInterpreter {
public:
  LaunchInterpreter(const emulator::EmulatedModule &kernels,
                    const emulator::LaunchOptions &options,
                    std::vector<std::string> &reports)
      : kernels(kernels), options(options), reports(reports) {}

  /// Memory for `memref`, a value without a definition that is executed.
  char *allocate(Value memref, size_t size, StringRef name) {
    auto *data = static_cast<char *>(memory.allocate(size, name));
    addresses[memref] = data;
    return data;
  }
  void setNumber(Value value, int64_t number) { numbers[value] = number; }

  void execute(Operation *op);

private:
  /// Of element 0, which views of strided layout move.
  char *getElementZero(Value memref) {
    SmallVector<int64_t> strides;
    int64_t offset = 0;
    auto type = cast<MemRefType>(memref.getType());
    (void)type.getStridesAndOffset(strides, offset);
    return addresses.lookup(memref) +
           offset * getElementBytes(type.getElementType());
  }
  void getGlobal(memref::GetGlobalOp op);
  void pack(PackOp op);
  void launch(gpu::LaunchFuncOp op);

  const emulator::EmulatedModule &kernels;
  const emulator::LaunchOptions &options;
  std::vector<std::string> &reports;
  emulator::DeviceMemory memory;
  /// Of memrefs, without the offset of their layout.
  DenseMap<Value, char *> addresses;
  DenseMap<Value, int64_t> numbers;
};
} // namespace

void LaunchInterpreter::getGlobal(memref::GetGlobalOp op) {
  auto global = SymbolTable::lookupNearestSymbolFrom<memref::GlobalOp>(
      op, op.getNameAttr());
  auto attr = cast<ElementsAttr>(*global.getInitialValue());
  FailureOr<std::vector<char>> bytes = std::vector<char>();
  if (attr.getElementType().isInteger(1))
    for (bool value : attr.getValues<bool>())
      bytes->push_back(value);
  else
    bytes = readRawBytes(attr);
  ASSERT_TRUE(succeeded(bytes));
  char *data = allocate(op.getResult(), bytes->size(), op.getName());
  memcpy(data, bytes->data(), bytes->size());
}

/// result[i] = source[j] with j[permutation[d]] = i[d], else zero.
void LaunchInterpreter::pack(PackOp op) {
  auto source = cast<MemRefType>(op.getSource().getType());
  auto result = cast<MemRefType>(op.getResult().getType());
  int64_t bytes = getElementBytes(source.getElementType());
  char *from = getElementZero(op.getSource());
  char *to = allocate(op.getResult(), getNumBytes(op.getResult()), "packed");
  memset(to, 0, getNumBytes(op.getResult()));
  SmallVector<int64_t> fromStrides = computeSuffixProduct(source.getShape());
  for (int64_t i = 0; i < result.getNumElements(); ++i) {
    SmallVector<int64_t> index =
        delinearize(i, computeSuffixProduct(result.getShape()));
    int64_t position = 0;
    bool inside = true;
    for (auto [d, dim] : llvm::enumerate(op.getPermutation())) {
      inside &= index[d] < source.getDimSize(dim);
      position += index[d] * fromStrides[dim];
    }
    if (inside)
      memcpy(to + i * bytes, from + position * bytes, bytes);
  }
}

void LaunchInterpreter::launch(gpu::LaunchFuncOp op) {
  auto number = [&](Value value) {
    return static_cast<uint32_t>(numbers.lookup(value));
  };
  std::vector<uint64_t> storage;
  for (Value operand : op.getKernelOperands()) {
    if (isa<MemRefType>(operand.getType()))
      storage.push_back(reinterpret_cast<uint64_t>(getElementZero(operand)));
    else
      storage.push_back(numbers.lookup(operand));
  }
  std::vector<void *> params;
  for (uint64_t &value : storage)
    params.push_back(&value);
  Value shared = op.getDynamicSharedMemorySize();
  emulator::LaunchResult result =
      kernels.launch(memory, op.getKernelName().getValue(),
                     {number(op.getGridSizeX()), number(op.getGridSizeY()),
                      number(op.getGridSizeZ())},
                     {number(op.getBlockSizeX()), number(op.getBlockSizeY()),
                      number(op.getBlockSizeZ())},
                     shared ? number(shared) : 0, params.data(), options);
  for (const std::string &report : result.reports)
    reports.push_back(op.getKernelName().str() + ": " + report);
}

void LaunchInterpreter::execute(Operation *op) {
  APInt constant;
  if (matchPattern(op, m_ConstantInt(&constant))) {
    numbers[op->getResult(0)] = constant.getSExtValue();
  } else if (auto apply = dyn_cast<affine::AffineApplyOp>(op)) {
    Builder builder(op->getContext());
    SmallVector<Attribute> operands, results;
    for (Value operand : apply.getMapOperands())
      operands.push_back(builder.getIndexAttr(numbers.lookup(operand)));
    (void)apply.getAffineMap().constantFold(operands, results);
    numbers[apply.getResult()] = cast<IntegerAttr>(results[0]).getInt();
  } else if (isa<arith::IndexCastOp>(op)) {
    numbers[op->getResult(0)] = numbers.lookup(op->getOperand(0));
  } else if (auto global = dyn_cast<memref::GetGlobalOp>(op)) {
    getGlobal(global);
  } else if (auto packOp = dyn_cast<PackOp>(op)) {
    pack(packOp);
  } else if (auto view = dyn_cast<memref::ViewOp>(op)) {
    addresses[view.getResult()] = addresses.lookup(view.getSource()) +
                                  numbers.lookup(view.getByteShift());
  } else if (auto viewLike = dyn_cast<ViewLikeOpInterface>(op)) {
    addresses[op->getResult(0)] = addresses.lookup(viewLike.getViewSource());
  } else if (auto launchOp = dyn_cast<gpu::LaunchFuncOp>(op)) {
    launch(launchOp);
  } else if (!isa<func::ReturnOp>(op)) {
    ADD_FAILURE() << "not part of the kernels form: "
                  << op->getName().getStringRef().str();
  }
}

std::vector<Buffer> KernelsModel::run(const std::vector<Buffer> &inputs,
                                      int64_t batch,
                                      const emulator::LaunchOptions &options) {
  std::vector<std::string> reports;
  std::vector<Buffer> results = run(inputs, batch, options, reports);
  for (const std::string &report : reports)
    ADD_FAILURE() << report;
  return results;
}

std::vector<Buffer> KernelsModel::run(const std::vector<Buffer> &inputs,
                                      int64_t batch,
                                      const emulator::LaunchOptions &options,
                                      std::vector<std::string> &reports) {
  if (!module) {
    ADD_FAILURE() << messages;
    return {};
  }
  func::FuncOp entry = getEntry();
  LaunchInterpreter interpreter(*kernels, options, reports);
  std::vector<std::pair<char *, size_t>> outputs;
  char *status = nullptr;
  size_t nextInput = 0;
  for (BlockArgument argument : entry.getArguments()) {
    std::string kind = entry
                           .getArgAttrOfType<StringAttr>(
                               argument.getArgNumber(), kArgumentKindAttr)
                           .str();
    if (kind == "batch") {
      interpreter.setNumber(argument, batch);
      continue;
    }
    size_t size = getNumBytes(argument);
    if (kind == "input" || kind == "output")
      size = size / getBatch() * batch;
    char *data = interpreter.allocate(argument, size, kind);
    if (kind == "workspace" || kind == "status")
      memset(data, 0, size);
    if (kind == "status") {
      status = data;
      statusWords.resize(size / sizeof(uint64_t));
    }
    if (kind == "output")
      outputs.push_back({data, size});
    if (kind == "input")
      memcpy(data, inputs[nextInput++].bytes.data(), size);
  }
  for (Operation &op : entry.getBody().front())
    interpreter.execute(&op);
  if (status)
    memcpy(statusWords.data(), status, statusWords.size() * sizeof(uint64_t));
  std::vector<Buffer> results;
  for (auto [data, size] : outputs)
    results.push_back(std::vector<char>(data, data + size));
  return results;
}

//===----------------------------------------------------------------------===//
// Comparison
//===----------------------------------------------------------------------===//

template <typename T> static void makeNaNsEqual(Buffer &buffer) {
  std::vector<T> values = buffer.as<T>();
  for (T &value : values)
    if (std::isnan(value))
      value = std::nan("");
  buffer = Buffer(values);
}

void mlir::qopt::test::expectSameBits(const std::string &text,
                                      const std::vector<Buffer> &inputs) {
  CpuModel cpu(text);
  ASSERT_EQ(cpu.error(), "");
  std::vector<Buffer> expected = cpu.run(inputs);
  KernelsModel model(text);
  ASSERT_EQ(model.error(), "");
  int64_t last = model.getBatch();
  int64_t first = model.getFixedReason().empty() ? 1 : last;
  for (int64_t batch = first; batch <= last; ++batch) {
    std::vector<Buffer> actual = model.run(inputs, batch);
    for (uint64_t word : model.statusWords)
      EXPECT_EQ(word, 0u) << "a check failed";
    ASSERT_EQ(actual.size(), expected.size());
    for (auto [i, spec] : llvm::enumerate(cpu.get()->outputs())) {
      Buffer wanted = expected[i];
      wanted.bytes.resize(wanted.bytes.size() / last * batch);
      for (Buffer *buffer : {&wanted, &actual[i]}) {
        if (spec.elementType.isF32())
          makeNaNsEqual<float>(*buffer);
        else if (spec.elementType.isF64())
          makeNaNsEqual<double>(*buffer);
      }
      EXPECT_EQ(wanted.bytes, actual[i].bytes)
          << "output " << i << " of " << batch << " samples";
    }
  }
}
