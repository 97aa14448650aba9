package sip_test

import (
	"context"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"callfloor/contact"
	"callfloor/internal/simnet"
	"callfloor/internal/siptest"
	"callfloor/media"
	"callfloor/sip"
)

// world is a server and what it was handed, on an in-memory network inside a
// bubble of fake time.
type world struct {
	t     *testing.T
	net   *simnet.Network
	pacer *media.Pacer
	srv   *sip.Server
	calls chan *sip.Leg
	// options changes those of servers that are made from now on.
	options func(*sip.Options)

	mu    sync.Mutex
	media []*siptest.Session
}

const serverAddr = "10.0.0.1:5060"

// inBubble runs fn with a server in a bubble and sees it closed.
func inBubble(t *testing.T, change func(*sip.Config), fn func(*world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, net: simnet.New(), pacer: media.NewPacer(), calls: make(chan *sip.Leg, 1000)}
		w.net.Latency = 5 * time.Millisecond
		w.srv = w.server(serverAddr, change, func(l *sip.Leg) { w.calls <- l })
		defer w.pacer.Close()
		defer w.close(w.srv)
		fn(w)
	})
}

func (w *world) server(addr string, change func(*sip.Config), onCall func(*sip.Leg)) *sip.Server {
	w.t.Helper()
	conn, err := w.net.Listen(addr)
	if err != nil {
		w.t.Fatal(err)
	}
	cfg := sip.DefaultConfig()
	if change != nil {
		change(&cfg)
	}
	o := sip.Options{Conn: conn, Pacer: w.pacer, OnCall: onCall, OpenMedia: func(c sip.MediaConfig) (sip.Media, error) {
		s, err := siptest.OpenSession(w.net, c.IP, w.pacer)
		w.mu.Lock()
		w.media = append(w.media, s)
		w.mu.Unlock()
		return s, err
	}}
	if w.options != nil {
		w.options(&o)
	}
	srv, err := sip.New(cfg, o)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := srv.Start(); err != nil {
		w.t.Fatal(err)
	}
	return srv
}

func (w *world) close(srv *sip.Server) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if err := srv.Close(ctx); err != nil {
		w.t.Errorf("close: %v", err)
	}
	if n := srv.Calls(); n != 0 {
		w.t.Errorf("%d legs are left after Close", n)
	}
}

func (w *world) session(i int) *siptest.Session {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.media[i]
}

func (w *world) peer(id string) *siptest.Peer {
	w.t.Helper()
	conn, err := w.net.Listen("10.0.0.9:0")
	if err != nil {
		w.t.Fatal(err)
	}
	return siptest.NewPeer(w.t, conn, addr(serverAddr), id)
}

// talking is a peer whose call is answered and acknowledged, and its leg.
func (w *world) talking(id string, headers ...string) (*siptest.Peer, *sip.Leg) {
	w.t.Helper()
	p := w.peer(id)
	p.Request("INVITE", 1, siptest.SDP, headers...)
	l := <-w.calls
	if err := l.Answer(context.Background()); err != nil {
		w.t.Fatal(err)
	}
	p.Expect("SIP/2.0 200")
	p.Request("ACK", 1, "")
	settle()
	return p, l
}

// settle waits until what was sent has arrived and been dealt with.
func settle() {
	time.Sleep(50 * time.Millisecond)
	synctest.Wait()
}

func addr(s string) udpAddr { return udpAddr{netip.MustParseAddrPort(s)} }

type udpAddr struct{ netip.AddrPort }

func (udpAddr) Network() string { return "udp" }

func wantCause(t *testing.T, l *sip.Leg, by contact.Party, class contact.EndClass, status int) {
	t.Helper()
	<-l.Done()
	c := l.Cause()
	if c.By != by || c.Class != class || int(c.SIP) != status {
		t.Errorf("cause %+v, wanted by %s, %s, status %d", c, by, class, status)
	}
}

