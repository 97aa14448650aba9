package media

import (
	"bytes"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtcp"

	"callfloor/media/codec"
)

// datagram is one on the fake network.
type datagram struct {
	b    []byte
	from netip.AddrPort
}

// fakeSocket is a UDP socket in a synctest bubble. Its queue holds 4096; more
// is a fault of the test.
type fakeSocket struct {
	in     chan datagram
	closed chan struct{}
	once   sync.Once
	mu     sync.Mutex
	out    []datagram // from is where it went
}

func newFakeSocket() *fakeSocket {
	return &fakeSocket{in: make(chan datagram, 4096), closed: make(chan struct{})}
}

func (f *fakeSocket) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	select {
	case d := <-f.in:
		return copy(b, d.b), d.from, nil
	case <-f.closed:
		return 0, netip.AddrPort{}, net.ErrClosed
	}
}

func (f *fakeSocket) WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.out = append(f.out, datagram{bytes.Clone(b), to})
	return len(b), nil
}

func (f *fakeSocket) Close() error { f.once.Do(func() { close(f.closed) }); return nil }

func (f *fakeSocket) take() []datagram {
	f.mu.Lock()
	defer f.mu.Unlock()
	got := f.out
	f.out = nil
	return got
}

// testLeg is a session on fake sockets.
type testLeg struct {
	*Session
	rtp, rtcp *fakeSocket
	heard     *listener
	digits    []Digit
	log       bytes.Buffer
	pacer     *Pacer
}

var legRemote = Remote{Addr: sdpAddr, Codec: codec.PCMU, Events: 101, PTimeMS: 20, Sends: true, Receives: true}

func newTestLeg(t *testing.T) *testLeg {
	l := &testLeg{rtp: newFakeSocket(), rtcp: newFakeSocket(), heard: &listener{}, pacer: NewPacer()}
	c := SessionConfig{Pacer: l.pacer, Name: "customer", Log: slog.New(slog.NewTextHandler(&l.log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	l.Session = newSession(c, sockets{rtp: l.rtp, rtcp: l.rtcp, port: 20000})
	l.Source().Attach(l.heard)
	l.OnDigit(func(d Digit) { l.digits = append(l.digits, d) })
	t.Cleanup(func() { l.Close(); l.pacer.Close() })
	return l
}

// talk sends n packets of 20 ms to the leg.
func (l *testLeg) talk(from netip.AddrPort, ssrc uint32, seq uint16, n int) {
	for i := range n {
		l.rtp.in <- datagram{rawRTP(0, seq+uint16(i), uint32(seq)*160+uint32(i)*160, ssrc, make([]byte, 160)), from}
		time.Sleep(frameTime)
	}
	synctest.Wait()
}

func TestSessionIsSilentBeforeSetRemote(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTestLeg(t)
		l.Sender().Fill(codec.PCMU)
		l.talk(stranger, 1, 1, 100)
		time.Sleep(20 * time.Second)
		l.Close()
		if n := len(l.rtp.take()) + len(l.rtcp.take()); n != 0 {
			t.Errorf("%d datagrams sent", n)
		}
		if l.heard.count() != 0 {
			t.Error("somebody was heard")
		}
	})
}

// Gate 10: a stranger sends RTP, RTCP and digits before, during and after.
func TestSessionIgnoresStrangers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTestLeg(t)
		l.SetRemote(legRemote)
		l.talk(stranger, 666, 1, 200) // while it rings
		l.Sender().Fill(codec.PCMU)   // the answer
		l.talk(stranger, 666, 201, 20)
		l.talk(sdpAddr, 5, 1, 20)
		for i := range 100 {
			l.rtp.in <- datagram{rawRTP(101, uint16(500+i), uint32(i*1000), 666, []byte{9, 0x8A, 3, 0x20}), stranger}
			l.rtp.in <- datagram{rawRTP(0, 21, 21*160, 5, make([]byte, 160)), stranger} // as if it were the leg's
			l.rtcp.in <- datagram{mustRTCP(t, &rtcp.ReceiverReport{SSRC: 666}), stranger}
			l.rtp.in <- datagram{[]byte("garbage"), stranger}
			synctest.Wait()
		}
		l.talk(sdpAddr, 5, 21, 20)
		time.Sleep(20 * time.Second)
		for _, p := range l.heard.all {
			if p.SSRC != 5 {
				t.Fatalf("heard SSRC %d", p.SSRC)
			}
		}
		if n := l.heard.count(); n != 40 {
			t.Errorf("%d packets heard, want 40", n)
		}
		if len(l.digits) != 0 {
			t.Errorf("%d digits of a stranger", len(l.digits))
		}
		for _, d := range append(l.rtp.take(), l.rtcp.take()...) {
			if d.from.Addr() == stranger.Addr() {
				t.Fatal("the stranger was sent something")
			}
		}
		if q := l.Quality(); q.Strangers != 620 || q.Received != 40 || q.Lost != 0 {
			t.Errorf("quality: %+v", q)
		}
	})
}

