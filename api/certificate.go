package api

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// certificate returns the TLS configuration: the files of the configuration, or
// a certificate that the server made itself and keeps in DIR/tls.
func (s *Server) certificate() (*tls.Config, error) {
	cert, key := s.opts.Config.Certificate, s.opts.Config.Key
	if cert == "" {
		dir := filepath.Join(s.opts.DataDir, "tls")
		cert, key = filepath.Join(dir, "self-signed.crt"), filepath.Join(dir, "self-signed.key")
		if err := selfSigned(dir, cert, key, time.Now()); err != nil {
			return nil, fmt.Errorf("make a certificate in %s: %w", dir, err)
		}
		s.log.Warn("https uses a certificate of its own, which browsers warn of", "certificate", cert)
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("load the certificate %s and its key %s (http.certificate, http.key): %w", cert, key, err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, nil
}

// selfSigned writes a certificate for this machine's names and addresses unless
// there is one that is good for a month more.
func selfSigned(dir, cert, key string, now time.Time) error {
	if pair, err := tls.LoadX509KeyPair(cert, key); err == nil && now.AddDate(0, 1, 0).Before(pair.Leaf.NotAfter) {
		return nil
	}
	priv, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return err
	}
	t := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "Callfloor"}, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true,
		DNSNames: []string{"localhost"},
	}
	if host, err := os.Hostname(); err == nil {
		t.DNSNames = append(t.DNSNames, host)
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return err
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok {
			t.IPAddresses = append(t.IPAddresses, n.IP)
		}
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
	return writePEM(cert, "CERTIFICATE", der)
}

func writePEM(path, kind string, der []byte) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}
