package recordings

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"callfloor/contact"
	"callfloor/media"
)

// The sound of a recording: 16-bit stereo at 8 kHz, left customer, right agent.
const (
	rateHz      = 8000
	frameOctets = 4
	wavHeader   = 44
	// maxSound bounds what is rendered, whatever a capture says; a WAV file ends
	// at 4 GiB anyway.
	maxSound = 24 * time.Hour
	// renderStep is how much is rendered at a time, renderLag how long a packet
	// may come after the sound beside it.
	renderStep = time.Second
	renderLag  = 2 * time.Second
)

// Export writes recording id to w as a stereo WAV file, from w's current place.
// A damaged capture gives what stands before the damage and then the *Damage.
func (s *Store) Export(ctx context.Context, id string, w io.WriteSeeker) error {
	audio, err := s.openAudio(ctx, id)
	if err != nil {
		return err
	}
	defer discard(audio)
	if _, err := io.Copy(w, audio); err != nil {
		return fmt.Errorf("export recording %s: %w", id, err)
	}
	return nil
}

// Audio returns recording id as a stereo WAV file, for http.ServeContent. It is
// rendered while it is read; nothing is kept on a disk. It is an io.Closer as
// well and must be closed. Of a recording that is still being made it is what
// there is now.
func (s *Store) Audio(ctx context.Context, id string) (io.ReadSeeker, error) {
	return s.openAudio(ctx, id)
}

func (s *Store) openAudio(ctx context.Context, id string) (*audio, error) {
	snd, err := s.openSound(ctx, id)
	if err != nil {
		return nil, err
	}
	return &audio{sound: snd}, nil
}

// sound renders a capture from its beginning, as often as is asked for. It is
// not safe for concurrent use.
type sound struct {
	ring     *keyring
	row      row
	file     io.ReaderAt
	closer   io.Closer
	size     int64 // of the capture, as far as it is to be read
	duration time.Duration

	// The rendering that runs.
	reader  *reader
	ended   error // why reader has no more: io.EOF or what is wrong
	sides   [tracks]*media.Assembler
	arrived time.Duration // of the newest packet that was read
	done    time.Duration // what was rendered
	pcm     []byte
	marks   []Mark
}

// openSound opens recording id for rendering.
func (s *Store) openSound(ctx context.Context, id string) (*sound, error) {
	r, err := s.row(ctx, id)
	if err != nil {
		return nil, err
	}
	rd, file, err := s.open(r)
	if err != nil {
		return nil, err
	}
	snd := &sound{row: r, closer: file, file: rd.src, size: rd.size, duration: time.Duration(r.duration.V) * time.Millisecond}
	if snd.ring, err = s.keys.load(); err != nil {
		discard(file)
		return nil, errKeys(err)
	}
	if r.size.Valid {
		snd.size = min(snd.size, r.size.V)
	} else { // still being made: it is as long as what is there
		found := rd.walk()
		snd.size, snd.duration = found.size, found.tally.end
	}
	snd.duration = min(max(snd.duration, 0), maxSound).Truncate(time.Millisecond)
	return snd, nil
}

// Close closes the capture.
func (s *sound) Close() error { return s.closer.Close() }

// frames is the length in stereo samples.
func (s *sound) frames() int64 { return s.duration.Milliseconds() * rateHz / 1000 }

// rewind begins a new rendering.
func (s *sound) rewind() error {
	rd, err := newReader(s.file, s.size, s.ring)
	if err != nil {
		return fmt.Errorf("render recording %s: %w", s.row.id, err)
	}
	s.reader, s.ended, s.arrived, s.done, s.marks = rd, nil, 0, 0, nil
	for n := range s.sides {
		s.sides[n] = media.NewAssembler(s.row.meta.Answered)
	}
	return nil
}

// step renders the next renderStep of sound, interleaved; it is valid until
// the next step. io.EOF is the end.
func (s *sound) step() ([]byte, error) {
	if s.done >= s.duration {
		return nil, io.EOF
	}
	until := min(s.done+renderStep, s.duration)
	for s.ended == nil && s.arrived < until+renderLag {
		s.ended = s.readEntry()
	}
	if s.ended != nil && !errors.Is(s.ended, io.EOF) {
		return nil, fmt.Errorf("render recording %s: %w", s.row.id, s.ended)
	}
	left, right := s.sides[trackCustomer].Read(until), s.sides[trackAgent].Read(until)
	add(right, s.sides[trackSecond].Read(until))
	s.sides[trackSupervisor].Read(until)
	s.done = until
	s.pcm = s.pcm[:0]
	for i := range min(len(left), len(right)) {
		s.pcm = binary.LittleEndian.AppendUint16(s.pcm, uint16(left[i]))
		s.pcm = binary.LittleEndian.AppendUint16(s.pcm, uint16(right[i]))
	}
	return s.pcm, nil
}

