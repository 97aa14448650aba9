package e2e

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"callfloor/ivr"
	"callfloor/web"
	"callfloor/web/seatclient"
)

// outsideWorld is what flows ask and talk with: a server that answers lookups,
// takes messages and is a voice bot.
type outsideWorld struct {
	t   *testing.T
	url string

	mu       sync.Mutex
	messages []string
	start    map[string]any
	keys     string
	loud     int // pieces of the customer's sound that were no silence
}

// newWorld starts it. The bot speaks for half a second, listens, and hands over
// with handover once the customer has heard it out and was heard.
func newWorld(t *testing.T, handover string) *outsideWorld {
	t.Helper()
	w := &outsideWorld{t: t}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /level", func(rw http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(rw, `{"level":3}`) })
	mux.HandleFunc("POST /messages", func(rw http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		w.mu.Lock()
		w.messages = append(w.messages, string(b))
		w.mu.Unlock()
		rw.WriteHeader(http.StatusAccepted)
	})
	mux.HandleFunc("/voice", func(rw http.ResponseWriter, r *http.Request) { w.talk(rw, r, handover) })
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	w.url = srv.URL
	return w
}

// botHz is what the bot says.
const botHz = 1000

func (w *outsideWorld) talk(rw http.ResponseWriter, r *http.Request, handover string) {
	var up websocket.Upgrader
	c, err := up.Upgrade(rw, r, nil)
	if err != nil {
		return
	}
	defer c.Close()
	say := func(m string) { _ = c.WriteMessage(websocket.TextMessage, []byte(m)) }
	// A millisecond of 1 kHz in PCMU, over and over.
	tone := bytes.Repeat([]byte{0xFF, 0x9E, 0x98, 0x9E, 0xFF, 0x1E, 0x18, 0x1E}, 1500)
	say(`{"event":"media","media":{"payload":"` + base64.StdEncoding.EncodeToString(tone) + `"}}`)
	say(`{"event":"mark","mark":{"name":"said"}}`)
	said, over := false, false
	for {
		_, text, err := c.ReadMessage()
		if err != nil {
			return
		}
		var m struct {
			Event string         `json:"event"`
			Start map[string]any `json:"start"`
			Media struct {
				Payload string `json:"payload"`
			} `json:"media"`
			DTMF struct {
				Digit string `json:"digit"`
			} `json:"dtmf"`
		}
		if err := json.Unmarshal(text, &m); err != nil {
			w.t.Errorf("the bot got no JSON: %s", text)
			return
		}
		w.mu.Lock()
		switch m.Event {
		case "start":
			w.start = m.Start
		case "mark":
			said = true
		case "dtmf":
			w.keys += m.DTMF.Digit
		case "media":
			b, err := base64.StdEncoding.DecodeString(m.Media.Payload)
			if err != nil || len(b) != 160 {
				w.t.Errorf("%d octets of sound, %v", len(b), err)
			}
			if bytes.ContainsFunc(b, func(r rune) bool { return r < 0x60 }) {
				w.loud++
			}
		}
		done := said && w.loud >= 20 && !over
		w.mu.Unlock()
		if done {
			over = true
			say(handover)
		}
	}
}

