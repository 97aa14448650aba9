package ivr

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Fetcher asks another server, within the request's limits. Flows open no
// socket: what may be asked is the Fetcher's to say.
type Fetcher interface {
	Fetch(ctx context.Context, q Request) (Response, error)
}

// Request is what a lookup asks.
type Request struct {
	Method  string // GET or POST
	URL     string
	Header  map[string]string
	Body    []byte        // JSON, for POST
	Timeout time.Duration // for all of it
	MaxBody int64         // octets of the answer
}

// Response is the answer.
type Response struct {
	Status int
	Body   []byte
}

// maxCached is how many answers are kept; the oldest goes first.
const maxCached = 1000

// Lookups asks through a Fetcher and keeps answers for as long as nodes want.
// It is safe for concurrent use.
type Lookups struct {
	fetcher Fetcher

	mu    sync.Mutex
	kept  map[[32]byte]answer
	order [][32]byte
}

type answer struct {
	response Response
	at       time.Time
}

// NewLookups returns Lookups that ask f.
func NewLookups(f Fetcher) *Lookups { return &Lookups{fetcher: f, kept: map[[32]byte]answer{}} }

// ask returns the answer, one not older than ttl if there is one, and whether
// it was kept.
func (l *Lookups) ask(ctx context.Context, q Request, ttl time.Duration, now time.Time) (Response, bool, error) {
	if l == nil || l.fetcher == nil {
		return Response{}, false, errors.New("lookups are not set up")
	}
	key := q.key()
	if ttl > 0 {
		l.mu.Lock()
		a, ok := l.kept[key]
		l.mu.Unlock()
		if ok && now.Sub(a.at) < ttl {
			return a.response, true, nil
		}
	}
	a, err := l.fetcher.Fetch(ctx, q)
	if err == nil && ttl > 0 && a.Status/100 == 2 {
		l.keep(key, answer{a, now})
	}
	return a, false, err
}

func (l *Lookups) keep(key [32]byte, a answer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, there := l.kept[key]; !there {
		l.order = append(l.order, key)
	}
	l.kept[key] = a
	for len(l.order) > maxCached {
		delete(l.kept, l.order[0])
		l.order = slices.Delete(l.order, 0, 1)
	}
}

// key is a hash: what is asked may be secret, and must not be kept.
func (q Request) key() [32]byte {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %q", q.Method, q.URL, q.Body)
	names := make([]string, 0, len(q.Header))
	for n := range q.Header {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names {
		fmt.Fprintf(h, " %q %q", n, q.Header[n])
	}
	return [32]byte(h.Sum(nil))
}
