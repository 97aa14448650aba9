package sip

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	gosip "github.com/emiago/sipgo/sip"

	"callfloor/contact"
	"callfloor/media"
	"callfloor/media/codec"
)

// fakeTx is a server transaction that keeps what it is told to send.
type fakeTx struct {
	mu   sync.Mutex
	sent []*gosip.Response
	done chan struct{}
}

func newFakeTx() *fakeTx { return &fakeTx{done: make(chan struct{})} }

func (f *fakeTx) Respond(r *gosip.Response) error {
	_ = r.String() // as the transport would
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sent = append(f.sent, r)
	return nil
}
func (f *fakeTx) Acks() <-chan *gosip.Request          { return nil }
func (f *fakeTx) OnCancel(gosip.FnTxCancel) bool       { return true }
func (f *fakeTx) Terminate()                           {}
func (f *fakeTx) OnTerminate(gosip.FnTxTerminate) bool { return true }
func (f *fakeTx) Done() <-chan struct{}                { return f.done }
func (f *fakeTx) Err() error                           { return nil }

// final is the last final status, 0 if none.
func (f *fakeTx) final() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.sent {
		if r.StatusCode >= 200 {
			return r.StatusCode
		}
	}
	return 0
}

// stillMedia is media that does nothing.
type stillMedia struct {
	src *media.Source
	snd *media.Sender
}

func (stillMedia) LocalPort() int                                            { return 4000 }
func (stillMedia) SetRemote(media.Remote)                                    {}
func (m stillMedia) Source() *media.Source                                   { return m.src }
func (m stillMedia) Sender() *media.Sender                                   { return m.snd }
func (stillMedia) OnDigit(func(media.Digit))                                 {}
func (stillMedia) OnSilence(_, _ time.Duration, _ func(time.Duration, bool)) {}
func (stillMedia) OnInsecure(func(error))                                    {}
func (stillMedia) SetHeld(bool)                                              {}
func (stillMedia) Quality() media.Quality                                    { return media.Quality{Codec: codec.PCMU.String()} }
func (stillMedia) Close()                                                    {}

