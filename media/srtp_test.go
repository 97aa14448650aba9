package media

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"callfloor/media/codec"
)

// wireSocket keeps the last datagram that was written; the far end of a test.
type wireSocket struct{ last []byte }

func (w *wireSocket) WriteToUDPAddrPort(b []byte, _ netip.AddrPort) (int, error) {
	w.last = append(w.last[:0], b...)
	return len(b), nil
}

func (w *wireSocket) ReadFromUDPAddrPort([]byte) (int, netip.AddrPort, error) {
	return 0, netip.AddrPort{}, net.ErrClosed
}
func (w *wireSocket) Close() error { return nil }

// securePhone is the far end of a leg with keys.
type securePhone struct {
	t    *testing.T
	seal *Sealer
	open *Opener
	wire wireSocket
}

// secureLeg is a leg that speaks SRTP with a phone.
func secureLeg(t *testing.T, suite Suite) (*testLeg, *securePhone) {
	t.Helper()
	ours, theirs := GenerateKey(suite), GenerateKey(suite)
	p := &securePhone{t: t}
	var err error
	if p.seal, err = NewSealer(theirs); err != nil {
		t.Fatal(err)
	}
	if p.open, err = NewOpener(ours); err != nil {
		t.Fatal(err)
	}
	l := newTestLeg(t)
	r := legRemote
	r.Mux = true
	r.Protection = Protection{Send: ours, Receive: theirs}
	l.SetRemote(r)
	return l, p
}

// sealed returns a packet of the phone's as it comes over the network.
func (p *securePhone) sealed(raw []byte) []byte {
	p.t.Helper()
	if err := p.seal.sendRTP(&p.wire, raw, sdpAddr); err != nil {
		p.t.Fatal(err)
	}
	return bytes.Clone(p.wire.last)
}

// A far end that uses one SSRC after the other is heard under the first ones, and
// nothing more is kept of it; what is not authentic does not count.
func TestFewStreamsAreOpened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, p := secureLeg(t, AES128GCM)
		open, err := NewOpener(p.seal.key)
		if err != nil {
			t.Fatal(err)
		}
		forged := rawRTP(0, 1, 0, 1<<20, make([]byte, 32))
		opened := 0
		for i := range 2 * maxStreams {
			if _, err := open.RTP(forged); err == nil {
				t.Fatal("a forged packet was opened")
			}
			forged[11]++
			if _, err := open.RTP(p.sealed(rawRTP(0, 1, 0, uint32(i), []byte("hello")))); err == nil {
				opened++
			}
		}
		if opened != maxStreams {
			t.Errorf("%d streams were opened, want %d", opened, maxStreams)
		}
		for _, ssrc := range []uint32{0, maxStreams - 1} {
			if _, err := open.RTP(p.sealed(rawRTP(0, 2, 160, ssrc, []byte("hello")))); err != nil {
				t.Errorf("stream %d: %v", ssrc, err)
			}
		}
	})
}

func TestSuites(t *testing.T) {
	for _, suite := range Suites() {
		t.Run(string(suite), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, p := secureLeg(t, suite)
				l.Sender().Fill(codec.PCMU)
				voice := bytes.Repeat([]byte{0x55, 0xAA}, 80)
				for i := range 100 {
					l.rtp.in <- datagram{p.sealed(rawRTP(0, uint16(65500+i), uint32(i*160), 5, voice)), sdpAddr}
					time.Sleep(frameTime)
				}
				synctest.Wait()
				if l.heard.count() != 100 || !bytes.Equal(l.heard.all[99].Payload, voice) {
					t.Errorf("%d packets heard, want 100 as they were said", l.heard.count())
				}
				var reports, packets int
				for _, d := range l.rtp.take() {
					if isRTCP(d.b) {
						plain, err := p.open.RTCP(d.b)
						if err != nil {
							t.Fatalf("SRTCP: %v", err)
						}
						if _, err := rtcp.Unmarshal(plain); err != nil {
							t.Fatal(err)
						}
						reports++
						continue
					}
					if bytes.Contains(d.b, bytes.Repeat([]byte{0xFF}, 16)) {
						t.Fatal("a packet went out in the clear")
					}
					if plain, err := p.open.RTP(d.b); err != nil || len(plain) != 172 {
						t.Fatalf("SRTP: %v", err)
					}
					packets++
				}
				if packets < 95 || reports == 0 {
					t.Errorf("%d packets and %d reports sent", packets, reports)
				}
				p.report(l)
				q := l.Quality()
				if q.SRTP == nil || *q.SRTP != string(suite)+" (SDES)" || q.Refused != 0 || q.Lost != 0 || q.RTTMS == nil {
					t.Errorf("quality: %+v", q)
				}
			})
		})
	}
}

