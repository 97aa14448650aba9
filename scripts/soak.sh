#!/usr/bin/env bash
# Calls the echo line of a demo server over and over for the time given (30m),
# and prints the server's memory and goroutines each minute. It fails when calls
# fail, or when goroutines do not come back to where they were.
set -euo pipefail
cd "$(dirname "$0")/.."
case ${1:-30m} in
    *h) limit=$((${1%h} * 3600)) ;;
    *m) limit=$((${1%m} * 60)) ;;
    *s) limit=${1%s} ;;
    *) echo "say for how long: 90s, 30m or 4h" >&2; exit 2 ;;
esac
data=$(mktemp -d)
http=127.0.0.1:18080 sip=127.0.0.1:15060
bin/callfloor serve --demo --data "$data" --http "$http" --sip "$sip" --webrtc 127.0.0.1:18090 --rtp-ports 40000-48000 >"$data/out" 2>"$data/log" &
server=$!
trap 'kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; rm -rf "$data"' EXIT
until curl -fs "http://$http/readyz" >/dev/null; do
    kill -0 "$server" 2>/dev/null || { cat "$data/log" >&2; exit 1; }
    sleep 0.2
done
figure() { curl -fs "http://$http/metrics" | awk -v k="$1" '$1 == k { printf "%d", $2 }'; }

before=$(figure go_goroutines)
end=$((SECONDS + limit))
while [ "$SECONDS" -lt "$end" ]; do
    bin/callfloor load --target "sip:1009@$sip" --calls 300 --rate 10 --for 20s --json >"$data/load.json"
    printf '%6ds  rss %d kB  goroutines %d\n' "$SECONDS" "$(($(figure process_resident_memory_bytes) / 1024))" "$(figure go_goroutines)"
done
for _ in $(seq 60); do
    after=$(figure go_goroutines)
    [ "$after" -le $((before + 10)) ] && { echo "goroutines: $before before, $after after"; exit 0; }
    sleep 1
done
echo "goroutines: $before before, $after a minute after the last call" >&2
exit 1
