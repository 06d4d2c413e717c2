//===- Reports.cpp - What the emulator says --------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Machine.h"

#include <map>

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::emulator;

void emulator::report(const Twine &key, const Twine &message) {
  machine->result.ok = false;
  if (machine->result.reports.size() < machine->options.maxReports &&
      machine->reported.insert(key.str()).second)
    machine->result.reports.push_back(message.str());
}

std::string emulator::describeOp(OpId op) {
  const std::vector<std::string> &ops = machine->kernel.module->ops;
  return "[" + (op < ops.size() ? ops[op] : std::string("?")) + "]";
}

std::string emulator::describeBlock(uint32_t linear) {
  uint32_t x = machine->grid[0], y = machine->grid[1];
  return ("block (" + Twine(linear % x) + ", " + Twine(linear / x % y) + ", " +
          Twine(linear / x / y) + ")")
      .str();
}

std::string emulator::describe(const Thread &thread) {
  return (describeBlock(thread.block->linear) + " thread " +
          Twine(thread.index))
      .str();
}

std::string emulator::describeShared(uint32_t offset) {
  const KernelImage &kernel = machine->kernel;
  const SharedGlobal *best = nullptr;
  uint32_t bestBegin = 0;
  for (auto [global, begin] :
       llvm::zip(kernel.module->sharedGlobals, kernel.sharedOffsets)) {
    if (begin == KernelImage::kUnused)
      continue;
    uint32_t absolute =
        global.size == 0 ? machine->dynamicBegin : kReservedShared + begin;
    if (absolute <= offset && (!best || absolute >= bestBegin)) {
      best = &global;
      bestBegin = absolute;
    }
  }
  if (!best)
    return ("shared address " + Twine(offset)).str();
  return ("@" + best->name + "+" + Twine(offset - bestBegin)).str();
}

void emulator::reportDeadlock() {
  // By op: number of threads, and one of them.
  std::map<OpId, std::pair<unsigned, Thread *>> waiting;
  for (auto &block : machine->slots) {
    for (auto &thread : block->threads) {
      if (thread->done)
        continue;
      auto &[count, example] =
          waiting.try_emplace(thread->waitsAt, 0, thread.get()).first->second;
      ++count;
    }
  }
  std::string message = "deadlock:";
  bool first = true;
  for (auto &[op, threads] : waiting) {
    message += (Twine(first ? " " : ", ") + Twine(threads.first) +
                " threads wait at " + describeOp(op) + " (" +
                describe(*threads.second) + ")")
                   .str();
    first = false;
  }
  report(message);
  machine->stopped = true;
}
