package recordings

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"callfloor/contact"
	"callfloor/media"
	"callfloor/recordings/consent"
)

// Sizes and times of a recording. The ring begins with what waits for one flush
// and grows to two and a half seconds of both sides in G.711; what comes after an entry was flushed is lost in a
// crash, at most flushEvery and the time of a write.
const (
	ringFirst  = 12 << 10
	ringOctets = 48 << 10
	flushEvery = 600 * time.Millisecond
	syncEvery  = 5 * time.Second
	maxPending = 256 // marks and proof entries that wait for the next flush; the newest is dropped and counted
	proofChunk = 60 << 10
)

// intake says what a recording does with packets.
type intake = int32

const (
	intakeOpen   intake = iota
	intakePaused        // until Resume
	intakeClosed        // for good
)

// Recording is one recording that is being made. Its methods may be called
// from any goroutine, none of them waits for a disk but Seal.
type Recording struct {
	// Static after construction.
	store   *Store
	id      contact.ID
	meta    Meta
	grant   consent.Grant
	path    string
	log     *slog.Logger
	signing ed25519.PrivateKey
	ring    *ring
	stop    chan string   // why it ends; room for one, the first counts
	done    chan struct{} // closed by run when everything is kept

	intake atomic.Int32

	// Owned by run; err may be read after done is closed.
	capture *capture
	buf     []byte // for the next packets entry
	synced  time.Time
	syncing chan error // the running sync's answer, nil if none runs
	err     error

	mu      sync.Mutex // guards the rest
	pending [][]byte   // entries of marks and proof, with room for their length
	lost    int        // marks that found pending full
	tally   tally
	state   State
	why     string
}

func newRecording(s *Store, grant consent.Grant, meta Meta) *Recording {
	id := contact.NewID()
	return &Recording{
		store: s, id: id, meta: meta, grant: grant, path: capturePath(id, meta.Answered),
		log:  s.log.With("call", string(meta.Contact), "recording", string(id)),
		ring: newRing(ringFirst, ringOctets), stop: make(chan string, 1), done: make(chan struct{}),
		synced: time.Now(), state: StateOpen,
	}
}

// ID returns the recording's ID, which is also its file's name.
func (r *Recording) ID() string { return string(r.id) }

// State returns where it stands: a State as a word.
func (r *Recording) State() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return string(r.state)
}

// Done is closed when the recording has ended, for whatever reason.
func (r *Recording) Done() <-chan struct{} { return r.done }

// Proof keeps the customer's answer to the consent question as held has it. It
// is no part of the exported sound, which begins with the agent's answer. Call
// it once, right after Start.
func (r *Recording) Proof(held *AnswerHold) {
	if r.intake.Load() == intakeClosed {
		return
	}
	packets := held.Packets()
	var entry []byte
	for i := range packets {
		p := &packets[i]
		if diskCodec(p.Codec) == 0 || len(p.Payload) == 0 || len(p.Payload) > maxPayload {
			continue
		}
		if len(entry) > proofChunk {
			r.enqueue(entry)
			entry = nil
		}
		if entry == nil {
			entry = append(make([]byte, lengthSize), kindProof)
		}
		head := encodeHead(trackCustomer, p, p.Arrival.Sub(r.meta.Answered))
		entry = append(append(entry, head[:]...), p.Payload...)
	}
	if entry != nil {
		r.enqueue(entry)
	}
}

// Track returns the sink of a party: customer, agent, or a supervisor who
// barged in. It keeps audio of any codec and nothing else; digits are not
// recorded. The packets of another party go nowhere. An export has the
// customer left and the agents right; the supervisor's track is kept beside
// them.
func (r *Recording) Track(p contact.Party) media.Sink {
	n := trackOf(p)
	if n == 0 {
		r.log.Error("recording has no such track; its packets are dropped", "party", string(p))
	}
	return &track{r: r, n: n}
}

// SecondAgent returns the sink of another agent in a conference.
func (r *Recording) SecondAgent() media.Sink { return &track{r: r, n: trackSecond} }

// track is the sink of one side.
type track struct {
	r *Recording
	n byte
}

