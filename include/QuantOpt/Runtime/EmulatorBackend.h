//===- EmulatorBackend.h - How the runtime reaches the emulator ---*- C -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The C interface between libQuantOptRuntime (no LLVM) and libQuantOpt for the
// device "emulator": memory and launches of an emulated GPU. The runtime's
// executor drives it as it drives the CUDA driver. The emulator compiles its
// kernels anew from the artifact's integer form: nothing in the file is
// executed as host code.
//
// Not for applications. Nothing may be thrown across these functions.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_RUNTIME_EMULATORBACKEND_H
#define QUANTOPT_RUNTIME_EMULATORBACKEND_H

#include "QuantOpt/Runtime/quant_opt_runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

#define QOPT_EMULATOR_BACKEND_ABI_VERSION 1u

/** Every pointer is set. On failure a message is stored in `*error`, to be
 *  freed with free_error. */
typedef struct qopt_emulator_backend {
  uint32_t abi_version;
  /** Compiles the kernels of the integer form `text` (MLIR, `size` bytes) for
   *  `chip` ("sm_80"). */
  qopt_status (*open)(const char *text, size_t size, const char *chip,
                      void **device, char **error);
  void (*close)(void *device);
  /** Device memory, 256-byte aligned, poisoned. `name` appears in reports of
   *  accesses out of bounds. Null when out of memory. */
  void *(*allocate)(void *device, size_t size, const char *name);
  void (*release)(void *device, void *memory);
  /** Runs a kernel to its end. `params[i]` points to the i-th parameter, as for
   *  cuLaunchKernel. Fails with QOPT_RUN_FAILED when the emulator reports
   *  anything: a race, a deadlock, an access out of bounds, misuse. */
  qopt_status (*launch)(void *device, const char *kernel,
                        const uint32_t grid[3], const uint32_t block[3],
                        uint32_t shared_bytes, void *const *params,
                        char **error);
  void (*free_error)(char *error);
} qopt_emulator_backend;

/** The table, with static lifetime. Exported by libQuantOpt. Device memory is
 *  host memory: the runtime copies with memcpy. */
QOPT_EXPORT const qopt_emulator_backend *qopt_get_emulator_backend(void);

typedef const qopt_emulator_backend *(*qopt_get_emulator_backend_fn)(void);
#define QOPT_GET_EMULATOR_BACKEND_SYMBOL "qopt_get_emulator_backend"

#ifdef __cplusplus
}
#endif

#endif /* QUANTOPT_RUNTIME_EMULATORBACKEND_H */
