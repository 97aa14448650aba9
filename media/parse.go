package media

import (
	"encoding/binary"
	"errors"
)

// Errors of WriteRTP. They are values made once, since a flood of bad packets
// must not cost memory.
var (
	errShort   = errors.New("read RTP packet: shorter than its header says")
	errVersion = errors.New("read RTP packet: its version is not 2")
	errPadding = errors.New("read RTP packet: its padding is longer than the packet")
	errRTCP    = errors.New("read RTP packet: it is RTCP")
)

// wirePacket is an RTP packet as it came; payload lies in the datagram.
type wirePacket struct {
	marker    bool
	pt        uint8
	seq       uint16
	timestamp uint32
	ssrc      uint32
	payload   []byte
}

// isRTCP tells RTCP from RTP on one port (RFC 5761 §4).
func isRTCP(b []byte) bool { return len(b) >= 2 && b[1] >= 192 && b[1] <= 223 }

// parseRTP reads one packet (RFC 3550 §5.1); CSRCs, extension and padding are
// stepped over. It allocates nothing.
func parseRTP(b []byte) (wirePacket, error) {
	if len(b) < 12 {
		return wirePacket{}, errShort
	}
	if b[0]>>6 != 2 {
		return wirePacket{}, errVersion
	}
	if isRTCP(b) {
		return wirePacket{}, errRTCP
	}
	w := wirePacket{
		marker:    b[1]&0x80 != 0,
		pt:        b[1] & 0x7F,
		seq:       binary.BigEndian.Uint16(b[2:]),
		timestamp: binary.BigEndian.Uint32(b[4:]),
		ssrc:      binary.BigEndian.Uint32(b[8:]),
	}
	at := 12 + 4*int(b[0]&0x0F)
	if b[0]&0x10 != 0 { // extension, RFC 3550 §5.3.1
		if len(b) < at+4 {
			return wirePacket{}, errShort
		}
		at += 4 + 4*int(binary.BigEndian.Uint16(b[at+2:]))
	}
	if len(b) < at {
		return wirePacket{}, errShort
	}
	w.payload = b[at:]
	if b[0]&0x20 == 0 {
		return w, nil
	}
	if len(w.payload) == 0 {
		return wirePacket{}, errPadding
	}
	pad := int(w.payload[len(w.payload)-1])
	if pad == 0 || pad > len(w.payload) {
		return wirePacket{}, errPadding
	}
	w.payload = w.payload[:len(w.payload)-pad]
	return w, nil
}
