package app

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"callfloor/contact"
	"callfloor/internal/config"
	"callfloor/sip"
)

// on is how many calls a line is counted to have.
func (c *lineCaps) on(id contact.LineID) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.up[id]
}

// TestLineCaps: a line takes so many calls at once and so many in a second, and
// another line does not notice.
func TestLineCaps(t *testing.T) {
	c, now := newLineCaps(), time.Now()
	line := config.Line{ID: "1000", MaxCalls: 3, CallsPerSecond: 2}
	for i, want := range []bool{true, true, false} {
		if got := c.take(line, now, 0); got != want {
			t.Errorf("call %d in the first second: %v", i+1, got)
		}
	}
	if !c.take(line, now.Add(time.Second), 0) || c.take(line, now.Add(time.Second), 0) {
		t.Error("a third call at once, and a fourth")
	}
	if !c.take(config.Line{ID: "1001"}, now, 0) {
		t.Error("another line is full too")
	}
	c.leave("1000")
	if !c.take(line, now.Add(3*time.Second), 0) {
		t.Error("a place that was given back is not there")
	}
}

// TestALineThatIsFull: the call beyond the cap is told 486, and is no call; when
// one has ended there is room again.
func TestALineThatIsFull(t *testing.T) {
	c := newCarrier(t)
	a := startOut(t, c, "", "lines:\n  - id: \"2000\"\n    flow: echo\n    consent: never\n    max_calls: 1\n")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	dial := func() (*sip.Leg, error) { return c.srv.Dial(ctx, "sip:2000@"+a.sip.Addr().String(), sip.DialOptions{}) }
	first, err := dial()
	must(t, err)
	_, err = dial()
	if e, ok := errors.AsType[*sip.RejectedError](err); !ok || e.Status != 486 || !strings.Contains(e.Reason, "Busy") {
		t.Errorf("the second call: %v", err)
	}
	first.Hangup(contact.EndCause{By: contact.System, Class: contact.EndCompleted})
	waitFor(t, "there is room again", func() bool {
		leg, err := dial()
		if err == nil {
			leg.Hangup(contact.EndCause{By: contact.System, Class: contact.EndCompleted})
		}
		return err == nil
	})
}
