#!/usr/bin/env python3
"""dynamic.py SCRATCH MODEL.mlir: a job without calibration data, and --dynamic,
give one integer form, whose outputs are close to the expected ones."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import count_contractions
import npz
from expectations import MODELS
from harness import check, run_ok, sqnr_db

scratch, model = sys.argv[1:]
os.makedirs(scratch, exist_ok=True)
name = os.path.basename(model)[:-len(".mlir")]
int8, same, out = (os.path.join(scratch, name + suffix)
                   for suffix in (".mlir", ".same.mlir", ".npz"))

run_ok("quant-opt", "--quantize-int8", model, "-o", int8)
run_ok("quant-opt", "--quantize-int8", "--dynamic", model, "-o", same)
with open(int8) as a, open(same) as b:
    check(a.read() == b.read(), "--dynamic differs from a job without data")

before = count_contractions.count_file(model)
after = count_contractions.count_file(int8)
check(after["float_weight"] == 0 and after["integer"] == before["float_weight"] + before["float_dynamic"],
      f"{after['integer']} of {before['float_weight'] + before['float_dynamic']} contractions are integer")

evaluation = model[:-len(".mlir")] + ".eval.npz"
run_ok("quant-run", int8, "--device=cpu", f"--input={evaluation}", f"--output={out}")
db = sqnr_db(npz.load(evaluation)["out0"].data, npz.load(out)["out0"].data)
limit = MODELS[name]["dynamic_sqnr_db"]
check(db >= limit, f"SQNR is {db:.2f} dB, below {limit}")
print(f"{name}: dynamic SQNR {db:.2f} dB")