func TestWholeCallInFakeTime(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		phone := w.server("10.0.0.2:5060", nil, nil)
		answered := make(chan *sip.Leg, 1)
		go func() {
			l := <-w.calls
			_ = l.Ring()
			time.Sleep(3 * time.Second)
			if err := l.Answer(context.Background()); err != nil {
				t.Error(err)
			}
			answered <- l
		}()
		start := time.Now()
		out, err := phone.Dial(context.Background(), "sip:1000@10.0.0.1", sip.DialOptions{From: "13800138000"})
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took < 3*time.Second || took > 3100*time.Millisecond {
			t.Errorf("answered after %v", took)
		}
		in := <-answered
		if in.Called() != "1000" || in.Caller() != "13800138000" || in.Codec().String() != "PCMU" || out.Codec() != in.Codec() {
			t.Errorf("called %q, caller %q, codecs %v and %v", in.Called(), in.Caller(), in.Codec(), out.Codec())
		}
		var heard atomic.Int64
		var sink media.SinkFunc = func(p *media.Packet) {
			if len(p.Payload) > 0 {
				heard.Add(1)
			}
		}
		out.Source().Attach(&sink)
		in.Sender().Fill(in.Codec())
		if err := out.Sender().SendDigit('5', 100*time.Millisecond); err != nil {
			t.Error(err)
		}
		if d := <-in.Digits(); d.Key != '5' {
			t.Errorf("digit %q", d.Key)
		}
		time.Sleep(10 * time.Minute)
		if n := heard.Load(); n < 10*60*50-100 {
			t.Errorf("%d packets in ten minutes", n)
		}
		out.Hangup(contact.EndCause{By: contact.System, Class: contact.EndCompleted, Why: "done"})
		wantCause(t, in, contact.Customer, contact.EndCompleted, 0)
		wantCause(t, out, contact.System, contact.EndCompleted, 0)
		w.close(phone)
	})
}

func TestOneCallOfRepeatedINVITE(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		p := w.peer("again")
		for range 3 {
			p.RequestBranch("INVITE", 1, "z9hG4bKsame", siptest.SDP)
		}
		l := <-w.calls
		p.RequestBranch("INVITE", 1, "z9hG4bKother", siptest.SDP)
		p.Expect("SIP/2.0 482")
		p.RequestBranch("ACK", 1, "z9hG4bKother", "")
		if err := l.Answer(context.Background()); err != nil {
			t.Fatal(err)
		}
		p.Expect("SIP/2.0 200")
		p.Request("ACK", 1, "")
		settle()
		if n := w.srv.Calls(); n != 1 || len(w.calls) != 0 {
			t.Errorf("%d legs, %d more calls", n, len(w.calls))
		}
	})
}

func TestNoACK(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		p := w.peer("noack")
		p.Request("INVITE", 1, siptest.SDP)
		l := <-w.calls
		if err := l.Answer(context.Background()); err != nil {
			t.Fatal(err)
		}
		start, answers := time.Now(), 0
		for {
			m := p.Read()
			if strings.HasPrefix(m.Start, "BYE") {
				p.Reply(m, "200 OK", "")
				break
			}
			if strings.HasPrefix(m.Start, "SIP/2.0 200") {
				answers++
			}
		}
		if took := time.Since(start); took < 31*time.Second || took > 33*time.Second || answers < 8 {
			t.Errorf("BYE after %v and %d answers", took, answers)
		}
		wantCause(t, l, contact.System, contact.EndFailed, 0)
	})
}

func TestHangupBeforeACKWaitsForIt(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		p := w.peer("early")
		p.Request("INVITE", 1, siptest.SDP)
		l := <-w.calls
		if err := l.Answer(context.Background()); err != nil {
			t.Fatal(err)
		}
		l.Hangup(contact.EndCause{By: contact.System, Class: contact.EndCompleted, Q850: 31})
		p.Expect("SIP/2.0 200")
		p.Request("ACK", 1, "")
		bye := p.Expect("BYE")
		if r := bye.Header("Reason"); r != "Q.850;cause=31" {
			t.Errorf("Reason %q", r)
		}
		p.Reply(bye, "200 OK", "")
	})
}

