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
	dir := t.TempDir()
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
	for range 6 { // what was under way at a switch goes by, and the mixer's buffers fill
		for _, v := range h.voices {
			v.say(1)
		}
		time.Sleep(20 * time.Millisecond)
	}
	synctest.Wait()
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
	for range 5 {
		for _, v := range h.voices {
			v.say(1)
		}
		time.Sleep(20 * time.Millisecond)
	}
	synctest.Wait()
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
	known[mixed(markCustomer, markAlice)] = "customer+alice"
	known[mixed(markAlice, markSam)] = "alice+sam"
	known[mixed(markBob, markSam)] = "bob+sam"
	known[mixed(markAlice, markBob, markSam)] = "alice+bob+sam"
	return known
}

func (h *house) connect() {
	h.t.Helper()
	<-h.queues.join
	must(h.t, h.call.Connect(h.alice, "sales", time.Second))
	synctest.Wait()
}

// same compares what was heard; an ear that heard nothing is left out.
func same(t *testing.T, what string, got, want map[string]string) {
	t.Helper()
	maps.DeleteFunc(got, func(_, voices string) bool { return voices == "" })
	if !maps.Equal(got, want) {
		t.Errorf("%s: heard %v, want %v", what, got, want)
	}
}

// TestOnlyAGrantRecords: of a customer who did not say yes nothing is kept.
func TestOnlyAGrantRecords(t *testing.T) {
	for _, tt := range []struct {
		state    contact.Consent
		recorded bool
	}{
		{contact.ConsentGranted, true}, {contact.ConsentAnnounced, true}, {contact.ConsentRefused, false}, {contact.ConsentNone, false},
	} {
		t.Run(string(tt.state), func(t *testing.T) {
			inHouse(t, toQueue(tt.state), func(h *house) {
				h.voices[markCustomer].say(10)
				h.connect()
				heard := h.round()
				if (h.started > 0) != tt.recorded || (heard["recording/customer"] != "") != tt.recorded {
					t.Errorf("recordings started: %d, heard %v; want recorded: %v", h.started, heard, tt.recorded)
				}
				if !tt.recorded && h.call.answer != nil {
					t.Error("the audio of the answer is still held in memory")
				}
			})
		})
	}
}

// TestAShortTalkIsRecorded: the customer hangs up while the capture is still
// being opened; it is sealed and in the journal all the same.
func TestAShortTalkIsRecorded(t *testing.T) {
	inHouse(t, toQueue(contact.ConsentGranted), func(h *house) {
		h.call.Record = func(context.Context, consent.Grant, recordings.Meta) (Recording, error) {
			time.Sleep(time.Second) // a slow disk
			return h.rec, nil
		}
		h.connect()
		h.leg.leave()
		<-h.call.Over()
		time.Sleep(2 * time.Second)
		d, err := h.journal.Show(context.Background(), h.call.ID)
		must(t, err)
		if d.Recording == nil || *d.Recording != h.rec.ID() || !h.rec.sealed {
			t.Errorf("recording %v, sealed %v", d.Recording, h.rec.sealed)
		}
	})
}

// TestBrowserGone: the customer hears a tone soon after the agent's packets
// stop, and the agent soon after they are back; the numbers on the customer's
// leg have no hole.
func TestBrowserGone(t *testing.T) {
	inHouse(t, toQueue(contact.ConsentGranted), func(h *house) {
		h.connect()
		same(t, "before", map[string]string{"customer": h.round()["customer"]}, map[string]string{"customer": "alice"})
		h.call.SeatSuspect("alice", true)
		time.Sleep(400 * time.Millisecond)
		h.leg.ear.take()
		time.Sleep(200 * time.Millisecond)
		if got := names(h.leg.ear.take()); got != "music" {
			t.Errorf("while the browser is gone the customer hears %q, want the tone", got)
		}
		for range 10 {
			h.voices[markAlice].say(1)
			time.Sleep(20 * time.Millisecond)
		}
		h.call.SeatSuspect("alice", false)
		same(t, "after", map[string]string{"customer": h.round()["customer"]}, map[string]string{"customer": "alice"})
		holes(t, h.leg.ear.seqs)
		if h.leg.ear.pause > 60*time.Millisecond {
			t.Errorf("the customer's phone heard nothing for %s", h.leg.ear.pause)
		}
	})
}

// TestAgentLost: after the grace time the customer waits again with music, and
// the next agent speaks on the same recording.
func TestAgentLost(t *testing.T) {
	inHouse(t, toQueue(contact.ConsentGranted), func(h *house) {
		h.connect()
		h.call.Requeue("alice", "sales")
		synctest.Wait()
		delete(h.voices, markAlice)
		if got := h.round(); got["customer"] != "music" || got["alice/customer"] != "" {
			t.Errorf("after the agent was lost: %v", got)
		}
		h.voices[markAlice] = &voiceOf{source: h.alice.mic, mark: markAlice}
		must(t, h.call.Connect(h.alice, "sales", time.Minute))
		synctest.Wait()
		if got := h.round(); got["customer"] != "alice" || got["recording/agent"] != "alice" || h.started != 1 {
			t.Errorf("with the next agent: %v, %d recordings", got, h.started)
		}
	})
}

