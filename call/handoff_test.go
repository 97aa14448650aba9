package call

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"callfloor/contact"
	"callfloor/media"
)

// see returns the call as others see it.
func (h *house) see() (s Snapshot) {
	h.t.Helper()
	synctest.Wait()
	must(h.t, h.call.do(func() error { s = h.call.view; return nil }))
	return s
}

func conflict(t *testing.T, err error) {
	t.Helper()
	if contact.ErrorCode(err) != contact.Conflict {
		t.Errorf("the error is %v, want a conflict", err)
	}
}

// TestAskedAndAnswered goes through a consultation as the second line of a
// seat: ringing, refused, asked again, swapped, merged, left.
func TestAskedAndAnswered(t *testing.T) {
	inHouse(t, toQueue(contact.ConsentGranted), func(h *house) {
		h.connect()
		bob := Ask{User: "bob", Name: "Bob", Note: "wants a refund"}
		must(t, h.call.Asking("alice", bob))
		s := h.see()
		if s.Stage != StageHold || s.Second == nil || s.Second.State != SecondRinging || s.Handover.Note != bob.Note || s.Handover.Kind != "consult" {
			t.Errorf("while bob rings: %+v, %+v", s.Second, s.Handover)
		}
		if got := h.round()["customer"]; got != "music" {
			t.Errorf("while bob rings the customer hears %q", got)
		}
		conflict(t, h.call.Asking("alice", bob))
		h.call.AskFailed("bob", "declined", false)
		if s = h.see(); s.Second.State != SecondFailed || s.Second.Why != "declined" || s.Stage != StageHold {
			t.Errorf("after the refusal: %+v, %s", s.Second, s.Stage)
		}
		must(t, h.call.Asking("alice", bob))
		h.call.AskFailed("bob", "cancelled", true)
		if s = h.see(); s.Second != nil || s.Stage != StageTalking {
			t.Errorf("after the second thought: %+v, %s", s.Second, s.Stage)
		}
		conflict(t, h.call.Swap("alice"))
		must(t, h.call.Asking("alice", bob))
		must(t, h.call.Consult("alice", h.bob))
		if s = h.see(); s.Second.State != SecondTalking || s.Second.Name != "Bob" {
			t.Errorf("in the consultation: %+v", s.Second)
		}
		must(t, h.call.Swap("alice"))
		if s = h.see(); s.Second.State != SecondWaiting || s.Stage != StageTalking {
			t.Errorf("with the customer: %+v, %s", s.Second, s.Stage)
		}
		conflict(t, h.call.Hold("alice", true))
		must(t, h.call.Merge("alice"))
		must(t, h.call.Mute("bob", true))
		if s = h.see(); s.Second.State != SecondJoined || !s.Second.Muted || s.Muted {
			t.Errorf("all three: %+v", s.Second)
		}
		conflict(t, h.call.Swap("alice"))
		must(t, h.call.EndConsult("bob"))
		if s = h.see(); s.Second != nil || s.Stage != StageTalking || !slices.Contains(h.queues.release, h.call.ID) {
			t.Errorf("after bob left: %+v, %s, released %v", s.Second, s.Stage, h.queues.release)
		}
	})
}

// TestHandedOn: the customer hears music between two agents, then who takes the
// call; the recording and the numbering of the customer's stream go on.
func TestHandedOn(t *testing.T) {
	inHouse(t, toQueue(contact.ConsentGranted), func(h *house) {
		h.connect()
		must(t, h.call.SetHandover("alice", "transfer", "third call today"))
		h.call.HandOff("alice", nil)
		if s := h.see(); s.Agent != "" || s.Stage != StageQueue || s.Handover.Note != "third call today" {
			t.Errorf("handed on: %+v", s)
		}
		if got := h.round(); got["customer"] != "music" || got["recording/customer"] != "" || got["alice/customer"] != "" {
			t.Errorf("between the agents: %v", got)
		}
		must(t, h.call.Connect(h.bob, "sales", time.Second, Announcement{}))
		if got := h.round(); got["customer"] != "bob" || got["recording/agent"] != "bob" || h.started != 1 {
			t.Errorf("with bob: %v, %d recordings", got, h.started)
		}
		h.call.HandOff("alice", nil) // not hers any more
		h.call.HandOff("bob", &Parking{Slot: 3, By: "bob"})
		if s := h.see(); s.Stage != StageParked || s.Parked == nil || s.Parked.Slot != 3 {
			t.Errorf("parked: %+v", s)
		}
		h.call.Unparked()
		h.call.WaitAgain()
		if s := h.see(); s.Stage != StageQueue || s.Parked != nil {
			t.Errorf("waits again: %+v", s)
		}
		if got := h.round()["customer"]; got != "music" {
			t.Errorf("in the queue again the customer hears %q", got)
		}
		must(t, h.call.Connect(h.alice, "sales", time.Second, Announcement{}))
		if got := h.round()["customer"]; got != "alice" {
			t.Errorf("with alice again the customer hears %q", got)
		}
		holes(t, h.leg.ear.seqs)
	})
}

