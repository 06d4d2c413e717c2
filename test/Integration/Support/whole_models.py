#!/usr/bin/env python3
"""whole_models.py SCRATCH [NAME...]: every model of $QUANTOPT_MODELS, or those
named, for every chip, as kernels only.

Each is compiled to one artifact for all chips, its kernels run in the emulator,
and the results are those of the CPU to the bit. The number of launches is
bounded: one per contraction and a few for all else, where LAUNCHES says so."""

import json
import os
import re
import sys
import time

import npz
from harness import check, fail, run, run_ok

CHIPS = "sm_80,sm_86,sm_89,sm_90"
SAMPLES = 30  # of trained models: a batch of the compiled 20 and a rest

# Launches beyond one per contraction: ends of a network, pools, a mean.
BEYOND_CONTRACTIONS = {
    "resnet_s": 3, "resnet_s.qdq_pc": 3, "resnet_s.qdq_pt": 3,
    "mobilenet_s": 3, "digits_dwcnn": 3, "kws_dsconv1d": 3,
}
# Layers, each of at most 10 launches, and launches before and behind them.
LAYERS = {"tiny_transformer": (2, 5), "bert_s": (2, 8)}


def find_models(names):
    root = os.environ["QUANTOPT_MODELS"]
    models = {name[:-5]: os.path.join(folder, name[:-5])
              for folder, _, files in os.walk(root) for name in files
              if name.endswith(".mlir")}
    check(models, f"no NAME.mlir under {root}")
    return {name: models[name] for name in names or sorted(models)}


def count_contractions(stem, arguments, scratch):
    """Integer and float ones of the integer form."""
    form = os.path.join(scratch, "integer.mlir")
    run_ok("quant-opt", "--quantize-int8", stem + ".mlir", *arguments, "-o", form)
    script = os.path.join(os.path.dirname(__file__), "..", "count_contractions.py")
    counts = json.loads(run_ok(sys.executable, script, form))
    return sum(counts[kind] for kind in ("integer", "float_weight", "float_dynamic"))


def check_model(name, stem, scratch):
    """An error as text, or None."""
    calibration = stem + ".calib.npz"
    arguments = ([f"--calibration-data={calibration}"]
                 if os.path.exists(calibration) else [])
    artifact = os.path.join(scratch, name + ".qopt")
    start = time.monotonic()
    compiled = run("quant-opt", "--quantize-int8", stem + ".mlir", *arguments,
                   f"--target={CHIPS}", "--emit=qopt", "-o", artifact)
    seconds = time.monotonic() - start
    if compiled.returncode:
        return compiled.stderr.strip().splitlines()[0]
    info = run_ok("quant-run", artifact, "--info")
    launches = int(re.search(r"^sm_80 +(\d+)", info, re.M).group(1))
    limit = None
    if name in BEYOND_CONTRACTIONS:
        limit = (count_contractions(stem, arguments, scratch)
                 + BEYOND_CONTRACTIONS[name])
    elif name in LAYERS:
        layers, ends = LAYERS[name]
        limit = 10 * layers + ends
    data = next(path for path in (stem + ".io.npz", stem + ".eval.npz")
                if os.path.exists(path))
    inputs = {key: value for key, value in npz.load(data).items()
              if key.startswith("arg")}
    if data.endswith(".eval.npz"):
        inputs = {key: value.take(0, SAMPLES) for key, value in inputs.items()}
    data = os.path.join(scratch, "inputs.npz")
    npz.save(data, inputs)
    verified = run("quant-run", artifact, "--verify", "--device=emulator,cpu",
                   f"--input={data}")
    print(f"{name}: {seconds:.1f} s for {CHIPS}, {launches} launches"
          + (f" of at most {limit}" if limit else "") + ": "
          + (verified.stdout.strip().splitlines() or ["nothing"])[-1], flush=True)
    if verified.returncode:
        return "the emulator and the CPU differ: " + verified.stderr.strip()
    if limit and launches > limit:
        return f"{launches} launches, more than {limit}"
    return None


def main():
    scratch = sys.argv[1]
    os.makedirs(scratch, exist_ok=True)
    errors = {}
    models = find_models(sys.argv[2:])
    for name, stem in models.items():
        error = check_model(name, stem, scratch)
        if error:
            errors[name] = error
    if errors:
        fail("\n".join(f"{name}: {error}" for name, error in errors.items()))
    print(f"{len(models)} models")


main()
