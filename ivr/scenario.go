package ivr

import (
	"encoding/json"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"callfloor/contact"
)

// TestSuffix ends the name of a file with the scenarios of a flow: full.test.yaml
// stands beside full.yaml.
const TestSuffix = ".test.yaml"

// Scenarios are the tests of one flow: what callers do, and what must come of it.
type Scenarios struct {
	file   string
	flow   *Flow
	policy string
	talk   bool // bots are no recording
	list   []*scenario
}

// scenarioFile is a file of scenarios.
type scenarioFile struct {
	Flow      word         `yaml:"flow"`    // the flow's file; by default the one of the same name
	Bots      word         `yaml:"bots"`    // talk: they are no recording
	Consent   word         `yaml:"consent"` // the line's policy; by default the mode of the flow's consent node
	Scenarios scenarioList `yaml:"scenarios"`
}

// scenario is one call.
type scenario struct {
	at       at
	Name     word         `yaml:"name"`
	Line     word         `yaml:"line"`
	Caller   word         `yaml:"caller"`
	Language word         `yaml:"language"`
	Recalled word         `yaml:"remembered"` // the language of an earlier call
	Hours    word         `yaml:"hours"`      // the configuration's switch
	Time     moment       `yaml:"at"`
	Queues   queueWorlds  `yaml:"queues"` // for expressions that ask about them
	Lookups  answers      `yaml:"lookups"`
	Percent  counts       `yaml:"percent"`
	Steps    steps        `yaml:"steps"`
	Expect   expectations `yaml:"expect"`
}

type scenarioList []*scenario

// UnmarshalYAML reads the list.
func (l *scenarioList) UnmarshalYAML(n ast.Node) error {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		return wrong(placeOf(n), "scenarios must be a list, each with name: and steps:")
	}
	for _, v := range seq.Values {
		s := &scenario{at: placeOf(v)}
		if err := decode(v, s, "a scenario"); err != nil {
			return err
		}
		if s.Name.text == "" {
			return wrong(s.at, "a scenario needs name:")
		}
		*l = append(*l, s)
	}
	return nil
}

// moment is a time with its zone.
type moment struct{ t time.Time }

// UnmarshalYAML reads 2026-11-23T10:00:00+08:00.
func (m *moment) UnmarshalYAML(n ast.Node) error {
	var w word
	if err := w.UnmarshalYAML(n); err != nil {
		return err
	}
	t, err := time.Parse(time.RFC3339, w.text)
	if err != nil {
		return wrong(w.at, "%q is no time; write for example 2026-11-23T10:00:00+08:00", w.text)
	}
	m.t = t
	return nil
}

// answers are what other servers answer, in their order; the last one repeats.
type answers []fakeAnswer

type fakeAnswer struct {
	status int
	body   []byte
	after  time.Duration
	fails  bool
}

// UnmarshalYAML reads [{status: 200, body: {vip: true}, after: 1s}, {fails: true}].
func (as *answers) UnmarshalYAML(n ast.Node) error {
	return eachOf(n, "an answer", "[{status: 200, body: {vip: true}, after: 1s}]", func(v ast.Node) error {
		var f struct {
			Status word  `yaml:"status"`
			Body   raw   `yaml:"body"`
			After  span  `yaml:"after"`
			Fails  *bool `yaml:"fails"`
		}
		if err := decode(v, &f, "an answer"); err != nil {
			return err
		}
		a := fakeAnswer{status: 200, body: f.Body.json, after: f.After.d, fails: f.Fails != nil && *f.Fails}
		if f.Status.text != "" {
			if err := json.Unmarshal([]byte(f.Status.text), &a.status); err != nil || a.status < 100 || a.status > 599 {
				return wrong(f.Status.at, "%q is no HTTP status; write for example 200", f.Status.text)
			}
		}
		*as = append(*as, a)
		return nil
	})
}

// raw is any value, as JSON.
type raw struct{ json []byte }

