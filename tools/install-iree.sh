#!/usr/bin/env bash
# Installs IREE's compiler and runtime from PyPI in build/iree, for the test that
# compiles integer form with them (docs/IntegerForm.md). Nothing else needs it.
# Exit status 77 where PyPI cannot be reached: check.sh counts that as skipped.
set -euo pipefail
cd "$(dirname "$0")/.."

version=3.10.0 # Of the LLVM 22 line.
folder=build/iree
if [[ -f $folder/version && $(<"$folder/version") == "$version" ]]; then
  echo "install-iree: IREE $version is in $folder"
  exit 0
fi
rm -rf "$folder"
mkdir -p build
if ! python3 -m venv "$folder"; then
  rm -rf "$folder"
  echo "python3 -m venv failed (Debian: python3-venv)"
  exit 77
fi
if ! "$folder/bin/pip" install --quiet --disable-pip-version-check --retries 1 \
  --timeout 20 "iree-base-compiler==$version" "iree-base-runtime==$version"; then
  rm -rf "$folder"
  echo "IREE $version cannot be installed from PyPI"
  exit 77
fi
echo "$version" >"$folder/version"
echo "install-iree: IREE $version installed in $folder"
