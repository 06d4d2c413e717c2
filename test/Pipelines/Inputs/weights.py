"""weights.py OUT_DIR: models with weights that are large enough to be kept
from the parser, inline and as resources, good and damaged."""

import random
import struct
import sys

out = sys.argv[1]
rng = random.Random(5)


def floats(count):
    return struct.pack(f"<{count}f", *(rng.uniform(-1, 1) for _ in range(count)))


HEAD = """\
func.func @main(%x: tensor<8x64xf32>) -> tensor<8x32xf32> {
  %zero = arith.constant 0.0 : f32
"""
TAIL = """\
  %e0 = tensor.empty() : tensor<8x64xf32>
  %f0 = linalg.fill ins(%zero : f32) outs(%e0 : tensor<8x64xf32>) -> tensor<8x64xf32>
  %0 = linalg.matmul ins(%x, %w0 : tensor<8x64xf32>, tensor<64x64xf32>)
      outs(%f0 : tensor<8x64xf32>) -> tensor<8x64xf32>
  %e1 = tensor.empty() : tensor<8x32xf32>
  %f1 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<8x32xf32>) -> tensor<8x32xf32>
  %1 = linalg.matmul ins(%0, %w1 : tensor<8x64xf32>, tensor<64x32xf32>)
      outs(%f1 : tensor<8x32xf32>) -> tensor<8x32xf32>
  return %1 : tensor<8x32xf32>
}
"""


def constant(name, value, shape):
    return f"  %{name} = arith.constant {value} : tensor<{shape}xf32>\n"


def write(name, text):
    with open(f"{out}/{name}.mlir", "w") as file:
        file.write(text)


w0, w1 = floats(64 * 64), floats(64 * 32)


def inline(data):
    return f'dense<"0x{data.hex().upper()}">'


good = HEAD + constant("w0", inline(w0), "64x64") + constant("w1", inline(w1), "64x32") + TAIL
write("inline", good)

# The first one as a list of numbers, which is the parser's.
rows = struct.iter_unpack("<64f", w0)
decimal = "dense<[" + ", ".join(str(list(row)) for row in rows) + "]>"
write("decimal", good.replace(inline(w0), decimal))

entries = ",\n".join(f'      {key}: "0x04000000{data.hex()}"' for key, data in (("weight_0", w1), ("b.c", w0)))
resources = f"{{-#\n  dialect_resources: {{\n    builtin: {{\n{entries}\n    }}\n  }}\n#-}}\n"
module = (
    HEAD
    + constant("w0", "dense_resource<b.c>", "64x64")
    + constant("w1", "dense_resource<weight_0>", "64x32")
    + TAIL
)
write("resource", module + resources)

# Line 3 and line 4 hold the weights.
write("digit", good.replace(inline(w1), inline(w1)[:-20] + "G" + inline(w1)[-19:]))
write("odd", good.replace(inline(w1), inline(w1)[:-3] + '">'))
write("short", good.replace(inline(w1), inline(w1[:-4])))
write("later", good.replace("linalg.fill ins(%zero", "linalg.fill ins(%nothing", 1))
write("resource-short", module + resources.replace(w0.hex(), w0[:-4].hex()))
write("resource-align", module + resources.replace("b.c: \"0x04", "b.c: \"0x03"))
