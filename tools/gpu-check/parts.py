"""The parts of the GPU check; each takes the run and returns its result."""

import ctypes
import glob
import json
import os
import platform
import re
import shutil
import subprocess

import npz
import processes
import report

MAX_RESTARTS = 12


def skipped(reason):
    return {"status": "skipped", "reason": reason}


#--- Machine -----------------------------------------------------------------#

SMI_FIELDS = ("name", "driver_version", "memory.total", "clocks.sm", "clocks.max.sm",
              "clocks.mem", "power.draw", "temperature.gpu")


def query_gpu():
    """nvidia-smi's view of the first GPU; {} without one."""
    try:
        text = subprocess.run(
            ["nvidia-smi", "--query-gpu=" + ",".join(SMI_FIELDS),
             "--format=csv,noheader,nounits", "--id=0"],
            capture_output=True, timeout=30, check=True).stdout.decode()
    except (OSError, subprocess.SubprocessError):
        return {}
    values = [value.strip() for value in text.splitlines()[0].split(",")] if text else []
    return dict(zip((field.replace(".", "_") for field in SMI_FIELDS), values))


def driver_version():
    """CUDA version of the driver, such as "13.0"; None without a driver."""
    try:
        version = ctypes.c_int(0)
        if ctypes.CDLL("libcuda.so.1").cuDriverGetVersion(ctypes.byref(version)):
            return None
        return f"{version.value // 1000}.{version.value % 1000 // 10}"
    except (OSError, AttributeError):
        return None


def describe_machine(run):
    machine = {"kernel": platform.release(), "python": platform.python_version(),
               "libc": " ".join(platform.libc_ver()), "cpus": os.cpu_count(),
               "gpu": query_gpu(), "driver_cuda": driver_version()}
    try:
        machine["library_folders"] = [os.path.basename(folder) for folder in
                                      processes.find_library_folders(run)]
    except OSError as error:
        machine["library_folders"] = str(error)
    return machine


#--- Kernels -----------------------------------------------------------------#

def run_cases(run, folder, arguments, seconds):
    """Runs artifact-check until every case has an outcome or the time is up."""
    command = [processes.tool(run, "artifact-check"), folder,
               f"--device={run.options.device}", *arguments]
    seconds = min(seconds, run.remaining())
    outcomes, failures, device, notes = {}, [], None, []
    first, restarts, silent = 0, 0, 0
    deadline = run.remaining() - seconds
    while True:
        lines = processes.JsonLines(run, [*command, f"--from={first}"],
                                    run.remaining() - deadline, run.options.case_seconds)
        current = None
        for line in lines:
            if line.get("event") == "start":
                current = line
            elif line.get("event") == "done":
                current, first = None, line["index"] + 1
                outcomes[line["name"]] = line["outcome"]
                device = line.get("device", device)
                if line["outcome"] != "exact":
                    failures.append({key: line.get(key) for key in ("name", "outcome", "message")})
        if lines.status in (0, 1) and current is None:
            break
        # A crash, a hang, or a GPU that this process has lost.
        if current:
            first = current["index"] + 1
            outcome = "hung" if lines.killed else "crashed"
            outcomes[current["name"]] = outcome
            failures.append({"name": current["name"], "outcome": outcome,
                             "message": f"{lines.killed or 'exit status ' + str(lines.status)}; "
                                        f"{lines.errors[-500:]}"})
            silent = silent + 1 if lines.killed else 0
        elif lines.status != 3:
            notes.append(f"exit status {lines.status} {lines.killed} {lines.errors[-1000:]}".strip())
            break
        restarts += 1
        if restarts > MAX_RESTARTS or silent > 2 or run.remaining() <= deadline:
            notes.append("gave up: the remaining cases have no outcome")
            break
    expected = len([name for name in os.listdir(folder) if name.endswith(".qopt")
                    and all(a[len("--filter="):] in name for a in arguments
                            if a.startswith("--filter="))])
    exact = sum(outcome == "exact" for outcome in outcomes.values())
    complete = exact == expected and expected > 0
    return {"status": "passed" if complete else "failed",
            "summary": f"{exact} of {expected} exact", "expected": expected, "exact": exact,
            "device": device, "restarts": restarts, "notes": notes, "failures": failures[:40],
            "outcomes": outcomes}


def check_goldens(run):
    if run.options.device != "cuda":
        return skipped("the emulator runs them in DeviceGoldenTests")
    return run_cases(run, os.path.join(run.options.bundle, "goldens"), ["--repeat=2"], 90)


def check_gemms(run):
    if run.options.device == "cpu":
        return skipped("kernels run on a GPU or on the emulator")
    return run_cases(run, os.path.join(run.options.bundle, "gemms"), ["--repeat=2"], 180)


