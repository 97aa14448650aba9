package poll

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const testBuffer = 64 << 10

func listen(t *testing.T, addr string) *Socket {
	t.Helper()
	s, err := Listen(netip.MustParseAddrPort(addr), testBuffer)
	if err != nil {
		if strings.HasPrefix(addr, "[") {
			t.Skipf("no IPv6 on this machine: %v", err)
		}
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func newLoop(t *testing.T, log *slog.Logger) *Loop {
	t.Helper()
	l, err := NewLoop(log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

// flood sends to the socket until over.
func flood(s *Socket, to netip.AddrPort, over func() bool) {
	for !over() {
		for range 20 {
			_, _ = s.WriteToUDPAddrPort([]byte("flood"), to)
		}
		time.Sleep(time.Millisecond)
	}
}

// Every datagram comes out once, from where it was sent, at once and on the
// tick.
func TestLoop(t *testing.T) {
	for _, addr := range []string{"127.0.94.1:0", "[::1]:0"} {
		for _, tick := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s tick %t", addr, tick), func(t *testing.T) { testLoop(t, addr, tick) })
		}
	}
}

func testLoop(t *testing.T, addr string, tick bool) {
	l := newLoop(t, nil)
	const sockets, packets = 20, 50
	sender := listen(t, addr)
	var got sync.WaitGroup
	var flooded atomic.Int64
	busy := listen(t, addr)
	busyDone := make(chan struct{})
	l.Serve(busy, func([]byte, netip.AddrPort, time.Time) { flooded.Add(1) }, func() { close(busyDone) })
	if tick {
		flood(sender, busy.LocalAddr(), l.Ticking)
	}
	var done sync.WaitGroup
	var all []*Socket
	for i := range sockets {
		s := listen(t, addr)
		all = append(all, s)
		got.Add(packets)
		done.Add(1)
		var next uint32
		l.Serve(s, func(b []byte, from netip.AddrPort, at time.Time) {
			n := binary.BigEndian.Uint32(b)
			if from != sender.LocalAddr() || n != next || len(b) != 172 || at.IsZero() {
				t.Errorf("socket %d: packet %d of %d octets from %v, want %d", i, n, len(b), from, next)
			}
			next++
			got.Done()
		}, done.Done)
	}
	b := make([]byte, 172)
	for n := range uint32(packets) {
		binary.BigEndian.PutUint32(b, n)
		for _, s := range all {
			if _, err := sender.WriteToUDPAddrPort(b, s.LocalAddr()); err != nil {
				t.Fatal(err)
			}
		}
	}
	got.Wait()
	if l.Len() != sockets+1 {
		t.Errorf("%d sockets, want %d", l.Len(), sockets+1)
	}
	for _, s := range all {
		_ = s.Close()
	}
	done.Wait()
	if _, err := all[0].WriteToUDPAddrPort(b, sender.LocalAddr()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("sending on a closed socket: %v", err)
	}
	if tick && flooded.Load() == 0 {
		t.Error("nothing of the flood came")
	}
	l.Close()
	<-busyDone
	_ = all[0].Close() // once more, after the loop
}

// When packets are few again the tick ends.
func TestTickEnds(t *testing.T) {
	l := newLoop(t, nil)
	a, b := listen(t, "127.0.94.2:0"), listen(t, "127.0.94.2:0")
	done := make(chan struct{})
	l.Serve(b, func([]byte, netip.AddrPort, time.Time) {}, func() { close(done) })
	flood(a, b.LocalAddr(), l.Ticking)
	for l.Ticking() {
		time.Sleep(time.Millisecond)
	}
	_ = b.Close()
	<-done
}

// A fault over one datagram ends neither the loop nor the socket, and After
// runs after it.
func TestLoopFault(t *testing.T) {
	var log bytes.Buffer
	l := newLoop(t, slog.New(slog.NewTextHandler(&log, nil)))
	a, b := listen(t, "127.0.94.3:0"), listen(t, "127.0.94.3:0")
	after := make(chan struct{}, 100)
	l.After(func() { after <- struct{}{} })
	heard := make(chan string, 2)
	done := make(chan struct{})
	l.Serve(b, func(b []byte, _ netip.AddrPort, _ time.Time) {
		if string(b) == "bad" {
			panic("bad")
		}
		heard <- string(b)
	}, func() { close(done) })
	for _, s := range []string{"bad", "good"} {
		if _, err := a.WriteToUDPAddrPort([]byte(s), b.LocalAddr()); err != nil {
			t.Fatal(err)
		}
	}
	if s := <-heard; s != "good" {
		t.Errorf("heard %q", s)
	}
	<-after
	_ = b.Close()
	<-done
	if !strings.Contains(log.String(), "panic=bad") {
		t.Errorf("log: %s", log.String())
	}
}

func TestListenErrors(t *testing.T) {
	a := listen(t, "127.0.94.4:0")
	if _, err := Listen(a.LocalAddr(), testBuffer); err == nil || !strings.Contains(err.Error(), a.LocalAddr().String()) {
		t.Errorf("a port that is taken: %v", err)
	}
	if _, err := a.WriteToUDPAddrPort([]byte("x"), netip.MustParseAddrPort("[::1]:9")); err == nil {
		t.Error("IPv6 was sent on an IPv4 socket")
	}
}

// Serving on a loop that is closed ends at once.
func TestServeClosed(t *testing.T) {
	l, err := NewLoop(nil)
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	done := false
	l.Serve(listen(t, "127.0.94.5:0"), func([]byte, netip.AddrPort, time.Time) {}, func() { done = true })
	if !done {
		t.Error("done was not called")
	}
}

// Sending and fetching allocate nothing.
func TestSocketAllocs(t *testing.T) {
	for _, addr := range []string{"127.0.94.6:0", "[::1]:0"} {
		a, b := listen(t, addr), listen(t, addr)
		packet, buf, to := make([]byte, 172), make([]byte, MaxDatagram), b.LocalAddr()
		n := testing.AllocsPerRun(100, func() {
			if _, err := a.WriteToUDPAddrPort(packet, to); err != nil {
				t.Fatal(err)
			}
			if n, from, err := b.receive(buf); err != nil || n != 172 || from != a.LocalAddr() {
				t.Fatal(n, from, err)
			}
		})
		if n != 0 {
			t.Errorf("%s: %v allocations a packet", addr, n)
		}
	}
}
