//===- ChipInfo.cpp - What a GPU offers to kernels -------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reference boards: A100 SXM 40 GB, RTX A6000 (GA102), Jetson AGX Orin, L40 and
// H100/H200 SXM. Another board of the same chip runs the same kernels; only the
// choice of tiles assumes these numbers.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Kernels/ChipInfo.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir::qopt;

static constexpr int64_t KiB = 1024;

// clang-format off
static const ChipInfo kChips[] = {
    // name, cc, SMs, shared/block, shared/SM, reserved, registers, threads, blocks, mma, dp4a, f32, MHz, GB/s
    {"sm_80", 80, 108, 163 * KiB, 164 * KiB, KiB, 65536, 2048, 32, 2048, 64,  64, 1410, 1555},
    {"sm_86", 86,  84,  99 * KiB, 100 * KiB, KiB, 65536, 1536, 16, 1024, 64, 128, 1800,  768},
    {"sm_87", 87,  16, 163 * KiB, 164 * KiB, KiB, 65536, 1536, 16, 2048, 64, 128, 1300,  204},
    {"sm_89", 89, 142,  99 * KiB, 100 * KiB, KiB, 65536, 1536, 24, 1024, 64, 128, 2490,  864},
    {"sm_90", 90, 132, 227 * KiB, 228 * KiB, KiB, 65536, 2048, 32, 2560, 64, 128, 1755, 3350},
};
// clang-format on

llvm::ArrayRef<ChipInfo> mlir::qopt::getChips() { return kChips; }

const ChipInfo *mlir::qopt::findChip(llvm::StringRef name) {
  const auto *it = llvm::find_if(
      kChips, [&](const ChipInfo &chip) { return chip.name == name; });
  return it == std::end(kChips) ? nullptr : it;
}
