//===- Progress.cpp - A progress line on the terminal ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Calibration/Progress.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir::qopt;

Progress::Progress(std::string what, int64_t total)
    : what(std::move(what)), total(total),
      visible(llvm::sys::Process::StandardErrIsDisplayed()),
      start(std::chrono::steady_clock::now()), lastShown(start) {}

void Progress::advance() {
  std::lock_guard<std::mutex> lock(mutex);
  ++done;
  auto now = std::chrono::steady_clock::now();
  if (!visible || now - lastShown < std::chrono::milliseconds(100))
    return;
  lastShown = now;
  double elapsed = std::chrono::duration<double>(now - start).count();
  double rate = done / elapsed;
  llvm::errs() << "\r\033[K" << what << " " << done << "/" << total
               << llvm::format(", %.1f/s, %.0f s left", rate,
                               (total - done) / rate);
}

void Progress::finish() {
  std::lock_guard<std::mutex> lock(mutex);
  if (visible)
    llvm::errs() << "\r\033[K";
}
