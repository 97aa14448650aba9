package acd

import (
	"time"

	"callfloor/contact"
)

// wrapSeen is a wrap-up as the house sees it, reckoned by the configuration
// alone.
type wrapSeen struct {
	contact contact.ID
	queue   contact.QueueID
	mode    WrapUpMode
	none    bool      // it ends in the step in which it begins
	until   time.Time // zero: no limit
}

// seeWrapUp notes that a wrap-up begins.
func (w *world) seeWrapUp(s *seat, now AgentStatus) {
	if now.State != contact.AgentWrapUp || s.wrap != nil {
		return
	}
	rule := w.cfg.WrapUps()[now.Queue]
	x := wrapSeen{contact: now.Contact, queue: now.Queue, mode: rule.Mode}
	switch {
	case rule.Mode == WrapUpOptional && !s.wanted, rule.Mode != WrapUpMandatory && rule.Time == 0:
		x.none = true
	case rule.Mode != WrapUpMandatory:
		x.until = w.now.Add(rule.Time)
	}
	s.wrap, s.wanted = &x, false
}

// noteWrapUp keeps what agents do about wrap-ups, and holds refusals to the rule.
func (w *world) noteWrapUp(ev Event, err error) {
	switch ev := ev.(type) {
	case WrapUpExtended:
		s := w.agents[ev.Agent]
		if s == nil || s.wrap == nil || s.status.State != contact.AgentWrapUp || w.over(s) {
			return
		}
		if (err != nil) != (s.wrap.mode == WrapUpMandatory) {
			w.fail("%+v of %+v: %v", ev, s.wrap, err)
		}
		if err == nil {
			s.wrap.until = s.wrap.until.Add(w.cfg.WrapUpExtension)
		}
	case WrapUpDone:
		s := w.agents[ev.Agent]
		if s == nil || s.wrap == nil || s.status.State != contact.AgentWrapUp || w.over(s) {
			return
		}
		if (err != nil) != (s.wrap.mode == WrapUpFixed) {
			w.fail("%+v of %+v: %v", ev, s.wrap, err)
		}
	case WrapUpWanted:
		if err == nil {
			w.agents[ev.Agent].wanted = ev.On
		}
	}
}

// over says that the time was over before the event came.
func (w *world) over(s *seat) bool { return !s.wrap.until.IsZero() && !s.wrap.until.After(w.now) }

// seeWrappedUp follows the end of a wrap-up: of one that began, and for a reason
// that its mode has.
func (w *world) seeWrappedUp(ev Event, a WrappedUp) {
	s := w.agents[a.Agent]
	if s == nil || s.wrap == nil || s.wrap.contact != a.Contact || s.wrap.queue != a.Queue {
		w.fail("%+v: it did not begin: %+v", a, s)
		return
	}
	x := s.wrap
	s.wrap = nil
	_, done := ev.(WrapUpDone)
	wants, forced := ev.(AgentWants)
	left := forced && wants.State == contact.AgentOffline
	if _, removed := ev.(AgentRemoved); removed {
		left = true
	}
	ok := false
	switch a.Why {
	case EndNone:
		ok = x.none
	case EndByTime:
		ok = !x.until.IsZero() && !x.until.After(w.now)
	case EndByAgent:
		ok = done && x.mode != WrapUpFixed
	case EndBySupervisor:
		ok = forced && wants.Force
	case EndByLeaving:
		ok = left
	}
	if !ok || x.none && a.Why != EndNone {
		w.fail("%+v by %#v at %v: the wrap-up is %+v", a, ev, w.now, x)
	}
}

// checkWrapUps: who has something to write is in wrap-up, or was when the
// browser went; nobody else is; and it ends when they were told.
func (w *world) checkWrapUps() {
	for id, s := range w.agents {
		st, ok := w.state.Agent(id)
		if !ok {
			continue // removed
		}
		writes := st.State == contact.AgentWrapUp || st.State == contact.AgentDisconnected && st.Contact != ""
		switch {
		case writes != (s.wrap != nil):
			w.fail("%s is %+v and has to write about %+v", id, st, s.wrap)
		case writes && (st.Contact != s.wrap.contact || !st.Until.Equal(s.wrap.until) || w.over(s)):
			w.fail("%s is %+v and has to write about %+v", id, st, s.wrap)
		case st.WrapUpWanted != s.wanted:
			w.fail("%s is %+v: asked for a wrap-up: %v", id, st, s.wanted)
		}
	}
}
