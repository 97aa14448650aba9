package phone_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"callfloor/contact"
	"callfloor/media"
	"callfloor/media/codec"
	"callfloor/media/wav"
	"callfloor/phone"
	"callfloor/web"
)

// desk is a house with one agent: a call rings whenever the agent is
// available, and the customer hangs up after having heard the agent.
type desk struct {
	t     *testing.T
	tone  *media.Player
	calls int // that ring, at most
	over  func()

	mu    sync.Mutex
	me    web.MeView
	call  web.CallView
	rung  int
	notes []web.Command
}

func (d *desk) SeatUp(s *web.Seat)   { d.put(s) }
func (d *desk) SeatDown(s *web.Seat) {}

func (d *desk) SeatMedia(s *web.Seat, ready bool, why string) {
	d.mu.Lock()
	d.me.Ready, d.me.NotReady = ready, why
	d.mu.Unlock()
	d.put(s)
}

func (d *desk) put(s *web.Seat) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s.Put("me", d.me)
}

func (d *desk) Do(_ context.Context, s *web.Seat, c web.Command) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.notes = append(d.notes, c)
	switch c.Do {
	case web.DoState:
		d.state(s, c.State)
	case web.DoAnswer:
		d.call.Phase = web.PhaseTalking
		s.Put("call", d.call)
		s.Track(web.TrackCustomer).Hear(d.tone.Source())
		s.Mic().Attach(&customer{desk: d, seat: s})
	case web.DoHangup:
		d.wrapUp(s, contact.Agent)
	case web.DoWrapUpDone:
		s.Drop("call")
		if d.rung == d.calls {
			d.over()
		}
		d.state(s, contact.AgentAvailable)
	}
	return nil
}

func (d *desk) state(s *web.Seat, to contact.AgentState) {
	d.me.State = to
	s.Put("me", d.me)
	if to == contact.AgentAvailable && d.rung < d.calls {
		d.rung++
		d.call = web.CallView{Contact: contact.NewID(), Phase: web.PhaseRinging, Codec: "PCMA", Waited: 2}
		s.Put("call", d.call)
	}
}

func (d *desk) wrapUp(s *web.Seat, by contact.Party) {
	s.Track(web.TrackCustomer).Hear(nil)
	d.call.Phase = web.PhaseWrapUp
	d.call.Ended = &contact.EndCause{By: by, Class: contact.EndCompleted}
	s.Put("call", d.call)
}

// customer listens and hangs up after 30 packets of speech.
type customer struct {
	desk *desk
	seat *web.Seat
	n    int
}

func (c *customer) WritePacket(p *media.Packet) {
	if p.Codec != codec.PCMA {
		return
	}
	if c.n++; c.n == 30 {
		go func() {
			c.seat.Mic().Detach(c)
			c.desk.mu.Lock()
			defer c.desk.mu.Unlock()
			c.desk.wrapUp(c.seat, contact.Customer)
		}()
	}
}

func startDesk(t *testing.T, d *desk) (url string) {
	t.Helper()
	return startDeskBy(t, d, httptest.NewServer).URL
}

func startDeskBy(t *testing.T, d *desk, start func(http.Handler) *httptest.Server) *httptest.Server {
	t.Helper()
	pacer := media.NewPacer()
	d.tone = media.NewPlayer(pacer, "customer", codec.PCMA)
	d.tone.Loop(media.ToneClip("tone", []float64{700}, time.Second, -10), 0)
	cfg := web.DefaultConfig()
	cfg.Listen = "127.0.0.1:0"
	server, err := web.New(cfg, web.Options{
		Pacer: pacer, House: d,
		Authenticate: func(_ *http.Request, token string) (web.Identity, error) {
			if token != "secret" {
				return web.Identity{}, contact.Errorf(contact.Unauthorized, "sign in again")
			}
			return web.Identity{User: "alice", Role: contact.RoleAgent}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/api/v1/seat", server)
	mux.HandleFunc("POST /api/v1/session", func(w http.ResponseWriter, r *http.Request) {
		var in struct{ User, Password string }
		if json.NewDecoder(r.Body).Decode(&in) != nil || in.Password != "demo" {
			http.Error(w, "{}", http.StatusUnauthorized)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]string{"token": "secret", "role": "agent"})
	})
	h := start(mux)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := server.Close(ctx); err != nil {
			t.Error(err)
		}
		h.Close()
		d.tone.Close()
		pacer.Close()
	})
	return h
}

