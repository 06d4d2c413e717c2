#!/usr/bin/env python3
"""precision.py SCRATCH MODEL.mlir...: --precision=f16 and bf16.

The output stays close to the expected one and to that of --precision=f32, fewer
f32 tensors are left where islands are float, the report names the precisions, inputs and outputs keep
their types; an artifact gives the same bits on the emulator and on the CPU.
"""

import json
import os
import re
import sys

import npz
from expectations import MODELS
from harness import check, run_ok, sqnr_db

# Of the output, against the form with f32: 11 and 8 bits, and 8-bit roundings that
# they flip.
MIN_SQNR_DB = {"f16": 34.0, "bf16": 28.0}
MAX_LOSS_DB = {"f16": 0.5, "bf16": 1.5}  # against the expected output
SAMPLES = 20  # on the emulator


def count(text, element):
    """Tensors that ops other than constants make."""
    return len(re.findall(rf"-> tensor<[\dx]*x{element}>", text))


def quantize(model, precision, stem):
    calibration = model[:-len(".mlir")] + ".calib.npz"
    run_ok("quant-opt", "--quantize-int8", model, f"--calibration-data={calibration}",
           f"--precision={precision}", "-o", stem + ".mlir", f"--report={stem}.json")
    with open(stem + ".mlir") as file:
        text = file.read()
    with open(stem + ".json") as file:
        return text, json.load(file)


def outputs(form, data, out):
    run_ok("quant-run", form, "--device=cpu", f"--input={data}", f"--output={out}")
    return npz.load(out)["out0"].data


def check_devices(model, precision, stem, data):
    """The emulator's bits are those of the CPU."""
    calibration = model[:-len(".mlir")] + ".calib.npz"
    run_ok("quant-opt", "--quantize-int8", model, f"--calibration-data={calibration}",
           f"--precision={precision}", "--target=sm_80,cpu", "--emit=qopt",
           "-o", stem + ".qopt")
    small = stem + ".in.npz"
    npz.save(small, {"arg0": npz.load(data)["arg0"].take(0, SAMPLES)})
    run_ok("quant-run", stem + ".qopt", "--device=emulator,cpu", "--verify",
           f"--input={small}")


def test(scratch, model):
    name = os.path.basename(model)[:-len(".mlir")]
    data = model[:-len(".mlir")] + ".eval.npz"
    expected = npz.load(data)["out0"].data
    stem = os.path.join(scratch, name)
    text32, _ = quantize(model, "f32", stem + ".f32")
    out32 = outputs(stem + ".f32.mlir", data, stem + ".f32.npz")
    signature = re.search(r"func\.func @.*", text32).group()
    for precision in ("f16", "bf16"):
        own = f"{stem}.{precision}"
        text, report = quantize(model, precision, own)
        what = f"{name} {precision}"
        check(signature in text, f"{what}: the signature changed")
        check("qopt." not in text, f"{what}: attributes are left")
        f32, half = count(text, "f32"), count(text, precision)
        # Nothing but what makes the outputs is float in a convolutional net.
        if count(text32, "f32") > 2:
            check(half > 0 and f32 < count(text32, "f32"),
                  f"{what}: {half} tensors in 16 bits, {f32} in f32")
            check(any(row["precision"] == precision for row in report["ops"]),
                  f"{what}: no row of the report says so")
        out = outputs(own + ".mlir", data, own + ".npz")
        db, change = sqnr_db(expected, out), sqnr_db(out32, out)
        print(f"{what}: {db:.2f} dB, f32 form {sqnr_db(expected, out32):.2f} dB, "
              f"{change:.2f} dB to that; {half} of {half + f32} tensors", flush=True)
        check(change >= MIN_SQNR_DB[precision]
              and db >= sqnr_db(expected, out32) - MAX_LOSS_DB[precision]
              and db >= MODELS[name]["min_sqnr_db"] - 1, f"{what}: SQNR")
        check_devices(model, precision, own, data)


def main(scratch, *models):
    os.makedirs(scratch, exist_ok=True)
    for model in models:
        test(scratch, model)


if __name__ == "__main__":
    main(*sys.argv[1:])
