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

Progress::Progress(std::string what, int64_t total, int64_t done)
    : what(std::move(what)), total(total), doneBefore(done), done(done),
      visible(llvm::sys::Process::StandardErrIsDisplayed()),
      start(std::chrono::steady_clock::now()), lastShown(start) {
  if (visible)
    show();
}

void Progress::show() {
  llvm::errs() << "\r\033[K" << what << ": " << done << " of " << total
               << " samples";
  double elapsed = std::chrono::duration<double>(lastShown - start).count();
  if (done == doneBefore || elapsed <= 0)
    return;
  double rate = (done - doneBefore) / elapsed;
  llvm::errs() << llvm::format(", %.1f per second, %.0f s left", rate,
                               (total - done) / rate);
}

void Progress::advance(int64_t samples) {
  std::lock_guard<std::mutex> lock(mutex);
  done += samples;
  auto now = std::chrono::steady_clock::now();
  if (!visible || now - lastShown < std::chrono::milliseconds(100))
    return;
  lastShown = now;
  show();
}

void Progress::finish() {
  std::lock_guard<std::mutex> lock(mutex);
  if (visible)
    llvm::errs() << "\r\033[K";
}
