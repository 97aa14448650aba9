package outbound

import (
	"errors"
	"time"
)

// Trial is what would become of a call.
type Trial struct {
	// Rule is the one that allows it, or that came nearest: its place in
	// Config.Rules; -1 is none.
	Rule int
	// Trunks is the group that it would go out over; "" if it may not.
	Trunks string
	// PerCall and PerMinute are what it would cost.
	PerCall, PerMinute float64
	// Refused is why it may not go out; nil if it may.
	Refused *RefusedError
}

// Try decides about a call as Ask does and changes nothing: it is not counted,
// and a refusal blocks nobody.
func (b *Book) Try(now time.Time, r Request) Trial {
	b.expire(now)
	rule, group, err := b.cfg.decide(now, b.zone, r)
	if err == nil && r.Number.Kind != Emergency {
		_, err = b.room(now, r)
	}
	t := Trial{Rule: rule}
	t.PerCall, t.PerMinute = b.cfg.rate(r.Number)
	if errors.As(err, &t.Refused) {
		return t
	}
	t.Trunks = group
	return t
}
