package app

import (
	"context"
	"testing"

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
