#!/usr/bin/env bash
# Is all C++ as clang-format prints it? The major version is pinned: others
# format differently. `--fix` rewrites the files. Exit status 77: tool missing.
set -euo pipefail
cd "$(dirname "$0")/../.."
formatter=${CLANG_FORMAT:-clang-format-22}
if ! command -v "$formatter" >/dev/null; then
  echo "format: $formatter is not installed"
  exit 77
fi
mode=(--dry-run -Werror)
[[ ${1:-} == --fix ]] && mode=(-i)

bad=0 count=0
while IFS= read -r -d '' file; do
  count=$((count + 1))
  "$formatter" "${mode[@]}" "$file" >/dev/null 2>&1 && continue
  echo "$file: not formatted"
  bad=$((bad + 1))
done < <(find include lib tools test \( -name '*.cpp' -o -name '*.h' \) -print0 | sort -z)
echo "format: $count files, $bad to format (tools/lint/format.sh --fix)"
[[ $bad -eq 0 && $count -gt 0 ]]
