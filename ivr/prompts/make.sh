#!/bin/sh
# make.sh speaks every text of prompts.yaml into en/ID.wav and zh/ID.wav, makes
# the music, and writes SHA256SUMS. It needs espeak-ng, sox and Go; the result
# is committed, so nobody needs them to build.
#
#   ./make.sh            all prompts, music, sums
#   ./make.sh ID...      only these prompts, and the sums
#
# Each file is 8 kHz mono (G.711 carries no more), trimmed, at -18 dBFS RMS
# with its peaks below -3 dBFS.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

rms() { sox "$1" -n stats 2>&1 | awk '/^RMS lev dB/ {print $4}'; }

# speak ID LANG TEXT
speak() {
	case $2 in
	en) voice=en-us speed=168 ;;
	zh) voice=cmn-latn-pinyin speed=235 ;;
	esac
	espeak-ng -v "$voice" -s "$speed" -w "$work/raw.wav" "$3"
	# Cut the silence at both ends but for a breath, and soften the peaks.
	sox -v 0.6 "$work/raw.wav" -r 8000 -b 16 "$work/cut.wav" highpass 120 \
		silence 1 0.01 0.7% reverse silence 1 0.01 0.7% reverse \
		compand 0.005,0.1 6:-40,-30,-20,-14,-12,-10,0,-8 -3 -90 0.02 pad 0 0.04 rate 8000
	# The limiter takes away some of the level, so come near in a few steps.
	gain=0
	for _ in 1 2 3 4 5 6; do
		up=$(awk "BEGIN {print $gain + 4}")
		sox -D "$work/cut.wav" -b 16 "$work/out.wav" gain -l "$up" gain -4 fade t 0.004 0 0.01
		gain=$(awk "BEGIN {print $gain + (-18 - ($(rms "$work/out.wav")))}")
	done
	mkdir -p "$2"
	mv "$work/out.wav" "$2/$1.wav"
}

# texts prints ID|LANG|TEXT for each text of prompts.yaml.
texts() {
	awk '/^[a-z0-9_]+:$/ {id = substr($0, 1, length($0) - 1)}
		/^  (en|zh): "/ {lang = substr($1, 1, 2); sub(/^  (en|zh): "/, ""); sub(/"$/, ""); print id "|" lang "|" $0}' prompts.yaml
}

texts >"$work/texts"
while IFS='|' read -r id lang text; do
	if [ $# -gt 0 ]; then
		case " $* " in *" $id "*) ;; *) continue ;; esac
	fi
	if [ "$lang" = zh ]; then
		text=$(sed -n "s/^$id: //p" pinyin.txt)
		[ -n "$text" ] || { echo "pinyin.txt has no line for $id" >&2; exit 1; }
	fi
	speak "$id" "$lang" "$text"
done <"$work/texts"

if [ $# -eq 0 ]; then
	mkdir -p music
	go run make_music.go music
fi

sha256sum prompts.yaml pinyin.txt en/*.wav zh/*.wav music/*.wav >SHA256SUMS
