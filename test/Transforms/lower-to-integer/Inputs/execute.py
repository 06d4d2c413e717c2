"""Lowers contractions to integers, runs them, and compares every bit.

The reference is docs/Numerics.md in exact rational arithmetic, written here
independently of QuantMath. Stock mlir-opt and mlir-runner do the running, so
that the integer form is tested as other stacks will use it.

usage: execute.py LLVM_BIN_DIR QUANT_OPT WORK_DIR [SEED [--min-gemms=N PASS...]]

Passes that are given run on the integer form; the first of them must leave N
kernel ops or more.
"""

import itertools
import json
import os
import random
import re
import struct
import subprocess
import sys
from fractions import Fraction

NAN = float("nan")
INF = float("inf")
FLT_MAX = float.fromhex("0x1.fffffep127")


# --- Numbers ---------------------------------------------------------------- #
def round_f32(x):
    """The f32 nearest to a rational, ties to even; subnormals kept."""
    x = Fraction(x)
    if x == 0:
        return 0.0
    exponent = x.numerator.bit_length() - x.denominator.bit_length()
    if abs(x) < Fraction(2) ** exponent:
        exponent -= 1
    step = Fraction(2) ** (max(exponent, -126) - 23)
    return float(round(x / step) * step)  # round() of a Fraction: half to even


def f32(x):
    """An f64 rounded to f32."""
    return x if x != x or abs(x) == INF else round_f32(Fraction(x))


def mul_f32(a, b):
    return round_f32(Fraction(a) * Fraction(b))


def fma_f32(a, b, c):
    return round_f32(Fraction(a) * Fraction(b) + Fraction(c))


def rne(x):
    return round(Fraction(x))


def clamp(x, low, high):
    return min(max(x, low), high)


def quantize(x, scale, zero, low, high):
    """Q_mul(x; f32(1/scale), zero)."""
    reciprocal = f32(1.0 / scale)
    if x != x:
        return zero
    if abs(x) == INF:
        return high if x > 0 else low
    steps = mul_f32(x, reciprocal)
    return clamp(rne(steps), low - zero, high - zero) + zero


# --- Contractions ----------------------------------------------------------- #
class Case:
    """One contraction: `loops` are (range, is_reduction); x, w and y map loop
    indices to element indices."""

    def __init__(self, name, op, loops, x, w, y, shapes, weight_first=False):
        self.name, self.op, self.loops = name, op, loops
        self.x, self.w, self.y = x, w, y
        self.x_shape, self.w_shape, self.y_shape = shapes
        self.weight_first = weight_first
        # Channels: weight dimensions whose loop is a dimension of the result.
        pairs = []
        for loop, (_, reduced) in enumerate(loops):
            w_dims, y_dims = moved(w, loop, loops), moved(y, loop, loops)
            if not reduced and w_dims and y_dims:
                pairs.append((w_dims[0], y_dims[0]))
        self.w_channels = [d for d, _ in sorted(pairs)]
        self.y_channels = [d for _, d in sorted(pairs)]
        # Rows have their own scale where exactly the last dimension of x is
        # summed and no window slides over x.
        readers = {d: [] for d in range(len(self.x_shape))}
        for loop, (_, reduced) in enumerate(loops):
            for d in moved(x, loop, loops):
                step = x(*unit(loop, len(loops)))[d]
                readers[d].append((bool(reduced), step))
        last = len(self.x_shape) - 1
        self.rows = all(r == [(d == last, 1)] for d, r in readers.items())

    def text(self, x, w, attributes):
        op = self.op
        ins = f"%{w}, %{x}" if self.weight_first else f"%{x}, %{w}"
        types = [tensor(self.x_shape), tensor(self.w_shape)]
        if self.weight_first:
            types.reverse()
        types = ", ".join(types)
        y = tensor(self.y_shape)
        return (
            f"linalg.{op.format(attributes=attributes)} ins({ins} : {types}) "
            f"outs(%zero : {y}) -> {y}"
        )


def unit(loop, count):
    index = [0] * count
    index[loop] = 1
    return index


def moved(access, loop, loops):
    """The dimensions that loop number `loop` moves in an access function."""
    return [d for d, v in enumerate(access(*unit(loop, len(loops)))) if v]


