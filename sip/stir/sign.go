package stir

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"time"
)

// Signer makes Identity headers.
type Signer struct {
	Key *ecdsa.PrivateKey
	// X5U is where others find the certificate, an https address.
	X5U string
	// Attest is what we say of our callers.
	Attest Attestation
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

// LoadKey reads a private key of the curve P-256 from PEM (PKCS #8 or SEC 1).
func LoadKey(data []byte) (*ecdsa.PrivateKey, error) {
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		var key any
		var err error
		switch block.Type {
		case "PRIVATE KEY":
			key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
		case "EC PRIVATE KEY":
			key, err = x509.ParseECPrivateKey(block.Bytes)
		default: // EC PARAMETERS, certificates
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read a key for signing calls: %w", err)
		}
		if k, ok := key.(*ecdsa.PrivateKey); ok && k.Curve == elliptic.P256() {
			return k, nil
		}
		return nil, errors.New("read a key for signing calls: it is not of the curve P-256, as ES256 needs it")
	}
	return nil, errors.New("read a key for signing calls: there is no PEM block PRIVATE KEY or EC PRIVATE KEY")
}

// Sign makes the value of an Identity header for a call from one number to
// another. origID names where the call came into our net (RFC 8588 §5), a UUID.
func (s *Signer) Sign(from, to, origID string) (string, error) {
	orig, dest := Canonical(from), Canonical(to)
	if orig == "" || dest == "" {
		return "", fmt.Errorf("sign a call: both ends must be telephone numbers")
	}
	now := time.Now
	if s.Now != nil {
		now = s.Now
	}
	// The members stand in the order of the alphabet, without spaces (RFC 8225 §9).
	h, err := json.Marshal(header{Alg: "ES256", Ppt: "shaken", Typ: "passport", X5U: s.X5U})
	if err != nil {
		return "", fmt.Errorf("sign a call: %w", err)
	}
	p, err := json.Marshal(payload{Attest: s.Attest, Dest: numbers{TN: []string{dest}}, Iat: now().Unix(), Orig: number{TN: orig}, OrigID: origID})
	if err != nil {
		return "", fmt.Errorf("sign a call: %w", err)
	}
	token := base64.RawURLEncoding.EncodeToString(h) + "." + base64.RawURLEncoding.EncodeToString(p)
	sum := sha256.Sum256([]byte(token))
	r, sig, err := ecdsa.Sign(rand.Reader, s.Key, sum[:])
	if err != nil {
		return "", fmt.Errorf("sign a call: %w", err)
	}
	both := make([]byte, 64)
	r.FillBytes(both[:32])
	sig.FillBytes(both[32:])
	return token + "." + base64.RawURLEncoding.EncodeToString(both) + ";info=<" + s.X5U + ">;alg=ES256;ppt=shaken", nil
}
