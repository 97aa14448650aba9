package acd

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"callfloor/contact"
)

var rewrite = flag.Bool("rewrite", false, "write what happened into testdata/*.txt")

// TestScripts plays the conversations of testdata: commands, "----", the
// actions that came of them, an empty line. With -rewrite the actions are
// written anew; read the diff.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := newScript(t).play(string(text))
			if *rewrite {
				if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != string(text) {
				t.Errorf("%s tells another story now (go test ./acd -rewrite, then read the diff):\n%s", file, difference(string(text), got))
			}
		})
	}
}

// epoch is when every script begins.
var epoch = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

type script struct {
	t     *testing.T
	cfg   Config
	state *State
	now   time.Duration
	out   strings.Builder
}

func newScript(t *testing.T) *script { return &script{t: t, cfg: DefaultConfig()} }

// play returns the script with the actions that really happened.
func (s *script) play(text string) string {
	var b strings.Builder
	expecting := false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		switch {
		case expecting && line != "":
			continue // the old expectation
		case line == "----":
			expecting = true
			b.WriteString("----\n" + s.out.String())
			s.out.Reset()
			continue
		case line != "" && !strings.HasPrefix(line, "#"):
			s.command(strings.Fields(line))
		}
		expecting = false
		b.WriteString(line + "\n")
	}
	return b.String()
}

func (s *script) command(words []string) {
	switch words[0] {
	case "queues": // queues sales support:max=2 notes:mode=fixed
		for _, w := range words[1:] {
			id, limit, _ := strings.Cut(w, ":max=")
			id, mode, _ := strings.Cut(id, ":mode=")
			n, _ := strconv.Atoi(limit)
			s.cfg.Queues = append(s.cfg.Queues, QueueConfig{ID: contact.QueueID(id), MaxWaiting: n, WrapUpMode: WrapUpMode(mode)})
		}
		s.state = New(s.cfg)
		return
	case "config": // config wrap_up=0s: before queues
		s.config(words[1:])
		return
	}
	at, err := time.ParseDuration(words[0])
	if err != nil {
		s.t.Fatalf("%q is neither a command nor a time", words[0])
	}
	s.run(at)
	switch words[1] {
	case "run": // 40s run: nothing but deadlines up to then
	case "up": // 0s up alice bob: signed in, ready, available
		for _, w := range words[2:] {
			id := contact.AgentID(w)
			s.do(SeatReady{Agent: id, Ready: true})
			s.do(AgentWants{Agent: id, State: contact.AgentAvailable})
		}
	case "place": // 0s place c1
		p, ok := s.state.Place(contact.ID(words[2]))
		fmt.Fprintf(&s.out, "%v place of %s: %d, expected %v, %v\n", s.now, words[2], p.Position, p.Expected, ok)
	case "figures": // 0s figures sales
		st, _ := s.state.Queue(contact.QueueID(words[2]))
		fmt.Fprintf(&s.out, "%v %s\n", s.now, describeQueue(contact.QueueID(words[2]), st))
	default:
		s.do(s.event(words[1], words[2:]))
	}
}

func (s *script) config(words []string) {
	for _, w := range words {
		key, value, _ := strings.Cut(w, "=")
		if key == "wrap_up_mode" {
			s.cfg.WrapUpMode = WrapUpMode(value)
			continue
		}
		d, err := time.ParseDuration(value)
		if err != nil {
			s.t.Fatal(err)
		}
		switch key {
		case "wrap_up":
			s.cfg.WrapUp = d
		case "offer_timeout":
			s.cfg.OfferTimeout = d
		default:
			s.t.Fatalf("no such key: %s", key)
		}
	}
}

// run keeps every deadline up to a time.
func (s *script) run(to time.Duration) {
	for {
		next := s.state.NextDeadline()
		if next.IsZero() || next.Sub(epoch) > to {
			break
		}
		s.now = next.Sub(epoch)
		s.do(Tick{})
	}
	s.now = to
}

func (s *script) do(ev Event) {
	actions, err := s.state.Try(epoch.Add(s.now), ev)
	for _, a := range actions {
		fmt.Fprintf(&s.out, "%v %s\n", s.now, describe(a))
	}
	if err != nil {
		fmt.Fprintf(&s.out, "%v refused (%s): %s\n", s.now, contact.ErrorCode(err), contact.ErrorMessage(err))
	}
}

