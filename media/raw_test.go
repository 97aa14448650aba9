package media

import "encoding/binary"

// rawRTP makes a datagram.
func rawRTP(pt uint8, seq uint16, ts, ssrc uint32, payload []byte) []byte {
	b := make([]byte, 12, 12+len(payload))
	b[0], b[1] = 0x80, pt
	binary.BigEndian.PutUint16(b[2:], seq)
	binary.BigEndian.PutUint32(b[4:], ts)
	binary.BigEndian.PutUint32(b[8:], ssrc)
	return append(b, payload...)
}

// step makes raw the next packet of 20 ms.
func step(raw []byte) {
	binary.BigEndian.PutUint16(raw[2:], binary.BigEndian.Uint16(raw[2:])+1)
	binary.BigEndian.PutUint32(raw[4:], binary.BigEndian.Uint32(raw[4:])+frameSamples)
}
