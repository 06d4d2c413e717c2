//===- CpuKernelsTest.cpp - CPU kernels against plain sums ----------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every kernel, chosen automatically or plain, against sums written down from
// the definition: integers bit for bit, floats within the error bound of the
// sum. Whole output buffers are compared, so that writes into gaps show, and
// every buffer ends at a page without access, so that reads beyond it do.
//
// Meant to run twice, as it is and with DNNL_MAX_CPU_ISA=AVX2.
//
//===----------------------------------------------------------------------===//

#include "CpuKernelsOracle.h"

#include <gtest/gtest.h>

using namespace mlir::qopt::cpu;

namespace {
TEST(CpuKernels, RandomContractions) {
  Generator generator(1);
  for (int i = 0; i < 400 && !HasFatalFailure(); ++i)
    check(generator.contraction(), generator.random);
}

TEST(CpuKernels, RandomConvolutions) {
  Generator generator(2);
  for (int i = 0; i < 400 && !HasFatalFailure(); ++i)
    check(generator.convolution(), generator.random);
}

TEST(CpuKernels, SumsBeyondFloatAndInt32) {
  std::mt19937 random(3);
  for (ElementType lhs : {kU8, kS8})
    for (ElementType rhs : {kS8, kU8})
      for (int64_t k : {66311, 70001})
        for (int64_t m : {1, 5}) {
          ContractionSpec spec = matmul(lhs, rhs, m, 9, k);
          check(spec, random);
          if (HasFatalFailure())
            return;
          // All products of the largest magnitude and one sign.
          Buffer left(lhs, m * k), right(rhs, 9 * k);
          left.fill(lhs == kU8 ? 255 : 0x80);
          right.fill(rhs == kU8 ? 255 : 0x80);
          Buffer out(ElementType::S32, m * 9), before(out);
          std::string error;
          for (KernelPreference preference :
               {KernelPreference::Auto, KernelPreference::Plain}) {
            auto kernel = createContraction(spec, preference, error);
            kernel->run(left.data(), right.data(), out.data());
            ASSERT_EQ(compare(spec, left, right, before, out), "")
                << describe(spec) << " by " << kernel->implementation();
          }
        }
}

TEST(CpuKernels, LargeConvolutionSums) {
  std::mt19937 random(4);
  for (ElementType input : {kU8, kS8}) {
    check(conv2d(input, kS8, 1, 512, 33, 4, 3), random);
    check(conv2d(input, kS8, 1, 2048, 40, 3, 1), random);
    check(conv2d(input, kU8, 1, 300, 32, 5, 3), random);
  }
}

/// Layer shapes of well-known models, small enough to sum one by one.
TEST(CpuKernels, ModelShapes) {
  std::mt19937 random(5);
  for (ElementType input : {kF32, kU8, kS8}) {
    ElementType filter = input == kF32 ? kF32 : kS8;
    check(conv2d(input, filter, 1, 3, 64, 37, 7, 2), random);   // ResNet stem
    check(conv2d(input, filter, 1, 3, 32, 33, 3, 2), random);   // MobileNet
    check(conv2d(input, filter, 1, 1, 8, 28, 3), random);       // digits
    check(conv2d(input, filter, 1, 3, 48, 32, 16, 16), random); // ViT patches
    check(conv2d(input, filter, 1, 64, 64, 16, 3), random);
    check(conv2d(input, filter, 1, 64, 64, 9, 3), random);
    check(conv2d(input, filter, 1, 256, 64, 14, 1), random);
    check(conv2d(input, filter, 1, 64, 128, 15, 1, 2), random);
    check(conv2d(input, filter, 32, 4, 4, 10, 3), random); // ResNeXt
    check(conv2d(input, filter, 96, 1, 1, 15, 3, 2), random);
    check(conv2d(input, filter, 40, 1, 1, 12, 5), random);
    check(matmul(input, filter, 1, 100, 512), random);
    check(matmul(input, filter, 128, 96, 768), random);
  }
}

//===----------------------------------------------------------------------===//
// Edges of the interface
//===----------------------------------------------------------------------===//

TEST(CpuKernels, EmptyExtents) {
  std::mt19937 random(6);
  for (ElementType type : {kF32, kS8}) {
    for (bool accumulate : {false, true}) {
      for (int empty = 0; empty < 4; ++empty) {
        ContractionSpec spec = matmul(type, type, 5, 6, 7);
        spec.accumulate = accumulate;
        (empty == 0   ? spec.batch
         : empty == 1 ? spec.m
         : empty == 2 ? spec.n
                      : spec.k) = 0;
        check(spec, random);
      }
      ConvolutionSpec spec = conv2d(type, type, 1, 3, 4, 5, 3);
      spec.accumulate = accumulate;
      spec.inputChannels = 0;
      check(spec, random);
      spec = conv2d(type, type, 3, 1, 1, 5, 3);
      spec.outputSize[1] = 0;
      check(spec, random);
    }
  }
}

template <typename Spec>
void expectInvalid(const Spec &spec, const char *part) {
  for (KernelPreference preference :
       {KernelPreference::Auto, KernelPreference::Plain}) {
    std::string error;
    EXPECT_EQ(create(spec, preference, error), nullptr) << describe(spec);
    EXPECT_NE(error.find(part), std::string::npos) << error;
  }
}

TEST(CpuKernels, InvalidSpecs) {
  expectInvalid(matmul(kF32, kS8, 2, 2, 2), "operands");
  expectInvalid(matmul(ElementType::S32, ElementType::S32, 2, 2, 2),
                "operands");
  expectInvalid(matmul(kF32, kF32, -1, 2, 2), "negative extent");
  ContractionSpec contraction = matmul(kF32, kF32, 2, 2, 2);
  contraction.lhsStrides[1] = -2;
  expectInvalid(contraction, "lhs has a negative stride");
  contraction = matmul(kF32, kF32, 2, 2, 2);
  contraction.outStrides[2] = 0;
  expectInvalid(contraction, "overlapping");

  ConvolutionSpec convolution = conv2d(kF32, kF32, 1, 2, 2, 5, 3);
  convolution.rank = 4;
  expectInvalid(convolution, "spatial dimensions");
  convolution = conv2d(kF32, kF32, 1, 2, 2, 5, 3);
  convolution.outputSize[1] = 4;
  expectInvalid(convolution, "beyond the input in spatial dimension 1");
  convolution = conv2d(kF32, kF32, 1, 2, 2, 5, 3);
  convolution.dilations[0] = 0;
  expectInvalid(convolution, "at least 1");
  convolution = conv2d(kF32, kF32, 1, 2, 2, 5, 3);
  convolution.outputStrides.channel = 0;
  expectInvalid(convolution, "overlapping");
}

TEST(CpuKernels, ConstantsArePackedOnce) {
  std::mt19937 random(7);
  for (ElementType type : {kF32, kS8})
    for (KernelPreference preference :
         {KernelPreference::Auto, KernelPreference::Plain}) {
      ConvolutionSpec spec = conv2d(type, type, 1, 64, 48, 8, 3);
      Buffer input(type, lhsSize(spec)), filter(type, rhsSize(spec));
      Buffer first(isFloat(type) ? kF32 : ElementType::S32, outSize(spec));
      input.fill(random);
      filter.fill(random);
      Buffer second(first);
      std::string error;
      auto kernel = createConvolution(spec, preference, error);
      kernel->run(input.data(), filter.data(), first.data());
      filter.fill(uint8_t(0));
      kernel->run(input.data(), filter.data(), second.data());
      EXPECT_EQ(std::memcmp(first.data(), second.data(), first.size() * 4), 0)
          << kernel->implementation();
    }
}

TEST(CpuKernels, ThreadsAgree) {
  std::mt19937 random(8);
  auto race = [&](const auto &spec) {
    Buffer lhs(lhsType(spec), lhsSize(spec)), rhs(rhsType(spec), rhsSize(spec));
    Buffer expected(isFloat(lhsType(spec)) ? kF32 : ElementType::S32,
                    outSize(spec));
    lhs.fill(random);
    rhs.fill(random);
    for (KernelPreference preference :
         {KernelPreference::Auto, KernelPreference::Plain}) {
      std::string error;
      create(spec, preference, error)
          ->run(lhs.data(), rhs.data(), expected.data());
      auto kernel = create(spec, preference, error);
      constexpr int kThreads = 8, kRuns = 25;
      int wrong[kThreads] = {};
      std::vector<std::thread> threads;
      for (int t = 0; t < kThreads; ++t)
        threads.emplace_back([&, t] {
          Buffer out(expected);
          for (int i = 0; i < kRuns; ++i) {
            out.fill(uint8_t(0xFF));
            kernel->run(lhs.data(), rhs.data(), out.data());
            wrong[t] += std::memcmp(out.data(), expected.data(),
                                    expected.size() * 4) != 0;
          }
        });
      for (std::thread &thread : threads)
        thread.join();
      for (int count : wrong)
        EXPECT_EQ(count, 0)
            << describe(spec) << " by " << kernel->implementation();
    }
  };
  for (ElementType type : {kF32, kU8, kS8}) {
    ElementType filter = type == kF32 ? kF32 : kS8;
    race(conv2d(type, filter, 1, 64, 64, 16, 3));
    race(conv2d(type, filter, 1, 3, 32, 33, 3, 2));
    race(conv2d(type, filter, 64, 1, 1, 16, 3));
    race(matmul(type, filter, 33, 50, 300));
    ContractionSpec spec = matmul(type, filter, 20, 30, 40);
    spec.rhsConstant = false;
    std::swap(spec.rhsStrides[1], spec.rhsStrides[2]);
    spec.rhsStrides[2] = 40;
    spec.outStrides[1] = 1; // Transposed: goes through scratch.
    spec.outStrides[2] = 20;
    race(spec);
  }
}

TEST(CpuKernels, HostThreadCountIsRestored) {
  int before = omp_get_max_threads();
  omp_set_num_threads(3);
  std::mt19937 random(9);
  check(matmul(kF32, kF32, 8, 8, 8), random);
  EXPECT_EQ(omp_get_max_threads(), 3);
  omp_set_num_threads(before);
}

TEST(CpuKernels, ImplementationNames) {
  std::string error;
  auto startsWith = [](const Kernel &kernel, const char *prefix) {
    return std::string(kernel.implementation()).rfind(prefix, 0) == 0;
  };
  for (ElementType type : {kF32, kU8}) {
    ElementType filter = type == kF32 ? kF32 : kS8;
    auto conv = conv2d(type, filter, 1, 64, 64, 16, 3);
    auto product = matmul(type, filter, 16, 16, 64);
    EXPECT_TRUE(startsWith(
        *createConvolution(conv, KernelPreference::Plain, error), "plain:"));
    EXPECT_TRUE(startsWith(
        *createContraction(product, KernelPreference::Plain, error), "plain:"));
    if (type == kF32) {
      EXPECT_TRUE(startsWith(
          *createConvolution(conv, KernelPreference::Auto, error), "onednn:"));
      EXPECT_TRUE(
          startsWith(*createContraction(product, KernelPreference::Auto, error),
                     "onednn:"));
    } else if (!oneDnnInt8IsExact()) {
      EXPECT_TRUE(startsWith(
          *createConvolution(conv, KernelPreference::Auto, error), "plain:"));
      EXPECT_TRUE(
          startsWith(*createContraction(product, KernelPreference::Auto, error),
                     "plain:"));
    }
  }
}

/// oneDNN's int8 is right where it has the dot products of AVX-512 or AMX. Its
/// kernels for AVX-VNNI alone get some depthwise convolutions wrong.
TEST(CpuKernels, Int8SelfTest) {
  std::string isa = instructionSet();
  bool hasDotProducts = isa == "avx512_core_vnni" ||
                        isa == "avx512_core_bf16" || isa == "avx512_core_amx";
  EXPECT_EQ(oneDnnInt8IsExact(), hasDotProducts) << isa;
  RecordProperty("instruction_set", isa);
}

} // namespace
