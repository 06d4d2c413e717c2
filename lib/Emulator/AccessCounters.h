//===- AccessCounters.h - Bank conflicts and sectors -----------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Lanes run one after the other; the k-th execution of an op by each lane makes
// up the k-th warp-level request. Exact for converged code, and for diverged
// code where lanes execute an op equally often.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_EMULATOR_ACCESSCOUNTERS_H
#define QUANTOPT_LIB_EMULATOR_ACCESSCOUNTERS_H

#include "QuantOpt/Emulator/Emulator.h"

#include "llvm/ADT/DenseMap.h"

#include <deque>
#include <map>

namespace mlir::qopt::emulator {

/// Addresses of one warp-level request.
struct AccessRequest {
  uint32_t lanes = 0;
  std::array<uint64_t, 32> addresses = {};
};

/// Totals per op of a launch.
class AccessTotals {
public:
  void add(uint32_t op, OpCounters::Kind kind, uint32_t bytesPerLane,
           const AccessRequest &request);
  std::vector<OpCounters> get(ArrayRef<std::string> opNames) const;

private:
  std::map<uint32_t, OpCounters> counters;
};

/// Requests of one warp whose lanes have not all come yet.
class WarpAccesses {
public:
  void add(uint32_t op, OpCounters::Kind kind, unsigned lane, uint64_t address,
           uint32_t bytes, AccessTotals &totals);
  /// Counts what is left: the other lanes never came.
  void flush(AccessTotals &totals);

private:
  struct Stream {
    OpCounters::Kind kind;
    uint32_t bytes;
    /// Number of requests already counted.
    uint64_t counted = 0;
    std::array<uint64_t, 32> executions = {};
    std::deque<AccessRequest> open;
  };
  llvm::DenseMap<uint32_t, Stream> streams;
};

} // namespace mlir::qopt::emulator

#endif // QUANTOPT_LIB_EMULATOR_ACCESSCOUNTERS_H
