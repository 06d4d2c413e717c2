#!/usr/bin/env python3
"""resnet50.py FOLDER [--rounds=N] [--iterations=N] [--model=NAME]
Full-size model: time and memory of quantization, latency of float and int8.

FOLDER holds NAME.mlir, NAME.calib.npz and NAME.io.npz (default NAME: resnet50).
Float and int8 runs alternate, so that a change of the machine's load hits both;
latencies are the smallest and the median of all rounds. Prints a table and
writes tools/bench/results/NAME.json.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
BIN = os.path.join(ROOT, "build", "bin")


def run(command):
    """(stdout, seconds, peak resident MiB) of one process."""
    with tempfile.TemporaryFile("w+") as out:
        start = time.monotonic()
        process = subprocess.Popen(command, stdout=out)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{' '.join(command)}: exit status {process.returncode}")
        out.seek(0)
        return out.read(), seconds, usage.ru_maxrss / 1024


def processor():
    with open("/proc/cpuinfo") as file:
        text = file.read()
    flags = next(line for line in text.splitlines() if line.startswith("flags")).split()
    name = next(line for line in text.splitlines() if line.startswith("model name"))
    known = ("avx2", "avx512f", "avx_vnni", "avx512_vnni", "amx_int8")
    return {"name": name.split(":")[1].strip(), "cores": os.cpu_count(),
            "features": [f for f in known if f in flags]}


def main(arguments):
    options = {"rounds": "5", "iterations": "20", "model": "resnet50"}
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
    model = options["model"]
    stem = os.path.join(folders[0], model)

    with tempfile.TemporaryDirectory() as scratch:
        int8 = os.path.join(scratch, "int8.mlir")
        report = os.path.join(scratch, "report.json")
        print(f"quantizing {stem}.mlir ...", flush=True)
        _, seconds, peak = run([
            f"{BIN}/quant-opt", "--quantize-int8", f"{stem}.mlir",
            f"--calibration-data={stem}.calib.npz", "-o", int8, f"--report={report}"])
        with open(report) as file:
            summary = json.load(file)["summary"]

        runs = {"float": [], "int8": []}
        last, memory = {}, {}
        for number in range(int(options["rounds"])):
            for form, file in (("float", f"{stem}.mlir"), ("int8", int8)):
                print(f"round {number + 1}: {form} ...", flush=True)
                text, _, memory[form] = run([
                    f"{BIN}/quant-run", file, "--device=cpu", f"--input={stem}.io.npz",
                    f"--reference={stem}.io.npz", "--json",
                    f"--benchmark={options['iterations']}"])
                last[form] = json.loads(text)
                runs[form].append(last[form]["benchmark"]["latency_ms"])

    latency = {form: {"min_ms": min(r["min"] for r in rows),
                      "median_ms": statistics.median(r["median"] for r in rows)}
               for form, rows in runs.items()}
    ratios = {key: latency["float"][f"{key}_ms"] / latency["int8"][f"{key}_ms"]
              for key in ("min", "median")}
    result = {
        "model": model, "machine": processor(), "options": options,
        "quantize": {"seconds": seconds, "peak_rss_mib": peak, **summary},
        "latency": latency, "peak_rss_mib": memory, "speedup": ratios,
        "reference": {form: run["reference"] for form, run in last.items()},
        "threads": last["int8"]["benchmark"]["threads"],
    }
    results = os.path.join(ROOT, "tools", "bench", "results")
    os.makedirs(results, exist_ok=True)
    path = os.path.join(results, f"{model}.json")
    with open(path, "w") as file:
        json.dump(result, file, indent=2)
        file.write("\n")

    print(f"quantized in {seconds:.1f} s, peak {peak:.0f} MiB, "
          f"{summary['contractions_int8']} of {summary['contractions']} contractions int8")
    for form, row in latency.items():
        print(f"{form:6} min {row['min_ms']:8.2f} ms  median {row['median_ms']:8.2f} ms  "
              f"peak {memory[form]:.0f} MiB")
    print(f"int8 is {ratios['min']:.2f}x (min) and {ratios['median']:.2f}x (median) faster")
    print(f"written to {os.path.relpath(path)}")


if __name__ == "__main__":
    main(sys.argv[1:])
