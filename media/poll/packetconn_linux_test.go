package poll

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"
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

// A datagram carries the mark that it is to have and the next one its own,
// whether they go at once or in a batch.
func TestWriteMarked(t *testing.T) {
	for _, addr := range []string{"127.0.95.3:0", "[::1]:0"} {
		for _, ticking := range []bool{false, true} {
			from, to := listenPacket(t, addr), listenPacket(t, addr)
			level, want, kind := unix.IPPROTO_IP, unix.IP_RECVTOS, int32(unix.IP_TOS)
			if to.sock.ip6 {
				level, want, kind = unix.IPPROTO_IPV6, unix.IPV6_RECVTCLASS, unix.IPV6_TCLASS
			}
			if err := unix.SetsockoptInt(to.sock.fd, level, want, 1); err != nil {
				t.Fatal("this system does not tell a packet's mark:", err)
			}
			from.Mark(46 << 2)
			from.ticking = ticking
			far := to.LocalAddr().(*net.UDPAddr).AddrPort()
			for _, write := range []func([]byte, netip.AddrPort) (int, error){from.WriteMarked, from.WriteToAddrPort, from.WriteMarked} {
				if _, err := write([]byte("sound"), far); err != nil {
					t.Fatal(err)
				}
			}
			from.Flush()
			for i, class := range []byte{46 << 2, 0, 46 << 2} {
				b, oob := make([]byte, 100), make([]byte, 100)
				n, beside, _, _, err := unix.Recvmsg(to.sock.fd, b, oob, 0)
				if err != nil || string(b[:n]) != "sound" {
					t.Fatalf("%s: %q, %v", addr, b[:n], err)
				}
				all, err := unix.ParseSocketControlMessage(oob[:beside])
				if err != nil || len(all) != 1 || all[0].Header.Type != kind || all[0].Data[0] != class {
					t.Errorf("%s, in a batch %v: datagram %d came with %v, %v, want the mark %d", addr, ticking, i, all, err, class)
				}
			}
			if n := testing.AllocsPerRun(100, func() { _, _ = from.WriteMarked([]byte("sound"), far) }); n != 0 {
				t.Errorf("%v allocations for a marked datagram", n)
			}
		}
	}
}

// What a mark costs.
func BenchmarkWrite(b *testing.B) {
	c, err := ListenPacket(netip.MustParseAddrPort("127.0.95.4:0"), 1<<20)
	if err != nil {
		b.Skip(err)
	}
	defer c.Close() //nolint:errcheck // nothing is behind it
	c.Mark(46 << 2)
	to := c.LocalAddr().(*net.UDPAddr).AddrPort()
	packet := make([]byte, 188)
	for name, write := range map[string]func([]byte, netip.AddrPort) (int, error){"plain": c.WriteToAddrPort, "marked": c.WriteMarked} {
		for how, ticking := range map[string]bool{"at once": false, "batch": true} {
			b.Run(name+" "+how, func(b *testing.B) {
				c.mu.Lock()
				c.ticking = ticking
				c.mu.Unlock()
				for b.Loop() {
					_, _ = write(packet, to)
				}
			})
		}
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
