#!/usr/bin/env python3
"""Counts the contractions and convolutions of upstream IR by element type.

  count_contractions.py FILE.mlir... [--mlir-opt=PROGRAM]

Independent of the compiler and its report: reads what a stock mlir-opt prints
in generic form, where named ops show their body. An op counts when its body
multiplies values of two different inputs and adds the product to the
accumulator, whatever its name. One JSON object per file:

  integer          both factors are integers
  float_weight     a float factor comes from constants only (should be integer)
  float_dynamic    both factors are computed at run time, at least one float
  ops              [name, types of the factors, class] of each
"""

import json
import re
import subprocess
import sys

OP = re.compile(r'^\s*(?:(%[\w#:$.-]+) = )?"([\w.$]+)"\(([^)]*)\)(.*)$')
ADDS = {"arith.addf", "arith.addi", "complex.add"}
MULTIPLIES = {"arith.mulf", "arith.muli"}
# Ops whose result is constant when all they read is.
MOVES = ("linalg.", "tensor.", "arith.", "math.", "builtin.unrealized")


class Op:
    def __init__(self, name, operands, result, text):
        self.name, self.operands, self.result = name, operands, result
        self.text, self.arguments, self.body, self.types = text, [], [], []

    def inputs(self):
        """The operands before the inits, for a structured op."""
        sizes = re.search(r"operandSegmentSizes = array<i32: (\d+), (\d+)>",
                          self.text)
        if sizes:
            return self.operands[:int(sizes.group(1))]
        # transpose and broadcast: one input, one init
        return self.operands[:1] if self.name.startswith("linalg.") else self.operands


def parse(text):
    """The ops of a module in generic form, in order of their ends, each with
    the argument names and ops of its regions."""
    ops, stack = [], []
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.startswith("^"):
            stack[-1].arguments += re.findall(r"(%[\w#]+):", stripped)
            continue
        if stripped.startswith("})"):
            op = stack.pop()
            op.text += stripped
        elif stripped.startswith("}, {"):
            continue
        else:
            match = OP.match(line)
            if not match:
                continue
            result, name, operands, rest = match.groups()
            op = Op(name, re.findall(r"%[\w#]+", operands),
                    result.split(":")[0] if result else None, rest)
            if rest.endswith("({"):
                stack.append(op)
                continue
        signature = re.search(r" : \((.*?)\) -> ", op.text[op.text.rfind(" : ("):])
        op.types = re.findall(r"tensor<[^>]*>|[\w.]+", signature.group(1)) if signature else []
        if stack:
            stack[-1].body.append(op)
        ops.append(op)
    return ops


def factors(op):
    """The pair of input positions whose product this op accumulates, or None."""
    count = len(op.inputs())
    if not op.body or op.body[-1].name != "linalg.yield" or count < 2:
        return None
    inputs, accumulators = op.arguments[:count], op.arguments[count:]
    made = {o.result: o for o in op.body if o.result}

    def reads(value):
        """The block arguments a value depends on."""
        if value not in made:
            return {value}
        return set().union(*(reads(v) for v in made[value].operands), set())

    def product(value):
        """The inputs that the first multiplication of two of them reads."""
        op = made.get(value)
        if op is None:
            return None
        if op.name in MULTIPLIES or op.name == "math.fma":
            a, b = (reads(v) & set(inputs) for v in op.operands[:2])
            if a and b and a != b:
                return a, b
        for v in op.operands:
            found = product(v)
            if found:
                return found
        return None

    for value in op.body[-1].operands:
        add = made.get(value)
        if add is None or not (add.name in ADDS or add.name == "math.fma"):
            continue
        if not any(v in accumulators for v in add.operands):
            continue
        found = product(value)
        if found:
            return tuple(min(inputs.index(v) for v in side) for side in found)
    return None


def element(type_text):
    return type_text.rstrip(">").split("x")[-1].split("tensor<")[-1]


def extension(op, position):
    """"u" where the body widens this input by extui, "s" by extsi, else ""."""
    for inner in op.body:
        if inner.operands[:1] == [op.arguments[position]]:
            return {"arith.extui": "u", "arith.extsi": "s"}.get(inner.name, "")
    return ""


def count_text(text):
    counts = {"integer": 0, "float_weight": 0, "float_dynamic": 0, "ops": []}
    constant = {}  # of the function at hand: value -> True
    for op in parse(text):
        if op.name == "func.func":
            constant = {}
            continue
        # The bodies of structured ops are read with their op.
        pair = factors(op) if op.name.startswith("linalg.") else None
        # A gather reads its table inside the body.
        sources = op.inputs() + [inner.operands[0] for inner in op.body
                                 if inner.name == "tensor.extract"]
        fixed = op.name == "arith.constant" or (
            op.name.startswith(MOVES) and sources
            and all(constant.get(v, False) for v in sources))
        if op.result:
            constant[op.result] = fixed
        if not pair:
            continue
        types = [extension(op, i) + element(op.types[i]) for i in pair]
        weights = [constant.get(op.operands[i], False) for i in pair]
        if all(re.fullmatch(r"[su]?i\d+", t) for t in types):
            kind = "integer"
        else:
            kind = "float_weight" if any(weights) else "float_dynamic"
        counts[kind] += 1
        counts["ops"].append([op.name, " x ".join(types), kind])
    return counts


def count_file(path, mlir_opt="mlir-opt"):
    run = subprocess.run(
        [mlir_opt, "--mlir-print-op-generic", "--mlir-elide-elementsattrs-if-larger=4",
         "--mlir-elide-resource-strings-if-larger=4", path],
        capture_output=True, text=True)
    if run.returncode:
        raise SystemExit(f"count_contractions: {path}: {run.stderr.strip()[:300]}")
    return count_text(run.stdout)


def main(arguments):
    mlir_opt, files = "mlir-opt", []
    for argument in arguments:
        if argument.startswith("--mlir-opt="):
            mlir_opt = argument.split("=", 1)[1]
        else:
            files.append(argument)
    for path in files:
        print(json.dumps({"file": path.split("/")[-1], **count_file(path, mlir_opt)}))


if __name__ == "__main__":
    main(sys.argv[1:])