// WritePacket copies p into the recording's ring.
func (t *track) WritePacket(p *media.Packet) {
	if t.n == 0 || t.r.intake.Load() != intakeOpen || len(p.Payload) == 0 || !p.Codec.Audio() {
		return
	}
	head := encodeHead(t.n, p, p.Arrival.Sub(t.r.meta.Answered))
	t.r.ring.push(&head, p.Payload)
}

// Mark keeps that something happened now: hold, resume, mute, agent_lost. The
// text in data["text"], if any, is what a reader is shown. data must be fit for
// JSON.
func (r *Recording) Mark(kind string, data map[string]any) {
	if r.intake.Load() == intakeClosed {
		return
	}
	text, _ := data["text"].(string)
	r.mark(Mark{At: seconds(time.Since(r.meta.Answered)), Kind: kind, Text: text, Data: data})
}

func (r *Recording) mark(m Mark) {
	entry, err := entryJSON(kindMark, m)
	if err != nil {
		r.log.Error("recording's mark cannot be written", "kind", m.Kind, "error", err)
		return
	}
	r.enqueue(entry)
}

// enqueue gives an entry to the next flush.
func (r *Recording) enqueue(entry []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.pending) >= maxPending {
		r.lost++
		return
	}
	r.pending = append(r.pending, entry)
}

// Pause keeps packets out until Resume; the sound of the time between is
// silence. It leaves a mark.
func (r *Recording) Pause() {
	if r.intake.CompareAndSwap(intakeOpen, intakePaused) {
		r.Mark("pause", nil)
	}
}

// Resume ends a Pause.
func (r *Recording) Resume() {
	if r.intake.CompareAndSwap(intakePaused, intakeOpen) {
		r.Mark("unpause", nil)
	}
}

// Seal ends the recording: what is in memory is written, the seal signed, the
// row made final. It waits for that as long as ctx lasts (the sealing goes on
// without a waiter) and returns why the recording is not whole, if it is not.
// Sealing twice is sealing once.
func (r *Recording) Seal(ctx context.Context) error {
	r.end(whyEnded)
	if err := r.wait(ctx); err != nil {
		return fmt.Errorf("seal recording %s: %w", r.id, err)
	}
	return nil
}

// end asks run to end.
func (r *Recording) end(why string) {
	r.intake.Store(intakeClosed)
	select {
	case r.stop <- why:
	default: // somebody asked before
	}
}

func (r *Recording) wait(ctx context.Context) error {
	select {
	case <-r.done:
		return r.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// liveInfo adds to i what only memory knows of a running recording.
func (r *Recording) liveInfo(i *Info) {
	r.mu.Lock()
	defer r.mu.Unlock()
	d := seconds(time.Since(r.meta.Answered))
	i.Duration, i.Tracks = &d, r.tally.info()
}

// packetsEntry makes an entry of what the ring holds; nil if that is nothing.
// It also keeps count, and marks what was dropped.
func (r *Recording) packetsEntry() ([]byte, error) {
	buf := append(r.buf[:0], 0, 0, 0, 0, kindPackets)
	empty := len(buf)
	buf, dropped := r.ring.drain(buf)
	buf = slices.Grow(buf, tagSize)
	r.buf = buf
	for n, count := range dropped {
		if count > 0 {
			party := partyOf(byte(n))
			r.log.Warn("recording fell behind and dropped packets", "party", string(party), "packets", count)
			r.mark(Mark{At: seconds(time.Since(r.meta.Answered)), Kind: "gap", Text: "the disk was too slow; packets were dropped",
				Data: map[string]any{"party": party, "packets": count}})
		}
	}
	if len(buf) == empty {
		return nil, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return buf, r.tally.addAll(buf[empty:])
}

// dropProof forgets sound that waits to be written.
func (r *Recording) dropProof() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pending = slices.DeleteFunc(r.pending, func(e []byte) bool { return e[lengthSize] == kindProof })
}

// takePending returns the waiting entries.
func (r *Recording) takePending() [][]byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := r.pending
	r.pending = nil
	if r.lost > 0 {
		body, _ := json.Marshal(Mark{Kind: "gap", Text: "too many marks at once", Data: map[string]any{"marks": r.lost}}) // plain values always marshal
		list = append(list, append(append(make([]byte, lengthSize), kindMark), body...))
		r.lost = 0
	}
	return list
}
