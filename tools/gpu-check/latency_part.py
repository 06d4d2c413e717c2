"""The part of the GPU check that times whole models (latency.py)."""

import glob
import os
import shutil

import processes


def find_runtime(run):
    """The runtime library: the build's own where one is given, else the bundle's."""
    for folder in (run.options.libraries, os.path.join(run.options.bundle, "lib")):
        found = sorted(glob.glob(os.path.join(folder, "libQuantOptRuntime.so*"))) if folder else []
        if found:
            return found[-1]
    return "libQuantOptRuntime.so"


def make_command(run, seconds, skip):
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "latency.py")
    command = [shutil.which("python3") or "python3", script,
               os.path.join(run.options.bundle, "models"), f"--library={find_runtime(run)}",
               f"--device={run.options.device}", f"--seconds={seconds:.0f}",
               f"--skip={','.join(skip)}"]
    if run.options.device != "cuda":
        command.append("--batches=1,32")
    return command


def run_latency(run):
    if not glob.glob(os.path.join(run.options.bundle, "models", "*.qopt")):
        return {"status": "skipped", "reason": "the bundle has no models"}
    if run.options.device == "emulator":
        return {"status": "skipped", "reason": "nothing to time in the emulator"}
    result = {"status": "passed", "latency": {}, "errors": [], "notes": []}
    skip = []
    for _ in range(6):
        seconds = min(130, run.remaining() - 20)
        if seconds < 10:
            result["notes"].append("the time is up")
            break
        # Compiling takes torch.compile a minute at times.
        lines = processes.JsonLines(run, make_command(run, seconds - 5, skip), seconds, 90)
        current = None
        for line in lines:
            kind = line.pop("kind", None)
            if kind == "start":
                current = line["name"]
                skip.append(current)
            elif kind == "model":
                result["latency"][line.pop("name")] = line
                current = None
            elif kind == "error":
                result["errors"].append(line)
                current = None
            elif kind == "note":
                result["notes"] = (result["notes"] + [line["message"]])[-20:]
        if lines.status == 0:
            break
        if lines.status != 3:
            result["errors"].append({
                "name": current or "latency.py",
                "message": f"{lines.killed or 'exit status'} {lines.status}: {lines.errors[-800:]}"})
            if current is None:
                break
    if result["errors"] or not result["latency"]:
        result["status"] = "failed"
    result["summary"] = (f"{len(result['latency'])} models timed, "
                         f"{len(result['errors'])} errors")
    return result


def format_row(row):
    if row is None:
        return f"{'-':>10}"
    return f"{row['latency_us']:10.1f}" if "latency_us" in row else f"{'(note)':>10}"


def lines(latency):
    """The table of run_latency's result."""
    yield f"{'latency in us':<28} {'batch':>6} {'ours':>10} {'eager':>10} {'compiled':>10}"
    for name, row in latency.items():
        batches = sorted({int(b) for key in ("ours", "torch_eager", "torch_compile")
                          for b in row.get(key, {})})
        for batch in batches:
            cells = [format_row(row.get(key, {}).get(str(batch)))
                     for key in ("ours", "torch_eager", "torch_compile")]
            yield f"{name:<28} {batch:>6} " + " ".join(cells)
            note = row.get("ours", {}).get(str(batch), {}).get("note")
            if note:
                yield f"{'':<28} {'':>6} {note}"