// UnmarshalYAML reads any value.
func (r *raw) UnmarshalYAML(n ast.Node) error {
	var x any
	if err := yaml.NodeToValue(n, &x); err != nil {
		return err
	}
	var err error
	r.json, err = json.Marshal(x)
	return err
}

// into reads the value into x.
func (r *raw) into(x any) error { return json.Unmarshal(r.json, x) }

// counts are small numbers.
type counts []count

// UnmarshalYAML reads [30, 80].
func (cs *counts) UnmarshalYAML(n ast.Node) error {
	return eachOf(n, "a number", "[30, 80]", func(v ast.Node) error {
		var c count
		if err := c.UnmarshalYAML(v); err != nil {
			return err
		}
		*cs = append(*cs, c)
		return nil
	})
}

// values are variables and what they must be.
type values []struct{ name, want word }

// UnmarshalYAML reads {vip: true, tries: 2}.
func (vs *values) UnmarshalYAML(n ast.Node) error {
	list, ok := mapping(n)
	if !ok {
		return wrong(placeOf(n), "a mapping of variables to values is wanted here, for example {vip: true}")
	}
	for _, v := range list {
		var want word
		if err := want.UnmarshalYAML(v.Value); err != nil {
			return err
		}
		*vs = append(*vs, struct{ name, want word }{keyWord(v), want})
	}
	return nil
}

// differ says which variables are not as wanted.
func (vs values) differ(got map[string]any) []string {
	var list []string
	for _, v := range vs {
		if x, ok := got[v.name.text]; !ok {
			list = append(list, "there is no variable "+v.name.text)
		} else if plain(x) != v.want.text {
			list = append(list, v.name.text+" is "+plain(x)+", want "+v.want.text)
		}
	}
	return list
}

// expectations are what must be true at the end of the call.
type expectations struct {
	End      word   `yaml:"end"`     // completed, abandoned, rejected, failed
	Refused  word   `yaml:"refused"` // unavailable, busy, …: how a call was refused that nobody answered; none
	By       word   `yaml:"by"`      // customer, agent, system
	Consent  word   `yaml:"consent"` // granted, refused, announced, none
	Language word   `yaml:"language"`
	CSAT     count  `yaml:"csat"`
	Callback word   `yaml:"callback"` // the queue, and the time that was chosen: sales 14:30
	Message  word   `yaml:"message"`  // the queue that got a message
	Vars     values `yaml:"vars"`
	Brief    values `yaml:"brief"` // what a bot has told the agent
	Sent     word   `yaml:"sent"`  // the text of the last message
	Shown    values `yaml:"shown"` // what the agent sees of the flow
}

// scriptStep is one thing that the caller does or that must happen. One of its
// fields is set.
type scriptStep struct {
	at     at
	Hear   word       `yaml:"hear"`
	Says   word       `yaml:"says"`
	Press  word       `yaml:"press"`
	Wait   span       `yaml:"wait"`
	HangUp *bool      `yaml:"hangup"`
	Speak  span       `yaml:"speak"` // into a voicemail
	Queue  *wantQueue `yaml:"queue"`
	Bot    *wantBot   `yaml:"bot"`
	Dial   *wantDial  `yaml:"dial"`
	Agent  *wantQueue `yaml:"agent"`
	Words  word       `yaml:"words"` // said to a speech node
}

// wantQueue is a queue that must be reached, and what becomes of it.
type wantQueue struct {
	Name     word   `yaml:"name"`
	Priority count  `yaml:"priority"`
	Vars     values `yaml:"vars"`
	Served   span   `yaml:"served"`  // the agent hangs up after it
	Leaves   span   `yaml:"leaves"`  // the customer hangs up after it
	Refused  *bool  `yaml:"refused"` // the queue does not take them,
	Reason   word   `yaml:"reason"`  // because it is full, closed, has no_agents, …
	Place    count  `yaml:"place"`   // announced meanwhile
	Expected span   `yaml:"expected"`
}

