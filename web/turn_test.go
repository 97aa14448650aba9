package web

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"callfloor/contact"

	"github.com/pion/logging"
	"github.com/pion/stun/v4"
	"github.com/pion/turn/v5"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// turnServer starts a Server with TURN on loopback, and seats alice.
func turnServer(t *testing.T) *Server {
	t.Helper()
	cfg := DefaultConfig()
	cfg.Listen, cfg.TURN = "127.0.0.1:0", "127.0.0.1:0"
	s, err := New(cfg, Options{
		Log: slog.New(slog.DiscardHandler), Pacer: nopPacer(t), House: &notebook{},
		Authenticate: func(*http.Request, string) (Identity, error) { return Identity{}, errors.New("no") },
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	if _, err := s.seat(Identity{User: "alice", Role: contact.RoleAgent}); err != nil {
		t.Fatal(err)
	}
	return s
}

// turnClient signs in over network with the credential given.
func turnClient(t *testing.T, s *Server, network, name, password string) *turn.Client {
	t.Helper()
	var conn net.PacketConn
	if network == "tcp" {
		c, err := net.Dial("tcp", s.TURN().String())
		if err != nil {
			t.Fatal(err)
		}
		conn = turn.NewSTUNConn(c)
	} else {
		c, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		conn = c
	}
	loggers := &logging.DefaultLoggerFactory{Writer: io.Discard, DefaultLogLevel: logging.LogLevelDisabled}
	c, err := turn.NewClient(&turn.ClientConfig{
		STUNServerAddr: s.TURN().String(), TURNServerAddr: s.TURN().String(), Conn: conn,
		Username: name, Password: password, Realm: turnRealm, LoggerFactory: loggers,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Listen(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); _ = conn.Close() })
	return c
}

func allocate(t *testing.T, s *Server, network string) net.PacketConn {
	t.Helper()
	name, password := s.engine.relay.credential("alice", time.Now())
	conn, err := turnClient(t, s, network, name, password).Allocate()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func TestTURNRelaysToTheMediaPortOnly(t *testing.T) {
	for _, network := range []string{"udp", "tcp"} {
		t.Run(network, func(t *testing.T) {
			s := turnServer(t)
			conn := allocate(t, s, network)
			victim, err := net.ListenPacket("udp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer victim.Close()
			refused := func(reason string) float64 { return valueOf(s.metrics.refused.WithLabelValues(reason)) }
			// Another port of an address that is ours: TURN's permission is for all
			// ports of it, ours is not. The media port after it shows that the
			// packet was looked at, and answers.
			request := stun.MustBuild(stun.TransactionID, stun.BindingRequest)
			for _, to := range []net.Addr{victim.LocalAddr(), net.UDPAddrFromAddrPort(s.TURN())} {
				before := refused("turn_port")
				if _, err := conn.WriteTo(request.Raw, to); err != nil {
					t.Fatalf("sending to %s: %v", to, err)
				}
				waitUntil(t, "the packet is dropped", func() bool { return refused("turn_port") > before })
			}
			if err := victim.SetReadDeadline(time.Now()); err != nil {
				t.Fatal(err)
			}
			if n, from, err := victim.ReadFrom(make([]byte, 1500)); err == nil {
				t.Errorf("the victim got %d octets from %s", n, from)
			}
			// Whole addresses: neighbours, private networks, the cloud's metadata.
			for _, ip := range []string{"127.0.0.2", "10.0.0.1", "192.168.1.1", "172.16.0.1", "169.254.169.254", "8.8.8.8", "0.0.0.0", "255.255.255.255"} {
				_, err := conn.WriteTo([]byte("x"), &net.UDPAddr{IP: net.ParseIP(ip), Port: int(s.Addr().Port())})
				if err == nil || !strings.Contains(err.Error(), "403") {
					t.Errorf("a permission for %s: %v, want 403", ip, err)
				}
			}
		})
	}
}

// Where a seat may relay to: the media port's own addresses, written in any way.
func TestTURNPermissions(t *testing.T) {
	m, err := newMetrics(nil)
	if err != nil {
		t.Fatal(err)
	}
	everywhere := &relay{metrics: m, peers: map[netip.AddrPort]struct{}{}, local: map[bool]netip.Addr{}}
	everywhere.allow([]net.Addr{&net.UDPAddr{IP: net.IPv4(192, 168, 5, 9), Port: 8090}, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8090}, &net.UDPAddr{IP: net.IPv6loopback, Port: 8090}})
	one := &relay{metrics: m, peers: map[netip.AddrPort]struct{}{}, local: map[bool]netip.Addr{}}
	one.allow([]net.Addr{&net.UDPAddr{IP: net.IPv4(192, 168, 5, 9), Port: 8090}})
	for ip, want := range map[string]struct{ everywhere, one bool }{
		"192.168.5.9": {true, true}, "::ffff:192.168.5.9": {true, true},
		"127.0.0.1": {true, false}, "::ffff:127.0.0.1": {true, false}, "::1": {true, false},
		"127.0.0.2": {}, "192.168.5.1": {}, "10.0.0.1": {}, "0.0.0.0": {}, "::": {}, "fe80::1": {}, "fd00::1": {},
		"169.254.169.254": {}, "::ffff:169.254.169.254": {}, "224.0.0.1": {}, "255.255.255.255": {}, "8.8.8.8": {}, "2001:db8::1": {},
	} {
		if got := everywhere.permit(nil, net.ParseIP(ip)); got != want.everywhere {
			t.Errorf("%s, listening everywhere: %v", ip, got)
		}
		if got := one.permit(nil, net.ParseIP(ip)); got != want.one {
			t.Errorf("%s, listening on one address: %v", ip, got)
		}
	}
	if one.permit(nil, nil) || everywhere.permit(nil, net.IP{1, 2}) {
		t.Error("no address is permitted")
	}
	if a := everywhere.local[true]; !a.IsLoopback() {
		t.Errorf("relayed packets leave from %s, where others can reach it; want loopback", a)
	}
	// A permission is for all ports of an address; these are the ports.
	c := &relayConn{relay: one, free: func() {}}
	for _, to := range []string{"192.168.5.9:5060", "192.168.5.9:3478", "192.168.5.9:0", "[::1]:8090"} {
		if n, err := c.WriteTo([]byte("x"), net.UDPAddrFromAddrPort(netip.MustParseAddrPort(to))); n != 1 || err != nil {
			t.Errorf("%s: %d, %v; want it dropped", to, n, err)
		}
	}
	if got := valueOf(m.refused.WithLabelValues("turn_port")); got != 4 {
		t.Errorf("%v packets were dropped, want 4", got)
	}
}

func TestTURNDropsStrangersAtARelayedAddress(t *testing.T) {
	s := turnServer(t)
	conn := allocate(t, s, "udp")
	// The permission for our own address is for all its ports, so that a
	// stranger on this machine has TURN's.
	if _, err := conn.WriteTo([]byte("x"), net.UDPAddrFromAddrPort(s.Addr())); err != nil {
		t.Fatal(err)
	}
	c := &relayConn{relay: s.engine.relay, free: func() {}}
	var err error
	if c.UDPConn, err = net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}); err != nil {
		t.Fatal(err)
	}
	stranger, err := net.DialUDP("udp4", nil, c.LocalAddr().(*net.UDPAddr))
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	own, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	ap, _ := addrPort(own.LocalAddr())
	c.relay = &relay{metrics: s.metrics, peers: map[netip.AddrPort]struct{}{ap: {}}}
	if _, err := stranger.Write([]byte("stranger")); err != nil {
		t.Fatal(err)
	}
	if _, err := own.WriteTo([]byte("own"), c.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 100)
	n, _, err := c.ReadFrom(buf)
	if err != nil || string(buf[:n]) != "own" {
		t.Errorf("read %q, %v", buf[:n], err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func TestTURNCredentials(t *testing.T) {
	s := turnServer(t)
	r := s.engine.relay
	good, password := r.credential("alice", time.Now())
	old, oldPassword := r.credential("alice", time.Now().Add(-turnCredential-time.Minute))
	stranger, strangerPassword := r.credential("mallory", time.Now())
	for name, c := range map[string]struct {
		name, password string
		works          bool
	}{
		"good":                {good, password, true},
		"wrong password":      {good, oldPassword, false},
		"expired":             {old, oldPassword, false},
		"end moved":           {"9" + good, password, false},
		"nobody with a seat":  {stranger, strangerPassword, false},
		"another user's name": {strings.Replace(good, "alice", "bob", 1), password, false},
		"no user":             {"4000000000", r.password("4000000000"), false},
		"nonsense":            {"alice", "demo", false},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := turnClient(t, s, "udp", c.name, c.password).Allocate()
			if (err == nil) != c.works {
				t.Errorf("allocate: %v", err)
			}
			if err == nil {
				_ = conn.Close()
			}
		})
	}
	if _, _, ok := r.authenticate(&turn.RequestAttributes{Username: old, Realm: turnRealm, Method: stun.MethodRefresh}); !ok {
		t.Error("a refresh after the credential's end is refused: the call would lose its media")
	}
	s.SignOut("alice")
	if _, _, ok := r.authenticate(&turn.RequestAttributes{Username: good, Realm: turnRealm, Method: stun.MethodRefresh}); ok {
		t.Error("after the sign-out the credential still works")
	}
}

func TestTURNQuota(t *testing.T) {
	s := turnServer(t)
	name, password := s.engine.relay.credential("alice", time.Now())
	var first net.PacketConn
	for i := range turnPerUser {
		conn, err := turnClient(t, s, "udp", name, password).Allocate()
		if err != nil {
			t.Fatalf("allocation %d: %v", i+1, err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		if first == nil {
			first = conn
		}
	}
	if _, err := turnClient(t, s, "udp", name, password).Allocate(); err == nil || !strings.Contains(err.Error(), "486") {
		t.Errorf("one too many: %v, want 486", err)
	}
	if err := first.Close(); err != nil { // a refresh with lifetime 0
		t.Fatal(err)
	}
	waitUntil(t, "the place is free", func() bool { return valueOf(s.metrics.relays) == turnPerUser-1 })
	allocate(t, s, "udp")
}

func TestICEServersOfWelcome(t *testing.T) {
	s := turnServer(t)
	if got := (&Server{}).iceServers("alice", "desk.example", time.Now()); got == nil || len(got) != 0 {
		t.Errorf("without TURN: %v, want an empty list", got)
	}
	got := s.iceServers("alice", "desk.example:8080", time.Now())
	if want := "turn:" + s.TURN().String() + "?transport=udp"; len(got) != 1 || len(got[0].URLs) != 2 || got[0].URLs[0] != want {
		t.Fatalf("got %+v, want %s", got, want)
	}
	r := s.engine.relay
	r.addr = netip.AddrPortFrom(netip.IPv6Unspecified(), 3478)
	for host, want := range map[string]string{
		"desk.example:8080": "turn:desk.example:3478?transport=tcp", "desk.example": "turn:desk.example:3478?transport=tcp",
		"[2001:db8::1]:8443": "turn:[2001:db8::1]:3478?transport=tcp", "[2001:db8::1]": "turn:[2001:db8::1]:3478?transport=tcp",
	} {
		if got := s.iceServers("alice", host, time.Now()); got[0].URLs[1] != want {
			t.Errorf("%s: %s, want %s", host, got[0].URLs[1], want)
		}
	}
	s.cfg.External = "203.0.113.7"
	if got := s.iceServers("alice", "desk.example", time.Now()); got[0].URLs[0] != "turn:203.0.113.7:3478?transport=udp" {
		t.Errorf("with external_ip: %s", got[0].URLs[0])
	}
}

// waitUntil waits for a condition on the real clock.
func waitUntil(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

func valueOf(m prometheus.Metric) float64 {
	var v dto.Metric
	if m.Write(&v) != nil {
		return -1
	}
	return v.GetCounter().GetValue() + v.GetGauge().GetValue()
}
