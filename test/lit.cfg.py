# The lit suite: `.mlir` files with RUN lines and `.test` files that run scripts.
# Tools come from the build (quant-opt, quant-run) and from the LLVM package
# (FileCheck, not, mlir-opt); nothing else is needed.
import os

import lit.formats

config.name = "QuantOpt"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Inputs", "Unit", "install", "lib", "models", "python"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.quantopt_obj_root, "test")

# A FileCheck variable is local to its CHECK-LABEL block unless it begins with $.
config.environment["FILECHECK_OPTS"] = "-enable-var-scope"
config.environment["PATH"] = os.pathsep.join(
    [config.quantopt_tools_dir, config.llvm_tools_dir, os.environ.get("PATH", "")]
)
if config.quantopt_sanitize:
    config.available_features.add("asan")
    # MLIR's dylib is not instrumented: only our own frees are checked.
    config.environment["ASAN_OPTIONS"] = "detect_leaks=0"

quant_run = os.path.join(config.quantopt_tools_dir, "quant-run")
if os.path.exists(quant_run):
    config.available_features.add("quant-run")

# Longer names first: substitutions are applied in order, as plain text.
config.substitutions += [
    ("%quantopt_test_dialect", config.quantopt_test_dialect),
    ("%quantopt_lib", config.quantopt_lib),
    ("%quantopt_build", config.quantopt_obj_root),
    ("%quant_opt", os.path.join(config.quantopt_tools_dir, "quant-opt")),
    ("%quant_run", quant_run),
    ("%mlir_opt", os.path.join(config.llvm_tools_dir, "mlir-opt")),
    ("%llvm_tools", config.llvm_tools_dir),
    ("%python", config.python_executable),
]
