package call

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"callfloor/contact"
)

// TestOneSupervisorSpeaks: others may listen, and hear who barges in.
func TestOneSupervisorSpeaks(t *testing.T) {
	inHouse(t, toQueue(contact.ConsentGranted), func(h *house) {
		<-h.queues.join
		if err := h.supervise(Whisper); contact.ErrorCode(err) != contact.Conflict {
			t.Errorf("whispering without an agent: %v, want a conflict", err)
		}
		must(t, h.call.Connect(h.alice, "sales", time.Second, Announcement{}))
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
		must(t, h.call.Connect(h.bob, "sales", time.Second, Announcement{}))
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
		if err := h.takeOver("bob"); contact.ErrorCode(err) != contact.Conflict {
			t.Errorf("from somebody who has not got it: %v, want a conflict", err)
		}
		must(t, h.takeOver("alice"))
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

// TestTakeOverIsDecidedOnDisk: the queue engine is asked when the timeline has the
// entry, and while the agent still has the call; where it refuses they keep it.
func TestTakeOverIsDecidedOnDisk(t *testing.T) {
	inHouse(t, toQueue(contact.ConsentGranted), func(h *house) {
		h.connect()
		refused := contact.Errorf(contact.Conflict, "this call is not with alice any more")
		events := func() (n int) {
			d, err := NewReader(h.journal.db).Show(context.Background(), h.call.ID)
			must(t, err)
			for _, e := range d.Timeline {
				if e.Kind == contact.KindListen {
					n++
				}
			}
			return n
		}
		err := h.call.TakeOver(context.Background(), h.sam, "alice", func() error {
			if events() != 1 || h.call.agent.user() != "alice" {
				t.Errorf("asked with %d entries, while the call is with %s", events(), h.call.agent.user())
			}
			return refused
		})
		if !errors.Is(err, refused) {
			t.Errorf("refused: %v", err)
		}
		same(t, "refused", h.round(), alone())
		h.journal.settle(context.Background())
		if events() != 2 {
			t.Error("the timeline does not say that nothing came of it")
		}
		asked := false
		err = h.call.TakeOver(context.Background(), h.sam, "bob", func() error { asked = true; return nil })
		if contact.ErrorCode(err) != contact.Conflict || asked {
			t.Errorf("from bob, who has not got it: %v, asked %v", err, asked)
		}
	})
}

// TestTwoWrapUps: of a call that was taken over both agents' notes are kept.
func TestTwoWrapUps(t *testing.T) {
	inHouse(t, toQueue(contact.ConsentGranted), func(h *house) {
		h.connect()
		must(t, h.takeOver("alice"))
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
