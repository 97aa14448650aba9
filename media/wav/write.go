package wav

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// headerSize is RIFF (12) + fmt (8 + 16) + the head of data (8).
const headerSize = 44

// Writer writes 16-bit PCM. Its header says "size unknown" until Close, so that
// what was written before a crash can be played by sox and ffmpeg.
type Writer struct {
	w        io.WriteSeeker
	start    int64 // where the header begins
	channels int
	octets   int64
	buf      []byte
	err      error // the first error of a write; every later call returns it
}

// NewWriter writes a header at w's current position. It returns an error if
// rateHz or channels is not positive or w fails.
func NewWriter(w io.WriteSeeker, rateHz, channels int) (*Writer, error) {
	if rateHz <= 0 || channels <= 0 || channels > 16 {
		return nil, fmt.Errorf("write WAV header: %d Hz and %d channels; both must be positive and at most 16 channels", rateHz, channels)
	}
	start, err := w.Seek(0, io.SeekCurrent)
	if err != nil {
		return nil, fmt.Errorf("find the start of the WAV file: %w", err)
	}
	b := make([]byte, 0, headerSize)
	b = append(b, "RIFF"...)
	b = binary.LittleEndian.AppendUint32(b, unknownSize)
	b = append(b, "WAVEfmt "...)
	b = binary.LittleEndian.AppendUint32(b, 16)
	b = binary.LittleEndian.AppendUint16(b, formatPCM)
	b = binary.LittleEndian.AppendUint16(b, uint16(channels))
	b = binary.LittleEndian.AppendUint32(b, uint32(rateHz))
	b = binary.LittleEndian.AppendUint32(b, uint32(rateHz*channels*2))
	b = binary.LittleEndian.AppendUint16(b, uint16(channels*2))
	b = binary.LittleEndian.AppendUint16(b, 16)
	b = append(b, "data"...)
	b = binary.LittleEndian.AppendUint32(b, unknownSize)
	if _, err := w.Write(b); err != nil {
		return nil, fmt.Errorf("write WAV header: %w", err)
	}
	return &Writer{w: w, start: start, channels: channels}, nil
}

// Write appends samples, interleaved if there are several channels. It does not
// buffer: what it has taken is in the file.
func (w *Writer) Write(samples []int16) error {
	if w.err != nil {
		return w.err
	}
	if len(samples)%w.channels != 0 {
		return fmt.Errorf("write WAV data: %d samples are not a multiple of %d channels", len(samples), w.channels)
	}
	w.buf = w.buf[:0]
	for _, s := range samples {
		w.buf = binary.LittleEndian.AppendUint16(w.buf, uint16(s))
	}
	n, err := w.w.Write(w.buf)
	w.octets += int64(n)
	if err != nil {
		w.err = fmt.Errorf("write WAV data: %w", err)
	}
	return w.err
}

// Close writes the true sizes into the header and leaves the position at the
// end. A file too long for 32-bit sizes keeps "unknown". It does not close what
// it writes to. After it, Write fails.
func (w *Writer) Close() error {
	if w.err != nil {
		return w.err
	}
	w.err = errors.New("write WAV data: the writer is closed")
	if w.octets > math.MaxUint32-headerSize {
		return nil
	}
	var b [4]byte
	for _, f := range []struct{ at, size int64 }{{4, w.octets + headerSize - 8}, {40, w.octets}} {
		binary.LittleEndian.PutUint32(b[:], uint32(f.size))
		if _, err := w.w.Seek(w.start+f.at, io.SeekStart); err != nil {
			return fmt.Errorf("repair WAV header: %w", err)
		}
		if _, err := w.w.Write(b[:]); err != nil {
			return fmt.Errorf("repair WAV header: %w", err)
		}
	}
	_, err := w.w.Seek(w.start+headerSize+w.octets, io.SeekStart)
	return err
}
