package sip

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"testing"
	"time"

	"callfloor/media"
)

// stunServer answers binding requests with an address; the first ones with
// nothing of use.
func stunServer(t *testing.T, tell netip.Addr) string {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { _ = c.Close(); <-done })
	go func() {
		defer close(done)
		b := make([]byte, 1500)
		for {
			n, from, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			_, _ = c.WriteTo([]byte("nonsense"), from)
			if n != 20 {
				continue
			}
			_, _ = c.WriteTo(stunAnswer(b[:20], tell), from)
		}
	}()
	return c.LocalAddr().String()
}

func stunAnswer(req []byte, tell netip.Addr) []byte {
	out := append([]byte(nil), req...)
	binary.BigEndian.PutUint16(out, stunResponse)
	ip := tell.AsSlice()
	for i := range ip {
		ip[i] ^= req[4+i]
	}
	attr := append([]byte{0, stunXMapped, 0, byte(4 + len(ip)), 0, 1, 0, 0}, ip...)
	binary.BigEndian.PutUint16(out[2:], uint16(len(attr))) //nolint:gosec // a test's
	return append(out, attr...)
}

func TestExternalAddressBySTUN(t *testing.T) {
	cfg := DefaultConfig()
	public := netip.MustParseAddr("203.0.113.7")
	cfg.Listen, cfg.External, cfg.STUN = "127.0.0.1:0", Auto, stunServer(t, public)
	pacer := media.NewPacer()
	defer pacer.Close()
	s, err := New(cfg, Options{Pacer: pacer})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	defer s.Close(context.Background()) //nolint:errcheck // there is no call
	for deadline := time.Now().Add(20 * time.Second); s.external.Load() == nil; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the address never came")
		}
	}
	for remote, want := range map[string]netip.Addr{
		"198.51.100.9:5060": public, "127.0.0.1:5060": netip.MustParseAddr("127.0.0.1"), "10.1.2.3:5060": netip.MustParseAddr("127.0.0.1"),
	} {
		if got, _ := s.localIP(netip.MustParseAddrPort(remote)); got != want {
			t.Errorf("%s is told %s, wanted %s", remote, got, want)
		}
	}
	if err := (func() error { c := cfg; c.STUN = "nobody"; return c.Validate() })(); err == nil {
		t.Error("a STUN server without a port is taken")
	}
}

func FuzzSTUN(f *testing.F) {
	req := make([]byte, 20)
	f.Add(stunAnswer(req, netip.MustParseAddr("203.0.113.7")))
	f.Add(stunAnswer(req, netip.MustParseAddr("2001:db8::1")))
	f.Add([]byte{1, 1, 0, 4, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		if a, err := parseSTUN(b, req[8:]); err == nil && !a.IsValid() {
			t.Error("an answer without an address")
		}
	})
}
