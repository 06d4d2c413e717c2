//===- Runtime.h - Inside the C runtime -------------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the functions of quant_opt_runtime.h share: how they report, and the
// devices behind them.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_RUNTIME_RUNTIME_H
#define QUANTOPT_LIB_RUNTIME_RUNTIME_H

#include "QuantOpt/Runtime/CpuBackend.h"

#include <new>
#include <string>

namespace mlir::qopt::runtime {

/// Stores the message for qopt_last_error of this thread; returns `status`.
qopt_status fail(qopt_status status, const char *message) noexcept;
inline qopt_status fail(qopt_status status, const std::string &message) {
  return fail(status, message.c_str());
}

/// Runs `body`, which returns a status, and keeps exceptions from the C caller.
template <typename Body> qopt_status guard(const Body &body) noexcept {
  try {
    return body();
  } catch (const std::bad_alloc &) {
    return fail(QOPT_OUT_OF_MEMORY, "out of memory");
  } catch (...) {
    return fail(QOPT_INTERNAL, "internal error");
  }
}

/// The CPU device of libQuantOpt, loaded on the first call. Thread-safe.
qopt_status loadCpuBackend(const qopt_cpu_backend **backend);

} // namespace mlir::qopt::runtime

#endif // QUANTOPT_LIB_RUNTIME_RUNTIME_H
