package sip

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	gosip "github.com/emiago/sipgo/sip"

	"callfloor/sip/stir"
)

// STIR is the configuration of verified callers (STIR/SHAKEN: RFC 8224, RFC 8588).
type STIR struct {
	// Trust is a folder with the certificates (*.pem, *.crt) of those who vouch
	// for signers; "": Identity headers are not looked at.
	Trust string `yaml:"trust"`
	// Fetch gets signers' certificates from the public addresses that they name;
	// without it only those in Trust are known.
	Fetch bool `yaml:"fetch"`
	// Timeout is how long a call may wait for a certificate before it rings.
	Timeout time.Duration `yaml:"timeout"`
	// MaxAge is how old a signature may be.
	MaxAge time.Duration `yaml:"max_age"`
	// Key is a file with our private key (PEM, curve P-256) that our calls are
	// signed with; "": they are not. Certificate is the https address where others
	// find its certificate, Attest what we say of our callers: A, B or C.
	Key         string `yaml:"key"`
	Certificate string `yaml:"certificate"`
	Attest      string `yaml:"attest"`
}

// validate says what is wrong with s.
func (s STIR) validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if s.Timeout < 100*time.Millisecond || s.Timeout > 10*time.Second {
		bad("sip.stir.timeout: %s; it must be between 100ms and 10s, 2s is usual", s.Timeout)
	}
	if s.MaxAge < 10*time.Second || s.MaxAge > 10*time.Minute {
		bad("sip.stir.max_age: %s; it must be between 10s and 10m, RFC 8224 says 1m", s.MaxAge)
	}
	if s.Fetch && s.Trust == "" {
		bad("sip.stir.fetch: without sip.stir.trust nobody is believed; name the folder with the certificates of those who vouch for signers")
	}
	if s.Key != "" && !strings.HasPrefix(s.Certificate, "https://") {
		bad("sip.stir.certificate: %q; write the https address where others find the certificate of sip.stir.key", s.Certificate)
	}
	switch stir.Attestation(s.Attest) {
	case stir.Full, stir.Partial, stir.Gateway:
	default:
		bad("sip.stir.attest: %q is not known; write A (the caller's number is theirs), B (the caller is known) or C (neither)", s.Attest)
	}
	return errors.Join(errs...)
}

// vouching is what signs and verifies callers.
type vouching struct {
	verifier *stir.Verifier
	signer   *stir.Signer
	timeout  time.Duration
}

// newVouching reads the keys and certificates of a configuration.
func newVouching(c STIR, fetch stir.Fetcher) (vouching, error) {
	v := vouching{timeout: c.Timeout}
	if c.Trust != "" {
		roots, err := stir.LoadRoots(c.Trust)
		if err != nil {
			return v, fmt.Errorf("sip.stir.trust: %w", err)
		}
		v.verifier = &stir.Verifier{Roots: roots, MaxAge: c.MaxAge}
		if c.Fetch && fetch != nil {
			v.verifier.Source = stir.NewCache(fetch)
		} else if v.verifier.Source, err = stir.LoadFolder(c.Trust); err != nil {
			return v, fmt.Errorf("sip.stir.trust: %w", err)
		}
	}
	if c.Key != "" {
		data, err := os.ReadFile(c.Key)
		if err != nil {
			return v, fmt.Errorf("sip.stir.key: %w", err)
		}
		key, err := stir.LoadKey(data)
		if err != nil {
			return v, fmt.Errorf("sip.stir.key: %w", err)
		}
		v.signer = &stir.Signer{Key: key, X5U: c.Certificate, Attest: stir.Attestation(c.Attest)}
	}
	return v, nil
}

// Trust is how far a caller's number can be believed.
type Trust string

// The grades of trust: verified by a signature of those who gave the number out,
// told by a trusted trunk, or known from nowhere.
const (
	TrustVerified Trust = "verified"
	TrustTrunk    Trust = "trunk"
	TrustUnknown  Trust = "unknown"
)

// Vouched is how far the caller's number can be believed.
type Vouched struct {
	Trust  Trust
	Attest string // A, B or C where a signature holds; "" otherwise
	// Why says why a signature that was there proves nothing, "" where it does.
	Why string
}

// maxIdentities is how many Identity headers of one INVITE are looked at.
const maxIdentities = 4

// Vouch says how far Caller can be believed. It may wait for a signer's
// certificate, no longer than sip.stir.timeout.
func (l *Leg) Vouch(ctx context.Context) Vouched {
	out := Vouched{Trust: TrustUnknown}
	if l.trusted {
		out.Trust = TrustTrunk
	}
	if l.outbound || l.s.vouching.verifier == nil {
		return out
	}
	ctx, cancel := context.WithTimeout(ctx, l.s.vouching.timeout)
	defer cancel()
	for i, h := range l.first.GetHeaders("Identity") {
		if i == maxIdentities {
			break
		}
		token, err := l.s.vouching.verifier.Verify(ctx, h.Value(), l.who.plain, l.called)
		if err == nil {
			// C says where the call came in, and nothing about the number.
			if out.Attest = string(token.Attest); token.Attest != stir.Gateway {
				out.Trust = TrustVerified
			}
			out.Why = ""
			break
		}
		out.Why = printable(err.Error(), 160)
		l.s.metrics.identities.WithLabelValues(verdictOf(err)).Inc()
	}
	if out.Attest != "" {
		l.s.metrics.identities.WithLabelValues("attested_" + out.Attest).Inc()
	}
	return out
}

// verdictOf is the short word for why a signature proves nothing.
func verdictOf(err error) string {
	for word, is := range map[string]error{
		"malformed": stir.ErrMalformed, "unsupported": stir.ErrUnsupported, "stale": stir.ErrStale, "numbers": stir.ErrNumbers,
		"certificate": stir.ErrCertificate, "unreachable": stir.ErrUnreachable, "signature": stir.ErrSignature,
	} {
		if errors.Is(err, is) {
			return word
		}
	}
	return "failed"
}

// vouchFor signs the caller of our INVITE where a key is configured and both ends
// are numbers. l.mu is held.
func (s *Server) vouchFor(l *Leg, req *gosip.Request) {
	if s.vouching.signer == nil {
		return
	}
	to := l.wants.Dest
	if to == "" {
		to = l.called
	}
	value, err := s.vouching.signer.Sign(l.caller, to, s.originID)
	if err != nil {
		return // not between telephone numbers
	}
	req.AppendHeader(gosip.NewHeader("Date", time.Now().UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT"))) // RFC 8224 §4.1
	req.AppendHeader(gosip.NewHeader("Identity", value))
}

// newUUID is a random UUID (RFC 9562 §5.4).
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
