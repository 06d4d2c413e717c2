#!/usr/bin/env python3
"""failed_checks.py SCRATCH lookup.mlir: runs good and bad indices on the
devices emulator and cpu, as an artifact and as text."""

import array
import os
import shutil
import sys

import npz
from harness import check, run, run_ok

scratch, model = sys.argv[1:]
shutil.rmtree(scratch, ignore_errors=True)
os.makedirs(scratch)
artifact = os.path.join(scratch, "lookup.qopt")
run_ok("quant-opt", "--from=kernels", "--target=sm_80", "--emit=qopt", model,
       "-o", artifact)

GOOD = [0, 1, 2, 3, 4, 0, 4, 4, 4, 1, 1, 1]
SMALL, LARGE = "index must be smaller than dim size", "index must be larger or equal to 0"
# (changes of GOOD, samples, what is said)
CASES = [
    ({}, 4, None),
    ({7: 5}, 4, "sample 2: " + SMALL),
    ({11: -1}, 4, "sample 3: " + LARGE),
    ({0: -1, 3: 9, 11: 9}, 4, "sample 0: " + LARGE),
    ({5: 1 << 62, 6: -1}, 4, "sample 1: " + SMALL),
    ({11: -1}, 3, None),
    ({8: -(1 << 63)}, 3, "sample 2: " + LARGE),
]

devices = [(artifact, "emulator"), (artifact, "cpu"), (model, "cpu")]
for number, (changes, samples, words) in enumerate(CASES):
    ids = list(GOOD)
    for position, value in changes.items():
        ids[position] = value
    data = os.path.join(scratch, "ids%d.npz" % number)
    npz.save(data, {"ids": npz.Array("i8", (samples, 3),
                                     array.array("q", ids[:3 * samples]))})
    for file, device in devices:
        if samples != 4 and file == model:
            continue  # Text takes its full batch only.
        name = "case %d: %s on %s" % (number, os.path.basename(file), device)
        result = run("quant-run", file, "--device=" + device, "--input=" + data)
        if words is None:
            check(result.returncode == 0, name + " failed: " + result.stderr)
            continue
        check(result.returncode == 1, name + " ended with %d" % result.returncode)
        check("'embedding', " + words in result.stderr,
              name + " said: " + result.stderr)
