package sip_test

import (
	"context"
	"net/netip"
	"sync"
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
