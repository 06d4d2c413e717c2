#!/usr/bin/env python3
"""resume.py SCRATCH MODEL.mlir: for every phase, --to=PHASE and then --from=NEXT
give the same IR and the same report as one run."""

import json
import os
import sys

from harness import check, run_ok

scratch, model = sys.argv[1:]
os.makedirs(scratch, exist_ok=True)
DATA = f"--calibration-data={model[:-len('.mlir')]}.calib.npz"
PHASES = ["import", "annotate", "calibrate", "propagate", "quantize", "lower"]


def path(name):
    return os.path.join(scratch, name)


def read(name):
    with open(path(name)) as file:
        return file.read()


def decisions(name):
    """The report without times and memory."""
    report = json.loads(read(name))
    summary = report["summary"]
    del summary["compile_seconds"]
    for key in ("seconds", "peak_rss_bytes"):
        summary["calibration"].pop(key, None)
    return report


def data_for(first, last):
    """Only the phase `calibrate` reads data."""
    return [DATA] if first <= PHASES.index("calibrate") <= last else []


run_ok("quant-opt", "--quantize-int8", DATA, model, "-o", path("whole.mlir"),
       f"--report={path('whole.json')}")
for i, phase in enumerate(PHASES[:-1]):
    run_ok("quant-opt", "--quantize-int8", f"--to={phase}", *data_for(0, i), model,
           "-o", path("half.mlir"))
    run_ok("quant-opt", "--quantize-int8", f"--from={PHASES[i + 1]}",
           *data_for(i + 1, len(PHASES) - 1), path("half.mlir"), "-o",
           path("resumed.mlir"), f"--report={path('resumed.json')}")
    check(read("whole.mlir") == read("resumed.mlir"),
          f"resuming after {phase} changes the IR")
    whole, resumed = decisions("whole.json"), decisions("resumed.json")
    if i == 0:  # before names are given, locations are those of the new text
        for row in whole["ops"] + resumed["ops"]:
            del row["location"]
    check(whole == resumed, f"resuming after {phase} changes the report")
