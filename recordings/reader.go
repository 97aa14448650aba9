package recordings

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"callfloor/contact"
)

// Damage is where a capture is not what was written.
type Damage struct {
	// Entry is the number of the first damaged entry; 0 is the header.
	Entry uint64 `json:"entry"`
	Why   string `json:"why"`
}

// Error names the entry and the damage.
func (d *Damage) Error() string { return fmt.Sprintf("entry %d: %s", d.Entry, d.Why) }

// errTorn is the end of a capture whose last entry is not whole, as a crash
// leaves it.
var errTorn = errors.New("it is not whole")

// reader reads a capture from front to back. It trusts nothing in it: what it
// allocates is bounded by maxHeader and maxEntry, and every entry is
// authenticated before it is looked at.
type reader struct {
	src    io.ReaderAt
	size   int64 // of src, at most what is to be read
	off    int64 // of the next entry
	header header
	chain  *chain
	buf    []byte
}

// newReader reads and checks the header; what is wrong with it is a *Damage of
// entry 0.
func newReader(src io.ReaderAt, size int64, ring *keyring) (*reader, error) {
	fail := func(err error) error { return &Damage{Entry: 0, Why: err.Error()} }
	start := make([]byte, min(size, 12))
	if err := readFull(src, start, 0); err != nil {
		return nil, fail(err)
	}
	n, err := headerLength(start)
	if err != nil {
		return nil, fail(err)
	}
	if int64(n) > size {
		return nil, fail(errTorn)
	}
	octets := make([]byte, n)
	if err := readFull(src, octets, 0); err != nil {
		return nil, fail(err)
	}
	h, err := parseHeader(octets)
	if err != nil {
		return nil, fail(err)
	}
	dataKey, err := ring.unwrap(h.wrapped)
	if err != nil {
		return nil, fail(err)
	}
	if err := checkHeader(dataKey, octets); err != nil {
		return nil, fail(err)
	}
	c, err := newChain(dataKey, octets)
	if err != nil {
		return nil, fail(err)
	}
	return &reader{src: src, size: size, off: int64(n), header: h, chain: c}, nil
}

// next returns the next entry's kind and body, which are valid until the next
// call. It returns io.EOF at the end, errTorn where the last entry is not
// whole, and a *Damage where an entry is not what was written.
func (r *reader) next() (kind byte, body []byte, err error) {
	left := r.size - r.off
	if left == 0 {
		return 0, nil, io.EOF
	}
	if left < lengthSize {
		return 0, nil, errTorn
	}
	var prefix [lengthSize]byte
	if err := readFull(r.src, prefix[:], r.off); err != nil {
		return 0, nil, err
	}
	n := int64(binary.BigEndian.Uint32(prefix[:]))
	switch {
	case n == 0: // what a file system leaves behind a crash
		return 0, nil, errTorn
	case n <= tagSize || n > maxEntry:
		return 0, nil, r.damage(errChanged)
	case n > left-lengthSize:
		return 0, nil, errTorn
	}
	whole := int(lengthSize + n)
	if cap(r.buf) < whole {
		r.buf = make([]byte, whole)
	}
	r.buf = r.buf[:whole]
	if err := readFull(r.src, r.buf, r.off); err != nil {
		return 0, nil, err
	}
	plain, err := r.chain.open(r.buf)
	if err != nil {
		return 0, nil, r.damage(err)
	}
	r.off += int64(whole)
	return plain[0], plain[1:], nil
}

// damage is err as the damage of the next entry.
func (r *reader) damage(err error) error { return &Damage{Entry: r.chain.n + 1, Why: err.Error()} }

func readFull(src io.ReaderAt, b []byte, off int64) error {
	n, err := src.ReadAt(b, off)
	if n == len(b) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		return errTorn // it was cut since its size was asked
	}
	return fmt.Errorf("read the capture: %w", err)
}

// summary is what one walk over a capture finds.
type summary struct {
	manifest *manifest
	seal     *seal
	marks    []Mark
	tally    tally
	entries  uint64
	head     chainHash
	size     int64 // up to the last whole entry
	// end is how the walk ended: io.EOF, errTorn or a *Damage.
	end error
}

// maxMarks bounds what a walk keeps of an odd capture.
const maxMarks = 100_000

// walk reads everything that can be read.
func (r *reader) walk() *summary {
	s := &summary{}
	for s.end == nil {
		s.entries, s.head, s.size = r.chain.n, r.chain.head, r.off
		kind, body, err := r.next()
		if err == nil {
			err = s.take(r, kind, body)
		}
		s.end = err
	}
	return s
}

// take looks at one entry; r has already counted it.
func (s *summary) take(r *reader, kind byte, body []byte) error {
	fail := func(err error) error { return &Damage{Entry: r.chain.n, Why: err.Error()} }
	if s.seal != nil {
		return fail(errors.New("there is an entry behind the seal"))
	}
	if (r.chain.n == 1) != (kind == kindManifest) {
		return fail(errors.New("the manifest is not the first entry"))
	}
	var err error
	switch kind {
	case kindManifest:
		err = s.takeManifest(r.header, body)
	case kindProof:
		err = new(tally).addAll(body)
	case kindPackets:
		err = s.tally.addAll(body)
	case kindMark:
		var m Mark
		if err = json.Unmarshal(body, &m); err == nil && len(s.marks) < maxMarks {
			s.marks = append(s.marks, m)
		}
	case kindSeal:
		if s.seal, err = parseSeal(body, r.header.public); err == nil {
			err = s.seal.matches(r.header.recording, s.entries, s.head)
		}
	default:
		err = fmt.Errorf("its kind, %d, is not known", kind)
	}
	if err != nil {
		return fail(err)
	}
	return nil
}

func (s *summary) takeManifest(h header, body []byte) error {
	var m manifest
	if err := json.Unmarshal(body, &m); err != nil {
		return fmt.Errorf("read the manifest: %w", err)
	}
	if m.Recording != h.recording || m.Contact != h.contact {
		return errors.New("the manifest is that of another recording")
	}
	s.manifest = &m
	return nil
}

// open opens row's capture up to limit octets (0: all); contact.NotFound if
// it was erased.
func (s *Store) open(r row) (*reader, io.Closer, error) {
	if r.erasedAt.Valid {
		return nil, nil, contact.Errorf(contact.NotFound, "recording %s was erased by %s", r.id, r.erasedBy)
	}
	ring, err := s.keys.load()
	if err != nil {
		return nil, nil, errKeys(err)
	}
	f, err := s.files.Open(r.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, &Damage{Entry: 0, Why: "the file is missing"}
	}
	if err != nil {
		return nil, nil, fmt.Errorf("open recording %s: %w", r.id, err)
	}
	rd, err := newReader(f, f.Size(), ring)
	if err != nil {
		discard(f)
		return nil, nil, fmt.Errorf("open recording %s: %w", r.id, err)
	}
	if rd.header.recording != r.id {
		discard(f)
		return nil, nil, fmt.Errorf("open recording %s: %w", r.id, &Damage{Entry: 0, Why: "the file is that of recording " + string(rd.header.recording)})
	}
	return rd, f, nil
}
