package stir

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"math/big"
	"slices"
	"time"
)

// Source has the signers' certificates by their address.
type Source interface {
	// Certificates returns a chain, the signer's own first. It keeps to ctx.
	Certificates(ctx context.Context, x5u string) ([]*x509.Certificate, error)
}

// Verifier verifies Identity headers. The zero value trusts nobody.
type Verifier struct {
	Source Source
	// Roots are who may vouch for signers (the STI-PA's certificates).
	Roots *x509.CertPool
	// MaxAge is how old a token may be, and how far in the future; 0 is the 60 s
	// of RFC 8224 §6.2.
	MaxAge time.Duration
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

// Verify says whether an Identity header proves that from calls to. The token is
// returned wherever it can be read, the error says why it proves nothing.
func (v *Verifier) Verify(ctx context.Context, value, from, to string) (*Token, error) {
	t, err := Parse(value)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	if v.Now != nil {
		now = v.Now()
	}
	age := v.MaxAge
	if age <= 0 {
		age = time.Minute
	}
	switch { // the cheap checks first: a stranger must not make us fetch
	case t.Issued.Before(now.Add(-age)), t.Issued.After(now.Add(age)):
		return t, fmt.Errorf("%w: %s from now", ErrStale, t.Issued.Sub(now).Round(time.Second))
	case Canonical(from) != t.Orig:
		return t, fmt.Errorf("%w: another caller", ErrNumbers)
	case !slices.ContainsFunc(t.Dest, func(n string) bool { return n != "" && n == Canonical(to) }):
		return t, fmt.Errorf("%w: another callee", ErrNumbers)
	case v.Source == nil || v.Roots == nil:
		return t, fmt.Errorf("%w: nobody is trusted; put certificates into the trust folder", ErrCertificate)
	}
	chain, err := v.Source.Certificates(ctx, t.X5U)
	if err != nil {
		return t, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	key, err := v.trusted(chain, now)
	if err != nil {
		return t, err
	}
	if !t.signedBy(key) {
		return t, ErrSignature
	}
	return t, nil
}

// trusted returns the key of a chain that one of the roots vouches for.
func (v *Verifier) trusted(chain []*x509.Certificate, now time.Time) (*ecdsa.PublicKey, error) {
	if len(chain) == 0 {
		return nil, fmt.Errorf("%w: there is none", ErrCertificate)
	}
	middle := x509.NewCertPool()
	for _, c := range chain[1:] {
		middle.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{
		Roots: v.Roots, Intermediates: middle, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCertificate, err)
	}
	key, ok := chain[0].PublicKey.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, fmt.Errorf("%w: its key is not of the curve P-256", ErrCertificate)
	}
	return key, nil
}

// signedBy checks the signature, which is r and s one after the other (RFC 7518
// §3.4).
func (t *Token) signedBy(key *ecdsa.PublicKey) bool {
	sum := sha256.Sum256([]byte(t.signed))
	r, s := new(big.Int).SetBytes(t.signature[:32]), new(big.Int).SetBytes(t.signature[32:])
	return ecdsa.Verify(key, sum[:], r, s)
}
