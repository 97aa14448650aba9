#!/usr/bin/env bash
# Runs every fuzz target for the time given (5s). A crasher is kept by Go under
# the package's testdata/fuzz and fails every later test run until it is mended.
set -euo pipefail
cd "$(dirname "$0")/.."
time=${1:-5s}

out=$(mktemp)
trap 'rm -f "$out"' EXIT

found=0
while IFS=: read -r file target; do
    found=$((found + 1))
    package=./$(dirname "$file")
    printf '%s %s\n' "$package" "$target"
    # Minimising would stop the counter for minutes.
    go test -run '^$' -fuzz "^${target}\$" -fuzztime "$time" -fuzzminimizetime 0x "$package" >"$out" 2>&1 || {
        cat "$out" >&2
        exit 1
    }
done < <(git ls-files '*_test.go' | xargs grep -HoE '^func Fuzz[A-Za-z0-9_]+' | sed 's/:func /:/')
echo "$found fuzz targets"
[ "$found" -gt 0 ]
