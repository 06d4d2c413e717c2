#!/usr/bin/env bash
# Compiles integer form with stock LLVM 22 tools, nothing of this project, to a
# shared library for this machine's CPU. docs/IntegerForm.md explains the steps.
#
#   tools/compile-stock.sh INTEGER_FORM.mlir OUT.so
#
# The library exports _mlir_ciface_NAME for the model's function NAME: pointers to
# memref descriptors of the arguments, then of the results, which the caller
# allocates. Tools are those of LLVM_TOOLS (default: Debian's folder of LLVM 22) or
# PATH; CLANG_FLAGS replaces -march=native.
set -euo pipefail

if [[ $# -ne 2 ]]; then
  echo "usage: $0 INTEGER_FORM.mlir OUT.so" >&2
  exit 2
fi
PATH=${LLVM_TOOLS:-/usr/lib/llvm-22/bin}:$PATH
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

pipeline='
  convert-tensor-to-linalg, canonicalize, cse,
  func.func(empty-tensor-to-alloc-tensor),
  one-shot-bufferize{bufferize-function-boundaries=1
    function-boundary-type-conversion=identity-layout-map
    allow-return-allocs-from-loops=1},
  buffer-results-to-out-params{hoist-static-allocs=1 modify-public-functions=1},
  func.func(buffer-hoisting, buffer-loop-hoisting),
  buffer-deallocation-pipeline, canonicalize, cse,
  func.func(convert-linalg-to-loops, canonicalize, cse),
  expand-strided-metadata, lower-affine, convert-scf-to-cf,
  func.func(llvm-request-c-wrappers),
  convert-math-to-llvm, convert-math-to-libm, convert-arith-to-llvm,
  convert-index-to-llvm, convert-cf-to-llvm, finalize-memref-to-llvm,
  convert-func-to-llvm, reconcile-unrealized-casts'

mlir-opt "$1" --pass-pipeline="builtin.module($(tr -d '\n' <<<"$pipeline"))" |
  mlir-translate --mlir-to-llvmir >"$work/model.ll"

# memrefCopy is MLIR's; expf, erff and the like come from libm.
libraries=$(dirname "$(readlink -f "$(command -v mlir-opt)")")/../lib
# shellcheck disable=SC2086 # several flags
clang -O2 ${CLANG_FLAGS--march=native} -ffp-contract=off -Wno-override-module \
  -fPIC -shared "$work/model.ll" -o "$2" -L"$libraries" \
  -lmlir_c_runner_utils -Wl,-rpath,"$(realpath "$libraries")" -lm
