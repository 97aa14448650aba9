package call

import (
	"context"
	"fmt"
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
	phone := func(h *house) error {
		h.call.SeatSuspect("alice", false) // settles what came before
		h.outside.revive()
		return h.call.ConsultPhone("alice", h.outside, "138****0000")
	}
	swap := func(h *house) error { return h.call.Swap("alice") }
	merge := func(h *house) error { return h.call.Merge("alice") }
	alone2 := func(h *house) error { return h.call.EndConsult("alice") }
	announce := func(alone time.Duration) func(h *house) error {
		return func(h *house) error {
			h.call.HandOff("alice", nil)
			return h.call.Connect(h.alice, "sales", time.Second, announced(3000, alone))
		}
	}
	interrupt := func(h *house) error {
		if err := h.call.Hold("alice", true); err != nil {
			return err
		}
		return h.call.Hold("alice", false)
	}
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
		{
			name: "swapped", do: both(consult, swap), undo: alone2,
			want: alone("bob/third", "music"),
		},
		{
			name: "swapped and barge", do: both(both(consult, swap), mode(Barge)), undo: both(unlisten, alone2),
			want: alone(append(samHears, "bob/third", "music", "customer", "alice+sam", "alice/third", "sam", "recording/supervisor", "sam")...),
		},
		{
			name: "consult outside", do: phone, undo: alone2,
			want: heard{"customer": "music", "alice/third": "outside", "outside": "alice", "recording/customer": "customer"},
		},
		{
			name: "swapped outside", do: both(phone, swap), undo: alone2,
			want: alone("outside", "music"),
		},
		{
			name: "conference outside", do: both(phone, merge), undo: alone2,
			want: alone("customer", "alice+outside", "alice/third", "outside", "outside", "customer+alice"),
		},
		{
			name: "conference outside, the agent muted", do: both(both(phone, merge), mute(true)), undo: both(mute(false), alone2),
			want: heard{"customer": "outside", "outside": "customer", "alice/customer": "customer", "alice/third": "outside", "recording/customer": "customer"},
		},
		{
			name: "handed outside", final: true, do: both(phone, func(h *house) error { return h.call.Transfer("alice", agreed) }),
			want: heard{"customer": "outside", "outside": "customer"},
		},
		{
			name: "parked", final: true,
			do:   func(h *house) error { h.call.HandOff("alice", &Parking{Slot: 1, By: "alice"}); return nil },
			want: heard{"customer": "music"},
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
		{name: "announced", do: announce(0), undo: interrupt, want: alone("alice/third", "prompt")},
		{
			name: "announced alone", do: announce(time.Minute), undo: interrupt,
			want: heard{"customer": "music", "alice/third": "prompt", "recording/customer": "customer"},
		},
		{
			name: "announced and barge", do: both(announce(0), mode(Barge)), undo: both(unlisten, interrupt),
			want: alone(append(samHears, "customer", "alice+sam", "alice/third", "sam", "alice/coach", "prompt", "recording/supervisor", "sam")...),
		},
		{
			name: "announced alone and whisper", do: both(announce(time.Minute), mode(Whisper)), undo: both(unlisten, interrupt),
			want: heard{"customer": "music", "alice/third": "prompt", "alice/coach": "sam", "sam/third": "alice", "recording/customer": "customer"},
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
			do: both(mode(Whisper), func(h *house) error { return h.takeOver("alice") }),
			want: heard{
				"customer": "sam", "sam/customer": "customer", "recording/customer": "customer", "recording/agent": "sam",
			},
		},
		{
			name: "transferred", final: true, do: both(consult, func(h *house) error { return h.call.Transfer("alice", agreed) }),
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
				meanwhile(h.allSpeak, func() {
					time.Sleep(10 * time.Millisecond)
					must(t, step())
					time.Sleep(10 * time.Millisecond)
				})
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
