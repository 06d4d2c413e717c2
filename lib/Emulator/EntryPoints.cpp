//===- EntryPoints.cpp - What compiled kernels call ------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "EntryPoints.h"

#include <cmath>
#include <cstring>

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::emulator;

template <typename T> static void *address(T *function) {
  return reinterpret_cast<void *>(function);
}

ArrayRef<EntryPoint> emulator::getEntryPoints() {
  using F32 = float (*)(float);
  using F64 = double (*)(double);
  using F32x3 = float (*)(float, float, float);
  using F64x3 = double (*)(double, double, double);
  static const EntryPoint entryPoints[] = {
      {"emu.access", address(accessMemory)},
      {"emu.fence", address(fence)},
      {"emu.shared_address", address(sharedAddress)},
      {"emu.shared_from_integer", address(sharedFromInteger)},
      {"emu.sreg", address(readSpecialRegister)},
      {"emu.barrier_sync", address(barrierSync)},
      {"emu.barrier_arrive", address(barrierArrive)},
      {"emu.sync_warp", address(syncWarp)},
      {"emu.shuffle", address(shuffle)},
      {"emu.vote", address(vote)},
      {"emu.load_matrix", address(loadMatrix)},
      {"emu.mma", address(mma)},
      {"emu.dp4a", address(dp4a)},
      {"emu.cvt_rni", address(convertRoundToInt)},
      {"emu.cvt_pack_sat", address(convertPackSaturate)},
      {"emu.async_copy", address(asyncCopy)},
      {"emu.async_commit", address(asyncCommit)},
      {"emu.async_wait", address(asyncWait)},
      // What code generation may fall back to.
      {"memcpy", address(memcpy)},
      {"memmove", address(memmove)},
      {"memset", address(memset)},
      {"fmaf", address(static_cast<F32x3>(::fmaf))},
      {"fma", address(static_cast<F64x3>(::fma))},
      {"roundevenf", address(static_cast<F32>(::roundevenf))},
      {"roundeven", address(static_cast<F64>(::roundeven))},
      {"floorf", address(static_cast<F32>(::floorf))},
      {"floor", address(static_cast<F64>(::floor))},
      {"ceilf", address(static_cast<F32>(::ceilf))},
      {"ceil", address(static_cast<F64>(::ceil))},
      {"truncf", address(static_cast<F32>(::truncf))},
      {"trunc", address(static_cast<F64>(::trunc))},
  };
  return entryPoints;
}