// serveFlows starts the product with the flows of e2e/flows and a world.
func serveFlows(t *testing.T, w *outsideWorld) *server {
	t.Helper()
	flows := t.TempDir()
	files, err := filepath.Glob("flows/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no flows", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text = bytes.ReplaceAll(text, []byte("http://127.0.0.1:1"), []byte(w.url))
		text = bytes.ReplaceAll(text, []byte("ws://127.0.0.1:1"), []byte("ws"+strings.TrimPrefix(w.url, "http")))
		if err := os.WriteFile(filepath.Join(flows, filepath.Base(file)), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	config := filepath.Join(t.TempDir(), "callfloor.yaml")
	text := `
flows: ` + flows + `
lookups: {private: [127.0.0.1]}
bots: {private: [127.0.0.1]}
messages: {url: ` + w.url + `/messages}
prompt_code: "24681357"
queues:
  - {id: closed, refuse_empty: true}
lines:
  - {id: "2000", flow: quiet, consent: never}
  - {id: "2001", flow: asks, consent: ask}
  - {id: "2002", flow: others, consent: never, bots: talk}
  - {id: "2003", flow: bot, consent: ask}
  - {id: "2004", flow: studio, consent: never}
  - {id: "2005", flow: said, consent: never}
`
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return serve(t, "--config", config)
}

// TestEveryKindByPhoneAndInTheSimulator: the same scenario files are played in
// the simulator and by real phones, and lead through the same nodes. A secret
// that is typed is nowhere afterwards.
func TestEveryKindByPhoneAndInTheSimulator(t *testing.T) {
	beside(t, phoning)
	w := newWorld(t, `{"event":"handover","queue":"outside","context":{"intent":"buy"}}`)
	s := serveFlows(t, w)
	prompts, err := ivr.LoadPrompts(ivr.BuiltinPrompts())
	if err != nil {
		t.Fatal(err)
	}
	met := map[string]bool{}
	var calls sync.WaitGroup
	for name, line := range map[string]string{"quiet": "2000", "asks": "2001", "others": "2002", "studio": "2004"} {
		tests, err := ivr.LoadScenarios(os.DirFS("flows"), name+ivr.TestSuffix, prompts)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range tests.Run(t.Context()) {
			if len(o.Failures) > 0 {
				t.Errorf("%s in the simulator: %v\n%s", o.Name, o.Failures, strings.Join(o.Trace, "\n"))
			}
			p := s.dial(line, "--from", o.Caller, "--play", "tone:440", "--dtmf", keysOf(o.Presses), "--for", "60s")
			calls.Go(func() { <-p.done })
			eventually(t, 20*time.Second, "the call is there", func() error { return s.hasCall(line) })
			defer func() {
				got, kinds := s.nodesOf(line)
				if want := o.Nodes; !slices.Equal(got, want) {
					t.Errorf("%s by phone: %v\nin the simulator: %v", o.Name, got, want)
				}
				for _, k := range kinds {
					met[k] = true
				}
			}()
		}
	}
	// Those that have no end of their own.
	for line, kind := range map[string]string{"1003": "ring", "1009": "echo"} {
		s.dial(line, "--for", "1s") // ringing never ends by itself
		eventually(t, 20*time.Second, "the node "+kind, func() error {
			if err := s.hasCall(line); err != nil {
				return err
			}
			if _, kinds := s.nodesOf(line); !slices.Contains(kinds, kind) {
				return fmt.Errorf("kinds %v", kinds)
			}
			met[kind] = true
			return nil
		})
	}
	calls.Wait()
	t.Cleanup(func() {
		for _, k := range ivr.Kinds() {
			if !met[k.Kind] {
				t.Errorf("no phone met a node of kind %s", k.Kind)
			}
		}
	})
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.messages) != 1 || !strings.Contains(w.messages[0], `"to":"13912345678"`) || !strings.Contains(w.messages[0], "级别3") {
		t.Errorf("the messages: %v", w.messages)
	}
	s.nowhere("4539578763621486")
	s.heardAsRecorded()
}

// heardAsRecorded: the prompt that the studio's caller spoke (a tone) is what
// callers hear from then on, one sound for the log of the line that took it; the
// code is nowhere.
func (s *server) heardAsRecorded() {
	s.t.Helper()
	out := filepath.Join(s.t.TempDir(), "said.wav")
	s.dial("2005", "--for", "10s", "--record", out).wait()
	heard, loudest := readWAV(s.t, out)[0], 0.0
	for at := time.Duration(0); at+400*time.Millisecond < heard.length(); at += 100 * time.Millisecond {
		if share, level := heard.share(customerHz, at, at+400*time.Millisecond); level > -30 {
			loudest = max(loudest, share)
		}
	}
	if loudest < 0.9 {
		s.t.Errorf("callers do not hear what was recorded: %.2f of the power at its best", loudest)
	}
	s.audited("line 2004", "prompt_upload", "en/number_8")
	s.nowhere("24681357")
}

// keysOf writes presses for the phone, late enough for a call over the network.
func keysOf(presses []ivr.Press) string {
	var keys []string
	for _, p := range presses {
		keys = append(keys, fmt.Sprintf("%c@%s", p.Key, p.At+700*time.Millisecond))
	}
	return strings.Join(keys, ",")
}

func (s *server) callOf(line string) (callRecord, error) {
	var list []callRecord
	if err := s.api("/api/v1/calls?line="+line, &list); err != nil {
		return callRecord{}, err
	}
	if len(list) == 0 {
		return callRecord{}, fmt.Errorf("no call to %s", line)
	}
	var c callRecord
	err := s.api("/api/v1/calls/"+list[0].ID, &c)
	return c, err
}

func (s *server) hasCall(line string) error {
	_, err := s.callOf(line)
	return err
}

// nodesOf is the way that the newest call of a line took, and the kinds on it.
func (s *server) nodesOf(line string) (nodes, kinds []string) {
	s.t.Helper()
	c, err := s.callOf(line)
	if err != nil {
		s.t.Error(err)
	}
	for _, e := range c.Timeline {
		node, _ := e.Data["node"].(string)
		kind, _ := e.Data["type"].(string)
		if e.Kind != "flow" || node == "" || kind == "start" || kind == "brief" || len(nodes) > 0 && nodes[len(nodes)-1] == node {
			continue
		}
		nodes, kinds = append(nodes, node), append(kinds, kind)
	}
	return nodes, kinds
}

// nowhere looks for a text in everything that the run has left: the log, every
// file of the data folder, every call's timeline.
func (s *server) nowhere(secret string) {
	s.t.Helper()
	if strings.Contains(s.log.String(), secret) {
		s.t.Errorf("%s is in the log", secret)
	}
	err := filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if err == nil && bytes.Contains(b, []byte(secret)) {
			s.t.Errorf("%s is in %s", secret, path)
		}
		return err
	})
	if err != nil {
		s.t.Error(err)
	}
	for _, path := range []string{"/api/v1/calls", "/api/v1/audit", "/api/v1/flow-callers", "/api/v1/tasks?closed=true"} {
		if _, b := s.get("ada", path); bytes.Contains(b, []byte(secret)) {
			s.t.Errorf("%s is in %s", secret, path)
		}
	}
	var list []callRecord
	if err := s.api("/api/v1/calls", &list); err != nil {
		s.t.Error(err)
	}
	for _, c := range list {
		if _, b := s.get("ada", "/api/v1/calls/"+c.ID); bytes.Contains(b, []byte(secret)) {
			s.t.Errorf("%s is in the timeline of %s", secret, c.ID)
		}
	}
}

