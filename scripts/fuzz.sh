#!/usr/bin/env bash
# Runs every fuzz target for the time given (5s), two at once for each core.
# A crasher is kept by Go under the package's testdata/fuzz and fails
# every later test run until it is mended.
set -euo pipefail
cd "$(dirname "$0")/.."
export FUZZTIME=${1:-5s}

# one FILE:TARGET runs one target and shows its output only where it fails.
one() {
    local package out
    package=./$(dirname "${1%%:*}")
    # Minimising would stop the counter for minutes.
    if ! out=$(go test -run '^$' -fuzz "^${1##*:}\$" -fuzztime "$FUZZTIME" -fuzzminimizetime 0x -parallel 1 "$package" 2>&1); then
        # The time running out while an input is tried, Go reports as a failure
        # of that name (go.dev/issue/75804). A crasher always names its file.
        if ! grep -q 'context deadline exceeded' <<<"$out" || grep -qE 'Failing input written|^panic:|DATA RACE' <<<"$out"; then
            printf '%s %s FAILED\n%s\n' "$package" "${1##*:}" "$out"
            return 1
        fi
    fi
    printf '%s %s\n' "$package" "${1##*:}"
}
export -f one

targets=$(git ls-files '*_test.go' | xargs grep -HoE '^func Fuzz[A-Za-z0-9_]+' | sed 's/:func /:/')
[ -n "$targets" ] || { echo "there are no fuzz targets" >&2; exit 1; }
# One whose package imports nearly everything comes first and alone: what is instrumented for it serves
# the others, which would each compile it, since they begin together. What it finds is told below.
FUZZTIME=1x one "$(grep -m1 '^internal/app/' <<<"$targets")" >/dev/null || true
xargs -P "$(($(nproc) * 2))" -I{} bash -c 'one {}' <<<"$targets"
echo "$(wc -l <<<"$targets") fuzz targets"
