"""Quantize and dequantize in every combination of spellings: each must be raised
to the same observer, and the model must compute the same values before and after.
(Fake quantization that stays f32 all the way knows a negative zero, which
integers do not: values are compared, not bits.)

usage: spellings.py QUANT_OPT QUANT_RUN WORK_DIR
"""

import array
import itertools
import json
import os
import random
import re
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "..",
                                "Integration", "Support"))
import npz  # noqa: E402

N = 64  # elements


def f32(x):
    return struct.unpack("f", struct.pack("f", x))[0]


def number(x):
    """An f32 as MLIR reads it back to the last bit."""
    return "0x%08X" % struct.unpack("I", struct.pack("f", x))


def read_scale(text):
    """A scale as types print it: decimal, or the bits of an f64."""
    if text.startswith("0x"):
        return struct.unpack("d", struct.pack("Q", int(text, 16)))[0]
    return float(text)


class Model:
    def __init__(self):
        self.constants, self.code, self.results, self.count = [], [], [], 0

    def name(self, stem):
        self.count += 1
        return f"%{stem}{self.count}"

    def constant(self, text):
        name = self.name("c")
        self.constants.append(f"  {name} = arith.constant {text}")
        return name

    def generic(self, value, type, steps, operands=()):
        """One elementwise op on `value` with these steps; its result's type."""
        result_type = steps[-1][0]
        args = ["%in: " + type]
        maps = ["affine_map<(d0) -> (d0)>"]
        ins, types = [value], [f"tensor<{N}x{type}>"]
        for i, (operand, shape, element) in enumerate(operands):
            ins.append(operand)
            types.append(f"tensor<{shape}{element}>")
            maps.append("affine_map<(d0) -> (%s)>" % ("0" if shape else ""))
            args.append(f"%p{i}: {element}")
        maps.append("affine_map<(d0) -> (d0)>")
        empty, result = self.name("e"), self.name("v")
        out = f"tensor<{N}x{result_type}>"
        lines = [f"  {empty} = tensor.empty() : {out}",
                 f"  {result} = linalg.generic {{indexing_maps = [{', '.join(maps)}], "
                 f"iterator_types = [\"parallel\"]}} ins({', '.join(ins)} : "
                 f"{', '.join(types)}) outs({empty} : {out}) {{",
                 f"  ^bb0({', '.join(args)}, %out: {result_type}):"]
        x = "%in"
        for step, (step_type, text) in enumerate(steps):
            new = f"%s{step}"
            lines += ["    " + line for line in
                      text.format(x=x, r=new, t=f"%t{step}").split("\n")]
            x = new
        lines += [f"    linalg.yield {x} : {result_type}", f"  }} -> {out}"]
        self.code += lines
        return result, result_type


def scale_steps(model, how, divide, value):
    """x / s or x * r with the factor spelled `how`: steps and operands."""
    op = "divf" if divide else "mulf"
    if how == "captured":
        c = model.constant(f"{number(value)} : f32")
        return [("f32", f"{{r}} = arith.{op} {{x}}, {c} : f32")], []
    if how == "f64":
        c = model.constant("0x%016X : f64" % struct.unpack("Q", struct.pack("d", value)))
        return [("f32", f"{{t}} = arith.truncf {c} : f64 to f32\n"
                        f"{{r}} = arith.{op} {{x}}, {{t}} : f32")], []
    shape = {"scalar tensor": "", "one element": "1x"}[how]
    c = model.constant(f"dense<{number(value)}> : tensor<{shape}f32>")
    return [("f32", f"{{r}} = arith.{op} {{x}}, %p0 : f32")], [(c, shape, "f32")]


def bound(model, how, is_max, value, kind):
    """max or min with a constant."""
    text = f"{number(value)} : f32" if kind == "f32" else f"{int(value)} : {kind}"
    c = model.constant(text)
    if kind == "f32":
        if how == "op":
            return (kind, f"{{r}} = arith.{'maximumf' if is_max else 'minimumf'} {{x}}, {c} : f32")
        predicate = {"ordered": "o", "unordered": "u"}[how] + ("lt" if is_max else "gt")
        return (kind, f"{{t}} = arith.cmpf {predicate}, {{x}}, {c} : f32\n"
                      f"{{r}} = arith.select {{t}}, {c}, {{x}} : f32")
    if how == "op":
        return (kind, f"{{r}} = arith.{'maxsi' if is_max else 'minsi'} {{x}}, {c} : {kind}")
    predicate = "sgt" if is_max else "slt"
    return (kind, f"{{t}} = arith.cmpi {predicate}, {{x}}, {c} : {kind}\n"
                  f"{{r}} = arith.select {{t}}, {{x}}, {c} : {kind}")


