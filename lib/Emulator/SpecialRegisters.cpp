//===- SpecialRegisters.cpp - Who and where a thread is --------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "EntryPoints.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir::qopt;
using namespace mlir::qopt::emulator;

uint32_t emulator::readSpecialRegister(SpecialRegister reg) {
  const Machine &m = *machine;
  const Thread &thread = *self;
  uint32_t laneBit = 1u << thread.lane;
  switch (reg) {
  case SpecialRegister::ThreadIdX:
    return thread.index % m.blockShape[0];
  case SpecialRegister::ThreadIdY:
    return thread.index / m.blockShape[0] % m.blockShape[1];
  case SpecialRegister::ThreadIdZ:
    return thread.index / m.blockShape[0] / m.blockShape[1];
  case SpecialRegister::BlockDimX:
    return m.blockShape[0];
  case SpecialRegister::BlockDimY:
    return m.blockShape[1];
  case SpecialRegister::BlockDimZ:
    return m.blockShape[2];
  case SpecialRegister::BlockIdX:
    return thread.block->index[0];
  case SpecialRegister::BlockIdY:
    return thread.block->index[1];
  case SpecialRegister::BlockIdZ:
    return thread.block->index[2];
  case SpecialRegister::GridDimX:
    return m.grid[0];
  case SpecialRegister::GridDimY:
    return m.grid[1];
  case SpecialRegister::GridDimZ:
    return m.grid[2];
  case SpecialRegister::LaneId:
    return thread.lane;
  case SpecialRegister::WarpId:
    return thread.warp->index;
  case SpecialRegister::NumWarps:
    return llvm::divideCeil(m.threadsPerBlock, kWarpSize);
  case SpecialRegister::WarpSize:
    return kWarpSize;
  case SpecialRegister::LaneMaskEq:
    return laneBit;
  case SpecialRegister::LaneMaskLe:
    return laneBit | (laneBit - 1);
  case SpecialRegister::LaneMaskLt:
    return laneBit - 1;
  case SpecialRegister::LaneMaskGe:
    return ~(laneBit - 1);
  case SpecialRegister::LaneMaskGt:
    return ~(laneBit | (laneBit - 1));
  case SpecialRegister::DynamicSharedSize:
    return m.dynamicShared;
  }
  return 0;
}