// TestABotHandsOver: a customer who agreed talks with a bot, which hands over
// to a queue; the agent's seat shows what the bot learned, and the journal keeps
// it.
func TestABotHandsOver(t *testing.T) {
	beside(t, phoning)
	w := newWorld(t, `{"event":"handover","queue":"sales","context":{"intent":"buy","summary":"Wants size XL.","card":"4111 1111 1111 1111","slots":{"size":"XL"}}}`)
	s := serveFlows(t, w)
	s.seat("alice", "--answer-after", "2s", "--for", "60s")
	look, err := seatclient.Dial(t.Context(), seatclient.Options{URL: s.http, Token: s.token("alice"), NoMedia: true})
	if err != nil {
		t.Fatal(err)
	}
	defer look.Close()
	out := filepath.Join(t.TempDir(), "phone.wav")
	call := s.dial("2003", "--play", "tone:440", "--dtmf", "1@1500ms,7@2500ms", "--for", "20s", "--record", out)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var seen web.CallView
	err = look.WaitKey(ctx, "call", func(v json.RawMessage) bool {
		seen = web.CallView{}
		return json.Unmarshal(v, &seen) == nil && seen.Context != nil && seen.Phase == web.PhaseTalking
	})
	if err != nil {
		t.Fatalf("the seat shows %+v: %v", seen, err)
	}
	if seen.Context.From != "bot" || string(seen.Context.Fields["intent"]) != `"buy"` || string(seen.Context.Fields["slots"]) != `{"size":"XL"}` ||
		string(seen.Context.Fields["card"]) != `"**** **** **** 1111"` {
		t.Errorf("what the bot learned: %+v", seen.Context)
	}
	if len(seen.Variables) != 1 || seen.Variables[0] != (web.VariableView{Name: "intent", Label: "Wants", Value: "buy"}) {
		t.Errorf("what the flow shows: %+v", seen.Variables)
	}
	call.hangup()
	w.mu.Lock()
	defer w.mu.Unlock()
	if p, _ := w.start["customParameters"].(map[string]any); p["language"] != "en" || w.keys != "7" {
		t.Errorf("the bot was started with %v and got the keys %q", w.start, w.keys)
	}
	c, err := s.callOf("2003")
	if err != nil {
		t.Fatal(err)
	}
	kept := false
	for _, e := range c.Timeline {
		words, _ := e.Data["context"].(map[string]any)
		kept = kept || words["summary"] == "Wants size XL."
	}
	if !kept {
		t.Errorf("the journal does not have it: %+v", c.Timeline)
	}
	heard := readWAV(t, out)[0]
	loudest := 0.0
	for at := time.Second; at < 8*time.Second; at += 250 * time.Millisecond {
		share, level := heard.share(botHz, at, at+500*time.Millisecond)
		if level > -40 {
			loudest = max(loudest, share)
		}
	}
	if loudest < 0.5 {
		t.Errorf("the customer did not hear the bot: %.2f of the power at its best", loudest)
	}
	s.nowhere("4111 1111 1111 1111")
}
