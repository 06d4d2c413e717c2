//===- CpuBackend.h - How the runtime reaches the CPU device ------*- C -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The C interface between libQuantOptRuntime (no LLVM) and libQuantOpt (the
// compiler and JIT), which the runtime loads when the device "cpu" is asked
// for. The runtime looks up qopt_get_cpu_backend and calls through the table it
// returns. Not for applications: they use quant_opt_runtime.h.
//
// Nothing may be thrown across these functions.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_RUNTIME_CPUBACKEND_H
#define QUANTOPT_RUNTIME_CPUBACKEND_H

#include "QuantOpt/Runtime/quant_opt_runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Value of qopt_cpu_backend::abi_version that this header describes. It
 *  changes with the layout or meaning of anything below. */
#define QOPT_CPU_BACKEND_ABI_VERSION 2u

/** How to compile a model. */
typedef struct qopt_cpu_options {
  /** sizeof(qopt_cpu_options) of the caller; fields beyond it have their
   *  default, zero. */
  size_t struct_size;
  /** Function to run; null: the only public one, else "main", else
   *  "main_graph". */
  const char *entry;
  /** A qopt_kernels: 0 auto, 1 plain loops. */
  int32_t kernels;
} qopt_cpu_options;

/** The data of a constant that the text of a model refers to by name, as
 *  dense_resource<name>. */
typedef struct qopt_cpu_constant {
  const char *name;
  /** Row-major elements in the machine's byte order, aligned to them; they must
   *  outlive the session. */
  const void *data;
  size_t size;
} qopt_cpu_constant;

/** The CPU device. All pointers are set. Where `error` is an argument, it is
 *  not null; a failing call stores a message there that the caller frees with
 *  free_error, or leaves it as it is (the caller passes a null string). */
typedef struct qopt_cpu_backend {
  /** QOPT_CPU_BACKEND_ABI_VERSION. */
  uint32_t abi_version;
  /** Reads and compiles the MLIR file `path`. `options` is not null. Stores the
   *  session in `*session` only on success. The message of a failure holds all
   *  diagnostics, without a final newline. */
  qopt_status (*open)(const char *path, const qopt_cpu_options *options,
                      void **session, char **error);
  /** The same for a model in memory: `size` bytes of text, which need not end
   * in zero nor outlive the call. A resource without data of its own takes the
   *  constant of its name; one that has none of either is an error. `name`
   *  stands for the text in messages. */
  qopt_status (*open_memory)(const char *text, size_t size, const char *name,
                             const qopt_cpu_constant *constants,
                             size_t num_constants,
                             const qopt_cpu_options *options, void **session,
                             char **error);
  /** Ends a session that open or open_memory returned; no other call is under
   * way. */
  void (*close)(void *session);
  size_t (*num_inputs)(void *session);
  /** `index` is less than num_inputs; fills `*info` with pointers that live as
   *  long as the session. */
  qopt_status (*input_info)(void *session, size_t index,
                            qopt_tensor_info *info);
  size_t (*num_outputs)(void *session);
  qopt_status (*output_info)(void *session, size_t index,
                             qopt_tensor_info *info);
  /** Runs once on the calling thread; several threads may do so at a time.
   *  Buffers are as for qopt_session_run and not null unless the tensor has no
   *  element. */
  qopt_status (*run)(void *session, const void *const *inputs,
                     void *const *outputs, char **error);
  /** Frees a message; null is allowed. */
  void (*free_error)(char *error);
} qopt_cpu_backend;

/** The table, with static lifetime. Exported by libQuantOpt. */
QOPT_EXPORT const qopt_cpu_backend *qopt_get_cpu_backend(void);

/** Type and name of that symbol, for dlsym. */
typedef const qopt_cpu_backend *(*qopt_get_cpu_backend_fn)(void);
#define QOPT_GET_CPU_BACKEND_SYMBOL "qopt_get_cpu_backend"

#ifdef __cplusplus
}
#endif

#endif /* QUANTOPT_RUNTIME_CPUBACKEND_H */