// report sends an SRTCP report that answers the leg's.
func (p *securePhone) report(l *testLeg) {
	p.t.Helper()
	b := mustRTCP(p.t, &rtcp.ReceiverReport{SSRC: 5, Reports: []rtcp.ReceptionReport{{
		SSRC: l.ssrc, LastSenderReport: uint32(NTP(time.Now().Add(-50*time.Millisecond)) >> 16),
	}}})
	if err := p.seal.sendRTCP(&p.wire, b, sdpAddr); err != nil {
		p.t.Fatal(err)
	}
	l.rtp.in <- datagram{bytes.Clone(p.wire.last), sdpAddr}
	synctest.Wait()
}

// Gates 11 and 12, and the case srtp_plain: what is forged, replayed or in the
// clear changes nothing but a counter.
func TestSecureLegRefuses(t *testing.T) {
	for _, suite := range []Suite{AES128GCM, AES128CM80} {
		synctest.Test(t, func(t *testing.T) {
			l, p := secureLeg(t, suite)
			key := []byte{9, 0x8A, 3, 0x20}
			for i := range 200 {
				seq := uint16(i + 1)
				b := p.sealed(rawRTP(0, seq, uint32(i*160), 5, bytes.Repeat([]byte{byte(i)}, 160)))
				for range 3 { // itself and two replays
					l.rtp.in <- datagram{bytes.Clone(b), sdpAddr}
				}
				for k := range 5 { // 1,000 with a bad tag
					forged := bytes.Clone(b)
					forged[3]++ // the next number
					forged[len(forged)-1-k] ^= 1
					l.rtp.in <- datagram{forged, sdpAddr}
				}
				l.rtp.in <- datagram{rawRTP(101, seq+1, uint32(i*160), 5, key), sdpAddr}
				l.rtp.in <- datagram{rawRTP(0, seq+1, uint32(i*160), 5, make([]byte, 160)), sdpAddr}
				l.rtp.in <- datagram{mustRTCP(t, &rtcp.Goodbye{Sources: []uint32{5}}), sdpAddr}
				time.Sleep(frameTime)
			}
			synctest.Wait()
			if l.heard.count() != 200 || len(l.digits) != 0 {
				t.Fatalf("%d packets and %d digits heard, want 200 and none", l.heard.count(), len(l.digits))
			}
			for i, got := range l.heard.all {
				if got.Seq != uint16(i+1) || got.Payload[0] != byte(i) {
					t.Fatalf("packet %d: number %d", i, got.Seq)
				}
			}
			if q := l.Quality(); q.Refused != 200*(2+5+3) || q.Lost != 0 || q.Received != 200 {
				t.Errorf("quality: %+v", q)
			}
		})
	}
}

// A replay by a stranger, and RTP of one who has no key, are nobody's.
func TestSecureLegIgnoresStrangers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, p := secureLeg(t, AES128GCM)
		l.Sender().Fill(codec.PCMU)
		for i := range 200 {
			b := p.sealed(rawRTP(0, uint16(i), uint32(i*160), 5, make([]byte, 160)))
			l.rtp.in <- datagram{bytes.Clone(b), sdpAddr}
			l.rtp.in <- datagram{bytes.Clone(b), stranger}
			l.rtp.in <- datagram{rawRTP(0, uint16(i), uint32(i*160), 666, make([]byte, 160)), stranger}
			time.Sleep(frameTime)
		}
		synctest.Wait()
		if l.heard.count() != 200 {
			t.Errorf("%d packets heard, want 200", l.heard.count())
		}
		for _, d := range l.rtp.take() {
			if d.from != sdpAddr {
				t.Fatalf("something was sent to %v", d.from)
			}
		}
		if q := l.Quality(); q.Strangers+q.Refused != 400 || q.Strangers < 290 {
			t.Errorf("quality: %+v; a stranger must cost no cryptography once the address is locked", q)
		}
	})
}