func TestCANCEL(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		p := w.peer("cancel")
		p.RequestBranch("INVITE", 1, "z9hG4bKc", siptest.SDP)
		l := <-w.calls
		if err := l.Ring(); err != nil {
			t.Fatal(err)
		}
		p.Expect("SIP/2.0 180")
		ringing := p.ToTag
		p.RequestBranch("CANCEL", 1, "z9hG4bKc", "")
		ok := p.Expect("SIP/2.0 200")
		if via := ok.Header("Via"); !strings.Contains(via, "branch=z9hG4bKc;") && !strings.HasSuffix(via, "branch=z9hG4bKc") {
			t.Errorf("the branch of the CANCEL's answer is changed: %s", via)
		}
		if p.ToTag != ringing {
			t.Error("the CANCEL is answered under another To tag (RFC 3261 §9.2)")
		}
		p.Expect("SIP/2.0 487")
		if p.ToTag != ringing {
			t.Error("the 487 has another To tag than the 180")
		}
		p.RequestBranch("ACK", 1, "z9hG4bKc", "")
		wantCause(t, l, contact.Customer, contact.EndAbandoned, 487)
		if err := l.Answer(context.Background()); err == nil {
			t.Error("a cancelled call can be answered")
		}
	})
}

func TestLateCANCELChangesNothing(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		p := w.peer("late")
		p.RequestBranch("INVITE", 1, "z9hG4bKl", siptest.SDP)
		l := <-w.calls
		_ = l.Answer(context.Background())
		p.Expect("SIP/2.0 200")
		p.RequestBranch("ACK", 1, "z9hG4bKl", "") // with the INVITE's branch, as some do
		p.RequestBranch("CANCEL", 1, "z9hG4bKl", "")
		p.Expect("SIP/2.0 200")
		settle()
		select {
		case <-l.Done():
			t.Errorf("the call is gone: %v", l.Cause())
		default:
		}
		time.Sleep(40 * time.Second) // the ACK counted, too
		select {
		case <-l.Done():
			t.Errorf("the call is gone: %v", l.Cause())
		default:
		}
	})
}

func TestRefusals(t *testing.T) {
	video := "v=0\r\no=- 1 1 IN IP4 10.0.0.9\r\ns=-\r\nc=IN IP4 10.0.0.9\r\nt=0 0\r\nm=audio 4000 RTP/AVP 97\r\na=rtpmap:97 EVS/16000\r\n"
	cases := []struct {
		name, method, body, header string
		want                       string
		check                      string // header that must be there
	}{
		{"no common codec", "INVITE", video, "Subject: x", "SIP/2.0 488", "Warning"},
		{"no description", "INVITE", "hello", "Content-Type: text/plain", "SIP/2.0 415", "Accept"},
		{"broken description", "INVITE", "v=0\r\nm=audio 70000 RTP/AVP 0\r\n", "Subject: x", "SIP/2.0 400", ""},
		{"unknown option", "INVITE", siptest.SDP, "Require: 100rel, foo", "SIP/2.0 420", "Unsupported"},
		{"short session", "INVITE", siptest.SDP, "Supported: timer\r\nSession-Expires: 30", "SIP/2.0 422", "Min-SE"},
		{"unknown method", "FOO", "", "Subject: x", "SIP/2.0 501", "Allow"},
		{"method not served", "SUBSCRIBE", "", "Event: presence", "SIP/2.0 405", "Allow"},
		{"registrar", "REGISTER", "", "Expires: 60", "SIP/2.0 405", "Allow"},
		{"BYE of no call", "BYE", "", "Subject: x", "SIP/2.0 481", ""},
		{"options", "OPTIONS", "", "Accept: application/sdp", "SIP/2.0 200", "Allow"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, nil, func(w *world) {
				p := w.peer("refuse")
				p.RequestBranch(c.method, 1, "z9hG4bKr", c.body, c.header)
				m := p.Expect(c.want)
				if c.check != "" && m.Header(c.check) == "" {
					t.Errorf("no %s in\n%s", c.check, m.Raw)
				}
				if c.method == "INVITE" {
					p.RequestBranch("ACK", 1, "z9hG4bKr", "")
				}
				if len(w.calls) != 0 || w.srv.Calls() != 0 {
					t.Error("a refused request made a call")
				}
			})
		})
	}
}

