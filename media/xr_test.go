package media

import (
	"math"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtcp"
	"golang.org/x/net/ipv4"

	"callfloor/media/codec"
)

func TestBurstMeter(t *testing.T) {
	feed := func(pattern string) bursts {
		m, gone := burstMeter{}, int64(1)
		for _, p := range pattern {
			if p == 'x' {
				gone++
				continue
			}
			m.advance(gone)
			gone = 1
		}
		return m.result()
	}
	ok := func(n int) string { return string(bytesOf('.', n)) }
	if b := feed(ok(1000)); b.burstDensity != 0 || b.gapDensity != 0 || b.gapPackets != 1000 {
		t.Errorf("no loss: %+v", b)
	}
	if b := feed(ok(100) + "x" + ok(100) + "x" + ok(100) + "x" + ok(100)); b.burstPackets != 0 || b.gapDensity > 4 {
		t.Errorf("single losses are no burst: %+v", b)
	}
	b := feed(ok(500) + "x" + ok(2) + "x" + ok(2) + "xxx" + ok(2) + "x" + ok(500) + "xxxxxxxx" + ok(500))
	if b.burstDensity < 128 || b.burstPackets < 5 || b.burstPackets > 20 || b.gapDensity > 2 {
		t.Errorf("two bursts: %+v", b)
	}
}

func bytesOf(c byte, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = c
	}
	return b
}

// The reports tell the metrics of what is heard, and theirs are understood.
func TestExtendedReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTestLeg(t)
		r := legRemote
		r.Mux = true
		l.SetRemote(r)
		l.Sender().Fill(codec.PCMU)
		for i := range 500 {
			if i%10 != 9 {
				l.rtp.in <- datagram{rawRTP(0, uint16(i), uint32(i*160), 5, make([]byte, 160)), sdpAddr}
			}
			time.Sleep(frameTime)
		}
		synctest.Wait()
		var block *rtcp.VoIPMetricsReportBlock
		for _, d := range l.rtp.take() {
			if !isRTCP(d.b) {
				continue
			}
			packets, err := rtcp.Unmarshal(d.b)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range packets {
				if x, ok := p.(*rtcp.ExtendedReport); ok {
					block = x.Reports[0].(*rtcp.VoIPMetricsReportBlock)
				}
			}
		}
		if block == nil || block.SSRC != 5 || block.LossRate < 23 || block.LossRate > 27 || block.Gmin != 16 || block.MOSLQ < 20 || block.MOSLQ > 40 || block.BurstDensity == 0 || block.SignalLevel != 127 {
			t.Fatalf("metrics: %+v", block)
		}
		if q := l.Quality(); q.FarLossPercent != nil || q.FarScore != nil {
			t.Errorf("quality before a report: %+v", q)
		}
		for _, lq := range []uint8{41, 127} { // the second: unknown
			l.rtp.in <- datagram{mustRTCP(t,
				&rtcp.ReceiverReport{SSRC: 5, Reports: []rtcp.ReceptionReport{{SSRC: l.ssrc, FractionLost: 64, Jitter: 80}}},
				&rtcp.ExtendedReport{SenderSSRC: 5, Reports: []rtcp.ReportBlock{
					&rtcp.VoIPMetricsReportBlock{SSRC: l.ssrc, MOSLQ: lq}, &rtcp.VoIPMetricsReportBlock{SSRC: 99, MOSLQ: 10},
				}}), sdpAddr}
		}
		synctest.Wait()
		q := l.Quality()
		if q.FarScore == nil || *q.FarScore != 4.1 || q.FarLossPercent == nil || *q.FarLossPercent != 25 || math.Abs(*q.FarJitterMS-10) > 0.01 {
			t.Errorf("quality: %+v", q)
		}
	})
}

func TestMarkDSCP(t *testing.T) {
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	MarkDSCP(c, 46)
	if tos, err := ipv4.NewPacketConn(c).TOS(); err != nil || tos != 46<<2 {
		t.Errorf("TOS %d, %v", tos, err)
	}
	for _, engine := range []*Engine{nil, NewEngine(nil)} {
		ports, _ := NewPorts(28300, 28339)
		pacer := NewPacer()
		s, err := OpenSession(SessionConfig{IP: netip.MustParseAddr("127.0.93.2"), Ports: ports, Pacer: pacer, Name: "x", DSCP: 46, Engine: engine})
		if err != nil {
			t.Fatal(err)
		}
		if got := receivedTOS(t, s); got != 46<<2 {
			t.Errorf("a packet came with TOS %d", got)
		}
		s.Close()
		pacer.Close()
		if engine != nil {
			engine.Close()
		}
	}
}

// receivedTOS is the mark of the first packet that a session sends.
func receivedTOS(t *testing.T, s *Session) int {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if !wantTOS(raw) {
		t.Skip("this system does not tell a packet's mark")
	}
	r := legRemote
	r.Addr = c.LocalAddr().(*net.UDPAddr).AddrPort()
	s.SetRemote(r)
	s.Sender().Fill(codec.PCMU)
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	b, oob := make([]byte, 2048), make([]byte, 128)
	_, n, _, _, err := c.ReadMsgUDP(b, oob)
	if err != nil {
		t.Fatal(err)
	}
	return parseTOS(oob[:n])
}
