"""make-hostile.py COUNT: a module whose report has names of random bytes."""

import random
import sys

PARTS = ["<script>", "</script>", "<!--", "-->", "]]>", "&lt;", "&", '"', "'", "`",
         " onclick=alert(1) ", "javascript:", "</style>", "</table>", "\u202e",
         "${x}", "{{x}}", "=", "/", "a", "\x00", "\x1b[31m", "\n", "\x80"]


def quote(data):
    return '"' + "".join(f"\\{byte:02X}" for byte in data) + '"'


def name(number):
    text = "".join(random.choice(PARTS) for _ in range(random.randrange(1, 9)))
    data = text.encode("utf-8") + bytes(random.randrange(256) for _ in range(3))
    return quote(data + str(number).encode())


def main():
    random.seed(20261104)
    count = int(sys.argv[1])
    names = [name(i) for i in range(count)]
    numbers = ["0.0", "1.5", "-3.0e38", "1.0e300", "0x7FF8000000000000", "0x7FF0000000000000"]

    def number():
        return random.choice(numbers) + " : f64"

    ops = [f'{{contraction, location = {name(i)}, name = {n}, op = {name(i)}, '
           f'precision = "{random.choice(["int8", "f32", "f16"])}", reason = {name(i)}}}'
           for i, n in enumerate(names)]
    edges = [f"{{clipped_fraction = {number()}, expected_error = {number()}, max = {number()}, "
             f"method = {name(i)}, min = {number()}, name = {n}, readers = [{n}, {names[0]}, {n}], "
             f'scale = {number()}, storage = {name(i)}, zero_point = 1 : i64}}'
             for i, n in enumerate(names)]
    levels = ", ".join(str(random.randrange(-9, 99)) for _ in range(64))
    histograms = [f"{{high = {number()}, low = {number()}, name = {n}, levels = array<i32: {levels}>}}"
                  for n in names]
    weights = [f"{{accumulator_max = {i - 1} : i64, channels = 4 : i64, method = {name(i)}, name = {n}, "
               f"scale_max = {number()}, scale_min = {number()}, sqnr_db = {number()}}}"
               for i, n in enumerate(names)]
    print("module attributes {qopt.report = {")
    for table, rows in (("edges", edges), ("histograms", histograms), ("ops", ops),
                        ("weights", weights)):
        print(f"  {table} = [" + ",\n".join(rows) + "],")
    print("  facts = []}} {\n  func.func @main() {\n    return\n  }\n}")


main()
