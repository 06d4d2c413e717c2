//===- quant_opt_runtime.h - Run a compiled model -----------------*- C -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The C interface of libQuantOptRuntime: open a model on a device, ask for its
// inputs and outputs, run it, close it. The library contains no compiler; the
// device "cpu" loads libQuantOpt.so, which must lie beside it, on first use.
//
// Conventions
// - A function that can fail returns a qopt_status. On anything but QOPT_OK,
//   qopt_last_error() of the same thread says what went wrong and outputs are
//   not to be used.
// - Tensors are dense row-major (C order) buffers in the byte order of the
//   machine, aligned to their elements; QOPT_I1 takes one byte per element, 0
//   or 1.
// - All strings are UTF-8 and end in a zero byte.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_RUNTIME_QUANT_OPT_RUNTIME_H
#define QUANTOPT_RUNTIME_QUANT_OPT_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#define QOPT_EXPORT
#else
#define QOPT_EXPORT __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** What a call came to. The numbers never change meaning. */
typedef enum qopt_status {
  QOPT_OK = 0,
  /** A null pointer, an index out of range, an unknown device name. */
  QOPT_INVALID_ARGUMENT = 1,
  /** The model cannot be read or is malformed. */
  QOPT_INVALID_MODEL = 2,
  /** This build, version or machine cannot do it: no such device, no support
   *  for this kind of file or this model. */
  QOPT_UNSUPPORTED = 3,
  /** The model was run and failed: an index check, an assertion. */
  QOPT_RUN_FAILED = 4,
  QOPT_OUT_OF_MEMORY = 5,
  /** Anything else; please report it. */
  QOPT_INTERNAL = 6
} qopt_status;

/** Element types. The numbers never change meaning. */
typedef enum qopt_dtype {
  QOPT_F32 = 0,
  QOPT_F64 = 1,
  QOPT_F16 = 2,
  QOPT_BF16 = 3,
  QOPT_I8 = 4,
  QOPT_U8 = 5,
  QOPT_I16 = 6,
  QOPT_I32 = 7,
  QOPT_I64 = 8,
  /** Truth values, one byte per element. */
  QOPT_I1 = 9
} qopt_dtype;

/** An input or output of a model. */
typedef struct qopt_tensor_info {
  /** The argument's or result's own name, else "arg0", "arg1", ... or "out0",
   *  "out1", ...; valid until the session is closed. */
  const char *name;
  qopt_dtype dtype;
  /** Number of dimensions; 0 for a scalar. */
  int32_t rank;
  /** `rank` extents, all known and not negative; valid until the session is
   *  closed. May be null where rank is 0. */
  const int64_t *dims;
} qopt_tensor_info;

/** Which implementations the device "cpu" uses for contractions. */
typedef enum qopt_kernels {
  /** The fastest that give the right bits on this machine. */
  QOPT_KERNELS_AUTO = 0,
  /** Plain loops, the reference. */
  QOPT_KERNELS_PLAIN = 1
} qopt_kernels;

/** How to open a model. Zero-initialize, then set what is needed. */
typedef struct qopt_session_options {
  /** sizeof(qopt_session_options); lets later versions add fields. */
  size_t struct_size;
  /** "cpu" (also when null); "cuda" and "emulator" are known names that this
   *  version refuses with QOPT_UNSUPPORTED. */
  const char *device;
  /** Function to run; null: the only public one, else "main", else
   *  "main_graph". */
  const char *entry;
  /** A qopt_kernels. */
  int32_t kernels;
} qopt_session_options;

/** A model opened on a device. */
typedef struct qopt_session qopt_session;

/** Version of the library, such as "0.1.0". */
QOPT_EXPORT const char *qopt_version(void);

/** A word for a status, such as "invalid argument"; never null. */
QOPT_EXPORT const char *qopt_status_name(qopt_status status);

/** "f32", "i8", ...; "?" for a number that is no qopt_dtype. */
QOPT_EXPORT const char *qopt_dtype_name(qopt_dtype dtype);

/** Bytes of one element; 0 for a number that is no qopt_dtype. */
QOPT_EXPORT size_t qopt_dtype_size(qopt_dtype dtype);

/** Bytes of the dense buffer of a tensor, in `*bytes`. Fails where the extents
 *  are negative or the product does not fit. */
QOPT_EXPORT qopt_status qopt_tensor_num_bytes(const qopt_tensor_info *info,
                                              size_t *bytes);

/** What the last failing call of this thread reported; "" if none failed yet.
 *  Valid until this thread's next failing call. */
QOPT_EXPORT const char *qopt_last_error(void);

/** Opens the model file `path`: MLIR text in float or integer form (".mlir").
 *  `options` may be null. On success `*session` is to be closed by
 *  qopt_session_close; on failure it is null. Compiles the model, which may
 *  take seconds. */
QOPT_EXPORT qopt_status qopt_session_open(const char *path,
                                          const qopt_session_options *options,
                                          qopt_session **session);

/** Ends a session; no call on it may be under way. Null is allowed. */
QOPT_EXPORT void qopt_session_close(qopt_session *session);

/** The device that the session runs on, such as "cpu". */
QOPT_EXPORT const char *qopt_session_device(const qopt_session *session);

/** Number of inputs and outputs; 0 for a null session. */
QOPT_EXPORT size_t qopt_session_num_inputs(const qopt_session *session);
QOPT_EXPORT size_t qopt_session_num_outputs(const qopt_session *session);

/** Describes input or output `index`, counted from 0. */
QOPT_EXPORT qopt_status qopt_session_input_info(const qopt_session *session,
                                                size_t index,
                                                qopt_tensor_info *info);
QOPT_EXPORT qopt_status qopt_session_output_info(const qopt_session *session,
                                                 size_t index,
                                                 qopt_tensor_info *info);

/** Runs the model once on the calling thread: `inputs` and `outputs` point to
 *  one buffer for each input and output, in order. Outputs overlap neither
 *  inputs nor each other. Any number of threads may run one session at a time.
 */
QOPT_EXPORT qopt_status qopt_session_run(qopt_session *session,
                                         const void *const *inputs,
                                         void *const *outputs);

#ifdef __cplusplus
}
#endif

#endif /* QUANTOPT_RUNTIME_QUANT_OPT_RUNTIME_H */
