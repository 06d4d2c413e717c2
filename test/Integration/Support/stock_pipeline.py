#!/usr/bin/env python3
"""stock_pipeline.py SCRATCH TOOLS MODEL.mlir...: integer form compiled by stock
LLVM tools (TOOLS/compile-stock.sh) gives what quant-run gives.

Bit for bit where nothing but integers and elementwise f32 arithmetic is left.
Sums of floats and functions of libm, which are the float islands, may differ in
the last place; then outputs agree within MAX_STEPS quantization steps. Contractions
that stayed float have no fixed order: only their SQNR is checked.
"""

import ctypes
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import count_contractions
import npz
from harness import check, identical, run_ok, sqnr_db

# An output's step is 1/255 of its range. A last place that differs inside an
# island can move what follows by one integer, and that one several outputs. Sums
# of floats have an order of their own with us (docs/Numerics.md), and whatever
# order the other stack chose there: bert_s in IREE is 1.17 steps off.
MAX_STEPS = 1.5
MIN_SQNR_DB = 50.0
MIN_FLOAT_SQNR_DB = 20.0
MAX_RUNS = 4  # of the model's batch: loops of stock tools are slow

ELEMENTS = {"f32": "f4", "f64": "f8", "i1": "b1", "i8": "i1", "i16": "i2",
            "i32": "i4", "i64": "i8"}
LIBM = re.compile(r"\bmath\.(?!roundeven|fma|absf|floor|ceil|trunc|sqrt|copysign)\w+")


class Signature:
    """What the entry of an integer form takes and gives: (dtype, shape) each."""

    def __init__(self, text):
        entry = re.search(r"func\.func @(\w+)\((.*?)\)\s*->\s*(.*?)\s*(?:attributes .*)?\{\n",
                          text)
        check(entry, "there is no public function")
        self.name = entry.group(1)
        self.inputs, self.outputs = (
            [(ELEMENTS[t], tuple(int(n) for n in dims.split("x")[:-1]))
             for dims, t in re.findall(r"tensor<((?:\d+x)*)(\w+)>", part)]
            for part in entry.group(2, 3))


def has_islands(text):
    """Whether bits may depend on who compiles: functions of libm, sums of f32."""
    if LIBM.search(text):
        return True
    for op in re.split(r"\n    (?=%\S+ = )", text):
        if ('"reduction"' in op.split("\n", 1)[0] and re.search(r"arith\.addf", op)
                or re.search(r"= linalg\.(?!generic|fill|transpose|broadcast).*f32", op)):
            return True
    return False


def descriptor(array, shape):
    """The memref descriptor of a buffer in C order."""
    rank = len(shape)
    strides = [1] * rank
    for d in reversed(range(rank - 1)):
        strides[d] = strides[d + 1] * shape[d + 1]

    class MemRef(ctypes.Structure):
        _fields_ = [("allocated", ctypes.c_void_p), ("aligned", ctypes.c_void_p),
                    ("offset", ctypes.c_int64), ("sizes", ctypes.c_int64 * rank),
                    ("strides", ctypes.c_int64 * rank)]

    address = array.buffer_info()[0]
    dims = ctypes.c_int64 * rank
    return MemRef(address, address, 0, dims(*shape), dims(*strides))


def call(library, signature, inputs):
    """One run of the compiled model."""
    function = getattr(library, "_mlir_ciface_" + signature.name)
    function.restype = None
    outputs = [npz.zeros(dtype, shape) for dtype, shape in signature.outputs]
    arguments = [descriptor(array.data, shape) for array, (_, shape)
                 in zip(inputs + outputs, signature.inputs + signature.outputs)]
    function(*map(ctypes.byref, arguments))
    return outputs


def run_compiled(path, signature, data):
    """Runs of the model's batch over the samples of `data`; the outputs joined."""
    library = ctypes.CDLL(path)
    names = [f"arg{i}" for i in range(len(signature.inputs))]
    batch = signature.inputs[0][1][0]
    runs = data[names[0]].shape[0] // batch
    joined = None
    for r in range(runs):
        inputs = []
        for name, (dtype, shape) in zip(names, signature.inputs):
            part = data[name].take(r * batch, (r + 1) * batch)
            check(part.shape == shape and part.dtype == dtype,
                  f"{name} has {part.dtype} {part.shape}, the model takes {dtype} {shape}")
            inputs.append(part)
        outputs = call(library, signature, inputs)
        joined = outputs if joined is None else [
            npz.join(a, b) for a, b in zip(joined, outputs)]
    return {f"out{i}": value for i, value in enumerate(joined)}


def compare(expected, got):
    """The largest difference of any output in steps, the least SQNR."""
    worst, least = 0.0, float("inf")
    for key in sorted(expected):
        a, b = expected[key].data, got[key].data
        step = (max(a) - min(a)) / 255 or 1.0
        worst = max(worst, max(abs(x - y) for x, y in zip(a, b)) / step)
        least = min(least, sqnr_db(a, b))
    return worst, least


def test(scratch, tools, model):
    stem = model[:-len(".mlir")]
    name = os.path.basename(stem)

    def path(suffix):
        return os.path.join(scratch, name + suffix)

    command = ["quant-opt", "--quantize-int8", model, "-o", path(".int8.mlir")]
    if os.path.exists(stem + ".calib.npz"):
        command.append(f"--calibration-data={stem}.calib.npz")
    run_ok(*command)
    run_ok("bash", os.path.join(tools, "compile-stock.sh"), path(".int8.mlir"), path(".so"))
    with open(path(".int8.mlir")) as file:
        text = file.read()
    signature = Signature(text)

    evaluation = next(stem + suffix for suffix in (".eval.npz", ".io.npz")
                      if os.path.exists(stem + suffix))
    batch = signature.inputs[0][1][0]
    data = {key: value.take(0, min(value.shape[0] // batch, MAX_RUNS) * batch)
            for key, value in npz.load(evaluation).items() if key.startswith("arg")}
    npz.save(path(".in.npz"), data)
    run_ok("quant-run", path(".int8.mlir"), "--device=cpu", f"--input={path('.in.npz')}",
           f"--output={path('.run.npz')}")
    npz.save(path(".stock.npz"), run_compiled(path(".so"), signature, data))
    if not has_islands(text):
        different = identical(path(".run.npz"), path(".stock.npz"))
        check(different is None, f"{name}: {different} differs in bits")
        print(f"{name}: same bits", flush=True)
        return
    steps, db = compare(npz.load(path(".run.npz")), npz.load(path(".stock.npz")))
    counts = count_contractions.count_file(path(".int8.mlir"))
    floats = counts["float_weight"] + counts["float_dynamic"]
    what = (f"{name}: {floats} float contractions" if floats else f"{name}: float islands")
    what += f", at most {steps:.4f} steps, {db:.1f} dB"
    check(db >= (MIN_FLOAT_SQNR_DB if floats else MIN_SQNR_DB)
          and (floats or steps <= MAX_STEPS), what)
    print(what, flush=True)


def main(scratch, tools, *models):
    os.makedirs(scratch, exist_ok=True)
    for model in models or more_models():
        test(scratch, tools, model)


def more_models():
    """Every model of $QUANTOPT_MODELS with data."""
    root = os.environ["QUANTOPT_MODELS"]
    found = sorted(os.path.join(folder, name)
                   for folder, _, names in os.walk(root) for name in names
                   if name.endswith(".mlir") and any(
                       os.path.exists(os.path.join(folder, name[:-5] + suffix))
                       for suffix in (".eval.npz", ".io.npz")))
    check(found, f"no NAME.mlir with data under {root}")
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
