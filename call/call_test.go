package call

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"callfloor/contact"
	"callfloor/ivr"
	"callfloor/media"
	"callfloor/recordings"
	"callfloor/recordings/consent"
)

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

// TestAnotherPhoneIsNotRecorded: who comes in the customer's place was never asked, so
// from then on nothing is recorded, by no agent, whatever was paused or announced.
func TestAnotherPhoneIsNotRecorded(t *testing.T) {
	for _, late := range []bool{false, true} { // before an agent answers, and after
		inHouse(t, toQueue(contact.ConsentGranted), func(h *house) {
			if late {
				h.connect()
				must(t, h.call.PauseRecording("alice", time.Minute))
			}
			h.call.AnotherPhone()
			synctest.Wait()
			if !late {
				h.connect()
			}
			time.Sleep(2 * time.Minute) // past the pause
			heard := h.round()
			for who, what := range heard {
				if strings.HasPrefix(who, "recording/") && what != "" {
					t.Errorf("late %v: %s is %s", late, who, what)
				}
			}
			if h.call.view.Recording != RecordingOff || (h.started > 0) != late || heard["alice/customer"] != "customer" {
				t.Errorf("late %v: recording is %s, %d were started, heard %v", late, h.call.view.Recording, h.started, heard)
			}
			if err := h.call.PauseRecording("alice", time.Minute); contact.ErrorCode(err) != contact.Conflict {
				t.Errorf("late %v: what is not recorded can be paused: %v", late, err)
			}
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
		for range 75 { // until the tone would rest, had it begun with the call
			h.voices[markAlice].say(1)
			time.Sleep(20 * time.Millisecond)
		}
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
		must(t, h.call.Mute("alice", true))
		must(t, h.call.Mute("alice", false))
		if got := strings.Join(h.rec.marked(), " "); !strings.HasSuffix(got, "agent_away agent_back mute unmute") {
			t.Errorf("the recording is marked %q", got)
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
		must(t, h.call.Connect(h.alice, "sales", time.Minute, Announcement{}))
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
