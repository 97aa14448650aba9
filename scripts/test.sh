#!/usr/bin/env bash
# Everything that must hold before a change lands. No part is skipped: what is
# missing is installed, or named, and then this fails.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/need.sh

# As `make build` does it, so that nothing is compiled twice; the race detector alone needs cgo.
export CGO_ENABLED=0 GOFLAGS=-trimpath

step() { printf '\n== %s (%ds)\n' "$1" "$SECONDS"; }

step "what the tests need"
command -v go >/dev/null || { echo "Go 1.26 or newer is needed" >&2; exit 1; }
need gcc gcc                  # the race detector links with it
need_file libc6-dev /usr/include/stdlib.h
need nodejs node
need npm npm
need chromium chromium
need sip-tester sipp
need baresip baresip
need sox sox
need ffmpeg ffprobe
need iproute2 ip
need espeak-ng espeak-ng
need_file fonts-noto-cjk /usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc
install_missing

step "the pages' packages and build"
make --no-print-directory web

step "gofmt"
unformatted=$(git ls-files '*.go' | xargs gofmt -l)
if [ -n "$unformatted" ]; then
    printf 'not formatted (run gofmt -w):\n%s\n' "$unformatted" >&2
    exit 1
fi

step "go vet"
go vet ./...

step "go test -race"
# All but SQLite itself, which is C made Go: watching it takes half of the time and says nothing about
# us. What stands between it and us is watched. vet has been.
race=(-race -vet=off -gcflags=modernc.org/sqlite/lib=-race=false -gcflags=modernc.org/libc=-race=false)
CGO_ENABLED=1 go test "${race[@]}" -shuffle=on -timeout 20m $(go list ./... | grep -v '/e2e$')
CGO_ENABLED=1 CALLFLOOR_PLAIN_MEDIA=1 go test "${race[@]}" -timeout 4m ./web/seatclient # as where there is no epoll

step "the pages: lint, types, tests"
(
    cd agent-web
    npm run --silent lint
    npm run --silent check &
    types=$!
    npm run --silent test # on one core, of two
    wait "$types"
)

step "fuzz targets, 5 s each"
bash scripts/fuzz.sh 5s

# Alone: what is heard is checked as sound. Most of these tests wait, for people who speak and for
# timers of SIP; those that work, with browsers, hold each other back (e2e/beside_test.go).
step "end to end"
bash scripts/e2e.sh

step "done"