func (s *script) event(verb string, w []string) Event {
	id := contact.AgentID(w[0])
	switch verb {
	case "agent": // agent alice sales,support
		var qs []contact.QueueID
		for q := range strings.SplitSeq(w[1], ",") {
			qs = append(qs, contact.QueueID(q))
		}
		return AgentAdded{Agent: id, Queues: qs}
	case "queue": // queue c1 sales priority=2 since=-30s only=alice
		ev := ContactQueued{Contact: contact.ID(w[0]), Queue: contact.QueueID(w[1])}
		for _, opt := range w[2:] {
			key, value, _ := strings.Cut(opt, "=")
			if key == "priority" {
				ev.Priority, _ = strconv.Atoi(value)
			} else if key == "only" {
				ev.Only, ev.OnlyFor = contact.AgentID(value), time.Hour
			} else if d, err := time.ParseDuration(value); err == nil {
				ev.Since = epoch.Add(s.now + d)
			}
		}
		return ev
	case "left":
		return ContactLeft{contact.ID(w[0])}
	case "released":
		return ContactReleased{Agent: id, Contact: contact.ID(w[1])}
	case "takeover": // takeover sam c1 alice
		return TakenOver{To: id, Contact: contact.ID(w[1]), From: contact.AgentID(w[2])}
	case "ask": // ask alice c1 bob
		return Asked{From: id, Contact: contact.ID(w[1]), Agent: contact.AgentID(w[2])}
	case "cancel":
		return AskCancelled{From: id, Contact: contact.ID(w[1])}
	case "handover": // handover alice c1 bob
		return HandedOver{From: id, Contact: contact.ID(w[1]), Agent: contact.AgentID(w[2])}
	case "join": // join alice c1 bob c2
		return Joined{From: id, Contact: contact.ID(w[1]), Agent: contact.AgentID(w[2]), Left: contact.ID(w[3])}
	case "transfer": // transfer alice c1 agent=bob, queue=support, or outside
		ev := Transferred{From: id, Contact: contact.ID(w[1])}
		to, name, _ := strings.Cut(w[2], "=")
		if to == "agent" {
			ev.Agent = contact.AgentID(name)
		} else if to == "queue" {
			ev.Queue = contact.QueueID(name)
		}
		return ev
	case "cameback":
		return CameBack{Contact: contact.ID(w[0])}
	case "park": // park alice c1 60s
		d, _ := time.ParseDuration(w[2])
		return Parked{From: id, Contact: contact.ID(w[1]), For: d}
	case "pickup": // pickup bob c1
		return PickedUp{Agent: id, Contact: contact.ID(w[1])}
	case "moveto": // moveto c1 support
		return MovedTo{Contact: contact.ID(w[0]), Queue: contact.QueueID(w[1]), By: "sam"}
	case "priority": // priority c1 5
		n, _ := strconv.Atoi(w[1])
		return Prioritised{Contact: contact.ID(w[0]), Priority: n}
	case "door": // door sales closed; door sales hours
		return QueueForced{Queue: contact.QueueID(w[0]), Door: Door(strings.TrimSuffix(w[1], "hours"))}
	case "accept":
		return OfferAccepted{Agent: id, Contact: contact.ID(w[1])}
	case "decline":
		return OfferDeclined{Agent: id, Contact: contact.ID(w[1])}
	case "force": // force alice away: a supervisor
		return AgentWants{Agent: id, State: contact.AgentState(w[1]), Force: true}
	case "wants":
		return AgentWants{Agent: id, State: contact.AgentState(w[1]), Reason: strings.Join(w[2:], " ")}
	case "ready":
		return SeatReady{Agent: id, Ready: true}
	case "unready":
		return SeatReady{Agent: id, Why: strings.Join(w[1:], " ")}
	case "lost":
		return SeatLost{id}
	case "back":
		return SeatBack{id}
	case "hold":
		return Held{Agent: id, On: true}
	case "unhold":
		return Held{Agent: id}
	case "extend":
		return WrapUpExtended{id}
	case "done": // done alice, or done alice c1
		return WrapUpDone{Agent: id, Contact: contact.ID(strings.Join(w[1:], ""))}
	case "notes": // notes alice on
		return WrapUpWanted{Agent: id, On: w[1] == "on"}
	case "waiting":
		return CallWaiting{Agent: id, On: w[1] == "on"}
	case "swap":
		return Swapped{id}
	case "dial": // dial alice c1
		return Dialled{Agent: id, Contact: contact.ID(w[1]), Beside: true}
	case "reached":
		return ContactReached{contact.ID(w[0])}
	case "remove":
		return AgentRemoved{id}
	}
	s.t.Fatalf("no such event: %s", verb)
	return nil
}

