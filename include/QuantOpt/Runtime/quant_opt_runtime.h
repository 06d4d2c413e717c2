//===- quant_opt_runtime.h - Run a compiled model -----------------*- C -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The C interface of libQuantOptRuntime: open a model on a device, ask for its
// inputs and outputs, run it, close it. The library contains no compiler and no
// CUDA: the device "cuda" loads NVIDIA's driver (libcuda.so.1) on first use;
// the devices "cpu" and "emulator" load libQuantOpt.so, which must lie beside
// it.
//
// Models are .qopt artifacts (quant-opt --emit=qopt), which run on all devices,
// and MLIR text (.mlir), which runs on "cpu".
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
  /** This build, version or machine cannot do it: no such device, no kernels
   *  for it, no support for this kind of file, model or batch. */
  QOPT_UNSUPPORTED = 3,
  /** The model was run and failed: an index check, an assertion. The message
   *  names the op and, where there is one, the sample, counted from 0. */
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

/** Takes a notice for the user: one line without a line break, valid during the
 *  call. `user` is qopt_session_options::log_user. May be called on any thread
 *  that calls the library. */
typedef void (*qopt_log_fn)(void *user, const char *message);

/** How to open a model. Zero-initialize, then set what is needed. */
typedef struct qopt_session_options {
  /** sizeof(qopt_session_options); lets later versions add fields. */
  size_t struct_size;
  /** "cuda", "cpu" or "emulator". Null: "cuda" for an artifact where there is a
   *  GPU that it has kernels for, else "cpu", with a notice. */
  const char *device;
  /** Function to run; null: the only public one, else "main", else
   *  "main_graph". For .mlir files; an artifact has one. */
  const char *entry;
  /** A qopt_kernels. */
  int32_t kernels;
  /** Device "cuda": number of the GPU, counted from 0 among the visible ones.
   */
  int32_t device_ordinal;
  /** Device "cuda": the CUstream (or cudaStream_t) of the GPU's primary context
   *  that everything is launched on; it must outlive the session. Null: a
   *  stream of the session's own. (The legacy default stream has the handle
   *  CU_STREAM_LEGACY.) */
  void *stream;
  /** Takes notices, such as that kernels of another chip are used; null: they
   *  go to stderr. */
  qopt_log_fn log;
  void *log_user;
  /** Devices "cuda" and "emulator": the chip whose kernels are run, such as
   *  "sm_80"; null: what suits the GPU best, on the emulator the artifact's
   *  first. */
  const char *target;
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

/** Opens the model file `path`, a .qopt artifact or MLIR text in float or
 *  integer form; which one is seen from its content. `options` may be null. On
 *  success `*session` is to be closed by qopt_session_close; on failure it is
 *  null. On "cuda" uploads the weights and loads the kernels; on "cpu" and
 *  "emulator" compiles the model, which may take seconds. An artifact is
 * checked completely (container, hashes, every size and bound) before it is
 * used.
 *
 *  Fails with QOPT_UNSUPPORTED where there is no driver, no GPU or no kernel
 * for the GPU, and with QOPT_OUT_OF_MEMORY where the model does not fit. */
QOPT_EXPORT qopt_status qopt_session_open(const char *path,
                                          const qopt_session_options *options,
                                          qopt_session **session);

/** Ends a session; no call on it may be under way. Null is allowed. */
QOPT_EXPORT void qopt_session_close(qopt_session *session);

/** The device that the session runs on: "cpu", "cuda" or "emulator". */
QOPT_EXPORT const char *qopt_session_device(const qopt_session *session);

/** The device in words, such as "NVIDIA H100 (kernels for sm_90a)". */
QOPT_EXPORT const char *qopt_session_description(const qopt_session *session);

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

/** The number of samples that an artifact is compiled for: the first extent of
 *  its inputs and outputs. 0 for MLIR text, where it is not known. */
QOPT_EXPORT int64_t qopt_session_batch(const qopt_session *session);

/** 1 if any number of samples from 1 to qopt_session_batch can be run; 0 if
 * only that number can. */
QOPT_EXPORT int qopt_session_any_batch(const qopt_session *session);

/** Runs the model once, on qopt_session_batch samples: `inputs` and `outputs`
 *  point to one buffer in host memory for each input and output, in order.
 *  Outputs overlap neither inputs nor each other. Returns when the outputs are
 *  there. Any number of threads may run one session at a time; on "cuda" and
 *  "emulator" their runs follow one another (open several sessions to overlap
 *  them). */
QOPT_EXPORT qopt_status qopt_session_run(qopt_session *session,
                                         const void *const *inputs,
                                         void *const *outputs);

/** Runs `batch` samples: the same with buffers whose first extent is `batch`
 *  (inputs that are scalars are as they are). 0 stands for the full batch.
 * Fails with QOPT_INVALID_ARGUMENT where `batch` is not from 1 to
 * qopt_session_batch, and with QOPT_UNSUPPORTED, naming the reason, where the
 * model takes the full batch only. MLIR text takes its full batch only, given
 * as 0. */
QOPT_EXPORT qopt_status qopt_session_run_batch(qopt_session *session,
                                               int64_t batch,
                                               const void *const *inputs,
                                               void *const *outputs);

/** Fails as qopt_session_run_batch would for this batch, without running. */
QOPT_EXPORT qopt_status qopt_session_check_batch(const qopt_session *session,
                                                 int64_t batch);

/** The same as qopt_session_run_batch on device memory. On "cuda": pointers are
 *  CUdeviceptr, 16-byte aligned, from whatever allocator; the call only
 * enqueues work on the session's stream, so inputs must not change and outputs
 * are not there until it is done, and failures of kernels and of their checks
 * are reported by a later call: by qopt_session_synchronize,
 * qopt_session_download or the next run on host memory at the latest. On
 * "emulator": memory of qopt_session_allocate. On "cpu": any
 * memory. Calls with the buffers of an earlier call are the fastest. */
QOPT_EXPORT qopt_status qopt_session_run_device(qopt_session *session,
                                                int64_t batch,
                                                const void *const *inputs,
                                                void *const *outputs);

/** Memory on the session's device, for callers that do not use its own
 *  interface; `bytes` is not 0. To be released before the session is closed.
 *  Fails with QOPT_OUT_OF_MEMORY. */
QOPT_EXPORT qopt_status qopt_session_allocate(qopt_session *session,
                                              size_t bytes, void **memory);
/** Waits for runs under way; null is allowed. */
QOPT_EXPORT qopt_status qopt_session_release(qopt_session *session,
                                             void *memory);

/** Copies from the host to device memory, after all runs, and waits. */
QOPT_EXPORT qopt_status qopt_session_upload(qopt_session *session, void *to,
                                            const void *from, size_t bytes);
/** Copies from device memory to the host, after all runs, and waits. */
QOPT_EXPORT qopt_status qopt_session_download(qopt_session *session, void *to,
                                              const void *from, size_t bytes);

/** Waits for all runs of the session. */
QOPT_EXPORT qopt_status qopt_session_synchronize(qopt_session *session);

/** Milliseconds that the last run took on the device, measured there and
 * without copies of inputs and outputs; waits for its end. Fails with
 *  QOPT_INVALID_ARGUMENT where nothing was run, or only recorded into a graph
 * of the caller. */
QOPT_EXPORT qopt_status qopt_session_elapsed_ms(qopt_session *session,
                                                double *milliseconds);

/** Describes the artifact `path` as one JSON object, after checking all of it:
 *  {"schema", "producer", "name", "batch", "any_batch", "fixed_batch_reason",
 *  "inputs": [{"name", "dtype", "shape", "bytes"}], "outputs": [...],
 *  "constants": {"count", "bytes"}, "plans": [{"target", "cubin_bytes",
 *  "ptx_bytes", "arena_bytes", "workspace_bytes", "constant_bytes",
 *  "launches": [{"kernel", "name", "grid", "block", "shared_bytes"}]}],
 *  "members": [{"name", "bytes", "sha256"}], "file_bytes"}. Grids are those of
 *  the full batch. `*json` is to be freed by qopt_free. */
QOPT_EXPORT qopt_status qopt_artifact_info(const char *path, char **json);

/** Frees a string that a function of this library gave out; null is allowed. */
QOPT_EXPORT void qopt_free(char *text);

#ifdef __cplusplus
}
#endif

#endif /* QUANTOPT_RUNTIME_QUANT_OPT_RUNTIME_H */
