package media

import "callfloor/media/codec"

// Silent says whether p is digital silence: what a muted or broken microphone
// sends, and no room ever does. It knows it of PCMU, PCMA and Opus; anything
// else counts as sound.
func Silent(p *Packet) bool {
	switch p.Codec {
	case codec.PCMU: // the two zeros and the steps beside them
		for _, b := range p.Payload {
			if b|0x80 < 0xFE {
				return false
			}
		}
		return true
	case codec.PCMA:
		for _, b := range p.Payload {
			if b|0x80 != 0xD5 {
				return false
			}
		}
		return true
	case codec.Opus: // RFC 6716 §3.4: a frame of silence has three octets at most
		return len(p.Payload) <= 3
	default:
		return false
	}
}