func TestSeatAnswersAndWrapsUp(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	d := &desk{t: t, calls: 2, over: cancel, me: web.MeView{State: contact.AgentAway, Dispositions: []string{"sold", "no sale"}}}
	url := startDesk(t, d)
	record := filepath.Join(t.TempDir(), "heard.wav")
	r, err := phone.Seat(ctx, phone.SeatOptions{Server: url, User: "alice", Password: "demo", Play: "tone:440", AnswerAfter: 50 * time.Millisecond, Record: record})
	if err != nil {
		t.Fatal(err)
	}
	if r.Answered != 2 || len(r.Calls) != 2 || r.Missed != 0 {
		t.Fatalf("answered %d, missed %d, calls %+v; want 2 answered", r.Answered, r.Missed, r.Calls)
	}
	for _, c := range r.Calls {
		if !c.Contact.Valid() || c.Waited != 2 || c.Talked <= 0 || c.Codec != "PCMA" || c.Ended == nil || c.Ended.By != contact.Customer {
			t.Errorf("call %+v", c)
		}
	}
	if r.Sent < 60 || r.Received == 0 || r.Score < 1 {
		t.Errorf("figures %+v", r)
	}
	d.mu.Lock()
	for _, c := range d.notes {
		if c.Do == web.DoWrapUpDone && c.Disposition != "sold" {
			t.Errorf("wrapped up as %q", c.Disposition)
		}
	}
	if last := d.notes[len(d.notes)-1]; last.State != contact.AgentOffline {
		t.Errorf("the last command is %+v, want going offline", last)
	}
	d.mu.Unlock()
	file, err := os.Open(record)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	samples, rate, channels, err := wav.Read(file)
	if err != nil || rate != 8000 || channels != 1 {
		t.Fatalf("the recording: %d Hz, %d channels, %v", rate, channels, err)
	}
	loud := 0
	for _, x := range samples {
		if x > 2000 || x < -2000 {
			loud++
		}
	}
	if loud < 2000 {
		t.Errorf("the recording has %d loud samples of %d; want the customer's tone", loud, len(samples))
	}
}

// TestSeatOfAnOwnAuthority: a server with a certificate of its own authority is
// believed only by who was given that.
func TestSeatOfAnOwnAuthority(t *testing.T) {
	d := &desk{t: t}
	h := startDeskBy(t, d, func(mux http.Handler) *httptest.Server {
		s := httptest.NewUnstartedServer(mux)
		s.Config.ErrorLog = log.New(io.Discard, "", 0) // a handshake that is broken off is wanted
		s.StartTLS()
		return s
	})
	o := phone.SeatOptions{Server: h.URL, User: "alice", Password: "demo", For: time.Millisecond}
	if _, err := phone.Seat(t.Context(), o); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("an unknown authority: %v", err)
	}
	o.TLS = &tls.Config{RootCAs: x509.NewCertPool()}
	o.TLS.RootCAs.AddCert(h.Certificate())
	if _, err := phone.Seat(t.Context(), o); err != nil {
		t.Errorf("the authority that was given: %v", err)
	}
}

func TestSeatSaysWhatIsWrong(t *testing.T) {
	d := &desk{t: t}
	url := startDesk(t, d)
	for name, c := range map[string]struct {
		o    phone.SeatOptions
		want string
	}{
		"password": {phone.SeatOptions{Server: url, User: "alice", Password: "no"}, "401"},
		"tone":     {phone.SeatOptions{Server: url, User: "alice", Password: "demo", Play: "tone:high"}, "tone:440"},
		"file":     {phone.SeatOptions{Server: url, User: "alice", Password: "demo", Play: "/does/not/exist.wav"}, "exist.wav"},
		"server":   {phone.SeatOptions{Server: "http://127.0.0.1:1", User: "alice", Password: "demo"}, "callfloor serve"},
		"address":  {phone.SeatOptions{Server: ":", User: "alice", Password: "demo"}, "http://127.0.0.1:8080"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := phone.Seat(t.Context(), c.o)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error is %v; want it to mention %q", err, c.want)
			}
		})
	}
}
