#!/usr/bin/env python3
"""end_to_end.py SCRATCH MODEL.mlir: quantizes an exported model with its
calibration data and runs both forms on the CPU.

Checks, by means of its own: every contraction with constant weights is integer
in the output and none got lost; the report says the same; weights shrink; the
float form agrees with the expected outputs; the int8 form keeps SQNR and
accuracy; tuned kernels, plain loops and a CPU without VNNI give the same bits.
"""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import count_contractions
import npz
from expectations import MODELS
from harness import check, fail, identical, run_ok, sqnr_db, top1

MIN_SHRINK = 3.5        # weights in int8 with their scales, of f32
MIN_FLOAT_SQNR_DB = 80  # the float form against the exporter's framework
MAX_DROP = 1.0          # points of top-1
MIN_REORDERED_SQNR_DB = 40  # float sums in another order flip few roundings


class Model:
    def __init__(self, path):
        self.path, stem = path, path[:-len(".mlir")]
        self.name = os.path.basename(stem)
        self.calibration = stem + ".calib.npz"
        self.evaluation = next((stem + suffix for suffix in (".eval.npz", ".io.npz")
                                if os.path.exists(stem + suffix)), None)
        self.known = MODELS.get(self.name)

    def expect(self, condition, message):
        check(condition, f"{self.name}: {message}")


def check_contractions(model, int8, report):
    """Counts on both sides; the models we know leave no weight in float."""
    before = count_contractions.count_file(model.path)
    after = count_contractions.count_file(int8)
    left = [op for op in after["ops"] if op[2] == "float_weight"]
    if model.known:
        model.expect(not left, f"contractions with weights stay float: {left}")
        expected = before["float_weight"] + before["float_dynamic"]
        model.expect(after["integer"] == expected,
                     f"{expected} contractions became {after['integer']} "
                     f"integer ones")
    summary = report["summary"]
    model.expect(summary["contractions_int8"] == after["integer"],
                 f"the report counts {summary['contractions_int8']} int8 contractions, "
                 f"the IR has {after['integer']}")
    total = after["integer"] + after["float_weight"] + after["float_dynamic"]
    model.expect(summary["contractions"] == total,
                 f"the report counts {summary['contractions']} contractions, "
                 f"the IR has {total}")
    reasons = [row for row in report["ops"] if row["precision"] != "int8"
               and not row["reason"]]
    model.expect(not reasons, f"float ops without a reason: {reasons[:3]}")
    return after


def check_accuracy(model, float_out, int8_out):
    """Returns the SQNR of the int8 form's first output in dB."""
    expected = npz.load(model.evaluation)
    floats, ints = npz.load(float_out), npz.load(int8_out)
    outputs = sorted(name for name in expected if name.startswith("out"))
    for name in outputs:
        model.expect(ints[name].shape == expected[name].shape,
                     f"{name} has shape {ints[name].shape}, not {expected[name].shape}")
        db = sqnr_db(expected[name].data, floats[name].data)
        model.expect(db >= MIN_FLOAT_SQNR_DB, f"float {name}: {db:.1f} dB")
    db = sqnr_db(expected["out0"].data, ints["out0"].data)
    known = model.known or {}
    if known:
        model.expect(known["min_sqnr_db"] >= known.get("ort_sqnr_db", 0) - 2,
                     "the limit is more than 2 dB below onnxruntime")
        model.expect(db >= known["min_sqnr_db"],
                     f"int8 SQNR is {db:.2f} dB, below {known['min_sqnr_db']}")
    labels = expected.get("label")
    if not labels or expected["out0"].shape[-1] == 1:
        return db, None
    drop = top1(expected["out0"], labels) - top1(ints["out0"], labels)
    if known:
        model.expect(drop <= MAX_DROP, f"accuracy drops by {drop:.2f} points")
    return db, drop


def check_same_bits(model, scratch, int8, int8_out, has_float):
    """The integer form gives the same bits whatever computes it. Contractions
    that stay float are the one exception: their sums have no fixed order."""
    variants = {"plain loops": (["--kernels=plain"], {}),
                "no VNNI": ([], {"DNNL_MAX_CPU_ISA": "AVX2"})}
    for what, (flags, env) in variants.items():
        other = os.path.join(scratch, model.name + ".other.npz")
        run_ok("quant-run", int8, "--device=cpu", f"--input={model.evaluation}",
               f"--output={other}", *flags, env=env)
        if not has_float:
            different = identical(int8_out, other)
            model.expect(different is None, f"{different} differs in bits with {what}")
            continue
        one, two = npz.load(int8_out), npz.load(other)
        for name in one:
            db = sqnr_db(one[name].data, two[name].data)
            model.expect(db >= MIN_REORDERED_SQNR_DB, f"{name}: {db:.1f} dB with {what}")


def test(model, scratch):
    def path(suffix):
        return os.path.join(scratch, model.name + suffix)

    run_ok("quant-opt", "--quantize-int8", model.path,
           f"--calibration-data={model.calibration}", "-o", path(".int8.mlir"),
           f"--report={path('.report.json')}")
    with open(path(".report.json")) as file:
        report = json.load(file)
    counts = check_contractions(model, path(".int8.mlir"), report)
    summary = report["summary"]
    shrink = summary["weights_bytes_before"] / summary["weights_bytes_after"]
    model.expect(counts["integer"] == 0 or shrink < 4,
                 "weights_bytes_after leaves out the scales of the weights")
    if model.known:
        model.expect(shrink >= MIN_SHRINK, f"weights shrink only {shrink:.2f} times")

    float_form = model.path
    with open(model.path) as file:
        if "tosa." in file.read():  # quant-run takes linalg
            float_form = path(".normal.mlir")
            run_ok("quant-opt", "--quantize-int8", "--to=import", model.path, "-o", float_form)
    for source, out in ((float_form, ".float.npz"), (path(".int8.mlir"), ".int8.npz")):
        run_ok("quant-run", source, "--device=cpu", f"--input={model.evaluation}",
               f"--output={path(out)}")
    db, drop = check_accuracy(model, path(".float.npz"), path(".int8.npz"))
    check_same_bits(model, scratch, path(".int8.mlir"), path(".int8.npz"),
                    counts["float_weight"] + counts["float_dynamic"] > 0)
    print(f"{model.name}: integer {counts['integer']}, float weight "
          f"{counts['float_weight']}, float dynamic {counts['float_dynamic']}, "
          f"shrink {shrink:.2f}, SQNR {db:.2f} dB"
          + (f", top-1 {-drop:+.2f} points" if drop is not None else ""), flush=True)


def main(scratch, path):
    os.makedirs(scratch, exist_ok=True)
    model = Model(path)
    if not os.path.exists(model.calibration) or not model.evaluation:
        fail(f"{path} has no .calib.npz or no .eval.npz/.io.npz beside it")
    test(model, scratch)


if __name__ == "__main__":
    main(*sys.argv[1:])
