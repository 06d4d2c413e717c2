"""Checks that a library holds no second copy of MLIR.

usage: symbols.py LLVM_BIN_DIR LIBRARY

A static archive linked into a plugin brings type ids and registries of its own:
passes are then not found, dialects crash. So LIBRARY may define no strong symbol
of LLVM or MLIR but its own (mlir::qopt), and must need libMLIR and libLLVM.
"""

import re
import subprocess
import sys

llvm, library = sys.argv[1:]
OWN = re.compile(r"mlir::qopt|qopt::")
FOREIGN = re.compile(r"^(?:(?:non-virtual thunk to|guard variable for|vtable for|typeinfo (?:name )?for) )?(?:mlir|llvm)::")


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


foreign = []
for line in output(f"{llvm}/llvm-nm", "-DC", "--defined-only", library).splitlines():
    _, kind, name = line.split(maxsplit=2)
    if kind in "TDBR" and FOREIGN.match(name) and not OWN.search(name):
        foreign.append(name)
print("\n".join(sorted(foreign)[:20]))
print(f"{len(foreign)} foreign symbols")

dynamic = output(f"{llvm}/llvm-readelf", "-d", library)
for name in ("libMLIR", "libLLVM"):
    found = re.search(r"NEEDED.*\[?(" + name + r"[^\s\]]*)", dynamic)
    print("needs", found.group(1) if found else f"no {name}")
