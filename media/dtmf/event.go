// Package dtmf reads and makes keys pressed on a phone: the telephone events of
// RFC 4733, sent as RTP packets, and the tones of ITU-T Q.23, sent as sound. It
// is pure: it knows no clock but the times it is handed, no sockets and no
// goroutines.
package dtmf

import (
	"encoding/binary"
	"strings"
)

// keys are the DTMF keys in the order of their event codes (RFC 4733 §3.2).
const keys = "0123456789*#ABCD"

// MaxDuration is the longest duration that one event's field can say, in units
// of the RTP clock (RFC 4733 §2.5.1.3).
const MaxDuration = 0xFFFF

// PayloadSize is the size of one event in a payload, in octets.
const PayloadSize = 4

// ValidKey says whether key is one of 0-9, *, #, A-D.
func ValidKey(key rune) bool { return strings.ContainsRune(keys, key) }

// Event is the payload of one telephone-event packet (RFC 4733 §2.3):
//
//	 0                   1                   2                   3
//	|     event     |E|R| volume    |          duration             |
type Event struct {
	Code     uint8
	End      bool
	Volume   uint8 // -dBm0, 0 to 63
	Duration uint16
}

// Key returns the key that the event is, or false if it is no key (flash, a
// modem tone).
func (e Event) Key() (rune, bool) {
	if int(e.Code) < len(keys) {
		return rune(keys[e.Code]), true
	}
	return 0, false
}

// Parse reads the first event of payload; octets after it are left alone (RFC
// 4733 §2.3: several events only inside RFC 2198). It returns false if payload
// is too short. The reserved bit is ignored.
func Parse(payload []byte) (Event, bool) {
	if len(payload) < PayloadSize {
		return Event{}, false
	}
	return Event{
		Code:     payload[0],
		End:      payload[1]&0x80 != 0,
		Volume:   payload[1] & 0x3F,
		Duration: binary.BigEndian.Uint16(payload[2:]),
	}, true
}

// Put writes e into the first PayloadSize octets of b, which must have them.
func (e Event) Put(b []byte) {
	b[0], b[1] = e.Code, e.Volume&0x3F
	if e.End {
		b[1] |= 0x80
	}
	binary.BigEndian.PutUint16(b[2:], e.Duration)
}

// Code returns the event code of a key, or false if key is none.
func Code(key rune) (uint8, bool) {
	i := strings.IndexRune(keys, key)
	return uint8(max(i, 0)), i >= 0
}
