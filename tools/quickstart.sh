#!/usr/bin/env bash
# Builds the project, quantizes a small trained model to int8 and compares float
# and int8 on the CPU. A second run takes seconds.
#
#   tools/quickstart.sh [--no-deps] [MODEL]
#
# MODEL is a name in test/models/ (default: digits_dwcnn). Results stay in
# build/quickstart/.
set -euo pipefail
cd "$(dirname "$0")/.."

deps=1 model=digits_dwcnn
for argument in "$@"; do
  case $argument in
    --no-deps) deps=0 ;;
    -*) echo "quickstart: unknown argument '$argument'" >&2; exit 2 ;;
    *) model=$argument ;;
  esac
done
source=test/models/$model
if [[ ! -f $source.mlir ]]; then
  echo "quickstart: there is no $source.mlir" >&2
  exit 2
fi

say() { printf '== %s\n' "$*"; }

if [[ $deps -eq 1 ]]; then
  say "packages"
  tools/install-deps.sh
fi
say "build (a few minutes the first time)"
[[ -f build/build.ninja ]] || cmake --preset release
cmake --build --preset release

out=build/quickstart
mkdir -p "$out"
int8=$out/$model.int8.mlir
report=$out/$model.report.json
say "quantize $source.mlir with $source.calib.npz"
build/bin/quant-opt --quantize-int8 "$source.mlir" \
  --calibration-data="$source.calib.npz" -o "$int8" --report="$report"

for form in float int8; do
  file=$source.mlir
  [[ $form == int8 ]] && file=$int8
  say "run the $form form on $source.eval.npz"
  build/bin/quant-run "$file" --device=cpu --input="$source.eval.npz" \
    --reference="$source.eval.npz" --labels=label --benchmark --json \
    >"$out/$model.$form.json"
done

say "result"
python3 tools/quickstart_table.py "$model" "$report" "$out/$model.float.json" \
  "$out/$model.int8.json"
echo
echo "int8 model: $int8"
echo "report:     $report"