def conv2d(name, op, n, h, w, c, f, kh, kw, stride, dilation, filter_order):
    oh = (h - (kh - 1) * dilation - 1) // stride + 1
    ow = (w - (kw - 1) * dilation - 1) // stride + 1
    sizes = dict(f=f, h=kh, w=kw, c=c)
    attributes = (
        "{{{attributes}, dilations = dense<%d> : tensor<2xi64>, "
        "strides = dense<%d> : tensor<2xi64>}}" % (dilation, stride)
    )
    return Case(
        name,
        op + " " + attributes,
        [(n, 0), (oh, 0), (ow, 0), (f, 0), (kh, 1), (kw, 1), (c, 1)],
        lambda b, y, x, o, i, j, k: (b, y * stride + i * dilation, x * stride + j * dilation, k),
        lambda b, y, x, o, i, j, k: tuple(dict(f=o, h=i, w=j, c=k)[d] for d in filter_order),
        lambda b, y, x, o, i, j, k: (b, y, x, o),
        [(n, h, w, c), tuple(sizes[d] for d in filter_order), (n, oh, ow, f)],
    )


PLAIN = " {{{attributes}}}"


def maps(*texts):
    return "[" + ", ".join(f"affine_map<{t}>" for t in texts) + "]"


CASES = [
    Case("matmul", "matmul" + PLAIN, [(3, 0), (4, 0), (5, 1)],
         lambda m, n, k: (m, k), lambda m, n, k: (k, n), lambda m, n, k: (m, n),
         [(3, 5), (5, 4), (3, 4)]),
    Case("transposed",
         "matmul indexing_maps = " + maps("(m, n, k) -> (k, m)", "(m, n, k) -> (n, k)", "(m, n, k) -> (m, n)") + PLAIN,
         [(3, 0), (4, 0), (5, 1)],
         lambda m, n, k: (k, m), lambda m, n, k: (n, k), lambda m, n, k: (m, n),
         [(5, 3), (4, 5), (3, 4)]),
    Case("weight_first", "matmul" + PLAIN, [(4, 0), (3, 0), (5, 1)],
         lambda m, n, k: (k, n), lambda m, n, k: (m, k), lambda m, n, k: (m, n),
         [(5, 3), (4, 5), (4, 3)], weight_first=True),
    Case("batch", "batch_matmul" + PLAIN, [(2, 0), (3, 0), (4, 0), (5, 1)],
         lambda b, m, n, k: (b, m, k), lambda b, m, n, k: (b, k, n), lambda b, m, n, k: (b, m, n),
         [(2, 3, 5), (2, 5, 4), (2, 3, 4)]),
    Case("exchanged_channels",
         "contract indexing_maps = " + maps("(a, b, m, k) -> (m, k)", "(a, b, m, k) -> (b, a, k)", "(a, b, m, k) -> (a, m, b)") + PLAIN,
         [(2, 0), (3, 0), (4, 0), (5, 1)],
         lambda a, b, m, k: (m, k), lambda a, b, m, k: (b, a, k), lambda a, b, m, k: (a, m, b),
         [(4, 5), (3, 2, 5), (2, 4, 3)]),
    Case("matvec", "matvec" + PLAIN, [(4, 0), (5, 1)],
         lambda m, k: (k,), lambda m, k: (m, k), lambda m, k: (m,),
         [(5,), (4, 5), (4,)], weight_first=True),
    Case("conv_1d", "conv_1d_nwc_wcf {{{attributes}, dilations = dense<2> : tensor<1xi64>, strides = dense<2> : tensor<1xi64>}}",
         [(1, 0), (3, 0), (4, 0), (3, 1), (2, 1)],
         lambda n, w, f, k, c: (n, 2 * w + 2 * k, c), lambda n, w, f, k, c: (k, c, f), lambda n, w, f, k, c: (n, w, f),
         [(1, 9, 2), (3, 2, 4), (1, 3, 4)]),
    conv2d("conv_fhwc", "conv_2d_nhwc_fhwc", 2, 5, 4, 3, 4, 3, 2, 1, 1, "fhwc"),
    conv2d("conv_hwcf", "conv_2d_nhwc_hwcf", 1, 7, 6, 2, 3, 3, 2, 2, 2, "hwcf"),
    Case("depthwise", "depthwise_conv_2d_nhwc_hwc" + PLAIN,
         [(1, 0), (3, 0), (3, 0), (4, 0), (2, 1), (2, 1)],
         lambda n, h, w, c, i, j: (n, h + i, w + j, c), lambda n, h, w, c, i, j: (i, j, c), lambda n, h, w, c, i, j: (n, h, w, c),
         [(1, 4, 4, 4), (2, 2, 4), (1, 3, 3, 4)]),
    Case("depthwise_multiplier", "depthwise_conv_2d_nhwc_hwcm" + PLAIN,
         [(1, 0), (2, 0), (2, 0), (3, 0), (2, 0), (2, 1), (2, 1)],
         lambda n, h, w, c, m, i, j: (n, h + i, w + j, c), lambda n, h, w, c, m, i, j: (i, j, c, m),
         lambda n, h, w, c, m, i, j: (n, h, w, c, m),
         [(1, 3, 3, 3), (2, 2, 3, 2), (1, 2, 2, 3, 2)]),
    Case("grouped", "conv_2d_nhwgc_gfhwc" + PLAIN,
         [(1, 0), (2, 0), (2, 0), (2, 0), (3, 0), (2, 1), (2, 1), (2, 1)],
         lambda n, h, w, g, f, i, j, c: (n, h + i, w + j, g, c), lambda n, h, w, g, f, i, j, c: (g, f, i, j, c),
         lambda n, h, w, g, f, i, j, c: (n, h, w, g, f),
         [(1, 3, 3, 2, 2), (2, 3, 2, 2, 2), (1, 2, 2, 2, 3)]),
]