// A key that stays the same keeps its state through a re-INVITE; a new one is
// taken at once.
func TestSecureLegKeepsItsState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, p := secureLeg(t, AES128GCM)
		first := l.remote
		say := func(from, n int) {
			for i := range n {
				l.rtp.in <- datagram{p.sealed(rawRTP(0, uint16(from+i), uint32((from+i)*160), 5, make([]byte, 160))), sdpAddr}
				time.Sleep(frameTime)
			}
			synctest.Wait()
		}
		old := p.sealed(rawRTP(0, 1, 160, 5, make([]byte, 160)))
		l.rtp.in <- datagram{bytes.Clone(old), sdpAddr}
		say(2, 9)
		l.SetRemote(first)
		l.rtp.in <- datagram{bytes.Clone(old), sdpAddr} // a replay still
		say(11, 10)
		if l.heard.count() != 20 || l.Quality().Refused != 1 {
			t.Errorf("%d heard, %d refused; want 20 and 1", l.heard.count(), l.Quality().Refused)
		}
		ours := l.protector.Load().seal
		next := first
		next.Protection.Receive = GenerateKey(AES128GCM)
		l.SetRemote(next)
		if l.protector.Load().seal != ours {
			t.Error("our own key was started anew: its packet numbers would be used twice")
		}
		p.seal, _ = NewSealer(next.Protection.Receive)
		say(21, 10)
		if l.heard.count() != 30 {
			t.Errorf("%d heard after the new key, want 30", l.heard.count())
		}
		plain := next
		plain.Protection = Protection{}
		l.SetRemote(plain)
		l.SetRemote(next)
		if l.protector.Load().seal != ours {
			t.Error("our own key was started anew after plain RTP")
		}
	})
}

func TestSecureForwardAllocatesNothing(t *testing.T) {
	for _, suite := range Suites() {
		if raceEnabled && suite != AES128GCM && suite != AES256GCM {
			continue // AES-CM takes a block from a sync.Pool
		}
		l, p := secureLeg(t, suite)
		l.Source().Detach(l.heard)
		l.Sender().Hear(l.Source())
		out := &wireSocket{last: make([]byte, 0, maxDatagram)}
		l.socks.rtp = out
		raw := rawRTP(0, 0, 0, 5, make([]byte, 160))
		now := time.Now()
		in := make([]byte, 0, maxDatagram)
		p.wire.last = make([]byte, 0, maxDatagram)
		forward := func() {
			step(raw)
			now = now.Add(frameTime)
			if err := p.seal.sendRTP(&p.wire, raw, sdpAddr); err != nil {
				t.Fatal(err)
			}
			in = append(in[:0], p.wire.last...)
			l.handleRTP(in, sdpAddr, now)
		}
		// The numbers begin anywhere and may wrap among the thousand: who opens the
		// last must know the first (RFC 3711 §3.3.1).
		forward()
		if _, err := p.open.RTP(bytes.Clone(out.last)); err != nil {
			t.Errorf("%s: the first packet cannot be opened: %v", suite, err)
		}
		if n := testing.AllocsPerRun(1000, forward); n != 0 {
			t.Errorf("%s: %v allocations for a packet sealed, opened, forwarded and sealed", suite, n)
		}
		if plain, err := p.open.RTP(bytes.Clone(out.last)); err != nil || len(plain) != 172 {
			t.Errorf("%s: the last packet cannot be opened: %v", suite, err)
		}
		l.Sender().Close()
		l.socks.rtp = l.rtp
	}
}

