//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"callfloor/api"
)

// Lines of the measured server.
const (
	lineMenu     = "3000" // a menu whose prompt plays for a minute; 1 ends it
	lineRecorded = "3001"
	linePlain    = "3002" // not recorded
	lineShort    = "3003" // answers and waits
)

const flowMenu = `start: menu
nodes:
  menu:
    kind: menu
    say: [menu_main, menu_main, menu_main, menu_main, menu_main, menu_main, menu_main, menu_main, menu_main, menu_main, menu_main, menu_main]
    keys: {1: {label: End, next: end}}
    silent: end
  end: {kind: hangup}
`

const flowShort = `start: here
nodes:
  here: {kind: answer, next: on}
  on: {kind: wait, for: 5m, next: end}
  end: {kind: hangup}
`

const settings = `sip: {calls_per_source: 10000, max_calls: 10000, rtp_ports: 30000-39999}
webrtc: {messages_per_second: 1000}
log: {level: warn}
flows: %q
queues: [{id: sales, name: Sales, agents: ["*"]}]
lines:
  - {id: "3000", name: Menu, flow: bench-menu, consent: never, language: en}
  - {id: "3001", name: Recorded, flow: announced, consent: announce, language: en}
  - {id: "3002", name: Plain, flow: unrecorded, consent: never, language: en}
  - {id: "3003", name: Short, flow: bench-short, consent: never, language: en}
`

// product is `callfloor serve` on free ports.
type product struct {
	*process
	sip   string
	url   string
	token string // an administrator's
	dir   string
}

// freePort is free on TCP and UDP, until somebody takes it.
func freePort() (int, error) {
	var last error
	for range 20 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return 0, err
		}
		port := l.Addr().(*net.TCPAddr).Port
		u, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
		_ = l.Close()
		if err == nil {
			return port, u.Close()
		}
		last = err
	}
	return 0, last
}

// serve starts the product in a folder of its own; env is for its own
// variables. A port that another took meanwhile is no reason to give up.
func (b *bench) serve(env ...string) (s *product, err error) {
	for range 3 {
		if s, err = b.serveOnce(env...); err == nil {
			return s, nil
		}
	}
	return nil, err
}

func (b *bench) serveOnce(env ...string) (*product, error) {
	dir, err := os.MkdirTemp(b.dir, "data-")
	if err != nil {
		return nil, err
	}
	flows := filepath.Join(dir, "flows")
	if err := os.Mkdir(flows, 0o700); err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "bench.yaml")
	for name, text := range map[string]string{
		filepath.Join(flows, "bench-menu.yaml"): flowMenu, filepath.Join(flows, "bench-short.yaml"): flowShort,
		config: fmt.Sprintf(settings, flows),
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	var ports [3]int
	for i := range ports {
		if ports[i], err = freePort(); err != nil {
			return nil, err
		}
	}
	at := func(i int) string { return fmt.Sprintf("127.0.0.1:%d", ports[i]) }
	s := &product{sip: at(0), url: "http://" + at(1), dir: filepath.Join(dir, "data")}
	s.process, err = start(nil, env, b.binary, "serve", "--config", config, "--data", s.dir, "--sip", at(0), "--http", at(1), "--webrtc", at(2))
	if err != nil {
		return nil, err
	}
	if err := s.ready(); err != nil {
		s.stop()
		return nil, fmt.Errorf("%w\n%s", err, s.out)
	}
	return s, nil
}

func (s *product) ready() error {
	var last error
	for range 400 {
		resp, err := http.Get(s.url + "/readyz")
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				f, err := api.ReadRunFile(s.dir)
				s.token = f.Token
				return err
			}
			err = fmt.Errorf("/readyz: %s", resp.Status)
		}
		last = err
		select {
		case <-s.done:
			return fmt.Errorf("the server ended: %w", err)
		case <-time.After(50 * time.Millisecond):
		}
	}
	return fmt.Errorf("the server does not become ready: %w", last)
}

// settled returns the resident memory once what is not used is given back: it
// asks for the metrics so often that the garbage collector runs some times.
func (s *product) settled() float64 {
	least := s.memory()
	for range 8 {
		for range 200 {
			resp, err := http.Get(s.url + "/metrics")
			if err != nil {
				return 0
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
		time.Sleep(500 * time.Millisecond)
		least = min(least, s.memory())
	}
	return least
}

func (s *product) post(path, token string, in, out any) error {
	return s.ask(http.MethodPost, path, token, in, out)
}

// ask asks the API for something and decodes the answer into out.
func (s *product) ask(method, path, token string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequest(method, s.url+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, answer)
	}
	return json.Unmarshal(answer, out)
}
