package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Calls that go from one to another, in headless Chromium, by keyboard.

const secondHz = 560 // what bob's microphone hears

// colleague signs bob in, with a voice of his own.
func (b *browsers) colleague(s *server) page {
	b.t.Helper()
	wav := filepath.Join(b.t.TempDir(), "bob.wav")
	writeTone(b.t, wav, secondHz, 6*time.Second)
	p := b.signIn(s, "bob", map[string]any{"wav": wav})
	p.state("away")
	return p
}

func (p page) goAvailable() {
	p.t.Helper()
	p.click("go-available")
	p.state("available")
}

// second waits until the second line of a seat is in a state.
func (p page) second(state string) {
	p.t.Helper()
	p.must(nil, "wait", map[string]any{"id": "second", "state": state})
}

// picks opens the dial box by its key, types, writes a note and goes on by key.
func (p page) picks(open, search, found, note, enter string) {
	p.t.Helper()
	p.press(open)
	p.see("dial-search")
	p.must(nil, "type", map[string]any{"text": search})
	p.see("dial-" + found)
	if note != "" {
		p.must(nil, "fill", map[string]any{"selector": `[data-testid="dial-note"]`, "value": note})
		p.must(nil, "eval", map[string]any{"js": `document.querySelector('[data-testid="dial-search"]').focus()`})
	}
	p.press(enter)
	p.gone("dial-search")
}

// TestConsultAndHandOver: alice asks bob, who reads why before he answers; they
// show each other their cameras and a screen; she swaps, makes it a
// conference, and leaves the customer to him.
//
// It does not run beside other tests: its pictures take the processor, and the
// sound beside them is judged.
func TestConsultAndHandOver(t *testing.T) {
	s := serve(t)
	b := startBrowsers(t)
	alice, bob := b.withCamera(s, "alice", agentHz, aliceRed), b.withCamera(s, "bob", secondHz, bobRed)
	alice.goAvailable()
	out := filepath.Join(t.TempDir(), "phone.wav")
	call := s.dial("1001", "--play", fmt.Sprintf("tone:%d", customerHz), "--for", "150s", "--record", out)
	alice.see("ringing")
	alice.press("a")
	alice.state("talking")
	alice.hears("customer", customerHz)
	bob.goAvailable()

	alice.picks("c", "bo", "agent-bob", "wants a refund", "Enter")
	alice.second("ringing")
	bob.see("ringing")
	bob.text("handover", "asks you to come")
	bob.text("handover", "wants a refund")
	bob.press("Enter")
	bob.state("talking")
	alice.second("talking")
	alice.hears("third", secondHz)
	bob.hears("third", agentHz)
	bob.hearsNothing("customer", customerHz)
	alice.hearsNothing("customer", customerHz)
	alice.showsAndSees(bob)

	alice.press("o") // with the customer, while bob waits
	alice.second("waiting")
	alice.hears("customer", customerHz)
	bob.hearsNothing("third", agentHz)

	alice.press("j") // all three
	alice.second("joined")
	bob.hears("customer", customerHz)
	bob.hears("third", agentHz)
	alice.hears("third", secondHz)

	alice.press("t") // and she leaves
	alice.state("wrap_up")
	bob.second("none")
	bob.hears("customer", customerHz)
	alice.click("wrapup-done")
	alice.state("available")
	bob.press("e")
	bob.state("wrap_up")

	if r, _ := call.wait(); r.EndedBy != "remote" || r.SSRCChanges != 0 || r.SeqHoles != 0 {
		t.Errorf("the phone: %+v", r)
	}
	// Where in the phone's recording things happened, by the timeline: the
	// machine may be slow, but sound and timeline are the server's.
	c := s.lastCall()
	answered := c.when(t, "sip", "sent 200")
	span := func(from, to string) (time.Duration, time.Duration) {
		const slack = 400 * time.Millisecond
		return c.when(t, "", from).Sub(answered) + slack, c.when(t, "", to).Sub(answered) - slack
	}
	heard := readWAV(t, out)[0]
	from, to := span("alice consults bob", "with the customer again")
	heard.notHeard(t, "alice on the phone during the consultation", agentHz, from, to)
	heard.notHeard(t, "bob on the phone during the consultation", secondHz, from, to)
	from, to = span("hear each other", "alice handed the call to bob")
	heard.both(t, "the conference on the phone", agentHz, secondHz, from, to)
	from, to = span("alice handed the call to bob", "ended by the agent")
	heard.heard(t, "bob on the phone in the end", secondHz, from, to)
	heard.notHeard(t, "alice on the phone in the end", agentHz, from, to)
	if c.Agent == nil || *c.Agent != "bob" || c.End.By != "agent" {
		t.Errorf("the record: %+v, end %+v", c, c.End)
	}
	for _, text := range []string{"alice asks bob", "alice consults bob", "hear each other", "alice handed the call to bob"} {
		if !c.has("consult", text) {
			t.Errorf("the timeline does not say that %q: %+v", text, c.Timeline)
		}
	}
}

