#!/usr/bin/env python3
"""redundant_casts.py SCRATCH MODEL.mlir... [--of FILE.mlir...]: in the QDQ form of
float models nothing is quantized that was dequantized right before or behind data
movement.

Models have NAME.calib.npz beside them; after --of come files that are in QDQ form
already. Counts in the generic form that stock MLIR prints; one line per file."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from count_contractions import parse
from harness import check, fail, run_ok

MOVES = ("tensor.collapse_shape", "tensor.expand_shape", "tensor.extract_slice",
         "tensor.pad", "linalg.transpose")


def count_function(made, casts):
    """The casts whose operand, behind data movement, was dequantized."""
    pairs = 0
    for cast in casts:
        source = made.get(cast.operands[0].split("#")[0])
        while source is not None and source.name in MOVES:
            source = made.get(source.operands[0].split("#")[0])
        pairs += source is not None and source.name == "quant.dcast"
    return pairs


def count_file(path):
    """(casts to integers, redundant ones)."""
    text = run_ok("quant-opt", "--mlir-print-op-generic", path,
                  "--mlir-elide-elementsattrs-if-larger=4",
                  "--mlir-elide-resource-strings-if-larger=4")
    made, casts, total, pairs = {}, [], 0, 0
    for op in parse(text):
        if op.name == "func.func":
            total, pairs = total + len(casts), pairs + count_function(made, casts)
            made, casts = {}, []
        elif op.name == "quant.qcast":
            casts.append(op)
        if op.result:
            made[op.result] = op
    return total, pairs


scratch, arguments = sys.argv[1], sys.argv[2:]
os.makedirs(scratch, exist_ok=True)
split = arguments.index("--of") if "--of" in arguments else len(arguments)
models, ready = arguments[:split], arguments[split + 1:]
if models == ["all"]:
    root = os.environ["QUANTOPT_MODELS"]
    models = sorted(os.path.join(folder, name)
                    for folder, _, names in os.walk(root) for name in names
                    if name.endswith(".mlir")
                    and os.path.exists(os.path.join(folder, name[:-5] + ".calib.npz")))
    check(models, f"no NAME.mlir with NAME.calib.npz under {root}")

for path in ready:
    print("{}: {} casts, {} redundant".format(os.path.basename(path), *count_file(path)))

failed = []
for model in models:
    qdq = os.path.join(scratch, "qdq.mlir")
    run_ok("quant-opt", "--quantize-int8", "--to=quantize", model, "-o", qdq,
           f"--calibration-data={model[:-len('.mlir')]}.calib.npz")
    total, pairs = count_file(qdq)
    print(f"{os.path.basename(model)}: {total} casts, {pairs} redundant")
    check(total, f"{model}: nothing is quantized")
    if pairs:
        failed.append(os.path.basename(model))
if failed:
    fail("quantized again right after dequantizing: " + ", ".join(failed))
