package call

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"callfloor/contact"
)

// heard is what every ear should hear; ears that are not named hear nothing.
type heard map[string]string

// scene is something that can go on in a call with an agent, how it begins and
// ends, and who hears whom meanwhile.
type scene struct {
	name     string
	do, undo func(h *house) error
	want     heard
	// final scenes have no way back.
	final bool
}

func nothing(*house) error { return nil }

func (h *house) supervise(m Supervision) error {
	return h.call.Supervise(context.Background(), h.sam, m)
}

// alone is what is heard in a call without anything else.
func alone(more ...string) heard {
	w := heard{
		"customer": "alice", "alice/customer": "customer",
		"recording/customer": "customer", "recording/agent": "alice",
	}
	for i := 0; i < len(more); i += 2 {
		w[more[i]] = more[i+1]
	}
	return w
}

func unlisten(h *house) error { h.call.Unlisten("sam"); return nil }

func scenes() []scene {
	mute := func(on bool) func(h *house) error { return func(h *house) error { return h.call.Mute("alice", on) } }
	hold := func(on bool) func(h *house) error { return func(h *house) error { return h.call.Hold("alice", on) } }
	consult := func(h *house) error { return h.call.Consult("alice", h.bob) }
	conference := func(h *house) error {
		if err := consult(h); err != nil {
			return err
		}
		return h.call.Merge("alice")
	}
	alone2 := func(h *house) error { return h.call.EndConsult("alice") }
	mode := func(m Supervision) func(h *house) error { return func(h *house) error { return h.supervise(m) } }
	both := func(a, b func(h *house) error) func(h *house) error {
		return func(h *house) error {
			if err := a(h); err != nil {
				return err
			}
			return b(h)
		}
	}
	samHears := []string{"sam/customer", "customer", "sam/third", "alice"}
	return []scene{
		{name: "talk", do: nothing, undo: nothing, want: alone()},
		{name: "mute", do: mute(true), undo: mute(false), want: heard{"alice/customer": "customer", "recording/customer": "customer"}},
		{name: "hold", do: hold(true), undo: hold(false), want: heard{"customer": "music", "recording/customer": "customer"}},
		{name: "listen", do: mode(Listen), undo: unlisten, want: alone(samHears...)},
		{name: "whisper", do: mode(Whisper), undo: unlisten, want: alone(append(samHears, "alice/coach", "sam")...)},
		{
			name: "barge", do: mode(Barge), undo: unlisten,
			want: alone(append(samHears, "customer", "alice+sam", "alice/third", "sam", "recording/supervisor", "sam")...),
		},
		{
			name: "consult", do: consult, undo: alone2,
			want: heard{"customer": "music", "alice/third": "bob", "bob/third": "alice", "recording/customer": "customer"},
		},
		{
			name: "conference", do: conference, undo: alone2,
			want: alone("customer", "alice+bob", "alice/third", "bob", "bob/customer", "customer", "bob/third", "alice", "recording/agent-2", "bob"),
		},
		{name: "away", do: (*house).goAway, undo: (*house).comeBack, want: heard{"customer": "music", "recording/customer": "customer"}},
		{
			name: "mute and whisper", do: both(mode(Whisper), mute(true)), undo: both(unlisten, mute(false)),
			want: heard{"alice/customer": "customer", "alice/coach": "sam", "sam/customer": "customer", "recording/customer": "customer"},
		},
		{
			name: "mute and barge", do: both(mute(true), mode(Barge)), undo: both(unlisten, mute(false)),
			want: heard{
				"customer": "sam", "alice/customer": "customer", "alice/third": "sam", "sam/customer": "customer",
				"recording/customer": "customer", "recording/supervisor": "sam",
			},
		},
		{
			name: "hold and whisper", do: both(hold(true), mode(Whisper)), undo: both(unlisten, hold(false)),
			want: heard{"customer": "music", "alice/coach": "sam", "sam/third": "alice", "recording/customer": "customer"},
		},
		{
			name: "hold and barge", do: both(mode(Barge), hold(true)), undo: both(hold(false), unlisten),
			want: heard{"customer": "music", "alice/third": "sam", "sam/third": "alice", "recording/customer": "customer"},
		},
		{
			name: "consult and whisper", do: both(consult, mode(Whisper)), undo: both(unlisten, alone2),
			want: heard{
				"customer": "music", "alice/third": "bob", "alice/coach": "sam", "bob/third": "alice",
				"sam/third": "alice", "sam/coach": "bob", "recording/customer": "customer",
			},
		},
		{
			name: "conference and barge", do: both(mode(Barge), conference), undo: both(alone2, unlisten),
			want: alone("customer", "alice+bob+sam", "alice/third", "bob", "alice/coach", "sam",
				"bob/customer", "customer", "bob/third", "alice", "bob/coach", "sam",
				"sam/customer", "customer", "sam/third", "alice", "sam/coach", "bob",
				"recording/agent-2", "bob", "recording/supervisor", "sam"),
		},
		{
			name: "conference and the second muted", undo: alone2,
			do:   both(conference, func(h *house) error { return h.call.Mute("bob", true) }),
			want: alone("bob/customer", "customer", "bob/third", "alice"),
		},
		{
			name: "conference on hold", do: both(conference, hold(true)), undo: both(hold(false), alone2),
			want: heard{"customer": "music", "alice/third": "bob", "bob/third": "alice", "recording/customer": "customer"},
		},
		{
			name: "conference and away", do: both(conference, (*house).goAway), undo: both((*house).comeBack, alone2),
			want: heard{
				"customer": "bob", "bob/customer": "customer", "recording/customer": "customer", "recording/agent-2": "bob",
			},
		},
		{
			name: "taken over", final: true,
			do: both(mode(Whisper), func(h *house) error { return h.call.TakeOver(context.Background(), h.sam, "alice") }),
			want: heard{
				"customer": "sam", "sam/customer": "customer", "recording/customer": "customer", "recording/agent": "sam",
			},
		},
		{
			name: "transferred", final: true, do: both(consult, func(h *house) error { return h.call.Transfer("alice") }),
			want: heard{
				"customer": "bob", "bob/customer": "customer", "recording/customer": "customer", "recording/agent": "bob",
			},
		},
	}
}

