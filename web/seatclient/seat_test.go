package seatclient_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
	"time"

	"callfloor/contact"
	"callfloor/media"
	"callfloor/media/codec"
	"callfloor/web"
	"callfloor/web/seatclient"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// house is a web.House that remembers what it was told.
type house struct {
	mu     sync.Mutex
	told   []string
	change chan struct{}
	do     func(context.Context, *web.Seat, web.Command) error
}

func (h *house) note(what string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.told = append(h.told, what)
	close(h.change)
	h.change = make(chan struct{})
}

func (h *house) SeatUp(s *web.Seat) {
	s.Put("me", web.MeView{User: s.User(), Role: s.Identity().Role})
	h.note("up " + s.User())
}
func (h *house) SeatDown(s *web.Seat) { h.note("down " + s.User()) }
func (h *house) SeatMedia(s *web.Seat, ready bool, why string) {
	if ready {
		why = "ready"
	}
	h.note("media " + s.User() + " " + why)
}
func (h *house) Do(ctx context.Context, s *web.Seat, c web.Command) error {
	if h.do == nil {
		return nil
	}
	return h.do(ctx, s, c)
}

// await waits until the house was told what, count times in all.
func (h *house) await(t *testing.T, what string, count int) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		h.mu.Lock()
		n, change := 0, h.change
		for _, x := range h.told {
			if x == what {
				n++
			}
		}
		told := append([]string(nil), h.told...)
		h.mu.Unlock()
		if n >= count {
			return
		}
		select {
		case <-change:
		case <-deadline:
			t.Fatalf("the house was not told %q %d times; it was told %q", what, count, told)
		}
	}
}

// floor is a server with its house and clock.
type floor struct {
	t      *testing.T
	server *web.Server
	house  *house
	pacer  *media.Pacer
	engine *media.Engine // nil where the environment asks for plain sockets
	url    string
}

func newFloor(t *testing.T) *floor {
	t.Helper()
	return newFloorOn(t, "127.0.0.1:0")
}

// newFloorOn has its media port and its TURN server on address.
func newFloorOn(t *testing.T, address string) *floor {
	t.Helper()
	f := &floor{t: t, house: &house{change: make(chan struct{})}, pacer: media.NewPacer()}
	if os.Getenv("CALLFLOOR_PLAIN_MEDIA") == "" {
		f.engine = media.NewEngine(nil)
	}
	cfg := web.DefaultConfig()
	cfg.Listen, cfg.TURN = address, address
	server, err := web.New(cfg, web.Options{
		Log: slog.New(slog.NewTextHandler(testWriter{t}, &slog.HandlerOptions{Level: slog.LevelInfo})), Pacer: f.pacer, Engine: f.engine, House: f.house,
		Authenticate: func(_ *http.Request, token string) (web.Identity, error) {
			switch token {
			case "alice", "bob":
				return web.Identity{User: token, Name: token, Role: contact.RoleAgent}, nil
			case "sam":
				return web.Identity{User: token, Name: token, Role: contact.RoleSupervisor}, nil
			}
			return web.Identity{}, contact.Errorf(contact.Unauthorized, "sign in again")
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	f.server = server
	h := httptest.NewServer(server)
	f.url = h.URL
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := server.Close(ctx); err != nil {
			t.Errorf("closing: %v", err)
		}
		h.Close()
		f.engine.Close()
		f.pacer.Close()
	})
	return f
}

// testWriter sends logs to the test until it is over.
type testWriter struct{ t *testing.T }

func (w testWriter) Write(b []byte) (int, error) {
	if w.t.Context().Err() == nil {
		w.t.Log(string(b))
	}
	return len(b), nil
}

func (f *floor) dial(user, tab string) *seatclient.Client {
	f.t.Helper()
	c, err := f.tryDial(seatclient.Options{URL: f.url, Token: user, Tab: tab, Pacer: f.pacer})
	if err != nil {
		f.t.Fatal(err)
	}
	return c
}

func (f *floor) tryDial(o seatclient.Options) (*seatclient.Client, error) {
	ctx, cancel := context.WithTimeout(f.t.Context(), 20*time.Second)
	defer cancel()
	c, err := seatclient.Dial(ctx, o)
	if err == nil {
		f.t.Cleanup(func() { _ = c.Close() })
	}
	return c, err
}

func (f *floor) seat(user string) *web.Seat {
	f.t.Helper()
	s, ok := f.server.Seat(user)
	if !ok {
		f.t.Fatalf("there is no seat of %s", user)
	}
	return s
}

// listener counts the packets of each codec and finds holes in the numbering.
type listener struct {
	mu     sync.Mutex
	count  map[codec.ID]int
	next   uint16
	ssrc   uint32
	holes  int
	change chan struct{}
}

func listen(s *media.Source) *listener {
	l := &listener{count: map[codec.ID]int{}, change: make(chan struct{})}
	s.Attach(l)
	return l
}

func (l *listener) WritePacket(p *media.Packet) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p.SSRC == l.ssrc && p.Seq != l.next {
		l.holes++
	}
	l.ssrc, l.next = p.SSRC, p.Seq+1
	l.count[p.Codec]++
	close(l.change)
	l.change = make(chan struct{})
}

