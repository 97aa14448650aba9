package certificate

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// lookEvery is how often the files are looked at; whoever renews them needs to
// tell nobody.
const lookEvery = 10 * time.Second

// files is a certificate that somebody else renews.
type files struct {
	cert, key string
	log       *slog.Logger

	mu      sync.Mutex
	pair    *tls.Certificate
	changed time.Time // of the newer file
	looked  time.Time
}

// get returns the certificate. One that became unreadable is logged, and the
// one so far stays.
func (f *files) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	if f.pair != nil && now.Sub(f.looked) < lookEvery {
		return f.pair, nil
	}
	f.looked = now
	changed := f.time()
	if f.pair != nil && !changed.After(f.changed) {
		return f.pair, nil
	}
	pair, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err == nil {
		f.pair, f.changed = &pair, changed
		return f.pair, nil
	}
	err = fmt.Errorf("load the certificate %s and its key %s (http.certificate, http.key): %w", f.cert, f.key, err)
	if f.pair != nil {
		f.log.Error("the certificate that was renewed cannot be used; the old one stays", "error", err)
		return f.pair, nil
	}
	return nil, err
}

func (f *files) time() (newest time.Time) {
	for _, name := range []string{f.cert, f.key} {
		if i, err := os.Stat(name); err == nil && i.ModTime().After(newest) {
			newest = i.ModTime()
		}
	}
	return newest
}
