package call

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"callfloor/contact"
	"callfloor/internal/store"
	"callfloor/internal/store/storetest"
	"callfloor/ivr"
	"callfloor/media"
	"callfloor/media/codec"
	"callfloor/recordings"
	"callfloor/recordings/consent"
)

const (
	markCustomer = 0x31
	markAlice    = 0x41
	markBob      = 0x51
	markSam      = 0x61
	markOutside  = 0x71
	markOther    = 0x35
)

// house is one call with everything around it, in fake time.
type house struct {
	t       *testing.T
	call    *Call
	leg     *fakeLeg
	queues  *fakeQueues
	journal *Journal
	rec     *fakeRecording
	alice   *fakeSeat
	bob     *fakeSeat
	sam     *fakeSeat
	ada     *fakeSeat
	outside *fakeLeg // a phone that an agent may call
	voices  map[byte]*voiceOf
	started int // recordings
	// other is another customer's call, see besides.
	other  *house
	pacer  *media.Pacer
	ledger *consent.Ledger
}

// flowFunc is a flow for a test.
type flowFunc = func(context.Context, ivr.Caller) (contact.EndCause, error)

// inHouse runs f in a bubble with a call that runs flow.
func inHouse(t *testing.T, flow flowFunc, f func(h *house)) {
	t.Helper()
	dir := storetest.Folder(t)
	synctest.Test(t, func(t *testing.T) {
		db, err := store.Open(context.Background(), dir)
		must(t, err)
		pacer := media.NewPacer()
		log := slog.New(slog.DiscardHandler)
		h := &house{
			t: t, leg: newFakeLeg(pacer), outside: newFakeLeg(pacer), queues: newFakeQueues(), journal: NewJournal(db, log), rec: &fakeRecording{},
			alice: newFakeSeat(pacer, "alice"), bob: newFakeSeat(pacer, "bob"), sam: newFakeSeat(pacer, "sam"), ada: newFakeSeat(pacer, "ada"),
		}
		h.voices = map[byte]*voiceOf{
			markCustomer: {source: h.leg.source, mark: markCustomer},
			markAlice:    {source: h.alice.mic, mark: markAlice},
			markBob:      {source: h.bob.mic, mark: markBob},
			markSam:      {source: h.sam.mic, mark: markSam},
			markOutside:  {source: h.outside.source, mark: markOutside},
		}
		h.pacer, h.ledger = pacer, consent.NewLedger(db)
		done := h.run(flow)
		f(h)
		h.leg.leave()
		<-done
		h.journal.Close()
		for _, s := range h.seats() {
			for _, track := range s.tracks {
				track.Close()
			}
		}
		h.leg.sender.Close()
		h.outside.sender.Close()
		pacer.Close()
		must(t, db.Close())
	})
}

// run begins the call; what it returns is closed when the call is over.
func (h *house) run(flow flowFunc) <-chan struct{} {
	h.call = New(Options{
		ID: contact.NewID(), Line: "1000", From: "13812341234", Started: time.Now(), Leg: h.leg, Log: slog.New(slog.DiscardHandler),
		Journal: h.journal, Queues: h.queues, Consents: h.ledger, Prompts: fakePrompts{}, Pacer: h.pacer,
		Record: func(context.Context, consent.Grant, recordings.Meta) (Recording, error) {
			h.started++
			return h.rec, nil
		},
	})
	done := make(chan struct{})
	go func() { defer close(done); h.call.Run(context.Background(), flow) }()
	synctest.Wait()
	return done
}

func (h *house) seats() []*fakeSeat { return []*fakeSeat{h.alice, h.bob, h.sam, h.ada} }

// toQueue answers, takes a consent answer and waits in a queue.
func toQueue(state contact.Consent) flowFunc {
	return func(ctx context.Context, c ivr.Caller) (contact.EndCause, error) {
		if err := c.Answer(ctx); err != nil {
			return contact.EndCause{}, err
		}
		c.HoldAnswer()
		if state != contact.ConsentNone {
			a := ivr.ConsentAnswer{State: state, Prompt: ivr.Prompt{ID: "consent", Text: "May we record?", SHA256: "00"}, Language: "en", AskedAt: time.Now(), At: time.Now(), Attempt: 1}
			if state == contact.ConsentGranted {
				a.Key = "1"
			}
			if err := c.Consent(ctx, a); err != nil {
				return contact.EndCause{}, err
			}
		}
		_, err := c.Enqueue(ctx, ivr.QueueRequest{Queue: "sales", Music: "music"})
		return contact.EndCause{By: contact.System, Class: contact.EndCompleted}, err
	}
}

