package ivr

import (
	"fmt"
	"io/fs"
	"strings"
	"time"

	"callfloor/contact"
)

// BackFlow returns the flow of a call back: it greets, asks for consent again
// as a line with this policy does, and leads to the queue, where the customer
// has their place. Consent of the first call does not count for this one.
func BackFlow(p *Prompts, policy string, queue contact.QueueID) (*Flow, error) {
	first, asks := "queue", ""
	switch policy {
	case modeAsk:
		first, asks = "consent", "  consent: {kind: consent, mode: ask, say: consent_question, agree: 1, decline: 2, repeats: 1, wait: 4s, next: queue}\n"
	case modeAnnounce:
		first, asks = "consent", "  consent: {kind: consent, mode: announce, say: consent_announcement, next: queue}\n"
	}
	text := fmt.Sprintf(`start: greeting
nodes:
  greeting: {kind: play, say: [callback_greeting], next: %s}
%s  queue: {kind: queue, queue: %q, refused: busy}
  busy: {kind: hangup, say: [queue_refused, goodbye]}
`, first, asks, queue)
	f, err := LoadFlow(written{"callback.yaml", text}, "callback.yaml", p)
	if err != nil {
		return nil, fmt.Errorf("make the flow of a call back: %w", err)
	}
	return f, nil
}

// written is a folder of one text.
type written struct{ name, text string }

// Open implements fs.FS.
func (w written) Open(name string) (fs.File, error) {
	if name != w.name {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &writtenFile{Reader: strings.NewReader(w.text), name: name}, nil
}

// writtenFile is an open text; it is its own fs.FileInfo.
type writtenFile struct {
	*strings.Reader
	name string
}

func (f *writtenFile) Stat() (fs.FileInfo, error) { return f, nil }
func (*writtenFile) Close() error                 { return nil }
func (f *writtenFile) Name() string               { return f.name }
func (*writtenFile) Mode() fs.FileMode            { return 0o444 }
func (*writtenFile) ModTime() time.Time           { return time.Time{} }
func (*writtenFile) IsDir() bool                  { return false }
func (*writtenFile) Sys() any                     { return nil }
