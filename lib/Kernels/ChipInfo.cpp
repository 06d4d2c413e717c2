//===- ChipInfo.cpp - What a GPU offers to kernels -------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reference boards: A100 SXM 40 GB, RTX A6000 (GA102), Jetson AGX Orin, L40S
// and H100 SXM. Another board of the same chip runs the same kernels; only the
// choice of tiles assumes these numbers.
//
// 8-bit tensor rates: data-sheet TOPS (dense) / 2 / clock / multiprocessors:
// 624, 310, 85 and 733. H100 is the exception: its 1979 TOPS are those of
// wgmma; mma.sync reaches 63 % of them (arXiv 2402.13499, "Benchmarking and
// Dissecting the Nvidia Hopper GPU Architecture"), 2560 a clock.
//
// Bytes from L2 are what gemms and microbenchmarks sustain, not the width of
// the crossbar: A100 from the 81 % of peak that 128x128 tiles reach, H100 and
// AD102 from 6 and 5 TB/s measured, GA102 and Orin by their ratio of units.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Kernels/ChipInfo.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir::qopt;

static constexpr int64_t KiB = 1024;

// clang-format off
static const ChipInfo kChips[] = {
    // name, cc, SMs, shared/block, shared/SM, reserved, registers, threads, blocks, mma, dp4a, f32, f64, L2, MHz, GB/s
    {"sm_80", 80, 108, 163 * KiB, 164 * KiB, KiB, 65536, 2048, 32, 2048, 64,  64, 32, 32, 1410, 1555},
    {"sm_86", 86,  84,  99 * KiB, 100 * KiB, KiB, 65536, 1536, 16, 1024, 64, 128,  2, 14, 1800,  768},
    {"sm_87", 87,  16, 163 * KiB, 164 * KiB, KiB, 65536, 1536, 16, 2048, 64, 128,  2, 24, 1300,  204},
    {"sm_89", 89, 142,  99 * KiB, 100 * KiB, KiB, 65536, 1536, 24, 1024, 64, 128,  2, 15, 2520,  864},
    {"sm_90", 90, 132, 227 * KiB, 228 * KiB, KiB, 65536, 2048, 32, 2560, 64, 128, 64, 26, 1755, 3350},
};
// clang-format on

llvm::ArrayRef<ChipInfo> mlir::qopt::getChips() { return kChips; }

const ChipInfo *mlir::qopt::findChip(llvm::StringRef name) {
  const auto *it = llvm::find_if(
      kChips, [&](const ChipInfo &chip) { return chip.name == name; });
  return it == std::end(kChips) ? nullptr : it;
}