# storage: (low, high), zero point; None is a run-time scale.
ACTIVATIONS = [((-128, 127), 0), ((0, 255), 0), ((0, 255), 77), ((-128, 127), -128), None]
# result: None is real units; else storage, zero point, clamp in real numbers.
RESULTS = [None, ((-128, 127), 0, None), ((0, 255), 3, (0.0, INF)), ((-128, 127), -20, (0.0, 6.0))]


def tensor(shape, element="f32"):
    return "tensor<" + "".join(f"{d}x" for d in shape) + element + ">"


def hex_f32(x):
    return "0x%08X" % struct.unpack("<I", struct.pack("<f", x))[0]


def dense(shape, values):
    """A dense f32 constant, bit by bit; always at least one dimension here."""
    if len(values) == 1 and not shape:
        return f"dense<{hex_f32(values[0])}> : {tensor(shape)}"

    def nest(shape, values):
        if len(shape) == 1:
            return "[" + ", ".join(map(hex_f32, values)) + "]"
        size = len(values) // shape[0]
        return "[" + ", ".join(nest(shape[1:], values[i * size:(i + 1) * size]) for i in range(shape[0])) + "]"

    return f"dense<{nest(shape, values)}> : {tensor(shape)}"


def count(shape):
    n = 1
    for d in shape:
        n *= d
    return n


def flat(index, shape):
    n = 0
    for i, d in zip(index, shape):
        n = n * d + i
    return n


def uniform(storage, zero, scale):
    kind = "u8" if storage[0] == 0 else "i8"
    point = f":{zero}" if zero else ""
    return f"!quant.uniform<{kind}:f32, {scale!r}{point}>"


