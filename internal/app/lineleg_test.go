package app

import (
	"context"
	"testing"
	"time"

	"callfloor/call"
	"callfloor/contact"
	"callfloor/internal/config"
)

// TestLineLeg: a leg leaves its call once, for one line; the call that it left hangs
// nothing up, and the next one finds it answered and not over.
func TestLineLeg(t *testing.T) {
	l := newLineLeg(nil) // nothing here may reach the telephone
	why := contact.EndCause{By: contact.Agent, Class: contact.EndCompleted, Why: "handed to line 1009"}
	first := l.Done()
	must(t, l.goOn(config.Line{ID: "1009"}, why))
	if err := l.goOn(config.Line{ID: "1002"}, why); contact.ErrorCode(err) != contact.Conflict {
		t.Errorf("to two lines at once: %v", err)
	}
	<-first
	if l.Cause() != why {
		t.Errorf("the call that it left ended because of %+v", l.Cause())
	}
	l.Hangup(contact.EndCause{By: contact.System, Class: contact.EndFailed})
	line, ok := l.line()
	if !ok || line.ID != "1009" {
		t.Fatalf("it goes on at %q, %v", line.ID, ok)
	}
	select {
	case <-l.Done():
		t.Error("it is over for the next call")
	default:
	}
	must(t, l.Ring())
	must(t, l.Answer(context.Background()))
	if early, err := l.Early(context.Background()); early || err != nil {
		t.Errorf("who was answered before is spoken to early: %v, %v", early, err)
	}
	if _, again := l.line(); again {
		t.Error("it goes on twice")
	}
}

// TestToALineWhosePlaceBecomesFree: a line that is full takes a customer whose own call
// there, or the agent's own call to it, ends by that; every place is counted once.
func TestToALineWhosePlaceBecomesFree(t *testing.T) {
	line := config.Line{ID: "2000", MaxCalls: 1}
	cfg := config.Config{}
	cfg.Transfers.Lines = []contact.LineID{"2000"}
	on := func(id contact.LineID) *call.Call {
		return &call.Call{Options: call.Options{Line: id, Leg: newLineLeg(nil)}}
	}
	over := on("2000")
	must(t, over.Leg.(*lineLeg).goOn(config.Line{ID: "1000"}, contact.EndCause{}))
	for name, tt := range map[string]struct {
		moves, ends *call.Call
		ok          bool
	}{
		"nothing becomes free":              {on("1000"), nil, false},
		"the same line":                     {on("2000"), nil, true},
		"the agent's call to it":            {on("1000"), on("2000"), true},
		"the agent's call to another":       {on("1000"), on("1001"), false},
		"the agent's call that has left it": {on("1000"), over, false},
		"a call that we placed":             {on("1000"), &call.Call{Options: call.Options{Line: "2000", Leg: dialledLeg{}}}, false},
	} {
		a := &App{cfg: cfg, lineCaps: newLineCaps()}
		if !a.lineCaps.take(line, time.Now(), 0) {
			t.Fatal("there is no place on a line without calls")
		}
		if err := a.toLine(tt.moves, contact.Agent, line, tt.ends); (err == nil) != tt.ok || err != nil && contact.ErrorCode(err) != contact.Busy {
			t.Errorf("%s: %v", name, err)
		}
		want := 1
		if tt.ok {
			want = 2 // until the other has left
		}
		if n := a.lineCaps.on("2000"); n != want {
			t.Errorf("%s: %d calls are counted, want %d", name, n, want)
		}
		if tt.ok { // on its way already: what was taken is given back
			if err := a.toLine(tt.moves, contact.Agent, config.Line{ID: "2000"}, nil); contact.ErrorCode(err) != contact.Conflict || a.lineCaps.on("2000") != want {
				t.Errorf("%s, again: %v, %d calls are counted", name, err, a.lineCaps.on("2000"))
			}
		}
	}
}
