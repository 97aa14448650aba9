package acd

import (
	"crypto/hmac"
	"crypto/sha256"
	"strings"
	"time"
)

// callerKey is a caller's number under Config.Secret; the number itself is not
// kept. Zero is "unknown".
type callerKey [16]byte

// keyOf hashes a number. One without enough digits to tell people apart
// ("anonymous") has no key.
func (s *State) keyOf(number string) (callerKey, bool) {
	var k callerKey
	digits := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, number)
	if len(digits) < 4 {
		return k, false
	}
	h := hmac.New(sha256.New, s.cfg.Secret)
	h.Write([]byte(digits))
	copy(k[:], h.Sum(nil))
	return k, true
}

// maxTickets bounds the places that are kept; a caller beyond it loses theirs.
const maxTickets = 50_000

// ticket is the place of a caller who hung up while waiting.
type ticket struct {
	key      callerKey
	q        *queue
	since    time.Time
	joined   time.Time
	priority int
	short    bool // counted as such: see State.uncount
	in       bool
	counted  time.Time // the day whose figures count the leaving
	over     timer
}

// keepPlace gives who leaves a ticket.
func (s *State) keepPlace(c *customer) {
	if c.caller == (callerKey{}) || s.cfg.Redial <= 0 || len(s.tickets) >= maxTickets {
		return
	}
	waited := s.now.Sub(c.since)
	s.keep(&ticket{
		key: c.caller, q: c.q, since: c.since, joined: c.joined, priority: c.priority,
		in: waited <= s.cfg.ServiceLevel, short: waited <= s.cfg.ShortAbandon, counted: s.day,
	}, s.now.Add(s.cfg.Redial))
}

func (s *State) keep(t *ticket, until time.Time) {
	if old := s.tickets[t.key]; old != nil {
		s.stop(&old.over)
	}
	t.over.due = func(s *State) { delete(s.tickets, t.key) }
	s.tickets[t.key] = t
	s.start(&t.over, until)
}

// regain gives c the place that its caller had in the queue, and returns the
// priority that goes with it. Whoever comes back has not abandoned.
func (s *State) regain(c *customer, priority int) int {
	t := s.tickets[c.caller]
	if t == nil || t.q != c.q {
		return priority
	}
	s.stop(&t.over)
	delete(s.tickets, t.key)
	c.since, c.joined = t.since, t.joined
	s.uncount(t)
	return max(priority, t.priority)
}

func (s *State) uncount(t *ticket) {
	if !t.counted.Equal(s.day) {
		return
	}
	t.q.abandoned--
	if t.in {
		t.q.abandonedIn--
	}
	if t.short {
		t.q.abandonedShort--
	}
	s.touch(t.q)
}
