#!/usr/bin/env python3
"""edge_statistics.py [--rounds=N] [--megabytes=N] [--name=NAME]
Speed of calibration statistics beside NumPy, on one core, in one run.

Needs NumPy and build/bin/statistics_bench (ninja -C build statistics_bench). For
each kind of data, in a cache (384 KiB) and in memory, takes the best of all rounds
of our statistics (of any tensor of an edge, of its first one, with the maxima of
768 channels, and complete: with the energy of the sample, too), of a plain minimum and maximum and of reading the values,
and of numpy.histogram with 2048 bins and NumPy's minimum and maximum of the same
values. Prints GB/s of f32 and writes tools/bench/results/statistics-NAME.json; NAME
is the level of vector instructions if not given.
"""

import json
import os
import subprocess
import sys
import tempfile
import time

import numpy

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
BENCH = os.path.join(ROOT, "build", "bin", "statistics_bench")
CHANNELS, SEED, BINS = 768, 20260801, 2048
KINDS = ("gaussian", "relu", "constant", "growing")
LEVELS = ("avx512", "avx2", "portable")  # The first one there is is used.


def processor():
    with open("/proc/cpuinfo") as file:
        text = file.read()
    flags = next(line for line in text.splitlines() if line.startswith("flags")).split()
    name = next(line for line in text.splitlines() if line.startswith("model name"))
    return {"name": name.split(":")[1].strip(), "cores": os.cpu_count(),
            "features": [f for f in ("avx2", "avx512f", "avx512bw", "avx512vl") if f in flags]}


def make(kind, count):
    if kind == "constant":
        return numpy.full(count, 1.5, numpy.float32)
    values = numpy.random.default_rng(SEED).standard_normal(count, dtype=numpy.float32)
    if kind == "relu":
        numpy.maximum(values, 0, out=values)
    if kind == "growing":  # From 2^-40 to 2^8: the range doubles 48 times.
        values *= numpy.exp2(numpy.linspace(-40, 8, count, dtype=numpy.float32))
    return values


def best_seconds(function, rounds):
    """Of so many rounds, each as often as 50 ms allow."""
    best = float("inf")
    for _ in range(rounds):
        end = time.perf_counter() + 0.05
        while True:
            start = time.perf_counter()
            function()
            now = time.perf_counter()
            best = min(best, now - start)
            if now > end:
                break
    return best


def ours(path, rounds):
    """{benchmark: GB/s}, the best of the rounds."""
    text = subprocess.run(
        [BENCH, path, "--benchmark_format=json", f"--benchmark_repetitions={rounds}",
         "--benchmark_min_time=0.01", "--benchmark_enable_random_interleaving=true"],
        check=True, stdout=subprocess.PIPE).stdout
    result = {}
    for row in json.loads(text)["benchmarks"]:
        if row["run_type"] == "iteration":
            name = row["run_name"]
            result[name] = max(result.get(name, 0), row["bytes_per_second"] / 1e9)
    return result


def measure(kind, count, rounds, scratch):
    values = make(kind, count)
    path = os.path.join(scratch, "values.f32")
    values.tofile(path)
    speed = ours(path, rounds)
    os.remove(path)
    size = values.nbytes / 1e9
    speed["numpy_minmax"] = size / best_seconds(lambda: (values.min(), values.max()), rounds)
    few = rounds if count < 1 << 20 else 2  # Seconds each.
    speed["numpy_histogram"] = size / best_seconds(
        lambda: numpy.histogram(values, bins=BINS), few)
    return speed


def main(arguments):
    options = {"rounds": "20", "megabytes": "256", "name": ""}
    for argument in arguments:
        name, equals, value = argument.lstrip("-").partition("=")
        if not equals or name not in options:
            raise SystemExit(__doc__)
        options[name] = value
    if not os.path.exists(BENCH):
        raise SystemExit(f"{os.path.relpath(BENCH)} is missing: ninja -C build statistics_bench")

    rows, level = [], None
    counts = {"cache": 128 * CHANNELS,
              "memory": (int(options["megabytes"]) << 18) // CHANNELS * CHANNELS}
    print(f"{'GB/s of f32 on one core':26}{'statistics':>11}{'first':>7}{'channels':>10}{'complete':>10}{'min, max':>10}"
          f"{'read':>8}{'np min/max':>12}{'np hist':>9}{'x np hist':>11}")
    with tempfile.TemporaryDirectory() as scratch:
        for place, count in counts.items():
            for kind in KINDS:
                speed = measure(kind, count, int(options["rounds"]), scratch)
                level = next(name for name in LEVELS if f"statistics/{name}" in speed)
                full = speed[f"statistics/{level}"]
                ratios = {"of_minmax": full / speed["minmax"], "of_read": full / speed["read"],
                          "of_numpy_minmax": full / speed["numpy_minmax"],
                          "of_numpy_histogram": full / speed["numpy_histogram"]}
                rows.append({"data": kind, "place": place, "bytes": count * 4,
                             "gb_per_s": speed, "ratios": ratios})
                print(f"{kind + ', ' + place:26}{full:11.2f}{speed[f'first/{level}']:7.2f}"
                      f"{speed[f'channels/{level}']:10.2f}{speed[f'complete/{level}']:10.2f}"
                      f"{speed['minmax']:10.2f}{speed['read']:8.2f}{speed['numpy_minmax']:12.2f}"
                      f"{speed['numpy_histogram']:9.3f}{ratios['of_numpy_histogram']:11.0f}",
                      flush=True)

    result = {"machine": processor(), "level": level, "options": options,
              "channels": CHANNELS, "numpy": numpy.__version__, "rows": rows}
    results = os.path.join(ROOT, "tools", "bench", "results")
    os.makedirs(results, exist_ok=True)
    path = os.path.join(results, f"statistics-{options['name'] or level}.json")
    with open(path, "w") as file:
        json.dump(result, file, indent=2)
        file.write("\n")
    print(f"written to {os.path.relpath(path)}")


if __name__ == "__main__":
    main(sys.argv[1:])
