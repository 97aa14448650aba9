package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// announceHz is what a queue's announcement to agents sounds like.
const announceHz = 1300

// serveAnnounced starts the product with a line (2003) whose queue announces its
// calls to alice by a tone that lasts a while, the first two seconds of it alone,
// and one that takes a message (2002).
func serveAnnounced(t *testing.T, tone time.Duration, agents string) *server {
	t.Helper()
	dir := t.TempDir()
	prompts := filepath.Join(dir, "prompts", "en")
	if err := os.MkdirAll(prompts, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(voice(t, announceHz, 0, tone), filepath.Join(prompts, "told@1.wav")); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(prompts, "told.jsonl"), `{"version":"1","text":"A call of the queue that is told of."}`+"\n")
	return serveWith(t, dir, map[string]string{
		"told.yaml": `
nodes:
  told: {kind: consent, mode: announce, say: consent_announcement, next: wait}
  wait: {kind: queue, queue: told, refused: bye}
  bye: {kind: hangup}
`,
		"mailbox.yaml": mailboxFlow,
	}, `
routing: {wrap_up: 1s}
queues:
  - {id: told, agents: [alice], announce_agent: {answered: true, prompt: told, wait: true, alone: 2s}}
lines:
  - {id: "2002", flow: mailbox, consent: announce}
  - {id: "2003", flow: told, consent: announce}
`+agents)
}

// notAnnounced checks that a queue's announcement is not in the sound of a file.
func notAnnounced(t *testing.T, what, file string) {
	t.Helper()
	for i, channel := range readWAV(t, file) {
		channel.notHeard(t, fmt.Sprintf("the announcement in %s, channel %d", what, i), announceHz, 0, channel.length())
		if at := channel.onset(announceHz, 0); at >= 0 {
			t.Errorf("the announcement is in %s, channel %d, at %s", what, i, at)
		}
	}
}

// exported is the file of the newest call's recording.
func (s *server) exported() string {
	s.t.Helper()
	c := s.lastCall()
	if c.Recording == nil {
		s.t.Fatalf("the call was not recorded: %+v", c)
	}
	file := filepath.Join(s.t.TempDir(), "export.wav")
	if msg, code := s.callfloor("recordings", "export", *c.Recording, "--out", file); code != 0 {
		s.t.Fatalf("export ended with %d: %s", code, msg)
	}
	return file
}

// TestASeatAnswersItself: a message in the queue of an agent whose seat
// answers by itself is taken after a beep, without a key; beside it stands who
// left it, and the buttons of a call say why they are dim. A call is answered so
// too, and announced to the agent alone.
func TestASeatAnswersItself(t *testing.T) {
	beside(t, browsing)
	s := serveAnnounced(t, 5*time.Second, "agents: [{user: alice, auto_answer: true}]\n")
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
	alice.state("available")

	out := filepath.Join(t.TempDir(), "phone.wav")
	call := s.dial("2003", "--play", fmt.Sprintf("tone:%d", customerHz), "--for", "30s", "--record", out)
	alice.state("talking")
	alice.hears("third", announceHz)
	alice.hears("customer", customerHz)
	alice.hearsNothing("third", announceHz)
	alice.click("end")
	call.wait()
	notAnnounced(t, "the customer's ear", out)
	if heard := readWAV(t, out)[0]; heard.onset(agentHz, 0) < 0 {
		t.Error("the customer never heard the agent")
	}
	export := s.exported()
	notAnnounced(t, "the recording", export)
	if channels := readWAV(t, export); channels[0].onset(customerHz, 0) < 0 || channels[1].onset(agentHz, 0) < 0 {
		t.Error("customer and agent are not in the recording")
	}

	var log []string
	alice.must(&log, "log", nil)
	for _, line := range log {
		if strings.Contains(line, "404") {
			t.Errorf("the console says %s", line)
		}
	}
}