// goAway makes alice's browser go away, comeBack brings it back. While it is
// away nothing comes from it.
func (h *house) goAway() error {
	h.call.SeatSuspect("alice", true)
	delete(h.voices, markAlice)
	time.Sleep(600 * time.Millisecond)
	return nil
}

func (h *house) comeBack() error {
	h.voices[markAlice] = &voiceOf{source: h.alice.mic, mark: markAlice}
	for range 20 {
		h.voices[markAlice].say(1)
		time.Sleep(20 * time.Millisecond)
	}
	h.call.SeatSuspect("alice", false)
	return nil
}

// TestNobodyElseHears goes through every pair of scenes, one after the other,
// and checks in each who hears whom: everybody they should, and nobody else.
func TestNobodyElseHears(t *testing.T) {
	inHouse(t, toQueue(contact.ConsentGranted), func(h *house) {
		h.connect()
		for _, from := range scenes() {
			for _, to := range scenes() {
				if !from.final && !to.final {
					h.play(from)
					must(t, from.undo(h))
					h.play(to)
					must(t, to.undo(h))
				}
			}
		}
	})
	for _, from := range scenes() {
		for _, to := range scenes() {
			if from.final || !to.final {
				continue
			}
			inHouse(t, toQueue(contact.ConsentGranted), func(h *house) {
				h.connect()
				h.play(from)
				must(t, from.undo(h))
				h.play(to)
			})
		}
	}
}

func (h *house) play(s scene) {
	h.t.Helper()
	must(h.t, s.do(h))
	synctest.Wait()
	same(h.t, s.name, h.round(), s.want)
}

// TestSwitchesBetweenModes: a supervisor goes from any mode to any other at
// once, without leaving the call in between.
func TestSwitchesBetweenModes(t *testing.T) {
	want := map[Supervision]heard{}
	for _, s := range scenes() {
		for m := range supervisions {
			if s.name == m.String() {
				want[m] = s.want
			}
		}
	}
	for from := range supervisions {
		for to := range supervisions {
			inHouse(t, toQueue(contact.ConsentGranted), func(h *house) {
				h.connect()
				must(t, h.supervise(from))
				h.round()
				must(t, h.supervise(to))
				synctest.Wait()
				same(t, fmt.Sprintf("%s to %s", from, to), h.round(), want[to])
			})
		}
	}
}