func mustRTCP(t *testing.T, p ...rtcp.Packet) []byte {
	t.Helper()
	b, err := rtcp.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Symmetric RTP: where the SDP's address keeps silent, we learn and answer
// there.
func TestSessionBehindNAT(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTestLeg(t)
		l.SetRemote(legRemote)
		l.Sender().Fill(codec.PCMU)
		l.talk(natAddr, 5, 1, 200)
		if n := l.heard.count(); n < 145 || n > 150 {
			t.Errorf("%d packets heard of 4 s, want all but the first second's", n)
		}
		out := l.rtp.take()
		if out[0].from != sdpAddr || out[len(out)-1].from != natAddr {
			t.Errorf("sent to %v first, to %v last", out[0].from, out[len(out)-1].from)
		}
		natRTCP := netip.AddrPortFrom(natAddr.Addr(), 61777)
		l.rtcp.in <- datagram{mustRTCP(t, &rtcp.ReceiverReport{SSRC: 5}), natRTCP}
		l.talk(natAddr, 5, 201, 300)
		reports := l.rtcp.take()
		if last := reports[len(reports)-1]; last.from != natRTCP {
			t.Errorf("RTCP went to %v", last.from)
		}
		if q := l.Quality(); q.Strangers > 60 {
			t.Errorf("%d strangers", q.Strangers)
		}
	})
}

func TestSessionHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTestLeg(t)
		l.Sender().Fill(codec.PCMU)
		held := legRemote
		for name, change := range map[string]func(r *Remote){
			"sendonly": func(r *Remote) { r.Receives = false },
			"0.0.0.0":  func(r *Remote) { r.Addr = netip.MustParseAddrPort("0.0.0.0:4000") },
		} {
			held = legRemote
			change(&held)
			l.SetRemote(held)
			l.rtp.take()
			time.Sleep(time.Second)
			if n := len(l.rtp.take()); n != 0 {
				t.Errorf("%s: %d packets sent", name, n)
			}
			l.SetRemote(legRemote)
			time.Sleep(time.Second)
			if n := len(l.rtp.take()); n < 48 {
				t.Errorf("after %s: %d packets sent in a second", name, n)
			}
		}
	})
}

