package wav

import (
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// file writes samples and returns the octets before and after Close.
func file(t interface {
	Fatal(...any)
	TempDir() string
}, rateHz, channels int, samples []int16) (open, closed []byte) {
	path := filepath.Join(t.TempDir(), "x.wav")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w, err := NewWriter(f, rateHz, channels)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(samples); err != nil {
		t.Fatal(err)
	}
	if open, err = os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if closed, err = os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	return open, closed
}

func TestRoundTrip(t *testing.T) {
	want := []int16{0, 1, -1, 32767, -32768, 12}
	open, closed := file(t, 8000, 2, want)
	for name, b := range map[string][]byte{"open": open, "closed": closed} {
		got, rate, channels, err := Read(bytes.NewReader(b))
		if err != nil || rate != 8000 || channels != 2 || !slices.Equal(got, want) {
			t.Errorf("%s: got %v at %d Hz, %d channels, error %v", name, got, rate, channels, err)
		}
	}
	if size := binary.LittleEndian.Uint32(open[40:]); size != unknownSize {
		t.Errorf("size while open is %#x", size)
	}
	if size := binary.LittleEndian.Uint32(closed[40:]); size != uint32(2*len(want)) {
		t.Errorf("size after Close is %d", size)
	}
	if size := binary.LittleEndian.Uint32(closed[4:]); int(size) != len(closed)-8 {
		t.Errorf("RIFF size after Close is %d of %d", size, len(closed))
	}
}

// A file cut anywhere after its header is readable up to the cut.
func TestCutAnywhere(t *testing.T) {
	samples := make([]int16, 50)
	for i := range samples {
		samples[i] = int16(i)
	}
	open, closed := file(t, 8000, 1, samples)
	for n := headerSize; n <= len(open); n++ {
		for _, b := range [][]byte{open[:n], closed[:n]} {
			got, _, _, err := Read(bytes.NewReader(b))
			if err != nil || !slices.Equal(got, samples[:(n-headerSize)/2]) {
				t.Fatalf("cut at %d: %d samples, error %v", n, len(got), err)
			}
		}
	}
}

func TestRefused(t *testing.T) {
	_, good := file(t, 8000, 1, []int16{1, 2, 3})
	set := func(at int, v uint16) []byte {
		b := bytes.Clone(good)
		binary.LittleEndian.PutUint16(b[at:], v)
		return b
	}
	for name, b := range map[string][]byte{
		"ErrEmpty":       nil,
		"ErrNotWAV":      []byte("ID3 this is some other file"),
		"ErrNoData":      good[:36],
		"ErrFormat":      set(20, 3),
		"ErrBits":        set(34, 24),
		"ErrChannels0":   set(22, 0),
		"ErrChannels":    set(22, 99),
		"ErrRate":        set(24, 10),
		"ErrFmtSize":     set(16, 4),
		"ErrFmtSizeHuge": set(18, 4096),
	} {
		t.Run(name, func(t *testing.T) {
			if _, _, _, err := Read(bytes.NewReader(b)); err == nil {
				t.Error("it was read")
			}
		})
	}
}

func TestG711AndUnknownChunks(t *testing.T) {
	b := []byte("RIFF\x00\x00\x00\x00WAVE")
	b = append(b, "LIST\x03\x00\x00\x00abc\x00"...)
	b = append(b, "fmt \x10\x00\x00\x00\x07\x00\x01\x00\x40\x1f\x00\x00\x40\x1f\x00\x00\x01\x00\x08\x00"...)
	b = append(b, "data\x02\x00\x00\x00\xff\x80"...)
	got, rate, channels, err := Read(bytes.NewReader(b))
	if err != nil || rate != 8000 || channels != 1 || !slices.Equal(got, []int16{0, 32124}) {
		t.Errorf("got %v at %d Hz, %d channels, error %v", got, rate, channels, err)
	}
}

func TestWriterRefuses(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "x.wav"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := NewWriter(f, 0, 1); err == nil {
		t.Error("a rate of 0 was taken")
	}
	w, err := NewWriter(f, 8000, 2)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write([]int16{1}); err == nil {
		t.Error("half a stereo sample was taken")
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.Write([]int16{1, 2}); err == nil {
		t.Error("a closed writer took samples")
	}
}

func TestAnyRoundTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		channels := rapid.IntRange(1, 3).Draw(rt, "channels")
		n := rapid.IntRange(0, 50).Draw(rt, "frames")
		samples := rapid.SliceOfN(rapid.Int16(), n*channels, n*channels).Draw(rt, "samples")
		_, b := file(t, 16000, channels, samples)
		got, _, _, err := Read(bytes.NewReader(b))
		if err != nil || !slices.Equal(got, samples) {
			rt.Fatalf("got %v, error %v", got, err)
		}
	})
}

// FuzzRead: no input panics, and no more samples come out than octets went in.
func FuzzRead(f *testing.F) {
	open, closed := file(f, 8000, 1, []int16{1, 2, 3})
	f.Add(open)
	f.Add(closed)
	f.Add(closed[:45])
	f.Add([]byte("RIFF\xff\xff\xff\xffWAVELIST\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		samples, rate, channels, err := Read(io.MultiReader(bytes.NewReader(b)))
		if err != nil {
			return
		}
		if len(samples) > len(b) || rate < 1 || channels < 1 || len(samples)%channels != 0 {
			t.Fatalf("%d samples of %d octets at %d Hz, %d channels", len(samples), len(b), rate, channels)
		}
	})
}
