#!/usr/bin/env bash
# Checks and benchmarks on a GPU machine that has neither LLVM nor this build:
# it needs an NVIDIA driver, Python 3.9, and for the benchmark PyTorch.
#
#   tools/gpu-check.sh bundle [DIR] [--targets=sm_80,sm_90] [--every=N]
#                             [--models=FOLDER] [--samples=N]
#       On the build machine: kernels and models as artifacts with inputs and
#       expected outputs, and what runs them, into DIR (default build/gpu-check),
#       at most 60 MiB. --every=N takes every N-th kernel only. FOLDER (default
#       test/models; several are separated by commas) holds NAME.mlir and
#       NAME.eval.npz or NAME.io.npz, of which the first N samples are run (default
#       512), and NAME.calib.npz unless the model comes quantized.
#   tools/gpu-check.sh run [DIR] [--out=FOLDER] [--only=PART,...] [--seconds=N]
#                          [--device=cuda|emulator|cpu]
#       On the GPU machine, unattended: a table on stdout and FOLDER/gpu-check.json
#       (default: the current folder). Exit status 1 if anything was not exact.
#       The other devices try the check itself out on the build machine.
#
# Results worth keeping go to tools/bench/results/gpu-CHIP-DATE.json.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=${QUANTOPT_BUILD:-$(dirname "$here")/build}
max_bytes=$((60 << 20))
max_dynamic_bytes=$((4 << 20))

fail() {
  echo "gpu-check: error: $*" >&2
  exit 1
}

usage() {
  sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//;p}' "$0" >&2
  exit 2
}

# The shared libraries that a bare machine may lack; the C++ library apart. Those
# of the C library belong to the machine: they go with its loader and drivers.
copy_libraries() { # FOLDER FILE...
  local folder=$1 line path
  shift
  mkdir -p "$folder"/{zip,cxx}
  ldd "$@" | while read -r line; do
    [[ $line == *' => '/* ]] || continue
    path=${line#* => }
    path=${path% (*}
    case ${path##*/} in
      libc.so.* | libm.so.* | libpthread.so.* | libdl.so.* | librt.so.*) ;;
      libQuantOpt*) ;;
      libstdc++.so.* | libgcc_s.so.*) cp -L "$path" "$folder/cxx/" ;;
      *) cp -L "$path" "$folder/zip/" ;;
    esac
  done
}

# The newest version of the C library that the files ask for.
needed_libc() { # FILE...
  local file
  for file in "$@"; do
    readelf -V "$file"
  done | grep -o 'GLIBC_[0-9.]*' | sort -uV | tail -n 1
}

# A model, compiled with the flags. What cannot be compiled for a GPU is noted,
# not fatal: the check reports it.
bundle_model() { # STAGE NAME SOURCE TARGETS SAMPLES FLAGS...
  local out=$1/models/$2 name=$2 source=$3 targets=$4 samples=$5 log=$1/log
  shift 5
  local data=$source.eval.npz
  [[ -f $data ]] || data=$source.io.npz
  python3 "$here/gpu-check/npz.py" "$data" "$out.inputs.npz" "$samples"
  if "$build/bin/quant-opt" --quantize-int8 "$source.mlir" "$@" --target="$targets" \
    --emit=qopt -o "$out.qopt" 2>"$log" &&
    "$build/bin/quant-run" "$out.qopt" --device=cpu --input="$out.inputs.npz" \
      --output="$out.expected.npz" >>"$log" 2>&1; then
    printf '%s\tcompiled\n' "$name" >>"$models"
  else
    printf '%s\t%s\n' "$name" "$(grep -m 1 error: "$log" || tail -n 1 "$log")" >>"$models"
    echo "gpu-check: $name is left out: $(tail -n 1 "$models" | cut -f 2)" >&2
    rm -f "$out".*
  fi
}

