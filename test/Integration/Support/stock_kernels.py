#!/usr/bin/env python3
"""stock_kernels.py SCRATCH LLVM_TOOLS MODEL.mlir...: what --emit=mlir gives of a
model's kernels goes through stock MLIR, without a plugin and without unregistered
dialects: parsed and verified, lowered to LLVM dialect by the passes that
docs/Kernels.md names, kernels to PTX by `gpu-module-to-binary`, the host part to
LLVM IR by mlir-translate. Its kernels are those of our PTX, with the
same kinds of instructions that decide bits.
"""

import os
import re
import sys

from harness import check, command_line, fail, run, run_ok

# As in docs/Kernels.md, "For stock MLIR".
LOWER = ("builtin.module(lower-affine,convert-scf-to-cf,convert-nvvm-to-llvm,"
         "convert-vector-to-llvm,convert-math-to-llvm,gpu-to-llvm,"
         "convert-arith-to-llvm,convert-index-to-llvm,convert-cf-to-llvm,"
         "finalize-memref-to-llvm,convert-func-to-llvm,reconcile-unrealized-casts)")
TO_PTX = "builtin.module(gpu-module-to-binary{format=isa})"
# What decides bits. Optimizers unroll and merge: which of them a kernel has must be
# equal, not how many.
DECIDING = re.compile(r"\b((?:mma\.|ldmatrix|dp4a|fma|div|sqrt|cvt\.(?:pack|rn|rni))[\w.]*)")
# How errors about ops without a kernel begin.
NO_KERNEL = "has no GPU kernel in this version"
INEXACT = re.compile(r"\.approx|\.ftz|\b(?:mul|add|sub|fma)\.f32|__nv_")


def read_assembly(text):
    """The PTX in a gpu.binary."""
    match = re.search(r'assembly = "((?:[^"\\]|\\.)*)"', text)
    check(match, "no gpu.binary with an assembly")
    return re.sub(r"\\([0-9A-F]{2}|.)", lambda m: chr(int(m[1], 16))
                  if len(m[1]) == 2 else m[1], match[1])


def read_kernels(ptx):
    """The deciding instructions of each kernel."""
    parts = re.split(r"\.entry (\w+)", ptx)
    return {name: set(DECIDING.findall(body))
            for name, body in zip(parts[1::2], parts[2::2])}


def check_model(model, scratch, tools):
    name = os.path.basename(model)[:-len(".mlir")]
    path = lambda suffix: os.path.join(scratch, name + suffix)
    stock = lambda tool, *args: run_ok(os.path.join(tools, tool), *args)
    integer, exported = path(".int.mlir"), path(".kernels.mlir")
    calibration = model[:-5] + ".calib.npz"
    data = [f"--calibration-data={calibration}"] if os.path.exists(calibration) else []
    run_ok("quant-opt", "--quantize-int8", model, *data, "-o", integer)
    job = ["quant-opt", "--from=kernels", "--target=sm_80", integer]
    export = [*job, "--emit=mlir", "-o", exported]
    result = run(*export)
    if NO_KERNEL in result.stderr:
        print(f"{name}: {NO_KERNEL}")
        return False
    if result.returncode:
        fail(f"{command_line(export)}: {result.stderr[-2000:]}")
    ours = run_ok(*job, "--emit=ptx")

    stock("mlir-opt", exported, "-o", path(".parsed.mlir"))
    stock("mlir-opt", exported, f"--pass-pipeline={LOWER}", "-o", path(".llvm.mlir"))
    stock("mlir-opt", path(".llvm.mlir"), f"--pass-pipeline={TO_PTX}", "-o",
          path(".binary.mlir"))
    stock("mlir-translate", "--mlir-to-llvmir", path(".binary.mlir"), "-o",
          path(".ll"))
    with open(path(".binary.mlir"), encoding="utf-8") as file:
        theirs = read_assembly(file.read())
    with open(path(".ll"), encoding="utf-8") as file:
        launches = file.read().count("call void @mgpuLaunchKernel")
    with open(exported, encoding="utf-8") as file:
        text = file.read()
    expected = text.count("gpu.launch_func ")
    check(launches == expected, f"{name}: {launches} of {expected} launches")
    ours, kernels = read_kernels(ours), read_kernels(theirs)
    check(set(ours) == set(kernels), f"{name}: other kernels")
    for kernel in ours:
        check(ours[kernel] == kernels[kernel],
              f"{name}: {kernel}: {ours[kernel] ^ kernels[kernel]} in one of the two")
    inexact = INEXACT.search(theirs)
    check(not inexact, f"{name}: '{inexact and inexact[0]}' in the PTX")
    print(f"{name}: {expected} launches, {len(ours)} kernels")
    return True


def main():
    scratch, tools, *models = sys.argv[1:]
    os.makedirs(scratch, exist_ok=True)
    if not models:
        root = os.environ["QUANTOPT_MODELS"]
        models = sorted(os.path.join(folder, name)
                        for folder, _, names in os.walk(root) for name in names
                        if name.endswith(".mlir")
                        and os.path.exists(os.path.join(folder, name[:-5] + ".calib.npz")))
    passed = [check_model(model, scratch, tools) for model in models]
    check(any(passed), "no model has kernels")


main()