// handlerServer is a started server whose calls are refused with 404 at once,
// or answered and ended when the number is 1000.
func handlerServer(t testing.TB) *Server {
	t.Helper()
	cfg := DefaultConfig()
	cfg.Listen, cfg.MaxCalls, cfg.CallsPerSource = "127.0.0.1:0", 1_000_000, 1_000_000
	pacer := media.NewPacer()
	s, err := New(cfg, Options{
		Pacer: pacer,
		OnCall: func(l *Leg) {
			switch l.Called() {
			case "1001": // stays up
				_ = l.Answer(context.Background())
				return
			case "1000":
			default:
				_ = l.Reject(404, "Not Found")
				return
			}
			_ = l.Answer(context.Background())
			l.Hangup(contact.EndCause{By: contact.System, Class: contact.EndCompleted})
		},
		OpenMedia: func(MediaConfig) (Media, error) {
			return stillMedia{media.NewSource("x"), media.NewSender(pacer, "x")}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // nobody is there to answer a BYE
		_ = s.Close(ctx)
		pacer.Close()
	})
	return s
}

// feed gives the server one datagram as the socket would, and returns the final
// status, or 0.
func feed(s *Server, raw []byte) int {
	msg, answer := s.front.take(raw, netip.MustParseAddrPort("192.0.2.77:5060"), wireUDP)
	if answer != nil {
		var status int
		_, _ = fmt.Sscanf(string(answer), "SIP/2.0 %d", &status)
		return status
	}
	req, ok := msg.(*gosip.Request)
	if !ok {
		return 0
	}
	s.beforeTransactions(req)
	tx := newFakeTx()
	s.handle(req, tx)
	for range 500 { // a call is refused on a goroutine of its own
		if st := tx.final(); st != 0 || req.Method != gosip.INVITE {
			return st
		}
		time.Sleep(time.Millisecond)
	}
	return tx.final()
}

// allowed matches a status with "2xx/401/-"; 0 is no reply.
func allowed(want string, got int) bool {
	for w := range strings.SplitSeq(want, "/") {
		switch {
		case w == "-" && got == 0, w == strconv.Itoa(got):
			return true
		case strings.HasSuffix(w, "xx") && got/100 == int(w[0]-'0'):
			return true
		}
	}
	return false
}

// counter is how many faults the guard caught.
func counter(t testing.TB, s *Server) float64 {
	t.Helper()
	return readCounter(s.metrics.panics)
}

// TestMutatedMessages feeds 100,000 damaged messages: nothing may end more
// than itself, and the server must serve afterwards. With -short it is 10,000.
func TestMutatedMessages(t *testing.T) {
	n := 100_000
	if testing.Short() {
		n = 10_000
	}
	s := handlerServer(t)
	seeds := seedMessages(t)
	r := rand.New(rand.NewPCG(1, 2))
	live := dialWire(t, s, wireUDP) // a call that is up all the while
	sendWire(t, live, wireUDP, []byte(strings.NewReplacer("{n}", "live", "sip:1000@", "sip:1001@").Replace(goodInvite)))
	if got := finalOf(live, 20*time.Second); got != 200 {
		t.Fatalf("the live call is answered %d", got)
	}
	sendWire(t, live, wireUDP, []byte(strings.NewReplacer("INVITE", "ACK", "{n}", "live").Replace(goodInvite)))
	for i := range n {
		raw := mutate(r, seeds[r.IntN(len(seeds))], i)
		msg, _ := s.front.take(raw, netip.MustParseAddrPort("192.0.2.77:5060"), wireUDP)
		if req, ok := msg.(*gosip.Request); ok {
			s.beforeTransactions(req)
			s.handle(req, newFakeTx())
		}
	}
	if n := counter(t, s); n != 0 {
		t.Errorf("%v faults were caught: find and mend them", n)
	}
	if st := feed(s, []byte(strings.ReplaceAll(goodInvite, "{n}", "after"))); st != 200 {
		t.Errorf("an honest call afterwards is answered %d", st)
	}
}

const goodInvite = "INVITE sip:1000@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.77:5060;branch=z9hG4bK{n};rport\r\n" +
	"Max-Forwards: 70\r\nFrom: \"A\" <sip:a@192.0.2.77>;tag=f{n}\r\nTo: <sip:1000@127.0.0.1>\r\nCall-ID: {n}@x\r\nCSeq: 1 INVITE\r\n" +
	"Contact: <sip:a@192.0.2.77>\r\nSupported: timer\r\nSession-Expires: 1800\r\nContent-Type: application/sdp\r\nContent-Length: 95\r\n\r\n" +
	"v=0\r\no=- 1 1 IN IP4 192.0.2.77\r\ns=-\r\nc=IN IP4 192.0.2.77\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8 101\r\n"

func seedMessages(t testing.TB) [][]byte {
	t.Helper()
	files, err := filepath.Glob("testdata/torture/*.dat")
	if err != nil || len(files) < 40 {
		t.Fatalf("%d torture messages, %v", len(files), err)
	}
	var out [][]byte
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, b)
	}
	for _, m := range []string{"INVITE", "BYE", "CANCEL", "ACK", "OPTIONS", "INFO", "UPDATE", "REGISTER"} {
		out = append(out, []byte(strings.NewReplacer("INVITE", m, "{n}", "seed").Replace(goodInvite)))
	}
	return out
}

