package sip

import (
	"hash/maphash"
	"net/netip"
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

// bans shuts addresses out that do what scanners do.
type bans struct {
	limit int // bad requests a minute
	lasts time.Duration

	mu    sync.Mutex
	list  map[netip.Addr]*offender
	swept time.Time
}

type offender struct {
	bad   int
	since time.Time // the minute that bad counts
	until time.Time // banned; zero: not
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

// bad counts one bad request, or bans at once, and says whether a ban begins.
func (b *bans) bad(addr netip.Addr, atOnce bool, now time.Time) bool {
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
	if o.until.After(now) || !atOnce && o.bad < b.limit {
		return false
	}
	o.until = now.Add(b.lasts)
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
