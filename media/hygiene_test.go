package media

import (
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"

	"callfloor/media/codec"
)

// Under churn no pair comes back before its rest is over, none is lost, and
// the one longest unused is always next.
func TestPortsUnderChurn(t *testing.T) {
	const pairs = 40
	p, err := NewPorts(20000, 20000+2*pairs-1)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	now := time.Unix(0, 0)
	given := map[int]time.Time{}
	var held []int
	taken, full := 0, 0
	for range 100_000 {
		now = now.Add(time.Duration(rng.IntN(2000)) * time.Millisecond)
		if len(held) > 0 && rng.IntN(2) == 0 {
			i := rng.IntN(len(held))
			p.give(held[i], now)
			given[held[i]] = now
			held[i] = held[len(held)-1]
			held = held[:len(held)-1]
			continue
		}
		port, err := p.take(now)
		if err != nil {
			full++
			continue
		}
		taken++
		if at, ok := given[port]; ok && now.Sub(at) < portRest {
			t.Fatalf("port %d rested %v only", port, now.Sub(at))
		}
		for other, at := range given {
			if other != port && at.Before(given[port]) {
				t.Fatalf("port %d was taken before %d, which rests longer", port, other)
			}
		}
		delete(given, port)
		held = append(held, port)
	}
	if taken < 1000 || full == 0 {
		t.Errorf("%d taken, %d times none was free: the test shows nothing", taken, full)
	}
	for _, port := range held {
		p.give(port, now)
	}
	if n := p.free(now.Add(portRest)); n != pairs {
		t.Errorf("%d pairs at the end, want %d", n, pairs)
	}
}

// floodSize is how many garbage datagrams a live port gets; CALLFLOOR_LONG=1
// makes it 200,000 (security gate: the call's gaps stay under 200 ms).
func floodSize() int {
	if os.Getenv("CALLFLOOR_LONG") != "" {
		return 200_000
	}
	return 30_000
}

// livePair is a session on loopback and a phone that talks to it from a socket
// of its own.
func livePair(t *testing.T, protect bool) (s *Session, phone *net.UDPConn, say func(seq int)) {
	t.Helper()
	ports, err := NewPorts(28400, 28499)
	if err != nil {
		t.Fatal(err)
	}
	pacer, engine := NewPacer(), NewEngine(nil)
	s, err = OpenSession(SessionConfig{IP: netip.MustParseAddr("127.0.0.1"), Ports: ports, Pacer: pacer, Name: "x", Engine: engine})
	if err != nil {
		t.Fatal(err)
	}
	phone, err = net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(); _ = phone.Close(); pacer.Close(); engine.Close() })
	r := legRemote
	r.Addr = phone.LocalAddr().(*net.UDPAddr).AddrPort()
	ours, theirs := GenerateKey(AES128GCM), GenerateKey(AES128GCM)
	if protect {
		r.Protection = Protection{Send: ours, Receive: theirs}
	}
	s.SetRemote(r)
	seal, err := NewSealer(theirs)
	if err != nil {
		t.Fatal(err)
	}
	to := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(s.LocalPort()))
	return s, phone, func(seq int) {
		raw := rawRTP(0, uint16(seq), uint32(seq*160), 5, make([]byte, 160))
		if protect {
			err = seal.sendRTP(phone, raw, to)
		} else {
			_, err = phone.WriteToUDPAddrPort(raw, to)
		}
		if err != nil {
			t.Error(err)
		}
	}
}

// A flood at a live port costs the call no more than what the kernel drops, and
// nobody is answered.
func TestFlood(t *testing.T) {
	for name, protect := range map[string]bool{"plain": false, "encrypted": true} {
		t.Run(name, func(t *testing.T) {
			s, _, say := livePair(t, protect)
			heard := &gaps{}
			s.Source().Attach(heard)
			attacker, err := net.DialUDP("udp4", nil, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: s.LocalPort()})
			if err != nil {
				t.Fatal(err)
			}
			defer attacker.Close()
			for seq := range 5 {
				say(seq)
				time.Sleep(frameTime) // the phone's own clock
			}
			var flood sync.WaitGroup
			flood.Go(func() { garbage(attacker, floodSize()) })
			done := make(chan struct{})
			go func() { flood.Wait(); close(done) }()
			seq := 5
			for flooding := true; flooding || seq < 60; seq++ {
				say(seq)
				time.Sleep(frameTime)
				select {
				case <-done:
					flooding = false
				default:
				}
			}
			worst, n := heard.result()
			t.Logf("%d of %d packets heard, the longest gap in their numbers is %d, strangers %d", n, seq, worst, s.Quality().Strangers)
			if worst >= 10 { // 200 ms
				t.Errorf("%d packets in a row were lost", worst)
			}
			if n < seq/2 {
				t.Errorf("%d of %d packets heard", n, seq)
			}
			_ = attacker.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
			if n, err := attacker.Read(make([]byte, 2048)); err == nil {
				t.Errorf("the attacker got %d octets", n)
			}
		})
	}
}

// garbage sends n datagrams: noise, RTP, RTCP and DTLS of nobody.
func garbage(c *net.UDPConn, n int) {
	rng := rand.New(rand.NewPCG(3, 4))
	b := make([]byte, 200)
	for i := range n {
		for k := range b {
			b[k] = byte(rng.Uint32())
		}
		switch i % 4 {
		case 0:
			b[0], b[1] = 0x80, 0
		case 1:
			b[0], b[1] = 0x80, 200
		case 2:
			b[0] = 22
		}
		_, _ = c.Write(b[:12+rng.IntN(len(b)-12)]) // what the kernel has no room for is lost
		if i%(n/2000) == 0 {
			time.Sleep(time.Millisecond) // the long one is about 50,000 a second, in bursts of 100
		}
	}
}

// gaps looks for the longest run of numbers that never came.
type gaps struct {
	mu    sync.Mutex
	last  int
	worst int
	n     int
}

// WritePacket implements Sink.
func (g *gaps) WritePacket(p *Packet) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.n > 0 {
		g.worst = max(g.worst, int(p.Seq)-g.last-1)
	}
	g.last = int(p.Seq)
	g.n++
}

func (g *gaps) result() (worst, n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.worst, g.n
}

// A scan of the whole range gets no answer from any port.
func TestPortScan(t *testing.T) {
	s, _, say := livePair(t, true)
	s.Sender().Fill(codec.PCMU)
	for seq := range 10 {
		say(seq)
		time.Sleep(frameTime)
	}
	scanner, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer scanner.Close()
	probes := [][]byte{
		{}, {0}, rawRTP(0, 1, 1, 1, make([]byte, 160)), mustReceiverReport(),
		{0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, // a STUN binding request
		append([]byte{22, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 55, 1, 0, 0, 43}, make([]byte, 43)...),
	}
	for port := 28400; port <= 28499; port++ {
		for _, b := range probes {
			_, _ = scanner.WriteToUDPAddrPort(b, netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(port)))
		}
	}
	_ = scanner.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
	if n, from, err := scanner.ReadFromUDPAddrPort(make([]byte, 2048)); err == nil {
		t.Errorf("%v answered with %d octets", from, n)
	}
}

func mustReceiverReport() []byte { return []byte{0x80, 201, 0, 1, 0, 0, 0, 5} }