type steps []scriptStep

// UnmarshalYAML reads the list; queue: may be a name alone.
func (ss *steps) UnmarshalYAML(n ast.Node) error {
	const example = "[{hear: menu_main}, {press: 1}, {queue: sales}]"
	return eachOf(n, "a step", example, func(v ast.Node) error {
		s := scriptStep{at: placeOf(v)}
		if err := decode(v, &s, "a step"); err != nil {
			return err
		}
		if set, _ := mapping(v); len(set) != 1 {
			return wrong(s.at, "a step does or expects one thing; write more steps, for example %s", example)
		}
		for _, k := range s.Press.text {
			if !strings.ContainsRune(keypad, k) {
				return wrong(s.Press.at, "%q has keys that no phone has; write for example 1 or \"0018#\"", s.Press.text)
			}
		}
		*ss = append(*ss, s)
		return nil
	})
}

// UnmarshalYAML reads a queue's name, or a mapping.
func (q *wantQueue) UnmarshalYAML(n ast.Node) error {
	if _, ok := mapping(n); !ok {
		return q.Name.UnmarshalYAML(n)
	}
	type plainQueue wantQueue
	var p plainQueue
	if err := decode(n, &p, "a queue that is expected"); err != nil {
		return err
	}
	*q = wantQueue(p)
	return nil
}

// LoadScenarios reads NAME.test.yaml and the flow that it tests. Its error is a
// Problems.
func LoadScenarios(fsys fs.FS, name string, p *Prompts) (*Scenarios, error) {
	found := &findings{file: name}
	text, err := readLimited(fsys, name, maxFlowText)
	if err != nil {
		found.add(at{1, 1}, "%s", err.Error())
		return nil, found.err()
	}
	var f scenarioFile
	if file, ok := parse(text, found); ok {
		if _, ok := onlyMapping(file, found); ok {
			if err := decode(file.Docs[0].Body, &f, "a file of scenarios"); err != nil {
				found.yaml(err)
			}
		}
	}
	if err := found.err(); err != nil {
		return nil, err
	}
	flowFile := strings.TrimSuffix(path.Base(name), TestSuffix) + ".yaml"
	if f.Flow.text != "" {
		flowFile = strings.TrimSuffix(f.Flow.text, ".yaml") + ".yaml"
	}
	flow, err := LoadFlow(fsys, path.Join(path.Dir(name), flowFile), p)
	if err != nil {
		return nil, err
	}
	for _, one := range f.Scenarios {
		one.checkWorld(flow, found)
	}
	if err := found.err(); err != nil {
		return nil, err
	}
	s := &Scenarios{file: name, flow: flow, policy: f.Consent.text, talk: f.Bots.text == "talk", list: f.Scenarios}
	if s.policy == "" {
		s.policy = flow.policy()
	}
	if problems := flow.Check(CheckOptions{ConsentPolicy: s.policy, Queues: flow.queues(), Speech: true, BotsTalk: s.talk}); len(problems) > 0 {
		return nil, Problems(problems)
	}
	return s, nil
}

// policy is that of the lines which the flow suits.
func (f *Flow) policy() string {
	policy := policyNever
	f.eachSub(func(s *Flow) {
		for _, n := range s.nodes {
			if c, ok := n.step.(*consentStep); ok {
				policy = c.Mode.text
			}
		}
	})
	return policy
}

// queues are all that the flow names.
func (f *Flow) queues() []contact.QueueID {
	var list []contact.QueueID
	f.eachSub(func(s *Flow) {
		for _, q := range s.asked {
			if !slices.Contains(list, contact.QueueID(q.text)) {
				list = append(list, contact.QueueID(q.text))
			}
		}
		for _, id := range s.order {
			if q, ok := queueOf(s.nodes[id].step); ok && !slices.Contains(list, contact.QueueID(q.text)) {
				list = append(list, contact.QueueID(q.text))
			}
		}
	})
	return list
}
