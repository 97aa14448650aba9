package sip

import (
	"net/netip"
	"slices"
	"sync"
	"time"

	gosip "github.com/emiago/sipgo/sip"
)

// Contact is one telephone of a user: where it registered from, and until when
// (RFC 3261 §10.3).
type Contact struct {
	User string
	// URI is what the phone calls itself: the target of requests to it.
	URI string
	// Flow is where the registration came from and Transport how: requests to
	// the phone take the same way back, through its NAT (RFC 5626 §5.3).
	Flow      netip.AddrPort
	Transport string
	// Path are the proxies on the way, the next one first (RFC 3327).
	Path []string
	// Instance and RegID name a phone across restarts (RFC 5626 §4.1); "" and 0
	// where it does not say.
	Instance  string
	RegID     int
	UserAgent string
	Since     time.Time // of the first registration
	Refreshed time.Time
	Expires   time.Time
}

// binding is a Contact with what is needed to use it.
type binding struct {
	Contact
	uri      gosip.Uri
	path     []gosip.Uri
	pingAt   time.Time // the next OPTIONS
	missed   int       // OPTIONS without an answer in a row
	outbound bool      // the phone keeps its flow itself (RFC 5626)
}

// same says whether two bindings are of one phone: the same instance where both
// say one, else the same URI.
func (b *binding) same(o *binding) bool {
	if b.Instance != "" && o.Instance != "" {
		return b.Instance == o.Instance && b.RegID == o.RegID
	}
	return b.URI == o.URI
}

// bindings is the location service: who can be reached where. Its size is
// bounded by the users who have a phone password and by max.
type bindings struct {
	max    int
	change func(user string, registered bool) // told in order, without mu

	mu     sync.Mutex
	users  map[string][]*binding // newest last
	count  int
	told   map[string]bool // what change was told last
	dirty  []string        // users whom change must be told of
	notify sync.Mutex      // keeps the order of change
}

func newBindings(max int) *bindings {
	return &bindings{max: max, change: func(string, bool) {}, users: map[string][]*binding{}, told: map[string]bool{}}
}

// put adds or renews bindings and takes others away, all at once, and returns
// what the user has now.
func (s *bindings) put(user string, add []*binding, gone func(*binding) bool) []*binding {
	s.mu.Lock()
	list := s.users[user]
	before := len(list)
	list = slices.DeleteFunc(slices.Clone(list), gone)
	for _, b := range add {
		if i := slices.IndexFunc(list, b.same); i >= 0 {
			b.Since = list[i].Since
			list = slices.Delete(list, i, i+1)
		}
		list = append(list, b)
	}
	if over := len(list) - s.max; over > 0 {
		list = slices.Delete(list, 0, over)
	}
	s.set(user, list, before)
	s.mu.Unlock()
	s.tell()
	return list
}

// set stores a user's list. mu is held.
func (s *bindings) set(user string, list []*binding, before int) {
	s.count += len(list) - before
	if len(list) == 0 {
		delete(s.users, user)
	} else {
		s.users[user] = list
	}
	s.dirty = append(s.dirty, user)
}

// tell calls change for everybody who came or went.
func (s *bindings) tell() {
	s.notify.Lock()
	defer s.notify.Unlock()
	for {
		s.mu.Lock()
		var user string
		var now, changed bool
		for len(s.dirty) > 0 && !changed {
			user, s.dirty = s.dirty[0], s.dirty[1:]
			now = len(s.users[user]) > 0
			if changed = now != s.told[user]; changed && now {
				s.told[user] = true
			} else if changed {
				delete(s.told, user)
			}
		}
		s.mu.Unlock()
		if !changed {
			return
		}
		s.change(user, now)
	}
}

// of returns a user's bindings that last beyond now, the newest first.
func (s *bindings) of(user string, now time.Time) []*binding {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []*binding
	for _, b := range s.users[user] {
		if b.Expires.After(now) {
			out = append(out, b)
		}
	}
	slices.Reverse(out)
	return out
}

// drop takes away every binding that gone names.
func (s *bindings) drop(gone func(*binding) bool) {
	s.mu.Lock()
	for user, list := range s.users {
		if !slices.ContainsFunc(list, gone) {
			continue
		}
		s.set(user, slices.DeleteFunc(slices.Clone(list), gone), len(list))
	}
	s.mu.Unlock()
	s.tell()
}

// all returns every contact, in no order.
func (s *bindings) all() []Contact {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Contact, 0, s.count)
	for _, list := range s.users {
		for _, b := range list {
			out = append(out, b.Contact)
		}
	}
	return out
}

// size is how many bindings there are.
func (s *bindings) size() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count
}

// due returns the bindings whose OPTIONS is due and sets the next one.
func (s *bindings) due(now time.Time, every time.Duration) []*binding {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []*binding
	for _, list := range s.users {
		for _, b := range list {
			if !b.pingAt.After(now) {
				b.pingAt = now.Add(jitter(every*9/10, every*11/10))
				out = append(out, b)
			}
		}
	}
	return out
}

// answered notes whether a phone answered its OPTIONS, and returns how many it
// missed in a row.
func (s *bindings) answered(b *binding, yes bool) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	b.missed++
	if yes {
		b.missed = 0
	}
	return b.missed
}
