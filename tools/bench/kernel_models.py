#!/usr/bin/env python3
"""kernel_models.py [--build=DIR] [--suite=benchmarks] [--chips=sm_80,...] [--json=FILE]
Static models of the tensor core main loops: what one step of the depth costs, by
counting instructions, and the share of the peak that this allows.

Every configuration of the suite is printed (`kernel-suite print`), compiled to PTX
for each chip (`quant-opt --emit=ptx`), and the loop around its mma instructions is
taken apart. With ptxas on PATH (or QUANTOPT_PTXAS) registers are what it allocates,
else what the cost model assumes. Needs no GPU; docs/KernelModels.md has the output
and says how a run on one confirms or refutes it.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# Of the hardware: warp instructions and bytes of shared memory per clock of a
# multiprocessor; bytes that one warp instruction moves.
ISSUE_PER_CLOCK, SHARED_BYTES_PER_CLOCK = 4, 128
LDMATRIX_X4_BYTES, MMA_MACS, WARP = 512, 16 * 8 * 32, 32
# Registers are given to warps in units of 8 per thread.
REGISTER_UNIT = 8

CHIP_FIELDS = ("multiprocessors", "shared_per_block", "shared", "reserved", "registers",
               "threads", "blocks", "mma_macs", "dp4a", "f32", "f64",
               "l2_bytes", "mhz", "gbps")


def read_chips():
    """{name: {field: number}} from lib/Kernels/ChipInfo.cpp, the only place that
    has them."""
    with open(os.path.join(ROOT, "lib", "Kernels", "ChipInfo.cpp"), encoding="utf-8") as file:
        text = file.read()
    chips = {}
    for name, numbers in re.findall(r'\{"(sm_\w+)", \d+,([^}]*)\}', text):
        values = [int(v.replace("* KiB", "")) * 1024 if v.endswith("KiB") and v != "KiB"
                  else 1024 if v == "KiB" else int(v)
                  for v in (part.strip() for part in numbers.split(","))]
        chips[name] = dict(zip(CHIP_FIELDS, values))
    return chips


#--- PTX ---------------------------------------------------------------------#

def read_blocks(ptx):
    """Basic blocks in order: (labels, instructions, successors by label or index)."""
    body = ptx[ptx.index("{", ptx.index(".visible .entry")):]
    blocks = [{"labels": [], "code": [], "next": []}]
    for line in body.splitlines():
        line = line.strip()
        label = re.match(r"(\$\w+):", line)
        if label:
            if blocks[-1]["code"]:
                blocks.append({"labels": [], "code": [], "next": []})
            blocks[-1]["labels"].append(label[1])
            continue
        if not re.match(r"(@!?%p\d+ )?[a-z]", line) or line.startswith(("reg", "//")):
            continue
        opcode = re.sub(r"^@!?%p\d+ ", "", line).split()[0].rstrip(";")
        blocks[-1]["code"].append(opcode)
        target = re.search(r"bra(?:\.uni)?\s+(\$\w+)", line)
        if target or opcode == "ret":
            if target:
                blocks[-1]["next"].append(target[1])
            blocks[-1]["ends"] = opcode in ("bra.uni", "ret") and not line.startswith("@")
            blocks.append({"labels": [], "code": [], "next": []})
    number = {label: i for i, block in enumerate(blocks) for label in block["labels"]}
    for i, block in enumerate(blocks):
        block["next"] = [number[label] for label in block["next"]]
        if not block.get("ends") and i + 1 < len(blocks):
            block["next"].append(i + 1)
    return blocks


def reachable(blocks, start):
    seen, work = set(), list(blocks[start]["next"])
    while work:
        index = work.pop()
        if index not in seen:
            seen.add(index)
            work += blocks[index]["next"]
    return seen


def classify(opcode):
    if opcode.startswith("mma."):
        return "mma"
    if opcode.startswith("ldmatrix"):
        return "ldmatrix"
    if opcode.startswith(("cp.async.ca", "cp.async.cg")):
        return "copy"
    if opcode.startswith(("cp.async", "bar", "membar", "fence")):
        return "sync"
    if opcode.startswith(("bra", "setp", "ret")):
        return "control"
    if opcode.startswith("mov"):
        return "move"  # of registers: ptxas renames most of them away
    return "address"


def count(codes):
    counts = {}
    for opcode in codes:
        kind = classify(opcode)
        counts[kind] = counts.get(kind, 0) + 1
    return counts


def find_main_loop(blocks):
    """Indices of the blocks of the innermost loop that has mma instructions."""
    loops = []
    for index, block in enumerate(blocks):
        if any(classify(code) == "mma" for code in block["code"]):
            after = reachable(blocks, index)
            if index in after:
                loops.append({i for i in after if index in reachable(blocks, i)} | {index})
    if not loops:
        raise SystemExit("kernel_models.py: no loop with mma instructions")
    return min(loops, key=len)


def take_apart(ptx):
    """(instructions per step of the main loop, instructions after it) per warp."""
    blocks = read_blocks(ptx)
    loop = find_main_loop(blocks)
    after = set().union(*(reachable(blocks, i) for i in loop)) - loop
    return (count(code for i in loop for code in blocks[i]["code"]),
            sum(len(blocks[i]["code"]) for i in after))


#--- Models ------------------------------------------------------------------#

def resident_blocks(config, registers, chip):
    threads = config["warps"] * WARP
    registers = -(-registers // REGISTER_UNIT) * REGISTER_UNIT
    return min(chip["blocks"], chip["threads"] // threads,
               chip["registers"] // (registers * threads),
               chip["shared"] // (config["shared"] + chip["reserved"]))


def model(config, counts, after, registers, chip):
    """Clocks of one step of one block on each unit, and what they allow."""
    m, n, k = config["block"]
    warps = config["warps"]
    instructions = sum(number for kind, number in counts.items() if kind != "move")
    math = counts["mma"] * warps * MMA_MACS / chip["mma_macs"]
    bytes_in = (m + n) * k
    shared = (counts["ldmatrix"] * warps * LDMATRIX_X4_BYTES + bytes_in) / SHARED_BYTES_PER_CLOCK
    issue = instructions * warps / ISSUE_PER_CLOCK
    l2 = bytes_in / chip["l2_bytes"]
    resident = resident_blocks(config, registers, chip)
    # A scheduler hides one warp's latency with others: as in CostModel.cpp.
    active = max(resident, 1) * warps
    efficiency = active / max(4, active + 1)
    units = {"math": math / efficiency, "shared memory": shared, "issue slots": issue, "L2": l2}
    bound = max(units, key=units.get)
    return {"math": math, "shared": shared, "issue": issue, "l2": l2, "resident": resident,
            "bound": bound, "peak_share": math / units[bound],
            "macs_match": counts["mma"] * warps * MMA_MACS == m * n * k,
            "epilogue_per_result": after / (config["warp"][0] * config["warp"][1] / WARP)}


def read_config(name):
    """Of "mma_block_128_128_64_warp_64_64_stages4_splitk1__1x1x1_..."."""
    match = re.match(r"mma_block_(\d+)_(\d+)_(\d+)_warp_(\d+)_(\d+)_stages(\d+)_splitk(\d+)", name)
    if not match:
        return None
    m, n, k, wm, wn, stages, split = map(int, match.groups())
    return {"name": f"{m}x{n}x{k} w{wm}x{wn} s{stages}" + (f" k{split}" if split > 1 else ""),
            "block": (m, n, k), "warp": (wm, wn), "stages": stages, "split": split,
            "warps": m // wm * (n // wn), "shared": stages * (m + n) * k}


def assumed_registers(config):
    """The estimate of CostModel.cpp."""
    wm, wn = config["warp"]
    fragments = 4 * (wm // 16) + 2 * (wn // 8)
    return wm * wn // WARP + 2 * fragments + 24 * (config["block"][2] // 64)


#--- Tools -------------------------------------------------------------------#

def run(*command):
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        sys.exit(f"kernel_models.py: {' '.join(command)}: {result.stderr[-1000:]}")
    return result.stdout


def find_ptxas():
    given = os.environ.get("QUANTOPT_PTXAS")
    return given if given is not None else shutil.which("ptxas")


def count_registers(ptxas, ptx, chip, scratch):
    path = os.path.join(scratch, "kernel.ptx")
    with open(path, "w", encoding="utf-8") as file:
        file.write(ptx)
    result = subprocess.run([ptxas, "-v", f"-arch={chip}", path, "-o", "/dev/null"],
                            capture_output=True, text=True)
    found = re.search(r"Used (\d+) registers", result.stderr + result.stdout)
    spills = re.search(r"([1-9]\d*) bytes spill", result.stderr + result.stdout)
    return (int(found[1]) if found else None), bool(spills)


def compile_kernel(tools, name, chip, scratch):
    path = os.path.join(scratch, "kernel.mlir")
    with open(path, "w", encoding="utf-8") as file:
        file.write(run(os.path.join(tools, "kernel-suite"), "print", name, f"--targets={chip}"))
    return run(os.path.join(tools, "quant-opt"), "--from=emit", "--emit=ptx",
               f"--target={chip}", path)


def model_suite(tools, suite, chips, pattern):
    """A row per configuration and chip; the first case of a configuration stands
    for all."""
    rows, seen = [], set()
    ptxas, known = find_ptxas(), read_chips()
    names = run(os.path.join(tools, "kernel-suite"), "list", suite).split()
    with tempfile.TemporaryDirectory() as scratch:
        for name in names:
            config = read_config(name)
            if not config or config["name"] in seen or pattern not in name:
                continue
            seen.add(config["name"])
            for chip in chips:
                if config["shared"] > known[chip]["shared_per_block"]:
                    continue
                ptx = compile_kernel(tools, name, chip, scratch)
                counts, after = take_apart(ptx)
                registers, spills = (count_registers(ptxas, ptx, chip, scratch)
                                     if ptxas else (None, False))
                rows.append({"config": config["name"], "chip": chip, "counts": counts,
                             "registers": registers or assumed_registers(config),
                             "registers_from": "ptxas" if registers else "model",
                             "spills": spills,
                             **model(config, counts, after,
                                     registers or assumed_registers(config), known[chip])})
    return rows


def print_table(rows):
    print("| configuration | chip | mma | ldmatrix | copies | address | other | math | shared "
          "| issue | L2 | registers | blocks | bound | share of peak | epilogue |")
    print("|---|---|" + "---:|" * 11 + "---|---:|---:|")
    for row in rows:
        counts = row["counts"]
        other = counts.get("sync", 0) + counts.get("control", 0)
        print(f"| {row['config']} | {row['chip']} | {counts['mma']} | {counts['ldmatrix']} "
              f"| {counts.get('copy', 0)} | {counts.get('address', 0)} | {other} "
              f"| {row['math']:.0f} | {row['shared']:.0f} | {row['issue']:.0f} | {row['l2']:.0f} "
              f"| {row['registers']} | {row['resident']} | {row['bound']} "
              f"| {100 * row['peak_share']:.0f} % | {row['epilogue_per_result']:.1f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--build", default=os.path.join(ROOT, "build"))
    parser.add_argument("--suite", default="benchmarks")
    parser.add_argument("--chips", default="sm_80,sm_86,sm_89,sm_90")
    parser.add_argument("--filter", default="", help="kernels whose name has this text")
    parser.add_argument("--json", help="a file for all numbers")
    options = parser.parse_args()
    chips = options.chips.split(",")
    unknown = set(chips) - set(read_chips())
    if unknown:
        parser.error(f"unknown chips: {', '.join(sorted(unknown))}")
    rows = model_suite(os.path.join(options.build, "bin"), options.suite, chips, options.filter)
    if not rows:
        sys.exit("kernel_models.py: no tensor core kernel in the suite fits")
    # Each step multiplies the whole tile, and nothing is kept in memory.
    wrong = [f"{row['config']} {row['chip']}" for row in rows
             if not row["macs_match"] or row["spills"]]
    print_table(rows)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"schema": 1, "suite": options.suite, "rows": rows}, file, indent=1)
            file.write("\n")
    if wrong:
        sys.exit("kernel_models.py: steps that do not multiply one tile, or spill: "
                 + ", ".join(wrong))


if __name__ == "__main__":
    main()
