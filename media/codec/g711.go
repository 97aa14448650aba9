package codec

import "github.com/zaf/g711"

// The G.711 tables: one look-up a sample instead of the segment search of
// ITU-T G.711 §3. They are filled once and only read afterwards.
var (
	linearOf = [2]*[256]int16{linearTable(g711.DecodeUlawFrame), linearTable(g711.DecodeAlawFrame)}
	wordOf   = [2]*[65536]byte{wordTable(g711.EncodeUlawFrame), wordTable(g711.EncodeAlawFrame)}
	crossOf  = [2]*[256]byte{crossTable(g711.Ulaw2AlawFrame), crossTable(g711.Alaw2UlawFrame)}
)

func linearTable(f func(uint8) int16) *[256]int16 {
	var t [256]int16
	for i := range t {
		t[i] = f(uint8(i))
	}
	return &t
}

func wordTable(f func(int16) uint8) *[65536]byte {
	var t [65536]byte
	for i := range t {
		t[i] = f(int16(uint16(i)))
	}
	return &t
}

func crossTable(f func(uint8) uint8) *[256]byte {
	var t [256]byte
	for i := range t {
		t[i] = f(uint8(i))
	}
	return &t
}

// law returns the index of c's tables.
func law(c ID) (int, bool) {
	switch c {
	case PCMU:
		return 0, true
	case PCMA:
		return 1, true
	default:
		return 0, false
	}
}

// Encode writes src in c into dst, one octet a sample, and returns how many
// octets it wrote: the shorter of both lengths, or 0 if c is not G.711. It
// allocates nothing.
func Encode(c ID, dst []byte, src []int16) int {
	i, ok := law(c)
	if !ok {
		return 0
	}
	t, n := wordOf[i], min(len(dst), len(src))
	for j, s := range src[:n] {
		dst[j] = t[uint16(s)]
	}
	return n
}

// Decode writes src, which is in c, as 16-bit samples into dst and returns how
// many samples it wrote: the shorter of both lengths, or 0 if c is not G.711.
// It allocates nothing.
func Decode(c ID, dst []int16, src []byte) int {
	i, ok := law(c)
	if !ok {
		return 0
	}
	t, n := linearOf[i], min(len(dst), len(src))
	for j, b := range src[:n] {
		dst[j] = t[b]
	}
	return n
}

// Transcode writes src, which is in from, into dst in the other law of G.711
// and returns how many octets it wrote: the shorter of both lengths, or 0 if
// from is not G.711. It allocates nothing.
func Transcode(from ID, dst, src []byte) int {
	i, ok := law(from)
	if !ok {
		return 0
	}
	t, n := crossOf[i], min(len(dst), len(src))
	for j, b := range src[:n] {
		dst[j] = t[b]
	}
	return n
}

// Silence returns the octet that decodes to (almost) zero in c: 0xFF for PCMU,
// 0xD5 for PCMA, 0 for everything else.
func Silence(c ID) byte {
	switch c {
	case PCMU:
		return 0xFF
	case PCMA:
		return 0xD5
	default:
		return 0
	}
}
