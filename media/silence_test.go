package media

import (
	"bytes"
	"testing"

	"callfloor/media/codec"
)

func TestSilent(t *testing.T) {
	room := bytes.Repeat([]byte{0xFF, 0x7F, 0xFE, 0x7E, 0xFC}, 32) // ±24 of 32768
	for _, tt := range []struct {
		name    string
		codec   codec.ID
		payload []byte
		want    bool
	}{
		{"µ-law zeros", codec.PCMU, bytes.Repeat([]byte{0xFF, 0x7F}, 80), true},
		{"µ-law beside zero", codec.PCMU, bytes.Repeat([]byte{0xFE, 0xFF}, 80), true},
		{"a quiet room", codec.PCMU, room, false},
		{"A-law zeros", codec.PCMA, bytes.Repeat([]byte{0xD5, 0x55}, 80), true},
		{"A-law sound", codec.PCMA, bytes.Repeat([]byte{0xD5, 0x50}, 80), false},
		{"Opus silence", codec.Opus, []byte{0xF8, 0xFF, 0xFE}, true},
		{"Opus sound", codec.Opus, bytes.Repeat([]byte{0x78}, 60), false},
		{"a key", codec.TelephoneEvent, []byte{1, 10, 0, 160}, false},
	} {
		if got := Silent(&Packet{Codec: tt.codec, Payload: tt.payload}); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}
