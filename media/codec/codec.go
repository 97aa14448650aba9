// Package codec names the payload formats that Callfloor knows and converts
// between G.711 and linear samples. It knows no packets and no sockets.
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
	last
)

var names = [last]string{None: "", PCMU: "PCMU", PCMA: "PCMA", G722: "G722", Opus: "opus", TelephoneEvent: "telephone-event", VP8: "VP8", H264: "H264"}

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

// ClockRate returns the RTP clock rate in Hz. For TelephoneEvent it is 8000,
// since Callfloor negotiates events beside G.711 only.
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
