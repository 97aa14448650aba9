package codec

// Duration returns how long payload sounds, in units of c.ClockRate(); 0 if it
// holds no sound that can be told.
func Duration(c ID, payload []byte) uint32 {
	switch c {
	case PCMU, PCMA, G722: // G722: two samples an octet at 16 kHz, a clock of 8 kHz (RFC 3551 §4.5.2)
		return uint32(len(payload))
	case Opus:
		return opusDuration(payload)
	default:
		return 0
	}
}

// opusFrame is the length of one Opus frame by the configuration in its TOC
// octet, in units of 48 kHz (RFC 6716 §3.1, table 2).
func opusFrame(config byte) uint32 {
	switch {
	case config < 12: // SILK: 10, 20, 40, 60 ms
		return [4]uint32{480, 960, 1920, 2880}[config&3]
	case config < 16: // hybrid: 10, 20 ms
		return 480 << (config & 1)
	default: // CELT: 2.5, 5, 10, 20 ms
		return 120 << (config & 3)
	}
}

// opusDuration reads the TOC octet (RFC 6716 §3.1, §3.2).
func opusDuration(payload []byte) uint32 {
	if len(payload) == 0 {
		return 0
	}
	frame := opusFrame(payload[0] >> 3)
	switch payload[0] & 3 {
	case 0:
		return frame
	case 1, 2:
		return 2 * frame
	}
	if len(payload) < 2 {
		return 0
	}
	all := uint32(payload[1]&0x3F) * frame
	if all > 5760 { // [R5]: at most 120 ms
		return 0
	}
	return all
}
