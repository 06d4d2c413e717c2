#!/usr/bin/env python3
"""calibration_tables.py SCRATCH MODEL.mlir: tables of shards of the calibration
data merge, in any tree, into the bytes of the table of one run on all of them;
jobs that read it give what jobs on data give; tables of other models and damaged
ones are refused with what differs."""

import hashlib
import json
import os
import re
import struct
import sys

import npz
from harness import check, run, run_ok

scratch, model = sys.argv[1:]
os.makedirs(scratch, exist_ok=True)
DATA = f"{model[:-len('.mlir')]}.calib.npz"
BATCH = 20


def path(name):
    return os.path.join(scratch, name)


def read(name):
    with open(path(name)) as file:
        return file.read()


def calibrate(data, table, *flags):
    run_ok("quant-opt", "--quantize-int8", "--to=calibrate", model, "-o",
           path("stats.mlir"), f"--calibration-data={data}",
           f"--save-calibration={path(table)}", *flags)


def fails(*command):
    result = run(*command)
    check(result.returncode == 1, f"{command} exited with {result.returncode}")
    return result.stderr


# Shards of different sizes, and a folder of them for the one run.
arrays = npz.load(DATA)
runs = next(iter(arrays.values())).shape[0] // BATCH
cuts = [0, runs // 4, runs // 2, runs // 2 + 1, runs]
shards = []
os.makedirs(path("all"), exist_ok=True)
for i, (begin, end) in enumerate(zip(cuts, cuts[1:])):
    shards.append(path(f"all/{i}.npz"))
    npz.save(shards[-1], {name: array.take(begin * BATCH, end * BATCH)
                          for name, array in arrays.items()})
calibrate(path("all"), "whole.json", "--threads=1")
whole = read("whole.json")
for threads in (2, 3):
    calibrate(path("all"), "again.json", f"--threads={threads}")
    check(read("again.json") == whole, f"{threads} threads give another table")
for i, shard in enumerate(shards):
    calibrate(shard, f"{i}.json")


def merge(out, *tables):
    run_ok("quant-opt", "--merge-calibration", *map(path, tables), "-o", path(out))


merge("left.json", "0.json", "1.json", "2.json", "3.json")
merge("right.json", "3.json", "2.json", "1.json", "0.json")
merge("a.json", "2.json", "0.json")
merge("b.json", "1.json", "3.json")
merge("tree.json", "b.json", "a.json")
for name in ("left.json", "right.json", "tree.json"):
    check(read(name) == whole, f"{name}, a merge of shards, differs from one run")

# A job on the table is a job on the data, whatever the method.
for method in ("auto", "max", "percentile", "entropy", "mse"):
    flags = [f"--calibration-method={method}", model, "-o"]
    run_ok("quant-opt", "--quantize-int8", *flags, path("data.mlir"),
           f"--calibration-data={path('all')}")
    run_ok("quant-opt", "--quantize-int8", *flags, path("table.mlir"),
           f"--calibration-table={path('tree.json')}")
    check(read("data.mlir") == read("table.mlir"),
          f"method {method} on the table differs from the data")

described = json.loads(run_ok("quant-opt", f"--inspect={path('whole.json')}", "--json"))
check(described["samples"] == runs * BATCH and described["complete"],
      f"--inspect tells of {described['samples']} samples")
check("calibration table of quant-opt" in
      run_ok("quant-opt", f"--inspect={path('whole.json')}"), "--inspect as text")

# TensorRT: what is written is read, and gives the symmetric scales.
run_ok("quant-opt", "--quantize-int8", model, "-o", path("trt.mlir"),
       f"--calibration-table={path('whole.json')}",
       f"--save-tensorrt-cache={path('trt.cache')}")
lines = read("trt.cache").splitlines()
check(lines[0].startswith("TRT-") and len(lines) == len(described["edges"]) + 1,
      f"the TensorRT cache has {len(lines)} lines")
run_ok("quant-opt", "--quantize-int8", model, "-o", path("trt.mlir"),
       f"--calibration-table={path('trt.cache')}", f"--report={path('trt.report')}")
scales = {line.rpartition(": ")[0]: line.rpartition(": ")[2] for line in lines[1:]}
report = json.loads(read("trt.report"))
for edge in report["edges"]:
    scale, = struct.unpack(">f", bytes.fromhex(scales[edge["name"]]))
    check(edge["scale"] == scale and edge["storage"] == "i8",
          f"edge {edge['name']} has scale {edge['scale']}, the cache {scale}")

# What does not belong together.
with open(path("foreign.cache"), "w") as file:
    file.write("TRT-8203-EntropyCalibration2\nimage: 3c010a14\n")
check("has no scale for edge" in
      fails("quant-opt", "--quantize-int8", model,
            f"--calibration-table={path('foreign.cache')}"), "a foreign cache")
check("twice" in fails("quant-opt", "--merge-calibration", path("0.json"),
                       path("0.json"), "-o", path("twice.json")), "data twice")
for key, word in (("model_digest", "other ops, shapes or imports"),
                  ("weights_digest", "other weights")):
    lines = [re.sub(r': "[0-9a-f]+"', ': "' + "0" * 32 + '"', line)
             if f'"{key}"' in line else line for line in whole.splitlines(True)]
    body = "".join(lines[:-2])
    digest = hashlib.sha256(body.encode()).hexdigest()
    with open(path("stale.json"), "w") as file:
        file.write(body + re.sub("[0-9a-f]{64}", digest, lines[-2]) + lines[-1])
    error = fails("quant-opt", "--quantize-int8", model,
                  f"--calibration-table={path('stale.json')}")
    check(word in error and key.split("_")[0] in error,
          f"a table with another {key}: {error}")
check("is complete" in fails("quant-opt", "--quantize-int8", model,
                             f"--calibration-table={path('whole.json')}",
                             f"--calibration-data={DATA}"), "table and data")
for size in (0, 1, 10, len(whole) // 2, len(whole) - 2):
    with open(path("cut.json"), "w") as file:
        file.write(whole[:size])
    check("cut.json" in fails("quant-opt", "--quantize-int8", model,
                              f"--calibration-table={path('cut.json')}"),
          f"a table cut after {size} bytes")
print(f"{os.path.basename(model)}: {len(described['edges'])} edges, "
      f"{len(whole)} bytes of table")
