package sip

import (
	"net/netip"
	"sync"
	"time"
)

// guesses slows the guessing of passwords: after three wrong ones an address
// must leave a user alone for a minute, then twice as long each time, up to an
// hour. It is never the user alone that is locked, which would lock the owner
// out, and it makes no difference between users that there are and are not.
type guesses struct {
	mu    sync.Mutex
	list  map[guess]*guessed
	swept time.Time
}

type guess struct {
	from netip.Addr
	user string
}

type guessed struct {
	wrong int
	until time.Time     // locked
	wait  time.Duration // of the last lock
	last  time.Time
}

const (
	guessesFree = 3
	guessWait   = time.Minute
	guessMost   = time.Hour
	maxGuesses  = 20_000
)

func newGuesses() *guesses { return &guesses{list: map[guess]*guessed{}} }

func (g *guesses) locked(from netip.Addr, user string, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	e := g.list[guess{source(from), user}]
	return e != nil && e.until.After(now)
}

// wrong counts a wrong password and says whether it begins a lock.
func (g *guesses) wrong(from netip.Addr, user string, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sweep(now)
	k := guess{source(from), user}
	e := g.list[k]
	if e == nil {
		if len(g.list) >= maxGuesses {
			for old := range g.list { // any: a flood of names must not grow us
				delete(g.list, old)
				break
			}
		}
		e = &guessed{}
		g.list[k] = e
	}
	e.last = now
	if e.wrong++; e.wrong < guessesFree {
		return false
	}
	e.wrong = 0
	e.wait = min(max(2*e.wait, guessWait), guessMost)
	e.until = now.Add(e.wait)
	return true
}

func (g *guesses) right(from netip.Addr, user string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.list, guess{source(from), user})
}

// sweep forgets what is older than two hours. It is looked at every minute that
// somebody guesses in. mu is held.
func (g *guesses) sweep(now time.Time) {
	if now.Sub(g.swept) < time.Minute {
		return
	}
	g.swept = now
	for k, e := range g.list {
		if now.Sub(e.last) > 2*guessMost {
			delete(g.list, k)
		}
	}
}

// source is what limits count by: an IPv4 address, or the /64 that somebody
// with IPv6 has all of.
func source(ip netip.Addr) netip.Addr {
	ip = ip.Unmap()
	if ip.Is4() {
		return ip
	}
	p, err := ip.WithZone("").Prefix(64)
	if err != nil {
		return ip
	}
	return p.Addr()
}