# --- One test --------------------------------------------------------------- #
class Test:
    def __init__(self, number, case, activation, result, rng):
        self.case, self.activation, self.result = case, activation, result
        self.name = f"{case.name}_{number}"
        self.x = [f32(rng.uniform(-1, 1)) for _ in range(count(case.x_shape))]
        for special in (NAN, INF, -INF, 0.0, -0.0):
            if activation is not None and rng.random() < 0.5:
                self.x[rng.randrange(len(self.x))] = special
        if activation is None and rng.random() < 0.3:
            self.x[rng.randrange(len(self.x))] = NAN
        self.w = [f32(rng.uniform(-2, 2)) for _ in range(count(case.w_shape))]
        self.channel_shape = [case.w_shape[d] for d in case.w_channels]
        self.channels = count(self.channel_shape)
        if self.channels > 1 and rng.random() < 0.3:  # a dead channel
            for i, index in enumerate(itertools.product(*map(range, case.w_shape))):
                if self.channel_of_weight(index) == 0:
                    self.w[i] = 0.0
        self.bias = [f32(rng.uniform(-1, 1)) for _ in range(self.channels)]
        # Now and then terms so large that they would cancel in f32.
        large = activation is not None and activation[1] and rng.random() < 0.3
        self.sa = f32(rng.uniform(30, 90) if large else rng.uniform(0.003, 0.009))
        self.sy = f32(rng.uniform(0.002, 0.004) if large else rng.uniform(0.01, 0.05))

    def channel_of_weight(self, index):
        return flat([index[d] for d in self.case.w_channels], self.channel_shape)

    def mlir(self):
        case = self.case
        rank = len(case.y_shape)
        dims = ", ".join(f"d{i}" for i in range(rank))
        picked = ", ".join(f"d{d}" for d in case.y_channels)
        parallel = ", ".join(['"parallel"'] * rank)
        y = tensor(case.y_shape)
        identity = f"affine_map<({dims}) -> ({dims})>"
        lines = [
            f"func.func private @{self.name}() -> {y} {{",
            f"  %x = arith.constant {dense(case.x_shape, self.x)}",
            f"  %w = arith.constant {dense(case.w_shape, self.w)}",
            f"  %bias = arith.constant {dense(self.channel_shape, self.bias)}",
            f"  %zero = arith.constant dense<0.0> : {y}",
        ]
        kind = ""
        if self.activation is not None:
            storage, zero = self.activation
            kind = ", type = " + uniform(storage, zero, self.sa)
        lines += [
            f'  %o = qopt.observe %x {{name = "x"{kind}}} : {tensor(case.x_shape)}',
            f"  %0 = {case.text('o', 'w', 'qopt.quantize')}",
            f"  %1 = linalg.generic {{indexing_maps = [{identity}, affine_map<({dims}) -> ({picked})>, {identity}], iterator_types = [{parallel}]}}",
            f"      ins(%0, %bias : {y}, {tensor(self.channel_shape)}) outs(%zero : {y}) {{",
            "  ^bb0(%a: f32, %b: f32, %out: f32):",
            "    %s = arith.addf %a, %b : f32",
            "    linalg.yield %s : f32",
            f"  }} -> {y}",
        ]
        value = "1"
        if self.result is not None:
            storage, zero, limits = self.result
            if limits:
                low, high = limits
                lines += [
                    f"  %low = arith.constant {hex_f32(low)} : f32",
                    f"  %high = arith.constant {hex_f32(high)} : f32",
                    f"  %2 = linalg.generic {{indexing_maps = [{identity}, {identity}], iterator_types = [{parallel}]}}",
                    f"      ins(%1 : {y}) outs(%zero : {y}) {{",
                    "  ^bb0(%a: f32, %out: f32):",
                    "    %s = arith.maximumf %a, %low : f32",
                    "    %t = arith.minimumf %s, %high : f32",
                    "    linalg.yield %t : f32",
                    f"  }} -> {y}",
                ]
                value = "2"
            q = tensor(case.y_shape, uniform(storage, zero, self.sy))
            lines += [
                f"  %q = quant.qcast %{value} : {y} to {q}",
                f"  %d = quant.dcast %q : {q} to {y}",
            ]
            value = "d"
        return "\n".join(lines + [f"  return %{value} : {y}", "}"])

    def reference(self):
        case = self.case
        # Weights: symmetric, narrow range, per output channel.
        amax = [0.0] * self.channels
        weight_indices = list(itertools.product(*map(range, case.w_shape)))
        for value, index in zip(self.w, weight_indices):
            c = self.channel_of_weight(index)
            amax[c] = max(amax[c], abs(value))
        sw = [f32(a / 127) if a else 1.0 for a in amax]
        qw = {
            index: quantize(value, sw[self.channel_of_weight(index)], 0, -127, 127)
            for value, index in zip(self.w, weight_indices)
        }
        sums, absolute = [0] * self.channels, [0] * self.channels
        for index, q in qw.items():
            sums[self.channel_of_weight(index)] += q
            absolute[self.channel_of_weight(index)] += abs(q)

        # Activations.
        x_indices = list(itertools.product(*map(range, case.x_shape)))
        if self.activation is not None:
            (low, high), za = self.activation
            qx = {i: quantize(v, self.sa, za, low, high) for v, i in zip(self.x, x_indices)}
        else:
            za = 0
            row_of = (lambda i: i[:-1]) if case.rows else (lambda i: ())
            top = {}
            for v, i in zip(self.x, x_indices):
                if v == v:
                    top[row_of(i)] = max(top.get(row_of(i), 0.0), abs(v))
                else:
                    top.setdefault(row_of(i), 0.0)
            scale, reciprocal = {}, {}
            for row, a in top.items():
                tiny = a < 2.0**-100
                scale[row] = 1.0 if tiny else round_f32(Fraction(a) / 127)
                reciprocal[row] = 1.0 if tiny else round_f32(127 / Fraction(a))
            qx = {
                i: 0 if v != v else clamp(rne(mul_f32(v, reciprocal[row_of(i)])), -128, 127)
                for v, i in zip(self.x, x_indices)
            }

        # The exact sum.
        acc, channel, row = {}, {}, {}
        for loop in itertools.product(*(range(n) for n, _ in case.loops)):
            yi, xi, wi = case.y(*loop), case.x(*loop), case.w(*loop)
            acc[yi] = acc.get(yi, 0) + qx[xi] * qw[wi]
            channel[yi] = self.channel_of_weight(wi)
            if self.activation is None:
                row[yi] = row_of(xi)

        # Epilogues.
        out = []
        multiplier, offset = [], []
        exact = False
        if self.activation is not None and self.result is not None:
            zy = self.result[1]
            amax_q = max(abs(low), abs(high))
            for c in range(self.channels):
                m = f32(self.sa * sw[c] / self.sy)
                b = f32((self.bias[c] / self.sy - (za * sums[c]) * m) + zy)
                error = 2.0**-24 * (2 * amax_q * absolute[c] * m + abs(b) + 255)
                exact |= za != 0 and error > 2.0**-8
                multiplier.append(m)
                offset.append(b)
            if exact:
                offset = [f32(b / self.sy + zy) for b in self.bias]
        for yi in itertools.product(*map(range, case.y_shape)):
            c, a = channel[yi], acc[yi]
            if self.activation is None:
                m = mul_f32(scale[row[yi]], sw[c])
                real = fma_f32(round_f32(a), m, self.bias[c])
            elif self.result is None:
                real = fma_f32(round_f32(a - za * sums[c]), f32(self.sa * sw[c]), self.bias[c])
            else:
                storage, zy, limits = self.result
                if exact:
                    a -= za * sums[c]
                q = rne(fma_f32(round_f32(a), multiplier[c], offset[c]))
                bounds = [quantize(v, self.sy, zy, *storage) for v in limits or (-INF, INF)]
                q = clamp(q, *bounds)
                real = mul_f32(q - zy, self.sy)
            if self.activation is None and self.result is not None:
                storage, zy, limits = self.result
                if limits:
                    real = clamp(real, *limits)
                real = mul_f32(quantize(real, self.sy, zy, *storage) - zy, self.sy)
            out.append(real)
        return out


