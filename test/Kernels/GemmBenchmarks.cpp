//===- GemmBenchmarks.cpp - Shapes and configurations to time --*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// s8 x s8 with requantization to s8. Each shape comes with several
// configurations, so that one run on a GPU also shows how well the cost model
// chooses. N and K are whole tiles: weights can be inputs, and files stay
// small.
//
//===----------------------------------------------------------------------===//
#include "GemmCase.h"

#include <algorithm>
#include <sstream>

using namespace mlir::qopt::test;

namespace {
struct Shape {
  int64_t m, n, k;
};

struct Config {
  int64_t blockM, blockN, blockK, warpM, warpN, stages, splitK;
};
} // namespace

/// Square, short K, and layers of BERT-large (sequence 512, batch 8) and an 8B
/// Llama (2048 tokens).
static constexpr Shape kLargeShapes[] = {
    {1024, 1024, 1024}, {2048, 2048, 2048},  {4096, 4096, 4096},
    {8192, 8192, 8192}, {4096, 7168, 2048},  {4096, 32768, 512},
    {4096, 1024, 1024}, {4096, 4096, 1024},  {4096, 1024, 4096},
    {2048, 6144, 4096}, {2048, 28672, 4096}, {2048, 4096, 14336}};

/// One token or a few: the weights stream from memory.
static constexpr int64_t kDecodeRows[] = {1, 2, 4, 8, 16, 32, 64, 128};
static constexpr Shape kDecodeLayers[] = {
    {0, 4096, 4096}, {0, 14336, 4096}, {0, 4096, 14336}};

static constexpr Config kLargeConfigs[] = {
    {128, 256, 64, 64, 64, 4, 1},  {256, 128, 64, 64, 64, 4, 1},
    {128, 256, 128, 64, 64, 3, 1}, {128, 128, 128, 64, 64, 3, 1},
    {128, 128, 64, 64, 64, 4, 1},  {128, 128, 64, 64, 32, 5, 1},
    {64, 128, 64, 32, 64, 4, 1},   {64, 64, 128, 32, 32, 5, 1}};

static constexpr Config kMmaDecodeConfigs[] = {
    {16, 64, 128, 16, 16, 6, 1},  {16, 64, 128, 16, 16, 6, 4},
    {16, 128, 128, 16, 32, 6, 4}, {32, 128, 128, 32, 32, 4, 4},
    {64, 64, 128, 32, 32, 5, 4},  {64, 128, 64, 32, 64, 4, 4},
    {128, 128, 64, 64, 32, 5, 4}};

static constexpr Config kDp4aConfigs[] = {
    {1, 8, 512, 1, 2, 1, 1},  {1, 16, 1024, 1, 2, 1, 1},
    {2, 8, 512, 2, 2, 1, 1},  {4, 16, 1024, 4, 2, 1, 1},
    {8, 16, 512, 8, 4, 1, 1}, {16, 8, 512, 16, 2, 1, 1}};

static GemmCase makeCase(const char *kind, const Shape &shape, int64_t rows,
                         const Config &config) {
  std::ostringstream os;
  os << '<' << kind << ", block = [" << config.blockM << ", " << config.blockN
     << ", " << config.blockK << "], warp = [" << config.warpM << ", "
     << config.warpN << "], stages = " << config.stages
     << ", split_k = " << config.splitK << '>';
  GemmCase gemm;
  gemm.config = os.str();
  gemm.m = rows;
  gemm.n = shape.n;
  gemm.k = shape.k;
  gemm.blockN = config.blockN;
  gemm.blockK = kind[0] == 'm' ? config.blockK : 16;
  return gemm;
}

std::vector<GemmCase> mlir::qopt::test::makeBenchmarks() {
  std::vector<GemmCase> all;
  for (const Shape &shape : kLargeShapes)
    for (const Config &config : kLargeConfigs)
      all.push_back(makeCase("mma", shape, shape.m, config));
  for (const Shape &layer : kDecodeLayers)
    for (int64_t rows : kDecodeRows) {
      for (const Config &config : kDp4aConfigs)
        // Tiles that fit: a thread holds all rows of its block.
        if (config.blockM >= rows && config.blockM < 4 * rows)
          all.push_back(makeCase("dp4a", layer, rows, config));
      for (const Config &config : kMmaDecodeConfigs)
        if (config.blockM <= std::max<int64_t>(16, rows) &&
            config.blockM * 4 >= rows)
          all.push_back(makeCase("mma", layer, rows, config));
    }
  return all;
}
