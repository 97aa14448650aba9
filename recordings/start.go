package recordings

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path"
	"time"

	"callfloor/contact"
	"callfloor/internal/store"
	"callfloor/recordings/consent"
)

// Start begins a recording. Its file, with the proof of consent as the first
// entry, and its row are there when it returns; they are made by the calling
// goroutine, so that no call should wait in its own. It is refused
// with contact.Forbidden without a valid grant of that contact, and with
// contact.Busy when the disk is too full; no file is made then.
func (s *Store) Start(ctx context.Context, grant consent.Grant, meta Meta) (*Recording, error) {
	if !grant.Valid() {
		return nil, contact.Errorf(contact.Forbidden, "there is no consent to record contact %s", meta.Contact)
	}
	if grant.Contact() != meta.Contact {
		return nil, contact.Errorf(contact.Forbidden, "the consent of contact %s is none of contact %s", grant.Contact(), meta.Contact)
	}
	if meta.Answered.IsZero() {
		return nil, contact.Errorf(contact.Invalid, "a recording needs the time of the agent's answer")
	}
	if err := errors.Join(s.checkFree(), s.takeLock()); err != nil {
		return nil, fmt.Errorf("start the recording of contact %s: %w", meta.Contact, err)
	}
	r := newRecording(s, grant, meta)
	s.enlist(r) // before its row is there: an open row of nobody's would be taken for a crash
	if err := s.create(ctx, r); err != nil {
		s.delist(r)
		r.err = err
		close(r.done)
		return nil, fmt.Errorf("start the recording of contact %s: %w", meta.Contact, err)
	}
	go r.run()
	return r, nil
}

func (s *Store) enlist(r *Recording) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.live[r.id] = r
	if s.closed { // since takeLock: Close does not know this one
		r.end(whyClosed)
	}
}

func (s *Store) delist(r *Recording) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.live, r.id)
}

// capturePath is where a recording's file lies, under DIR/captures.
func capturePath(id contact.ID, answered time.Time) string {
	return path.Join(answered.UTC().Format("2006/01/02"), string(id)+extension)
}

// create makes r's file and row.
func (s *Store) create(ctx context.Context, r *Recording) error {
	ring, err := s.keys.loadOrMake()
	if err != nil {
		return err
	}
	first, ch, err := firstOctets(r, ring)
	if err != nil {
		return err
	}
	file, err := s.files.Create(r.path)
	if err != nil {
		s.wrote(err)
		return err
	}
	r.capture = &capture{file: file, chain: ch}
	err = r.capture.write(first)
	s.wrote(err)
	if err == nil {
		err = s.db.Tx(ctx, func(tx *store.Tx) error {
			return insertRow(ctx, tx, r.id, r.path, r.meta, r.grant.Answer().State)
		})
	}
	if err != nil {
		return errors.Join(err, file.Close(), s.files.Remove(r.path))
	}
	r.signing = ring.signing
	return nil
}

// firstOctets makes the header and the manifest of r.
func firstOctets(r *Recording, ring *keyring) ([]byte, *chain, error) {
	dataKey := make([]byte, keySize)
	_, _ = rand.Read(dataKey) // crypto/rand.Read never fails (its documentation)
	wrapped, err := ring.wrap(dataKey)
	if err != nil {
		return nil, nil, err
	}
	h := header{recording: r.id, contact: r.meta.Contact, created: time.Now(), public: ring.public(), wrapped: wrapped}
	head, err := h.encode(dataKey)
	if err != nil {
		return nil, nil, err
	}
	ch, err := newChain(dataKey, head)
	if err != nil {
		return nil, nil, err
	}
	entry, err := entryJSON(kindManifest, manifest{
		Recording: r.id, Contact: r.meta.Contact, Line: r.meta.Line, Queue: r.meta.Queue, Agent: r.meta.Agent,
		Answered: r.meta.Answered.UTC(), Consent: r.grant.Answer(),
	})
	if err != nil {
		return nil, nil, err
	}
	if entry, err = ch.seal(entry); err != nil {
		return nil, nil, err
	}
	return append(head, entry...), ch, nil
}

// capture is a file being written. Its chain and size are those of the whole
// entries in it, whatever part of another one a failing disk took.
type capture struct {
	file  store.Blob
	chain *chain
	size  int64
}

// append seals b (see chain.seal) and writes it.
func (c *capture) append(b []byte) error {
	n, head := c.chain.n, c.chain.head
	entry, err := c.chain.seal(b)
	if err == nil {
		err = c.write(entry)
	}
	if err != nil {
		c.chain.n, c.chain.head = n, head
	}
	return err
}

func (c *capture) write(b []byte) error {
	if _, err := c.file.Write(b); err != nil {
		return err
	}
	c.size += int64(len(b))
	return nil
}
