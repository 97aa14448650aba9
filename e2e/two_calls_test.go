package e2e

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"
)

// otherHz is what the second customer's phone plays.
const otherHz = 1000

// place waits until one of the places of the list has a call in a phase; ""
// is an empty place.
func (p page) place(id, phase string) {
	p.t.Helper()
	eventually(p.t, 10*time.Second, fmt.Sprintf("the place %s is %q", id, phase), func() error {
		var got string
		p.eval(&got, fmt.Sprintf(`document.querySelector('[data-testid="place-%s"]').dataset.phase ?? ""`, id))
		if got != phase {
			return fmt.Errorf("it is %q", got)
		}
		return nil
	})
}

// top is where something is on the page, in pixels from its top.
func (p page) top(id string) (y float64) {
	p.t.Helper()
	p.eval(&y, fmt.Sprintf(`document.querySelector('[data-testid="%s"]').getBoundingClientRect().top`, id))
	return y
}

// keepPlace are things of a seat that must not move in any state.
var keepPlace = []string{"answer", "note", "swap", "place-other", "call-waiting"}

func (p page) tops() (at []float64) {
	p.t.Helper()
	for _, id := range keepPlace {
		at = append(at, p.top(id))
	}
	return at
}

// stayed compares with where they were.
func (p page) stayed(when string, before []float64) {
	p.t.Helper()
	for i, y := range p.tops() {
		if y != before[i] {
			p.t.Errorf("%s moved from %.1f to %.1f %s", keepPlace[i], before[i], y, when)
		}
	}
}

// note is what stands in the field of notes.
func (p page) note() (text string) {
	p.t.Helper()
	p.eval(&text, `document.querySelector('[data-testid="note"]').value`)
	return text
}

// TestTwoCallsOnOneSeat: while alice talks, bob hands her a second customer:
// it rings beside, she answers, goes to and fro by one key, reloads, and ends
// one; at each step she hears one customer, and each phone heard only her.
func TestTwoCallsOnOneSeat(t *testing.T) {
	beside(t, browsing)
	s := serve(t)
	b := startBrowsers(t)
	alice, bob := b.agentPage(s, "alice"), b.colleague(s)
	dir := t.TempDir()
	outs := []string{filepath.Join(dir, "first.wav"), filepath.Join(dir, "second.wav")}
	first := s.dial("1002", "--from", "13812341234", "--play", fmt.Sprintf("tone:%d", customerHz), "--for", "90s", "--record", outs[0])
	alice.see("ringing")
	alice.press("a")
	alice.state("talking")
	alice.hears("customer", customerHz)
	alice.must(nil, "fill", map[string]any{"selector": `[data-testid="note"]`, "value": "of the first"})
	alice.eval(nil, `document.activeElement.blur()`)
	before := alice.tops()

	bob.goAvailable()
	second := s.dial("1002", "--from", "13956785678", "--play", fmt.Sprintf("tone:%d", otherHz), "--for", "90s", "--record", outs[1])
	bob.see("ringing")
	bob.press("a")
	bob.state("talking")
	bob.picks("t", "ali", "agent-alice", "wants alice", "Enter")
	bob.state("wrap_up")

	alice.place("ringing", "ringing") // and nothing moves
	alice.second("call-ringing")
	alice.text("second", "wants alice")
	alice.stayed("when the second call rang", before)
	alice.picture("two-calls-rings")
	alice.press("Enter") // within the 15 s of an offer
	alice.place("other", "hold")
	alice.place("current", "talking")
	alice.see("handover")
	alice.stayed("with the note of the hand-over", before)
	alice.hears("customer", otherHz)
	alice.hearsNothing("customer", customerHz)
	if n := alice.note(); n != "" {
		t.Errorf("the second call begins with the note %q", n)
	}
	alice.picture("two-calls-held")

	alice.press("o")
	alice.hears("customer", customerHz)
	alice.hearsNothing("customer", otherHz)
	if n := alice.note(); n != "of the first" {
		t.Errorf("the first call's note is %q", n)
	}

	alice.reload()
	alice.state("talking")
	alice.place("other", "hold")
	alice.hears("customer", customerHz)
	alice.press("o")
	alice.hears("customer", otherHz)
	alice.hearsNothing("customer", customerHz)

	alice.press("e") // the second one is over, the first one stays on hold until it is taken back
	alice.state("hold")
	alice.place("other", "wrap_up")
	alice.hearsNothing("customer", customerHz)
	alice.press("h")
	alice.state("talking")
	alice.hears("customer", customerHz)
	alice.press("e")
	alice.state("wrap_up")
	alice.place("other", "wrap_up")
	alice.press("w")
	alice.place("other", "")
	alice.state("wrap_up")
	alice.press("w")
	alice.state("available")

	for i, p := range []*phone{first, second} {
		if r, _ := p.wait(); r.EndedBy != "remote" || r.SSRCChanges != 0 || r.SeqHoles != 0 {
			t.Errorf("phone %d: %+v", i+1, r)
		}
		heard := readWAV(t, outs[i])[0]
		hz := []float64{otherHz, customerHz}[i]
		heard.notHeard(t, fmt.Sprintf("the other customer on phone %d", i+1), hz, 0, heard.length())
	}
	onlyWhileTalking(t, s, outs[0])
}

// onlyWhileTalking checks in the first phone's recording that alice is not in it
// while its call was set aside, and is in it afterwards.
func onlyWhileTalking(t *testing.T, s *server, out string) {
	t.Helper()
	var list []callRecord
	s.json(&list, "calls", "list")
	var c callRecord
	s.json(&c, "calls", "show", list[len(list)-1].ID)
	answered := c.when(t, "sip", "sent 200")
	const slack = 400 * time.Millisecond
	heard := readWAV(t, out)[0]
	aside, back := c.when(t, "hold", "in another call").Sub(answered), c.when(t, "resume", "back from another call").Sub(answered)
	heard.notHeard(t, "alice on the first phone while she is in the second call", agentHz, aside+slack, back-slack/4)
	heard.heard(t, "alice on the first phone when she is back", agentHz, back+slack, back+slack+500*time.Millisecond)
}