def quantize(model, case, scale):
    """Steps to the integers (or to integral f32), with operands of the first."""
    z, low, high = case["zero"], case["low"], case["high"]
    divide = case["divide"]
    value = scale if divide else f32(1 / scale)
    steps, operands = scale_steps(model, case["scale"], divide, value)
    steps.append(("f32", "{r} = math.roundeven {x} : f32"))
    storage = f"i{case['bits']}"

    def clamps(shift, kind):
        pair = [bound(model, case["clamp"], True, low - shift, kind),
                bound(model, case["clamp"], False, high - shift, kind)]
        return pair[::-1] if case["clamp"] == "unordered" else pair

    def add_float():
        c = model.constant(f"{number(z)} : f32")
        return ("f32", f"{{r}} = arith.addf {{x}}, {c} : f32")

    where = case["zero_in_q"]
    convert = "fptosi" if low < 0 else "fptoui"
    if where in ("absent", "before clamp"):
        if where == "before clamp":
            steps.append(add_float())
        steps += clamps(0, "f32")
        if case["form"] != "fake":
            steps.append((storage, f"{{r}} = arith.{convert} {{x}} : f32 to {storage}"))
    elif where == "after clamp":
        steps += clamps(z, "f32")
        steps.append(add_float())
        if case["form"] != "fake":
            steps.append((storage, f"{{r}} = arith.{convert} {{x}} : f32 to {storage}"))
    else:  # in integers
        c = model.constant(f"{-z} : i32")
        steps.append(("f32", bound(model, "op", True, -100000.0, "f32")[1]))
        steps.append(("f32", bound(model, "op", False, 100000.0, "f32")[1]))
        steps.append(("i32", "{r} = arith.fptosi {x} : f32 to i32"))
        steps.append(("i32", f"{{r}} = arith.subi {{x}}, {c} : i32"))
        steps += clamps(0, "i32")
        steps.append((storage, f"{{r}} = arith.trunci {{x}} : i32 to {storage}"))
    return steps, operands


def dequantize(model, case, scale):
    z = case["zero"]
    storage, wide = f"i{case['bits']}", case["wide"]
    sign = "s" if case["low"] < 0 else "u"
    steps = []
    if case["form"] == "fake":
        if z:
            c = model.constant(f"{number(z)} : f32")
            steps.append(("f32", f"{{r}} = arith.subf {{x}}, {c} : f32"))
    else:
        direct = wide == "direct"
        if direct:
            steps.append(("f32", f"{{r}} = arith.{sign}itofp {{x}} : {storage} to f32"))
        else:
            steps.append((wide, f"{{r}} = arith.ext{sign}i {{x}} : {storage} to {wide}"))
            if z and case["zero_in_dq"] == "integer":
                c = model.constant(f"{z} : {wide}")
                steps.append((wide, f"{{r}} = arith.subi {{x}}, {c} : {wide}"))
            steps.append(("f32", f"{{r}} = arith.sitofp {{x}} : {wide} to f32"))
        if z and (direct or case["zero_in_dq"] == "float"):
            c = model.constant(f"{number(z)} : f32")
            steps.append(("f32", f"{{r}} = arith.subf {{x}}, {c} : f32"))
    c = model.constant(f"{number(scale)} : f32")
    steps.append(("f32", f"{{r}} = arith.mulf {{x}}, {c} : f32"))
    return steps


def build(model, case, scale):
    q, operands = quantize(model, case, scale)
    d = dequantize(model, case, scale)
    value, type = "%x", "f32"
    if case["ops"] == "one":
        value, type = model.generic(value, type, q + d, operands)
    elif case["ops"] == "two":
        value, type = model.generic(value, type, q, operands)
        value, type = model.generic(value, type, d)
    else:
        for i, step in enumerate(q + d):
            value, type = model.generic(value, type, [step], operands if i == 0 else ())
    model.results.append(value)


