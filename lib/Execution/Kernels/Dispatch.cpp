//===- Dispatch.cpp - Choose the kernel of an operation -------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Checks specs and chooses an implementation by fixed rules, never by timing:
// the same spec gets the same kernel, and so the same bits, in every process on
// one instruction set.
//
//===----------------------------------------------------------------------===//

#include "OneDnnSupport.h"
#include "Plain.h"

#include <algorithm>

namespace mlir::qopt::cpu {

Kernel::~Kernel() = default;

//===----------------------------------------------------------------------===//
// Validation
//===----------------------------------------------------------------------===//

static std::string checkTypes(ElementType lhs, ElementType rhs) {
  auto isByte = [](ElementType type) {
    return type == ElementType::S8 || type == ElementType::U8;
  };
  bool isFloat = lhs == ElementType::F32 && rhs == ElementType::F32;
  if (!isFloat && !(isByte(lhs) && isByte(rhs)))
    return "operands must both be f32 or both be 8-bit integers";
  return "";
}

/// Checks extents and the strides of one operand; `isOutput` forbids stride 0.
static std::string checkOperand(const char *name, const int64_t *extents,
                                const int64_t *strides, unsigned rank,
                                bool isOutput) {
  for (unsigned d = 0; d < rank; ++d) {
    if (extents[d] < 0)
      return std::string(name) + " has a negative extent";
    if (strides[d] < 0)
      return std::string(name) + " has a negative stride";
    if (isOutput && extents[d] > 1 && strides[d] == 0)
      return std::string(name) + " has overlapping elements (a stride of 0)";
  }
  return "";
}

static std::string check(const ContractionSpec &spec) {
  if (std::string error = checkTypes(spec.lhsType, spec.rhsType);
      !error.empty())
    return error;
  const int64_t lhs[] = {spec.batch, spec.m, spec.k};
  const int64_t rhs[] = {spec.batch, spec.k, spec.n};
  const int64_t out[] = {spec.batch, spec.m, spec.n};
  std::string error = checkOperand("lhs", lhs, spec.lhsStrides, 3, false);
  if (error.empty())
    error = checkOperand("rhs", rhs, spec.rhsStrides, 3, false);
  if (error.empty())
    error = checkOperand("out", out, spec.outStrides, 3, true);
  return error;
}

static std::string check(const ConvolutionSpec &spec) {
  if (std::string error = checkTypes(spec.inputType, spec.filterType);
      !error.empty())
    return error;
  if (spec.rank < 1 || spec.rank > 3)
    return "a convolution has 1 to 3 spatial dimensions";
  for (unsigned d = 0; d < spec.rank; ++d) {
    if (spec.kernelSize[d] < 1 || spec.strides[d] < 1 || spec.dilations[d] < 1)
      return "kernel size, strides and dilations must be at least 1";
    int64_t reach = (spec.outputSize[d] - 1) * spec.strides[d] +
                    (spec.kernelSize[d] - 1) * spec.dilations[d] + 1;
    if (spec.outputSize[d] > 0 && reach > spec.inputSize[d])
      return "the window reaches beyond the input in spatial dimension " +
             std::to_string(d);
  }
  auto checkActivation = [&](const char *name, int64_t outer, int64_t channels,
                             const int64_t *size,
                             const ConvolutionSpec::Strides &strides,
                             bool isOutput) {
    int64_t extents[6] = {outer, spec.groups, channels};
    int64_t steps[6] = {strides.outer, strides.group, strides.channel};
    std::copy_n(size, spec.rank, extents + 3);
    std::copy_n(strides.spatial, spec.rank, steps + 3);
    return checkOperand(name, extents, steps, 3 + spec.rank, isOutput);
  };
  std::string error = checkActivation("input", spec.batch, spec.inputChannels,
                                      spec.inputSize, spec.inputStrides, false);
  if (error.empty())
    error = checkActivation("filter", spec.outputChannels, spec.inputChannels,
                            spec.kernelSize, spec.filterStrides, false);
  if (error.empty())
    error = checkActivation("output", spec.batch, spec.outputChannels,
                            spec.outputSize, spec.outputStrides, true);
  return error;
}

static bool isEmpty(const ContractionSpec &spec) {
  return spec.batch == 0 || spec.m == 0 || spec.n == 0 || spec.k == 0;
}

static bool isEmpty(const ConvolutionSpec &spec) {
  if (spec.batch == 0 || spec.groups == 0 || spec.inputChannels == 0 ||
      spec.outputChannels == 0)
    return true;
  return std::any_of(spec.outputSize, spec.outputSize + spec.rank,
                     [](int64_t size) { return size == 0; });
}

//===----------------------------------------------------------------------===//
// Choice
//===----------------------------------------------------------------------===//

static std::unique_ptr<Kernel> createOneDnn(const ContractionSpec &spec) {
  return createOneDnnContraction(spec);
}
static std::unique_ptr<Kernel> createOneDnn(const ConvolutionSpec &spec) {
  return createOneDnnConvolution(spec);
}

static std::unique_ptr<Kernel> createPlain(const ContractionSpec &spec) {
  return createPlainGemm(toImplicitGemm(spec));
}
static std::unique_ptr<Kernel> createPlain(const ConvolutionSpec &spec) {
  if (!isEmpty(spec))
    if (std::unique_ptr<Kernel> depthwise = createPlainDepthwise(spec))
      return depthwise;
  return createPlainGemm(toImplicitGemm(spec));
}

template <typename Spec>
static std::unique_ptr<Kernel> create(const Spec &spec, ElementType type,
                                      KernelPreference preference,
                                      std::string &error) try {
  error = check(spec);
  if (!error.empty())
    return nullptr;
  if (isEmpty(spec) || preference == KernelPreference::Plain)
    return createPlain(spec);
  if (type == ElementType::F32) {
    std::unique_ptr<Kernel> kernel = createOneDnn(spec);
    return kernel ? std::move(kernel) : createPlain(spec);
  }
  // Tiles that read the input in place are fastest, then oneDNN's VNNI.
  ImplicitGemm gemm = toImplicitGemm(spec);
  if (std::unique_ptr<Kernel> kernel = createAmxGemm(gemm, /*mayGather=*/false))
    return kernel;
  if (oneDnnInt8IsExact())
    if (std::unique_ptr<Kernel> kernel = createOneDnn(spec))
      if (int8IsExact(*kernel, spec))
        return kernel;
  if (std::unique_ptr<Kernel> kernel = createAmxGemm(gemm, /*mayGather=*/true))
    return kernel;
  return createPlain(spec);
} catch (const std::exception &exception) { // Callers have no exceptions.
  error = exception.what();
  return nullptr;
}

std::unique_ptr<Kernel> createContraction(const ContractionSpec &spec,
                                          KernelPreference preference,
                                          std::string &error) {
  return create(spec, spec.lhsType, preference, error);
}

std::unique_ptr<Kernel> createConvolution(const ConvolutionSpec &spec,
                                          KernelPreference preference,
                                          std::string &error) {
  return create(spec, spec.inputType, preference, error);
}

} // namespace mlir::qopt::cpu