// TestOutside: an agent gives the customer to a number outside; who hangs up
// first ends it for both.
func TestOutside(t *testing.T) {
	for _, customerFirst := range []bool{true, false} {
		inHouse(t, toQueue(contact.ConsentGranted), func(h *house) {
			h.connect()
			conflict(t, h.call.Outside(h.outside, "138****0000"))
			h.call.HandOff("alice", nil)
			must(t, h.call.Outside(h.outside, "138****0000"))
			if s := h.see(); s.Second == nil || s.Second.State != SecondJoined || s.Agent != "" || s.Stage != StageTalking {
				t.Errorf("outside: %+v, %+v", s, s.Second)
			}
			if got := h.round(); got["customer"] != "outside" || got["outside"] != "customer" || got["recording/customer"]+got["recording/agent-2"] != "" {
				t.Errorf("outside: %v", got)
			}
			if customerFirst {
				h.leg.leave()
			} else {
				h.outside.leave()
			}
			<-h.call.Over()
			if h.outside.Cause() == (contact.EndCause{}) || h.leg.Cause() == (contact.EndCause{}) {
				t.Error("a leg was left behind")
			}
			if by := h.leg.Cause().By; customerFirst != (by == contact.Customer) {
				t.Errorf("ended by %s", by)
			}
		})
	}
}

// TestPhoneLeavesTheConference: the customer stays with the agent.
func TestPhoneLeavesTheConference(t *testing.T) {
	inHouse(t, toQueue(contact.ConsentGranted), func(h *house) {
		h.connect()
		must(t, h.call.ConsultPhone("alice", h.outside, "138****0000"))
		must(t, h.call.Merge("alice"))
		h.outside.digits <- media.Digit{Key: '1'} // nobody's
		h.outside.leave()
		if s := h.see(); s.Second != nil || s.Stage != StageTalking || s.Agent != "alice" {
			t.Errorf("after the phone left: %+v", s)
		}
		if got := h.round()["customer"]; got != "alice" {
			t.Errorf("the customer hears %q", got)
		}
	})
}

// TestRecordingPause: by the agent, ended by the agent, by its limit, and by who
// hands the call on.
func TestRecordingPause(t *testing.T) {
	inHouse(t, toQueue(contact.ConsentGranted), func(h *house) {
		h.connect()
		must(t, h.call.PauseRecording("alice", time.Minute))
		must(t, h.call.PauseRecording("alice", time.Minute))
		if s := h.see(); s.Recording != RecordingPaused || s.PausedUntil.IsZero() {
			t.Errorf("paused: %+v", s)
		}
		must(t, h.call.ResumeRecording("alice"))
		if s := h.see(); s.Recording != RecordingOn || !s.PausedUntil.IsZero() {
			t.Errorf("resumed: %+v", s)
		}
		must(t, h.call.PauseRecording("alice", time.Minute))
		time.Sleep(61 * time.Second)
		if s := h.see(); s.Recording != RecordingOn {
			t.Errorf("a minute later: %+v", s)
		}
		must(t, h.call.PauseRecording("alice", time.Minute))
		must(t, h.call.Consult("alice", h.bob))
		must(t, h.call.Transfer("alice", agreed))
		if s := h.see(); s.Recording != RecordingOn || s.Agent != "bob" {
			t.Errorf("with bob: %+v", s)
		}
		conflict(t, h.call.PauseRecording("alice", time.Minute))
		want := []string{"pause", "resume", "pause", "resume", "pause", "resume"}
		if !slices.Equal(h.rec.pauses, want) {
			t.Errorf("the recording was told %v, want %v", h.rec.pauses, want)
		}
		d, err := h.journal.Show(context.Background(), h.call.ID)
		must(t, err)
		paused := 0
		for _, e := range d.Timeline {
			if e.Kind == contact.KindRecording && e.Text == "recording paused" {
				paused++
			}
		}
		if paused > 3 {
			t.Errorf("%d pauses in the timeline, want 3", paused)
		}
	})
	inHouse(t, toQueue(contact.ConsentRefused), func(h *house) {
		h.connect()
		conflict(t, h.call.PauseRecording("alice", time.Minute))
	})
}

// TestRecentLoss: what is shown is how it is now, not how the call was.
func TestRecentLoss(t *testing.T) {
	var m meter
	lost := uint64(0)
	count := func(i, drops uint64) media.Quality {
		lost += drops
		there := lost * 2
		return media.Quality{Received: 100*i - lost, Sent: 100 * i, Lost: lost, FarLost: &there}
	}
	for i := uint64(1); i <= 3; i++ {
		m.of(count(i, 0))
	}
	bad := m.of(count(4, 12))
	if bad.LossPercent < 3.9 || bad.LossPercent > 4.1 || *bad.FarLossPercent < 7.9 || *bad.FarLossPercent > 8.1 {
		t.Errorf("12 of 300: %.1f %%, there %.1f %%", bad.LossPercent, *bad.FarLossPercent)
	}
	var good *media.Quality
	for i := uint64(5); i <= 8; i++ {
		good = m.of(count(i, 0))
	}
	if good.LossPercent != 0 || *good.FarLossPercent != 0 {
		t.Errorf("eight seconds later: %.1f %%, there %.1f %%", good.LossPercent, *good.FarLossPercent)
	}
	if fresh := m.of(media.Quality{Received: 10, LossPercent: 7}); fresh.LossPercent != 7 {
		t.Errorf("another agent's figures begin anew: %+v", fresh)
	}
}