def check_kernels(run):
    """The suites of the other kernel families, in folders of their own."""
    if run.options.device == "cpu":
        return skipped("kernels run on a GPU or on the emulator")
    suites = run.result["bundle"].get("suites", [])
    if not suites:
        return skipped("the bundle has no other suites")
    total = {"status": "passed", "expected": 0, "exact": 0, "restarts": 0, "notes": [],
             "failures": [], "suites": {}}
    for suite in suites:
        result = run_cases(run, os.path.join(run.options.bundle, suite), ["--repeat=2"], 120)
        for key in ("expected", "exact", "restarts", "notes", "failures"):
            total[key] += result[key]
        if result["status"] == "failed":
            total["status"] = "failed"
        total["suites"][suite] = {key: result[key] for key in ("status", "expected", "exact",
                                                               "outcomes")}
    total["summary"] = f"{total['exact']} of {total['expected']} exact in {', '.join(suites)}"
    return total


def check_ptx(run):
    """The driver's compiler instead of ptxas: PTX for sm_80 on this GPU."""
    if run.options.device != "cuda":
        return skipped("there is no driver to compile PTX")
    result = run_cases(run, os.path.join(run.options.bundle, "goldens"),
                       ["--repeat=1", "--target=sm_80"], 60)
    more = run_cases(run, os.path.join(run.options.bundle, "gemms"),
                     ["--repeat=1", "--target=sm_80", "--filter=mma_block_128_128_128"], 60)
    if more["expected"]:
        for key in ("expected", "exact", "restarts"):
            result[key] += more[key]
        for key in ("notes", "failures"):
            result[key] += more[key]
        if more["status"] == "failed":
            result["status"] = "failed"
    result["summary"] = f"{result['exact']} of {result['expected']} exact"
    del result["outcomes"]
    return result


#--- Models ------------------------------------------------------------------#

def check_model(run, stem):
    output = os.path.join(run.scratch, "output.npz")
    command = [processes.tool(run, "quant-run"), stem + ".qopt", f"--device={run.options.device}",
               f"--input={stem}.inputs.npz", f"--output={output}", "--json"]
    if run.options.device == "cuda":
        command.append("--benchmark")
    # What the float model gave, where the inputs came with it.
    outputs = set(npz.names(stem + ".expected.npz"))
    if outputs and outputs <= set(npz.names(stem + ".inputs.npz")):
        command.append(f"--reference={stem}.inputs.npz")
    status, out, err = processes.capture(run, command, min(90, run.remaining()))
    if status:
        return {"outcome": "failed", "message": f"exit status {status}: {err[-1000:]}"}
    difference = npz.compare(output, stem + ".expected.npz")
    result = {"outcome": "different" if difference else "exact", "message": difference}
    try:
        described = json.loads(out)
        result["device"] = described["model"].get("device")
        result["benchmark"] = described.get("benchmark")
        worst = [row["sqnr_db"] for row in described.get("reference") or ()
                 if row.get("sqnr_db") is not None]
        result["sqnr_db"] = round(min(worst), 2) if worst else None
    except (ValueError, KeyError) as error:
        result["message"] += f" (its report: {error})"
    return result


def check_models(run):
    stems = sorted(path[:-len(".qopt")] for path in
                   glob.glob(os.path.join(run.options.bundle, "models", "*.qopt")))
    if not stems:
        return skipped("the bundle has no models")
    models = {}
    for stem in stems:
        try:
            models[os.path.basename(stem)] = check_model(run, stem)
        except (processes.Timeout, OSError) as error:
            models[os.path.basename(stem)] = {"outcome": "failed", "message": str(error)}
    exact = sum(model["outcome"] == "exact" for model in models.values())
    return {"status": "passed" if exact == len(models) else "failed",
            "summary": f"{exact} of {len(models)} exact", "models": models}


#--- Benchmark ---------------------------------------------------------------#

def add_fractions(shape, peak, copy):
    """Of the chip's int8 peak and of the bandwidth that copies reach."""
    for name, row in shape["candidates"].items():
        if "tops" in row and peak and not name.endswith("fp16"):
            row["peak_fraction"] = round(row["tops"] / peak, 4)
        if "gbps" in row and copy:
            row["copy_fraction"] = round(row["gbps"] / copy, 4)


