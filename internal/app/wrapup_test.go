package app

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"callfloor/acd"
	"callfloor/acd/tasks"
	"callfloor/call"
	"callfloor/contact"
	"callfloor/web"
	"callfloor/web/seatclient"
)

// wrappedUp waits for the one event of a call that says its agent is done, and
// returns why, the result and who chose it.
func wrappedUp(t *testing.T, a *App, id contact.ID) (why, disposition, by string) {
	t.Helper()
	var d call.Detail
	waitFor(t, "the agent is done with the call", func() bool {
		var err error
		d, err = a.journal.Show(t.Context(), id)
		return err == nil && d.Ended != nil && strings.Contains(texts(d), "alice is done with the call")
	})
	n := 0
	for _, e := range d.Timeline {
		var data struct{ Why string }
		if e.Kind == contact.KindWrapUp {
			n++
			must(t, json.Unmarshal(e.Data, &data))
			why = data.Why
		}
	}
	if n != 1 {
		t.Errorf("it is told %d times", n)
	}
	if d.Disposition != nil && d.DispositionBy != nil {
		disposition, by = *d.Disposition, *d.DispositionBy
	}
	return why, disposition, by
}

// served has alice take a call and hang up after f.
func served(t *testing.T, a *App, alice *seatclient.Client, f func(web.CallView)) contact.ID {
	t.Helper()
	do(t, alice, web.Command{Do: web.DoState, State: contact.AgentAvailable})
	customerTo(t, a, "1002")
	v := takes(t, alice)
	f(v)
	do(t, alice, web.Command{Do: web.DoHangup, Contact: v.Contact})
	return v.Contact
}

func startWrapUp(t *testing.T, mode, length string) (*App, *seatclient.Client) {
	t.Helper()
	a := startOut(t, newCarrier(t), "", "routing:\n  wrap_up_mode: "+mode+"\n  wrap_up: "+length+"\n  wrap_up_disposition: Not said\n")
	return a, sit(t, a, "alice")
}

func isMode(mode string) func(web.CallView) bool {
	return func(v web.CallView) bool { return v.Phase == web.PhaseWrapUp && v.WrapUp == mode }
}

// TestNoWrapUpIsTold: also where the agent goes straight on, once for each call,
// with the result that they chose during the call, or the system's.
func TestNoWrapUpIsTold(t *testing.T) {
	t.Parallel()
	a, alice := startWrapUp(t, "timed", "0s")
	id := served(t, a, alice, func(v web.CallView) {
		if v.WrapUp != "none" {
			t.Errorf("the seat is told of a wrap-up: %s", v.WrapUp)
		}
	})
	if why, disposition, by := wrappedUp(t, a, id); why != "none" || disposition != "Not said" || by != "system" {
		t.Errorf("told is %s, %q by %s", why, disposition, by)
	}
	id = served(t, a, alice, func(v web.CallView) {
		refused(t, alice, web.Command{Do: web.DoWrapUpWant, Contact: v.Contact, On: true})
		do(t, alice, web.Command{Do: web.DoWrapUpNote, Contact: v.Contact, Disposition: "Solved"})
	})
	if why, disposition, by := wrappedUp(t, a, id); why != "none" || disposition != "Solved" || by != "agent" {
		t.Errorf("told is %s, %q by %s", why, disposition, by)
	}
}

// TestALateNote: what an agent typed in the last moment of a call without a
// wrap-up is kept, of the call that they were done with last and of no other.
func TestALateNote(t *testing.T) {
	t.Parallel()
	a, alice := startWrapUp(t, "timed", "0s")
	first := served(t, a, alice, func(web.CallView) {})
	wrappedUp(t, a, first)
	last := served(t, a, alice, func(web.CallView) {})
	wrappedUp(t, a, last)
	do(t, alice, web.Command{Do: web.DoWrapUpNote, Contact: last, Disposition: "Solved", Note: "half a sentence"})
	if why, disposition, by := wrappedUp(t, a, last); why != "none" || disposition != "Solved" || by != "agent" {
		t.Errorf("told is %s, %q by %s", why, disposition, by)
	}
	if d, err := a.journal.Show(t.Context(), last); err != nil || d.Note == nil || *d.Note != "half a sentence" {
		t.Errorf("kept is %v, %v", d.Note, err)
	}
	refused(t, alice, web.Command{Do: web.DoWrapUpDone, Contact: last})
	refused(t, alice, web.Command{Do: web.DoWrapUpNote, Contact: first, Note: "too late"})
	refused(t, alice, web.Command{Do: web.DoWrapUpNote, Note: "of which call?"})
}

// TestLateNotesHaveATime: and not for long.
func TestLateNotesHaveATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := House{lately: map[contact.AgentID]lately{"alice": {"c1", time.Now()}}}
		if !h.justOver("alice", "c1") || h.justOver("bob", "c1") || h.justOver("alice", "c2") {
			t.Error("a call that is just over is its agent's alone")
		}
		time.Sleep(lateNote)
		if h.justOver("alice", "c1") {
			t.Errorf("it is still just over after %v", lateNote)
		}
	})
}

