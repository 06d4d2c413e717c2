"""npz.py SOURCE TARGET ROWS: the first rows of every array.

And bitwise comparison of .npz files; with Python alone.
"""

import ast
import struct
import sys
import zipfile


def read(path):
    """{name: (descr, shape, bytes)}"""
    arrays = {}
    with zipfile.ZipFile(path) as archive:
        for member in archive.namelist():
            data = archive.read(member)
            if data[:6] != b"\x93NUMPY":
                raise ValueError(f"{path}: {member} is no array")
            wide = data[6] > 1
            size, = struct.unpack("<I" if wide else "<H", data[8:12 if wide else 10])
            start = (12 if wide else 10) + size
            header = ast.literal_eval(data[start - size:start].decode("latin1"))
            if header["fortran_order"]:
                raise ValueError(f"{path}: {member} is stored by columns")
            arrays[member.removesuffix(".npy")] = (header["descr"], header["shape"], data[start:])
    return arrays


def names(path):
    """The names of the arrays; none of a file that is not there."""
    try:
        with zipfile.ZipFile(path) as archive:
            return [member.removesuffix(".npy") for member in archive.namelist()]
    except (OSError, zipfile.BadZipFile):
        return []


def is_nan(element, descr):
    """Is the little-endian element a NaN?"""
    limits = {"<f2": 0x7c00, "<f4": 0x7f800000, "<f8": 0x7ff0000000000000}
    if descr not in limits:
        return False
    bits = int.from_bytes(element, "little")
    return bits & ((1 << (8 * len(element) - 1)) - 1) > limits[descr]


def compare(actual_path, expected_path):
    """"" if all arrays of the second file are in the first, bit for bit (NaNs
    are all equal); else what differs."""
    actual, expected = read(actual_path), read(expected_path)
    for name, (descr, shape, data) in expected.items():
        if name not in actual:
            return f"'{name}' is missing"
        other_descr, other_shape, other = actual[name]
        if (other_descr, other_shape) != (descr, shape):
            return f"'{name}' is {other_descr}{other_shape}, expected {descr}{shape}"
        if other == data:
            continue
        size = int(descr[2:])
        different = [i for i in range(0, len(data), size)
                     if data[i:i + size] != other[i:i + size]
                     and not (is_nan(data[i:i + size], descr)
                              and is_nan(other[i:i + size], descr))]
        if different:
            first = different[0]
            return (f"'{name}' differs in {len(different)} of {len(data) // size} elements, first "
                    f"number {first // size}: 0x{other[first:first + size][::-1].hex()}, expected "
                    f"0x{data[first:first + size][::-1].hex()} ({descr})")
    return ""


def write(path, arrays):
    """The inverse of read."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, (descr, shape, data) in arrays.items():
            header = repr({"descr": descr, "fortran_order": False, "shape": shape}).encode()
            header += b" " * (-(11 + len(header)) % 64) + b"\n"
            archive.writestr(f"{name}.npy", b"\x93NUMPY\x01\x00"
                             + struct.pack("<H", len(header)) + header + data)


def head(source, target, rows):
    """Writes the first `rows` rows of every array that has more."""
    arrays = {}
    for name, (descr, shape, data) in read(source).items():
        if shape and shape[0] > rows:
            data = data[:len(data) // shape[0] * rows]
            shape = (rows, *shape[1:])
        arrays[name] = (descr, shape, data)
    write(target, arrays)


if __name__ == "__main__":
    head(sys.argv[1], sys.argv[2], int(sys.argv[3]))