def print_all(tests):
    """@main, which prints every result as the integer of its bits."""
    lines = [
        "",
        "func.func private @printI64(i64)",
        "func.func private @printNewline()",
        "func.func private @print(%t: tensor<?xf32>) {",
        "  %c0 = arith.constant 0 : index",
        "  %c1 = arith.constant 1 : index",
        "  %n = tensor.dim %t, %c0 : tensor<?xf32>",
        "  scf.for %i = %c0 to %n step %c1 {",
        "    %v = tensor.extract %t[%i] : tensor<?xf32>",
        "    %b = arith.bitcast %v : f32 to i32",
        "    %w = arith.extui %b : i32 to i64",
        "    func.call @printI64(%w) : (i64) -> ()",
        "    func.call @printNewline() : () -> ()",
        "  }",
        "  return",
        "}",
        "func.func @main() {",
    ]
    for i, test in enumerate(tests):
        shape = test.case.y_shape
        y, flat_y = tensor(shape), tensor([count(shape)])
        lines.append(f"  %r{i} = call @{test.name}() : () -> {y}")
        value = f"r{i}"
        if len(shape) > 1:
            dims = ", ".join(map(str, range(len(shape))))
            lines.append(f"  %f{i} = tensor.collapse_shape %{value} [[{dims}]] : {y} into {flat_y}")
            value = f"f{i}"
        lines += [
            f"  %d{i} = tensor.cast %{value} : {flat_y} to tensor<?xf32>",
            f"  call @print(%d{i}) : (tensor<?xf32>) -> ()",
        ]
    return "\n".join(lines + ["  return", "}"])


