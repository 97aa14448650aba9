package acd

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"callfloor/contact"
)

// WrapUpMode is whether a wrap-up follows a call, and how it ends. In each a
// supervisor can end it.
type WrapUpMode string

// The modes of wrap-ups; "" is WrapUpTimed.
const (
	// WrapUpOptional: none follows, unless the agent asks for it during the call;
	// then it is as WrapUpTimed.
	WrapUpOptional WrapUpMode = "optional"
	// WrapUpMandatory: it has no limit and lasts until the agent is done.
	WrapUpMandatory WrapUpMode = "mandatory"
	// WrapUpTimed: it lasts WrapUp at most. With 0s there is none.
	WrapUpTimed WrapUpMode = "timed"
	// WrapUpFixed: it lasts WrapUp, however soon the agent is done.
	WrapUpFixed WrapUpMode = "fixed"
)

// WrapUpModes returns all of them.
func WrapUpModes() []WrapUpMode {
	return []WrapUpMode{WrapUpOptional, WrapUpMandatory, WrapUpTimed, WrapUpFixed}
}

const (
	// maxWrapUp bounds WrapUp.
	maxWrapUp = time.Hour
	// maxDisposition bounds WrapUpDisposition, in octets: agents' have the same limit.
	maxDisposition = 128
)

// WrapUpRule is what follows the calls of one queue.
type WrapUpRule struct {
	Mode WrapUpMode
	// Time is its limit, or its length; of WrapUpMandatory what plans reckon with.
	Time time.Duration
	// Disposition is what the system sets where the agent chose none and did not
	// end it; "" is nothing.
	Disposition string
}

// HouseWrapUp is the rule of calls of no queue, and of queues that say nothing
// else.
func (c Config) HouseWrapUp() WrapUpRule {
	r := WrapUpRule{Mode: c.WrapUpMode, Time: c.WrapUp, Disposition: c.WrapUpDisposition}
	if r.Mode == "" {
		r.Mode = WrapUpTimed
	}
	return r
}

// WrapUps returns the rule of each queue; that of "" is HouseWrapUp.
func (c Config) WrapUps() map[contact.QueueID]WrapUpRule {
	all := map[contact.QueueID]WrapUpRule{"": c.HouseWrapUp()}
	for _, q := range c.Queues {
		all[q.ID] = q.wrapUp(c.HouseWrapUp())
	}
	return all
}

// wrapUp is the queue's rule where house is that of all.
func (q QueueConfig) wrapUp(house WrapUpRule) WrapUpRule {
	if q.WrapUpMode != "" {
		house.Mode = q.WrapUpMode
	}
	if q.WrapUp != nil {
		house.Time = *q.WrapUp
	}
	if q.WrapUpDisposition != "" {
		house.Disposition = q.WrapUpDisposition
	}
	return house
}

// Validate says what is wrong with the rule, by the YAML key.
func (r WrapUpRule) Validate() error {
	switch {
	case !slices.Contains(WrapUpModes(), r.Mode):
		return fmt.Errorf("wrap_up_mode is %q; it must be one of %v", r.Mode, WrapUpModes())
	case r.Time < 0 || r.Time > maxWrapUp:
		return fmt.Errorf("wrap_up is %v; it must be 0s to %v", r.Time, maxWrapUp)
	case r.Time < time.Second && r.Mode == WrapUpFixed:
		return fmt.Errorf("wrap_up is %v, and with wrap_up_mode fixed it lasts its time; it must be at least 1s", r.Time)
	case r.Time < time.Second && r.Mode == WrapUpOptional:
		return fmt.Errorf("wrap_up is %v, and with wrap_up_mode optional it is for agents who ask for one; it must be at least 1s", r.Time)
	case r.Disposition != strings.TrimSpace(r.Disposition) || len(r.Disposition) > maxDisposition:
		return fmt.Errorf("wrap_up_disposition is %q; it must be a word or a few, of %d octets at most, without spaces around", r.Disposition, maxDisposition)
	}
	return nil
}

// none says that no wrap-up follows a call; wanted, that its agent asked for one.
func (r WrapUpRule) none(wanted bool) bool {
	return r.Mode == WrapUpOptional && !wanted || r.Mode != WrapUpMandatory && r.Time <= 0
}

// View is what seats are told of the rule: the mode, or none.
func (r WrapUpRule) View() string {
	if r.none(true) {
		return "none"
	}
	return string(r.Mode)
}

// Usual is how long wrap-ups take by the rule: what plans reckon with.
func (r WrapUpRule) Usual() time.Duration {
	if r.none(false) {
		return 0
	}
	return r.Time
}

// Unattended returns the configuration for agents who press no button: each
// wrap-up takes what is usual.
func (c Config) Unattended() Config {
	rules := c.WrapUps()
	c.WrapUp, c.WrapUpMode = c.HouseWrapUp().Usual(), WrapUpTimed
	c.Queues = slices.Clone(c.Queues)
	for i, q := range c.Queues {
		usual := rules[q.ID].Usual()
		c.Queues[i].WrapUp, c.Queues[i].WrapUpMode = &usual, WrapUpTimed
	}
	return c
}

// WithoutWrapUp returns the configuration with none after any call.
func (c Config) WithoutWrapUp() Config {
	c.WrapUp, c.WrapUpMode = 0, WrapUpTimed
	c.Queues = slices.Clone(c.Queues)
	for i := range c.Queues {
		c.Queues[i].WrapUp, c.Queues[i].WrapUpMode = nil, ""
	}
	return c
}

func (s *State) wrapUpRule(id contact.QueueID) WrapUpRule {
	if q := s.queues[id]; q != nil {
		return q.wrapUp
	}
	return s.nowhere.wrapUp
}
