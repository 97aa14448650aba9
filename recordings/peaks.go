package recordings

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"callfloor/contact"
)

// Peaks is what a waveform is drawn of.
type Peaks struct {
	// Duration is in seconds.
	Duration float64 `json:"duration"`
	// Customer and Agent are the loudest sample of each of n equal parts, 0 to 1.
	Customer []float64 `json:"customer"`
	Agent    []float64 `json:"agent"`
	Marks    []Mark    `json:"marks"`
}

// maxPeaks is the most parts.
const maxPeaks = 10_000

// Peaks cuts recording id into n parts, 1 to 10,000.
func (s *Store) Peaks(ctx context.Context, id string, n int) (Peaks, error) {
	if n < 1 || n > maxPeaks {
		return Peaks{}, contact.Errorf(contact.Invalid, "peaks are asked for in 1 to %d parts, not in %d", maxPeaks, n)
	}
	snd, err := s.openSound(ctx, id)
	if err != nil {
		return Peaks{}, err
	}
	defer discard(snd)
	if err := snd.rewind(); err != nil {
		return Peaks{}, err
	}
	p := Peaks{Duration: seconds(snd.duration), Customer: make([]float64, n), Agent: make([]float64, n), Marks: []Mark{}}
	total := max(snd.frames(), 1)
	for at := int64(0); ; {
		pcm, err := snd.step()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return Peaks{}, err
		}
		if err := ctx.Err(); err != nil {
			return Peaks{}, err
		}
		for ; len(pcm) >= frameOctets; pcm = pcm[frameOctets:] {
			part := min(at*int64(n)/total, int64(n)-1)
			p.Customer[part] = max(p.Customer[part], loudness(pcm))
			p.Agent[part] = max(p.Agent[part], loudness(pcm[2:]))
			at++
		}
	}
	if err := snd.drainMarks(); err != nil {
		return Peaks{}, err
	}
	p.Marks = append(p.Marks, snd.marks...)
	return p, nil
}

// loudness of one little-endian sample, rounded to thousandths.
func loudness(b []byte) float64 {
	v := int(int16(binary.LittleEndian.Uint16(b)))
	return float64(max(v, -v)*1000/32768) / 1000
}

// drainMarks reads what stands behind the last sound.
func (s *sound) drainMarks() error {
	for s.ended == nil {
		s.ended = s.readEntry()
	}
	if errors.Is(s.ended, io.EOF) {
		return nil
	}
	return fmt.Errorf("read recording %s: %w", s.row.id, s.ended)
}

// appendMark adds a mark, with the words that a reader is shown.
func appendMark(marks []Mark, body []byte) []Mark {
	var m Mark
	if err := json.Unmarshal(body, &m); err != nil || len(marks) >= maxMarks {
		return marks // Verify names it; sound goes on without
	}
	if m.Text == "" {
		m.Text = strings.ReplaceAll(m.Kind, "_", " ")
	}
	return append(marks, m)
}
