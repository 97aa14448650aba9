package web

import (
	"log/slog"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"callfloor/media"
)

// TestSoundIsMarked: what sounds carries the mark of audio on the media port, and
// what pion sends there, checks and pictures, does not.
func TestSoundIsMarked(t *testing.T) {
	engine := media.NewEngine(slog.New(slog.DiscardHandler))
	t.Cleanup(engine.Close)
	s := testServerWith(t, engine, nil)
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	var port *mediaPort
	for addr, p := range s.engine.ports {
		if strings.HasPrefix(addr, "127.0.0.1:") {
			port = p
		}
	}
	if port == nil {
		t.Fatal("the media port is not read in batches here")
	}
	far, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = far.Close() })
	raw, err := far.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var told error
	if err := raw.Control(func(fd uintptr) { told = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IP, syscall.IP_RECVTOS, 1) }); err != nil || told != nil {
		t.Fatal("this system does not tell a packet's mark:", err, told)
	}
	out := &outlet{}
	out.way.Store(&way{port: port, to: far.LocalAddr().(*net.UDPAddr).AddrPort()})
	if err := out.send([]byte("sound")); err != nil {
		t.Fatal(err)
	}
	if _, err := port.WriteTo([]byte("picture"), far.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []struct {
		what string
		mark byte
	}{{"sound", 46 << 2}, {"picture", 0}} {
		_ = far.SetReadDeadline(time.Now().Add(5 * time.Second))
		b, oob := make([]byte, 100), make([]byte, 100)
		n, beside, _, _, err := far.ReadMsgUDP(b, oob)
		if err != nil || string(b[:n]) != want.what {
			t.Fatalf("%q came, want %q: %v", b[:n], want.what, err)
		}
		all, err := syscall.ParseSocketControlMessage(oob[:beside])
		if err != nil || len(all) != 1 || all[0].Data[0] != want.mark {
			t.Errorf("%s came with %v, %v, want the mark %d", want.what, all, err, want.mark)
		}
	}
}
