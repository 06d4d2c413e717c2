"""Reads and writes .npz files with the standard library alone, so that tests
need no numpy and no code of the project under test."""

import array
import ast
import io
import math
import struct
import zipfile

_TYPECODES = {"f4": "f", "f8": "d", "i1": "b", "u1": "B", "b1": "B",
              "i2": "h", "u2": "H", "i4": "i", "u4": "I", "i8": "q", "u8": "Q"}


class Array:
    """A dense C-order array: dtype as in npy ("f4"), shape, flat data."""

    def __init__(self, dtype, shape, data):
        self.dtype, self.shape, self.data = dtype, tuple(shape), data

    def tobytes(self):
        return self.data.tobytes()

    def rows(self):
        """The data split along the first dimension."""
        width = len(self.data) // self.shape[0]
        return [self.data[i * width:(i + 1) * width] for i in range(self.shape[0])]

    def take(self, begin, end):
        """A copy of the samples [begin, end)."""
        width = len(self.data) // self.shape[0]
        return Array(self.dtype, (end - begin,) + self.shape[1:],
                     self.data[begin * width:end * width])


def zeros(dtype, shape):
    """A new array of zeros."""
    data = array.array(_TYPECODES[dtype])
    data.frombytes(bytes(data.itemsize * math.prod(shape)))
    return Array(dtype, shape, data)


def join(a, b):
    """The samples of `a`, then those of `b`."""
    return Array(a.dtype, (a.shape[0] + b.shape[0],) + a.shape[1:], a.data + b.data)


def parse_npy(raw):
    """The Array of the bytes of an npy file."""
    if raw[:6] != b"\x93NUMPY":
        raise ValueError("not an npy file")
    wide = raw[6] > 1
    length, = struct.unpack_from("<I" if wide else "<H", raw, 8)
    begin = 12 if wide else 10
    header = ast.literal_eval(raw[begin:begin + length].decode("latin1"))
    if header["fortran_order"] and len(header["shape"]) > 1:
        raise ValueError("Fortran order is not read here")
    dtype = header["descr"].lstrip("<|=")
    data = array.array(_TYPECODES[dtype])
    data.frombytes(raw[begin + length:])
    return Array(dtype, header["shape"], data)


def load(path):
    with zipfile.ZipFile(path) as archive:
        return {name[:-len(".npy")]: parse_npy(archive.read(name))
                for name in archive.namelist()}


def npy_bytes(value):
    """The npy form of an Array."""
    order = "|" if value.dtype in ("i1", "u1", "b1") else "<"
    # Character for character what NumPy writes: not every reader is a parser.
    header = (f"{{'descr': '{order}{value.dtype}', 'fortran_order': False, "
              f"'shape': {value.shape}, }}").encode("latin1")
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    out = io.BytesIO()
    out.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header)
    out.write(value.tobytes())
    return out.getvalue()


def save(path, arrays):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, value in arrays.items():
            archive.writestr(name + ".npy", npy_bytes(value))
