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
    if not hasattr(run, "library_folders"):
        run.library_folders = find_library_folders(run)
    return make_environment(run.library_folders)


def make_environment(folders):
    variables = dict(os.environ, PYTHONDONTWRITEBYTECODE="1", PYTHONUNBUFFERED="1")
    path = [*folders, variables.get("LD_LIBRARY_PATH", "")]
    variables["LD_LIBRARY_PATH"] = os.pathsep.join(folder for folder in path if folder)
    return variables


def find_library_folders(run):
    """Folders of the bundle that this machine needs: libzip and what it needs
    only where they are missing, C++'s only then too. An older libstdc++ than the
    machine's could break libraries of the machine that are loaded later.
    """
    library = os.path.join(run.options.bundle, "lib")
    always = [folder for folder in (run.options.libraries, library) if folder]
    zip_folder, cxx_folder = os.path.join(library, "zip"), os.path.join(library, "cxx")
    choices = [always, [*always, zip_folder], [*always, zip_folder, cxx_folder]]
    for folders in choices:
        status = subprocess.run([tool(run, "artifact-check")], env=make_environment(folders),
                                capture_output=True).returncode
        if status == USAGE_STATUS:
            return folders
    return choices[-1]


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
