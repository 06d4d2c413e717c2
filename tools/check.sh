#!/usr/bin/env bash
# The whole check: packages, build, format, lint, unit tests, lit (with the
# end-to-end tests and the documents' commands), a short run of the fuzzers and
# the quickstart. Ends with one line "N passed, N failed, N skipped"; exit status
# 1 if anything failed.
#
#   tools/check.sh [--no-deps] [--asan]
#
#   --no-deps   do not install packages
#   --asan      also run the unit tests under AddressSanitizer and UBSan
#   QUANTOPT_MODELS=DIR in the environment adds end-to-end runs of the exported
#   models there (see docs/Testing.md)
set -euo pipefail
cd "$(dirname "$0")/.."

deps=1 asan=0
for argument in "$@"; do
  case $argument in
    --no-deps) deps=0 ;;
    --asan) asan=1 ;;
    *) echo "check: unknown argument '$argument'" >&2; exit 2 ;;
  esac
done

say() { printf '\n== %s\n' "$*"; }

[[ -z ${QUANTOPT_MODELS:-} ]] || QUANTOPT_MODELS=$(realpath "$QUANTOPT_MODELS")
if [[ $PWD == *[[:space:]]* ]]; then
  copy=$(mktemp -d)
  trap 'rm -rf "$copy"' EXIT
  say "lit does not quote paths: checking a copy of '$PWD' in $copy"
  tar -c --exclude='./build*' --exclude=./.git . | tar -x -C "$copy"
  "$copy/tools/check.sh" "$@"
  exit
fi

results=build/check
rm -rf "$results"
mkdir -p "$results"
steps=$results/steps.tsv
: >"$steps"
failed_step=

finish() {
  say "result"
  python3 tools/test_counts.py "$results"
}

# step NAME COMMAND...: runs one check; status 77 means it was skipped, the
# command's last line says why. Its seconds go to the log.
step() {
  local name=$1 status=0 start=$SECONDS log=$results/$1.log
  shift
  say "$name"
  "$@" 2>&1 | tee "$log" || status=${PIPESTATUS[0]}
  case $status in
    0) printf 'passed\t%s\t\n' "$name" >>"$steps" ;;
    77) printf 'skipped\t%s\t%s\n' "$name" "$(tail -n 1 "$log")" >>"$steps" ;;
    *) printf 'failed\t%s\texit status %s\n' "$name" "$status" >>"$steps"
       failed_step=$name ;;
  esac
  echo "($name: $((SECONDS - start)) s)"
}

# Without this one nothing after it makes sense.
required() {
  failed_step=
  step "$@"
  if [[ -n $failed_step ]]; then finish || true; exit 1; fi
}

# suite NAME COMMAND...: a suite that writes $results/NAME.xml; only one that did
# not get so far counts as a step of its own.
suite() {
  local name=$1 status=0 start=$SECONDS
  shift
  say "$name"
  "$@" || status=$?
  [[ -s $results/$name.xml ]] ||
    printf 'failed\t%s\texit status %s, no results\n' "$name" "$status" >>"$steps"
  echo "($name: $((SECONDS - start)) s)"
}

unit_tests() { # BUILD_FOLDER SUITE
  GTEST_OUTPUT="xml:$PWD/$results/gtest-$2/" ctest --test-dir "$1" \
    --label-exclude '^lit$' --no-tests=error --parallel "$(nproc)" \
    --output-on-failure --output-junit "$PWD/$results/$2.xml"
}

lit_tests() {
  local llvm
  llvm=$(sed -n 's/^LLVM_DIR:PATH=//p' build/CMakeCache.txt)/../../../bin
  python3 "$llvm/lit" -sv --xunit-xml-output "$results/lit.xml" build/test
}

[[ $deps -eq 0 ]] || required deps tools/install-deps.sh
required configure cmake --preset release
required build cmake --build --preset release
step format tools/lint/format.sh
step lint python3 tools/lint/lint.py .
suite ctest unit_tests build ctest
[[ $deps -eq 0 ]] || step iree tools/install-iree.sh
suite lit lit_tests
step fuzz tools/fuzz.sh
step quickstart tools/quickstart.sh --no-deps
if [[ $asan -eq 1 ]]; then
  required asan-configure cmake --preset asan
  required asan-build cmake --build --preset asan
  suite ctest-asan unit_tests build-asan ctest-asan
fi
finish