// add puts more on top of samples, as loud as they can be.
func add(samples, more []int16) {
	for i := range min(len(samples), len(more)) {
		samples[i] = int16(max(math.MinInt16, min(math.MaxInt16, int(samples[i])+int(more[i]))))
	}
}

// readEntry gives one entry's packets to the assemblers.
func (s *sound) readEntry() error {
	kind, body, err := s.reader.next()
	if err != nil {
		return err
	}
	switch kind {
	case kindMark:
		s.marks = appendMark(s.marks, body)
	case kindPackets:
		return s.readPackets(body)
	}
	return nil
}

func (s *sound) readPackets(body []byte) error {
	for len(body) > 0 {
		r, rest, err := nextRecord(body)
		if err != nil {
			return err
		}
		body = rest
		if r.offset < 0 || r.offset > s.duration {
			continue // before sample 0 or behind the end
		}
		s.arrived = max(s.arrived, r.offset)
		p := &r.packet
		s.sides[r.track].Add(p.Codec, p.SSRC, p.Seq, p.Timestamp, s.row.meta.Answered.Add(r.offset), p.Payload)
	}
	return nil
}

// audio is a sound as a WAV file. Reading forward renders; seeking back begins
// again from the start, which costs less than a second for an hour of G.711 and some for one of G.722 or Opus.
type audio struct {
	*sound
	pos  int64  // of the next octet to be read
	next int64  // of the first octet behind chunk
	rest []byte // what is left of chunk, ends at next
	on   bool   // a rendering runs
}

// size of the file in octets.
func (a *audio) octets() int64 { return wavHeader + a.frames()*frameOctets }

// Seek implements io.Seeker.
func (a *audio) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		offset += a.pos
	case io.SeekEnd:
		offset += a.octets()
	default:
		return 0, contact.Errorf(contact.Invalid, "seek in a recording: whence %d", whence)
	}
	if offset < 0 {
		return 0, contact.Errorf(contact.Invalid, "seek in a recording: before its beginning")
	}
	a.pos = offset
	return offset, nil
}

// Read implements io.Reader.
func (a *audio) Read(b []byte) (int, error) {
	if a.pos >= a.octets() {
		return 0, io.EOF
	}
	if len(b) == 0 {
		return 0, nil
	}
	if a.pos < wavHeader {
		h := a.header()
		n := copy(b, h[a.pos:])
		a.pos += int64(n)
		return n, nil
	}
	if err := a.advance(); err != nil {
		return 0, err
	}
	n := copy(b, a.rest)
	a.rest = a.rest[n:]
	a.pos += int64(n)
	return n, nil
}

// advance renders until rest begins at pos.
func (a *audio) advance() error {
	if begin := a.next - int64(len(a.rest)); !a.on || a.pos < begin {
		if err := a.rewind(); err != nil {
			return err
		}
		a.on, a.next, a.rest = true, wavHeader, nil
	}
	for a.pos >= a.next {
		chunk, err := a.step()
		if errors.Is(err, io.EOF) {
			return io.ErrUnexpectedEOF // octets counted it; never seen
		}
		if err != nil {
			return err
		}
		a.rest, a.next = chunk, a.next+int64(len(chunk))
	}
	a.rest = a.rest[int64(len(a.rest))-(a.next-a.pos):]
	return nil
}

// header is that of a WAV file of PCM (Microsoft's RIFF, WAVE_FORMAT_PCM).
func (a *audio) header() []byte {
	data := uint32(a.frames() * frameOctets)
	b := append(make([]byte, 0, wavHeader), "RIFF"...)
	b = binary.LittleEndian.AppendUint32(b, wavHeader-8+data)
	b = append(b, "WAVEfmt "...)
	b = binary.LittleEndian.AppendUint32(b, 16)
	b = binary.LittleEndian.AppendUint16(b, 1) // PCM
	b = binary.LittleEndian.AppendUint16(b, 2) // channels
	b = binary.LittleEndian.AppendUint32(b, rateHz)
	b = binary.LittleEndian.AppendUint32(b, rateHz*frameOctets)
	b = binary.LittleEndian.AppendUint16(b, frameOctets)
	b = binary.LittleEndian.AppendUint16(b, 16) // bits
	b = append(b, "data"...)
	return binary.LittleEndian.AppendUint32(b, data)
}