PIPELINE = (
    "builtin.module(one-shot-bufferize{bufferize-function-boundaries=1 "
    "function-boundary-type-conversion=identity-layout-map},"
    "func.func(convert-linalg-to-loops),expand-strided-metadata,lower-affine,"
    "convert-scf-to-cf,convert-math-to-llvm,convert-arith-to-llvm,convert-index-to-llvm,"
    "convert-cf-to-llvm,finalize-memref-to-llvm,convert-func-to-llvm,"
    "reconcile-unrealized-casts)"
)


def main():
    llvm, quant_opt, work = sys.argv[1:4]
    rng = random.Random(int(sys.argv[4]) if len(sys.argv) > 4 else 1)
    os.makedirs(work, exist_ok=True)
    tests = []
    for case in CASES:
        for activation in ACTIVATIONS:
            for result in RESULTS:
                tests.append(Test(len(tests), case, activation, result, rng))
    source = os.path.join(work, "execute.mlir")
    with open(source, "w") as f:
        f.write("\n".join([t.mlir() for t in tests]) + print_all(tests) + "\n")

    def run(*command):
        process = subprocess.run(command, capture_output=True, text=True)
        if process.returncode:
            sys.exit(f"{' '.join(command)}:\n{process.stderr[:4000]}")
        return process.stdout

    lowered, llvm_text = source + ".integer", source + ".llvm"
    run(quant_opt, source, "--qopt-quantize", "--qopt-fuse-qdq",
        "--qopt-lower-to-integer", "--cse", "--qopt-verify-integer-form",
        "-o", lowered)
    text = open(lowered).read()
    accumulators = len(re.findall(r"outs\(%\S+ : tensor<[^>]*xi32>\) \{", text))
    if accumulators < len(tests):
        sys.exit(f"only {accumulators} of {len(tests)} contractions are integer")
    if len(sys.argv) > 5:
        least, passes = int(sys.argv[5].removeprefix("--min-gemms=")), sys.argv[6:]
        formed = run(quant_opt, lowered, passes[0]).count("qopt.gemm ins")
        if formed < least:
            sys.exit(f"only {formed} kernel ops")
        run(quant_opt, lowered, *passes, "-o", source + ".expanded")
        lowered = source + ".expanded"
    run(f"{llvm}/mlir-opt", lowered, "--pass-pipeline=" + PIPELINE, "-o", llvm_text)
    libs = os.path.join(os.path.dirname(llvm), "lib")
    output = run(f"{llvm}/mlir-runner", llvm_text, "-e", "main",
                 "-entry-point-result=void", f"-shared-libs={libs}/libmlir_c_runner_utils.so")
    bits = [int(line) for line in output.split()]

    position, wrong, compared = 0, [], 0
    for test in tests:
        expected = test.reference()
        got = bits[position:position + len(expected)]
        position += len(expected)
        compared += len(expected)
        for i, (g, e) in enumerate(zip(got, expected)):
            value = struct.unpack("<f", struct.pack("<I", g))[0]
            if value != e:
                wrong.append(f"{test.name}[{i}] {test.activation} {test.result}: {value!r}, expected {e!r}")
    if position != len(bits):
        sys.exit(f"{len(bits)} results, expected {position}")
    print("\n".join(wrong[:20]))
    print(json.dumps({"tests": len(tests), "compared": compared, "wrong": len(wrong)}))
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
