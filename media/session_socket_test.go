package media

import (
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"callfloor/media/codec"
)

// Real sockets: two sessions on loopback speak to each other, IPv4 and IPv6.
func TestTwoSessions(t *testing.T) {
	for _, c := range []struct {
		ip      string
		engines bool
	}{{"127.0.93.1", true}, {"::1", true}, {"127.0.93.1", false}, {"::1", false}} {
		ip := c.ip
		t.Run(fmt.Sprintf("%s engine %t", ip, c.engines), func(t *testing.T) {
			var engine *Engine
			if c.engines {
				engine = NewEngine(nil)
				defer engine.Close()
			}
			addr := netip.MustParseAddr(ip)
			ports, err := NewPorts(28000, 28099)
			if err != nil {
				t.Fatal(err)
			}
			pacer := NewPacer()
			defer pacer.Close()
			free := ports.Free()
			open := func(name string) *Session {
				s, err := OpenSession(SessionConfig{IP: addr, Ports: ports, Pacer: pacer, Name: name, Engine: engine})
				if err != nil {
					t.Skipf("no %s on this machine: %v", ip, err)
				}
				return s
			}
			a, b := open("a"), open("b")
			join := func(s, other *Session) {
				s.SetRemote(Remote{Addr: netip.AddrPortFrom(addr, uint16(other.LocalPort())), Codec: codec.PCMA, PayloadType: 8, Events: 101, Sends: true, Receives: true})
			}
			join(a, b)
			join(b, a)
			heard := make(chan Packet, 1000)
			sink := SinkFunc(func(p *Packet) {
				p2 := *p
				p2.Payload = bytes.Clone(p.Payload)
				select {
				case heard <- p2:
				default:
				}
			})
			b.Source().Attach(&sink)
			digits := make(chan Digit, 10)
			b.OnDigit(func(d Digit) { digits <- d })
			pl := NewPlayer(pacer, "tone", codec.PCMA)
			defer pl.Close()
			a.Sender().Hear(pl.Source())
			clip := tone(time.Second)
			pl.Loop(clip, 0)
			for i := range 10 {
				if p := <-heard; p.Codec != codec.PCMA || !bytes.Equal(p.Payload, clip.Frames(codec.PCMA)[i]) {
					t.Fatalf("packet %d: %v of %d octets", i, p.Codec, len(p.Payload))
				}
			}
			for _, key := range "5#" {
				if err := a.Sender().SendDigit(key, 40*time.Millisecond); err != nil {
					t.Fatal(err)
				}
			}
			for _, key := range "5#" {
				if d := <-digits; d.Key != key || d.Via != ViaEvent {
					t.Errorf("digit %q by %q", d.Key, d.Via)
				}
			}
			if q := b.Quality(); q.Received < 10 || q.Lost != 0 || q.Strangers != 0 || q.Codec != "PCMA" {
				t.Errorf("quality: %+v", q)
			}
			a.Close()
			b.Close()
			b.Close()
			if n := ports.Free(); n != free-2 {
				t.Errorf("%d pairs free, want %d: the two rest", n, free-2)
			}
			if n := ports.free(time.Now().Add(portRest)); n != free {
				t.Errorf("%d pairs free after the rest, want %d", n, free)
			}
		})
	}
}

func TestOpenSessionErrors(t *testing.T) {
	ip := netip.MustParseAddr("127.0.93.1")
	pacer := NewPacer()
	defer pacer.Close()
	if _, err := OpenSession(SessionConfig{IP: ip, Pacer: pacer}); err == nil {
		t.Error("a session without ports was opened")
	}
	ports, _ := NewPorts(28200, 28203)
	taken, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 93, 1), Port: 28200})
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	s, err := OpenSession(SessionConfig{IP: ip, Ports: ports, Pacer: pacer, Name: "x"})
	if err != nil {
		t.Fatalf("with one pair taken by another program: %v", err)
	}
	defer s.Close()
	if s.LocalPort() != 28202 {
		t.Errorf("port %d", s.LocalPort())
	}
	if _, err := OpenSession(SessionConfig{IP: ip, Ports: ports, Pacer: pacer, Name: "y"}); err == nil || !strings.Contains(err.Error(), "rest") {
		t.Errorf("with none left: %v", err)
	}
}

func TestSessionForwardAllocatesNothing(t *testing.T) {
	l := newTestLeg(t)
	l.SetRemote(legRemote)
	sink, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer sink.Close()
	to := sink.LocalAddr().(*net.UDPAddr).AddrPort()
	l.socks.rtp = sink
	r := legRemote
	r.Addr = to
	l.SetRemote(r)
	l.Source().Detach(l.heard)
	l.Sender().Hear(l.Source())
	raw := rawRTP(0, 0, 0, 5, make([]byte, 160))
	now := time.Now()
	before := l.Sender().Stats().Packets
	if n := testing.AllocsPerRun(1000, func() {
		step(raw)
		now = now.Add(frameTime)
		l.handleRTP(raw, to, now)
	}); n != 0 {
		t.Errorf("%v allocations a packet", n)
	}
	if l.Sender().Stats().Packets-before < 900 {
		t.Error("the packets were not sent")
	}
	l.Sender().Close()
	l.socks.rtp = l.rtp
}

// FuzzRTCP: no datagram panics or changes who is heard.
func FuzzRTCP(f *testing.F) {
	for _, p := range []rtcp.Packet{
		&rtcp.SenderReport{SSRC: 5, Reports: []rtcp.ReceptionReport{{SSRC: 1}}}, &rtcp.ReceiverReport{SSRC: 5},
		&rtcp.Goodbye{Sources: []uint32{5}},
	} {
		b, err := p.Marshal()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s := &Session{receiver: NewReceiver("x"), log: slog.New(slog.DiscardHandler), remote: Remote{Addr: sdpAddr, Mux: true}}
		s.latch.reset(sdpAddr, time.Unix(0, 0))
		s.latch.judge(sdpAddr, 5, 1, time.Unix(0, 0))
		s.handleRTCP(b, sdpAddr, time.Unix(1, 0), true)
		s.handleRTCP(b, stranger, time.Unix(1, 0), true)
		if s.latch.target() != sdpAddr || s.strangers.Load() != 1 {
			t.Fatal("RTCP moved the media")
		}
		if s.reports.known && (s.reports.roundTrip < 0 || s.reports.roundTrip > maxRoundTrip) {
			t.Fatalf("round trip %v", s.reports.roundTrip)
		}
	})
}
