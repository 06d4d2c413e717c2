"""The part of libQuantOptRuntime's C interface that the benchmark uses.

See include/QuantOpt/Runtime/quant_opt_runtime.h for what each call does.
"""

import ctypes

OK = 0
# (name, bytes of an element) by qopt_dtype.
DTYPES = (("f32", 4), ("f64", 8), ("f16", 2), ("bf16", 2), ("i8", 1), ("u8", 1), ("i16", 2),
          ("i32", 4), ("i64", 8), ("i1", 1))


class Failure(Exception):
    """A call that did not return QOPT_OK."""


class _Options(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_size_t),
                ("device", ctypes.c_char_p),
                ("entry", ctypes.c_char_p),
                ("kernels", ctypes.c_int32),
                ("device_ordinal", ctypes.c_int32),
                ("stream", ctypes.c_void_p),
                ("log", ctypes.c_void_p),
                ("log_user", ctypes.c_void_p),
                ("target", ctypes.c_char_p)]


class _TensorInfo(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p),
                ("dtype", ctypes.c_int),
                ("rank", ctypes.c_int32),
                ("dims", ctypes.POINTER(ctypes.c_int64))]


class Library:
    def __init__(self, path):
        self.handle = handle = ctypes.CDLL(path)
        pointer, size, string = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p
        pointers = ctypes.POINTER(ctypes.c_void_p)
        signatures = {
            "qopt_version": (string, []),
            "qopt_last_error": (string, []),
            "qopt_session_open": (ctypes.c_int, [string, ctypes.POINTER(_Options), pointers]),
            "qopt_session_close": (None, [pointer]),
            "qopt_session_description": (string, [pointer]),
            "qopt_session_num_inputs": (size, [pointer]),
            "qopt_session_num_outputs": (size, [pointer]),
            "qopt_session_input_info": (ctypes.c_int,
                                        [pointer, size, ctypes.POINTER(_TensorInfo)]),
            "qopt_session_output_info": (ctypes.c_int,
                                         [pointer, size, ctypes.POINTER(_TensorInfo)]),
            "qopt_session_batch": (ctypes.c_int64, [pointer]),
            "qopt_session_check_batch": (ctypes.c_int, [pointer, ctypes.c_int64]),
            "qopt_session_allocate": (ctypes.c_int, [pointer, size, pointers]),
            "qopt_session_release": (ctypes.c_int, [pointer, pointer]),
            "qopt_session_upload": (ctypes.c_int, [pointer, pointer, string, size]),
            "qopt_session_elapsed_ms": (ctypes.c_int,
                                        [pointer, ctypes.POINTER(ctypes.c_double)]),
            "qopt_session_run_device": (ctypes.c_int,
                                        [pointer, ctypes.c_int64, pointers, pointers]),
            "qopt_session_synchronize": (ctypes.c_int, [pointer]),
        }
        for name, (result, arguments) in signatures.items():
            function = getattr(handle, name)
            function.restype, function.argtypes = result, arguments

    def check(self, status):
        if status != OK:
            raise Failure(self.handle.qopt_last_error().decode(errors="replace"))


class Session:
    """An artifact on the GPU of the current context; use as a context manager.

    `inputs` and `outputs` are lists of (name, shape), `input_dtypes` and
    `output_dtypes` their DTYPES in the same order.
    """

    def __init__(self, library, path, stream, device="cuda"):
        self.library = library
        options = _Options(struct_size=ctypes.sizeof(_Options), device=device.encode(),
                           stream=stream or None)
        self.session = ctypes.c_void_p()
        library.check(library.handle.qopt_session_open(
            path.encode(), ctypes.byref(options), ctypes.byref(self.session)))
        handle = library.handle
        self.description = handle.qopt_session_description(self.session).decode()
        self.batch = handle.qopt_session_batch(self.session)
        self.inputs, self.input_dtypes = self._tensors(handle.qopt_session_num_inputs,
                                                       handle.qopt_session_input_info)
        self.outputs, self.output_dtypes = self._tensors(handle.qopt_session_num_outputs,
                                                         handle.qopt_session_output_info)

    def _tensors(self, count, info):
        tensors, dtypes = [], []
        for index in range(count(self.session)):
            tensor = _TensorInfo()
            self.library.check(info(self.session, index, ctypes.byref(tensor)))
            tensors.append((tensor.name.decode(), [tensor.dims[d] for d in range(tensor.rank)]))
            dtypes.append(DTYPES[tensor.dtype])
        return tensors, dtypes

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.session:
            self.library.handle.qopt_session_close(self.session)
            self.session = None

    def check_batch(self, batch):
        """Raises Failure, with the reason, if `batch` samples cannot be run."""
        self.library.check(self.library.handle.qopt_session_check_batch(self.session, batch))

    def allocate(self, count, data=None):
        """The address of `count` bytes on the device, filled with `data`."""
        memory = ctypes.c_void_p()
        handle = self.library.handle
        self.library.check(handle.qopt_session_allocate(
            self.session, max(count, 1), ctypes.byref(memory)))
        if data:
            self.library.check(handle.qopt_session_upload(self.session, memory, data, len(data)))
        return memory.value

    def release(self, address):
        self.library.check(self.library.handle.qopt_session_release(self.session, address))

    def elapsed_ms(self):
        """What the last run took on the device, by its clock."""
        value = ctypes.c_double()
        self.library.check(self.library.handle.qopt_session_elapsed_ms(
            self.session, ctypes.byref(value)))
        return value.value

    def run_device(self, inputs, outputs, batch=None):
        """Enqueues a run, of the whole batch by default; arguments are device
        addresses."""
        ins = (ctypes.c_void_p * len(inputs))(*inputs)
        outs = (ctypes.c_void_p * len(outputs))(*outputs)
        self.library.check(self.library.handle.qopt_session_run_device(
            self.session, batch or self.batch, ins, outs))

    def synchronize(self):
        self.library.check(self.library.handle.qopt_session_synchronize(self.session))
