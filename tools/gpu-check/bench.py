#!/usr/bin/env python3
"""bench.py FOLDER --library=LIBQUANTOPTRUNTIME [--seconds=N]
GEMM benchmark on one GPU: our kernels, cuBLASLt int8 and PyTorch in one run.

FOLDER holds artifacts of one kernel each, CONFIG__MxNxK_ss_requantize.qopt, all
of whose operands are inputs: s8[M,N] = requantize(s8[M,K] * s8[N,K]^T).

How it measures: random data (constants run up to 15 % faster), buffers that
rotate through more memory than the L2 cache holds, launches captured into a
CUDA graph, median of timed replays, two rounds over all candidates so that
drifting clocks show. Every result of ours is compared with the exact one.

Prints one JSON object per line as soon as it is known; whoever reads them can
use what is there when the time is up. Exit status 3: a shape failed in a way that
may have spoilt the process; start again with --skip. Needs PyTorch with CUDA.
"""

import argparse
import glob
import json
import math
import os
import re
import statistics
import sys
import time
import traceback

import cublaslt
import runtime

# Timed memory is at least this many times the L2 cache, within these numbers
# of buffer sets. (The runtime keeps 32 recorded sets.)
L2_MULTIPLE, MIN_SETS, MAX_SETS = 3, 2, 28
GRAPH_SECONDS, CANDIDATE_SECONDS, ROUNDS = 1.5e-3, 0.04, 2
# Timed first: what matters most if time runs out.
FIRST = [(4096, 4096, 4096), (8192, 8192, 8192), (1, 4096, 4096), (16, 4096, 4096),
         (64, 14336, 4096), (4096, 7168, 2048)]


def emit(kind, **fields):
    print(json.dumps({"kind": kind, **fields}), flush=True)


def describe(error):
    text = f"{type(error).__name__}: {error}".strip()
    return text.splitlines()[0][:300]


