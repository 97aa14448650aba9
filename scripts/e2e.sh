#!/usr/bin/env bash
# The end-to-end tests, some beside each other. They judge sound and the moments
# of packets while browsers and loads work on the same cores: up to five that
# fail run once more, alone. What fails alone too is a failure; what passes was
# starved, is named at the end, and its first output stays above.
set -euo pipefail
cd "$(dirname "$0")/.."

mkdir -p build
log=build/e2e.log
# How many go at once, of which kind, is for e2e/beside_test.go to say.
if go test -count=1 -parallel 200 -timeout 20m ./e2e/... 2>&1 | tee "$log"; then exit 0; fi

mapfile -t failed < <(sed -n 's/^--- FAIL: \(Test[A-Za-z0-9_]*\) .*/\1/p' "$log" | sort -u)
if [ "${#failed[@]}" -eq 0 ] || [ "${#failed[@]}" -gt 5 ] || grep -qE '^[[:space:]]*(panic: |fatal error: )|goroutine [0-9]+ \[running' "$log"; then
    exit 1
fi
printf '\n== once more, alone: %s\n' "${failed[*]}"
go test -count=1 -parallel 1 -timeout 10m -run "^($(IFS='|'; echo "${failed[*]}"))\$" ./e2e
printf '\nfailed beside others and passed alone: %s\n' "${failed[*]}"
