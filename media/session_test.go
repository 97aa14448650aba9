package media

import (
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtcp"

	"callfloor/media/codec"
)

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
