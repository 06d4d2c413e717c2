//===- GemmSuite.cpp - The cases of the kernel suite -----------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every configuration meets whole tiles, a single k step, all kinds of tails
// and alignments, and every epilogue; combinations rotate, so that the suite
// stays within minutes in the emulator.
//
//===----------------------------------------------------------------------===//
#include "GemmCase.h"

#include <array>
#include <sstream>

using namespace mlir::qopt::test;

namespace {
struct Config {
  const char *kind;
  int64_t blockM, blockN, blockK, warpM, warpN, stages, splitK;

  std::string getText() const {
    std::ostringstream os;
    os << '<' << kind << ", block = [" << blockM << ", " << blockN << ", "
       << blockK << "], warp = [" << warpM << ", " << warpN
       << "], stages = " << stages << ", split_k = " << splitK << '>';
    return os.str();
  }
};
} // namespace

static constexpr Config kMmaConfigs[] = {
    {"mma", 128, 256, 64, 64, 64, 4, 1},  {"mma", 256, 128, 64, 64, 64, 4, 1},
    {"mma", 128, 128, 128, 64, 64, 3, 1}, {"mma", 128, 128, 64, 64, 32, 5, 1},
    {"mma", 64, 128, 64, 32, 64, 4, 1},   {"mma", 64, 64, 128, 32, 32, 5, 1},
    {"mma", 32, 128, 128, 32, 32, 4, 1},  {"mma", 16, 64, 128, 16, 16, 6, 1},
    {"mma", 128, 64, 64, 32, 32, 4, 1},   {"mma", 64, 64, 64, 32, 32, 3, 4},
    {"mma", 128, 128, 64, 64, 64, 4, 3},  {"mma", 16, 64, 128, 16, 16, 4, 8},
};
static constexpr Config kDp4aConfigs[] = {
    {"dp4a", 1, 8, 512, 1, 2, 1, 1},
    {"dp4a", 4, 16, 1024, 4, 2, 1, 1},
    {"dp4a", 8, 16, 512, 8, 4, 1, 1},
    {"dp4a", 16, 8, 512, 16, 2, 1, 1},
};
static constexpr Config kSimtConfigs[] = {
    {"simt", 64, 64, 16, 4, 4, 1, 1},
    {"simt", 128, 128, 8, 8, 8, 1, 1},
    {"simt", 32, 32, 32, 2, 2, 1, 1},
};

namespace {
class Suite {
public:
  GemmCase &add(const Config &config, int64_t batch, int64_t m, int64_t n,
                int64_t k, bool packed) {
    GemmCase &gemm = cases.emplace_back();
    gemm.config = config.getText();
    gemm.batch = batch;
    gemm.m = m;
    gemm.n = n;
    gemm.k = k;
    gemm.packed = packed;
    gemm.isFloat = config.kind == std::string("simt");
    gemm.blockN = config.blockN;
    gemm.blockK = config.kind == std::string("mma") ? config.blockK : 16;
    if (gemm.isFloat) {
      gemm.epilogue = next % 2 ? Epilogue::Scale : Epilogue::Sum;
    } else {
      constexpr size_t count = sizeof(kEpilogues) / sizeof(*kEpilogues);
      gemm.epilogue = kEpilogues[next % count];
      // 3 and 7 are coprime to 10: epilogues meet all signedness.
      gemm.unsignedA = next / 3 % 2;
      gemm.unsignedB = next / 7 % 2;
    }
    ++next;
    return gemm;
  }

  void addHalf(const Config &config, int64_t batch, int64_t m, int64_t n,
               int64_t k, bool packed) {
    GemmCase &gemm = add(config, batch, m, n, k, packed);
    constexpr Epilogue kinds[] = {Epilogue::Sum, Epilogue::Scale,
                                  Epilogue::Half};
    gemm.isFloat = true;
    gemm.half = next % 2 ? GemmCase::Half::F16 : GemmCase::Half::BF16;
    gemm.epilogue = kinds[next % 3];
    gemm.unsignedA = gemm.unsignedB = false;
    gemm.blockK = config.blockK / 2;
  }

  /// Operands with dims in the given orders, not packed.
  void addLayout(const Config &config, std::array<int64_t, 2> batches,
                 int64_t m, int64_t n, int64_t k,
                 std::array<const char *, 3> layouts, int64_t slack = 0) {
    GemmCase &gemm = add(config, batches[0], m, n, k, /*packed=*/false);
    gemm.heads = batches[1];
    gemm.layoutA = layouts[0];
    gemm.layoutB = layouts[1];
    gemm.layoutD = layouts[2];
    gemm.slack = slack;
  }
  std::vector<GemmCase> cases;

private:
  size_t next = 0;
};
} // namespace

/// What attention asks for: heads side by side in a row, shared operands,
/// slices of larger tensors. `step` is the alignment that rows of operands
/// need.
static void addLayouts(Suite &suite, const Config &c, int64_t m, int64_t n,
                       int64_t k, int64_t step) {
  // Queries and keys as a projection leaves them; values by heads.
  suite.addLayout(c, {2, 3}, m, n, k, {"bmhk", "bnhk", "bhmn"});
  suite.addLayout(c, {3, 2}, m, n, k, {"bhmk", "bhnk", "bmhn"});
  // Transposed values: the weights are a.
  suite.addLayout(c, {3, 0}, m, n, k, {"mk", "bnk", "bmn"});
  suite.addLayout(c, {2, 2}, m, n, k, {"bmhk", "hnk", "bmhn"});
  suite.addLayout(c, {2, 3}, m, n, k, {"hmk", "bnk", "mbhn"});
  // Rows of a merged gemm.
  suite.addLayout(c, {0, 0}, m, n, k, {"mk", "nk", "mn"}, step);
  suite.addLayout(c, {2, 2}, m, n, k, {"bmhk", "bnhk", "bmhn"}, step);
}

