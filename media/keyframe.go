package media

import "callfloor/media/codec"

// NAL unit types of H.264 in RTP (RFC 6184 §5.2, §5.6 to §5.8).
const (
	nalIDR   = 5
	nalSPS   = 7
	nalSTAPA = 24
	nalFUA   = 28
)

// KeyFrame says whether a payload is the first of a key frame: a picture that is
// complete without any before it, from which a decoder can begin. It looks at
// VP8 (RFC 7741 §4.2 and §4.3) and at H.264 (RFC 6184) as single units, STAP-A
// and FU-A; with anything else, and with what is cut short, it is false.
func KeyFrame(c codec.ID, payload []byte) bool {
	switch c {
	case codec.VP8:
		return keyVP8(payload)
	case codec.H264:
		return keyH264(payload)
	default:
		return false
	}
}

// keyVP8 steps over the payload descriptor to the frame's first octet, whose
// lowest bit is 0 in a key frame. Only partition 0 begins with that octet.
func keyVP8(b []byte) bool {
	if len(b) < 2 || b[0]&0x10 == 0 || b[0]&0x07 != 0 { // S, PID
		return false
	}
	at := 1
	if b[0]&0x80 != 0 { // X
		ext := b[1]
		at = 2
		if ext&0x80 != 0 { // I: a picture ID of one octet or, with M, two
			if len(b) <= at {
				return false
			}
			at += 1 + int(b[at]>>7)
		}
		if ext&0x40 != 0 { // L
			at++
		}
		if ext&0x30 != 0 { // T or K share one octet
			at++
		}
	}
	return len(b) > at && b[at]&1 == 0
}

// keyH264 takes a sequence parameter set for the beginning too: it is sent in
// front of a key frame, which cannot be decoded without it.
func keyH264(b []byte) bool {
	if len(b) == 0 {
		return false
	}
	switch kind := b[0] & 0x1F; kind {
	case nalIDR, nalSPS:
		return len(b) > 1
	case nalFUA:
		return len(b) > 2 && b[1]&0x80 != 0 && (b[1]&0x1F == nalIDR || b[1]&0x1F == nalSPS)
	case nalSTAPA:
		return keySTAPA(b[1:])
	default:
		return false
	}
}

// keySTAPA looks at each unit of an aggregation, which has its size before it.
func keySTAPA(b []byte) bool {
	for len(b) > 2 {
		size := int(b[0])<<8 | int(b[1])
		if size == 0 || len(b) < 2+size {
			return false
		}
		if kind := b[2] & 0x1F; kind == nalIDR || kind == nalSPS {
			return true
		}
		b = b[2+size:]
	}
	return false
}