// mutate damages a message: octets, lines, numbers.
func mutate(r *rand.Rand, seed []byte, i int) []byte {
	b := bytes.Clone(seed)
	b = bytes.ReplaceAll(b, []byte("seed"), fmt.Appendf(nil, "s%d", i%50))
	for range 1 + r.IntN(4) {
		if len(b) < 4 {
			return b
		}
		at := r.IntN(len(b))
		switch r.IntN(7) {
		case 0:
			b[at] = byte(r.IntN(256))
		case 1:
			b = append(b[:at], b[min(len(b), at+1+r.IntN(20)):]...)
		case 2:
			b = append(b[:at], append([]byte(strings.Repeat(string(rune(32+r.IntN(90))), r.IntN(300))), b[at:]...)...)
		case 3, 4: // drop or repeat a line
			lines := bytes.SplitAfter(b, []byte("\r\n"))
			k := r.IntN(len(lines))
			if r.IntN(2) == 0 {
				lines = append(lines[:k], lines[k+1:]...)
			} else {
				lines = append(lines[:k], append([][]byte{lines[k]}, lines[k:]...)...)
			}
			b = bytes.Join(lines, nil)
		case 5:
			b = bytes.Replace(b, []byte(":"), []byte{byte(r.IntN(128))}, 1+r.IntN(3))
		case 6:
			b = bytes.Replace(b, []byte("sip:"), []byte([]string{"tel:", "", "sips:", "http:", "sip:@", ":"}[r.IntN(6)]), 1)
		}
	}
	return b
}

func FuzzHandler(f *testing.F) {
	for _, b := range seedMessages(f) {
		f.Add(b)
	}
	s := handlerServer(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		msg, answer := s.front.take(raw, netip.MustParseAddrPort("192.0.2.77:5060"), wireUDP)
		if len(answer) > 0 && !bytes.HasPrefix(answer, []byte("SIP/2.0 4")) && !bytes.HasPrefix(answer, []byte("SIP/2.0 5")) {
			t.Errorf("the front answers %q", answer)
		}
		if req, ok := msg.(*gosip.Request); ok {
			before := readCounter(s.metrics.panics)
			tx := newFakeTx()
			s.beforeTransactions(req)
			s.handle(req, tx)
			if readCounter(s.metrics.panics) != before {
				t.Error("a fault was caught")
			}
			tx.mu.Lock() // a new call is refused on its own goroutine
			defer tx.mu.Unlock()
			for _, r := range tx.sent {
				if r.StatusCode < 100 || r.StatusCode > 699 || r.SipVersion != "SIP/2.0" {
					t.Errorf("answered %s", r.StartLine())
				}
			}
		}
	})
}

func TestConfigErrorsNameTheKey(t *testing.T) {
	for key, change := range map[string]func(*Config){
		"sip.listen":              func(c *Config) { c.Listen = "nowhere" },
		"sip.external_ip":         func(c *Config) { c.External = "my.host" },
		"sip.rtp_ports":           func(c *Config) { c.RTPPorts = "5-4" },
		"sip.max_calls":           func(c *Config) { c.MaxCalls = 0 },
		"sip.calls_per_source":    func(c *Config) { c.CallsPerSource = 0 },
		"sip.max_body":            func(c *Config) { c.MaxBody = 1 },
		"sip.ring_limit":          func(c *Config) { c.RingLimit = 0 },
		"sip.early_limit":         func(c *Config) { c.EarlyLimit = 0 },
		"sip.rtp_silence_end":     func(c *Config) { c.RTPSilenceEnd = c.RTPSilenceWarn },
		"sip.min_session_expires": func(c *Config) { c.MinSessionExpires = time.Second },
	} {
		c := DefaultConfig()
		if err := c.Validate(); err != nil {
			t.Fatal(err)
		}
		change(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%s: %v", key, err)
		}
	}
}

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"Ann": "Ann", "a\r\nb\x1b[2Jc\u2028d\u202ee": "ab[2Jcde", "张伟": "张伟", "\xffx": "x", strings.Repeat("é", 100): strings.Repeat("é", 64),
	} {
		if got := printable(in, 128); got != want {
			t.Errorf("%q became %q", in, got)
		}
	}
}