func TestReject(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		p := w.peer("reject")
		p.RequestBranch("INVITE", 1, "z9hG4bKj", siptest.SDP)
		l := <-w.calls
		if err := l.Reject(200, "OK"); err == nil {
			t.Error("a call can be rejected with 200")
		}
		if err := l.Reject(404, "Not Found"); err != nil {
			t.Fatal(err)
		}
		p.Expect("SIP/2.0 404 Not Found")
		p.RequestBranch("ACK", 1, "z9hG4bKj", "")
		wantCause(t, l, contact.System, contact.EndRejected, 404)
	})
}

func TestLimits(t *testing.T) {
	inBubble(t, func(c *sip.Config) { c.CallsPerSource, c.MaxCalls = 3, 5 }, func(w *world) {
		for i := range 3 {
			p := w.peer("half" + string(rune('a'+i)))
			p.Request("INVITE", 1, siptest.SDP)
			<-w.calls
		}
		over := w.peer("over")
		over.Request("INVITE", 1, siptest.SDP)
		if m := over.Expect("SIP/2.0 503"); m.Header("Retry-After") == "" {
			t.Error("503 without Retry-After")
		}
		// Another source is not touched by that.
		conn, _ := w.net.Listen("10.0.0.8:0")
		honest := siptest.NewPeer(w.t, conn, addr(serverAddr), "honest")
		honest.Request("INVITE", 1, siptest.SDP)
		l := <-w.calls
		_ = l.Answer(context.Background())
		honest.Expect("SIP/2.0 200")
		honest.Request("ACK", 1, "")
		settle()
		if n := w.srv.Calls(); n != 4 {
			t.Errorf("%d calls", n)
		}
	})
}

func TestDraining(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.srv.SetDraining(true)
		p := w.peer("drain")
		p.RequestBranch("INVITE", 1, "z9hG4bKd", siptest.SDP)
		if m := p.Expect("SIP/2.0 503"); m.Header("Retry-After") == "" {
			t.Error("503 without Retry-After")
		}
		p.RequestBranch("ACK", 1, "z9hG4bKd", "")
		p.ToTag = ""
		p.Request("OPTIONS", 2, "")
		p.Expect("SIP/2.0 503")
		p.ToTag = ""
		w.srv.SetDraining(false)
		p.Request("OPTIONS", 3, "")
		p.Expect("SIP/2.0 200")
	})
}

func TestSilenceEndsTheCall(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		p, l := w.talking("silent")
		w.session(0).FireSilence(time.Minute, true)
		p.Reply(p.Expect("BYE"), "200 OK", "")
		wantCause(t, l, contact.System, contact.EndFailed, 0)
	})
}

func TestRingLimit(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		p := w.peer("ring")
		p.RequestBranch("INVITE", 1, "z9hG4bKring", siptest.SDP)
		l := <-w.calls
		_ = l.Ring()
		rung := 0
		for {
			m := p.Read()
			if strings.HasPrefix(m.Start, "SIP/2.0 480") {
				break
			}
			if strings.HasPrefix(m.Start, "SIP/2.0 180") {
				rung++
			}
		}
		p.RequestBranch("ACK", 1, "z9hG4bKring", "")
		if rung != 5 {
			t.Errorf("180 was sent %d times in five minutes", rung)
		}
		wantCause(t, l, contact.System, contact.EndFailed, 480)
	})
}

func TestTraceTellsTheWholeStory(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		p, l := w.talking("trace")
		p.Request("BYE", 2, "")
		p.Expect("SIP/2.0 200")
		<-l.Done()
		settle()
		var got []string
		l.OnTrace(func(e sip.Trace) {
			dir := "<"
			if e.Sent {
				dir = ">"
			}
			got = append(got, dir+e.Summary)
		})
		settle()
		want := "<INVITE >100 Trying (INVITE) >200 OK (INVITE) <ACK <BYE >200 OK (BYE)"
		if s := strings.Join(got, " "); s != want {
			t.Errorf("trace %s\nwanted %s", s, want)
		}
	})
}
