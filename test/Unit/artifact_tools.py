"""artifact_tools.py BUILD SOURCE: quant-run and the C example on artifacts.

On the device "cpu" with the real compiler library, on "cuda" with the stand-in
for NVIDIA's driver, whose GPU is an sm_80.
"""

import array
import json
import os
import subprocess
import sys
import tempfile

build, source = map(os.path.abspath, sys.argv[1:3])
sys.path.insert(0, os.path.join(source, "test/Integration/Support"))
import npz  # noqa: E402

unit = os.path.join(build, "test/Unit")
folder = tempfile.TemporaryDirectory()


def path(name):
    return os.path.join(folder.name, name)


def run(*command, driver="FakeCuda", status=0):
    """Runs a program; returns what it printed."""
    environment = dict(os.environ, LD_LIBRARY_PATH=os.path.join(unit, driver))
    result = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert result.returncode == status, (command, result)
    return result


def quant_run(*arguments, **options):
    return run(os.path.join(build, "bin/quant-run"), *arguments, **options)


def expect(text, *parts):
    for part in parts:
        assert part in text, f"{part!r} is not in:\n{text}"


def rows(count):
    """`count` samples with small whole numbers."""
    return [float(i * 7 % 17 - 8) for i in range(count * 3)]


def gemm(x):
    """What the artifacts compute; every sum is exact."""
    return [sum(x[b * 3 + k] * (k * 5 + n + 1) for k in range(3)) + 10 * (n + 1)
            for b in range(len(x) // 3) for n in range(5)]


def write_inputs(name, count):
    x = rows(count)
    npz.save(path(name), {"x": npz.Array("f4", (count, 3), array.array("f", x))})
    return gemm(x)


run(os.path.join(unit, "write-samples"), folder.name)
model, fixed = path("gemm.qopt"), path("fixed.qopt")
expected = write_inputs("x.npz", 8)

# --info needs no device, not even the compiler's library.
info = quant_run(model, "--info", driver="FakeCudaNo").stdout
expect(info, "gemm.qopt: gemm, made by a test,", "runs 1 to 6 samples at a time\n",
       "input   x  f32  6x3  72 bytes\n", "output  y  f32  6x5  120 bytes\n",
       "2 constants of 80 bytes\n", "target  launches  kernels  cubin  PTX  arena",
       "launches for sm_80, grids of batch 6\n",
       "0  toy_gemm  2x1x1  128x1x1  1024    fc/matmul\n",
       "1  toy_bias  6x2x1  32x2x1   0       fc/bias\n", "weights.safetensors  ",
       "all sizes, bounds and hashes are right\n")
info = json.loads(quant_run(model, "--info", "--json", driver="FakeCudaNo").stdout)
assert info["model"]["device"] is None
assert info["model"]["inputs"] == [
    {"name": "x", "dtype": "f32", "shape": [6, 3], "bytes": 72}]
assert [plan["target"] for plan in info["artifact"]["plans"]] == ["sm_80", "sm_90"]
assert info["artifact"]["members"][0]["name"] == "weights.safetensors"
expect(quant_run(fixed, "--info").stdout,
       "runs exactly 6 samples at a time, since 'mean' goes over the samples\n")

# All samples, a last partial batch too, on both devices.
for device in ("cuda", "cpu"):
    result = quant_run(model, f"--device={device}", f"--input={path('x.npz')}",
                       f"--output={path('y.npz')}", "--json")
    report = json.loads(result.stdout)
    assert report["run"]["samples"] == 8 and report["run"]["runs"] == 2, report
    written = npz.load(path("y.npz"))["y"]
    assert written.shape == (8, 5) and list(written.data) == expected, device
assert report["model"]["device"] == "cpu"

# The default: the GPU where there is one, else the CPU with a notice.
result = quant_run(model, f"--input={path('x.npz')}")
expect(result.stdout, "gemm.qopt on Fake GPU 0 (kernels for sm_80)\n")
expect(result.stderr, "quant-run: note: the model has only PTX for sm_80")
result = quant_run(model, f"--input={path('x.npz')}", driver="FakeCudaNo")
expect(result.stdout, "gemm.qopt on cpu\n")
expect(result.stderr, "quant-run: note: running on the CPU: device 'cuda': there is no "
       "NVIDIA driver on this machine: ")
result = quant_run(model, "--device=cuda", f"--input={path('x.npz')}",
                   driver="FakeCudaNo", status=1)
expect(result.stderr, "quant-run: error: device 'cuda': there is no NVIDIA driver")
expect(quant_run(model, "--target=sm_90", "--verify", f"--input={path('x.npz')}").stdout,
       "Fake GPU 0 (kernels for sm_90) and cpu agree in all bits of 40 elements\n")
expect(quant_run(model, "--target=sm_70", "--verify", status=1).stderr,
       "the model has no kernels for 'sm_70'; it has them for sm_80, sm_90")

# Two devices, bit for bit.
expect(quant_run(model, "--verify", "--device=cuda,cpu", f"--input={path('x.npz')}").stdout,
       "Fake GPU 0 (kernels for sm_80) and cpu agree in all bits of 40 elements\n")
result = quant_run(path("different.qopt"), "--verify", "--device=cuda,cpu",
                   f"--input={path('x.npz')}", "--json", status=1)
verify = json.loads(result.stdout)["verify"]
assert verify["differing_elements"] == 40 and not verify["identical"], verify
assert verify["first_difference"] == {
    "output": "y", "index": [0, 0],
    "values": [f"{expected[0]:g}", f"{expected[0] - 20:g}"]}, verify
expect(result.stderr, "differ in 40 of 40 elements by up to 100; first: output 'y' at [0, 0]")

# A fixed batch is refused before anything is run or written.
os.remove(path("y.npz"))
for device in ("cuda", "cpu"):
    result = quant_run(fixed, f"--device={device}", f"--input={path('x.npz')}",
                       f"--output={path('y.npz')}", status=1)
    expect(result.stderr, "a batch of 2 samples cannot be run: the model takes exactly 6, "
           "since 'mean' goes over the samples")
    assert not os.path.exists(path("y.npz"))
twelve = write_inputs("twelve.npz", 12)
quant_run(fixed, "--device=cuda", f"--input={path('twelve.npz')}", f"--output={path('y.npz')}")
assert list(npz.load(path("y.npz"))["y"].data) == twelve

# On the GPU the stand-in's clock says 2.5 ms; on the CPU time passes.
benchmark = json.loads(quant_run(model, "--device=cuda", "--benchmark=20", "--json").stdout)
assert benchmark["benchmark"]["clock"] == "device", benchmark
assert benchmark["benchmark"]["latency_ms"] == {"min": 2.5, "median": 2.5, "p95": 2.5}
assert benchmark["benchmark"]["iterations"] == 20 and benchmark["benchmark"]["threads"] == 1
benchmark = json.loads(quant_run(model, "--device=cpu", "--benchmark=20", "--json").stdout)
assert benchmark["benchmark"]["clock"] == "host", benchmark
expect(quant_run(model, "--device=cuda", "--benchmark=20").stdout,
       "latency of batch 6: min 2.5 ms, median 2.5 ms, p95 2.5 ms (on the device, without "
       "copies, 20 runs)\n")

# A damaged file is refused by all devices and by --info.
with open(model, "rb") as file:
    content = bytearray(file.read())
content[content.index(b".version 7.0")] ^= 1
with open(path("damaged.qopt"), "wb") as file:
    file.write(content)
for arguments in (["--info"], ["--device=cuda", "--benchmark"], ["--device=cpu", "--verify"]):
    expect(quant_run(path("damaged.qopt"), *arguments, status=1).stderr,
           "quant-run: error: '" + path("damaged.qopt") + "': member 'kernels/sm_80.ptx' is "
           "damaged: its checksum (CRC) does not match\n")

# The C program.
for device, name in (("cuda", "Fake GPU 0 (kernels for sm_80)"), ("cpu", "cpu")):
    result = run(os.path.join(unit, "run-model"), model, device)
    expect(result.stdout, f"gemm.qopt on {name}\n",
           "all samples: y: 38 51 64 77 90 (f32, 120 bytes)\n",
           "one sample: y: 38 51 64 77 90 (f32, 120 bytes)\n", "the last run took ")
result = run(os.path.join(unit, "run-model"), path("none.qopt"), status=1)
expect(result.stderr, "none.qopt: invalid model: cannot read ")
