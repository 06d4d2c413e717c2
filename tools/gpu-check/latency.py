#!/usr/bin/env python3
"""latency.py FOLDER --library=LIBQUANTOPTRUNTIME [--device=cuda] [--seconds=N]
Latency of whole models at several batches, and PyTorch's of the same architectures.

FOLDER holds NAME.qopt and NAME.inputs.npz. Where NAME begins with that of an
architecture of torch_models.py, PyTorch runs it in the same process on the same
GPU, in float16, eager and compiled.

How it measures: inputs and outputs stay in the device's memory. `latency_us` is
the median time from a call to its end, `throughput_us` the time per call where
calls follow one another without waiting. Both by the host's clock, the same for
PyTorch; `device_us` is what the device says of ours.

Prints one JSON object per line. Exit status 3: start again with --skip.
"""

import argparse
import glob
import json
import os
import statistics
import sys
import time
import traceback

import npz
import runtime

BATCHES = (1, 32, 128)
WARM_UPS, MEASURE_SECONDS, MAX_RUNS = 3, 0.4, 200


def emit(kind, **fields):
    print(json.dumps({"kind": kind, **fields}), flush=True)


def describe(error):
    text = f"{type(error).__name__}: {error}".strip()
    return text.splitlines()[0][:300]


def measure(enqueue, wait, seconds=MEASURE_SECONDS):
    """{latency_us, p95_us, throughput_us, runs} of `enqueue`."""
    for _ in range(WARM_UPS):
        enqueue()
    wait()
    samples = []
    end = time.monotonic() + seconds
    while len(samples) < MAX_RUNS and (len(samples) < 3 or time.monotonic() < end):
        start = time.perf_counter()
        enqueue()
        wait()
        samples.append(time.perf_counter() - start)
    count = len(samples)
    start = time.perf_counter()
    for _ in range(count):
        enqueue()
    wait()
    total = time.perf_counter() - start
    samples.sort()
    return {"latency_us": round(statistics.median(samples) * 1e6, 2),
            "p95_us": round(samples[min(int(0.95 * count), count - 1)] * 1e6, 2),
            "throughput_us": round(total / count * 1e6, 2), "runs": count}


def repeat_rows(data, shape, batch):
    """`batch` samples made of those of an array: over and again."""
    rows = shape[0] if shape else 1
    size = len(data) // max(rows, 1)
    return b"".join(data[i % rows * size:(i % rows + 1) * size] for i in range(batch))


class Ours:
    """An artifact with buffers for its full batch on the device."""

    def __init__(self, library, path, arrays, device):
        self.session = runtime.Session(library, path, None, device)
        self.batch = self.session.batch
        session = self.session
        self.inputs = []
        for (name, shape), (_, size) in zip(session.inputs, session.input_dtypes):
            descr, from_shape, data = arrays[name]
            data = repeat_rows(data, from_shape, shape[0] if shape else 1)
            expected = size
            for extent in shape:
                expected *= extent
            if len(data) != expected:
                raise ValueError(f"input '{name}' is {descr}{from_shape}, expected {shape}")
            self.inputs.append(session.allocate(len(data), data))
        self.outputs = []
        for (name, shape), (_, size) in zip(session.outputs, session.output_dtypes):
            for extent in shape:
                size *= extent
            self.outputs.append(session.allocate(size))

    def measure(self, batch):
        self.session.check_batch(batch)
        row = measure(lambda: self.session.run_device(self.inputs, self.outputs, batch),
                      self.session.synchronize)
        try:
            row["device_us"] = round(self.session.elapsed_ms() * 1e3, 2)
        except runtime.Failure:
            pass  # the CPU has no clock of its own
        return row

    def close(self):
        for address in (*self.inputs, *self.outputs):
            self.session.release(address)
        self.session.close()


