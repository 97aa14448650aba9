#!/usr/bin/env bash
# Makes short calls (10000, RATE=50 of them a second) to the echo line of a demo
# server by SIPp, and fails when one fails or when the server does not end with
# the goroutines, descriptors, ports and dialogs that it began with, and with its
# memory: 4 MB of heap and 16 MB of resident memory are the garbage collector's,
# whose cycles end where they like.
set -euo pipefail
cd "$(dirname "$0")/.."
calls=${1:-10000} rate=${RATE:-50}
command -v sipp >/dev/null || { echo "the soak needs SIPp: apt-get install sip-tester" >&2; exit 2; }
data=$(mktemp -d)
http=127.0.0.1:18180 sip=127.0.0.1:15160
bin=${BIN:-bin/callfloor}
"$bin" serve --demo --data "$data" --http "$http" --sip "$sip" --webrtc 127.0.0.1:18190 --rtp-ports 40000-47999 >"$data/out" 2>"$data/log" &
server=$!
trap 'kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; rm -rf "$data"' EXIT
until curl -fs "http://$http/readyz" >/dev/null; do
    kill -0 "$server" 2>/dev/null || { cat "$data/log" >&2; exit 1; }
    sleep 0.2
done
place() {
    sipp "$sip" -sf e2e/sipp/short.xml -s 1009 -i 127.0.0.1 -p 15161 -mp 12000 -m "$1" -r "$rate" -l 200 \
        -timeout $(($1 / rate + 120))s -timeout_error -nostdin >"$data/sipp" 2>&1 ||
        { tail -40 "$data/sipp" >&2; exit 1; }
}
figure() { awk -v k="$1" '$1 == k { printf "%d", $2 }' "$data/metrics"; }
# ports counts the server's own UDP sockets of the range. The port is made a word:
# awk would take 9E40 for a number.
ports() {
    { find "/proc/$server/fd" -lname 'socket:*' -printf '%l\n' 2>/dev/null; cat /proc/net/udp; } |
        awk '/^socket:/ { gsub(/[^0-9]/, ""); own[$0] = 1; next } { split($2, a, ":"); p = a[2] ""; if ($10 in own && p >= "9C40" && p <= "BB7F") n++ } END { print n + 0 }'
}
look() {
    curl -fs "http://$http/metrics" >"$data/metrics"
    goroutines=$(figure go_goroutines) fds=$(figure process_open_fds) rss=$(($(figure process_resident_memory_bytes) / 1024))
    dialogs=$(figure callfloor_sip_calls) live=$(figure callfloor_calls) panics=$(figure callfloor_sip_panics_total) bound=$(ports)
    heap=$(($(figure go_memstats_heap_inuse_bytes) / 1024))
    echo "$1: rss $rss kB, heap $heap kB, goroutines $goroutines, descriptors $fds, RTP ports $bound, dialogs $dialogs, calls $live"
}
settled() { [ "$dialogs" -eq 0 ] && [ "$live" -eq 0 ] && [ "$bound" -eq 0 ] && [ "$panics" -eq 0 ]; }

# What is made once is there, and the memory of the ended transactions that are
# still known (32 s of them) is what it will be.
place $((rate * 40))
for _ in $(seq 60); do look "  settling"; settled && break; sleep 1; done
sleep 35  # ended transactions are forgotten after 32 s (RFC 3261, timer J)
look "before"
g=$goroutines f=$fds r=$rss h=$heap
began=$SECONDS
place "$calls"
echo "$calls calls in $((SECONDS - began)) s"
look "just after"
for _ in $(seq 150); do
    look "  settling" >/dev/null
    settled && [ "$goroutines" -le "$g" ] && [ "$fds" -le "$f" ] && [ "$rss" -le $((r + 16 * 1024)) ] && [ "$heap" -le $((h + 4 * 1024)) ] && { look "after"; exit 0; }
    sleep 1
done
look "after 150 s" >&2
exit 1
