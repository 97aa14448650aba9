package call

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp"

	"callfloor/contact"
	"callfloor/ivr"
	"callfloor/media"
	"callfloor/media/codec"
	"callfloor/recordings"
)

// fakeLeg is a customer's leg without a network.
type fakeLeg struct {
	codec  codec.ID
	source *media.Source
	sender *media.Sender
	ear    *ear0
	digits chan media.Digit
	done   chan struct{}

	mu     sync.Mutex
	cause  contact.EndCause
	answer bool
	early  error // of Early
}

// revive makes a leg that was hung up a new one on the same ear.
func (l *fakeLeg) revive() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cause, l.done = contact.EndCause{}, make(chan struct{})
}

func newFakeLeg(p *media.Pacer) *fakeLeg {
	l := &fakeLeg{
		codec: codec.PCMU, source: media.NewSource("customer"), sender: media.NewSender(p, "customer"),
		ear: &ear0{}, digits: make(chan media.Digit, 8), done: make(chan struct{}),
	}
	l.sender.SetOutput(l.ear.output(1))
	return l
}

// errDeaf makes a leg one that hears nothing before the answer.
var errDeaf = errors.New("hears nothing before the answer")

func (l *fakeLeg) Ring() error { return nil }
func (l *fakeLeg) Early(context.Context) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.early == errDeaf {
		return false, nil
	}
	return l.early == nil, l.early
}
func (l *fakeLeg) Answer(context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answer = true
	return nil
}
func (l *fakeLeg) Codec() codec.ID            { return l.codec }
func (l *fakeLeg) Source() *media.Source      { return l.source }
func (l *fakeLeg) Sender() *media.Sender      { return l.sender }
func (l *fakeLeg) Digits() <-chan media.Digit { return l.digits }
func (l *fakeLeg) SendDigit(key rune, d time.Duration) error {
	return l.Sender().SendDigit(key, d)
}
func (l *fakeLeg) SetHeld(bool)           {}
func (l *fakeLeg) Quality() media.Quality { return media.Quality{Codec: "PCMU", Score: 4.4} }
func (l *fakeLeg) Done() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.done
}

func (l *fakeLeg) Hangup(c contact.EndCause) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cause == (contact.EndCause{}) {
		l.cause = c
		close(l.done)
	}
}

func (l *fakeLeg) Cause() contact.EndCause {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cause
}

// leave is the customer hanging up.
func (l *fakeLeg) leave() {
	l.Hangup(contact.EndCause{By: contact.Customer, Class: contact.EndCompleted, Why: "hung up"})
}

// ear0 notes the first octet of each payload that arrives: who was heard.
type ear0 struct {
	mu    sync.Mutex
	heard map[byte]int
	seqs  []uint16
	last  time.Time
	pause time.Duration // the longest between two packets
}

func (e *ear0) output(ssrc uint32) media.Output {
	return media.Output{
		SSRC: ssrc, PayloadTypes: map[codec.ID]uint8{codec.PCMU: 0, codec.PCMA: 8}, Events: 101,
		Write: func(h *rtp.Header, payload []byte) error {
			e.mu.Lock()
			defer e.mu.Unlock()
			if e.heard == nil {
				e.heard = map[byte]int{}
			}
			e.heard[payload[0]]++
			now := time.Now()
			if !e.last.IsZero() {
				e.pause = max(e.pause, now.Sub(e.last))
			}
			e.last = now
			e.seqs = append(e.seqs, h.SequenceNumber)
			return nil
		},
	}
}

// take returns what was heard since the last take.
func (e *ear0) take() map[byte]int {
	e.mu.Lock()
	defer e.mu.Unlock()
	h := e.heard
	e.heard = nil
	return h
}

// fakeSeat is a person's end without a browser.
type fakeSeat struct {
	user   string
	mic    *media.Source
	tracks map[string]*media.Sender
	ears   map[string]*ear0
}

func newFakeSeat(p *media.Pacer, user string) *fakeSeat {
	s := &fakeSeat{user: user, mic: media.NewSource(user), tracks: map[string]*media.Sender{}, ears: map[string]*ear0{}}
	for i, name := range []string{"customer", "third", "coach"} {
		s.ears[name] = &ear0{}
		s.tracks[name] = media.NewSender(p, name)
		s.tracks[name].SetOutput(s.ears[name].output(uint32(10 + i)))
	}
	return s
}

func (s *fakeSeat) User() string                    { return s.user }
func (s *fakeSeat) Mic() *media.Source              { return s.mic }
func (s *fakeSeat) Track(name string) *media.Sender { return s.tracks[name] }
func (s *fakeSeat) Measure() func() media.Quality {
	return func() media.Quality { return media.Quality{Codec: "PCMU", Score: 4.4} }
}