def run_bench(run):
    if run.options.device != "cuda":
        return skipped("nothing to time without a GPU")
    libraries = sorted(glob.glob(os.path.join(run.options.bundle, "lib", "libQuantOptRuntime.so*")))
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "bench.py")
    python = shutil.which("python3") or "python3"
    result = {"status": "passed", "shapes": [], "errors": [], "notes": [],
              "gpu_before": query_gpu()}
    for _ in range(4):
        # Time for the sanitizer is kept back.
        seconds = min(280, run.remaining() - 50)
        if seconds < 20:
            break
        done = ",".join(f"{s['m']}x{s['n']}x{s['k']}" for s in result["shapes"])
        lines = processes.JsonLines(
            run, [python, script, os.path.join(run.options.bundle, "bench"),
                  f"--library={libraries[-1] if libraries else 'libQuantOptRuntime.so'}",
                  f"--seconds={seconds - 15:.0f}", f"--skip={done}"], seconds, 90)
        for line in lines:
            kind = line.pop("kind", None)
            if kind == "shape":
                result["shapes"].append(line)
                print(f"  {line['m']}x{line['n']}x{line['k']}", flush=True)
            elif kind == "error":
                result["errors"].append(line)
            elif kind == "unavailable":
                return skipped(line["reason"])
            elif kind == "note":
                result["notes"] = (result["notes"] + [line["message"]])[-20:]
            elif kind in ("torch", "copy", "cublaslt", "skipped"):
                result[kind] = line
        if lines.status != 3:
            if lines.status != 0:
                result["errors"].append({"message": f"bench.py: {lines.killed or 'exit status'} "
                                                    f"{lines.status}: {lines.errors[-1500:]}"})
            break
    result["gpu_after"] = query_gpu()
    result["peak_tops"] = report.peak_tops(result.get("torch", {}).get("gpu", ""))
    for shape in result["shapes"]:
        add_fractions(shape, result["peak_tops"], result.get("copy", {}).get("gbps"))
    ours = [row for shape in result["shapes"] for name, row in shape["candidates"].items()
            if name.startswith("ours")]
    wrong = sum(row.get("exact") is False for row in ours)
    failed = sum("error" in row for row in ours)
    timed = sum("us" in row for row in ours)
    if wrong or failed or not timed or result["errors"]:
        result["status"] = "failed"
    result["summary"] = (f"{len(result['shapes'])} shapes, {timed} kernels timed, {wrong} wrong, "
                         f"{failed} failed, {len(result['errors'])} errors")
    return result


#--- Sanitizer ---------------------------------------------------------------#

def find_sanitizer():
    candidates = [shutil.which("compute-sanitizer"), "/usr/local/cuda/bin/compute-sanitizer",
                  "/usr/local/cuda/compute-sanitizer/compute-sanitizer"]
    return next((path for path in candidates if path and os.access(path, os.X_OK)), None)


def sanitize(run, sanitizer, tool, folder, name_filter):
    command = [sanitizer, "--tool", tool, "--error-exitcode", "9", "--print-limit", "20",
               processes.tool(run, "artifact-check"), os.path.join(run.options.bundle, folder),
               "--repeat=1", f"--filter={name_filter}"]
    result = {"tool": tool, "cases": f"{folder}/*{name_filter}*"}
    try:
        status, out, err = processes.capture(run, command, min(60, run.remaining()))
    except processes.Timeout as error:
        return {**result, "outcome": "skipped", "message": str(error)}
    text = out + err
    found = re.search(r"(?:ERROR|RACECHECK) SUMMARY: (\d+) (?:errors?|hazards?)", text)
    checked = len(re.findall(r'"outcome":"exact"', text))
    result["exact"] = checked
    if found and int(found.group(1)):
        return {**result, "outcome": "failed", "message": found.group(0), "log": text[-4000:]}
    if status == 0 and found and checked:
        return {**result, "outcome": "clean"}
    reason = next((line for line in text.splitlines() if "Error" in line or "not supported" in line),
                  f"exit status {status}")
    outcome = "failed" if found else "skipped"  # without a summary the tool did not work
    return {**result, "outcome": outcome, "message": reason, "log": text[-2000:]}


def run_sanitizer(run):
    if run.options.device != "cuda":
        return skipped("needs a GPU; the emulator checks accesses and races itself")
    sanitizer = find_sanitizer()
    if not sanitizer:
        return skipped("compute-sanitizer is not installed")
    runs = []
    for tool, folder, name_filter in (("memcheck", "gemms", "__1x1x1_"),
                                      ("racecheck", "gemms", "__1x1x1_"),
                                      ("memcheck", "goldens", ""),
                                      ("memcheck", "gemms", "__5x"),
                                      ("racecheck", "gemms", "__5x"),
                                      ("synccheck", "gemms", "__5x")):
        if run.remaining() < 8:
            break
        runs.append(sanitize(run, sanitizer, tool, folder, name_filter))
        if runs[0]["outcome"] == "skipped":  # it does not work here at all
            break
    outcomes = [item["outcome"] for item in runs]
    status = "failed" if "failed" in outcomes else "passed" if "clean" in outcomes else "skipped"
    summary = f"{outcomes.count('clean')} clean, {outcomes.count('failed')} with findings, " \
              f"{outcomes.count('skipped')} without result"
    return {"status": status, "summary": summary, "runs": runs}
