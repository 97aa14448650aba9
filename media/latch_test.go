package media

import (
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var (
	sdpAddr   = netip.MustParseAddrPort("198.51.100.7:4000")
	natAddr   = netip.MustParseAddrPort("203.0.113.9:61000")
	stranger  = netip.MustParseAddrPort("192.0.2.66:7000")
	privateIP = netip.MustParseAddrPort("192.168.1.5:4000")
)

// feed judges n packets in sequence, 20 ms apart, and returns how many were
// accepted.
func feed(l *latch, from netip.AddrPort, ssrc uint32, seq uint16, n int, at time.Time) (accepted int) {
	for i := range n {
		if l.judge(from, ssrc, seq+uint16(i), at.Add(time.Duration(i)*frameTime)).accept {
			accepted++
		}
	}
	return accepted
}

func TestLatch(t *testing.T) {
	t0 := time.Unix(1000, 0)
	at := func(ms int) time.Time { return t0.Add(time.Duration(ms) * time.Millisecond) }
	begin := func(sdp netip.AddrPort, open bool) *latch {
		var l latch
		l.reset(sdp, t0)
		if open {
			l.open(t0)
		}
		return &l
	}
	check := func(t *testing.T, what string, got, want int) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %d packets accepted, want %d", what, got, want)
		}
	}
	t.Run("nobody before an offer", func(t *testing.T) {
		var l latch
		check(t, "anybody", feed(&l, sdpAddr, 1, 1, 10, t0), 0)
	})
	t.Run("the SDP address at once", func(t *testing.T) {
		l := begin(sdpAddr, false)
		check(t, "SDP", feed(l, sdpAddr, 1, 1, 10, t0), 10)
		check(t, "stranger", feed(l, stranger, 2, 1, 500, at(5000)), 0)
		check(t, "SDP later", feed(l, sdpAddr, 1, 11, 10, at(20000)), 10)
	})
	t.Run("a stranger who speaks first gets nothing", func(t *testing.T) {
		l := begin(sdpAddr, false)
		check(t, "stranger while it rings", feed(l, stranger, 2, 1, 500, t0), 0)
		l.open(at(10000)) // the answer: we send
		check(t, "stranger", feed(l, stranger, 2, 501, 40, at(10000)), 0)
		check(t, "SDP", feed(l, sdpAddr, 1, 1, 10, at(10900)), 10)
		check(t, "stranger after", feed(l, stranger, 2, 541, 500, at(11100)), 0)
	})
	t.Run("another port after a second of the SDP's silence", func(t *testing.T) {
		l := begin(sdpAddr, true)
		check(t, "in the first second", feed(l, natAddr, 1, 65530, 50, t0), 0)
		check(t, "then", feed(l, natAddr, 1, 65580%65536, 50, at(1000)), 50)
		if l.target() != natAddr {
			t.Errorf("we send to %v", l.target())
		}
		check(t, "SDP within a second", feed(l, sdpAddr, 1, 1, 5, at(1900)), 5)
		check(t, "the other, now a stranger", feed(l, natAddr, 1, 200, 50, at(3000)), 0)
	})
	t.Run("locked for good after a second", func(t *testing.T) {
		l := begin(sdpAddr, true)
		check(t, "found", feed(l, natAddr, 1, 1, 100, at(1000)), 96) // the first four make the run
		check(t, "SDP too late", feed(l, sdpAddr, 1, 1, 50, at(3500)), 0)
		l.reset(sdpAddr, at(5000))
		check(t, "kept over a refresh", feed(l, natAddr, 1, 101, 10, at(5100)), 10)
		l.reset(stranger, at(6000))
		check(t, "not over another SDP address", feed(l, natAddr, 1, 111, 10, at(6100)), 0)
	})
	t.Run("kept over a refresh only while it speaks", func(t *testing.T) {
		l := begin(sdpAddr, true)
		feed(l, natAddr, 1, 1, 100, at(1000))
		l.reset(sdpAddr, at(5000))
		check(t, "its new port", feed(l, stranger, 3, 1, 50, at(6100)), 46)
	})
	t.Run("behind a NAT at once", func(t *testing.T) {
		l := begin(privateIP, false)
		check(t, "found", feed(l, natAddr, 1, 1, 10, t0), 6)
	})
	t.Run("a run must be one stream in sequence", func(t *testing.T) {
		l := begin(sdpAddr, true)
		for i := range 100 {
			if l.judge(natAddr, 1, uint16(2*i), at(1000+i)).accept || l.judge(natAddr, uint32(i), uint16(i), at(1000+i)).accept {
				t.Fatal("a packet without a run was accepted")
			}
		}
	})
	t.Run("what was counted as a stranger's is pardoned", func(t *testing.T) {
		l := begin(sdpAddr, true)
		var counted uint64
		for i := range 100 {
			v := l.judge(natAddr, 1, uint16(i), at(900+20*i))
			if !v.accept {
				counted++
			}
			counted -= v.pardon
		}
		if counted != 0 {
			t.Errorf("%d packets of its own count as strangers'", counted)
		}
	})
}

// Whatever strangers send and when: once the SDP address speaks within its
// second, nobody else is heard, before or after.
func TestStrangersNeverGetThrough(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var l latch
		now := time.Unix(1000, 0)
		l.reset(sdpAddr, now)
		answered := now.Add(time.Duration(rapid.IntRange(0, 5000).Draw(t, "answer")) * time.Millisecond)
		speaks := answered.Add(time.Duration(rapid.IntRange(0, 990).Draw(t, "speaks")) * time.Millisecond)
		var seq [3]uint16
		for range 400 {
			now = now.Add(20 * time.Millisecond)
			if !now.Before(answered) {
				l.open(answered)
			}
			if !now.Before(speaks) && !l.judge(sdpAddr, 1, uint16(now.UnixMilli()/20), now).accept {
				t.Fatal("the SDP address was not heard")
			}
			who := rapid.IntRange(0, 2).Draw(t, "who")
			for range rapid.IntRange(0, 6).Draw(t, "packets") {
				seq[who]++
				if now.Before(speaks.Add(-20*time.Millisecond)) || now.After(speaks) {
					if l.judge(netip.AddrPortFrom(stranger.Addr(), uint16(7000+who)), uint32(who+5), seq[who], now).accept {
						t.Fatal("a stranger was heard")
					}
				}
			}
		}
	})
}