func (l *listener) await(t *testing.T, c codec.ID, n int) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		l.mu.Lock()
		have, change := l.count[c], l.change
		l.mu.Unlock()
		if have >= n {
			return
		}
		select {
		case <-change:
		case <-deadline:
			t.Fatalf("%d packets of %s came, want %d", have, c, n)
		}
	}
}

func (f *floor) tone(c codec.ID) *media.Player {
	p := media.NewPlayer(f.pacer, "tone", c)
	f.t.Cleanup(p.Close)
	p.Loop(media.ToneClip("tone", []float64{440}, time.Second, -10), 0)
	return p
}

func waitMedia(t *testing.T, c *seatclient.Client) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := c.WaitMedia(ctx); err != nil {
		t.Fatalf("media: %v", err)
	}
}

// Audio flows both ways, and each way changes its codec in mid-stream.
func TestAudioBothWaysAndCodecSwitch(t *testing.T) {
	f := newFloor(t)
	c := f.dial("alice", "one")
	waitMedia(t, c)
	f.house.await(t, "media alice ready", 1)
	seat := f.seat("alice")
	said, heard := listen(seat.Mic()), listen(c.Track(web.TrackCustomer))
	third := listen(c.Track(web.TrackThird))
	ulaw, alaw := f.tone(codec.PCMU), f.tone(codec.PCMA)

	c.Mic().Hear(ulaw.Source())
	seat.Track(web.TrackCustomer).Hear(ulaw.Source())
	said.await(t, codec.PCMU, 10)
	heard.await(t, codec.PCMU, 10)

	c.Mic().Hear(alaw.Source())
	seat.Track(web.TrackCustomer).Hear(alaw.Source())
	said.await(t, codec.PCMA, 10)
	heard.await(t, codec.PCMA, 10)

	third.mu.Lock()
	if len(third.count) != 0 {
		t.Errorf("the third track carries what is for the customer's: %v", third.count)
	}
	third.mu.Unlock()
	seat.Track(web.TrackThird).Hear(ulaw.Source())
	third.await(t, codec.PCMU, 5)
	if q := seat.Measure()(); q.SRTP == nil || *q.SRTP != "AEAD_AES_128_GCM (DTLS)" || q.Refused > 0 {
		t.Errorf("the figures say that the sound is encrypted by %v and that %d packets were forged", q.SRTP, q.Refused)
	}
	for name, l := range map[string]*listener{"microphone": said, "customer": heard} {
		if l.holes > 0 {
			t.Errorf("%s: %d holes in the numbering", name, l.holes)
		}
	}
}

// Another tab takes over: its media is the seat's, the first one's is gone, and
// the tracks are the same objects.
func TestTakeOver(t *testing.T) {
	f := newFloor(t)
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
	defer cancel()
	one := f.dial("alice", "one")
	waitMedia(t, one)
	f.house.await(t, "media alice ready", 1)
	two := f.dial("alice", "two")
	if err := two.WaitPhone(ctx, false); err != nil || !one.Phone() {
		t.Fatalf("the second tab took the phone (%v)", err)
	}
	seat := f.seat("alice")
	said := listen(seat.Mic())
	heard := listen(two.Track(web.TrackCustomer))
	ulaw := f.tone(codec.PCMU)
	seat.Track(web.TrackCustomer).Hear(ulaw.Source())
	if err := two.TakeOver(); err != nil {
		t.Fatal(err)
	}
	if err := one.WaitPhone(ctx, false); err != nil {
		t.Fatal(err)
	}
	waitMedia(t, two)
	f.house.await(t, "media alice ready", 2)
	two.Mic().Hear(ulaw.Source())
	said.await(t, codec.PCMU, 20)
	heard.await(t, codec.PCMU, 20)
	if said.holes > 0 {
		t.Errorf("%d holes in the numbering of the microphone", said.holes)
	}
}

