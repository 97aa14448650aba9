package e2e

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Strangers: on the ports of a live call, and at the door.

// TestRTPFromAStranger sends sound from another address to a live call's port.
func TestRTPFromAStranger(t *testing.T) {
	beside(t, phoning)
	const strangerHz = 1200
	s := serve(t)
	agentHears := filepath.Join(t.TempDir(), "alice.wav")
	alice := s.seat("alice", "--answer-after", "100ms", "--play", fmt.Sprintf("tone:%d", seatHz), "--record", agentHears)
	p := s.wireCall("1001")
	stop := p.talk(customerHz)
	open := s.recordingOf("open", time.Second)

	stranger, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 2)})
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	hush := sendTone(t, stranger, p.server, strangerHz, 0xBADBAD, func(int) bool { return true })
	before := p.came.Load()
	s.recordingOf("open", 4*time.Second)
	// The server goes on to speak with the customer, not with the stranger.
	if came := p.came.Load() - before; came < 100 {
		t.Errorf("in about 3 s of a stranger's sound the customer got %d packets, want about 150", came)
	}
	_ = stranger.SetReadDeadline(time.Now().Add(time.Millisecond))
	if n, _, err := stranger.ReadFrom(make([]byte, 2048)); err == nil {
		t.Errorf("the stranger got %d octets of the call", n)
	}
	hush()
	p.hangup()
	stop()
	s.recordingOf("sealed", 4*time.Second)

	c := s.lastCall()
	counted := -1.0
	for _, e := range c.Timeline {
		if e.Kind == "quality" && e.Leg != nil && *e.Leg == "customer" {
			counted, _ = e.Data["strangers"].(float64)
			if lost, _ := e.Data["lost"].(float64); lost != 0 {
				t.Errorf("the stranger's packets count as the customer's loss: %+v", e.Data)
			}
		}
	}
	if counted < 100 {
		t.Errorf("the timeline counts %v packets of strangers, about 150 were sent", counted)
	}
	left, right := s.export(open.ID)
	left.notHeard(t, "the stranger in the recording", strangerHz, 0, left.length())
	right.notHeard(t, "the stranger in the agent's channel", strangerHz, 0, right.length())
	left.heard(t, "the customer", customerHz, time.Second, 4*time.Second)
	alice.hangup()
	heard := readWAV(t, agentHears)[0]
	heard.notHeard(t, "the stranger at the agent's ear", strangerHz, 0, heard.length())
	if heard.onset(customerHz, 0) < 0 {
		t.Error("the agent never heard the customer")
	}
}

// TestGarbage throws octets at every port during a live call.
func TestGarbage(t *testing.T) {
	beside(t, phoning)
	s := serve(t)
	heard := filepath.Join(t.TempDir(), "phone.wav")
	s.seat("alice", "--answer-after", "100ms", "--play", fmt.Sprintf("tone:%d", seatHz))
	wire := s.wireCall("1009") // for a live RTP port
	began := time.Now()
	call := s.dial("1001", "--play", fmt.Sprintf("tone:%d", customerHz), "--for", "60s", "--record", heard)
	s.recordingOf("open", time.Second)
	from := time.Since(began)
	eventually(t, 20*time.Second, "two seconds of garbage are sent", func() error {
		for _, to := range []string{s.sip, s.webrtc, wire.server.String()} {
			throw(t, "udp4", to, 20)
		}
		for _, to := range []string{s.sip, s.webrtc, strings.TrimPrefix(s.http, "http://")} {
			throw(t, "tcp4", to, 10)
		}
		if sent := time.Since(began) - from; sent < 2*time.Second {
			return fmt.Errorf("only %s", sent)
		}
		return nil
	})
	until := time.Since(began)
	s.recordingOf("open", until-from) // the call is still up after all of it
	r := call.hangup()
	if r.Result != "completed" || r.EndedBy != "local" || r.Lost != 0 || r.SeqHoles != 0 || r.SSRCChanges != 0 {
		t.Errorf("the call: %+v", r)
	}
	readWAV(t, heard)[0].heard(t, "the agent through the garbage", seatHz, from, until)
	wire.hangup()
	list := s.recordings()
	eventually(t, 5*time.Second, "the recording is sealed", func() error {
		if list = s.recordings(); len(list) != 1 || list[0].State != "sealed" {
			return fmt.Errorf("%+v", list)
		}
		return nil
	})
	left, _ := s.export(list[0].ID)
	left.heard(t, "the customer through the garbage", customerHz, 500*time.Millisecond, left.length()-500*time.Millisecond)
	s.becomesReady()
	if strings.Contains(s.log.String(), "panic") {
		t.Error("the server's log has a panic")
	}
}

