#!/usr/bin/env python3
"""calibration_interrupt.py SCRATCH MODEL.mlir: runs a calibration on a
pseudo-terminal, waits for its progress line, interrupts it, goes on with what was
saved (being interrupted once more) and compares with one run."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time

import npz
from harness import check, fail, run, run_ok

scratch, model = sys.argv[1:]
os.makedirs(scratch, exist_ok=True)
os.chdir(scratch)
SAMPLES = 60000
LIMIT = 120  # seconds, for any one step

arrays = npz.load(f"{model[:-len('.mlir')]}.calib.npz")
big = {}
for name, array in arrays.items():
    width = len(array.data) // array.shape[0]
    data = array.data[:0]
    while len(data) < SAMPLES * width:
        data += array.data
    big[name] = npz.Array(array.dtype, (SAMPLES,) + array.shape[1:],
                          data[:SAMPLES * width])
npz.save("big.npz", big)

BASE = ["quant-opt", "--quantize-int8", "--to=calibrate", model, "-o", "stats.mlir",
        "--calibration-data=big.npz"]


def interrupted(*flags):
    """Interrupts the command once its progress line shows some samples; what it
    wrote to the terminal."""
    parent, child = pty.openpty()
    # One thread, so that fast machines do not finish first.
    job = subprocess.Popen(BASE + ["--threads=1", *flags], stderr=child, stdin=child)
    os.close(child)
    text, sent, deadline = "", False, time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        ready, _, _ = select.select([parent], [], [], 1.0)
        if ready:
            try:
                chunk = os.read(parent, 65536)
            except OSError:  # the job has closed the terminal
                chunk = b""
            if not chunk:
                break
            text += chunk.decode(errors="replace")
        shown = re.findall(r"calibrating: (\d+) of \d+ samples, [\d.]+ per second, "
                           r"\d+ s left", text)
        if not sent and len(shown) > 2:
            job.send_signal(signal.SIGINT)
            sent = True
    os.close(parent)
    status = job.wait(timeout=LIMIT)
    check(sent, f"no progress was shown: {text[-500:]!r}")
    check(status == 1, f"the interrupted job exited with {status}: {text[-500:]}")
    check("finishing the samples that have begun" in text, text[-500:])
    return text


if os.path.exists("stats.mlir"):
    os.remove("stats.mlir")
text = interrupted()
partial = os.path.basename(model)[:-len(".mlir")] + ".interrupted.json"
check(f"saved in '{partial}'" in text and f"--calibration-table={partial}" in text,
      f"nothing said of resuming: {text[-500:]}")
check(not os.path.exists("stats.mlir"), "an interrupted job has written its output")
first = json.load(open(partial))
check(first["complete"] is False and 0 < first["samples"] < SAMPLES,
      f"the interrupted table has {first['samples']} samples")

# Alone it is refused; other data are, too.
result = run("quant-opt", "--quantize-int8", model, f"--calibration-table={partial}")
check(result.returncode == 1 and "interrupted" in result.stderr, result.stderr)
other = {name: npz.Array(array.dtype, array.shape, array.data[::-1])
         for name, array in big.items()}
npz.save("other.npz", other)
result = run("quant-opt", "--quantize-int8", "--to=calibrate", model, "-o",
             "other.mlir", "--calibration-data=other.npz",
             f"--calibration-table={partial}")
check(result.returncode == 1 and "are not those" in result.stderr, result.stderr)

interrupted(f"--calibration-table={partial}")
second = json.load(open(partial))
check(first["samples"] < second["samples"] < SAMPLES,
      f"after {first['samples']} samples now {second['samples']}")

run_ok(*BASE, f"--calibration-table={partial}", "--save-calibration=resumed.json")
run_ok(*BASE, "--save-calibration=whole.json", "--threads=1")
os.rename("stats.mlir", "whole.mlir")
if open("resumed.json").read() != open("whole.json").read():
    fail("the resumed table differs from that of one run")
print(f"interrupted after {first['samples']} and {second['samples']} of {SAMPLES}")
