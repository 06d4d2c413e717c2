"""Named ops with zero points, constant and run-time operands and every kind of
init: the lowered ops must give the same i32s, overflow included.

usage: execute.py QUANT_OPT QUANT_RUN WORK_DIR
"""

import array
import itertools
import json
import os
import random
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "..",
                                "Integration", "Support"))
import npz  # noqa: E402

CONV = "{dilations = dense<%d> : vector<%dxi64>, strides = dense<%d> : vector<%dxi64>} "

# op, attributes, shapes of both operands and of the result, the result's
# dimension of output channels.
OPS = [
    ("quantized_matmul", "", (4, 6), (6, 5), (4, 5), 1),
    ("quantized_batch_matmul", "", (2, 3, 4), (2, 4, 5), (2, 3, 5), 2),
    ("conv_2d_nchw_fchw_q", CONV % (1, 2, 2, 2), (1, 3, 7, 7), (4, 3, 3, 3), (1, 4, 3, 3), 1),
    ("conv_2d_nchw_fchw_q", CONV % (2, 2, 1, 2), (2, 2, 7, 6), (3, 2, 3, 2), (2, 3, 3, 4), 1),
    ("conv_2d_nhwc_hwcf_q", CONV % (1, 2, 1, 2), (1, 5, 5, 3), (3, 3, 3, 4), (1, 3, 3, 4), 3),
    ("conv_2d_nhwc_fhwc_q", CONV % (1, 2, 1, 2), (1, 5, 5, 3), (4, 3, 3, 3), (1, 3, 3, 4), 3),
    ("conv_2d_ngchw_gfchw_q", CONV % (1, 2, 1, 2), (1, 2, 3, 5, 5), (2, 4, 3, 3, 3),
     (1, 2, 4, 3, 3), 2),
    ("conv_3d_ndhwc_dhwcf_q", CONV % (1, 3, 1, 3), (1, 4, 4, 4, 2), (2, 2, 2, 2, 3),
     (1, 3, 3, 3, 3), 4),
    ("depthwise_conv_2d_nhwc_hwc_q", CONV % (1, 2, 1, 2), (1, 5, 5, 3), (3, 3, 3),
     (1, 3, 3, 3), 3),
    ("depthwise_conv_2d_nhwc_hwcm_q", CONV % (1, 2, 1, 2), (1, 5, 5, 3), (3, 3, 3, 2),
     (1, 3, 3, 3, 2), 3),
]
ZERO_POINTS = [(0, 0), (3, 0), (0, -5), (-128, 127), (2000000000, 3)]
WEIGHTS = ["constant", "run time"]
INITS = ["zero", "bias", "tensor"]


def tensor(shape, element):
    return "tensor<%s>" % "x".join([*map(str, shape), element])


def elements(values, shape):
    if len(shape) == 1:
        return str(list(values))
    width = len(values) // shape[0]
    rows = [elements(values[i * width:(i + 1) * width], shape[1:]) for i in range(shape[0])]
    return "[" + ", ".join(rows) + "]"


def product(shape):
    size = 1
    for dim in shape:
        size *= dim
    return size


class Model:
    def __init__(self, rng):
        self.rng, self.arguments, self.inputs = rng, [], {}
        self.code, self.results = [], []

    def argument(self, shape, element):
        low, high = (-128, 127) if element == "i8" else (-2 ** 31, 2 ** 31 - 1)
        values = [self.rng.randint(low, high) for _ in range(product(shape))]
        name = "arg%d" % len(self.arguments)
        self.arguments.append("%%%s: %s" % (name, tensor(shape, element)))
        kind = ("i1", "b") if element == "i8" else ("i4", "i")
        self.inputs[name] = npz.Array(kind[0], shape, array.array(kind[1], values))
        return "%" + name

    def add(self, op, attributes, lhs, rhs, out, channel, zeros, weight, init):
        n = len(self.results)
        x = self.argument(lhs, "i8")
        if weight == "constant":
            values = [self.rng.randint(-128, 127) for _ in range(product(rhs))]
            self.code.append(f"  %w{n} = arith.constant dense<{elements(values, rhs)}> : "
                             f"{tensor(rhs, 'i8')}")
            w = f"%w{n}"
        else:
            w = self.argument(rhs, "i8")
        result = tensor(out, "i32")
        self.code += [f"  %za{n} = arith.constant {zeros[0]} : i32",
                      f"  %zb{n} = arith.constant {zeros[1]} : i32",
                      f"  %e{n} = tensor.empty() : {result}"]
        if init == "zero":
            self.code += [f"  %c{n} = arith.constant 0 : i32",
                          f"  %i{n} = linalg.fill ins(%c{n} : i32) outs(%e{n} : {result}) -> {result}"]
        elif init == "bias":
            count = out[channel]
            values = [self.rng.randint(-2 ** 31, 2 ** 31 - 1) for _ in range(count)]
            dims = [i for i in range(len(out)) if i != channel]
            self.code += [f"  %b{n} = arith.constant dense<{values}> : tensor<{count}xi32>",
                          f"  %i{n} = linalg.broadcast ins(%b{n} : tensor<{count}xi32>) "
                          f"outs(%e{n} : {result}) dimensions = {dims}"]
        start = self.argument(out, "i32") if init == "tensor" else f"%i{n}"
        self.code.append(f"  %r{n} = linalg.{op} {attributes}ins({x}, {w}, %za{n}, %zb{n} : "
                         f"{tensor(lhs, 'i8')}, {tensor(rhs, 'i8')}, i32, i32) "
                         f"outs({start} : {result}) -> {result}")
        self.results.append((f"%r{n}", result))

    def text(self):
        types = ", ".join(type for _, type in self.results)
        names = ", ".join(name for name, _ in self.results)
        return "\n".join([f"func.func @main({', '.join(self.arguments)}) -> ({types}) {{",
                          *self.code, f"  return {names} : {types}", "}", ""])


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: {done.stderr[:2000]}")


def main():
    quant_opt, quant_run, work = sys.argv[1:]
    os.makedirs(work, exist_ok=True)
    model = Model(random.Random(1))
    cases = list(itertools.product(OPS, ZERO_POINTS, WEIGHTS, INITS))
    for op, zeros, weight, init in cases:
        model.add(*op, zeros, weight, init)
    source, lowered = os.path.join(work, "source.mlir"), os.path.join(work, "lowered.mlir")
    with open(source, "w") as file:
        file.write(model.text())
    npz.save(os.path.join(work, "in.npz"), model.inputs)
    run(quant_opt, source, "--qopt-lower-quantized-ops", "--canonicalize", "-o", lowered)
    with open(lowered) as file:
        left = sum("_q " in line or "linalg.quantized" in line for line in file)
    outputs = []
    for path in (source, lowered):
        out = path.replace(".mlir", ".npz")
        run(quant_run, path, "--input=" + os.path.join(work, "in.npz"), "--output=" + out)
        outputs.append(npz.load(out))
    wrong = [case for i, case in enumerate(cases)
             if outputs[0][f"out{i}"].tobytes() != outputs[1][f"out{i}"].tobytes()]
    for case in wrong[:5]:
        print("differs:", case)
    print(json.dumps({"ops": len(cases), "left": left, "wrong": len(wrong)}))


main()