# A model with static scales and, where that makes the bundle little larger, once
# more with scales of run time.
bundle_variants() { # STAGE SOURCE TARGETS SAMPLES
  local stage=$1 source=$2 name=${2##*/} calibration=()
  [[ -f $source.eval.npz || -f $source.io.npz ]] || return 0
  [[ ! -f $source.calib.npz ]] || calibration=(--calibration-data="$source.calib.npz")
  bundle_model "$stage" "$name" "$source" "$3" "$4" "${calibration[@]}"
  if [[ -f $source.calib.npz && $(stat -c %s "$source.mlir") -lt $max_dynamic_bytes ]]; then
    bundle_model "$stage" "$name.dynamic" "$source" "$3" "$4" --dynamic
  fi
}

bundle() {
  local dir=$build/gpu-check targets=sm_80,sm_90 every=1 samples=512 model_folder
  model_folder=$(dirname "$here")/test/models
  local argument source stage suite
  for argument in "$@"; do
    case $argument in
      --targets=*) targets=${argument#*=} ;;
      --every=*) every=${argument#*=} ;;
      --models=*) model_folder=${argument#*=} ;;
      --samples=*) samples=${argument#*=} ;;
      -*) usage ;;
      *) dir=$argument ;;
    esac
  done
  for argument in kernel-suite artifact-check quant-opt quant-run; do
    [[ -x $build/bin/$argument ]] || fail "there is no $build/bin/$argument; build it first"
  done

  stage=$(mktemp -d)
  # shellcheck disable=SC2064 # the folder's name now, not at the end
  trap "rm -rf '$stage'" EXIT
  mkdir -p "$stage"/{bin,lib,python,models} "$dir"
  cp "$build"/bin/{artifact-check,quant-run} "$stage/bin/"
  cp -L "$build/lib/libQuantOptRuntime.so.0" "$stage/lib/"
  cp "$here"/gpu-check/*.py "$stage/python/"
  strip --strip-unneeded "$stage"/bin/* "$stage"/lib/*.so* 2>/dev/null || true
  copy_libraries "$stage/lib" "$stage"/bin/* "$stage"/lib/*.so*
  # Suites beside those that this script knows are families of kernels.
  local suites=() families
  families=$("$build/bin/kernel-suite" suites | grep -vx -e goldens -e gemms -e benchmarks || true)
  for suite in goldens gemms benchmarks $families; do
    printf '%s: ' "$suite"
    local step=$every folder=$suite
    case $suite in
      goldens) step=1 ;;
      benchmarks) folder=bench ;;
      gemms) ;;
      *) suites+=("$suite") ;;
    esac
    "$build/bin/kernel-suite" export "$suite" "$stage/$folder" --targets="$targets" \
      --every="$step"
  done
  models=$stage/models.tsv
  : >"$models"
  local folders
  IFS=, read -ra folders <<<"$model_folder"
  local folder_of_models
  for folder_of_models in "${folders[@]}"; do
    for source in "$folder_of_models"/*.mlir; do
      bundle_variants "$stage" "${source%.mlir}" "$targets" "$samples"
    done
  done
  write_description "$stage" "$targets" "$every" "${suites[*]}"
  rm -f "$stage/log"
  tar -C "$stage" --sort=name -c . | xz -T1 -6e --lzma2=preset=6,dict=64MiB >"$dir/bundle.tar.xz"
  local bytes
  bytes=$(du -sb "$dir" | cut -f 1)
  echo "$dir: $(du -sb "$stage" | cut -f 1) bytes, packed $bytes"
  [[ $bytes -le $max_bytes ]] || fail "$dir has more than $max_bytes bytes; leave some out"
}

write_description() { # STAGE TARGETS EVERY SUITES
  local commit
  commit=$(git -C "$here" describe --always --dirty --abbrev=12 2>/dev/null || echo unknown)
  COMMIT=$commit LIBC=$(needed_libc "$1"/bin/* "$1"/lib/*.so*) python3 - "$@" <<'PYTHON'
import json, os, sys
stage, targets, every, suites = sys.argv[1:]
with open(os.path.join(stage, "models.tsv")) as file:
    models = dict(line.rstrip("\n").split("\t", 1) for line in file)
count = lambda folder: sum(n.endswith(".qopt") for n in os.listdir(os.path.join(stage, folder)))
with open(os.path.join(stage, "bundle.json"), "w") as file:
    json.dump({"commit": os.environ["COMMIT"], "targets": targets.split(","), "every": int(every),
               "libc": os.environ["LIBC"], "models": models, "suites": suites.split(),
               **{folder: count(folder)
                  for folder in ("goldens", "gemms", "bench", *suites.split())}}, file)
PYTHON
}

run() {
  local dir=$build/gpu-check argument arguments=() status=0
  for argument in "$@"; do
    case $argument in
      --device=cuda) ;;
      --device=*) arguments+=("$argument" "--libraries=$build/lib") ;;
      -*) arguments+=("$argument") ;;
      *) dir=$argument ;;
    esac
  done
  [[ -f $dir/bundle.tar.xz ]] || fail "there is no $dir/bundle.tar.xz; see '$0 bundle'"
  local scratch
  scratch=$(mktemp -d)
  # shellcheck disable=SC2064 # the folder's name now, not at the end
  trap "rm -rf '$scratch'" EXIT
  # Python unpacks: xz may be missing.
  python3 - "$dir/bundle.tar.xz" "$scratch" <<'PYTHON'
import sys, tarfile
safe = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
tarfile.open(sys.argv[1]).extractall(sys.argv[2], **safe)
PYTHON
  PYTHONDONTWRITEBYTECODE=1 python3 "$scratch/python/gpu_check.py" "$scratch" \
    "${arguments[@]}" || status=$?
  return "$status"
}

[[ $# -gt 0 ]] || usage
command=$1
shift
case $command in
  bundle) bundle "$@" ;;
  run) run "$@" ;;
  *) usage ;;
esac
