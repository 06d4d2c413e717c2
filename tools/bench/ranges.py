#!/usr/bin/env python3
"""ranges.py [--tensors=N] [--samples=N] [--numpy=N] [--name=NAME]
Time of range selection: all methods on synthetic tensors (ranges_bench.cpp), and in
the same run a straightforward NumPy search for entropy on N of these tensors, whose
thresholds must agree.

Needs NumPy and build/bin/ranges_bench (ninja -C build ranges_bench). Prints a table
and writes tools/bench/results/ranges-NAME.json (default: cpu).
"""

import json
import os
import subprocess
import sys
import tempfile
import time

import numpy as np

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BENCH = os.path.join(ROOT, "build", "bin", "ranges_bench")
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
        begin = time.process_time()
        widths, divergences = search(tensor["bins"])
        seconds += time.process_time() - begin
        # The threshold is a bin's edge, or the extreme within the last bin.
        chosen = int(np.ceil(tensor["threshold"] / tensor["width"]))
        least, ours = min(divergences), divergences[chosen - widths[0]]
        if ours > least + 1e-9 * abs(least) + 1e-13:
            raise SystemExit(f"ranges: tensor {index}: divergence {ours} at {chosen} bins; "
                             f"numpy finds {least}")
    return seconds / count


def main(arguments):
    options = {"tensors": "1000", "samples": "100000", "numpy": "20", "name": "cpu"}
    for argument in arguments:
        name, equals, value = argument.lstrip("-").partition("=")
        if not equals or name not in options:
            raise SystemExit(__doc__)
        options[name] = value
    tensors, count = int(options["tensors"]), int(options["numpy"])
    if not os.path.exists(BENCH):
        raise SystemExit(f"{os.path.relpath(BENCH)} is missing: ninja -C build ranges_bench")
    if not 0 < count <= tensors:
        raise SystemExit("ranges: --numpy must be between 1 and --tensors")

    with tempfile.TemporaryDirectory() as scratch:
        exported = os.path.join(scratch, "tensors")
        text = subprocess.run([BENCH, f"--tensors={tensors}", f"--samples={options['samples']}",
                               f"--export={exported}"], check=True, stdout=subprocess.PIPE,
                              text=True).stdout
        ours = json.loads(text)
        seconds = compare(exported, tensors, count)

    entropy = ours["entropy_s8"]["processor_ms"] / tensors
    result = {"machine": processor(), "options": options, "ranges": ours,
              "numpy": {"tensors": count, "entropy_s8_ms_per_tensor": seconds * 1e3},
              "speedup_entropy_s8": seconds * 1e3 / entropy}
    results = os.path.join(ROOT, "tools", "bench", "results")
    os.makedirs(results, exist_ok=True)
    path = os.path.join(results, f"ranges-{options['name']}.json")
    with open(path, "w") as file:
        json.dump(result, file, indent=2)
        file.write("\n")

    print(f"{tensors} tensors, all applicable storages   elapsed   processors")
    for name in ("max", "percentile", "entropy", "mse", "all", "all_two_threads"):
        row = ours[name]
        print(f"  {name:30}{row['ms']:10.1f} ms{row['processor_ms']:10.1f} ms")
    print(f"entropy in s8: {entropy:.3f} ms a tensor on a processor; NumPy {seconds * 1e3:.1f} ms, "
          f"{result['speedup_entropy_s8']:.0f} times as long, with the same thresholds")
    print(f"written to {os.path.relpath(path)}")


if __name__ == "__main__":
    main(sys.argv[1:])