// throw sends n pieces of garbage: noise, and what looks a little like SIP,
// RTP, STUN and HTTP.
func throw(t *testing.T, network, to string, n int) {
	t.Helper()
	conn, err := net.Dial(network, to)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	heads := []string{"", "INVITE sip:1000@", "SIP/2.0 200 OK\r\n", "\x80\x00", "\x81\xc8\x00\x06", "\x00\x01\x00\x08\x21\x12\xa4\x42", "\x16\xfe\xfd\x00\x00", "BYE x SIP/2.0\r\nContent-Length: -1\r\n\r\n", "\x00\xff", "GET /"}
	for i := range n {
		b := make([]byte, 1+(i*37)%1200)
		_, _ = rand.Read(b)
		if _, err := conn.Write(append([]byte(heads[i%len(heads)]), b...)); err != nil {
			return // it may hang up on us
		}
	}
}

// trySignIn signs in and returns the status, the body and Retry-After.
func (s *server) trySignIn(user, password string) (int, string, string) {
	s.t.Helper()
	body, _ := json.Marshal(map[string]string{"user": user, "password": password})
	resp, err := http.Post(s.http+"/api/v1/session", "application/json", bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(resp.Body); err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, b.String(), resp.Header.Get("Retry-After")
}

// TestWrongPassword: the answer does not tell whether there is such a user, and
// guessing ends; the demo's people are exempt.
func TestWrongPassword(t *testing.T) {
	beside(t, phoning)
	s := serve(t)
	if o := invoke(t, "user", "add", "carol", "--role", "agent", "--data", s.dir); o.code != 0 {
		t.Fatalf("user add: %+v", o)
	}
	limited := map[string]string{}
	for _, user := range []string{"carol", "nobody"} {
		for try := 1; ; try++ {
			status, body, retry := s.trySignIn(user, fmt.Sprintf("wrong-%d", try))
			if status == http.StatusTooManyRequests {
				limited[user] = fmt.Sprint(try, " ", body)
				if retry == "" {
					t.Errorf("%s: 429 without Retry-After", user)
				}
				break
			}
			if status != http.StatusUnauthorized || try > 20 {
				t.Fatalf("%s, try %d: %d %s", user, try, status, body)
			}
			if first := limited["body"]; first == "" {
				limited["body"] = body
			} else if body != first {
				t.Errorf("two wrong sign-ins differ: %s and %s", first, body)
			}
		}
	}
	// The wait that the answer names leaks away; what is before it is the same.
	if a, b := limited["carol"], limited["nobody"]; a[:10] != b[:10] {
		t.Errorf("guessing ends differently for a user that there is and one that there is not: %s and %s", a, b)
	}
	for try := range 40 {
		if status, body, _ := s.trySignIn("alice", "wrong"); status != http.StatusUnauthorized || body != limited["body"] {
			t.Fatalf("alice of the demo, try %d: %d %s", try, status, body)
		}
	}
	if status, body, _ := s.trySignIn("alice", "demo"); status != http.StatusOK {
		t.Errorf("alice's right password after that: %d %s", status, body)
	}
}
