package e2e

import (
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"callfloor/media/dtmf"
)

// listenedTo puts a wire between a seat and the server; what the server sends
// to the seat is in the buffer.
func (s *server) listenedTo() (url string, told *buffer) {
	s.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	told = &buffer{}
	var wires sync.WaitGroup
	carry := func(seat net.Conn) {
		defer seat.Close()
		srv, err := net.Dial("tcp", strings.TrimPrefix(s.http, "http://"))
		if err != nil {
			s.t.Errorf("the wire to the server: %v", err)
			return
		}
		wires.Go(func() {
			_, _ = io.Copy(srv, seat)
			_ = srv.Close()
		})
		_, _ = io.Copy(io.MultiWriter(seat, told), srv)
	}
	wires.Go(func() {
		for {
			seat, err := l.Accept()
			if err != nil {
				return
			}
			wires.Go(func() { carry(seat) })
		}
	})
	s.t.Cleanup(func() { _ = l.Close(); wires.Wait() })
	return "http://" + l.Addr().String(), told
}

// keys are those whose tones are in the sound.
func (s sound) keys() string {
	var d dtmf.Detector
	return string(d.Write(s.samples))
}

// writeKey writes a file that sounds a key for 200 ms, 3.5 s after its begin,
// and is silent for 4 s else.
func writeKey(t *testing.T, path string, key rune) {
	t.Helper()
	samples := make([]int16, 4*48000)
	row, column := dtmf.Tones(key)
	for i := range samples[:48000/5] {
		at := 2 * math.Pi * float64(i) / 48000
		samples[7*48000/2+i] = int16(6000 * (math.Sin(row*at) + math.Sin(column*at)))
	}
	writeWAV(t, path, samples)
}

// TestSecretDigitsAreNotHeard: a customer types a number that is secret, then
// talks with an agent and types it again. The digits are neither in the sound
// of the recording, nor in what the agent hears, nor in anything that the
// agent's page is told, nor in what is kept. A key that the customer's voice
// makes instead is heard by both, which shows that digits would be found.
func TestSecretDigitsAreNotHeard(t *testing.T) {
	beside(t, phoning)
	const secret, voiced = "739184620517", "D"
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	write("card.yaml", `
vars: {card: {secret: true}}
nodes:
  told: {kind: consent, mode: announce, say: number_1, next: card}
  card: {kind: collect, say: number_2, into: card, min: 12, max: 19, secret: true, silent: bye, next: sales}
  sales: {kind: queue, queue: sales, refused: bye}
  bye: {kind: hangup}
`)
	s := serve(t, "--config", write("callfloor.yml", "flows: "+dir+"\nlines: [{id: \"2001\", flow: card, consent: announce}]\n"))

	url, told := s.listenedTo()
	ear := filepath.Join(dir, "ear.wav")
	seat := s.background("phone", "seat", "--server", url, "--user", "alice", "--password", "demo", "--json",
		"--answer-after", "100ms", "--play", fmt.Sprintf("tone:%d", seatHz), "--record", ear)
	eventually(t, 20*time.Second, "alice is available", func() error { return s.metric(`callfloor_agents{state="available"}`, 1) })

	var presses []string
	for _, begin := range []time.Duration{2500 * time.Millisecond, 8 * time.Second} {
		for i, k := range secret + "#" {
			presses = append(presses, fmt.Sprintf("%c@%s", k, begin+time.Duration(i)*250*time.Millisecond))
		}
	}
	voice := filepath.Join(dir, "voice.wav")
	writeKey(t, voice, rune(voiced[0]))
	call := s.dial("2001", "--play", voice, "--dtmf", strings.Join(presses, ","), "--for", "60s")
	eventually(t, 45*time.Second, "the number is typed twice, once to the agent", func() error {
		c, err := s.callOf("2001")
		if err != nil {
			return err
		}
		pressed := 0
		for _, e := range c.Timeline {
			if e.Kind == "digits" {
				pressed++
			}
		}
		if c.Agent == nil || pressed < len(secret) {
			return fmt.Errorf("%d keys to agent %v", pressed, c.Agent)
		}
		return nil
	})
	r := s.recordingOf("open", 5*time.Second)
	call.hangup()
	s.recordingOf("sealed", 5*time.Second)
	if err := seat.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	<-seat.done

	customer, agent := s.export(r.ID)
	for what, sounds := range map[string]sound{"the recording of the customer": customer, "what the agent hears": readWAV(t, ear)[0]} {
		if keys := sounds.keys(); keys == "" || strings.Trim(keys, voiced) != "" {
			t.Errorf("%s has the keys %q; want some %s and no digit", what, keys, voiced)
		}
	}
	if keys := agent.keys(); keys != "" {
		t.Errorf("the recording of the agent has the keys %q", keys)
	}
	if text := told.String(); !strings.Contains(text, r.Call) || strings.Contains(text, secret) {
		t.Errorf("what the agent's seat is told names the call: %v, the digits: %v", strings.Contains(text, r.Call), strings.Contains(text, secret))
	}
	c, err := s.callOf("2001")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range c.Timeline {
		if e.Kind == "digits" && (len(e.Data) != 1 || e.Data["via"] == nil) {
			t.Errorf("the timeline tells of a key more than how it came: %v", e.Data)
		}
	}
	for _, args := range [][]string{{"recordings", "show", r.ID}, {"calls", "show", r.Call}, {"calls", "sip", r.Call}} {
		if o := invoke(t, append(args, "--data", s.dir)...); o.code != 0 || strings.Contains(o.out+o.err, secret) {
			t.Errorf("callfloor %v ended with %d; the digits are in it: %v", args, o.code, strings.Contains(o.out+o.err, secret))
		}
	}
	s.nowhere(secret)
}