// Whatever is printed, the key is not in it.
func TestKeysStaySecret(t *testing.T) {
	k := GenerateKey(AES256GCM)
	r := Remote{Codec: codec.PCMU, Protection: Protection{Send: k, Receive: GenerateKey(AES256GCM)}}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("leg", "key", k, "remote", r, "pointer", &r)
	slog.New(slog.NewTextHandler(&log, nil)).Info("leg", "key", k, "remote", r, "pointer", &r)
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	text := log.String() + string(b) + fmt.Sprintf("%v %+v %#v %s %q %x %v", k, r, r, k, k, k, &r)
	for _, form := range []string{k.Inline(), string(k.secret.master), fmt.Sprintf("%x", k.secret.master), fmt.Sprintf("%d", k.secret.master[0:4])} {
		if strings.Contains(text, form) {
			t.Errorf("the key is in what was printed: %s", text)
		}
	}
}

func TestNewKey(t *testing.T) {
	for suite, n := range map[Suite]int{AES128GCM: 28, AES256GCM: 44, AES128CM80: 30, AES256CM80: 46, AES128CM32: 30, AES256CM32: 46} {
		k, err := NewKey(suite, make([]byte, n), nil)
		if err != nil || !k.Valid() || !k.equal(k) || k.equal(GenerateKey(suite)) {
			t.Errorf("%s: %v", suite, err)
		}
		if _, err := NewKey(suite, make([]byte, n-1), nil); err == nil {
			t.Errorf("%s: a short key was taken", suite)
		}
	}
	if _, err := NewKey("F8_128_HMAC_SHA1_80", make([]byte, 30), nil); err == nil || GenerateKey("x").Valid() {
		t.Error("an unknown suite was taken")
	}
}

// Phones that name their keys (MKI, RFC 3711 §8.1) are heard too.
func TestMasterKeyIdentifier(t *testing.T) {
	master := bytes.Repeat([]byte{7}, 30)
	theirs, err := NewKey(AES128CM80, master, []byte{0, 1})
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewSealer(theirs)
	if err != nil {
		t.Fatal(err)
	}
	o, err := NewOpener(theirs)
	if err != nil {
		t.Fatal(err)
	}
	w := &wireSocket{}
	if err := s.sendRTP(w, rawRTP(0, 1, 160, 5, make([]byte, 160)), sdpAddr); err != nil || len(w.last) != 172+10+2 {
		t.Fatalf("%d octets, %v", len(w.last), err)
	}
	if b, err := o.RTP(w.last); err != nil || len(b) != 172 {
		t.Errorf("%d octets, %v", len(b), err)
	}
}

// A stream whose numbers go round three times is read to the end, with each
// suite: the count of rounds is part of every packet (RFC 3711 §3.3.1).
func TestSealerGoesRound(t *testing.T) {
	for _, suite := range Suites() {
		key := GenerateKey(suite)
		seal, err := NewSealer(key)
		if err != nil {
			t.Fatal(err)
		}
		open, err := NewOpener(key)
		if err != nil {
			t.Fatal(err)
		}
		payload := make([]byte, 160)
		for n := uint32(65000); n < 3*65536+1000; n += 500 {
			payload[0], payload[159] = byte(n>>8), byte(n)
			h := rtp.Header{Version: 2, PayloadType: 8, SequenceNumber: uint16(n), Timestamp: n * 160, SSRC: 9}
			err := seal.RTP(&h, payload, func(b []byte) error {
				if bytes.Contains(b, payload[:40]) {
					t.Errorf("%s: packet %d goes out as it is", suite, n)
				}
				plain, err := open.RTP(b)
				if err == nil && !bytes.Equal(plain[12:], payload) {
					t.Errorf("%s: packet %d changed on its way", suite, n)
				}
				return err
			})
			if err != nil {
				t.Fatalf("%s: packet %d: %v", suite, n, err)
			}
		}
		if err := seal.RTP(&rtp.Header{Version: 2}, make([]byte, maxDatagram), nil); err == nil {
			t.Errorf("%s: a packet that is too long goes out", suite)
		}
	}
}