static void addMma(Suite &suite, const Config &c) {
  int64_t m = c.blockM, n = c.blockN, k = c.blockK;
  // Whole tiles: fewer k steps than stages, as many, more.
  suite.add(c, 0, m, n, k, true);
  suite.add(c, 0, m, n, k * (c.stages - 1), true);
  suite.add(c, 0, 2 * m, n, k * (2 * c.stages + 1), true);
  suite.add(c, 0, m, 2 * n, k * c.stages, false);
  // Tails in each dim, aligned to 16, 8, 4, 2 and 1 bytes.
  suite.add(c, 0, m + 3, n + 16, 2 * k + 16, true);
  suite.add(c, 0, m - 1, n + 8, 3 * k + 8, false);
  suite.add(c, 0, 5, n - 12, k + 36, true);
  suite.add(c, 0, m + 1, 10, k + 4, false);
  if (c.warpM * c.warpN <= 32 * 32) {
    suite.add(c, 0, 7, n + 3, 2 * k + 2, false);
    suite.add(c, 0, m + 9, 33, k - 1, true);
    suite.add(c, 0, 1, 1, 1, true);
  } else {
    suite.add(c, 0, 7, n + 3, 2 * k + 4, false);
    suite.add(c, 0, 1, 1, 4, true);
  }
  // Many tiles of rows: the raster's last, incomplete group.
  if (m <= 64)
    suite.add(c, 0, 9 * m + 1, 2 * n, k, true);
  // Batches.
  suite.add(c, 3, m - 5, n, 2 * k, false);
  suite.add(c, 2, m, n + 20, k + 20, false);
  if (m <= 64 && n <= 64)
    addLayouts(suite, c, m - 3, n / 2, k, 16);
  if (c.warpM * c.warpN <= 16 * 16)
    addLayouts(suite, c, m + 1, 7, k + 1, 3);
}

/// The same tiles on 16-bit floats, depth in bytes.
static void addHalf(Suite &suite, const Config &c) {
  int64_t m = c.blockM, n = c.blockN, k = c.blockK / 2;
  suite.addHalf(c, 0, m, n, k, true);
  suite.addHalf(c, 0, m + 3, n + 16, (2 * c.stages + 1) * k, true);
  suite.addHalf(c, 0, m - 1, n - 12, 2 * k + 8, true);
  suite.addHalf(c, 0, 5, n + 8, k + 18, false);
  suite.addHalf(c, 2, m, n + 20, 2 * k + 4, false);
  if (c.warpM * c.warpN <= 32 * 32)
    suite.addHalf(c, 0, 7, n + 3, k + 1, false);
}

static void addDp4a(Suite &suite, const Config &c) {
  int64_t m = c.blockM, n = c.blockN, k = c.blockK;
  suite.add(c, 0, m, n, k, true);
  suite.add(c, 0, m, 3 * n, 3 * k, true);
  suite.add(c, 0, m, 2 * n + 1, k + 16, true);
  suite.add(c, 0, m, n + 5, k - 8, false);
  suite.add(c, 0, m, n, 2 * k + 4, true);
  suite.add(c, 0, m, 3, 36, false);
  suite.add(c, 0, m, n + 2, k + 1, true);
  suite.add(c, 0, m, 1, 1, false);
  suite.add(c, 0, 2 * m + 1, n, k + 32, true);
  suite.add(c, 2, m, n + 3, 2 * k, false);
  addLayouts(suite, c, m, n + 3, k - 16, 16);
  if (m == 4)
    addLayouts(suite, c, m, n, 35, 1);
}

static void addSimt(Suite &suite, const Config &c) {
  int64_t m = c.blockM, n = c.blockN, k = c.blockK;
  suite.add(c, 0, m, n, 2 * k, true);
  suite.add(c, 0, m + 3, n + 5, 3 * k + 3, true);
  suite.add(c, 0, 5, n - 2, k - 1, false);
  suite.add(c, 0, m + 1, 7, 2 * k + 1, false);
  suite.add(c, 0, 1, 1, 1, true);
  suite.add(c, 3, m, n + 4, k + 4, false);
  suite.add(c, 2, 9, 11, 5 * k, false);
  if (m <= 64)
    addLayouts(suite, c, m - 1, n - 3, k + 1, 1);
}

std::vector<GemmCase> mlir::qopt::test::makeSuite() {
  Suite suite;
  for (const Config &config : kMmaConfigs)
    addMma(suite, config);
  for (const Config &config : kMmaConfigs)
    if (config.splitK == 1 && config.stages % 2 == 0)
      addHalf(suite, config);
  for (const Config &config : kDp4aConfigs)
    addDp4a(suite, config);
  for (const Config &config : kSimtConfigs)
    addSimt(suite, config);
  return std::move(suite.cases);
}
