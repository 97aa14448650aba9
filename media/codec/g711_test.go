package codec

import (
	"testing"

	"github.com/zaf/g711"
	"pgregory.net/rapid"
)

func TestTablesAreG711(t *testing.T) {
	for v := -32768; v <= 32767; v++ {
		var got [2]byte
		Encode(PCMU, got[:1], []int16{int16(v)})
		Encode(PCMA, got[1:], []int16{int16(v)})
		if want := [2]byte{g711.EncodeUlawFrame(int16(v)), g711.EncodeAlawFrame(int16(v))}; got != want {
			t.Fatalf("sample %d: encoded as % x, want % x", v, got, want)
		}
	}
	for b := range 256 {
		var got [2]int16
		Decode(PCMU, got[:1], []byte{byte(b)})
		Decode(PCMA, got[1:], []byte{byte(b)})
		if want := [2]int16{g711.DecodeUlawFrame(byte(b)), g711.DecodeAlawFrame(byte(b))}; got != want {
			t.Fatalf("octet %#x: decoded as %v, want %v", b, got, want)
		}
	}
}

func TestSilenceIsQuiet(t *testing.T) {
	for _, c := range []ID{PCMU, PCMA} {
		var s [1]int16
		Decode(c, s[:], []byte{Silence(c)})
		if s[0] < -8 || s[0] > 8 {
			t.Errorf("silence of %v decodes to %d", c, s[0])
		}
	}
}

func TestLengths(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := rapid.SampledFrom([]ID{PCMU, PCMA}).Draw(t, "codec")
		src := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "src")
		dst := make([]int16, rapid.IntRange(0, 300).Draw(t, "room"))
		n := Decode(c, dst, src)
		if n != min(len(dst), len(src)) {
			t.Fatalf("decoded %d of %d into %d", n, len(src), len(dst))
		}
		back := make([]byte, n)
		Encode(c, back, dst[:n])
		again := make([]int16, n)
		Decode(c, again, back)
		for i := range again {
			if again[i] != dst[i] {
				t.Fatalf("octet %#x: %d became %d", src[i], dst[i], again[i])
			}
		}
	})
}

func TestOtherCodecsConvertNothing(t *testing.T) {
	var b [4]byte
	var s [4]int16
	if Encode(Opus, b[:], s[:]) != 0 || Decode(G722, s[:], b[:]) != 0 || Transcode(Opus, b[:], b[:]) != 0 {
		t.Error("a codec without tables converted something")
	}
}

func TestNothingIsAllocated(t *testing.T) {
	var b, b2 [160]byte
	var s [160]int16
	if n := testing.AllocsPerRun(100, func() {
		Encode(PCMU, b[:], s[:])
		Decode(PCMA, s[:], b[:])
		Transcode(PCMU, b2[:], b[:])
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkEncode(b *testing.B) {
	var dst [160]byte
	var src [160]int16
	for i := range src {
		src[i] = int16(i*321 - 20000)
	}
	for b.Loop() {
		Encode(PCMU, dst[:], src[:])
	}
}

func TestParse(t *testing.T) {
	for id := PCMU; id < last; id++ {
		if got := Parse(id.String()); got != id {
			t.Errorf("Parse(%q) = %v", id.String(), got)
		}
	}
	if Parse("pcmu") != PCMU || Parse("speex") != None || ID(200).String() != "" {
		t.Error("names are not read as they should be")
	}
}