def cases():
    storages = [(8, -128, 127, 0), (8, -128, 127, 5), (8, -128, 127, -128), (8, -127, 127, 0),
                (8, 0, 255, 0), (8, 0, 255, 128), (8, -8, 7, 0), (8, 0, 15, 8),
                (16, -32768, 32767, 0), (16, 0, 65535, 32768)]
    for (bits, low, high, zero), divide, form, ops, clamp in itertools.product(
            storages, (True, False), ("integer", "fake"), ("one", "two", "each"),
            ("op", "ordered", "unordered")):
        yield dict(bits=bits, low=low, high=high, zero=zero, divide=divide, form=form,
                   ops=ops, clamp=clamp)


def complete(case, rng):
    """Chooses what multiplies the cases too much."""
    case["scale"] = rng.choice(["captured", "f64", "scalar tensor", "one element"])
    where = ["before clamp", "after clamp"] if case["zero"] else ["absent"]
    if case["form"] == "integer":
        where.append("in integers")
    case["zero_in_q"] = rng.choice(where)
    case["zero_in_dq"] = rng.choice(["integer", "float"])
    case["wide"] = rng.choice(["i32", "i64", "direct"])
    return case


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: {done.stderr[:2000]}")
    return done.stdout


def main():
    quant_opt, quant_run, work = sys.argv[1:]
    os.makedirs(work, exist_ok=True)
    rng = random.Random(1)
    model, expected = Model(), []
    for i, case in enumerate(cases()):
        case = complete(case, rng)
        # Scales differ, so that no observer serves two cases.
        scale = f32(rng.uniform(0.01, 0.02) * (1 if case["bits"] == 8 else 2e-3))
        build(model, case, scale)
        expected.append((case, scale))
    types = ", ".join([f"tensor<{N}xf32>"] * len(model.results))
    text = "\n".join([f"func.func @main(%x: tensor<{N}xf32>) -> ({types}) {{"] +
                     model.constants + model.code +
                     [f"  return {', '.join(model.results)} : {types}", "}", ""])
    source, raised = os.path.join(work, "source.mlir"), os.path.join(work, "raised.mlir")
    with open(source, "w") as file:
        file.write(text)
    run(quant_opt, source, "--qopt-raise-qdq", "-o", raised)
    with open(raised) as file:
        after = file.read()

    # Every result is an observer with the case's parameters.
    returned = re.search(r"return (.*?) :", after).group(1).split(", ")
    observers = dict(re.findall(r"(%\S+) = qopt\.observe %arg0 \{(.*?)\} :", after))
    wrong = []
    for (case, scale), value in zip(expected, returned):
        attributes = observers.get(value, "")
        match = re.search(r"type = !quant\.uniform<([iu])(\d+)(<(.*?):(.*?)>)?:f32, ([^:>]+)(?::(-?\d+))?>",
                          attributes)
        found = None
        if match:
            sign, bits, _, low, high, text, zero = match.groups()
            bits = int(bits)
            signed = sign == "i"
            found = (bits, int(low) if low else (-2 ** (bits - 1) if signed else 0),
                     int(high) if high else (2 ** (bits - signed) - 1), int(zero or 0),
                     "divide" in attributes, struct.pack("f", read_scale(text)))
        want = (case["bits"], case["low"], case["high"], case["zero"], case["divide"],
                struct.pack("f", scale))
        if found != want:
            wrong.append((case, scale, found))

    # Ties, values around the limits and far outside, and both zeros.
    values = [0.0, -0.0, 1e30, -1e30, 1e-30, 700.0, -700.0]
    for _, scale in rng.sample(expected, 20):
        values += [f32(scale * rng.choice([0.5, 1.5, 127.5, -128.5, 254.5])), -scale / 2]
    values += [rng.uniform(-3, 3) for _ in range(N - len(values))]
    npz.save(os.path.join(work, "in.npz"), {"arg0": npz.Array("f4", (N,), array.array("f", values))})
    outputs = []
    for path in (source, raised):
        out = path.replace(".mlir", ".npz")
        run(quant_run, path, "--input=" + os.path.join(work, "in.npz"), "--output=" + out)
        outputs.append(npz.load(out))
    different = [i for i in range(len(expected))
                 if outputs[0][f"out{i}"].data != outputs[1][f"out{i}"].data]
    for item in wrong[:5]:
        print("not raised as expected:", item)
    for i in different[:5]:
        print("computes something else:", expected[i])
    print(json.dumps({"spellings": len(expected), "wrong": len(wrong),
                      "different": len(different)}))


main()