// TestTransferThatNobodyTakes: bob declines, so the customer comes back to
// alice; then she hands them to a queue, where bob has them.
func TestTransferThatNobodyTakes(t *testing.T) {
	beside(t, browsing)
	s := serve(t)
	b := startBrowsers(t)
	alice, bob := b.agentPage(s, "alice"), b.colleague(s)
	call := s.dial("1002", "--play", fmt.Sprintf("tone:%d", customerHz), "--for", "60s")
	alice.see("ringing")
	alice.press("a")
	alice.state("talking")
	bob.goAvailable()
	alice.picks("t", "bob", "agent-bob", "", "Enter")
	alice.state("wrap_up")
	bob.see("ringing")
	bob.text("handover", "hands this call to you")
	bob.until("bob declines", func() error {
		bob.press("Escape")
		var state string
		bob.eval(&state, `document.querySelector('[data-testid="state"]').dataset.state`)
		if state == "offered" {
			return fmt.Errorf("it rings still")
		}
		return nil
	})
	alice.see("ringing")
	alice.text("handover", "comes back")
	alice.press("Enter")
	alice.state("talking")
	alice.hears("customer", customerHz)

	bob.state("available")
	alice.picks("t", "supp", "queue-support", "third call today", "Enter")
	alice.state("wrap_up")
	bob.see("ringing")
	bob.text("handover", "third call today")
	bob.press("Enter")
	bob.state("talking")
	bob.hears("customer", customerHz)
	bob.press("e")
	if r, _ := call.wait(); r.Result != "completed" || r.SSRCChanges != 0 || r.SeqHoles != 0 {
		t.Errorf("the phone: %+v", r)
	}
	c := s.lastCall()
	if c.Queue == nil || *c.Queue != "support" || c.Agent == nil || *c.Agent != "bob" {
		t.Errorf("queue %v, agent %v: want support and bob", *c.Queue, *c.Agent)
	}
	bob.eval(nil, `localStorage.setItem("callfloor.prefs", JSON.stringify({language: "zh"}))`)
	bob.must(nil, "goto", map[string]any{"url": s.http + "/calls/" + c.ID})
	bob.see("timeline")
	bob.must(nil, "idle", nil)
	bob.allChinese()
}

// TestParkAndPause: alice pauses the recording for a card number, parks the
// call, and bob picks it up; the pause is silent in what is exported.
func TestParkAndPause(t *testing.T) {
	beside(t, browsing)
	s := serve(t)
	b := startBrowsers(t)
	alice, bob := b.agentPage(s, "alice"), b.colleague(s)
	call := s.dial("1001", "--play", fmt.Sprintf("tone:%d", customerHz), "--for", "60s")
	alice.see("ringing")
	alice.press("a")
	alice.state("talking")
	alice.hears("customer", customerHz)
	alice.press("r")
	alice.must(nil, "wait", map[string]any{"id": "recording", "state": "paused"})
	alice.text("recording", "paused")
	alice.hears("customer", customerHz) // a second and a half
	alice.press("r")
	alice.must(nil, "wait", map[string]any{"id": "recording", "state": "on"})
	alice.hears("customer", customerHz)

	bob.goAvailable()
	alice.press("p")
	alice.state("available")
	bob.see("pickup")
	bob.press("u")
	bob.state("talking")
	bob.hears("customer", customerHz)
	bob.press("e")
	if r, _ := call.wait(); r.Result != "completed" || r.SSRCChanges != 0 || r.SeqHoles != 0 {
		t.Errorf("the phone: %+v", r)
	}
	c := s.lastCall()
	if !c.has("recording", "recording paused") || !c.has("recording", "recording goes on") || !c.has("consult", "parks the call in place 1") {
		t.Errorf("the timeline: %+v", c.Timeline)
	}
	left, right := s.export(*c.Recording)
	answered := c.when(t, "answer", "alice answered")
	paused, on := c.when(t, "recording", "recording paused").Sub(answered), c.when(t, "recording", "recording goes on").Sub(answered)
	const slack = 400 * time.Millisecond
	left.heard(t, "the customer before the pause", customerHz, slack, paused-slack)
	left.notHeard(t, "the customer in the pause", customerHz, paused+slack, on-slack)
	right.notHeard(t, "the agent in the pause", agentHz, paused+slack, on-slack)
	left.heard(t, "the customer after the pause", customerHz, on+slack, on+slack+time.Second)
}

// when is the time of the first event with a text; of any kind where that is "".
func (c callRecord) when(t *testing.T, kind, text string) time.Time {
	t.Helper()
	for _, e := range c.Timeline {
		if (kind == "" || e.Kind == kind) && strings.Contains(e.Text, text) {
			return when(t, e.At)
		}
	}
	t.Fatalf("the timeline has no %s %q: %+v", kind, text, c.Timeline)
	return time.Time{}
}
