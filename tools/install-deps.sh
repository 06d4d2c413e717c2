#!/usr/bin/env bash
# Installs the Debian packages that building and testing need. Fast and silent
# about the network when everything is there.
set -euo pipefail

packages=(
  # toolchain
  g++ cmake ninja-build ccache pkg-config
  # LLVM and MLIR 22: libraries, mlir-opt, FileCheck, lit, the formatter
  llvm-22-dev llvm-22-tools libmlir-22-dev mlir-22-tools clang-format-22
  # libraries: oneDNN (CPU kernels), libzip (npz, artifacts), GoogleTest
  libdnnl-dev libzip-dev zlib1g-dev nlohmann-json3-dev libgtest-dev
  # fuzzers: clang with libFuzzer and the sanitizers; tools/compile-stock.sh
  clang-22 libclang-rt-22-dev
  # fibers of the emulator
  libboost-context-dev
  # scripts and tests: the standard library is enough
  python3
)

# Prints those of "$@" that are not installed.
missing_of() {
  local package
  for package in "$@"; do
    dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null |
      grep -qx installed || echo "$package"
  done
}

retry() {
  local attempt
  for attempt in 1 2 3; do
    "$@" && return 0
    echo "install-deps: '$*' failed (attempt $attempt of 3)" >&2
    sleep $((attempt * 3))
  done
  return 1
}

if ! command -v dpkg-query >/dev/null; then
  echo "install-deps: not a Debian system; install by hand what" \
    "docs/Building.md lists" >&2
  exit 1
fi

mapfile -t missing < <(missing_of "${packages[@]}")
if [[ ${#missing[@]} -eq 0 ]]; then
  echo "install-deps: all ${#packages[@]} packages are installed"
  exit 0
fi
echo "install-deps: installing ${missing[*]}"

root=()
if [[ $(id -u) -ne 0 ]]; then
  if ! command -v sudo >/dev/null; then
    echo "install-deps: run as root (there is no sudo):" \
      "apt-get install ${missing[*]}" >&2
    exit 1
  fi
  root=(sudo)
fi
apt=("${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y
  -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300)

# A broken third-party source must not stop us: the packages decide.
retry "${apt[@]}" update ||
  echo "install-deps: apt-get update had errors; going on" >&2

unavailable=()
for package in "${missing[@]}"; do
  # A capture, not a pipe into grep -q: that would kill apt-cache (pipefail).
  candidate=$(apt-cache policy "$package" | sed -n 's/^ *Candidate: //p')
  [[ -n $candidate && $candidate != "(none)" ]] || unavailable+=("$package")
done
if [[ ${#unavailable[@]} -gt 0 ]]; then
  echo "install-deps: not available here: ${unavailable[*]}" >&2
  echo "  Debian 12 has LLVM 22 in its security suite (bookworm-security," \
    "component main). Enable that suite in /etc/apt/sources.list.d," \
    "or use a release that has llvm-22." >&2
  exit 1
fi
retry "${apt[@]}" install --no-install-recommends "${missing[@]}"
echo "install-deps: done"
