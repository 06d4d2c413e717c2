#!/usr/bin/env python3
"""wrong_data.py SCRATCH MODEL.mlir: calibration data and inputs that do not fit,
for quant-opt and quant-run. The model takes one argument, tensor<20x1x16x16xf32>.
"""

import array
import os
import shutil
import sys
import zipfile

import npz
from harness import check, run, run_ok

scratch, model = sys.argv[1:]
shutil.rmtree(scratch, ignore_errors=True)
os.makedirs(scratch)
OLD = "old contents\n"
good = npz.load(model[:-len(".mlir")] + ".calib.npz")["arg0"].take(0, 40)


def path(name):
    return os.path.join(scratch, name)


def reshaped(*shape):
    count = 1
    for dim in shape:
        count *= dim
    return npz.Array("f4", shape, array.array("f", [0.5] * count))


def saved(name, arrays):
    npz.save(path(name), arrays)
    return path(name)


def raw(name, contents):
    with open(path(name), "wb") as file:
        file.write(contents)
    return path(name)


def zipped(name, members):
    with zipfile.ZipFile(path(name), "w") as archive:
        for member, contents in members.items():
            archive.writestr(member, contents)
    return path(name)


def whole_file(name):
    with open(name, "rb") as file:
        return file.read()


fine = saved("fine.npz", {"arg0": good})
npy = npz.npy_bytes(good)
os.mkdir(path("empty folder"))
texts = npz.Array("f4", (40, 1, 16, 16), good.data)
texts.dtype = "U1"

# name -> (file, words that the message must have)
CASES = {
    "missing file": (path("missing.npz"), ["missing.npz"]),
    "wrong name": (saved("name.npz", {"image": good}), ["arg0", "image"]),
    "too few dims": (saved("rank.npz", {"arg0": reshaped(40, 256)}),
                     ["arg0", "40x256", "1x16x16"]),
    "wrong shape": (saved("shape.npz", {"arg0": reshaped(40, 1, 16, 8)}),
                    ["arg0", "1x16x8", "1x16x16"]),
    "less than a batch": (saved("batch.npz", {"arg0": reshaped(7, 1, 16, 16)}),
                          ["7", "20"]),
    "no samples": (saved("none.npz", {"arg0": reshaped(0, 1, 16, 16)}), ["arg0"]),
    "text array": (saved("dtype.npz", {"arg0": texts}), ["arg0", "U1"]),
    "not a zip": (raw("text.npz", b"these are no samples"), ["text.npz"]),
    "cut off": (raw("cut.npz", whole_file(fine)[:3000]), ["cut.npz"]),
    "empty file": (raw("zero.npz", b""), ["zero.npz"]),
    "no npy inside": (zipped("inside.npz", {"arg0.npy": b"no magic"}), ["arg0"]),
    "npy cut off": (zipped("short.npz", {"arg0.npy": npy[:-5]}), ["arg0"]),
    "huge header": (zipped("header.npz", {
        "arg0.npy": npy[:8] + b"\xff\xff" + npy[10:]}), ["arg0"]),
}
OPT_ONLY = {
    "folder without npz": (path("empty folder"), ["empty folder"]),
    "comma": (path("a,b.npz"), ["comma"]),
}
RUN_FINE = {"less than a batch"}  # quant-run runs a last partial batch


def expect_error(what, command, words, out):
    with open(out, "w") as file:
        file.write(OLD)
    result = run(*command)
    message = result.stderr
    check(result.returncode == 1, f"{what}: exit status {result.returncode}, "
          f"message '{message.strip()}'")
    check("error" in message, f"{what}: no error in '{message.strip()}'")
    absent = [word for word in words if word not in message]
    check(not absent, f"{what}: message lacks {absent}: {message.strip()}")
    check(len(message) < 2000, f"{what}: {len(message)} characters of message")
    with open(out) as file:
        check(file.read() == OLD, f"{what}: OUT was changed")


out = path("out.mlir")
for what, (file, words) in {**CASES, **OPT_ONLY}.items():
    expect_error(f"quant-opt, {what}",
                 ["quant-opt", "--quantize-int8", model,
                  f"--calibration-data={file}", "-o", out], words, out)

int8, result = path("int8.mlir"), path("result.npz")
run_ok("quant-opt", "--quantize-int8", model, f"--calibration-data={fine}", "-o", int8)
for what, (file, words) in CASES.items():
    if what not in RUN_FINE:
        expect_error(f"quant-run, {what}",
                     ["quant-run", int8, "--device=cpu", f"--input={file}",
                      f"--output={result}"], words, result)

# Seven samples are a partial batch for quant-run.
run_ok("quant-run", int8, "--device=cpu", f"--input={path('batch.npz')}",
       f"--output={result}")
check(npz.load(result)["out0"].shape == (7, 10), "a partial batch is cut to its samples")

# A remainder of the calibration data is dropped, which is said.
odd = saved("odd.npz", {"arg0": reshaped(47, 1, 16, 16)})
dropped = run("quant-opt", "--quantize-int8", model, f"--calibration-data={odd}",
              "--explain", "-o", out)
check(dropped.returncode == 0 and "7" in dropped.stderr,
      f"the dropped samples are not mentioned: {dropped.stderr.strip()[-300:]}")
print(f"{len(CASES) + len(OPT_ONLY)} cases for quant-opt, "
      f"{len(CASES) - len(RUN_FINE)} for quant-run")
