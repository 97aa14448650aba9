package sip

import (
	"cmp"
	"hash/maphash"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// maxKept bounds each list of addresses; past it the oldest or any is dropped,
// so that a flood of forged addresses only makes us forgetful.
const maxKept = 50_000

// budget is how many messages an address may send: a bucket that fills at the
// rate and holds two seconds of it.
type budget struct {
	rate float64 // messages a second; 0: no limit

	mu      sync.Mutex
	buckets map[netip.Addr]bucket
	swept   time.Time
}

type bucket struct {
	level float64
	at    time.Time
}

func newBudget(perSecond int) *budget {
	return &budget{rate: float64(perSecond), buckets: map[netip.Addr]bucket{}}
}

// take counts a message of an address; false when it has sent too many.
func (b *budget) take(addr netip.Addr, now time.Time) bool {
	if b.rate == 0 {
		return true
	}
	addr = source(addr)
	b.mu.Lock()
	defer b.mu.Unlock()
	k, ok := b.buckets[addr]
	if !ok {
		b.room(now)
		k = bucket{level: 2 * b.rate, at: now}
	}
	k.level = min(2*b.rate, k.level+b.rate*now.Sub(k.at).Seconds())
	k.at = now
	ok = k.level >= 1
	if ok {
		k.level--
	}
	b.buckets[addr] = k
	return ok
}

// room makes place for one more. mu is held.
func (b *budget) room(now time.Time) {
	if now.Sub(b.swept) > 10*time.Second {
		b.swept = now
		for a, k := range b.buckets {
			if now.Sub(k.at) > 2*time.Second { // full again
				delete(b.buckets, a)
			}
		}
	}
	if len(b.buckets) >= maxKept {
		for a := range b.buckets {
			delete(b.buckets, a)
			return
		}
	}
}

// BanReason is what an address is shut out for: what it did last.
type BanReason string

// What shuts an address out: a program that looks for open doors, a wrong password, a
// number that there is not.
const (
	BannedScanner  BanReason = "scanner"
	BannedPassword BanReason = "wrong_password"
	BannedNumber   BanReason = "unknown_number"
)

// Ban is an address that is shut out.
type Ban struct {
	// Source is an IPv4 address (/32), or the /64 that somebody with IPv6 has all of.
	Source       netip.Prefix
	Since, Until time.Time
	Why          BanReason
	Bad          int    // requests that counted towards it, in one minute
	Dropped      uint64 // messages that it has kept out
}

// bans shuts addresses out that do what scanners do.
type bans struct {
	limit int // bad requests a minute
	lasts time.Duration

	mu    sync.Mutex
	list  map[netip.Addr]*offender
	swept time.Time
}

type offender struct {
	bad     int
	since   time.Time // the minute that bad counts
	why     BanReason
	began   time.Time // the ban; and its end, zero: none
	until   time.Time
	dropped uint64 // since it began
}

func newBans(limit int, lasts time.Duration) *bans {
	return &bans{limit: limit, lasts: lasts, list: map[netip.Addr]*offender{}}
}

func (b *bans) banned(addr netip.Addr, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.list) == 0 {
		return false
	}
	o := b.list[source(addr)]
	return o != nil && o.until.After(now)
}

// drops is banned for a message, which counts.
func (b *bans) drops(addr netip.Addr, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.list) == 0 {
		return false
	}
	o := b.list[source(addr)]
	if o == nil || !o.until.After(now) {
		return false
	}
	o.dropped++
	return true
}

// now returns the bans that last, the newest first.
func (b *bans) now(now time.Time) []Ban {
	b.mu.Lock()
	var out []Ban
	for a, o := range b.list {
		if !o.until.After(now) {
			continue
		}
		bits := 64
		if a.Is4() {
			bits = 32
		}
		out = append(out, Ban{Source: netip.PrefixFrom(a, bits), Since: o.began, Until: o.until, Why: o.why, Bad: o.bad, Dropped: o.dropped})
	}
	b.mu.Unlock()
	slices.SortFunc(out, func(x, y Ban) int { return cmp.Or(y.Since.Compare(x.Since), x.Source.Addr().Compare(y.Source.Addr())) })
	return out
}

// lift ends the ban of an address and forgets what it did; false: there is none.
func (b *bans) lift(addr netip.Addr, now time.Time) bool {
	if !b.banned(addr, now) {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.list, source(addr))
	return true
}

// bad counts one bad request, or bans at once, and says whether a ban begins.
func (b *bans) bad(addr netip.Addr, why BanReason, now time.Time) bool {
	if b.limit == 0 {
		return false
	}
	addr = source(addr)
	b.mu.Lock()
	defer b.mu.Unlock()
	o := b.list[addr]
	if o == nil {
		b.room(now)
		o = &offender{since: now}
		b.list[addr] = o
	}
	if now.Sub(o.since) > time.Minute {
		o.bad, o.since = 0, now
	}
	o.bad++
	if o.until.After(now) || why != BannedScanner && o.bad < b.limit {
		return false
	}
	o.why, o.dropped = why, 0
	o.began, o.until = now, now.Add(b.lasts)
	return true
}

// room makes place for one more. mu is held.
func (b *bans) room(now time.Time) {
	if len(b.list) < maxKept {
		return
	}
	if now.Sub(b.swept) > 10*time.Second { // not at every one of a flood
		b.swept = now
		for a, o := range b.list {
			if !o.until.After(now) && now.Sub(o.since) > time.Minute {
				delete(b.list, a)
			}
		}
	}
	for a := range b.list {
		if len(b.list) < maxKept {
			return
		}
		delete(b.list, a)
	}
}

// Bans returns the addresses that are shut out now, the newest first.
func (s *Server) Bans() []Ban { return s.front.bans.now(time.Now()) }

// LiftBan lets an address in again, with its /64 if it is IPv6, and forgets what it did;
// false: it is not shut out.
func (s *Server) LiftBan(addr netip.Addr) bool { return s.front.bans.lift(addr, time.Now()) }

// goodSources are addresses that were good: their calls were acknowledged, their
// phones proved their passwords. So they are not forged, and are not banned for
// what somebody sends in their name.
type goodSources struct {
	mu   sync.Mutex
	list map[netip.Addr]struct{}
	ring [4096]netip.Addr
	at   int
}

func newKnown() *goodSources { return &goodSources{list: map[netip.Addr]struct{}{}} }

func (k *goodSources) has(addr netip.Addr) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, ok := k.list[source(addr)]
	return ok
}

func (k *goodSources) add(addr netip.Addr) {
	addr = source(addr)
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, ok := k.list[addr]; ok {
		return
	}
	delete(k.list, k.ring[k.at])
	k.ring[k.at] = addr
	k.at = (k.at + 1) % len(k.ring)
	k.list[addr] = struct{}{}
}

// hash64 is a hash of a few words, the same within one run of the process.
func (f *front) hash64(words ...string) uint64 {
	var h maphash.Hash
	h.SetSeed(f.seed)
	for _, w := range words {
		_, _ = h.WriteString(w)
		_ = h.WriteByte(0)
	}
	return h.Sum64()
}
