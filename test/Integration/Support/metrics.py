#!/usr/bin/env python3
"""metrics.py SCRATCH MODEL.mlir: SQNR, agreement and accuracy as quant-run's
--json prints them, against values computed here from its --output."""

import json
import os
import sys

import npz
from harness import check, run, run_ok, sqnr_db, top1

scratch, model = sys.argv[1:]
os.makedirs(scratch, exist_ok=True)
stem = model[:-len(".mlir")]
int8, out = os.path.join(scratch, "int8.mlir"), os.path.join(scratch, "out.npz")
run_ok("quant-opt", "--quantize-int8", model, f"--calibration-data={stem}.calib.npz",
       "-o", int8)

command = ["quant-run", int8, "--device=cpu", f"--input={stem}.eval.npz",
           f"--reference={stem}.eval.npz"]
said = json.loads(run_ok(*command, "--labels=label", "--json", f"--output={out}"))
expected, got = npz.load(f"{stem}.eval.npz"), npz.load(out)["out0"]


def argmax(row):
    return max(range(len(row)), key=row.__getitem__)


pairs = list(zip(expected["out0"].rows(), got.rows()))
computed = {
    "sqnr_db": sqnr_db(expected["out0"].data, got.data),
    "max_abs": max(abs(a - b) for a, b in zip(expected["out0"].data, got.data)),
    "argmax_agreement_percent":
        100 * sum(argmax(a) == argmax(b) for a, b in pairs) / len(pairs),
}
for key, value in computed.items():
    reported = said["reference"][0][key]
    check(abs(reported - value) <= 1e-6 * abs(value),
          f"quant-run says {key} is {reported}, it is {value}")
accuracy = top1(got, expected["label"])
check(abs(said["labels"]["top1_percent"] - accuracy) < 1e-9,
      f"quant-run says top-1 is {said['labels']['top1_percent']}, it is {accuracy}")
check(said["run"]["samples"] == got.shape[0], "the number of samples is wrong")

db = computed["sqnr_db"]
run_ok(*command, f"--min-sqnr-db={db - 0.01}")
failing = run(*command, f"--min-sqnr-db={db + 0.01}")
check(failing.returncode == 1 and failing.stderr.strip(),
      f"--min-sqnr-db={db + 0.01:.2f} passes or says nothing")
