package stir

import (
	"container/list"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"sync"
	"time"
)

// Fetcher gets what stands at an https address, at most so many octets. It keeps
// to ctx and asks public addresses only.
type Fetcher func(ctx context.Context, url string, limit int64) ([]byte, error)

// MaxChain is how many octets of certificates are read from one address.
const MaxChain = 64 << 10

// Cache is a Source that fetches certificates and keeps them: 256 addresses, each
// for an hour, failures for a minute. One address is asked once at a time, and no
// more than eight at once: further ones are refused at once, so that strangers
// cannot use us against a third party.
type Cache struct {
	fetch Fetcher
	now   func() time.Time
	slots chan struct{}

	mu    sync.Mutex
	known map[string]*list.Element // of *entry
	order *list.List               // the youngest first
}

const (
	cacheSize   = 256
	cacheKeeps  = time.Hour
	cacheFailed = time.Minute
	cacheSlots  = 8
)

type entry struct {
	url   string
	ready chan struct{} // closed when chain and err are there
	chain []*x509.Certificate
	err   error
	until time.Time
}

// NewCache returns a cache in front of fetch.
func NewCache(fetch Fetcher) *Cache {
	return &Cache{fetch: fetch, now: time.Now, slots: make(chan struct{}, cacheSlots), known: map[string]*list.Element{}, order: list.New()}
}

var errBusy = errors.New("too many certificates are being fetched")

// Certificates implements Source.
func (c *Cache) Certificates(ctx context.Context, x5u string) ([]*x509.Certificate, error) {
	c.mu.Lock()
	e := c.fresh(x5u)
	if e == nil {
		select {
		case c.slots <- struct{}{}:
		default:
			c.mu.Unlock()
			return nil, errBusy
		}
		e = &entry{url: x5u, ready: make(chan struct{})}
		c.put(e)
		c.mu.Unlock()
		c.fill(ctx, e) // whoever asks first does the work
	} else {
		c.mu.Unlock()
	}
	select {
	case <-e.ready:
		return e.chain, e.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// fresh is what is known of an address, nil if nothing is any more. c.mu is held.
func (c *Cache) fresh(url string) *entry {
	el := c.known[url]
	if el == nil {
		return nil
	}
	e := el.Value.(*entry)
	select {
	case <-e.ready:
		if c.now().After(e.until) {
			c.order.Remove(el)
			delete(c.known, url)
			return nil
		}
	default: // under way
	}
	c.order.MoveToFront(el)
	return e
}

func (c *Cache) put(e *entry) {
	c.known[e.url] = c.order.PushFront(e)
	if c.order.Len() > cacheSize {
		last := c.order.Back()
		c.order.Remove(last)
		delete(c.known, last.Value.(*entry).url)
	}
}

func (c *Cache) fill(ctx context.Context, e *entry) {
	defer func() { <-c.slots }()
	defer close(e.ready)
	e.until = c.now().Add(cacheFailed)
	data, err := c.fetch(ctx, e.url, MaxChain)
	if err != nil {
		e.err = err
		return
	}
	if e.chain, e.err = ParseChain(data); e.err == nil {
		e.until = c.now().Add(cacheKeeps)
	}
}

// maxCertificates is how many of one file are read.
const maxCertificates = 16

// ParseChain reads certificates in PEM, or one in DER.
func ParseChain(data []byte) ([]*x509.Certificate, error) {
	var chain []*x509.Certificate
	for block, rest := pem.Decode(data); block != nil && len(chain) < maxCertificates; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("read a certificate: %w", err)
		}
		chain = append(chain, c)
	}
	if len(chain) > 0 {
		return chain, nil
	}
	c, err := x509.ParseCertificate(data)
	if err != nil {
		return nil, errors.New("read a certificate: it is neither PEM nor DER")
	}
	return []*x509.Certificate{c}, nil
}

// maxRoots is how many files of a trust folder are read.
const maxRoots = 256

// LoadRoots reads the certificates of a folder, *.pem and *.crt: who may vouch
// for signers, and signers that are trusted by themselves.
func LoadRoots(dir string) (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	n := 0
	for _, pattern := range []string{"*.pem", "*.crt"} {
		files, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return nil, fmt.Errorf("read the trust folder %s: %w", dir, err)
		}
		for _, f := range files {
			if n++; n > maxRoots {
				return nil, fmt.Errorf("read the trust folder %s: it has more than %d certificates", dir, maxRoots)
			}
			data, err := os.ReadFile(f)
			if err != nil {
				return nil, fmt.Errorf("read the trust folder: %w", err)
			}
			chain, err := ParseChain(data)
			if err != nil {
				return nil, fmt.Errorf("read the trust folder: %s: %w", f, err)
			}
			for _, c := range chain {
				pool.AddCert(c)
			}
		}
	}
	if n == 0 {
		return nil, fmt.Errorf("read the trust folder %s: there is no *.pem or *.crt in it", dir)
	}
	return pool, nil
}

// Folder is a Source of the certificates of a folder alone: the signer's is the
// one whose file has the name at the end of the address.
type Folder map[string][]*x509.Certificate

// LoadFolder reads the certificates of a folder, *.pem and *.crt.
func LoadFolder(dir string) (Folder, error) {
	f := Folder{}
	for _, pattern := range []string{"*.pem", "*.crt"} {
		files, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return nil, fmt.Errorf("read the trust folder %s: %w", dir, err)
		}
		for _, file := range files[:min(len(files), maxRoots)] {
			data, err := os.ReadFile(file)
			if err != nil {
				return nil, fmt.Errorf("read the trust folder: %w", err)
			}
			chain, err := ParseChain(data)
			if err != nil {
				return nil, fmt.Errorf("read the trust folder: %s: %w", file, err)
			}
			f[filepath.Base(file)] = chain
		}
	}
	return f, nil
}

// Certificates implements Source.
func (f Folder) Certificates(_ context.Context, x5u string) ([]*x509.Certificate, error) {
	if chain, ok := f[path.Base(x5u)]; ok {
		return chain, nil
	}
	return nil, errors.New("it is not in the trust folder, and none is fetched (sip.stir.fetch)")
}
