package media

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // old phones announce nothing else
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"
)

// Identity is the certificate that a server shows to phones in DTLS. Nobody
// signs it: its fingerprint in the description is what makes it ours.
type Identity struct {
	certificate tls.Certificate
	fingerprint Fingerprint
}

// identityYears is how long an Identity is valid; it is made anew at each
// start, and no phone looks at more than its fingerprint.
const identityYears = 10

// NewIdentity makes a certificate with a fresh key (ECDSA, P-256).
func NewIdentity() (*Identity, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the key for DTLS: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, fmt.Errorf("make the certificate for DTLS: %w", err)
	}
	now := time.Now()
	t := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "callfloor"},
		NotBefore: now.AddDate(0, 0, -1), NotAfter: now.AddDate(identityYears, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("make the certificate for DTLS: %w", err)
	}
	return &Identity{
		certificate: tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key},
		fingerprint: Fingerprint{Hash: "sha-256", Value: fingerprintOf("sha-256", der)},
	}, nil
}

// Fingerprint is what to announce: the SHA-256 of the certificate.
func (i *Identity) Fingerprint() Fingerprint { return i.fingerprint }

// fingerprintOf is a certificate's fingerprint; "" for a hash that is not
// known. MD5 and MD2 are not (RFC 8122 §5.1).
func fingerprintOf(hash string, der []byte) string {
	var sum []byte
	switch strings.ToLower(hash) {
	case "sha-1":
		h := sha1.Sum(der) //nolint:gosec // see the import
		sum = h[:]
	case "sha-256":
		h := sha256.Sum256(der)
		sum = h[:]
	case "sha-384":
		h := sha512.Sum384(der)
		sum = h[:]
	case "sha-512":
		h := sha512.Sum512(der)
		sum = h[:]
	default:
		return ""
	}
	text := strings.ToUpper(hex.EncodeToString(sum))
	var b strings.Builder
	for i := 0; i < len(text); i += 2 {
		if i > 0 {
			b.WriteByte(':')
		}
		b.WriteString(text[i : i+2])
	}
	return b.String()
}

// ErrCertificate says that the far end showed another certificate than the one
// that its description announced: somebody may stand between.
var ErrCertificate = errors.New("the phone's certificate is not the one that its description announced")

// verify says whether the certificate is one that was announced.
func (h *Handshake) verify(certificates [][]byte) error {
	if len(certificates) > 0 {
		for _, f := range h.Fingerprints {
			if got := fingerprintOf(f.Hash, certificates[0]); got != "" && strings.EqualFold(got, f.Value) {
				return nil
			}
		}
	}
	return ErrCertificate
}
