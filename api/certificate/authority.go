package certificate

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"callfloor/internal/store"
)

// How long certificates last. Browsers take no leaf of more than 398 days from
// outside authorities and of 825 from own ones.
const (
	rootYears  = 10
	leafDays   = 397
	renewAhead = 30 * 24 * time.Hour
	maxAddrs   = 64 // in one certificate
)

// authority is the house's own. Its key never leaves its file; it signs for
// this machine alone.
type authority struct {
	root *x509.Certificate
	key  crypto.Signer
	more []string // names and addresses from the configuration

	mu   sync.Mutex
	leaf *tls.Certificate
	seen []netip.Addr // addresses at which clients have reached us
}

// openAuthority reads the authority of dir, or makes it.
func openAuthority(dir string, more []string) (*authority, error) {
	cert, key := filepath.Join(dir, "authority.crt"), filepath.Join(dir, "authority.key")
	pair, err := tls.LoadX509KeyPair(cert, key)
	if errors.Is(err, fs.ErrNotExist) {
		if err = makeRoot(dir, cert, key, time.Now()); err != nil {
			return nil, fmt.Errorf("make the house's own authority: %w", err)
		}
		pair, err = tls.LoadX509KeyPair(cert, key)
	}
	if err != nil {
		return nil, fmt.Errorf("the house's own authority: %w; take both files away to make a new one, which people must install again", err)
	}
	signer, ok := pair.PrivateKey.(crypto.Signer)
	if !ok || !pair.Leaf.IsCA {
		return nil, fmt.Errorf("%s is not an authority's certificate", cert)
	}
	a := &authority{root: pair.Leaf, key: signer, more: more}
	_, err = a.get(nil)
	return a, err
}

func makeRoot(dir, cert, key string, now time.Time) error {
	priv, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	name := "Callfloor"
	if h, err := os.Hostname(); err == nil {
		name += " on " + h
	}
	serial, err := serial()
	if err != nil {
		return err
	}
	t := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name, Organization: []string{"Callfloor's own authority"}},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(rootYears, 0, 0),
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, BasicConstraintsValid: true, IsCA: true, MaxPathLenZero: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, &priv.PublicKey, priv)
	if err != nil {
		return err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(priv)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := writePEM(key, "PRIVATE KEY", pkcs8); err != nil {
		return err
	}
	return writePEM(cert, "CERTIFICATE", der) // last: where it is missing both are made anew
}

func writePEM(path, kind string, der []byte) error {
	return store.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}

func serial() (*big.Int, error) { return rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127)) }

// get returns a certificate for this machine; a new one when the old one is
// about to end or does not name the address at which the client has come.
func (a *authority) get(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now, at := time.Now(), local(h)
	if at.IsValid() && !slices.Contains(a.seen, at) && len(a.seen) < maxAddrs {
		a.seen = append(a.seen, at)
	}
	if a.leaf != nil && now.Add(renewAhead).Before(a.leaf.Leaf.NotAfter) && (!at.IsValid() || names(a.leaf.Leaf, at)) {
		return a.leaf, nil
	}
	leaf, err := a.sign(now)
	if err == nil {
		a.leaf = leaf
	}
	return leaf, err
}

func names(c *x509.Certificate, at netip.Addr) bool {
	return slices.ContainsFunc(c.IPAddresses, func(ip net.IP) bool { return ip.Equal(at.AsSlice()) })
}

// sign makes a certificate for all names and addresses of this machine.
func (a *authority) sign(now time.Time) (*tls.Certificate, error) {
	priv, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := serial()
	if err != nil {
		return nil, err
	}
	t := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "Callfloor"}, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(0, 0, leafDays),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true,
		DNSNames: []string{"localhost"},
	}
	if h, err := os.Hostname(); err == nil && host(h) {
		t.DNSNames = append(t.DNSNames, h, h+".local")
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil, err
	}
	for _, addr := range addrs {
		if n, ok := addr.(*net.IPNet); ok && len(t.IPAddresses) < maxAddrs {
			t.IPAddresses = append(t.IPAddresses, n.IP)
		}
	}
	for _, m := range a.more {
		if ip := net.ParseIP(m); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, m)
		}
	}
	for _, at := range a.seen {
		t.IPAddresses = append(t.IPAddresses, at.AsSlice())
	}
	der, err := x509.CreateCertificate(rand.Reader, t, a.root, &priv.PublicKey, a.key)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: priv, Leaf: leaf}, err
}