func TestSessionReports(t *testing.T) {
	for _, mux := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			l := newTestLeg(t)
			r := legRemote
			r.Mux = mux
			l.SetRemote(r)
			l.Sender().Fill(codec.PCMU)
			l.talk(sdpAddr, 5, 1, 100)
			var reports []datagram
			take := func() {
				all := l.rtcp.take()
				if mux {
					all = l.rtp.take()
				}
				for _, d := range all {
					if isRTCP(d.b) {
						reports = append(reports, d)
					}
				}
			}
			take()
			want := netip.AddrPortFrom(sdpAddr.Addr(), 4001)
			if mux {
				want = sdpAddr
			}
			if len(reports) != 1 || reports[0].from != want {
				t.Fatalf("after 2 s: %d reports", len(reports))
			}
			got, err := rtcp.Unmarshal(reports[0].b)
			if err != nil {
				t.Fatal(err)
			}
			sr, ok := got[0].(*rtcp.SenderReport)
			if !ok || sr.PacketCount < 40 || len(sr.Reports) != 1 || sr.Reports[0].SSRC != 5 {
				t.Fatalf("report: %v", got)
			}
			time.Sleep(100 * time.Millisecond)
			now := time.Now()
			answer := mustRTCP(t, &rtcp.ReceiverReport{SSRC: 5, Reports: []rtcp.ReceptionReport{{
				SSRC: sr.SSRC, LastSenderReport: uint32(NTP(now.Add(-150*time.Millisecond)) >> 16), Delay: 65536 / 10,
			}}})
			socket, from := l.rtcp, want
			if mux {
				socket = l.rtp
			}
			socket.in <- datagram{answer, from}
			synctest.Wait()
			q := l.Quality()
			if q.RTTMS == nil || *q.RTTMS < 45 || *q.RTTMS > 55 {
				t.Errorf("round trip: %v", q.RTTMS)
			}
			if q.Codec != "PCMU" || q.Received != 100 || q.Sent < 90 || q.Score < 4 || q.Strangers != 0 {
				t.Errorf("quality: %+v", q)
			}
			time.Sleep(58 * time.Second)
			take()
			if n := len(reports); n < 11 || n > 14 {
				t.Errorf("%d reports in a minute", n)
			}
			l.Close()
			take()
			last, _ := rtcp.Unmarshal(reports[len(reports)-1].b)
			if bye, ok := last[len(last)-1].(*rtcp.Goodbye); !ok || bye.Sources[0] != sr.SSRC {
				t.Errorf("the last report is %v", last)
			}
		})
	}
}

func TestSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTestLeg(t)
		l.SetRemote(legRemote)
		l.talk(sdpAddr, 5, 1, 10)
		type alarm struct {
			silent time.Duration
			ended  bool
		}
		var mu sync.Mutex
		var alarms []alarm
		got := func() []alarm {
			mu.Lock()
			defer mu.Unlock()
			return slices.Clone(alarms)
		}
		l.OnSilence(30*time.Second, 60*time.Second, func(silent time.Duration, ended bool) {
			mu.Lock()
			alarms = append(alarms, alarm{silent.Round(2 * time.Second), ended})
			mu.Unlock()
			if ended {
				l.Close() // as a call that ends itself does
			}
		})
		time.Sleep(40 * time.Second)
		l.talk(sdpAddr, 5, 11, 10)
		l.SetHeld(true)
		time.Sleep(10 * time.Minute)
		l.SetHeld(false)
		time.Sleep(29 * time.Second)
		synctest.Wait()
		if a := got(); len(a) != 1 || a[0] != (alarm{30 * time.Second, false}) {
			t.Errorf("alarms: %v", a)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if a := got(); len(a) != 3 || a[2] != (alarm{60 * time.Second, true}) {
			t.Errorf("alarms: %v", a)
		}
	})
}

// Real sockets: two sessions on loopback speak to each other, IPv4 and IPv6.
func TestTwoSessions(t *testing.T) {
	for _, ip := range []string{"127.0.0.1", "::1"} {
		t.Run(ip, func(t *testing.T) {
			addr := netip.MustParseAddr(ip)
			ports, err := NewPorts(28000, 28099)
			if err != nil {
				t.Fatal(err)
			}
			pacer := NewPacer()
			defer pacer.Close()
			free := ports.Free()
			open := func(name string) *Session {
				s, err := OpenSession(SessionConfig{IP: addr, Ports: ports, Pacer: pacer, Name: name})
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
	ip := netip.MustParseAddr("127.0.0.1")
	pacer := NewPacer()
	defer pacer.Close()
	if _, err := OpenSession(SessionConfig{IP: ip, Pacer: pacer}); err == nil {
		t.Error("a session without ports was opened")
	}
	ports, _ := NewPorts(28200, 28203)
	taken, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 28200})
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
