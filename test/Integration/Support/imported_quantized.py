#!/usr/bin/env python3
"""imported_quantized.py SCRATCH: quantized models of the folder QUANTOPT_MODELS
keep the outputs of the framework that quantized them.

The models' own outputs are on a grid (their last edge is quantized) or float.
For the former the difference must be below one step of the coarsest output
scale found in the report's last edge; for the latter the SQNR must be high.
"""

import glob
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import count_contractions
import npz
from harness import check, run_ok, sqnr_db

MIN_SQNR_DB = 60  # of float outputs: roundings of inner edges agree

scratch = sys.argv[1]
os.makedirs(scratch, exist_ok=True)
folder = os.environ["QUANTOPT_MODELS"]
paths = sorted(glob.glob(os.path.join(folder, "**", "*.qdq_*.mlir"), recursive=True) +
               glob.glob(os.path.join(folder, "**", "*.fx_x86.mlir"), recursive=True))
check(paths, f"no quantized model in {folder}")
for path in paths:
    name = os.path.basename(path)[:-len(".mlir")]
    int8 = os.path.join(scratch, name + ".mlir")
    report_file = os.path.join(scratch, name + ".json")
    out = os.path.join(scratch, name + ".npz")
    run_ok("quant-opt", "--quantize-int8", path, "-o", int8, f"--report={report_file}")
    counts = count_contractions.count_file(int8)
    left = counts["float_weight"] + counts["float_dynamic"]
    check(counts["integer"] > 0 and left == 0, f"{name}: contractions left: {counts}")
    io = path[:-len(".mlir")] + ".io.npz"
    run_ok("quant-run", int8, "--device=cpu", f"--input={io}", f"--output={out}")
    expected, got = npz.load(io)["out0"].data, npz.load(out)["out0"].data
    with open(report_file) as file:
        edges = json.load(file)["edges"]
    worst = max(abs(a - b) for a, b in zip(expected, got))
    db = sqnr_db(expected, got)
    steps = worst / max(edge["scale"] for edge in edges)
    print(f"{name}: {counts['integer']} integer, largest difference {worst:.3g} "
          f"({steps:.3g} of the coarsest step), SQNR {db:.1f} dB")
    check(worst == 0 or db >= MIN_SQNR_DB, f"{name}: differs by {worst}, SQNR {db:.1f} dB")
