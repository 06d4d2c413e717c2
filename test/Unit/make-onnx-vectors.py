#!/usr/bin/env python3
"""Writes OnnxRuntimeVectors.inc: what onnxruntime's CPU provider computes.

The inputs are random with a fixed seed, most of them next to ties. Needs the
packages onnxruntime, onnx and numpy; the tests need only the file that it wrote:

    make-onnx-vectors.py > OnnxRuntimeVectors.inc
"""
import argparse
import random
import re

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

LICENSE = """//===- OnnxRuntimeVectors.inc - Results of onnxruntime --------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Written by make-onnx-vectors.py with onnxruntime %s; do not edit.
//
//===----------------------------------------------------------------------===//
"""


def run(node, inputs, constants, output_type):
    """Runs a model of one node on the CPU."""
    tensors = [
        helper.make_tensor_value_info(
            name, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)
        for name, value in inputs.items()
    ]
    graph = helper.make_graph(
        [node], "vectors", tensors,
        [helper.make_tensor_value_info("y", output_type, None)],
        [onnx.numpy_helper.from_array(v, n) for n, v in constants.items()])
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, inputs)[0]


def quantize_rows(rng, count):
    """x, s, z, unsigned and Q_div(x; s, z) by QuantizeLinear."""
    special = [np.inf, -np.inf, 0.0, -0.0, 2.0**-149, 3e38]
    for _ in range(count // 16):
        unsigned = rng.random() < 0.5
        dtype, lo, hi = (np.uint8, 0, 255) if unsigned else (np.int8, -128, 127)
        s = np.float32(rng.uniform(1, 2) * 2.0**rng.randint(-12, 6))
        z = rng.randint(lo, hi)
        ties = [(rng.randint(lo - 3, hi + 3) - z + 0.5) * float(s)
                for _ in range(15)]
        x = np.array(ties + [rng.choice(special)], dtype=np.float32)
        node = helper.make_node("QuantizeLinear", ["x", "s", "z"], ["y"])
        y = run(node, {"x": x}, {"s": np.array(s), "z": np.array(z, dtype)},
                helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))
        for xi, yi in zip(x, y):
            yield float(xi), float(s), z, int(unsigned), int(yi)


def convolution_rows(rng, count, channels=16):
    """acc, b32, sa, sw, sy, zy and y by QLinearConv: one pixel, four inputs."""
    for _ in range(count // channels):
        sa, sy = (np.float32(rng.uniform(1, 2) * 2.0**rng.randint(-8, 0))
                  for _ in range(2))
        za, zy = rng.randint(0, 255), rng.randint(0, 255)
        x = np.array([rng.randint(0, 255) for _ in range(4)], np.uint8)
        w = np.array([[rng.randint(-127, 127) for _ in range(4)]
                      for _ in range(channels)], np.int8)
        acc = [int(((x.astype(int) - za) * row.astype(int)).sum()) for row in w]
        bias = [rng.randint(-2**rng.randint(4, 22), 2**rng.randint(4, 22))
                for _ in range(channels)]
        # Multipliers that bring the results next to ties within the range.
        sums = [a + b or 1 for a, b in zip(acc, bias)]
        ties = [rng.randint(0, 256 - zy if v > 0 else zy + 1) + 0.5
                for v in sums]
        sw = np.array([t / abs(v) * float(sy) / float(sa)
                       for t, v in zip(ties, sums)], np.float32)
        constants = {
            "sa": np.array(sa), "za": np.array(za, np.uint8),
            "w": w.reshape(channels, 4, 1, 1), "sw": sw,
            "zw": np.zeros(channels, np.int8),
            "sy": np.array(sy), "zy": np.array(zy, np.uint8),
            "b": np.array(bias, np.int32),
        }
        node = helper.make_node(
            "QLinearConv",
            ["x", "sa", "za", "w", "sw", "zw", "sy", "zy", "b"], ["y"])
        y = run(node, {"x": x.reshape(1, 4, 1, 1)}, constants,
                TensorProto.UINT8).reshape(-1)
        for i in range(channels):
            yield (acc[i], bias[i], float(sa), float(sw[i]), float(sy), zy,
                   int(y[i]))


def literal(value):
    if isinstance(value, int):
        return str(value)
    if np.isinf(value):
        return "kInf" if value > 0 else "-kInf"
    # The digits of a float without the zeros of a double.
    return re.sub(r"\.?0*p", "p", value.hex()) + "f"


def table(declaration, rows):
    print(f"\n{declaration} = {{")
    for row in rows:
        print("    {" + ", ".join(literal(v) for v in row) + "},")
    print("};")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=160)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    rng = random.Random(args.seed)
    print(LICENSE % onnxruntime.__version__, end="")
    table("constexpr QuantizeVector kQuantizeVectors[]",
          quantize_rows(rng, args.count))
    table("constexpr ConvolutionVector kConvolutionVectors[]",
          convolution_rows(rng, args.count))


if __name__ == "__main__":
    main()