// TestNotASinglePacketBleeds: during a switch, with everybody talking all the
// time, an ear hears only what one of the two scenes lets it hear.
func TestNotASinglePacketBleeds(t *testing.T) {
	inHouse(t, toQueue(contact.ConsentGranted), func(h *house) {
		h.connect()
		steps := []func() error{
			func() error { return h.supervise(Whisper) }, func() error { return h.supervise(Listen) },
			func() error { return h.supervise(Whisper) }, func() error { return h.call.Hold("alice", true) },
			func() error { return h.call.Hold("alice", false) }, func() error { return h.call.Mute("alice", true) },
			func() error { return h.call.Mute("alice", false) }, func() error { return unlisten(h) },
		}
		for range 5 {
			for _, step := range steps {
				stop, stopped := make(chan struct{}), make(chan struct{})
				go func() {
					defer close(stopped)
					for {
						select {
						case <-stop:
							return
						default:
							for _, v := range h.voices {
								v.say(1)
							}
							time.Sleep(time.Millisecond)
						}
					}
				}()
				time.Sleep(10 * time.Millisecond)
				must(t, step())
				time.Sleep(10 * time.Millisecond)
				close(stop)
				<-stopped
				synctest.Wait()
			}
		}
		for mark := range h.leg.ear.take() {
			if n := names(map[byte]int{mark: 1}); n != "" && n != "alice" && n != "music" {
				t.Errorf("the customer heard %s; a coach is for the agent alone", n)
			}
		}
		for party, marks := range h.rec.take() {
			if marks[markSam] > 0 {
				t.Errorf("the coach is on the %s's track", party)
			}
		}
		if got := h.bob.ears; names(got["customer"].take())+names(got["third"].take())+names(got["coach"].take()) != "" {
			t.Error("bob, who is in no call, heard something")
		}
	})
}

// TestOneSupervisorSpeaks: others may listen, and hear who barges in.
func TestOneSupervisorSpeaks(t *testing.T) {
	inHouse(t, toQueue(contact.ConsentGranted), func(h *house) {
		<-h.queues.join
		if err := h.supervise(Whisper); contact.ErrorCode(err) != contact.Conflict {
			t.Errorf("whispering without an agent: %v, want a conflict", err)
		}
		must(t, h.call.Connect(h.alice, "sales", time.Second))
		must(t, h.supervise(Barge))
		must(t, h.call.Listen(context.Background(), h.ada))
		if err := h.call.Supervise(context.Background(), h.ada, Whisper); contact.ErrorCode(err) != contact.Conflict {
			t.Errorf("a second one who speaks: %v, want a conflict", err)
		}
		synctest.Wait()
		got := h.round()
		if got["ada/customer"] != "customer" || got["ada/third"] != "alice" || got["ada/coach"] != "sam" {
			t.Errorf("ada hears %v", got)
		}
		h.call.Requeue("alice", "sales")
		synctest.Wait()
		must(t, h.call.Connect(h.bob, "sales", time.Second))
		synctest.Wait()
		got = h.round()
		if got["customer"] != "bob" || got["bob/third"] != "" || got["sam/third"] != "bob" {
			t.Errorf("with the next agent a supervisor only listens; heard %v", got)
		}
	})
}

// TestTakenOver: the call is with the supervisor, and they end it.
func TestTakenOver(t *testing.T) {
	inHouse(t, toQueue(contact.ConsentGranted), func(h *house) {
		h.connect()
		must(t, h.call.Hold("alice", true))
		must(t, h.supervise(Listen))
		if err := h.call.TakeOver(context.Background(), h.sam, "bob"); contact.ErrorCode(err) != contact.Conflict {
			t.Errorf("from somebody who has not got it: %v, want a conflict", err)
		}
		must(t, h.call.TakeOver(context.Background(), h.sam, "alice"))
		if err := h.call.HangupBy("alice"); contact.ErrorCode(err) != contact.Conflict {
			t.Errorf("alice still ends the call: %v", err)
		}
		if err := h.supervise(Listen); contact.ErrorCode(err) != contact.Conflict {
			t.Errorf("sam listens to their own call: %v", err)
		}
		must(t, h.call.HangupBy("sam"))
		<-h.call.Over()
		synctest.Wait()
		d, err := h.journal.Show(context.Background(), h.call.ID)
		must(t, err)
		took := 0
		for _, e := range d.Timeline {
			if e.Kind == contact.KindListen && strings.Contains(string(e.Data), `"mode":"takeover"`) {
				took++
			}
		}
		if d.End == nil || d.End.By != contact.Supervisor {
			t.Errorf("ended by %+v, want the supervisor", d.End)
		}
		if d.Agent == nil || *d.Agent != "sam" || took != 1 {
			t.Errorf("agent %v, %d events of a take-over", d.Agent, took)
		}
	})
}