// round lets everybody speak and returns who was heard by whom.
func (h *house) round() map[string]string {
	h.chat(6 * packet) // what was under way at a switch goes by, and the mixer's buffers fill
	h.leg.ear.take()
	h.outside.ear.take()
	for _, s := range h.seats() {
		for _, e := range s.ears {
			e.take()
		}
	}
	h.rec.take()
	if h.other != nil {
		h.other.leg.ear.take()
		h.other.rec.take()
	}
	h.chat(5 * packet)
	heard := map[string]string{"customer": names(h.leg.ear.take())}
	if n := names(h.outside.ear.take()); n != "" {
		heard["outside"] = n
	}
	for _, s := range h.seats() {
		for track, e := range s.ears {
			if n := names(e.take()); n != "" {
				heard[s.user+"/"+track] = n
			}
		}
	}
	for party, marks := range h.rec.take() {
		heard["recording/"+string(party)] = names(marks)
	}
	if h.other != nil {
		heard["other"] = names(h.other.leg.ear.take())
		for party, marks := range h.other.rec.take() {
			heard["other's recording/"+string(party)] = names(marks)
		}
	}
	return heard
}

// names says who is behind the marks that an ear heard; silence is nobody.
func names(marks map[byte]int) string {
	known := marked()
	var all []string
	for m := range marks {
		if m == 0xFF || m == 0x7F { // µ-law silence
			continue
		}
		n := known[m]
		if n == "" {
			n = fmt.Sprintf("%#x", m)
		}
		all = append(all, n)
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// marked names every mark, and what the mixer makes of two or three at once.
func marked() map[byte]string {
	known := map[byte]string{markCustomer: "customer", markAlice: "alice", markBob: "bob", markSam: "sam", markOutside: "outside", markOther: "other", markMusic: "music", markPrompt: "prompt"}
	mixed := func(marks ...byte) byte {
		linear := make([]int16, len(marks))
		codec.Decode(codec.PCMU, linear, marks)
		sum := []int16{0}
		for _, v := range linear {
			sum[0] += v
		}
		codec.Encode(codec.PCMU, marks, sum)
		return marks[0]
	}
	known[mixed(markAlice, markBob)] = "alice+bob"
	known[mixed(markCustomer, markSam)] = "customer+sam"
	known[mixed(markBob, markOutside)] = "bob+outside"
	known[mixed(markCustomer, markBob, markSam)] = "customer+bob+sam"
	known[mixed(markAlice, markOutside)] = "alice+outside"
	known[mixed(markCustomer, markPrompt)] = "customer+prompt"
	known[mixed(markCustomer, markAlice)] = "customer+alice"
	known[mixed(markAlice, markSam)] = "alice+sam"
	known[mixed(markBob, markSam)] = "bob+sam"
	known[mixed(markAlice, markBob, markSam)] = "alice+bob+sam"
	return known
}

func (h *house) connect() {
	h.t.Helper()
	h.connectTo(h.alice, Announcement{})
}

// newJournal returns a journal in a new database.
func newJournal(t *testing.T) *Journal {
	t.Helper()
	db, err := store.Open(t.Context(), storetest.Folder(t))
	must(t, err)
	j := NewJournal(db, slog.New(slog.DiscardHandler))
	t.Cleanup(func() {
		j.Close()
		must(t, db.Close())
	})
	return j
}

// takeOver lets sam take the call over from an agent.
func (h *house) takeOver(from contact.AgentID) error {
	return h.call.TakeOver(h.t.Context(), h.sam, from, func() error { return nil })
}

// meanwhile does it once in a millisecond while f runs.
func meanwhile(it, f func()) {
	stop, stopped := make(chan struct{}), make(chan struct{})
	defer func() { close(stop); <-stopped }()
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				it()
				time.Sleep(time.Millisecond)
			}
		}
	}()
	f()
}

// packet is how long one packet's sound lasts.
const packet = 20 * time.Millisecond

// chat lets everybody speak for a while.
func (h *house) chat(d time.Duration) {
	for range d / packet {
		h.allSpeak()
		time.Sleep(packet)
	}
	synctest.Wait()
}

// allSpeak lets everybody say one packet.
func (h *house) allSpeak() {
	for _, v := range h.voices {
		v.say(1)
	}
}

// same compares what was heard; an ear that heard nothing is left out.
func same(t *testing.T, what string, got, want map[string]string) {
	t.Helper()
	maps.DeleteFunc(got, func(_, voices string) bool { return voices == "" })
	if !maps.Equal(got, want) {
		t.Errorf("%s: heard %v, want %v", what, got, want)
	}
}
