//===- PlanLoadingTest.cpp - Packing and choice of plans in C++ -----------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "../../lib/Runtime/ChoosePlan.h"
#include "../../lib/Runtime/PlanExecutor.h"
#include "ArtifactSamples.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

using namespace mlir::qopt::runtime;
using namespace mlir::qopt::artifact;
using namespace samples;

namespace {

//===----------------------------------------------------------------------===//
// Packing
//===----------------------------------------------------------------------===//

/// The packed bytes, from pieces of at most `pieceBytes`.
template <typename T>
std::vector<T> pack(const Constant &constant, const PackedConstant &packed,
                    uint64_t pieceBytes) {
  std::vector<uint8_t> bytes;
  packConstant(constant, packed, pieceBytes,
               [&](uint64_t offset, const void *data, uint64_t size) {
                 EXPECT_EQ(offset, bytes.size());
                 EXPECT_LE(size, std::max<uint64_t>(pieceBytes, sizeof(T)));
                 EXPECT_GT(size, 0u);
                 auto *start = static_cast<const uint8_t *>(data);
                 bytes.insert(bytes.end(), start, start + size);
               });
  std::vector<T> values(bytes.size() / sizeof(T));
  memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

/// By the definition in Artifact.h.
template <typename T>
std::vector<T> packSlowly(const Constant &constant,
                          const PackedConstant &packed) {
  size_t rank = constant.dims.size();
  int64_t total = 1;
  for (int64_t extent : packed.dims)
    total *= extent;
  std::vector<T> result(total);
  for (int64_t position = 0; position < total; ++position) {
    std::vector<int64_t> j(rank);
    int64_t rest = position;
    for (size_t d = rank; d-- > 0; rest /= packed.dims[d])
      j[packed.permutation[d]] = rest % packed.dims[d];
    int64_t source = 0;
    bool inBounds = true;
    for (size_t d = 0; d < rank; ++d) {
      source = source * constant.dims[d] + j[d];
      inBounds &= j[d] < constant.dims[d];
    }
    if (inBounds)
      memcpy(&result[position], constant.data + source * sizeof(T), sizeof(T));
  }
  return result;
}

template <typename T> void checkPacking(qopt_dtype dtype) {
  const std::vector<int64_t> dims = {3, 4, 5};
  std::vector<T> values(60);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = T(i + 1);
  Artifact artifact;
  addConstant<T>(artifact, "c", dtype, dims, values);
  const Constant &constant = artifact.constants[0];
  std::vector<uint32_t> permutation = {0, 1, 2};
  do {
    for (const std::vector<int64_t> &padding :
         {std::vector<int64_t>{0, 0, 0}, {0, 0, 3}, {2, 0, 0}, {1, 2, 3}}) {
      PackedConstant packed = {0, permutation, {}};
      for (size_t d = 0; d < 3; ++d)
        packed.dims.push_back(dims[permutation[d]] + padding[d]);
      std::vector<T> expected = packSlowly<T>(constant, packed);
      for (uint64_t pieceBytes : {1, 7, 8, 64, 1000, 1 << 20})
        ASSERT_EQ(pack<T>(constant, packed, pieceBytes), expected)
            << pieceBytes;
    }
  } while (std::next_permutation(permutation.begin(), permutation.end()));
}

TEST(PackConstant, EveryPermutationPaddingAndPiece) {
  checkPacking<uint8_t>(QOPT_I8);
  checkPacking<uint16_t>(QOPT_F16);
  checkPacking<uint32_t>(QOPT_I32);
  checkPacking<uint64_t>(QOPT_F64);
}

TEST(PackConstant, ScalarsAndEmptyTensors) {
  Artifact artifact;
  addConstant<float>(artifact, "s", QOPT_F32, {}, {3});
  addConstant<float>(artifact, "e", QOPT_F32, {0, 2}, {});
  EXPECT_EQ(pack<float>(artifact.constants[0], {0, {}, {}}, 64),
            (std::vector<float>{3}));
  EXPECT_EQ(pack<float>(artifact.constants[1], {1, {0, 1}, {0, 2}}, 64),
            (std::vector<float>{}));
  EXPECT_EQ(pack<float>(artifact.constants[1], {1, {1, 0}, {2, 2}}, 64),
            (std::vector<float>{0, 0, 0, 0}));
}

//===----------------------------------------------------------------------===//
// Choice of plans
//===----------------------------------------------------------------------===//

/// The chip of the plan that is chosen, with "+" for a cubin and "!" for a
/// notice, or the error. Plans are "sm_80" (PTX) or "sm_80+" (and a cubin).
std::string choose(const std::vector<std::string> &plans, int chip) {
  Artifact artifact;
  for (std::string name : plans) {
    Plan plan;
    plan.ptx = "ptx";
    if (name.back() == '+') {
      plan.cubin = "cubin";
      name.pop_back();
    }
    plan.chip = name;
    artifact.plans.push_back(plan);
  }
  try {
    PlanChoice choice = choosePlan(artifact, chip, "the GPU");
    return artifact.plans[choice.plan].chip + (choice.usesPtx ? "" : "+") +
           (choice.notice.empty() ? "" : "!");
  } catch (const Error &error) {
    EXPECT_EQ(error.status, QOPT_UNSUPPORTED);
    return error.what();
  }
}

TEST(ChoosePlan, ItsOwnElseTheHighestThatRuns) {
  // Its own.
  EXPECT_EQ(choose({"sm_80+", "sm_86+", "sm_90+"}, 86), "sm_86+");
  EXPECT_EQ(choose({"sm_80+", "sm_86"}, 86), "sm_86!");
  EXPECT_EQ(choose({"sm_90+", "sm_90a+"}, 90), "sm_90a+");
  // A cubin of the same major version.
  EXPECT_EQ(choose({"sm_80+", "sm_86+", "sm_90+"}, 89), "sm_86+!");
  EXPECT_EQ(choose({"sm_80+", "sm_86"}, 89), "sm_80+!");
  EXPECT_EQ(choose({"sm_100f+", "sm_100+"}, 103), "sm_100f+!");
  // PTX of a lower chip.
  EXPECT_EQ(choose({"sm_80+", "sm_86+"}, 90), "sm_86!");
  EXPECT_EQ(choose({"sm_80", "sm_75+"}, 120), "sm_80!");
  EXPECT_EQ(choose({"sm_90a+", "sm_80+"}, 100), "sm_80!");
  EXPECT_EQ(choose({"sm_100f+", "sm_80+"}, 120), "sm_80!");
}

TEST(ChoosePlan, NothingThatRuns) {
  EXPECT_EQ(choose({"sm_90a+", "sm_86+"}, 80),
            "the model has kernels for sm_90a, sm_86, but the GPU is sm_80; "
            "compile it with --target=sm_80");
  EXPECT_EQ(choose({"sm_90a+"}, 100),
            "the model has kernels for sm_90a, but the GPU is sm_100; compile "
            "it with --target=sm_100");
  EXPECT_EQ(choose({}, 80), "the model has kernels for no chip, but the GPU is "
                            "sm_80; compile it with --target=sm_80");
}

TEST(ChoosePlan, Notices) {
  Artifact artifact = gemmArtifact(6, {"sm_80"});
  EXPECT_EQ(choosePlan(artifact, 80, "GPU").notice,
            "the model has only PTX for sm_80: the driver compiles it now; "
            "compile the model with --target=sm_80 where ptxas is installed to "
            "save the time");
  EXPECT_EQ(choosePlan(artifact, 90, "GPU").notice,
            "GPU is sm_90 and runs the kernels for sm_80, compiled by the "
            "driver from PTX; compile the model with --target=sm_90 for its "
            "own");
  artifact.plans[0].cubin = "\x7f"
                            "ELF";
  EXPECT_EQ(choosePlan(artifact, 86, "GPU").notice,
            "GPU is sm_86 and runs the kernels for sm_80; compile the model "
            "with --target=sm_86 for its own");
}

TEST(ChoosePlan, ByName) {
  Artifact artifact = gemmArtifact(6, {"sm_80", "sm_90a"});
  EXPECT_EQ(findPlan(artifact, "sm_90a"), 1u);
  try {
    findPlan(artifact, "sm_90");
    FAIL();
  } catch (const Error &error) {
    EXPECT_STREQ(error.what(), "the model has no kernels for 'sm_90'; it has "
                               "them for sm_80, sm_90a");
  }
}

} // namespace
