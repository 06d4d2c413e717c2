//===- Status.cpp - Versions, names and errors of the runtime -------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The functions of the C interface that need no session.
//
//===----------------------------------------------------------------------===//
#include "Status.h"

#include <climits>
#include <cstdlib>

using namespace mlir::qopt::runtime;

#ifndef QUANTOPT_VERSION
#define QUANTOPT_VERSION "unknown"
#endif

static std::string &lastError() {
  static thread_local std::string message;
  return message;
}

qopt_status mlir::qopt::runtime::fail(qopt_status status,
                                      const char *message) noexcept {
  try {
    lastError() = message;
  } catch (...) { // No memory for the text; an older one would mislead.
    lastError().clear();
  }
  return status;
}

const char *qopt_version(void) { return QUANTOPT_VERSION; }

const char *qopt_last_error(void) { return lastError().c_str(); }

void qopt_free(char *text) { free(text); }

const char *qopt_status_name(qopt_status status) {
  switch (status) {
  case QOPT_OK:
    return "ok";
  case QOPT_INVALID_ARGUMENT:
    return "invalid argument";
  case QOPT_INVALID_MODEL:
    return "invalid model";
  case QOPT_UNSUPPORTED:
    return "unsupported";
  case QOPT_RUN_FAILED:
    return "run failed";
  case QOPT_OUT_OF_MEMORY:
    return "out of memory";
  case QOPT_INTERNAL:
    return "internal error";
  }
  return "unknown status";
}

namespace {
struct TypeFacts {
  const char *name;
  size_t size;
};
/// In the order of qopt_dtype.
constexpr TypeFacts kTypes[] = {{"f32", 4}, {"f64", 8}, {"f16", 2}, {"bf16", 2},
                                {"i8", 1},  {"u8", 1},  {"i16", 2}, {"i32", 4},
                                {"i64", 8}, {"i1", 1}};
constexpr TypeFacts kUnknownType = {"?", 0};
} // namespace

static const TypeFacts &factsOf(qopt_dtype dtype) {
  size_t index = size_t(int(dtype));
  return index < sizeof(kTypes) / sizeof(*kTypes) ? kTypes[index]
                                                  : kUnknownType;
}

const char *qopt_dtype_name(qopt_dtype dtype) { return factsOf(dtype).name; }

size_t qopt_dtype_size(qopt_dtype dtype) { return factsOf(dtype).size; }

qopt_status qopt_tensor_num_bytes(const qopt_tensor_info *info, size_t *bytes) {
  if (!info || !bytes || info->rank < 0 || (info->rank > 0 && !info->dims))
    return fail(QOPT_INVALID_ARGUMENT,
                "qopt_tensor_num_bytes: null pointer or negative rank");
  size_t product = qopt_dtype_size(info->dtype);
  bool isEmpty = false;
  if (product == 0)
    return fail(QOPT_INVALID_ARGUMENT, "unknown element type");
  for (int32_t i = 0; i < info->rank; ++i) {
    int64_t extent = info->dims[i];
    if (extent < 0)
      return fail(QOPT_INVALID_ARGUMENT, "a dimension is negative");
    isEmpty |= extent == 0;
    if (extent > 0 &&
        (__builtin_mul_overflow(product, uint64_t(extent), &product) ||
         product > size_t(PTRDIFF_MAX)))
      return fail(QOPT_INVALID_ARGUMENT, "the tensor is too large");
  }
  *bytes = isEmpty ? 0 : product;
  return QOPT_OK;
}
