// Package codec names the payload formats that Callfloor knows and converts
// between them and linear samples. It knows no packets and no sockets.
//
// Samples are 16 bits wide, mono, at 8 kHz everywhere: what a telephone carries.
// G.711 goes through tables (Encode, Decode, Transcode); for the formats that
// have a memory NewEncoder and NewDecoder make one object a stream. A wideband
// stream is only brought down to 8 kHz where it must be decoded, which is where
// two legs have no format in common, and in a recording.
package codec

import "strings"

// ID is a payload format.
type ID uint8

// The formats. None is no format.
const (
	None ID = iota
	PCMU
	PCMA
	G722
	Opus
	TelephoneEvent
	VP8
	H264
	ComfortNoise // RFC 3389: understood as silence, never sent
	last
)

var names = [last]string{None: "", PCMU: "PCMU", PCMA: "PCMA", G722: "G722", Opus: "opus", TelephoneEvent: "telephone-event", VP8: "VP8", H264: "H264", ComfortNoise: "CN"}

// String returns the encoding name of the RTP payload format registry (RFC
// 3551 §6), "PCMU" for example.
func (c ID) String() string {
	if c < last {
		return names[c]
	}
	return ""
}

// Parse finds a format by its encoding name, case-insensitively; None if
// unknown.
func Parse(name string) ID {
	for id := PCMU; id < last; id++ {
		if strings.EqualFold(names[id], name) {
			return id
		}
	}
	return None
}

// ClockRate returns the RTP clock rate in Hz. For TelephoneEvent it is 8000; an
// event's real rate is that of the audio beside it (RFC 4733 §2.1), which
// offer and answer settle.
func (c ID) ClockRate() int {
	switch c {
	case Opus:
		return 48000
	case VP8, H264:
		return 90000
	default:
		return 8000 // G722 too: RFC 3551 §4.5.2 keeps its historical error
	}
}

// Audio says whether c carries sound.
func (c ID) Audio() bool { return c == PCMU || c == PCMA || c == G722 || c == Opus }