// TestTrouble: who is not heard is named within five seconds, and cleared when
// they are heard again; mute and hold are no trouble.
func TestTrouble(t *testing.T) {
	const silence = 0xFF
	for _, tt := range []struct {
		name string
		do   func(h *house)
		want Trouble
	}{
		{"both talk", func(*house) {}, NoTrouble},
		{"the customer sends silence", func(h *house) { h.voices[markCustomer].mark = silence }, CustomerSilent},
		{"nothing comes from the customer", func(h *house) { delete(h.voices, markCustomer) }, CustomerNoAudio},
		{"the agent's microphone is silent", func(h *house) { h.voices[markAlice].mark = silence }, AgentSilent},
		{"nothing comes from the agent", func(h *house) { delete(h.voices, markAlice) }, AgentNoAudio},
		{"the agent is muted", func(h *house) { must(h.t, h.call.Mute("alice", true)); h.voices[markAlice].mark = silence }, NoTrouble},
		{"the customer's phone holds the call", func(h *house) { h.call.Held(true); delete(h.voices, markCustomer) }, NoTrouble},
		{"hold", func(h *house) { must(h.t, h.call.Hold("alice", true)); delete(h.voices, markCustomer) }, NoTrouble},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inHouse(t, toQueue(contact.ConsentGranted), func(h *house) {
				h.connect()
				h.chat(7 * time.Second)
				if got := h.trouble(); got != NoTrouble {
					t.Fatalf("while both talk: %q", got)
				}
				tt.do(h)
				h.chat(4 * time.Second)
				if got := h.trouble(); got != NoTrouble {
					t.Errorf("after four seconds already: %q", got)
				}
				h.chat(time.Second)
				if got := h.trouble(); got != tt.want {
					t.Errorf("after five seconds: %q, want %q", got, tt.want)
				}
				h.voices[markCustomer] = &voiceOf{source: h.leg.source, mark: markCustomer}
				h.voices[markAlice] = &voiceOf{source: h.alice.mic, mark: markAlice}
				h.chat(time.Second)
				if got := h.trouble(); got != NoTrouble {
					t.Errorf("when they are heard again: %q", got)
				}
			})
		})
	}
}

// chat lets everybody speak for a while.
func (h *house) chat(d time.Duration) {
	for range d / (20 * time.Millisecond) {
		for _, v := range h.voices {
			v.say(1)
		}
		time.Sleep(20 * time.Millisecond)
	}
	synctest.Wait()
}

func (h *house) trouble() (t Trouble) {
	must(h.t, h.call.do(func() error { t = h.call.view.Trouble; return nil }))
	return t
}

// TestTwoWrapUps: of a call that was taken over both agents' notes are kept.
func TestTwoWrapUps(t *testing.T) {
	inHouse(t, toQueue(contact.ConsentGranted), func(h *house) {
		h.connect()
		must(t, h.call.TakeOver(context.Background(), h.sam, "alice"))
		for _, w := range []WrapUp{
			{Agent: "alice", Note: "a draft"},
			{Agent: "alice", Disposition: "Complaint", Note: "was angry", Done: true},
			{Agent: "sam", Disposition: "Sold", Note: "is happy", Done: true},
		} {
			must(t, h.journal.WrapUp(context.Background(), h.call.ID, w))
		}
		d, err := h.journal.Show(context.Background(), h.call.ID)
		must(t, err)
		if d.Disposition == nil || *d.Disposition != "Sold" || d.Note == nil || *d.Note != "is happy" {
			t.Errorf("the call's own are %v and %v, want those of sam", d.Disposition, d.Note)
		}
		var notes []string
		for _, e := range d.Timeline {
			if e.Kind == contact.KindWrapUp {
				notes = append(notes, string(e.Data))
			}
		}
		if len(notes) != 1 || !strings.Contains(notes[0], "was angry") {
			t.Errorf("the timeline has %q, want what alice wrote, once", notes)
		}
	})
}
