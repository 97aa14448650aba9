package api

import (
	"container/list"
	"net/netip"
	"sync"
	"time"
)

// Guessing at sign-in: so many wrong passwords at once, then one more in each
// interval. Per address and user that makes at most 5 + 15 guesses in the first
// hour; per address (a whole office behind one) it is wider, since the right
// passwords of others do not count.
const (
	guessesPerUser    = 5
	guessEvery        = 4 * time.Minute
	guessesPerAddress = 30
	addressGuessEvery = 20 * time.Second
	maxBuckets        = 10_000
)

// limiter counts failures per key in leaking buckets. It forgets the key that
// was used longest ago when it is full, so its memory is bounded. The user is
// never locked as such: only this address for this user.
type limiter struct {
	burst int
	every time.Duration

	mu      sync.Mutex
	buckets map[string]*list.Element
	recent  *list.List // of *bucket, the latest first
}

type bucket struct {
	key   string
	level float64 // failures not yet leaked away
	at    time.Time
}

func newLimiter(burst int, every time.Duration) *limiter {
	return &limiter{burst: burst, every: every, buckets: map[string]*list.Element{}, recent: list.New()}
}

// take counts one try for key at now. It returns 0 when the try is allowed and
// otherwise how long to wait.
func (l *limiter) take(key string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.bucket(key, now)
	if over := b.level + 1 - float64(l.burst); over > 0 {
		return max(time.Second, time.Duration(over*float64(l.every)))
	}
	b.level++
	return 0
}

// giveBack undoes one take, after a try that was not a guess.
func (l *limiter) giveBack(key string, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.bucket(key, now)
	b.level = max(0, b.level-1)
}

// forget empties the bucket of key, after the right password.
func (l *limiter) forget(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e, ok := l.buckets[key]; ok {
		l.recent.Remove(e)
		delete(l.buckets, key)
	}
}

// bucket returns the bucket of key, leaked up to now; the caller holds mu.
func (l *limiter) bucket(key string, now time.Time) *bucket {
	if e, ok := l.buckets[key]; ok {
		l.recent.MoveToFront(e)
		b := e.Value.(*bucket)
		if gone := now.Sub(b.at); gone > 0 {
			b.level = max(0, b.level-float64(gone)/float64(l.every))
			b.at = now
		}
		return b
	}
	if l.recent.Len() >= maxBuckets {
		last := l.recent.Back()
		l.recent.Remove(last)
		delete(l.buckets, last.Value.(*bucket).key)
	}
	b := &bucket{key: key, at: now}
	l.buckets[key] = l.recent.PushFront(b)
	return b
}

// addressKey is what an address counts as: itself, or its /64 for IPv6, where
// one customer has all of them.
func addressKey(a netip.Addr) string {
	a = a.Unmap()
	if a.Is6() {
		if p, err := a.WithZone("").Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}
