#!/usr/bin/env python3
"""more_models.py SCRATCH: end_to_end.py on every model of $QUANTOPT_MODELS that
has calibration data, each in its own process; all are tried, then all failures
told."""

import os
import subprocess
import sys

from harness import check, fail

scratch, root = sys.argv[1], os.environ["QUANTOPT_MODELS"]
check(os.path.isdir(root), f"QUANTOPT_MODELS={root} is not a folder")
models = sorted(os.path.join(folder, name)
                for folder, _, names in os.walk(root) for name in names
                if name.endswith(".mlir")
                and os.path.exists(os.path.join(folder, name[:-5] + ".calib.npz")))
check(models, f"no NAME.mlir with NAME.calib.npz under {root}")
script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "end_to_end.py")
failed = [model for model in models
          if subprocess.run([sys.executable, script, scratch, model]).returncode]
if failed:
    fail(f"{len(failed)} of {len(models)} models: "
         + ", ".join(os.path.basename(model) for model in failed))
print(f"{len(models)} models")