def time_ours(library, path, arrays, options):
    """{batch: row}; batches that the artifact does not take have a "note"."""
    rows = {}
    ours = Ours(library, path, arrays, options.device)
    try:
        for batch in options.batches:
            if batch > ours.batch:
                rows[batch] = {"note": f"compiled for at most {ours.batch}"}
                continue
            try:
                rows[batch] = ours.measure(batch)
            except runtime.Failure as error:
                rows[batch] = {"note": describe(error)}
        if not any("latency_us" in row for row in rows.values()):
            rows[ours.batch] = ours.measure(ours.batch)
    finally:
        ours.close()
    return rows


def time_torch(torch, architecture, options, deadline):
    """{"torch_eager": {batch: row}, "torch_compile": {...}}"""
    import torch_models
    device = "cuda" if options.device == "cuda" else "cpu"
    dtype = torch.float16 if device == "cuda" else torch.float32
    wait = torch.cuda.synchronize if device == "cuda" else lambda: None
    model, make_inputs = torch_models.make(torch, architecture, options.tiny)
    model = model.eval().to(device=device, dtype=dtype)
    variants = {"torch_eager": {}, "torch_compile": {}}
    with torch.inference_mode():
        for name, rows in variants.items():
            for batch in options.batches:
                if time.monotonic() > deadline:
                    rows[batch] = {"note": "the time is up"}
                    continue
                try:
                    function = model
                    if name == "torch_compile":
                        torch._dynamo.reset()
                        function = torch.compile(model, mode="reduce-overhead", dynamic=False)
                    inputs = [x.to(device) if not x.is_floating_point() else x.to(device, dtype)
                              for x in make_inputs(batch)]
                    rows[batch] = measure(lambda: function(*inputs), wait)
                except Exception as error:  # no Triton, no compiler, no memory
                    rows[batch] = {"note": describe(error)}
                emit("alive")
    return variants


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("folder")
    parser.add_argument("--library", required=True)
    parser.add_argument("--device", default="cuda", choices=("cuda", "emulator", "cpu"))
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--batches", default=",".join(map(str, BATCHES)))
    parser.add_argument("--skip", default="", help="models, separated by commas")
    parser.add_argument("--tiny", action="store_true",
                        help="PyTorch's models with few layers: to try this script out")
    options = parser.parse_args()
    options.batches = [int(batch) for batch in options.batches.split(",")]
    return options


def import_torch(options):
    """PyTorch, or None after saying why not."""
    try:
        import torch
    except ImportError:
        emit("note", message="PyTorch is not installed: nothing to compare with")
        return None
    if options.device == "cuda" and not torch.cuda.is_available():
        emit("note", message="PyTorch sees no GPU: nothing to compare with")
        return None
    if options.device != "cuda" and not options.tiny:
        return None
    return torch


def main():
    options = parse_options()
    deadline = time.monotonic() + options.seconds
    library = runtime.Library(options.library)
    torch = import_torch(options)
    import torch_models
    skipped = set(filter(None, options.skip.split(",")))
    compared = set()
    for path in sorted(glob.glob(os.path.join(options.folder, "*.qopt"))):
        name = os.path.basename(path)[:-len(".qopt")]
        if name in skipped:
            continue
        if time.monotonic() > deadline:
            emit("note", message=f"{name}: the time is up")
            continue
        emit("start", name=name)
        row = {}
        try:
            arrays = npz.read(os.path.join(options.folder, name + ".inputs.npz"))
            row["ours"] = time_ours(library, path, arrays, options)
        except Exception as error:
            emit("error", name=name, message=describe(error),
                 trace=traceback.format_exc()[-1500:])
            if options.device == "cuda":
                return 3  # the context may be unusable
            continue
        architecture = torch_models.find(name)
        if torch and architecture and architecture not in compared:
            compared.add(architecture)
            row["architecture"] = architecture
            row.update(time_torch(torch, architecture, options, deadline))
        emit("model", name=name, **row)
    return 0


if __name__ == "__main__":
    sys.exit(main())
