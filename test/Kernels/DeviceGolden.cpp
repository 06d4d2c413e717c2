//===- DeviceGolden.cpp - What single instructions compute -----*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "DeviceGolden.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <sstream>

using namespace mlir::qopt::test;

/// Threads of a block of an elementwise kernel.
static constexpr size_t kThreads = 128;

std::vector<DeviceGolden> mlir::qopt::test::makeDeviceGoldens() {
  std::vector<DeviceGolden> goldens;
  addTensorCoreGoldens(goldens);
  addMemoryGoldens(goldens);
  addConversionGoldens(goldens);
  addFloatGoldens(goldens);
  return goldens;
}

std::string mlir::qopt::test::makeKernelModule(const DeviceGolden &golden,
                                               const std::string &body) {
  std::ostringstream os;
  os << "gpu.module @kernels {\n";
  if (golden.sharedBytes)
    os << "llvm.mlir.global external @dynamic_shared() {addr_space = 3 : i32, "
          "alignment = 1024 : i64} : !llvm.array<0 x i8>\n";
  os << "llvm.func @golden(";
  const char *comma = "";
  auto addParameters = [&](const char *name, size_t count) {
    for (size_t i = 0; i < count; ++i) {
      os << comma << name << i << ": !llvm.ptr<1>";
      comma = ", ";
    }
  };
  addParameters("%in", golden.inputs.size());
  addParameters("%out", golden.outputs.size());
  os << ") attributes {gpu.kernel, nvvm.kernel, nvvm.reqntid = array<i32: "
     << golden.threads << ", 1, 1>} {\n";
  if (golden.sharedBytes)
    os << "%shared = llvm.mlir.addressof @dynamic_shared : !llvm.ptr<3>\n";
  os << "%tid = nvvm.read.ptx.sreg.tid.x : i32\n"
     << body << "llvm.return\n}\n}\n";
  return os.str();
}

/// Type of an element in memory.
static const char *getElementType(qopt_dtype dtype) {
  switch (dtype) {
  case QOPT_F32:
    return "f32";
  case QOPT_F16:
    return "f16";
  case QOPT_BF16:
    return "bf16";
  case QOPT_I16:
    return "i16";
  case QOPT_I32:
    return "i32";
  default:
    return "i8";
  }
}

DeviceGolden mlir::qopt::test::makeElementwise(
    const std::string &name, std::vector<GoldenTensor> inputs,
    std::vector<GoldenTensor> outputs, const std::string &body) {
  DeviceGolden golden;
  golden.name = name;
  golden.threads = kThreads;
  golden.grid = {static_cast<uint32_t>(outputs[0].dims[0] / kThreads), 1, 1};
  golden.inputs = std::move(inputs);
  golden.outputs = std::move(outputs);

  std::ostringstream os;
  os << "%block = nvvm.read.ptx.sreg.ctaid.x : i32\n"
     << "%threads = arith.constant " << kThreads << " : i32\n"
     << "%first = arith.muli %block, %threads : i32\n"
     << "%i = arith.addi %first, %tid : i32\n";
  auto address = [&](const char *name, size_t index, const char *element) {
    os << "%p_" << name << index << " = llvm.getelementptr %" << name << index
       << "[%i] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, " << element << "\n";
  };
  for (size_t k = 0; k < golden.inputs.size(); ++k) {
    const char *element = getElementType(golden.inputs[k].dtype);
    address("in", k, element);
    os << "%x" << k << " = llvm.load %p_in" << k << " : !llvm.ptr<1> -> "
       << element << "\n";
  }
  os << body;
  for (size_t k = 0; k < golden.outputs.size(); ++k) {
    const char *element = getElementType(golden.outputs[k].dtype);
    address("out", k, element);
    os << "llvm.store %y" << k << ", %p_out" << k << " : " << element
       << ", !llvm.ptr<1>\n";
  }
  golden.module = makeKernelModule(golden, os.str());
  return golden;
}

std::vector<float> mlir::qopt::test::makeFloats(size_t count) {
  using Limits = std::numeric_limits<float>;
  std::vector<float> positive = {0.0f,
                                 Limits::denorm_min(),
                                 0x1.fffffcp-127f,
                                 Limits::min(),
                                 0x1p-25f,
                                 0x1.8p-25f,
                                 0x1p-14f,
                                 0x1.ffcp-15f,
                                 0.25f,
                                 0.49999997f,
                                 0.5f,
                                 0.50000006f,
                                 1.0f,
                                 1.5f,
                                 2.5f,
                                 3.5f,
                                 126.5f,
                                 127.0f,
                                 127.5f,
                                 128.5f,
                                 254.5f,
                                 255.5f,
                                 256.0f,
                                 2048.5f,
                                 65504.0f,
                                 65519.996f,
                                 65520.0f,
                                 4194303.5f,
                                 4194304.5f,
                                 8388607.5f,
                                 8388609.0f,
                                 16777217.0f,
                                 2147483520.f,
                                 2147483648.f,
                                 4294967040.f,
                                 4294967296.f,
                                 9.3e18f,
                                 Limits::max(),
                                 Limits::infinity()};
  std::vector<float> values;
  for (float value : positive) {
    values.push_back(value);
    values.push_back(-value);
  }
  auto fromBits = [](uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof(value));
    return value;
  };
  values.push_back(fromBits(0x7fc00000)); // quiet NaNs
  values.push_back(fromBits(0xffc12345));
  // Halfway cases of conversions to integers and to f16.
  for (int i = -20; i < 20; ++i) {
    values.push_back(static_cast<float>(i) + 0.5f);
    values.push_back(1.0f + std::ldexp(static_cast<float>(2 * i + 1), -11));
  }
  std::mt19937 random(8);
  while (values.size() < count) {
    uint32_t bits = random();
    // Every second value is of a moderate size; no signalling NaNs.
    if (values.size() % 2)
      bits = (bits & 0x80ffffff) | (uint32_t(0x38 + random() % 16) << 24);
    if ((bits & 0x7f800000) == 0x7f800000)
      bits |= 0x00400000;
    values.push_back(fromBits(bits));
  }
  values.resize(count);
  return values;
}
