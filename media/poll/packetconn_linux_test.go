package poll

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"
)

func listenPacket(t *testing.T, addr string) *PacketConn {
	t.Helper()
	c, err := ListenPacket(netip.MustParseAddrPort(addr), 1<<20)
	if err != nil {
		t.Skipf("no %s on this machine: %v", addr, err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// What one end writes the other reads, in order, whether it goes at once or in
// batches.
func TestPacketConn(t *testing.T) {
	for _, addr := range []string{"127.0.95.1:0", "[::1]:0"} {
		t.Run(addr, func(t *testing.T) {
			a, b := listenPacket(t, addr), listenPacket(t, addr)
			to := b.LocalAddr().(*net.UDPAddr).AddrPort()
			const packets = 3000
			var far net.PacketConn = a
			go func() { // a reads too, as pion does: its reader switches it to the tick
				buf := make([]byte, 100)
				for {
					if _, _, err := far.ReadFrom(buf); err != nil {
						return
					}
				}
			}()
			go func() {
				out := make([]byte, 172)
				for n := range uint32(packets) {
					binary.BigEndian.PutUint32(out, n)
					if _, err := a.WriteToAddrPort(out, to); err != nil {
						t.Error(err)
					}
					if n%5 == 0 { // not all at once: the kernel holds so many only
						time.Sleep(time.Millisecond)
					}
				}
				a.Flush()
			}()
			buf := make([]byte, 300)
			for n := range uint32(packets) {
				got, from, err := b.ReadFromAddrPort(buf)
				if err != nil {
					t.Fatal(err)
				}
				if m := binary.BigEndian.Uint32(buf); got != 172 || m != n || from != a.LocalAddr().(*net.UDPAddr).AddrPort() {
					t.Fatalf("packet %d of %d octets from %v, want %d", m, got, from, n)
				}
				if n%10 == 0 { // keep a's reader busy
					if _, err := b.WriteTo(buf[:10], a.LocalAddr()); err != nil {
						t.Fatal(err)
					}
				}
			}
			for _, c := range []*PacketConn{a, b} {
				c.mu.Lock()
				if c.lost != 0 {
					t.Errorf("lost %d", c.lost)
				}
				c.mu.Unlock()
			}
		})
	}
}

// A read that waits ends with Close, on both ends of the switch.
func TestPacketConnClose(t *testing.T) {
	c := listenPacket(t, "127.0.95.2:0")
	ended := make(chan error)
	go func() {
		_, _, err := c.ReadFromAddrPort(make([]byte, 10))
		ended <- err
	}()
	_ = c.Close()
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("read: %v", err)
	}
	if _, err := c.WriteTo([]byte("x"), c.LocalAddr()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("write: %v", err)
	}
	if err := c.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
}

// A datagram that cannot be sent does not hold up those behind it.
func TestBatchGoesOn(t *testing.T) {
	a, b := listenPacket(t, "127.0.95.3:0"), listenPacket(t, "127.0.95.3:0")
	a.mu.Lock()
	a.ticking = true
	a.mu.Unlock()
	to := b.LocalAddr().(*net.UDPAddr).AddrPort()
	for _, w := range []struct {
		text string
		to   netip.AddrPort
	}{{"one", to}, {"lost", netip.MustParseAddrPort("255.255.255.255:9")}, {"two", to}} {
		if _, err := a.WriteToAddrPort([]byte(w.text), w.to); err != nil {
			t.Fatal(err)
		}
	}
	a.Flush()
	buf := make([]byte, 10)
	for _, want := range []string{"one", "two"} {
		n, _, err := b.ReadFromAddrPort(buf)
		if err != nil || string(buf[:n]) != want {
			t.Fatalf("%q %v, want %q", buf[:n], err, want)
		}
	}
	if a.lost != 1 {
		t.Errorf("lost %d, want 1", a.lost)
	}
}
