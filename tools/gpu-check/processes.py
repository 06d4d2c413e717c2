"""Child processes with time limits, whose output is used as it comes."""

import json
import os
import queue
import signal
import subprocess
import threading
import time

# Of artifact-check without arguments; the loader fails with others.
USAGE_STATUS = 2


class Timeout(Exception):
    """A process took longer than it may."""


def environment(run):
    """The children's: the bundle's libraries first."""
    variables = dict(os.environ)
    folders = [run.options.libraries, os.path.join(run.options.bundle, "lib")]
    if needs_fallback(run):
        folders.append(os.path.join(run.options.bundle, "lib", "fallback"))
    folders.append(variables.get("LD_LIBRARY_PATH", ""))
    variables["LD_LIBRARY_PATH"] = os.pathsep.join(f for f in folders if f)
    variables["PYTHONDONTWRITEBYTECODE"] = "1"
    variables["PYTHONUNBUFFERED"] = "1"
    return variables


def needs_fallback(run):
    """Does this machine lack libraries (C++'s, zip's) that the bundle has?

    They are used only then: an older libstdc++ than the machine's could break
    libraries of the machine that are loaded later.
    """
    if not hasattr(run, "fallback"):
        run.fallback = False
        variables = {**os.environ, "LD_LIBRARY_PATH": os.pathsep.join(
            [run.options.libraries, os.path.join(run.options.bundle, "lib")]).strip(os.pathsep)}
        status = subprocess.run([tool(run, "artifact-check")], env=variables,
                                capture_output=True).returncode
        run.fallback = status != USAGE_STATUS
    return run.fallback


def tool(run, name):
    return os.path.join(run.options.bundle, "bin", name)


def kill(process):
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        pass  # stuck in the driver; it goes with the machine


def capture(run, command, seconds):
    """(exit status, stdout, stderr) of a process; raises Timeout."""
    process = subprocess.Popen(command, env=environment(run), stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, start_new_session=True)
    try:
        out, err = process.communicate(timeout=max(seconds, 1))
    except subprocess.TimeoutExpired:
        kill(process)
        raise Timeout(f"no end within {seconds:.0f} s") from None
    return process.returncode, out.decode(errors="replace"), err.decode(errors="replace")


class JsonLines:
    """Runs a process that prints JSON objects, one a line; iterate over them.

    Ends when the process ends, is silent for `silence` seconds or runs for
    `seconds`. Then `status` is the exit status, None if it was killed, and
    `errors` the end of its stderr.
    """

    def __init__(self, run, command, seconds, silence):
        self.run, self.command = run, command
        self.deadline = time.monotonic() + seconds
        self.silence = silence
        self.status, self.errors, self.killed = None, "", ""

    def __iter__(self):
        process = subprocess.Popen(self.command, env=environment(self.run),
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   start_new_session=True)
        lines, errors = queue.Queue(), []

        def read(stream, consume):
            for line in stream:
                consume(line)
            consume(None)
        threads = [threading.Thread(target=read, args=arguments, daemon=True) for arguments in
                   ((process.stdout, lines.put), (process.stderr, errors.append))]
        for thread in threads:
            thread.start()
        try:
            while True:
                left = self.deadline - time.monotonic()
                try:
                    line = lines.get(timeout=max(min(self.silence, left), 0.01))
                except queue.Empty:
                    self.killed = "out of time" if left < self.silence else \
                        f"no sign of life for {self.silence:.0f} s"
                    break
                if line is None:
                    break
                try:
                    item = json.loads(line)
                except ValueError:
                    errors.append(line)
                    continue
                if isinstance(item, dict):
                    yield item
        finally:
            if not self.killed:
                try:
                    self.status = process.wait(5)
                except subprocess.TimeoutExpired:
                    self.killed = "did not end"
            kill(process)
            threads[1].join(1)
            text = b"".join(line for line in errors if line).decode(errors="replace")
            self.errors = text[-3000:]
