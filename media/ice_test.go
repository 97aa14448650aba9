package media

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/pion/stun/v4"

	"callfloor/media/codec"
)

// TestICE: who signs with our password is answered and spoken to; who does not
// gets nothing; another address is taken when the far end decides for it.
func TestICE(t *testing.T) {
	ports, err := NewPorts(28200, 28209)
	if err != nil {
		t.Fatal(err)
	}
	pacer := NewPacer()
	defer pacer.Close()
	s, err := OpenSession(SessionConfig{IP: netip.MustParseAddr("127.0.0.1"), Ports: ports, Pacer: pacer, Name: "browser"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	here := &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: s.LocalPort()}
	guess := netip.MustParseAddrPort("192.0.2.1:9")
	remote := Remote{
		Addr: guess, Mux: true, Codec: codec.PCMU, Sends: true, Receives: true,
		ICE: &ICE{Ufrag: "us", Pwd: "abcdefghijklmnopqrstuvwxyz", RemoteUfrag: "them"},
	}
	target := func() netip.AddrPort {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.latch.target()
	}
	open := func() *net.UDPConn {
		t.Helper()
		c, err := net.DialUDP("udp4", nil, here)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	ask := func(c *net.UDPConn, name, password string, patience time.Duration, more ...stun.Setter) error {
		t.Helper()
		key := stun.NewShortTermIntegrity(password)
		setters := append([]stun.Setter{stun.TransactionID, stun.BindingRequest, stun.NewUsername(name)}, more...)
		q, err := stun.Build(append(setters, key, stun.Fingerprint)...)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write(q.Raw); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 1500)
		_ = c.SetReadDeadline(time.Now().Add(patience))
		n, err := c.Read(b)
		if err != nil {
			return err
		}
		a := &stun.Message{Raw: b[:n]}
		var mapped stun.XORMappedAddress
		if err := errors.Join(a.Decode(), key.Check(a), stun.Fingerprint.Check(a), mapped.GetFrom(a)); err != nil {
			t.Fatal(err)
		}
		if a.Type != stun.BindingSuccess || a.TransactionID != q.TransactionID || mapped.Port != c.LocalAddr().(*net.UDPAddr).Port {
			t.Errorf("the answer: %s, %v", a, mapped)
		}
		return nil
	}
	const short, long = 50 * time.Millisecond, 20 * time.Second
	first, second := open(), open()
	if err := ask(first, "us:them", remote.ICE.Pwd, short); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("answered where ICE was not agreed on: %v", err)
	}
	s.SetRemote(remote)
	if to := target(); to.IsValid() {
		t.Errorf("sends to %s, which nobody has shown to be right", to)
	}
	for _, wrong := range [][2]string{{"us:them", "another password here"}, {"us:others", remote.ICE.Pwd}, {"them:us", remote.ICE.Pwd}} {
		if err := ask(second, wrong[0], wrong[1], short); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%q was answered: %v", wrong, err)
		}
	}
	at := func(c *net.UDPConn) netip.AddrPort { return c.LocalAddr().(*net.UDPAddr).AddrPort() }
	nominated := stun.RawAttribute{Type: stun.AttrUseCandidate}
	for _, step := range []struct {
		who  *net.UDPConn
		more []stun.Setter
		to   *net.UDPConn
	}{{first, nil, first}, {second, nil, first}, {second, []stun.Setter{nominated}, second}} {
		if err := ask(step.who, "us:them", remote.ICE.Pwd, long, step.more...); err != nil {
			t.Fatal(err)
		}
		if to := target(); to != at(step.to) {
			t.Errorf("sends to %s, want %s", to, at(step.to))
		}
	}
	s.SetRemote(remote) // a refresh
	if to := target(); to != at(second) {
		t.Errorf("after a refresh it sends to %s, want %s", to, at(second))
	}
	restarted := *remote.ICE
	restarted.RemoteUfrag = "again"
	remote.ICE = &restarted
	s.SetRemote(remote)
	if to := target(); to.IsValid() {
		t.Errorf("after a restart it sends to %s", to)
	}
}
