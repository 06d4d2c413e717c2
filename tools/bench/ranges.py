#!/usr/bin/env python3
"""ranges.py [--tensors=N] [--samples=N] [--numpy=N] [--build=FOLDER]
Time of range selection: all methods on synthetic tensors (ranges_bench.cpp), and in
the same run a straightforward numpy search for entropy on N of these tensors, whose
thresholds must agree.

Compiles ranges_bench.cpp with $CXX (default c++) against the library of statistics
in FOLDER (default: build). Needs numpy. Prints a table and writes
tools/bench/results/ranges-DATE.json.
"""

import json
import os
import subprocess
import sys
import tempfile
import time

import numpy as np

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BINS, LEVELS = 2048, 128


def processor():
    with open("/proc/cpuinfo") as file:
        names = [line for line in file if line.startswith("model name")]
    return {"name": names[0].split(":")[1].strip(), "cores": os.cpu_count()}


def divergence(bins, width):
    """KL(P || Q) of the first `width` bins, as other calibrators compute it."""
    reference = bins[:width].astype(np.float64)
    beyond = bins[width:].sum()
    level = np.arange(width) * LEVELS // width
    filled = reference > 0
    mass = np.bincount(level, weights=reference, minlength=LEVELS)
    number = np.bincount(level, weights=filled, minlength=LEVELS)
    quantized = np.where(filled, (mass / np.maximum(number, 1))[level], 0)
    reference[-1] += beyond
    filled = reference > 0
    if not quantized[filled].all():
        return np.inf
    p = reference[filled] / reference.sum()
    q = quantized[filled] / quantized.sum()
    return float((p * np.log(p / q)).sum())


def search(bins):
    """All thresholds, in bins, and their divergences."""
    last = int(np.flatnonzero(bins)[-1]) + 1
    widths = range(LEVELS, last + 1)
    return widths, [divergence(bins, width) for width in widths]


def compare(path, tensors, count):
    """(seconds a tensor of the numpy search, tensors compared)."""
    record = np.dtype([("bins", "<u8", BINS), ("width", "<f8"), ("threshold", "<f8")])
    exported = np.fromfile(path, record, tensors)
    seconds = 0.0
    for index in range(count):
        tensor = exported[index]
        begin = time.perf_counter()
        widths, divergences = search(tensor["bins"])
        seconds += time.perf_counter() - begin
        # The threshold is a bin's edge, or the extreme within the last bin.
        chosen = int(np.ceil(tensor["threshold"] / tensor["width"]))
        least, ours = min(divergences), divergences[chosen - widths[0]]
        if ours > least + 1e-9 * abs(least) + 1e-13:
            raise SystemExit(f"ranges: tensor {index}: divergence {ours} at {chosen} bins; "
                             f"numpy finds {least}")
    return seconds / count


def main(arguments):
    options = {"tensors": "1000", "samples": "100000", "numpy": "20", "build": f"{ROOT}/build"}
    for argument in arguments:
        name, equals, value = argument.lstrip("-").partition("=")
        if not equals or name not in options:
            raise SystemExit(__doc__)
        options[name] = value
    tensors, count = int(options["tensors"]), int(options["numpy"])
    library = os.path.join(options.pop("build"), "lib", "libQuantOptStatistics.a")
    if not os.path.exists(library):
        raise SystemExit(f"ranges: {library} is missing: build QuantOptStatistics first")
    if not 0 < count <= tensors:
        raise SystemExit("ranges: --numpy must be between 1 and --tensors")

    with tempfile.TemporaryDirectory() as scratch:
        program, exported = os.path.join(scratch, "bench"), os.path.join(scratch, "tensors")
        subprocess.run([os.environ.get("CXX", "c++"), "-std=c++17", "-O2", "-ffp-contract=off",
                        f"-I{ROOT}/include", f"{ROOT}/tools/bench/ranges_bench.cpp", library,
                        "-pthread", "-o", program], check=True)
        text = subprocess.run([program, f"--tensors={tensors}", f"--samples={options['samples']}",
                               f"--export={exported}"], check=True, stdout=subprocess.PIPE,
                              text=True).stdout
        ours = json.loads(text)
        seconds = compare(exported, tensors, count)

    entropy = ours["entropy_s8_ms"] / tensors
    result = {"machine": processor(), "options": options, "ranges": ours,
              "numpy": {"tensors": count, "entropy_s8_ms_per_tensor": seconds * 1e3},
              "speedup_entropy_s8": seconds * 1e3 / entropy}
    results = os.path.join(ROOT, "tools", "bench", "results")
    os.makedirs(results, exist_ok=True)
    path = os.path.join(results, f"ranges-{time.strftime('%Y-%m-%d')}.json")
    with open(path, "w") as file:
        json.dump(result, file, indent=2)
        file.write("\n")

    print(f"{tensors} tensors, all applicable storages, one thread")
    for name in ("max", "percentile", "entropy", "mse", "all"):
        print(f"  {name:12}{ours[f'{name}_ms']:10.1f} ms")
    print(f"  {'all, 2 threads':12}{ours['all_two_threads_ms']:8.1f} ms")
    print(f"entropy in s8: {entropy:.3f} ms a tensor; numpy {seconds * 1e3:.1f} ms, "
          f"{result['speedup_entropy_s8']:.0f} times as long, with the same thresholds")
    print(f"written to {os.path.relpath(path)}")


if __name__ == "__main__":
    main(sys.argv[1:])
