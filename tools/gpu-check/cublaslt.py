"""int8 products by cuBLASLt, called directly: PyTorch reaches only one form.

cuBLASLt stores matrices by columns. A row-major d[m, n] = a[m, k] * b[n, k]^T is
its D[n x m] = op(A)[n x k] * B[k x m] with A = b transposed and B = a as they
lie in memory: the only layout ("TN") its int8 kernels have.
"""

import ctypes
import glob
import os

# library_types.h, cublas_api.h and cublasLt.h.
CUDA_R_32F, CUDA_R_8I, CUDA_R_32I = 0, 3, 10
CUBLAS_COMPUTE_32I, CUBLAS_OP_T = 72, 1
DESC_POINTER_MODE, DESC_TRANSA, DESC_EPILOGUE, DESC_BIAS_POINTER = 2, 3, 7, 8
EPILOGUE_BIAS, ALPHA_VECTOR_BETA_ZERO = 4, 3
PREF_MAX_WORKSPACE_BYTES = 1
STATUS = {1: "not initialized", 3: "allocation failed", 7: "invalid value",
          8: "architecture mismatch", 13: "execution failed", 14: "internal error",
          15: "not supported"}
WORKSPACE_BYTES = 64 << 20
MAX_ALGORITHMS = 8


class _Heuristic(ctypes.Structure):
    _fields_ = [("algo", ctypes.c_uint64 * 8), ("workspace_size", ctypes.c_size_t),
                ("state", ctypes.c_int), ("waves", ctypes.c_float),
                ("reserved", ctypes.c_int * 4)]


class Failure(Exception):
    """cuBLASLt refused or failed."""


def check(status, what):
    if status:
        raise Failure(f"{what}: {STATUS.get(status, 'status')} ({status})")


def find_library(folders=()):
    """The library that PyTorch uses, else the toolkit's."""
    names = ["libcublasLt.so.13", "libcublasLt.so.12"]
    patterns = [os.path.join(folder, "nvidia", "*", "lib") for folder in folders]
    patterns += ["/usr/local/cuda/lib64", "/usr/local/cuda*/lib64"]
    candidates = names + [path for pattern in patterns for name in names
                          for path in sorted(glob.glob(os.path.join(pattern, name)))]
    for name in candidates:
        try:
            return ctypes.CDLL(name), name
        except OSError:
            continue
    raise Failure("no libcublasLt.so.13 or .12 found")


class CublasLt:
    """A handle with a workspace at the device address `workspace`."""

    def __init__(self, library, workspace):
        self.library, self.workspace = library, workspace
        library.cublasLtGetVersion.restype = ctypes.c_size_t
        self.version = library.cublasLtGetVersion()
        self.handle = ctypes.c_void_p()
        check(library.cublasLtCreate(ctypes.byref(self.handle)), "cublasLtCreate")


class Product:
    """d = a * b^T for one shape and kind of result.

    kind "i32": the accumulators. "s8": scaled by one number, rounded, saturated.
    "s8_channel": the same with a factor and an addend per column of d, as the
    fused kernels of this project have them; `scale` and `bias` are then device
    addresses of f32[n].
    """

    def __init__(self, lt, m, n, k, kind, scale=None, bias=None):
        self.lt, self.kind, self.objects = lt, kind, []
        call = lt.library
        is_channel = kind == "s8_channel"
        self.alpha = (ctypes.c_int32(1) if kind == "i32" else
                      ctypes.c_float(2.0 ** -10) if kind == "s8" else None)
        self.beta = ctypes.c_int32(0) if kind == "i32" else ctypes.c_float(0)
        self.alpha_address = ctypes.c_void_p(scale) if is_channel else ctypes.byref(self.alpha)

        scale_type = CUDA_R_32I if kind == "i32" else CUDA_R_32F
        self.description = self._create("cublasLtMatmulDescCreate", CUBLAS_COMPUTE_32I,
                                        scale_type)
        self._describe(DESC_TRANSA, ctypes.c_int32(CUBLAS_OP_T))
        if is_channel:
            self._describe(DESC_POINTER_MODE, ctypes.c_int32(ALPHA_VECTOR_BETA_ZERO))
            self._describe(DESC_EPILOGUE, ctypes.c_int32(EPILOGUE_BIAS))
            self._describe(DESC_BIAS_POINTER, ctypes.c_void_p(bias))
        self.layouts = [self._layout(CUDA_R_8I, k, n), self._layout(CUDA_R_8I, k, m),
                        self._layout(CUDA_R_32I if kind == "i32" else CUDA_R_8I, n, m)]
        preference = self._create("cublasLtMatmulPreferenceCreate")
        limit = ctypes.c_uint64(WORKSPACE_BYTES)
        check(call.cublasLtMatmulPreferenceSetAttribute(
            preference, PREF_MAX_WORKSPACE_BYTES, ctypes.byref(limit),
            ctypes.c_size_t(8)), "preference")

        results, count = (_Heuristic * MAX_ALGORITHMS)(), ctypes.c_int(0)
        weights, activations, result = self.layouts
        check(call.cublasLtMatmulAlgoGetHeuristic(
            lt.handle, self.description, weights, activations, result, result, preference,
            ctypes.c_int(MAX_ALGORITHMS), results, ctypes.byref(count)), "heuristic")
        self.algorithms = [r for r in results[:count.value] if r.state == 0]
        if not self.algorithms:
            raise Failure("no algorithm")
        self.chosen = self.algorithms[0]

    def _create(self, function, *arguments):
        handle = ctypes.c_void_p()
        check(getattr(self.lt.library, function)(
            ctypes.byref(handle), *(ctypes.c_int(a) for a in arguments)), function)
        self.objects.append((function.replace("Create", "Destroy"), handle))
        return handle

    def _layout(self, dtype, rows, columns):
        handle = ctypes.c_void_p()
        check(self.lt.library.cublasLtMatrixLayoutCreate(
            ctypes.byref(handle), ctypes.c_int(dtype), ctypes.c_uint64(rows),
            ctypes.c_uint64(columns), ctypes.c_int64(rows)), "layout")
        self.objects.append(("cublasLtMatrixLayoutDestroy", handle))
        return handle

    def _describe(self, attribute, value):
        check(self.lt.library.cublasLtMatmulDescSetAttribute(
            self.description, ctypes.c_int(attribute), ctypes.byref(value),
            ctypes.c_size_t(ctypes.sizeof(value))), "attribute")

    def run(self, a, b, d, stream):
        """Enqueues the product; arguments are device addresses and a stream."""
        weights, activations, result = self.layouts
        check(self.lt.library.cublasLtMatmul(
            self.lt.handle, self.description, self.alpha_address,
            ctypes.c_void_p(b), weights, ctypes.c_void_p(a), activations,
            ctypes.byref(self.beta), ctypes.c_void_p(d), result, ctypes.c_void_p(d), result,
            ctypes.byref(self.chosen.algo), ctypes.c_void_p(self.lt.workspace),
            ctypes.c_size_t(WORKSPACE_BYTES), ctypes.c_void_p(stream)), "cublasLtMatmul")

    def close(self):
        while self.objects:
            function, handle = self.objects.pop()
            getattr(self.lt.library, function)(handle)
