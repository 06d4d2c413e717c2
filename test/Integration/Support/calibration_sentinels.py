#!/usr/bin/env python3
"""calibration_sentinels.py SCRATCH: edges with additive masks of every usual kind
get the scale of their real values; NaNs, infinities, constant and zero edges are
warned of, NaNs with the op that made them."""

import array
import json
import math
import os
import random
import sys

import npz
from harness import check, run

scratch = sys.argv[1]
os.makedirs(scratch, exist_ok=True)


def path(name):
    return os.path.join(scratch, name)


ROWS, WIDTH = 64, 32
MODEL = """
#id = affine_map<(d0, d1) -> (d0, d1)>
func.func @main(%x: tensor<1x32xf32>, %mask: tensor<1x32xf32>) -> tensor<1x8xf32> {
  %weight = arith.constant dense_resource<weight> : tensor<32x8xf32>
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<1x32xf32>
  %masked = linalg.generic {indexing_maps = [#id, #id, #id],
      iterator_types = ["parallel", "parallel"]}
      ins(%x, %mask : tensor<1x32xf32>, tensor<1x32xf32>)
      outs(%empty : tensor<1x32xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %sum = OP
    linalg.yield %sum : f32
  } -> tensor<1x32xf32> loc("masked")
  %init = tensor.empty() : tensor<1x8xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%init : tensor<1x8xf32>) -> tensor<1x8xf32>
  %y = linalg.matmul ins(%masked, %weight : tensor<1x32xf32>, tensor<32x8xf32>)
      outs(%fill : tensor<1x8xf32>) -> tensor<1x8xf32>
  return %y : tensor<1x8xf32>
}
{-# dialect_resources: { builtin: { weight: "0x04000000HEX" } } #-}
"""
generator = random.Random(1)
weight = array.array("f", (generator.uniform(-1, 1) for _ in range(WIDTH * 8)))


def write_model(op):
    text = MODEL.replace("OP", op).replace("HEX", weight.tobytes().hex())
    with open(path("model.mlir"), "w") as file:
        file.write(text)


def quantize(x, mask):
    """The warnings of a job on these data and its report's row of the edge."""
    npz.save(path("data.npz"), {
        "arg0": npz.Array("f4", (ROWS, WIDTH), x),
        "arg1": npz.Array("f4", (ROWS, WIDTH), mask)})
    result = run("quant-opt", "--quantize-int8", path("model.mlir"), "-o",
                 path("int8.mlir"), f"--calibration-data={path('data.npz')}",
                 f"--report={path('report.json')}")
    check(result.returncode == 0, result.stderr)
    with open(path("report.json")) as file:
        edge, = json.load(file)["edges"]
    return result.stderr, edge


def floats(fn):
    return array.array("f", (fn(i) for i in range(ROWS * WIDTH)))


write_model("arith.addf %a, %b : f32")
x = floats(lambda i: generator.gauss(0, 1))
warnings, plain = quantize(x, floats(lambda i: 0.0))
check("warning" not in warnings, warnings)
keep = floats(lambda i: 1.0 if i % WIDTH < 20 else 0.0)
real = [v for v, k in zip(x, keep) if k]
for value in (-math.inf, -3.4028234663852886e38, -1e9, -1e4, -65504.0, -1e30):
    mask = floats(lambda i: 0.0 if keep[i] else value)
    warnings, edge = quantize(x, mask)
    check(edge["min"] == min(real) and edge["max"] == max(real),
          f"mask {value}: range {edge['min']}, {edge['max']}")
    check(edge["scale"] < 2 * plain["scale"], f"mask {value}: scale {edge['scale']}")
    check("taken for the marks of a mask" in warnings, f"mask {value}: {warnings}")
    masked = edge["sentinels"] + edge["nonfinite"]
    check(masked == ROWS * WIDTH - len(real), f"mask {value}: {masked} left out")

# Large values that are no masks stay.
large = floats(lambda i: 30000.0 if i == 7 else x[i])
warnings, edge = quantize(large, floats(lambda i: 0.0))
check(edge["max"] == 30000.0 and edge["sentinels"] == 0, str(edge))

# Constant and zero edges.
warnings, edge = quantize(floats(lambda i: 0.0), floats(lambda i: 0.0))
check("was zero in every sample" in warnings and edge["scale"] == 1.0, warnings)
warnings, edge = quantize(floats(lambda i: 0.25), floats(lambda i: 0.0))
check("held nothing but" in warnings, warnings)

# NaN and infinity: the op that made them, not the edge that saw them.
write_model("""arith.divf %a, %b : f32""")
ones = floats(lambda i: 1.0)
ones[5 * WIDTH + 3] = 0.0
x[5 * WIDTH + 3] = 0.0
warnings, edge = quantize(x, ones)
check("'masked' is the first op that gives 1 NaN in run 5" in warnings, warnings)
check("held 1 values that are NaN or infinite" in warnings, warnings)
check(edge["max"] == max(x), str(edge))
x[5 * WIDTH + 3] = math.nan
ones[5 * WIDTH + 3] = 1.0
warnings, edge = quantize(x, ones)
check("argument 'arg0' holds 1 NaN in run 5" in warnings, warnings)

# Fewer than 32 samples.
ROWS = 31
warnings, edge = quantize(floats(lambda i: x[i] if x[i] == x[i] else 0.0),
                          floats(lambda i: 1.0))
check("calibrated with 31 samples" in warnings, warnings)
