#!/usr/bin/env bash
# Runs the fuzzers of test/Fuzz with libFuzzer, AddressSanitizer and UBSan, each
# for some seconds from its corpus. What they find new is kept in
# build/fuzz/corpus and tried again next time. Exit status 1 if a fuzzer failed:
# the input is then in build/fuzz/failures; 77 where clang or its runtime is
# missing.
#
#   tools/fuzz.sh [SECONDS] [FUZZER...]      10 seconds, all fuzzers
#
#   CLANGXX in the environment names the compiler
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=10
if [[ ${1:-} =~ ^[0-9]+$ ]]; then
  seconds=$1
  shift
fi
fuzzers=()
for source in test/Fuzz/*Fuzzer.cpp; do
  name=${source##*/}
  fuzzers+=("${name%Fuzzer.cpp}")
done
for name in "$@"; do
  if [[ " ${fuzzers[*]} " != *" $name "* ]]; then
    echo "fuzz: no fuzzer '$name'; there are ${fuzzers[*]}" >&2
    exit 2
  fi
done
[[ $# -eq 0 ]] || fuzzers=("$@")

# A compiler that also links.
folder=build/fuzz
mkdir -p "$folder"
links() {
  echo 'extern "C" int LLVMFuzzerTestOneInput(const unsigned char *,
        unsigned long) { return 0; }' |
    "$1" -x c++ -fsanitize=fuzzer,address,undefined - -o "$folder/probe" \
      2>"$folder/probe.log"
}
compiler=
for candidate in ${CLANGXX:-clang++-22 clang++ clang++-{21,20,19,18,17,16,15,14}}; do
  if command -v "$candidate" >/dev/null && links "$candidate"; then
    compiler=$candidate
    break
  fi
done
if [[ -z $compiler ]]; then
  echo "fuzz: skipped: no clang++ with libFuzzer" \
    "(packages clang-22 and libclang-rt-22-dev)"
  exit 77
fi

echo "fuzz: $("$compiler" --version | head -n 1)"
# What was configured for another compiler or another place is of no use.
cached() { grep -qsx "$1:[A-Z]*=$2" "$folder/CMakeCache.txt"; }
if ! cached CMAKE_CXX_COMPILER "$(command -v "$compiler")" ||
  ! cached CMAKE_HOME_DIRECTORY "$PWD/test/Fuzz"; then
  rm -rf "$folder/CMakeCache.txt" "$folder/CMakeFiles"
fi
cmake -S test/Fuzz -B "$folder" -G Ninja >"$folder/configure.log" \
  -DCMAKE_CXX_COMPILER="$(command -v "$compiler")" || {
  cat "$folder/configure.log"
  exit 1
}
cmake --build "$folder" --target "${fuzzers[@]/%/Fuzzer}"

# fuzz NAME: one line on what happened, and the end of the log of a failure.
fuzz() {
  local name=$1 log=$folder/$1.log status=0 dictionary=()
  mkdir -p "$folder/corpus/$name" "$folder/failures"
  [[ ! -e test/Fuzz/dictionaries/$name.dict ]] ||
    dictionary=("-dict=test/Fuzz/dictionaries/$name.dict")
  ASAN_OPTIONS=quarantine_size_mb=16:${ASAN_OPTIONS:-} \
    "$folder/${name}Fuzzer" "-max_total_time=$seconds" -timeout=10 \
    -rss_limit_mb=512 -malloc_limit_mb=128 -print_final_stats=1 \
    "-artifact_prefix=$folder/failures/$name-" "${dictionary[@]}" \
    "$folder/corpus/$name" "test/Fuzz/corpus/$name" >"$log" 2>&1 || status=$?
  if [[ $status -ne 0 ]]; then
    tail -n 40 "$log"
    echo "fuzz: $name failed with status $status; see $log and run" \
      "$folder/${name}Fuzzer on the file in $folder/failures"
    return 1
  fi
  echo "fuzz: $name:" \
    "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs," \
    "$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1) edges covered," \
    "$(sed -n 's/^stat::peak_rss_mb: *//p' "$log") MB"
}

# As many at a time as there are processors.
status=0 running=0
for name in "${fuzzers[@]}"; do
  if [[ $running -ge $(nproc) ]]; then
    wait -n || status=1
    running=$((running - 1))
  fi
  fuzz "$name" &
  running=$((running + 1))
done
for (( ; running > 0; --running)); do
  wait -n || status=1
done
exit "$status"