class Gpu:
    """PyTorch's view of the device, a stream, and timing."""

    def __init__(self, torch):
        self.torch = torch
        self.device = torch.device("cuda", 0)
        torch.cuda.set_device(self.device)
        torch.zeros(1, device=self.device)  # makes the context
        self.properties = torch.cuda.get_device_properties(self.device)
        self.l2_bytes = getattr(self.properties, "L2_cache_size", 0) or 50 << 20
        self.stream = torch.cuda.Stream(self.device)
        torch.manual_seed(1)

    def random_bytes(self, *shape):
        return self.torch.randint(-128, 128, shape, dtype=self.torch.int8, device=self.device)

    def seconds(self, work):
        """Time of what `work` enqueues, by events."""
        start, end = (self.torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record(self.stream)
        work()
        end.record(self.stream)
        end.synchronize()
        return start.elapsed_time(end) * 1e-3

    def capture(self, launches):
        graph = self.torch.cuda.CUDAGraph()
        graph.capture_begin(capture_error_mode="relaxed")
        try:
            launches()
        finally:
            graph.capture_end()
        return graph

    def prepare(self, launch, sets):
        """(enqueue, launches per call, how) to time `launch(set number)`."""
        for number in range(sets):
            launch(number)
        self.stream.synchronize()
        estimate = self.seconds(lambda: [launch(i) for i in range(sets)]) / sets
        count = min(max(math.ceil(GRAPH_SECONDS / max(estimate, 1e-7)), sets), 300)
        count = -(-count // sets) * sets  # every buffer equally often

        def launches():
            for number in range(count):
                launch(number % sets)
        try:
            graph = self.capture(launches)
            graph.replay()
            self.stream.synchronize()
            return graph.replay, count, "graph"
        except Exception as error:  # what cannot be captured is timed all the same
            emit("note", message=f"not captured: {describe(error)}")
            self.stream.synchronize()
            return launches, count, "stream"

    def measure(self, enqueue, count):
        """Seconds per launch, of several replays."""
        first = self.seconds(enqueue)
        replays = min(max(int(CANDIDATE_SECONDS / max(first, 1e-6)), 5), 40)
        return [self.seconds(enqueue) / count for _ in range(replays)]


def copy_bandwidth(gpu):
    """Bytes read and written per second by a large copy on the device."""
    torch, size = gpu.torch, 1 << 30
    source = torch.randint(0, 127, (size,), dtype=torch.int8, device=gpu.device)
    target = torch.empty_like(source)
    times = [gpu.seconds(lambda: target.copy_(source, non_blocking=True)) for _ in range(12)]
    return 2 * size / statistics.median(times[2:])


def warm_up(gpu, seconds=0.5):
    """Brings the clocks up from idle."""
    a = gpu.random_bytes(4096, 4096).to(gpu.torch.float16)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        gpu.torch.mm(a, a)
        gpu.stream.synchronize()


class Operands:
    """Rotating buffers of one shape, and the exact result of the first set.

    Multipliers have 8 significant bits and offsets are multiples of 1/64, so
    that float64 holds acc * m + o exactly and one rounding to float32 gives what
    a fused multiply-add gives.
    """

    def __init__(self, gpu, m, n, k):
        torch = gpu.torch
        self.m, self.n, self.k = m, n, k
        # What a product reads and writes at least, with s8 and with i32 results.
        self.bytes = m * k + n * k + m * n
        self.wide_bytes = m * k + n * k + 4 * m * n
        self.sets = min(max(math.ceil(L2_MULTIPLE * gpu.l2_bytes / self.bytes), MIN_SETS), MAX_SETS)
        self.a = [gpu.random_bytes(m, k) for _ in range(self.sets)]
        self.b = [gpu.random_bytes(n, k) for _ in range(self.sets)]
        self.d = [torch.empty((m, n), dtype=torch.int8, device=gpu.device)
                  for _ in range(self.sets)]
        # Results of standard deviation 50 or so.
        exponent = -round(math.log2(5461 * math.sqrt(k) / 40))
        mantissa = torch.randint(128, 256, (n,), device=gpu.device).to(torch.float32) / 128
        self.multipliers = mantissa * 2.0 ** exponent
        self.offsets = torch.randint(-640, 640, (n,), device=gpu.device).to(torch.float32) / 64
        self.expected = None

    def exact_rows(self, torch, rows):
        """The accumulators of some rows, summed in float64 (exact)."""
        total = torch.zeros((len(rows), self.n), dtype=torch.float64, device=self.b[0].device)
        for start in range(0, self.k, 4096):
            part = slice(start, start + 4096)
            total += self.a[0][rows, part].double() @ self.b[0][:, part].double().t()
        return total

    def expect(self, torch):
        """Expected rows and their numbers; all rows where they are few."""
        if self.expected is None:
            count = min(self.m, 48)
            rows = torch.unique(torch.linspace(0, self.m - 1, count, device=self.b[0].device).long())
            sums = self.exact_rows(torch, rows).to(torch.float32).double()
            scaled = sums * self.multipliers.double() + self.offsets.double()
            rounded = torch.round(scaled.to(torch.float32))
            self.expected = rows, rounded.clamp(-128, 127).to(torch.int8)
        return self.expected


class Ours:
    def __init__(self, gpu, library, path, operands):
        self.session = runtime.Session(library, path, gpu.stream.cuda_stream)
        by_name = {"a": operands.a, "b": operands.b, "m": [operands.multipliers] * operands.sets,
                   "o": [operands.offsets] * operands.sets}
        self.inputs = [[by_name[name][i].data_ptr() for name, _ in self.session.inputs]
                       for i in range(operands.sets)]
        self.outputs = [[d.data_ptr()] for d in operands.d]
        self.bytes = operands.bytes

    def launch(self, number):
        self.session.run_device(self.inputs[number], self.outputs[number])

    def differences(self, gpu, operands):
        """Wrong elements among the compared rows."""
        torch = gpu.torch
        operands.d[0].fill_(77)
        self.launch(0)
        gpu.stream.synchronize()
        rows, expected = operands.expect(torch)
        return int((operands.d[0][rows] != expected).sum()), expected.numel()

    def close(self):
        self.session.close()


class Blas:
    def __init__(self, gpu, lt, kind, operands):
        torch = gpu.torch
        self.operands, self.gpu = operands, gpu
        self.product = cublaslt.Product(lt, operands.m, operands.n, operands.k, kind,
                                        operands.multipliers.data_ptr(),
                                        operands.offsets.data_ptr())
        wide = kind == "i32"
        self.bytes = operands.wide_bytes if wide else operands.bytes
        self.d = operands.d if not wide else [
            torch.empty((operands.m, operands.n), dtype=torch.int32, device=gpu.device)
            for _ in range(operands.sets)]
        self.choose()

    def choose(self):
        """The fastest of the heuristic's algorithms."""
        best = None
        for algorithm in self.product.algorithms:
            self.product.chosen = algorithm
            try:
                self.launch(0)
                seconds = min(self.gpu.seconds(lambda: [self.launch(i) for i in range(2)])
                              for _ in range(3))
            except cublaslt.Failure:
                continue
            if best is None or seconds < best[0]:
                best = seconds, algorithm
        if best is None:
            raise cublaslt.Failure("no algorithm runs")
        self.product.chosen = best[1]

    def launch(self, number):
        operands = self.operands
        self.product.run(operands.a[number].data_ptr(), operands.b[number].data_ptr(),
                         self.d[number].data_ptr(), self.gpu.stream.cuda_stream)

    def differences(self, gpu, operands):
        torch = gpu.torch
        self.launch(0)
        gpu.stream.synchronize()
        rows, expected = operands.expect(torch)
        if self.product.kind == "s8":  # one scale for all: nothing to compare with
            return None, 0
        if self.product.kind == "i32":
            expected = operands.exact_rows(torch, rows).to(torch.int32)
        return int((self.d[0][rows] != expected).sum()), expected.numel()

    def close(self):
        self.product.close()


class Torch:
    """torch._int_mm, or a float16 product of the same shape."""

    def __init__(self, gpu, kind, operands):
        torch = gpu.torch
        self.kind, shape = kind, (operands.m, operands.n)
        self.function = torch._int_mm if kind == "torch_int_mm" else torch.mm
        if kind == "torch_int_mm":
            self.a, self.b = operands.a, operands.b
            result, self.bytes = torch.int32, operands.wide_bytes
        else:
            # Half as many sets are as many bytes.
            count = max(operands.sets // 2, 1)
            self.a = [a.to(torch.float16) / 128 for a in operands.a[:count]]
            self.b = [b.to(torch.float16) / 128 for b in operands.b[:count]]
            result, self.bytes = torch.float16, 2 * operands.bytes
        self.d = [torch.empty(shape, dtype=result, device=gpu.device) for _ in self.a]

    def launch(self, number):
        number %= len(self.a)
        self.function(self.a[number], self.b[number].t(), out=self.d[number])

    def differences(self, gpu, operands):
        if self.kind != "torch_int_mm":
            return None, 0
        self.launch(0)
        gpu.stream.synchronize()
        rows, _ = operands.expect(gpu.torch)
        expected = operands.exact_rows(gpu.torch, rows).to(gpu.torch.int32)
        return int((self.d[0][rows] != expected).sum()), expected.numel()

    def close(self):
        pass


def time_candidate(gpu, operands, make, samples, row):
    """One round of one candidate: fills `row`, appends seconds to `samples`."""
    candidate = make()
    try:
        if "exact" not in row:
            wrong, compared = candidate.differences(gpu, operands)
            row["exact"] = None if wrong is None else wrong == 0
            if wrong:
                row["wrong"], row["compared"] = wrong, compared
        row["bytes"] = candidate.bytes
        enqueue, count, row["timing"] = gpu.prepare(candidate.launch, operands.sets)
        samples += gpu.measure(enqueue, count)
    finally:
        gpu.stream.synchronize()
        enqueue = None  # a graph goes before the kernels in it
        candidate.close()


def summarize(operands, samples, row):
    seconds = statistics.median(samples)
    operations = 2 * operands.m * operands.n * operands.k
    row.update(us=round(seconds * 1e6, 3), min_us=round(min(samples) * 1e6, 3),
               max_us=round(max(samples) * 1e6, 3), replays=len(samples),
               tops=round(operations / seconds / 1e12, 2),
               gbps=round(row["bytes"] / seconds / 1e9, 1))


def read_expectations(folder, chip):
    """{name: what the cost model expects of it on the chip} from expected.tsv."""
    expectations = {}
    try:
        with open(os.path.join(folder, "expected.tsv")) as file:
            for line in file:
                name, line_chip, microseconds, chosen = line.split()
                if line_chip == chip:
                    expectations[name] = {"expected_us": float(microseconds),
                                          "chosen": chosen == "1"}
    except (OSError, ValueError) as error:
        emit("note", message=f"expected.tsv: {describe(error)}")
    return expectations


def bench_shape(gpu, library, lt, shape, artifacts, expectations, deadline):
    operands = Operands(gpu, *shape)
    makers = {}
    if library:
        makers = {"ours " + config: lambda path=path: Ours(gpu, library, path, operands)
                  for config, path in artifacts.items()}
    if lt:
        for kind in ("i32", "s8", "s8_channel"):
            makers["cublaslt_" + kind] = lambda kind=kind: Blas(gpu, lt, kind, operands)
    for kind in ("torch_int_mm", "torch_fp16"):
        makers[kind] = lambda kind=kind: Torch(gpu, kind, operands)
    rows = {name: {} for name in makers}
    for config, path in artifacts.items() if library else ():
        name = os.path.basename(path)[:-len(".qopt")]
        rows["ours " + config].update(expectations.get(name, {}))
    samples = {name: [] for name in makers}
    try:
        for number in range(ROUNDS):
            for name, make in makers.items():
                if "error" in rows[name] or (number and time.monotonic() > deadline):
                    continue
                try:
                    time_candidate(gpu, operands, make, samples[name], rows[name])
                except Exception as error:
                    rows[name]["error"] = describe(error)
                    gpu.torch.cuda.synchronize()  # raises if the GPU is lost to us
    finally:
        for name, row in rows.items():
            if samples[name]:
                summarize(operands, samples[name], row)
        emit("shape", m=shape[0], n=shape[1], k=shape[2], sets=operands.sets,
             candidates=rows)


def find_artifacts(folder):
    """{(m, n, k): {config: path}}"""
    shapes = {}
    for path in sorted(glob.glob(os.path.join(folder, "*.qopt"))):
        match = re.fullmatch(r"(.+)__(\d+)x(\d+)x(\d+)_.*\.qopt", os.path.basename(path))
        if match:
            shape = tuple(int(x) for x in match.groups()[1:])
            shapes.setdefault(shape, {})[match.group(1)] = path
    return shapes


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("folder")
    parser.add_argument("--library", required=True)
    parser.add_argument("--seconds", type=float, default=240)
    parser.add_argument("--skip", default="", help="shapes MxNxK, separated by commas")
    options = parser.parse_args()
    deadline = time.monotonic() + options.seconds

    try:
        import torch
    except ImportError:
        emit("unavailable", reason="PyTorch is not installed")
        return 0
    if not torch.cuda.is_available():
        emit("error", message="PyTorch sees no GPU")
        return 1
    gpu = Gpu(torch)
    emit("torch", version=torch.__version__, cuda=torch.version.cuda,
         gpu=gpu.properties.name, multiprocessors=gpu.properties.multi_processor_count,
         l2_bytes=gpu.l2_bytes)
    with torch.cuda.stream(gpu.stream):
        warm_up(gpu)
        emit("copy", gbps=round(copy_bandwidth(gpu) / 1e9, 1))
        library = lt = workspace = None
        try:
            library = runtime.Library(options.library)
        except Exception as error:
            emit("error", message=f"{os.path.basename(options.library)}: {describe(error)}")
        try:
            handle, name = cublaslt.find_library(p for p in sys.path if "packages" in p)
            workspace = torch.empty(cublaslt.WORKSPACE_BYTES, dtype=torch.int8, device=gpu.device)
            lt = cublaslt.CublasLt(handle, workspace.data_ptr())
            emit("cublaslt", version=lt.version, library=os.path.basename(name))
        except Exception as error:
            emit("error", message=f"cuBLASLt: {describe(error)}")
        skipped = {tuple(map(int, s.split("x"))) for s in options.skip.split(",") if s}
        shapes = {s: files for s, files in find_artifacts(options.folder).items()
                  if s not in skipped}
        properties = gpu.properties
        expectations = read_expectations(options.folder,
                                         f"sm_{properties.major}{properties.minor}")
        order = [s for s in FIRST if s in shapes] + [s for s in sorted(shapes) if s not in FIRST]
        for shape in order:
            if time.monotonic() > deadline:
                emit("skipped", shapes=[list(s) for s in order[order.index(shape):]])
                break
            try:
                bench_shape(gpu, library, lt, shape, shapes[shape], expectations, deadline)
            except Exception as error:
                emit("error", message=f"{shape}: {describe(error)}",
                     trace=traceback.format_exc()[-1500:])
                return 3  # the context may be unusable: to be started again
            torch.cuda.empty_cache()
    emit("end", seconds=round(options.seconds - (deadline - time.monotonic()), 1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
