#!/usr/bin/env python3
"""interrupted.py SCRATCH MODEL.mlir: kills jobs at many moments and lets others
fail; OUT is always its old self or the complete result."""

import os
import signal
import subprocess
import sys
import time

from harness import check, run, run_ok

scratch, model = sys.argv[1:]
os.makedirs(scratch, exist_ok=True)
out = os.path.join(scratch, "out.mlir")
OLD = "old contents\n"


def write(path, text):
    with open(path, "w") as file:
        file.write(text)


def read(path):
    with open(path) as file:
        return file.read()


def leftovers():
    return [name for name in os.listdir(scratch) if ".tmp-" in name]


command = ["quant-opt", "--quantize-int8", model, "-o", out]
start = time.monotonic()
run_ok(*command)
seconds, whole = time.monotonic() - start, read(out)

MOMENTS = 24
interrupted = 0
for how in (signal.SIGTERM, signal.SIGKILL):
    for i in range(MOMENTS):
        write(out, OLD)
        job = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        # Denser towards the end, where the output is written.
        time.sleep(seconds * (1 - (1 - i / MOMENTS) ** 2) * 1.05)
        job.send_signal(how)
        status = job.wait()
        text = read(out)
        interrupted += status != 0
        check(text in ((whole,) if status == 0 else (OLD, whole)),
              f"{how.name} left {len(text)} bytes in OUT, complete are {len(whole)}")
        if how == signal.SIGTERM:
            check(not leftovers(), f"{how.name} left {leftovers()}")
check(interrupted > MOMENTS // 2, f"only {interrupted} jobs were interrupted")
for name in leftovers():  # nobody can clean up after SIGKILL
    os.remove(os.path.join(scratch, name))

broken = os.path.join(scratch, "broken.mlir")
missing = os.path.join(scratch, "missing.npz")
write(broken, read(model)[:-100])
for failing in (["quant-opt", "--quantize-int8", broken, "-o", out],
                ["quant-opt", "--quantize-int8", model, "-o", out,
                 f"--calibration-data={missing}"],
                ["quant-opt", "--quantize-int8", model, "-o", out, "--no-such-flag"]):
    write(out, OLD)
    result = run(*failing)
    check(result.returncode == 1, f"exit status {result.returncode} of {failing}")
    check(result.stderr.strip(), f"no message of {failing}")
    check(read(out) == OLD, f"{failing} changed OUT")
    check(not leftovers(), f"{failing} left {leftovers()}")
print(f"{interrupted} of {2 * MOMENTS} jobs interrupted in the middle")
