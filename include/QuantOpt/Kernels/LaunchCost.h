//===- LaunchCost.h - What a launch moves, computes and takes --*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_KERNELS_LAUNCHCOST_H
#define QUANTOPT_KERNELS_LAUNCHCOST_H

#include "QuantOpt/Analysis/KernelReport.h"
#include "QuantOpt/Kernels/ChipInfo.h"
#include "QuantOpt/Kernels/KernelLaunch.h"

namespace mlir::qopt {

/// Picojoules: of a byte that crosses the memory interface, of one that goes
/// from L2 to a multiprocessor, of an 8-bit multiply-add on tensor cores, and
/// of a scalar operation with its instruction. Estimates (docs/Report.md).
struct EnergyCosts {
  double memoryByte, l2Byte, mac, scalarOp;
};
EnergyCosts getEnergyCosts(const ChipInfo &chip);

/// The figures of the launch that computes `op`, a kernel op on buffers: bytes
/// and operations are counted, time and energy estimated.
LaunchFigures estimateLaunch(Operation *op, const KernelLaunch &launch,
                             const ChipInfo &chip);

/// Leaves the figures on `call` (kWorkAttr) and says them in a remark at `op`.
void noteLaunch(gpu::LaunchFuncOp call, Operation *op,
                const KernelLaunch &launch, const ChipInfo &chip);

/// The figures for people, in one line.
std::string describeLaunch(const LaunchFigures &figures);

} // namespace mlir::qopt

#endif // QUANTOPT_KERNELS_LAUNCHCOST_H
