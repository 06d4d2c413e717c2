#!/bin/sh
# install.sh CMAKE BUILD_DIR WORK_DIR
#
# Installs the build, moves the prefix elsewhere, and uses it from there: the
# tools with an empty environment, the CMake package from another project.
set -eu
cmake=$1 build=$2 work=$3
here=$(cd "$(dirname "$0")" && pwd)
rm -rf "$work"
mkdir -p "$work"

fail() {
  echo "install: $1" >&2
  exit 1
}
expect() { # expect FILE TEXT
  grep -qF -- "$2" "$1" || { cat "$1" >&2; fail "no '$2' in the output above"; }
}

"$cmake" --install "$build" --prefix "$work/first" >"$work/install.log" \
  || { cat "$work/install.log" >&2; fail "cmake --install failed"; }
mv "$work/first" "$work/prefix"

echo "tools, with an empty environment"
env -i "$work/prefix/bin/quant-opt" --quantize-int8 --version >"$work/version"
expect "$work/version" "quant-opt"
env -i "$work/prefix/bin/quant-opt" --quantize-int8 "$here/out-of-tree/model.mlir" \
  >"$work/driver.mlir"
expect "$work/driver.mlir" "xi32>"
if [ -x "$work/prefix/bin/quant-run" ]; then
  env -i "$work/prefix/bin/quant-run" "$here/out-of-tree/model.mlir" --info >"$work/info"
  expect "$work/info" "arg0"
fi
# Nothing of the build tree or of this machine's checkout is needed.
for file in "$work"/prefix/bin/* "$work"/prefix/lib/*.so; do
  if grep -qF "$build" "$file"; then fail "$file names the build folder"; fi
done
for file in $(find "$work/prefix" -name '*.cmake'); do
  if grep -qF "$build" "$file"; then fail "$file names the build folder"; fi
done

echo "another project"
"$cmake" -S "$here/out-of-tree" -B "$work/build" -G Ninja -DCMAKE_BUILD_TYPE=Debug \
  -DCMAKE_PREFIX_PATH="$work/prefix" >"$work/configure.log" 2>&1 \
  || { cat "$work/configure.log" >&2; fail "find_package(QuantOpt) failed"; }
"$cmake" --build "$work/build" -j1 >"$work/build.log" 2>&1 \
  || { cat "$work/build.log" >&2; fail "the other project does not build"; }
"$work/build/my-opt" "$here/out-of-tree/model.mlir" \
  --pass-pipeline='builtin.module(my-count-integer-contractions)' >"$work/float.mlir"
expect "$work/float.mlir" "my.integer = 0"
expect "$work/float.mlir" "my.quantizable = 1"
"$work/build/my-opt" "$here/out-of-tree/model.mlir" \
  --pass-pipeline='builtin.module(quantize-int8,my-count-integer-contractions)' >"$work/int8.mlir"
expect "$work/int8.mlir" "my.integer = 1"
expect "$work/int8.mlir" "my.quantizable = 0"
"$work/build/my-run" "$here/out-of-tree/model.mlir" >"$work/run"
expect "$work/run" "opened"
echo "passed"
