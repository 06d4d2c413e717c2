#!/usr/bin/env python3
"""iree_check.py SCRATCH IREE [MODEL.mlir...]: integer form with --storage=s8 is
compiled by IREE (IREE is the folder of its tools) for the CPU, run, and compared
with quant-run: the same bits, or within one step where sums of floats are left.

Without models: those of $QUANTOPT_MODELS in MORE_MODELS.
"""

import os
import re
import sys

import npz
from harness import check, identical, run_ok
from stock_pipeline import MAX_STEPS, MIN_SQNR_DB, Signature, compare, has_islands

MORE_MODELS = ("resnet_s", "mobilenet_s", "kws_dsconv1d", "bert_s")
MAX_RUNS = 2
NAMED = re.compile(r"linalg\.(?:batch_)?(?:matmul|matvec|vecmat)|linalg\.\w*conv_\w+")


def quantize(model, out):
    stem = model[:-len(".mlir")]
    run_ok("quant-opt", "--quantize-int8", "--storage=s8", model, "-o", out,
           f"--calibration-data={stem}.calib.npz")
    with open(out) as file:
        return file.read()


def run_iree(iree, module, signature, data, scratch):
    """The outputs of all runs of the model's batch."""
    batch = signature.inputs[0][1][0]
    joined = {}
    for r in range(data["arg0"].shape[0] // batch):
        flags = []
        for i in range(len(signature.inputs)):
            path = os.path.join(scratch, f"in{i}.npy")
            with open(path, "wb") as file:
                file.write(npz.npy_bytes(data[f"arg{i}"].take(r * batch, (r + 1) * batch)))
            flags.append(f"--input=@{path}")
        outs = [os.path.join(scratch, f"out{i}.npy")
                for i in range(len(signature.outputs))]
        run_ok(os.path.join(iree, "iree-run-module"), f"--module={module}",
               f"--function={signature.name}", *flags,
               *(f"--output=@{path}" for path in outs))
        for i, path in enumerate(outs):
            with open(path, "rb") as file:
                part = npz.parse_npy(file.read())
            key = f"out{i}"
            joined[key] = npz.join(joined[key], part) if key in joined else part
    return joined


def test(scratch, iree, model):
    stem = model[:-len(".mlir")]
    name = os.path.basename(stem)

    def path(suffix):
        return os.path.join(scratch, name + suffix)

    text = quantize(model, path(".s8.mlir"))
    check("arith.extui" not in text, f"{name}: --storage=s8 left unsigned integers")
    signature = Signature(text)
    run_ok(os.path.join(iree, "iree-compile"), path(".s8.mlir"), "-o", path(".vmfb"),
           "--iree-hal-target-device=local",
           "--iree-hal-local-target-device-backends=llvm-cpu",
           "--iree-llvmcpu-target-cpu=host")
    evaluation = next(stem + suffix for suffix in (".eval.npz", ".io.npz")
                      if os.path.exists(stem + suffix))
    batch = signature.inputs[0][1][0]
    data = {key: value.take(0, min(value.shape[0] // batch, MAX_RUNS) * batch)
            for key, value in npz.load(evaluation).items() if key.startswith("arg")}
    npz.save(path(".in.npz"), data)
    run_ok("quant-run", path(".s8.mlir"), "--device=cpu", f"--input={path('.in.npz')}",
           f"--output={path('.run.npz')}")
    npz.save(path(".iree.npz"), run_iree(iree, path(".vmfb"), signature, data, scratch))
    named = len(NAMED.findall(text))
    if has_islands(text):
        steps, db = compare(npz.load(path(".run.npz")), npz.load(path(".iree.npz")))
        check(steps <= MAX_STEPS and db >= MIN_SQNR_DB, f"{name}: {steps} steps, {db} dB")
        print(f"{name}: {named} named ops, at most {steps:.4f} steps, {db:.1f} dB",
              flush=True)
        return
    different = identical(path(".run.npz"), path(".iree.npz"))
    check(different is None, f"{name}: {different} differs in bits")
    print(f"{name}: {named} named ops, same bits", flush=True)


def main(scratch, iree, *models):
    os.makedirs(scratch, exist_ok=True)
    if not models:
        models = sorted(os.path.join(folder, name)
                        for folder, _, names in os.walk(os.environ["QUANTOPT_MODELS"])
                        for name in names if name in
                        tuple(model + ".mlir" for model in MORE_MODELS))
    for model in models:
        test(scratch, iree, model)
    print(f"{len(models)} models")


if __name__ == "__main__":
    main(*sys.argv[1:])
