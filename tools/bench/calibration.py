#!/usr/bin/env python3
"""calibration.py FOLDER [--models=resnet50,bert_base] [--samples=128]
Full-size models: time and memory of calibration with complete statistics.

FOLDER holds NAME.mlir and NAME.calib.npz, whose samples are repeated until there
are enough. Each model is calibrated with all samples, with 8 of them, and with all
but without observing anything (every op kept float): the ratio of the first to the
last, taken in turns, is what statistics cost. A calibration that looks at extremes
only lies between the two. Prints a table and writes
tools/bench/results/calibration-NAME.json. Needs numpy.
"""

import json
import os
import sys
import tempfile

import numpy

from resnet50 import BIN, ROOT, processor, run

FEW = 8
ROUNDS = 2


def resize(arrays, samples):
    return {name: numpy.resize(array, (samples,) + array.shape[1:])
            for name, array in arrays.items()}


def calibrate(model, data, scratch, *flags):
    """Seconds and peak MiB of the job, seconds of its calibration."""
    report = os.path.join(scratch, "report.json")
    _, seconds, peak = run([f"{BIN}/quant-opt", "--quantize-int8", model,
                            f"--calibration-data={data}", f"--report={report}",
                            "-o", "/dev/null", *flags])
    with open(report) as file:
        calibration = json.load(file)["summary"]["calibration"]
    return {"job_seconds": seconds, "peak_mib": peak,
            "calibration_seconds": calibration["seconds"]}


def measure(folder, name, samples):
    model = os.path.join(folder, f"{name}.mlir")
    arrays = dict(numpy.load(os.path.join(folder, f"{name}.calib.npz")))
    with tempfile.TemporaryDirectory() as scratch:
        all_data, few_data = (os.path.join(scratch, f"{n}.npz") for n in (samples, FEW))
        numpy.savez(all_data, **resize(arrays, samples))
        numpy.savez(few_data, **resize(arrays, FEW))
        few = calibrate(model, few_data, scratch)
        full, plain = [], []
        for _ in range(ROUNDS):
            full.append(calibrate(model, all_data, scratch))
            plain.append(calibrate(model, all_data, scratch, "--keep-float=*"))
    best = {key: min(row[key] for row in full) for key in full[0]}
    forward = min(row["calibration_seconds"] for row in plain)
    return {"model": name, "samples": samples, "processor": processor(),
            "model_mib": os.path.getsize(model) / 2**20, **best,
            "peak_mib_few_samples": few["peak_mib"],
            "unobserved_calibration_seconds": forward,
            "ratio": best["calibration_seconds"] / forward}


def main(arguments):
    options = {"models": "resnet50,bert_base", "samples": "128"}
    folders = []
    for argument in arguments:
        name, equals, value = argument.lstrip("-").partition("=")
        if equals and name in options:
            options[name] = value
        elif argument.startswith("-"):
            raise SystemExit(__doc__)
        else:
            folders.append(argument)
    if len(folders) != 1:
        raise SystemExit(__doc__)
    print(f"{'model':12} {'samples':>7} {'job':>8} {'calibration':>11} {'unobserved':>10} "
          f"{'ratio':>6} {'peak':>9} {f'peak, {FEW} samples':>16}")
    for name in options["models"].split(","):
        row = measure(folders[0], name, int(options["samples"]))
        print(f"{name:12} {row['samples']:7} {row['job_seconds']:6.1f} s "
              f"{row['calibration_seconds']:9.1f} s "
              f"{row['unobserved_calibration_seconds']:8.1f} s {row['ratio']:6.2f} "
              f"{row['peak_mib']:5.0f} MiB {row['peak_mib_few_samples']:12.0f} MiB",
              flush=True)
        path = os.path.join(ROOT, "tools", "bench", "results", f"calibration-{name}.json")
        with open(path, "w") as file:
            json.dump(row, file, indent=1)
            file.write("\n")


if __name__ == "__main__":
    main(sys.argv[1:])
