#!/usr/bin/env python3
"""gpu_check.py BUNDLE --out=DIR [options]
Checks and benchmarks on a GPU machine what tools/gpu-check.sh bundled.

Every part runs in processes of its own under a time limit; whatever fails is
recorded and the rest goes on. DIR/gpu-check.json is rewritten after every part.
Exit status: 0 all exact, 1 something was not exact or did not run, or nothing ran.
"""

import argparse
import datetime
import json
import os
import sys
import tempfile
import time
import traceback

import latency_part
import parts
import report

PARTS = ("goldens", "gemms", "kernels", "ptx", "models", "latency", "bench", "sanitizer")


def parse_options(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("bundle", help="the unpacked bundle")
    parser.add_argument("--out", default=".", help="folder for gpu-check.json")
    parser.add_argument("--device", default="cuda", choices=("cuda", "emulator", "cpu"))
    parser.add_argument("--only", default=",".join(PARTS), help="parts, separated by commas")
    parser.add_argument("--seconds", type=float, default=450, help="limit for everything")
    parser.add_argument("--case-seconds", type=float, default=0,
                        help="limit for one kernel (default: 30, on the emulator 120)")
    parser.add_argument("--libraries", default="",
                        help="a folder to look for libraries in before the bundle's")
    options = parser.parse_args(arguments)
    options.only = options.only.split(",")
    # An open session compiles and uploads; no kernel takes longer.
    options.case_seconds = options.case_seconds or (30 if options.device == "cuda" else 120)
    unknown = set(options.only) - set(PARTS)
    if unknown:
        parser.error(f"unknown parts: {', '.join(sorted(unknown))}")
    return options


class Run:
    """The state of a run: options, remaining time, the result so far."""

    def __init__(self, options):
        self.options = options
        self.deadline = time.monotonic() + options.seconds
        self.scratch = tempfile.mkdtemp(prefix="gpu-check-")
        self.path = os.path.join(options.out, "gpu-check.json")
        self.result = {
            "schema": 1, "tool": "gpu-check", "device": options.device,
            "created": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "bundle": self.read_bundle(), "machine": {}, "parts": {}}

    def read_bundle(self):
        try:
            with open(os.path.join(self.options.bundle, "bundle.json")) as file:
                return json.load(file)
        except (OSError, ValueError) as error:
            return {"error": str(error)}

    def remaining(self):
        return max(self.deadline - time.monotonic(), 0)

    def save(self):
        temporary = self.path + ".tmp"
        with open(temporary, "w") as file:
            file.write(report.dump(self.result))
        os.replace(temporary, self.path)

    def part(self, name, function):
        """Runs a part: its result has "status" passed, failed or skipped."""
        if name not in self.options.only:
            return
        print(f"== {name}", flush=True)
        start = time.monotonic()
        if self.remaining() < 5:
            outcome = {"status": "skipped", "reason": "the time is up"}
        else:
            try:
                outcome = function(self)
            except Exception as error:
                outcome = {"status": "failed", "reason": f"{type(error).__name__}: {error}",
                           "trace": traceback.format_exc()[-2000:]}
        outcome["seconds"] = round(time.monotonic() - start, 1)
        self.result["parts"][name] = outcome
        reason = outcome.get("reason") or outcome.get("summary") or ""
        print(f"{outcome['status']} ({outcome['seconds']} s) {reason}", flush=True)
        self.save()


def main(arguments):
    options = parse_options(arguments)
    os.makedirs(options.out, exist_ok=True)
    run = Run(options)
    run.result["machine"] = parts.describe_machine(run)
    run.save()
    run.part("goldens", parts.check_goldens)
    run.part("gemms", parts.check_gemms)
    run.part("kernels", parts.check_kernels)
    run.part("ptx", parts.check_ptx)
    run.part("models", parts.check_models)
    run.part("latency", latency_part.run_latency)
    run.part("bench", parts.run_bench)
    run.part("sanitizer", parts.run_sanitizer)
    statuses = [part["status"] for part in run.result["parts"].values()]
    run.result["passed"] = "failed" not in statuses and "passed" in statuses
    run.result["seconds"] = round(options.seconds - run.remaining(), 1)
    run.save()
    print()
    print(report.table(run.result))
    print(f"written to {run.path}")
    return 0 if run.result["passed"] else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
