package config

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"callfloor/acd"
	"callfloor/contact"
)

func write(t *testing.T, body string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "callfloor.yaml")
	if err := os.WriteFile(file, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestLoadDefaults(t *testing.T) {
	got, err := Load(Source{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Default(), got, comparers...); diff != "" {
		t.Errorf("Load without anything (-default +got):\n%s", diff)
	}
}

var comparers = []cmp.Option{cmpopts.EquateComparable()}

// TestExampleFile keeps the shipped file from lying about the defaults: it has
// every key and the default of each.
func TestExampleFile(t *testing.T) {
	const file = "../../callfloor.example.yaml"
	got, err := Load(Source{File: file})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Default(), got, comparers...); diff != "" {
		t.Errorf("%s differs from the defaults (-default +file):\n%s", file, diff)
	}
	body, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range settable() {
		last := key[strings.LastIndex(key, ".")+1:]
		if !regexp.MustCompile(`(?m)^\s*` + last + `:`).Match(body) {
			t.Errorf("%s does not explain %s", file, key)
		}
	}
}

func TestLoadOrder(t *testing.T) {
	file := write(t, "sip:\n  listen: :6060\n  max_calls: 7\nhttp:\n  listen: :9090\nlog:\n  level: debug\n")
	cfg, err := Load(Source{
		File:  file,
		Env:   []string{"CALLFLOOR_SIP_LISTEN=:6061", "CALLFLOOR_HTTP_LISTEN=:9091", "HOME=/root", "CALLFLOOR_TOKEN=secret", "CALLFLOOR_AWAY_REASONS=Tea, Nap"},
		Flags: []Flag{{"--sip", "sip.listen", ":6062"}, {"--drain", "drain", "2m"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if cfg.SIP.Listen != ":6062" || cfg.HTTP.Listen != ":9091" || cfg.SIP.MaxCalls != 7 || cfg.Log.Level != "debug" || cfg.Drain != 2*time.Minute {
		t.Errorf("flags over environment over file over defaults: got sip %q, http %q, max_calls %d, level %q, drain %s",
			cfg.SIP.Listen, cfg.HTTP.Listen, cfg.SIP.MaxCalls, cfg.Log.Level, cfg.Drain)
	}
	if diff := cmp.Diff([]string{"Tea", "Nap"}, cfg.AwayReasons); diff != "" {
		t.Errorf("a list from the environment: %s", diff)
	}
	if cfg.WebRTC.Listen != ":8090" {
		t.Errorf("webrtc.listen = %q, want the default", cfg.WebRTC.Listen)
	}
}

func TestLoadFile(t *testing.T) {
	cfg, err := Load(Source{File: write(t, `
# a comment first
recordings:
  retention: 90d
routing:
  wrap_up: 45s
http:
  proxies: [10.0.0.0/8, "fd00::/8"]
queues:
  - id: vip
    agents: ["*"]
lines:
  - id: 400800
    flow: full.yaml
    language: zh
dispositions: []
`)})
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Recordings.Retention != 90*24*time.Hour || cfg.Routing.WrapUp != 45*time.Second || len(cfg.HTTP.Proxies) != 2 {
		t.Errorf("got retention %s, wrap_up %s, proxies %v", cfg.Recordings.Retention, cfg.Routing.WrapUp, cfg.HTTP.Proxies)
	}
	want := []Line{{ID: "400800", Name: "400800", Flow: "full", Consent: ConsentAsk, Language: "zh"}}
	if diff := cmp.Diff(want, cfg.Lines); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	if len(cfg.Queues) != 1 || cfg.Queues[0].Name != "vip" || len(cfg.ACD().Queues) != 1 || len(cfg.Dispositions) != 0 {
		t.Errorf("queues %+v, dispositions %v", cfg.Queues, cfg.Dispositions)
	}
}

// TestProblems has one bad file a case and the lines that must be said, with
// the place and what would be right.
func TestProblems(t *testing.T) {
	tests := []struct {
		name, file string
		want       []string // parts of the message, "F" is the file
	}{
		{"UnknownKey", "sip:\n  listn: :5060\n", []string{"F:2:3: sip.listn: there is no such setting; did you mean listen?"}},
		{"UnknownSection", "sipp:\n  listen: :5060\n", []string{"F:1:1: sipp: there is no such setting; did you mean sip?"}},
		{"UnknownInList", "lines:\n  - id: 1\n    flow: full\n    lang: en\n", []string{"F:4:5: lines[0].lang: there is no such setting; did you mean language?"}},
		{"ShortCode", "prompt_code: \"1234\"\n", []string{"F:1:1: prompt_code: staff type the code", "8 to 16 digits"}},
		{"WrongDuration", "drain: 30\n", []string{`F:1:8: drain: "30" is not a duration`, "30s"}},
		{"WrongNumber", "sip:\n  max_calls: many\n", []string{`F:2:14: sip.max_calls: "many" is not a whole number`}},
		{"WrongAddress", "sip:\n  listen: 5060\n", []string{"F:2:3: sip.listen:", "HOST:PORT"}},
		{"WrongHTTP", "http:\n  listen: localhost\n", []string{"F:2:3: http.listen:", ":8080"}},
		{"WrongWebRTC", "webrtc:\n  max_tabs: 0\n", []string{"F:2:3: webrtc.max_tabs:"}},
		{"WrongPrefix", "http:\n  proxies: [10.0.0.0/99]\n", []string{`F:2:13: http.proxies[0]: "10.0.0.0/99" does not fit`}},
		{"SectionIsText", "sip: :5060\n", []string{"F:1:6: sip: settings are missing here; it takes listen"}},
		{"ListIsText", "lines: 1000\n", []string{"F:1:8: lines: a list is wanted here"}},
		{"TextIsList", "data: [a]\n", []string{"F:1:7: data: one value is wanted here"}},
		{"NoValue", "data:\n", []string{"data: a value is missing"}},
		{"Alias", "data: &d x\nlog:\n  level: *d\n", []string{"anchors and aliases"}},
		{"Syntax", "sip:\n  listen: \"x\n", []string{"F:", "it is not YAML"}},
		{"TwoDocuments", "data: a\n---\ndata: b\n", []string{"a second YAML document"}},
		{"DuplicateKey", "data: a\ndata: b\n", []string{"F:2:1:"}},
		{"LineTwice", "lines:\n  - id: 1000\n    flow: full\n  - id: 1000\n    flow: echo\n", []string{`F:4:5: lines[1].id: there is a line "1000" already (F:2:5)`}},
		{"QueueTwice", "queues:\n  - id: a\n  - id: a\n", []string{`F:3:5: queues[1].id: there is a queue "a" already (F:2:5)`}},
		{"Consent", "lines:\n  - id: 1000\n    flow: full\n    consent: maybe\n", []string{`F:4:5: lines[0].consent: "maybe" is not a policy; write ask, announce or never`}},
		{"LineCaps", "lines:\n  - id: 1000\n    flow: full\n    max_calls: -1\n    calls_per_second: -2\n", []string{"F:4:5: lines[0].max_calls: -1 is less than nothing", "F:5:5: lines[0].calls_per_second: -2 is less"}},
		{"FlowPath", "lines:\n  - id: 1000\n    flow: ../../etc/passwd\n", []string{"F:3:5: lines[0].flow:", "cannot name a flow"}},
		{"Level", "log:\n  level: loud\n", []string{`F:2:3: log.level: "loud" is not a level; write debug, info, warn or error`}},
		{"Routing", "routing:\n  wrap_up: 2h\n", []string{"F:2:3: routing.wrap_up: 2h0m0s; it must be 0s to 1h0m0s"}},
		{"WrapUpMode", "routing:\n  wrap_up_mode: none\n", []string{`F:2:3: routing.wrap_up_mode: "none"; it must be one of [optional mandatory timed fixed]`}},
		{"WrapUpOfQueue", "queues:\n  - id: a\n    wrap_up: 0s\n    wrap_up_mode: fixed\n", []string{"F:3:5: queues[0].wrap_up: 0s, and with wrap_up_mode fixed"}},
		{"Strategy", "queues:\n  - id: a\n    strategy: fastest\n", []string{`F:3:5: queues[0].strategy: "fastest"`, "longest_idle"}},
		{"Skills", "queues:\n  - id: a\n    steps:\n      - skills: chinese >=> 3\n", []string{"F:4:17: queues[0].steps[0].skills:", "column 9"}},
		{"Step", "queues:\n  - id: a\n    steps: [{skills: a}, {any: true}]\n", []string{"queues[0].steps[0].for:", "needs a time"}},
		{"Overflow", "queues:\n  - id: a\n    overflow:\n      to: b\n", []string{`F:4:7: queues[0].overflow.to: "b"; it must be another queue`}},
		{"Hours", "queues:\n  - id: a\n    hours: [mon 18:00-09:00]\n", []string{"F:3:13: queues[0].hours[0]:", "22:00-24:00"}},
		{"Announce", "queues:\n  - id: a\n    announce_agent:\n      language: fr\n      alone: 11s\n", []string{`F:4:7: queues[0].announce_agent.language: "fr" is not a language`, "F:5:7: queues[0].announce_agent.alone: 11s is out of range; it is 0s (the voices are joined at once) to 10s"}},
		{"AgentTwice", "agents:\n  - user: a\n  - user: a\n", []string{`F:3:5: agents[1].user: "a" is there twice`}},
		{"AgentQueue", "agents:\n  - user: a\n    queues: [{id: nowhere}]\n", []string{`agents[0].queues[0].id: there is no queue "nowhere"`}},
		{"Level", "agents:\n  - user: a\n    skills: [chinese=9]\n", []string{"F:3:14: agents[0].skills[0]:", "1 to 5"}},
		{"TimeZone", "routing:\n  time_zone: Mars\n", []string{"F:2:3: routing.time_zone:", "Asia/Shanghai"}},
		{"Retention", "recordings:\n  retention: 1h\n", []string{"F:2:3: recordings.retention:"}},
		{"All", "drain: x\nsip:\n  max_calls: y\n", []string{"F:1:8: drain", "F:3:14: sip.max_calls"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			file := write(t, tt.file)
			_, err := Load(Source{File: file})
			var p *ProblemsError
			if !errors.As(err, &p) {
				t.Fatalf("Load = %v, want problems", err)
			}
			got := strings.ReplaceAll(p.Error(), file, "F")
			for _, want := range tt.want {
				if !strings.Contains(got, want) {
					t.Errorf("got:\n%s\nwant in it: %s", got, want)
				}
			}
		})
	}
}

// TestWrapUp: what a queue says of wrap-ups goes before what routing says, which
// is as it was where nothing new is said.
func TestWrapUp(t *testing.T) {
	cfg, err := Load(Source{File: write(t, `
routing:
  wrap_up: 20s
  wrap_up_disposition: Not said
queues:
  - {id: a, agents: ["*"]}
  - {id: b, agents: ["*"], wrap_up: 1m, wrap_up_mode: fixed, wrap_up_disposition: Open}
lines: [{id: 1, flow: echo}]
`)})
	if err != nil {
		t.Fatal(err)
	}
	want := map[contact.QueueID]acd.WrapUpRule{
		"":  {Mode: acd.WrapUpTimed, Time: 20 * time.Second, Disposition: "Not said"},
		"a": {Mode: acd.WrapUpTimed, Time: 20 * time.Second, Disposition: "Not said"},
		"b": {Mode: acd.WrapUpFixed, Time: time.Minute, Disposition: "Open"},
	}
	if diff := cmp.Diff(want, cfg.ACD().WrapUps()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestVariablesOfOthers: an orchestrator sets variables with our name in them.
func TestVariablesOfOthers(t *testing.T) {
	_, err := Load(Source{Env: []string{"CALLFLOOR_SERVICE_HOST=10.0.0.1", "CALLFLOOR_PORT=tcp://10.0.0.1:8080", "CALLFLOOR_SCREENS=x"}})
	if err != nil {
		t.Errorf("got %v", err)
	}
}

func TestProblemsElsewhere(t *testing.T) {
	_, err := Load(Source{Env: []string{"CALLFLOOR_SIP_LISTN=:1", "CALLFLOOR_LOG_LEVEL=loud"}, Flags: []Flag{{"--http", "http.listen", "x"}}})
	if err == nil || !strings.Contains(err.Error(), "CALLFLOOR_SIP_LISTN: no setting has this variable; did you mean CALLFLOOR_SIP_LISTEN?") {
		t.Errorf("got %v", err)
	}
	_, err = Load(Source{Env: []string{"CALLFLOOR_LOG_LEVEL=loud"}, Flags: []Flag{{"--http", "http.listen", "x"}}})
	for _, want := range []string{"CALLFLOOR_LOG_LEVEL: log.level:", "--http: http.listen:"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if _, err := Load(Source{File: "/nowhere/callfloor.yaml"}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestDemo(t *testing.T) {
	cfg, err := Load(Source{Demo: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, addr := range []string{cfg.SIP.Listen, cfg.HTTP.Listen, cfg.WebRTC.Listen} {
		if !strings.HasPrefix(addr, "127.0.0.1:") {
			t.Errorf("the demo listens on %q", addr)
		}
	}
	var lines []string
	for _, l := range cfg.Lines {
		lines = append(lines, string(l.ID))
	}
	if got := strings.Join(lines, " "); got != "1000 1001 1002 1003 1004 1009" {
		t.Errorf("lines %s", got)
	}
	if len(cfg.People) != 4 || !cfg.Demo {
		t.Errorf("people %v", cfg.People)
	}
	cfg, err = Load(Source{Demo: true, Flags: []Flag{{"--sip", "sip.listen", "[::1]:0"}}, File: write(t, "lines:\n  - id: 2000\n    flow: echo\n    consent: never\nqueues:\n  - id: vip\n")})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := cfg.Line("2000"); !ok || len(cfg.Queues) != 3 {
		t.Errorf("the file's own lines and queues are gone: %v, %v", cfg.Lines, cfg.Queues)
	}
	if len(cfg.Replaced) != 0 {
		t.Errorf("nothing is replaced, and it says %q", cfg.Replaced)
	}
	cfg, err = Load(Source{Demo: true, File: write(t, "lines:\n  - id: 1000\n    flow: echo\n    consent: never\nqueues:\n  - id: vip\n  - id: sales\n")})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(cfg.Replaced, "\n"); len(cfg.Replaced) != 2 || !strings.Contains(got, `callfloor.yaml:2:5: lines[0].id: the demo has a line "1000" of its own`) ||
		!strings.Contains(got, `callfloor.yaml:7:5: queues[1].id: the demo has a queue "sales" of its own`) {
		t.Errorf("what is replaced: %s", got)
	}
}

func TestDemoRefused(t *testing.T) {
	for _, s := range []Source{
		{Demo: true, Flags: []Flag{{"--http", "http.listen", ":8080"}}},
		{Demo: true, Flags: []Flag{{"--https", "http.https", "0.0.0.0:8443"}}},
		{Demo: true, Env: []string{"CALLFLOOR_WEBRTC_LISTEN=192.0.2.1:8090"}},
		{Demo: true, File: write(t, "sip:\n  listen: \"[::]:5060\"\n")},
		{Demo: true, File: write(t, "sip:\n  tls: \":5061\"\n")},
		{Demo: true, File: write(t, "sip:\n  ws: \":5066\"\n")},
		{Demo: true, File: write(t, "sip:\n  wss: \":5067\"\n")},
		{Demo: true, File: write(t, "webrtc:\n  turn: \":3478\"\n")},
	} {
		_, err := Load(s)
		var e *NotLoopbackError
		if !errors.As(err, &e) {
			t.Errorf("Load(%+v) = %v, want a NotLoopbackError", s, err)
			continue
		}
		if !strings.Contains(err.Error(), "--demo") || e.Where == "the defaults" {
			t.Errorf("the refusal does not say where: %v", err)
		}
	}
}

func TestDidYouMean(t *testing.T) {
	for word, want := range map[string]string{
		"listne": "; did you mean listen?",
		"xyz":    "; there are flow, listen",
	} {
		if got := didYouMean(word, []string{"listen", "flow"}); got != want {
			t.Errorf("didYouMean(%q) = %q, want %q", word, got, want)
		}
	}
}

// FuzzLoad feeds files that people may save half-written: no panic, and each
// refusal says where.
func FuzzLoad(f *testing.F) {
	example, err := os.ReadFile("../../callfloor.example.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for i := 0; i < len(example); i += 1 + len(example)/100 {
		f.Add(example[:i])
	}
	f.Add([]byte("sip: {listen: [}"))
	f.Add([]byte("a: &a [*a]\n"))
	f.Add([]byte("? [x]\n: y\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		l := loader{origin: map[string]string{}, cfg: Default()}
		l.file("f.yaml", body)
		if len(l.problems) == 0 {
			l.validate()
		}
		for _, p := range l.problems {
			if p.Where == "" || p.Message == "" {
				t.Errorf("a problem without a place or a message: %+v", p)
			}
		}
	})
}
