"""fake_gpu_tools.py DIR: a bundle for gpu_check.py whose tools misbehave.

Cases of artifact-check say by their names what happens to them; quant-run
copies its expected output or fails.
"""

import io
import json
import os
import stat
import sys
import zipfile

ARTIFACT_CHECK = '''#!{python}
import json, os, sys, time
if len(sys.argv) == 1:
    sys.exit(2)
folder = sys.argv[1]
first = next(int(a[7:]) for a in sys.argv if a.startswith("--from="))
names = sorted(n[:-5] for n in os.listdir(folder) if n.endswith(".qopt"))
status = 0
for index in range(first, len(names)):
    name = names[index]
    line = dict(event="start", index=index, name=name)
    print(json.dumps(line), flush=True)
    if "hangs" in name:
        time.sleep(60)
    if "crashes" in name:
        os.kill(os.getpid(), 11)
    outcome = "exact"
    if "wrong" in name:
        outcome, status = "different", 1
    if "loses" in name:
        outcome, status = "run failed", 3
    print(json.dumps(dict(line, event="done", outcome=outcome, message=name)), flush=True)
    if status == 3:
        sys.exit(3)
sys.exit(status)
'''

QUANT_RUN = '''#!{python}
import shutil, sys
if "fails" in sys.argv[1]:
    sys.exit("quant-run: error: no such kernel")
output = next(a[9:] for a in sys.argv if a.startswith("--output="))
kind = ".wrong.npz" if "wrong" in sys.argv[1] else ".expected.npz"
shutil.copy(sys.argv[1][:-5] + kind, output)
print('{"model": {"device": "fake"}, "benchmark": null}')
'''


def write_npz(path, *floats):
    """One array "y" of f32 with the given bits."""
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({len(floats)},), }}\n".encode()
    data = b"".join(bits.to_bytes(4, "little") for bits in floats)
    member = io.BytesIO(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + data)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("y.npy", member.getvalue())


def main(folder):
    for name in ("bin", "lib", "goldens", "gemms", "models", "bench"):
        os.makedirs(os.path.join(folder, name))
    for name, text in (("artifact-check", ARTIFACT_CHECK), ("quant-run", QUANT_RUN)):
        path = os.path.join(folder, "bin", name)
        with open(path, "w") as file:
            file.write(text.replace("{python}", sys.executable))
        os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR)
    for case in ("goldens/a", "goldens/b", "gemms/a", "gemms/b_crashes", "gemms/c_hangs",
                 "gemms/d", "gemms/e_loses", "gemms/f_wrong", "gemms/g", "models/a_good",
                 "models/b_wrong", "models/c_fails"):
        with open(os.path.join(folder, case + ".qopt"), "w"):
            pass
    # NaNs are equal whatever their bits; -0 is not 0.
    for model in ("a_good", "b_wrong"):
        stem = os.path.join(folder, "models", model)
        write_npz(stem + ".expected.npz", 0x3f800000, 0x7fc00001, 0)
        write_npz(stem + ".wrong.npz", 0x3f800000, 0x7fc00000, 0x80000000)
    with open(os.path.join(folder, "bundle.json"), "w") as file:
        json.dump({"models": {"left": "error: unsupported op", "a_good": "compiled"}}, file)


if __name__ == "__main__":
    main(sys.argv[1])
