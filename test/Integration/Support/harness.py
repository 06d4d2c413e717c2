"""What the integration tests share: running tools, comparing arrays, failing
with a message that says what was expected."""

import math
import os
import subprocess
import sys

import npz


def run(*command, env=None, timeout=900):
    """Runs a tool from PATH; a death by signal is always a test failure."""
    try:
        result = subprocess.run([str(part) for part in command], text=True,
                                capture_output=True, timeout=timeout,
                                env={**os.environ, **(env or {})})
    except (OSError, subprocess.TimeoutExpired) as error:
        fail(f"{command_line(command)}: {error}")
    if result.returncode < 0:
        fail(f"{command_line(command)} died of signal {-result.returncode}\n"
             + result.stderr[-2000:])
    return result


def run_ok(*command, env=None):
    """Runs a tool that must succeed; its stdout."""
    result = run(*command, env=env)
    if result.returncode:
        fail(f"{command_line(command)} exited with {result.returncode}\n"
             + result.stderr[-2000:])
    return result.stdout


def command_line(command):
    return " ".join(str(part) for part in command)


def fail(message):
    print(f"FAIL: {message}", file=sys.stderr, flush=True)
    sys.exit(1)


def check(condition, message):
    if not condition:
        fail(message)


def sqnr_db(reference, value):
    """10 log10(sum ref^2 / sum (ref - value)^2), infinite where equal."""
    signal = math.fsum(float(r) * r for r in reference)
    noise = math.fsum((float(r) - v) ** 2 for r, v in zip(reference, value))
    return math.inf if noise == 0 else 10 * math.log10(signal / noise)


def top1(output, labels):
    """Share of rows whose largest element is at the label, in percent."""
    hits = sum(max(range(len(row)), key=row.__getitem__) == label
               for row, label in zip(output.rows(), labels.data))
    return 100.0 * hits / output.shape[0]


def identical(path_a, path_b):
    """The name of the first output whose bits differ between two files, or
    None."""
    a, b = npz.load(path_a), npz.load(path_b)
    check(sorted(a) == sorted(b), f"{path_a} and {path_b} hold different arrays")
    for name in sorted(a):
        if a[name].shape != b[name].shape or a[name].tobytes() != b[name].tobytes():
            return name
    return None
