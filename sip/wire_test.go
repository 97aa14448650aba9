package sip

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"callfloor/contact"
	"callfloor/media"
)

// testCertificate writes a certificate for 127.0.0.1 and ::1.
func testCertificate(t testing.TB) (cert, key string, roots *x509.CertPool) {
	t.Helper()
	priv, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}, DNSNames: []string{"localhost"}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, tpl, tpl, &priv.PublicKey, priv)
	if err != nil {
		t.Fatal(err)
	}
	p8, err := x509.MarshalPKCS8PrivateKey(priv)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	if err := os.WriteFile(cert, certPEM, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: p8}), 0o600); err != nil {
		t.Fatal(err)
	}
	roots = x509.NewCertPool()
	roots.AppendCertsFromPEM(certPEM)
	return cert, key, roots
}

// startWires starts a server with every transport, whose line 1000 answers and
// hangs up. stop ends it.
func startWires(t testing.TB, cert, key string) (s *Server, stop func()) {
	t.Helper()
	cfg := DefaultConfig()
	cfg.Listen, cfg.TLS, cfg.WS, cfg.WSS = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
	pacer := media.NewPacer()
	s, err := New(cfg, Options{
		Pacer: pacer, Phones: noPhones{},
		OnCall: func(l *Leg) {
			if l.Called() != "1000" {
				_ = l.Reject(404, "Not Found")
				return
			}
			_ = l.Answer(context.Background())
			l.Hangup(contact.EndCause{By: contact.System, Class: contact.EndCompleted})
		},
		OpenMedia: func(MediaConfig) (Media, error) {
			return stillMedia{media.NewSource("x"), media.NewSender(pacer, "x")}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.SetTLS(func() (*tls.Config, error) {
		pair, err := tls.LoadX509KeyPair(cert, key)
		return &tls.Config{Certificates: []tls.Certificate{pair}}, err
	})
	s.wholeMessage = 500 * time.Millisecond
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	return s, func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // nobody is there to answer a BYE
		_ = s.Close(ctx)
		pacer.Close()
	}
}

// wireServer is startWires with a certificate of its own, stopped by t.
func wireServer(t testing.TB) *Server {
	t.Helper()
	cert, key, _ := testCertificate(t)
	s, stop := startWires(t, cert, key)
	t.Cleanup(stop)
	return s
}

type noPhones struct{}

func (noPhones) HA1(string, string) (string, bool) { return "", false }

// dialWire connects to a server by a transport; for WS the handshake is done.
func dialWire(t testing.TB, s *Server, wire string) net.Conn {
	t.Helper()
	at := s.Listening()[wire].String()
	var c net.Conn
	var err error
	switch wire {
	case wireUDP:
		c, err = net.Dial("udp", at)
	case wireTLS, wireWSS:
		c, err = tls.Dial("tcp", at, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // the certificate is not what is tested
	default:
		c, err = net.Dial("tcp", at)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if wire == wireWS || wire == wireWSS {
		if got := handshakeWS(t, c, at, ""); !strings.Contains(got, " 101 ") {
			t.Fatalf("handshake: %s", got)
		}
	}
	return c
}

// handshakeWS asks for SIP over WebSocket and returns the answer.
func handshakeWS(t testing.TB, c net.Conn, host, origin string) string {
	t.Helper()
	if origin != "" {
		origin = "Origin: " + origin + "\r\n"
	}
	_, _ = c.Write([]byte("GET / HTTP/1.1\r\nHost: " + host + "\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: sip\r\n" + origin + "\r\n"))
	var got []byte
	b := make([]byte, 1)
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	for !strings.HasSuffix(string(got), "\r\n\r\n") {
		if _, err := c.Read(b); err != nil {
			t.Fatalf("handshake: %v after %q", err, got)
		}
		got = append(got, b[0])
	}
	return string(got)
}

// sendWire sends a message by a transport.
func sendWire(t testing.TB, c net.Conn, wire string, raw []byte) {
	t.Helper()
	if wire == wireWS || wire == wireWSS {
		raw = maskedFrame(wsText, true, raw)
	}
	if _, err := c.Write(raw); err != nil {
		t.Fatal(err)
	}
}

// maskedFrame is a frame as a client sends it.
func maskedFrame(op byte, fin bool, payload []byte) []byte {
	if fin {
		op |= 0x80
	}
	out := []byte{op}
	switch n := len(payload); {
	case n < 126:
		out = append(out, 0x80|byte(n))
	default:
		out = binary.BigEndian.AppendUint16(append(out, 0x80|126), uint16(n)) //nolint:gosec // a test's
	}
	mask := []byte{1, 2, 3, 4}
	out = append(out, mask...)
	for i, b := range payload {
		out = append(out, b^mask[i&3])
	}
	return out
}
