//===- EntryPoints.h - What compiled kernels call --------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One function per instruction, called by the code that lowering makes. The
// last argument is the op, for reports. Arguments and results are integers and
// pointers: no ABI differs on them.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_EMULATOR_ENTRYPOINTS_H
#define QUANTOPT_LIB_EMULATOR_ENTRYPOINTS_H

#include "Machine.h"

namespace mlir::qopt::emulator {

//===--- Memory.cpp -------------------------------------------------------===//

/// How an op accesses memory.
enum AccessFlags : uint32_t {
  kPlainRead = 0,
  kIsWrite = 1,
  kIsAtomic = 2,
  /// Orders what came before it (release) or what comes after (acquire).
  kIsRelease = 4,
  kIsAcquire = 8,
  /// Orders threads of its block only.
  kIsBlockScope = 16,
};

/// Before each load, store and atomic.
void accessMemory(char *address, uint32_t size, uint32_t alignment,
                  uint32_t flags, OpId op);
/// A fence that orders in both directions, of at least device scope or for the
/// block only.
void fence(uint32_t isDeviceScope);
/// Address of ModuleImage::sharedGlobals[index] for this block.
char *sharedAddress(uint32_t index);
/// Address of the shared memory address `offset`.
char *sharedFromInteger(uint32_t offset);

//===--- SpecialRegisters.cpp ---------------------------------------------===//

enum class SpecialRegister : uint32_t {
  ThreadIdX,
  ThreadIdY,
  ThreadIdZ,
  BlockDimX,
  BlockDimY,
  BlockDimZ,
  BlockIdX,
  BlockIdY,
  BlockIdZ,
  GridDimX,
  GridDimY,
  GridDimZ,
  LaneId,
  WarpId,
  NumWarps,
  WarpSize,
  LaneMaskEq,
  LaneMaskLe,
  LaneMaskLt,
  LaneMaskGe,
  LaneMaskGt,
  DynamicSharedSize,
};
uint32_t readSpecialRegister(SpecialRegister reg);

//===--- Barriers.cpp -----------------------------------------------------===//

/// barrier.sync.aligned; all threads of the block if `count` is negative.
void barrierSync(uint32_t id, int32_t count, OpId op);
void barrierArrive(uint32_t id, int32_t count, OpId op);

//===--- WarpCollectives.cpp ----------------------------------------------===//

enum class ShuffleKind : uint32_t { Idx, Up, Down, Bfly };
enum class VoteKind : uint32_t { Any, All, Ballot, Uni };

void syncWarp(uint32_t mask, OpId op);
/// results: the value, and whether the source lane is in bounds.
void shuffle(uint32_t *results, uint32_t mask, uint32_t value, uint32_t offset,
             uint32_t maskAndClamp, ShuffleKind kind, OpId op);
uint32_t vote(uint32_t mask, uint32_t predicate, VoteKind kind, OpId op);

//===--- MatrixOps.cpp ----------------------------------------------------===//

/// results: `count` registers.
void loadMatrix(char *row, uint32_t *results, uint32_t count,
                uint32_t isTransposed, OpId op);

enum MmaFlags : uint32_t {
  kSaturate = 1,
  kUnsignedA = 2,
  kUnsignedB = 4,
  kHalf = 8,
  kBFloat = 16
};
/// m16n8k32 on bytes, or m16n8k16 on f16 (kHalf) or bf16 (kBFloat) with f32
/// sums, on registers: a[4], b[2], c[4]; c becomes d.
void mma(uint32_t *registers, uint32_t flags, OpId op);

enum Dp4aFlags : uint32_t { kSignedA = 1, kSignedB = 2 };
uint32_t dp4a(uint32_t a, uint32_t b, uint32_t c, uint32_t flags);
/// cvt.rni.s32.f32.
uint32_t convertRoundToInt(float value);
/// cvt.pack.sat.{s8,u8}.s32.b32.
uint32_t convertPackSaturate(int32_t high, int32_t low, uint32_t rest,
                             uint32_t isUnsigned);

//===--- AsyncCopies.cpp --------------------------------------------------===//

void asyncCopy(char *destination, char *source, uint32_t size,
               uint32_t sourceSize, OpId op);
void asyncCommit();
/// cp.async.wait_group, or wait_all if `pending` is negative.
void asyncWait(int32_t pending);

//===--- EntryPoints.cpp --------------------------------------------------===//

struct EntryPoint {
  const char *symbol;
  void *address;
};
/// All of the above, and the functions of the C library that compiled code may
/// need.
ArrayRef<EntryPoint> getEntryPoints();

} // namespace mlir::qopt::emulator

#endif // QUANTOPT_LIB_EMULATOR_ENTRYPOINTS_H
