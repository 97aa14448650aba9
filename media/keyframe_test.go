package media

import (
	"testing"

	"pgregory.net/rapid"

	"callfloor/media/codec"
)

func TestKeyFrame(t *testing.T) {
	for name, c := range map[string]struct {
		codec   codec.ID
		payload []byte
		want    bool
	}{
		"VP8: key":                           {codec.VP8, []byte{0x10, 0x50}, true},
		"VP8: inter":                         {codec.VP8, []byte{0x10, 0x51}, false},
		"VP8: a key frame's second packet":   {codec.VP8, []byte{0x00, 0x50}, false},
		"VP8: partition 1":                   {codec.VP8, []byte{0x11, 0x50}, false},
		"VP8: non-reference, partition 0":    {codec.VP8, []byte{0x30, 0x50}, true},
		"VP8: picture ID of 7 bits":          {codec.VP8, []byte{0x90, 0x80, 0x11, 0x50}, true},
		"VP8: picture ID of 15 bits":         {codec.VP8, []byte{0x90, 0x80, 0x91, 0x11, 0x50}, true},
		"VP8: 15 bits, inter":                {codec.VP8, []byte{0x90, 0x80, 0x91, 0x11, 0x51}, false},
		"VP8: all of the descriptor":         {codec.VP8, []byte{0x90, 0xF0, 0x91, 0x11, 0x22, 0x33, 0x50}, true},
		"VP8: TL0PICIDX":                     {codec.VP8, []byte{0x90, 0x40, 0x22, 0x50}, true},
		"VP8: KEYIDX alone":                  {codec.VP8, []byte{0x90, 0x10, 0x22, 0x51}, false},
		"VP8: the descriptor alone":          {codec.VP8, []byte{0x90, 0xF0, 0x91, 0x11, 0x22, 0x33}, false},
		"VP8: cut in the descriptor":         {codec.VP8, []byte{0x90, 0x80}, false},
		"VP8: empty":                         {codec.VP8, nil, false},
		"H.264: IDR":                         {codec.H264, []byte{0x65, 0x88}, true},
		"H.264: SPS":                         {codec.H264, []byte{0x67, 0x42}, true},
		"H.264: PPS":                         {codec.H264, []byte{0x68, 0xCE}, false},
		"H.264: SEI":                         {codec.H264, []byte{0x06, 0x05}, false},
		"H.264: slice":                       {codec.H264, []byte{0x41, 0x9A}, false},
		"H.264: STAP-A of SPS and PPS":       {codec.H264, []byte{0x78, 0, 2, 0x67, 0x42, 0, 2, 0x68, 0xCE}, true},
		"H.264: STAP-A, the IDR is second":   {codec.H264, []byte{0x78, 0, 2, 0x06, 0x05, 0, 2, 0x65, 0x88}, true},
		"H.264: STAP-A of slices":            {codec.H264, []byte{0x78, 0, 2, 0x41, 0x9A, 0, 2, 0x41, 0x9B}, false},
		"H.264: STAP-A with a wrong size":    {codec.H264, []byte{0x78, 0xFF, 0xFF, 0x65, 0x88}, false},
		"H.264: STAP-A with nothing in it":   {codec.H264, []byte{0x78, 0, 0, 0x65, 0x88}, false},
		"H.264: FU-A, an IDR begins":         {codec.H264, []byte{0x7C, 0x85, 0x88}, true},
		"H.264: FU-A, an IDR goes on":        {codec.H264, []byte{0x7C, 0x05, 0x88}, false},
		"H.264: FU-A, an IDR ends":           {codec.H264, []byte{0x7C, 0x45, 0x88}, false},
		"H.264: FU-A, a slice begins":        {codec.H264, []byte{0x5C, 0x81, 0x9A}, false},
		"H.264: FU-A, cut":                   {codec.H264, []byte{0x7C, 0x85}, false},
		"H.264: FU-B is not of mode 1":       {codec.H264, []byte{0x7D, 0x85, 0, 0, 0x88}, false},
		"sound has none":                     {codec.PCMU, []byte{0x10, 0x00}, false},
		"H.264: an aggregate's header alone": {codec.H264, []byte{0x78}, false},
	} {
		if got := KeyFrame(c.codec, c.payload); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// Whatever comes is looked at without reading past its end.
func FuzzKeyFrame(f *testing.F) {
	for _, seed := range [][]byte{{0x90, 0xF0, 0x91, 0x11, 0x22, 0x33, 0x50}, {0x78, 0, 2, 0x06, 0x05, 0, 2, 0x65, 0x88}, {0x7C, 0x85, 0x88}, {0x78, 0xFF}} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, c := range []codec.ID{codec.VP8, codec.H264} {
			if KeyFrame(c, b) && len(b) < 2 {
				t.Fatalf("%s: a key frame in %d octets", c, len(b))
			}
		}
	})
}

// headerExtension finds what was put in, whatever stands before it.
func TestHeaderExtension(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		two := rapid.Bool().Draw(t, "two octets")
		want := rapid.SliceOfN(rapid.Byte(), 1, 16).Draw(t, "value")
		csrcs := rapid.IntRange(0, 15).Draw(t, "CSRCs")
		var body []byte
		add := func(id byte, value []byte) {
			if two {
				body = append(append(body, id, byte(len(value))), value...)
			} else {
				body = append(append(body, id<<4|byte(len(value)-1)), value...)
			}
			for range rapid.IntRange(0, 3).Draw(t, "padding") {
				body = append(body, 0)
			}
		}
		if rapid.Bool().Draw(t, "another before it") {
			add(4, rapid.SliceOfN(rapid.Byte(), 1, 16).Draw(t, "other"))
		}
		add(3, want)
		for len(body)%4 != 0 {
			body = append(body, 0)
		}
		raw := make([]byte, 12+4*csrcs)
		raw[0] = 0x90 | byte(csrcs)
		profile := [2]byte{0xBE, 0xDE}
		if two {
			profile = [2]byte{0x10, 0x00}
		}
		raw = append(append(raw, profile[0], profile[1], 0, byte(len(body)/4)), body...)
		raw = append(raw, 1, 2, 3)
		if got := headerExtension(raw, 3); string(got) != string(want) {
			t.Fatalf("%x, want %x, in %x", got, want, raw)
		}
		if got := headerExtension(raw, 5); got != nil {
			t.Fatalf("found %x under a number that is not there", got)
		}
	})
}

func FuzzHeaderExtension(f *testing.F) {
	f.Add([]byte{0x90, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xBE, 0xDE, 0, 1, 0x31, 1, 2, 0}, uint8(3))
	f.Add([]byte{0x90, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 1, 3, 1, 2, 0}, uint8(3))
	f.Fuzz(func(_ *testing.T, raw []byte, id uint8) {
		if _, err := parseRTP(raw); err == nil {
			headerExtension(raw, id)
		}
	})
}