func describe(a Action) string {
	switch a := a.(type) {
	case OfferTo:
		var why []string
		for _, r := range a.Reasons {
			why = append(why, fmt.Sprintf("%s: %s", r.Agent, r.Why))
		}
		return fmt.Sprintf("offer %s of %s to %s until %v, waited %v (%s)",
			a.Contact, a.Queue, a.Agent, a.Deadline.Sub(epoch), a.Waited, strings.Join(why, "; "))
	case OfferEnded:
		return fmt.Sprintf("offer of %s to %s ended: %s", a.Contact, a.Agent, a.Why)
	case Connect:
		return fmt.Sprintf("connect %s of %s with %s, waited %v", a.Contact, a.Queue, a.Agent, a.Waited)
	case Rang:
		return fmt.Sprintf("ring %s for %s of %s (%s) until %v", a.Agent, a.Contact, a.From, a.Purpose, a.Deadline.Sub(epoch))
	case AskEnded:
		return fmt.Sprintf("ring of %s for %s of %s (%s) ended: %s", a.Agent, a.Contact, a.From, a.Purpose, a.Why)
	case SetAside:
		return fmt.Sprintf("set %s of %s aside", a.Contact, a.Agent)
	case TurnedTo:
		return fmt.Sprintf("turn %s to %s", a.Agent, a.Contact)
	case Parted:
		return fmt.Sprintf("part %s from %s: %s", a.Contact, a.Agent, a.Why)
	case Waits:
		return fmt.Sprintf("wait %s in %s", a.Contact, a.Queue)
	case WrappedUp:
		return fmt.Sprintf("%s wrapped up %s of %s: %s", a.Agent, a.Contact, a.Queue, a.Why)
	case Requeued:
		return fmt.Sprintf("requeue %s of %s, lost by %s", a.Contact, a.Queue, a.Agent)
	case Place:
		return fmt.Sprintf("place %s: %d, expected %v", a.Contact, a.Position, a.Expected)
	case Refused:
		return fmt.Sprintf("refuse %s in %s: %s (%s)", a.Contact, a.Queue, a.Why, a.Reason)
	case Moved:
		return fmt.Sprintf("move %s from %s to %s: %s (%s)", a.Contact, a.From, a.To, a.Why, a.Reason)
	case Alert:
		return fmt.Sprintf("alert %s %v %s%s: %s", a.Kind, a.On, a.Agent, a.Queue, a.Text)
	case AgentChanged:
		return describeAgent(a)
	case QueueChanged:
		return describeQueue(a.Queue, a.Status)
	}
	return fmt.Sprintf("%#v", a)
}

func describeAgent(a AgentChanged) string {
	words := []string{"agent", string(a.Agent), "is", string(a.Status.State)}
	if a.Status.Reason != "" {
		words = append(words, "("+a.Status.Reason+")")
	}
	if a.Status.Contact != "" {
		words = append(words, "with", string(a.Status.Contact))
	}
	if !a.Status.Until.IsZero() {
		words = append(words, "until", a.Status.Until.Sub(epoch).String())
	}
	if o := a.Status.Other; o.State != "" {
		words = append(words, "beside", string(o.Contact), string(o.State))
	}
	if a.Status.WrapUpWanted {
		words = append(words, "wants a wrap-up")
	}
	if a.Status.Next != "" {
		words = append(words, "then", string(a.Status.Next))
	}
	if !a.Status.Ready {
		words = append(words, "not ready")
	}
	return strings.Join(words, " ")
}

func describeQueue(id contact.QueueID, st QueueStatus) string {
	words := []string{"queue", string(id) + ":"}
	for _, f := range []struct {
		name string
		n    int
	}{
		{"waiting", st.Waiting}, {"available", st.Available}, {"staffed", st.Staffed}, {"talking", st.Talking},
		{"answered", st.Answered}, {"in time", st.AnsweredIn}, {"abandoned", st.Abandoned},
	} {
		if f.n != 0 {
			words = append(words, strconv.Itoa(f.n), f.name+",")
		}
	}
	if !st.LongestSince.IsZero() {
		words = append(words, "longest since", st.LongestSince.Sub(epoch).String()+",")
	}
	return fmt.Sprintf("%s expected %v", strings.Join(words, " "), st.Expected)
}

// difference shows the lines that are only in one of two texts.
func difference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	var b strings.Builder
	for _, line := range w {
		if !slices.Contains(g, line) {
			b.WriteString("- " + line + "\n")
		}
	}
	for _, line := range g {
		if !slices.Contains(w, line) {
			b.WriteString("+ " + line + "\n")
		}
	}
	return b.String()
}
