#!/usr/bin/env bash
# Runs every fuzz target for the time given (5s), two at once for each core.
# A crasher is kept by Go under the package's testdata/fuzz and fails
# every later test run until it is mended.
set -euo pipefail
cd "$(dirname "$0")/.."
FUZZTIME=${1:-5s}
BUILT=$PWD/build/fuzz
CORPUS=$(go env GOCACHE)/fuzz/$(go list -m) # where go test -fuzz keeps what it found
export FUZZTIME BUILT CORPUS

# compiled PACKAGE makes its test program, once for all of its targets.
compiled() { go test -c -vet=off -fuzz=. -o "$BUILT/$1.test" "./$1"; }

# one FILE:TARGET runs one target and shows its output only where it fails.
one() {
    local package=${1%/*:*} target=${1##*:} out
    cd "$package"
    # Minimising would stop the counter for minutes.
    if ! out=$("$BUILT/$package.test" -test.paniconexit0 -test.run '^$' -test.fuzz "^$target\$" -test.fuzztime "$FUZZTIME" \
        -test.fuzzminimizetime 0x -test.parallel 1 -test.fuzzcachedir "$CORPUS/$package" 2>&1); then
        # The time running out while an input is tried, Go reports as a failure
        # of that name (go.dev/issue/75804). A crasher always names its file.
        if ! grep -q 'context deadline exceeded' <<<"$out" || grep -qE 'Failing input written|^panic:|DATA RACE' <<<"$out"; then
            printf './%s %s FAILED\n%s\n' "$package" "$target" "$out"
            return 1
        fi
    fi
    printf './%s %s\n' "$package" "$target"
}
export -f compiled one

targets=$(git ls-files '*_test.go' | xargs grep -HoE '^func Fuzz[A-Za-z0-9_]+' | sed 's/:func /:/')
[ -n "$targets" ] || { echo "there are no fuzz targets" >&2; exit 1; }
# One that imports nearly everything comes first and alone: what is instrumented for it serves
# the others, which would each compile it, since they begin together.
rm -rf "$BUILT"
compiled internal/app
sed 's#/[^/]*:.*##' <<<"$targets" | sort -u | xargs -P "$(nproc)" -I{} bash -c 'compiled {}'
xargs -P "$(($(nproc) * 2))" -I{} bash -c 'one {}' <<<"$targets"
echo "$(wc -l <<<"$targets") fuzz targets"
