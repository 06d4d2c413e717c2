"""Feeds a job damaged models: the answer is an error or a result, never a crash.

usage: malformed.py WORK_DIR MODEL.mlir [COUNT] [SEED]

The model is taken as the user wrote it and after each phase, cut off at COUNT
places and changed at COUNT others (a byte, a word or a line).
"""

import os
import random
import re
import subprocess
import sys

PHASES = ["import", "annotate", "calibrate", "propagate", "quantize", "lower"]
WORDS = ["-1", "0", "9223372036854775807", "?", "f16", "f64", "i8", "i1", "index",
         "tensor<2xf32>", "tensor<?x4xf32>", "tensor<*xf32>", "dense<>", "linalg.fill",
         "linalg.conv_2d_nhwc_fhwc", "affine_map<(d0) -> (d0 floordiv 0)>", "{", "}",
         "%x", "parallel", "reduction", "unit", "1.0e39", "0x7FC00000", "!quant.any<i8:f32>"]


def job(text, *flags):
    """Exit status and messages; the output file must exist only on success."""
    out = os.path.join(work, "out.mlir")
    if os.path.exists(out):
        os.remove(out)
    process = subprocess.run(["quant-opt", "-", "-o", out, *flags], input=text,
                             capture_output=True, timeout=120)
    return process.returncode, process.stderr, os.path.exists(out), process.stdout


def mutate(text, rng):
    kind = rng.randrange(4)
    if kind == 0:  # one byte
        at = rng.randrange(len(text))
        return text[:at] + bytes([rng.choice(b"()[]{}<>,:=%#\"-019xa\0\n\xff")]) + text[at + 1:]
    if kind == 1:  # one word
        words = list(re.finditer(rb"[\w.%#!]+", text))
        word = rng.choice(words)
        new = rng.choice(WORDS).encode() if rng.random() < 0.5 else rng.choice(words).group()
        return text[:word.start()] + new + text[word.end():]
    lines = text.split(b"\n")
    at = rng.randrange(len(lines))
    if kind == 2:  # a line less
        del lines[at]
    else:  # two lines exchanged
        other = rng.randrange(len(lines))
        lines[at], lines[other] = lines[other], lines[at]
    return b"\n".join(lines)


def main():
    global work
    work, model = sys.argv[1:3]
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 12
    rng = random.Random(int(sys.argv[4]) if len(sys.argv) > 4 else 1)
    os.makedirs(work, exist_ok=True)
    source = open(model, "rb").read()
    tried = refused = 0
    bad = []

    def attempt(text, first, what):
        nonlocal tried, refused
        tried += 1
        try:
            status, messages, wrote, stdout = job(text, f"--from={first}")
        except subprocess.TimeoutExpired:
            status, messages, wrote, stdout = "time-out", b"", False, b""
        fine = (status == 0 and wrote) or (status == 1 and b"error:" in messages and not wrote)
        if not fine or stdout or b"PLEASE submit a bug report" in messages:
            path = os.path.join(work, f"bad-{len(bad)}-from-{first}.mlir")
            with open(path, "wb") as f:
                f.write(text)
            bad.append(f"{what}: exit status {status}: {path}")
        refused += status == 1

    for i, first in enumerate(PHASES):
        text = source
        if i:
            out = os.path.join(work, "phase.mlir")
            subprocess.run(["quant-opt", "--quantize-int8", model, f"--to={PHASES[i - 1]}", "-o", out], check=True)
            text = open(out, "rb").read()
        for k in range(count):
            end = len(text) * k // count
            attempt(text[:end], first, f"--from={first} cut off at {end}")
        for k in range(count):
            attempt(mutate(text, rng), first, f"--from={first} mutation {k}")
    print("\n".join(bad))
    print(f"{tried} damaged models, {len(bad)} crashes or silent failures")
    print("some refused" if refused > tried // 4 else "hardly any refused")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