// The page makes a new peer connection: silence for a moment, then the same
// tracks again.
func TestNewPeer(t *testing.T) {
	f := newFloor(t)
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
	defer cancel()
	c := f.dial("alice", "one")
	waitMedia(t, c)
	f.house.await(t, "media alice ready", 1)
	seat := f.seat("alice")
	ulaw := f.tone(codec.PCMU)
	seat.Track(web.TrackCustomer).Hear(ulaw.Source())
	c.Mic().Hear(ulaw.Source())
	said, heard := listen(seat.Mic()), listen(c.Track(web.TrackCustomer))
	said.await(t, codec.PCMU, 10)
	heard.await(t, codec.PCMU, 10)
	if err := c.NewPeer(ctx); err != nil {
		t.Fatal(err)
	}
	f.house.await(t, "media alice ready", 2)
	said.await(t, codec.PCMU, 40)
	heard.await(t, codec.PCMU, 40)
}

// Who is not known is told why and does not come back.
func TestSentAway(t *testing.T) {
	f := newFloor(t)
	_, err := f.tryDial(seatclient.Options{URL: f.url, Token: "mallory", Pacer: f.pacer})
	if contact.ErrorCode(err) != contact.Unauthorized {
		t.Errorf("got %v", err)
	}
	c := f.dial("sam", "one")
	waitMedia(t, c)
	f.house.await(t, "media sam ready", 1) // a supervisor needs no microphone
	f.server.SignOut("sam")
	select {
	case <-c.Done():
	case <-time.After(20 * time.Second):
		t.Fatal("a client that was signed out lives on")
	}
	if contact.ErrorCode(c.Err()) != contact.Unauthorized {
		t.Errorf("got %v", c.Err())
	}
	f.house.await(t, "down sam", 1)
}

func TestDocument(t *testing.T) {
	f := newFloor(t)
	c := f.dial("alice", "one")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if _, ok := c.Get("me"); !ok {
		t.Error("the first look at the document has no me")
	}
	seat := f.seat("alice")
	seat.Put("call", web.CallView{Phase: web.PhaseRinging})
	err := c.WaitKey(ctx, "call", func(v json.RawMessage) bool {
		var call web.CallView
		return v != nil && json.Unmarshal(v, &call) == nil && call.Phase == web.PhaseRinging
	})
	if err != nil {
		t.Fatal(err)
	}
	// A command whose socket is lost before the answer does not hang.
	f.house.do = func(ctx context.Context, _ *web.Seat, _ web.Command) error {
		c.DropSocket()
		<-ctx.Done()
		return ctx.Err()
	}
	if err := c.Do(ctx, web.Command{Do: web.DoMute}); contact.ErrorCode(err) != contact.Busy {
		t.Errorf("a command on a lost socket got %v", err)
	}
	f.house.do = nil
	seat.Drop("call")
	if err := c.WaitKey(ctx, "call", func(v json.RawMessage) bool { return v == nil }); err != nil {
		t.Fatal(err)
	}
	f.house.do = func(_ context.Context, s *web.Seat, cmd web.Command) error {
		return contact.Errorf(contact.Conflict, "%s may not %s now", s.User(), cmd.Do)
	}
	err = c.Do(ctx, web.Command{Do: web.DoAnswer})
	if e, ok := errors.AsType[*contact.Error](err); !ok || e.Code != contact.Conflict || e.Message != "alice may not answer now" {
		t.Errorf("a refused command answered %v", err)
	}
	if err := c.Do(ctx, web.Command{Do: web.DoListen}); contact.ErrorCode(err) != contact.Forbidden {
		t.Errorf("an agent who listens got %v", err)
	}
}

// A seat whose firewall lets it reach the TURN server only talks all the same.
func TestThroughTheRelay(t *testing.T) {
	for _, c := range []struct{ way, on string }{{"udp", "127.0.0.1:0"}, {"tcp", "127.0.0.1:0"}, {"udp", ":0"}, {"tcp", ":0"}} {
		t.Run(c.way+" on "+c.on, func(t *testing.T) {
			way := c.way
			f := newFloorOn(t, c.on)
			c, err := f.tryDial(seatclient.Options{URL: f.url, Token: "alice", Pacer: f.pacer, Relay: way})
			if err != nil {
				t.Fatal(err)
			}
			waitMedia(t, c)
			f.house.await(t, "media alice ready", 1)
			seat := f.seat("alice")
			said, heard := listen(seat.Mic()), listen(c.Track(web.TrackCustomer))
			tone := f.tone(codec.PCMU)
			c.Mic().Hear(tone.Source())
			seat.Track(web.TrackCustomer).Hear(tone.Source())
			said.await(t, codec.PCMU, 10)
			heard.await(t, codec.PCMU, 10)
		})
	}
}