func holes(t *testing.T, seqs []uint16) {
	t.Helper()
	for i := 1; i < len(seqs); i++ {
		if seqs[i] != seqs[i-1]+1 {
			t.Fatalf("sequence numbers jump from %d to %d", seqs[i-1], seqs[i])
		}
	}
}

// TestAnsweredDuringTheIntro: an agent who is free need not wait until the
// flow has said that somebody will be there soon.
func TestAnsweredDuringTheIntro(t *testing.T) {
	flow := func(ctx context.Context, c ivr.Caller) (contact.EndCause, error) {
		if err := c.Answer(ctx); err != nil {
			return contact.EndCause{}, err
		}
		_, err := c.Enqueue(ctx, ivr.QueueRequest{Queue: "sales", Music: "music", Intro: []ivr.Prompt{{ID: "please_hold"}}})
		return contact.EndCause{By: contact.System, Class: contact.EndCompleted}, err
	}
	inHouse(t, flow, func(h *house) {
		h.connect()
		if got := h.round()["customer"]; got != "alice" {
			t.Errorf("the customer hears %q, want alice", got)
		}
	})
}

// TestEndIsNamed: who ended it, and what kind of end it was.
func TestEndIsNamed(t *testing.T) {
	flowOver := func(ctx context.Context, c ivr.Caller) (contact.EndCause, error) {
		return contact.EndCause{By: contact.System, Class: contact.EndCompleted, Why: "the flow is over"}, c.Answer(ctx)
	}
	panics := func(context.Context, ivr.Caller) (contact.EndCause, error) { panic("boom") }
	for _, tt := range []struct {
		name string
		flow flowFunc
		do   func(h *house)
		want string
	}{
		{"in the queue", toQueue(contact.ConsentNone), func(h *house) { <-h.queues.join; h.leg.leave() }, "customer abandoned"},
		{"after the answer", toQueue(contact.ConsentNone), func(h *house) { h.connect(); h.leg.leave() }, "customer completed"},
		{"by the agent", toQueue(contact.ConsentNone), func(h *house) { h.connect(); must(h.t, h.call.HangupBy("alice")) }, "agent completed"},
		{"by the flow", flowOver, func(*house) {}, "system completed"},
		{"a flow that panics", panics, func(*house) {}, "system failed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inHouse(t, tt.flow, func(h *house) {
				tt.do(h)
				<-h.call.Over()
				synctest.Wait()
				d, err := h.journal.Show(context.Background(), h.call.ID)
				must(t, err)
				if d.End == nil || string(d.End.By)+" "+string(d.End.Class) != tt.want {
					t.Errorf("ended by %+v, want %s", d.End, tt.want)
				}
				if n := len(d.Timeline); n == 0 || d.Timeline[n-1].Kind != contact.KindEnd {
					t.Errorf("the timeline does not end with the end: %+v", d.Timeline)
				}
			})
		})
	}
}

// TestKeys: with barge a key ends the prompt; without, it is kept.
func TestKeys(t *testing.T) {
	type answer struct {
		key     rune
		pressed bool
		after   time.Duration
	}
	var out chan answer
	ask := func(barge bool) flowFunc {
		return func(ctx context.Context, c ivr.Caller) (contact.EndCause, error) {
			out = make(chan answer, 1) // in the bubble
			if err := c.Answer(ctx); err != nil {
				return contact.EndCause{}, err
			}
			began := time.Now()
			key, pressed, err := c.Ask(ctx, []ivr.Prompt{{ID: "menu", Language: "en"}}, barge, time.Second)
			out <- answer{key, pressed, time.Since(began)}
			<-ctx.Done()
			return contact.EndCause{}, err
		}
	}
	for _, tt := range []struct {
		name  string
		barge bool
		press time.Duration // 0: never
		want  answer
	}{
		{name: "barge", barge: true, press: 60 * time.Millisecond, want: answer{'1', true, 60 * time.Millisecond}},
		{name: "kept until the prompt is over", press: 60 * time.Millisecond, want: answer{'1', true, 200 * time.Millisecond}},
		{name: "silence", barge: true, want: answer{0, false, 1200 * time.Millisecond}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inHouse(t, ask(tt.barge), func(h *house) {
				if tt.press > 0 {
					time.Sleep(tt.press)
					h.leg.digits <- media.Digit{Key: '1', At: time.Now(), Via: "rfc4733"}
				}
				got := <-out
				if got.key != tt.want.key || got.pressed != tt.want.pressed || (got.after-tt.want.after).Abs() > 60*time.Millisecond {
					t.Errorf("got %c %v after %s, want %c %v after %s", got.key, got.pressed, got.after, tt.want.key, tt.want.pressed, tt.want.after)
				}
			})
		})
	}
}