// TestFixedWrapUp: it cannot be done before its time; what is written then is
// kept.
func TestFixedWrapUp(t *testing.T) {
	t.Parallel()
	a, alice := startWrapUp(t, "fixed", "2s")
	id := served(t, a, alice, func(web.CallView) {})
	if v := see(t, alice, "the wrap-up lasts its time", isMode("fixed")); v.Until == nil {
		t.Error("it has no end")
	}
	refused(t, alice, web.Command{Do: web.DoWrapUpDone, Contact: id, Disposition: "Solved", Note: "kept"})
	if why, disposition, by := wrappedUp(t, a, id); why != "time" || disposition != "Solved" || by != "agent" {
		t.Errorf("told is %s, %q by %s", why, disposition, by)
	}
}

// TestFixedWrapUpOfAVoicemail: whose agent chose a result and could not be done
// is closed when a supervisor ends the wrap-up, or the agent has left; not so
// without a result, or of another agent by then.
func TestFixedWrapUpOfAVoicemail(t *testing.T) {
	t.Parallel()
	a, alice := startWrapUp(t, "fixed", "1m")
	book := a.house.tasks
	message := tasks.Task{Kind: tasks.Voicemail, State: tasks.Scheduled, Queue: "sales", Line: "1002", Caller: "13812341234", Length: 3}
	do(t, alice, web.Command{Do: web.DoState, State: contact.AgentAvailable})
	task, err := book.add(t.Context(), message)
	must(t, err)
	must(t, book.enqueue(t.Context(), task, ""))
	v := takes(t, alice)
	do(t, alice, web.Command{Do: web.DoWrapUpNote, Contact: v.Contact, Disposition: "Solved", Note: "rang back"})
	do(t, alice, web.Command{Do: web.DoHangup, Contact: v.Contact})
	see(t, alice, "the wrap-up", isMode("fixed"))
	refused(t, alice, web.Command{Do: web.DoWrapUpDone, Contact: v.Contact, Disposition: "Solved", Note: "rang back"})
	do(t, sit(t, a, "sam"), web.Command{Do: web.DoForce, Agent: "alice", State: contact.AgentAway})
	waitFor(t, "the voicemail is closed", func() bool {
		got, err := book.store.Get(t.Context(), task.ID)
		return err == nil && got.State == tasks.Done && got.ClosedBy == "alice" && got.Note == "rang back"
	})
	for _, c := range []struct {
		why    acd.WrapUpEnd
		agent  contact.AgentID
		result string
		closes bool
	}{
		{acd.EndByTime, "alice", "Solved", true},
		{acd.EndByLeaving, "alice", "Solved", true},
		{acd.EndNone, "alice", "Solved", true},
		{acd.EndByReturn, "alice", "Solved", false},
		{acd.EndBySupervisor, "alice", "", false},
		{acd.EndBySupervisor, "bob", "Solved", false},
	} {
		open := message
		open.State, open.Agent, open.Disposition = tasks.Open, c.agent, c.result
		open, err := book.add(t.Context(), open)
		must(t, err)
		w := &work{id: contact.NewID(), task: open.ID}
		book.finish(w)
		a.house.wrappedUp(acd.WrappedUp{Agent: "alice", Contact: w.id, Queue: "sales", Why: c.why})
		if got, err := book.store.Get(t.Context(), open.ID); err != nil || got.State.Closed() != c.closes {
			t.Errorf("%+v: it is %s, %v", c, got.State, err)
		}
	}
}

// TestMandatoryWrapUp: it has no limit; the agent ends it, or a supervisor, and
// then the result is the system's.
func TestMandatoryWrapUp(t *testing.T) {
	t.Parallel()
	a, alice := startWrapUp(t, "mandatory", "1s")
	id := served(t, a, alice, func(web.CallView) {})
	if v := see(t, alice, "the wrap-up has no limit", isMode("mandatory")); v.Until != nil {
		t.Errorf("it ends at %s", *v.Until)
	}
	refused(t, alice, web.Command{Do: web.DoWrapUpExtend})
	do(t, alice, web.Command{Do: web.DoWrapUpDone, Contact: id})
	if why, disposition, by := wrappedUp(t, a, id); why != "agent" || disposition != "" || by != "" {
		t.Errorf("told is %s, %q by %s", why, disposition, by)
	}
	id = served(t, a, alice, func(web.CallView) {})
	see(t, alice, "the next wrap-up", isMode("mandatory"))
	do(t, sit(t, a, "sam"), web.Command{Do: web.DoForce, Agent: "alice", State: contact.AgentAway})
	if why, disposition, by := wrappedUp(t, a, id); why != "supervisor" || disposition != "Not said" || by != "system" {
		t.Errorf("told is %s, %q by %s", why, disposition, by)
	}
}

// TestOptionalWrapUp: it follows the call for which the agent asked for it.
func TestOptionalWrapUp(t *testing.T) {
	t.Parallel()
	a, alice := startWrapUp(t, "optional", "1m")
	if why, _, _ := wrappedUp(t, a, served(t, a, alice, func(web.CallView) {})); why != "none" {
		t.Errorf("told is %s", why)
	}
	id := served(t, a, alice, func(v web.CallView) {
		do(t, alice, web.Command{Do: web.DoWrapUpWant, Contact: v.Contact, On: true})
		see(t, alice, "a wrap-up is asked for", func(v web.CallView) bool { return v.WrapUpWanted })
	})
	see(t, alice, "the wrap-up", isMode("optional"))
	do(t, alice, web.Command{Do: web.DoWrapUpDone, Contact: id, Disposition: "Solved"})
	if why, disposition, by := wrappedUp(t, a, id); why != "agent" || disposition != "Solved" || by != "agent" {
		t.Errorf("told is %s, %q by %s", why, disposition, by)
	}
}
