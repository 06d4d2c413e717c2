//===- Status.h - Failures at the C interface -------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_RUNTIME_STATUS_H
#define QUANTOPT_LIB_RUNTIME_STATUS_H

#include "Runtime.h"

#include <new>

namespace mlir::qopt::runtime {

/// Stores the message for qopt_last_error of this thread; returns `status`.
qopt_status fail(qopt_status status, const char *message) noexcept;

/// Runs `body` and keeps its exceptions from the C caller.
template <typename Body> qopt_status guard(const Body &body) noexcept {
  try {
    body();
    return QOPT_OK;
  } catch (const Error &error) {
    return fail(error.status, error.what());
  } catch (const std::bad_alloc &) {
    return fail(QOPT_OUT_OF_MEMORY, "out of memory");
  } catch (const std::exception &error) {
    return fail(QOPT_INTERNAL, error.what());
  } catch (...) {
    return fail(QOPT_INTERNAL, "internal error");
  }
}

} // namespace mlir::qopt::runtime

#endif // QUANTOPT_LIB_RUNTIME_STATUS_H
