// Package wav reads and writes WAV files: 16-bit PCM and G.711 in, 16-bit PCM
// out. A file that was cut off at any octet stays readable.
package wav

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"callfloor/media/codec"
)

// The format codes of the fmt chunk that Read knows.
const (
	formatPCM        = 1
	formatALaw       = 6
	formatULaw       = 7
	formatExtensible = 0xFFFE // the true code is in the sub-format
)

// unknownSize stands in the header while a file is being written.
const unknownSize = 0xFFFFFFFF

// maxData bounds what Read takes into memory: 256 MiB, more than two hours of
// 8 kHz stereo.
const maxData = 256 << 20

// format is what the fmt chunk says.
type format struct {
	code, channels, bits int
	rateHz               int
}

// Read reads a whole WAV file of 16-bit PCM, A-law or µ-law. Samples of several
// channels are interleaved. A data chunk whose size is unknown (0xFFFFFFFF) or
// larger than the file is read up to the end of r. It returns an error if r is
// no WAV file, is in another format, has no sensible rate or channel count, or
// holds more than 256 MiB of sound.
func Read(r io.Reader) (samples []int16, rateHz, channels int, err error) {
	var head [12]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, 0, 0, fmt.Errorf("read WAV header: %w", err)
	}
	if string(head[:4]) != "RIFF" || string(head[8:]) != "WAVE" {
		return nil, 0, 0, errors.New("read WAV header: not a RIFF/WAVE file")
	}
	var f format
	for {
		id, size, err := readChunkHead(r)
		if err != nil {
			return nil, 0, 0, fmt.Errorf("read WAV chunks: no data chunk: %w", err)
		}
		switch id {
		case "fmt ":
			if f, err = readFormat(r, size); err != nil {
				return nil, 0, 0, err
			}
		case "data":
			if f.code == 0 {
				return nil, 0, 0, errors.New("read WAV: data chunk before fmt chunk")
			}
			samples, err := readData(r, size, f)
			return samples, f.rateHz, f.channels, err
		default:
			if err := skip(r, int64(size)+int64(size&1)); err != nil {
				return nil, 0, 0, fmt.Errorf("skip WAV chunk %q: %w", id, err)
			}
		}
	}
}

func readChunkHead(r io.Reader) (id string, size uint32, err error) {
	var b [8]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return "", 0, err
	}
	return string(b[:4]), binary.LittleEndian.Uint32(b[4:]), nil
}

func skip(r io.Reader, n int64) error {
	got, err := io.CopyN(io.Discard, r, n)
	if err == io.EOF && got < n {
		return io.ErrUnexpectedEOF
	}
	return err
}

func readFormat(r io.Reader, size uint32) (format, error) {
	if size < 16 || size > 1024 {
		return format{}, fmt.Errorf("read WAV fmt chunk: %d octets; 16 to 1024 were expected", size)
	}
	b := make([]byte, size+size&1)
	if _, err := io.ReadFull(r, b); err != nil {
		return format{}, fmt.Errorf("read WAV fmt chunk: %w", err)
	}
	f := format{
		code:     int(binary.LittleEndian.Uint16(b[0:])),
		channels: int(binary.LittleEndian.Uint16(b[2:])),
		rateHz:   int(binary.LittleEndian.Uint32(b[4:])),
		bits:     int(binary.LittleEndian.Uint16(b[14:])),
	}
	if f.code == formatExtensible && size >= 26 {
		f.code = int(binary.LittleEndian.Uint16(b[24:]))
	}
	return f, f.check()
}

func (f format) check() error {
	switch {
	case f.channels < 1 || f.channels > 16:
		return fmt.Errorf("read WAV fmt chunk: %d channels; 1 to 16 are read", f.channels)
	case f.rateHz < 1000 || f.rateHz > 384000:
		return fmt.Errorf("read WAV fmt chunk: %d Hz; 1000 to 384000 are read", f.rateHz)
	case f.code == formatPCM && f.bits == 16, f.code == formatALaw && f.bits == 8, f.code == formatULaw && f.bits == 8:
		return nil
	default:
		return fmt.Errorf("read WAV fmt chunk: format %d with %d bits; 16-bit PCM, A-law and µ-law are read", f.code, f.bits)
	}
}

// readData reads the data chunk and turns it into samples. Octets after the
// last whole sample frame are left out.
func readData(r io.Reader, size uint32, f format) ([]int16, error) {
	limit := int64(size)
	if size == unknownSize || limit > maxData {
		limit = maxData + 1
	}
	raw, err := io.ReadAll(io.LimitReader(r, limit))
	if err != nil {
		return nil, fmt.Errorf("read WAV data chunk: %w", err)
	}
	if len(raw) > maxData {
		return nil, fmt.Errorf("read WAV data chunk: more than %d octets; use a shorter file", maxData)
	}
	frame := f.channels * f.bits / 8
	raw = raw[:len(raw)/frame*frame]
	switch f.code {
	case formatALaw, formatULaw:
		id := codec.PCMA
		if f.code == formatULaw {
			id = codec.PCMU
		}
		samples := make([]int16, len(raw))
		codec.Decode(id, samples, raw)
		return samples, nil
	default:
		samples := make([]int16, len(raw)/2)
		for i := range samples {
			samples[i] = int16(binary.LittleEndian.Uint16(raw[2*i:]))
		}
		return samples, nil
	}
}
