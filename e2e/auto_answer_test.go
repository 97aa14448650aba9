package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// TestVoicemailAnswersItself: a message in the queue of an agent whose seat
// answers by itself is taken after a beep, without a key; beside it stands who
// left it, and the buttons of a call say why they are dim.
func TestVoicemailAnswersItself(t *testing.T) {
	beside(t, browsing)
	s := serveQueues(t, t.TempDir(), "agents: [{user: alice, auto_answer: true}]\n")
	b := startBrowsers(t)
	alice := b.agentPage(s, "alice")
	// What begins to sound while it rings, at the source of every ring.
	alice.eval(nil, `(() => {
		const start = AudioBufferSourceNode.prototype.start;
		AudioBufferSourceNode.prototype.start = function (...args) {
			if (document.querySelector('[data-phase="ringing"]')) window.beeps = (window.beeps ?? 0) + 1;
			return start.apply(this, args);
		};
	})()`)
	r, _ := s.dial("2002", "--from", "13812341234", "--play", fmt.Sprintf("tone:%d", customerHz), "--for", "4s").wait()
	if r.Result != "completed" {
		t.Fatalf("the call: %+v", r)
	}
	if task := s.task("active"); task.Agent != "alice" {
		t.Errorf("the task: %+v", task)
	}
	alice.state("talking")
	var beeps int
	if alice.eval(&beeps, "window.beeps ?? 0"); beeps != 1 {
		t.Errorf("it beeped %d times", beeps)
	}
	alice.text("customer-number", "138****1234")
	for _, act := range []string{"mute", "hold", "keypad", "transfer", "consult"} {
		var why string
		alice.eval(&why, `(() => { const b = document.querySelector('[data-testid="`+act+`"]'); return b.ariaDisabled + ' ' + b.title })()`)
		if why != "true Nobody is on the line: this is a task." {
			t.Errorf("%s: %q", act, why)
		}
	}
	alice.press("h")
	alice.click("end")
	alice.state("wrap_up")
	alice.text("customer-number", "138****1234")
	var log []string
	alice.must(&log, "log", nil)
	for _, line := range log {
		if strings.Contains(line, "404") {
			t.Errorf("the console says %s", line)
		}
	}
}