// voiceOf emits packets whose payload is all one octet, so that ears can tell
// who speaks.
type voiceOf struct {
	source *media.Source
	mark   byte
	seq    uint16
	ts     uint32
}

func (v *voiceOf) say(n int) {
	for range n {
		payload := make([]byte, 160)
		for i := range payload {
			payload[i] = v.mark
		}
		v.source.Emit(&media.Packet{Codec: codec.PCMU, Seq: v.seq, Timestamp: v.ts, SSRC: uint32(v.mark), Payload: payload, Arrival: time.Now()})
		v.seq, v.ts = v.seq+1, v.ts+160
	}
}

// fakeQueues notes what the call asks of the queue engine.
type fakeQueues struct {
	mu                    sync.Mutex
	joined, left, release []contact.ID
	join                  chan contact.ID
	joining, leaving      func() // nil, or what happens meanwhile
}

func newFakeQueues() *fakeQueues { return &fakeQueues{join: make(chan contact.ID, 4)} }

func (q *fakeQueues) Park(contact.ID) error { return nil }

func (q *fakeQueues) Join(id contact.ID, _ ivr.QueueRequest) error {
	if q.joining != nil {
		q.joining()
	}
	q.mu.Lock()
	q.joined = append(q.joined, id)
	q.mu.Unlock()
	q.join <- id
	return nil
}

func (q *fakeQueues) Leave(id contact.ID) {
	if q.leaving != nil {
		q.leaving()
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.left = append(q.left, id)
}

// without says whether a contact has left; forget forgets who has.
func (q *fakeQueues) without(id contact.ID) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Contains(q.left, id)
}

func (q *fakeQueues) forget() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.left = nil
}

func (q *fakeQueues) Release(id contact.ID, _ contact.AgentID) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.release = append(q.release, id)
}

// fakePrompts plays one marked octet for every prompt and music; the tone while
// an agent is away is like it for a second, then two of rest.
type fakePrompts struct{}

const (
	markPrompt = 0x11
	markMusic  = 0x22
)

func (fakePrompts) Clip(ivr.Prompt) (*media.Clip, error) { return markedClip(markPrompt, 10), nil }
func (fakePrompts) Music(id string) (*media.Clip, error) {
	if id == "reconnect" {
		return media.NewClip(id, append(markedSamples(markMusic, 50), make([]int16, 100*160)...)), nil
	}
	return markedClip(markMusic, 50), nil
}

// markedClip is a clip of n frames that decode from one µ-law octet.
func markedClip(mark byte, n int) *media.Clip { return media.NewClip("marked", markedSamples(mark, n)) }

func markedSamples(mark byte, n int) []int16 {
	octets := make([]byte, 160)
	for i := range octets {
		octets[i] = mark
	}
	frame := make([]int16, 160)
	codec.Decode(codec.PCMU, frame, octets)
	samples := make([]int16, 0, n*160)
	for range n {
		samples = append(samples, frame...)
	}
	return samples
}

// fakeRecording counts packets by their mark.
type fakeRecording struct {
	mu     sync.Mutex
	tracks map[contact.Party]map[byte]int
	marks  []string
	pauses []string
	proof  int
	sealed bool
}

func (r *fakeRecording) ID() string { return "recording" }
func (r *fakeRecording) Proof(held *recordings.AnswerHold) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.proof = len(held.Packets())
}

func (r *fakeRecording) SecondAgent() media.Sink { return r.Track("agent-2") }

func (r *fakeRecording) Track(p contact.Party) media.Sink {
	f := media.SinkFunc(func(k *media.Packet) {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.tracks == nil {
			r.tracks = map[contact.Party]map[byte]int{}
		}
		if r.tracks[p] == nil {
			r.tracks[p] = map[byte]int{}
		}
		r.tracks[p][k.Payload[0]]++
	})
	return &f
}

func (r *fakeRecording) take() map[contact.Party]map[byte]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.tracks
	r.tracks = nil
	return t
}

func (r *fakeRecording) Mark(kind string, _ map[string]any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.marks = append(r.marks, kind)
}

func (r *fakeRecording) marked() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.marks)
}

func (r *fakeRecording) Pause()  { r.note("pause") }
func (r *fakeRecording) Resume() { r.note("resume") }

func (r *fakeRecording) note(what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pauses = append(r.pauses, what)
}

func (r *fakeRecording) Seal(context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sealed = true
	return nil
}
func (r *fakeRecording) State() string { return "sealed" }

// must fails the test on an error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
