package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// promptHz is in the sound that is uploaded for the greeting.
const promptHz = 1300

// TestFlowEditor: a flow is changed as an administrator changes it, while
// callers are in it: the graph counts them, the text and the graph edit each
// other, a publication is for the calls that come, and it is rolled back.
func TestFlowEditor(t *testing.T) {
	beside(t, browsing)
	s := serve(t)
	b := startBrowsers(t)
	ada := b.signIn(s, "ada", nil)
	before := s.dial("1000", "--dtmf", "1@3s", "--for", "170s")
	ada.goTo(s, "/flows")
	ada.see("flow-full")
	ada.inspect("flows-list", 1280)
	ada.click("flow-full")
	ada.see("flow-graph")
	ada.see("callers-menu") // the caller at the menu is counted there
	ada.inspect("flow-graph", 1280)

	// A line drawn in the graph is an edit of the text.
	ada.must(nil, "drag", map[string]any{
		"from": `.svelte-flow__node[data-id="sales"] .svelte-flow__handle-bottom`, "to": `.svelte-flow__node[data-id="goodbye"] .svelte-flow__handle-top`,
	})
	ada.see("connect-dialog")
	ada.must(nil, "select", map[string]any{"selector": `[data-testid="connect-dialog"] select`, "value": "closed"})
	ada.clickOn(`[data-testid="connect-dialog"] .btn-accent`)
	ada.gone("connect-dialog")
	ada.inText("closed: goodbye")

	// In step both ways: a node that is selected is shown in the text, and the
	// form edits the text where it stands.
	ada.clickOn(`[data-node="menu"]`)
	ada.press("2")
	ada.see("node-form")
	ada.shows("  menu:")
	ada.must(nil, "select", map[string]any{"selector": `[aria-label="1 Sales leads to"]`, "value": "support"})
	ada.must(nil, "select", map[string]any{"selector": `[aria-label="2 Support leads to"]`, "value": "sales"})
	ada.flowState(true)
	ada.inText("1: {label: Sales, next: support}")
	ada.inText("3: {label: Opening hours, next: hours}")
	ada.inspect("flow-node", 1280)

	// A problem is named with its place, and nothing is published meanwhile.
	text := ada.flowText()
	ada.typeFlow(strings.Replace(text, "silent: goodbye", "silent: nowhere", 1))
	ada.press("1")
	ada.problems(1)
	ada.inspect("flow-problem", 1280)
	ada.typeFlow(text)
	ada.problems(0)

	ada.press("c")
	ada.see("compare")
	ada.inspect("flow-compare", 1280)
	ada.press("Escape")
	ada.gone("compare")
	ada.publish("sales and support change places", []string{"- ", "1: {label: Sales, next: sales}", "+ ", "1: {label: Sales, next: support}", "closed: goodbye"})
	ada.flowState(false)
	ada.must(nil, "press", map[string]any{"key": "5"})
	ada.see("flow-versions")
	ada.text("flow-versions", "sales and support change places")
	ada.inspect("flow-versions", 1280)

	// A new call takes the new way.
	s.dial("1000", "--dtmf", "1@3s,1@4s", "--for", "6s").wait()
	if last := s.lastCall(); last.Queue == nil || *last.Queue != "support" {
		t.Errorf("the call with the new version: %+v, want the queue support", last)
	}
	_ = before.cmd.Process.Signal(os.Interrupt) // it may be over: nobody waits at a menu for ever
	before.wait()

	var version string
	ada.eval(&version, `[...document.querySelectorAll('[data-testid="flow-versions"] tr[data-version]')].at(-1).dataset.version`)
	ada.click("rollback-" + version)
	ada.click("rollback-go")
	ada.inText("1: {label: Sales, next: sales}")
	ada.flowState(false)
	ada.tryWithClicks()
}

// tryWithClicks goes through the full flow on a clock of its own.
func (p page) tryWithClicks() {
	p.t.Helper()
	p.press("3")
	p.click("try-begin")
	p.waits("key")
	p.text("try-waits", "consent")
	p.press("1") // a digit presses the test phone's key, not the page's
	p.text("try-waits", "menu")
	p.clickOn(`[data-testid="test-keys"] [data-key="1"]`)
	p.waits("queue")
	p.inspect("flow-clicks", 1280)
	p.click("try-served")
	p.waits("")
	p.text("transcript", "For sales, press one")
}

// TestFlowWithTheMicrophone: a draft is called from the page, and heard there;
// then its greeting gets another sound, which is heard instead. The agent who
// answers is seen there.
func TestFlowWithTheMicrophone(t *testing.T) {
	beside(t, browsing)
	s := serve(t)
	b := startBrowsers(t)
	wav := filepath.Join(t.TempDir(), "ada.wav")
	writeTone(t, wav, agentHz, 6*time.Second)
	ada := b.signIn(s, "ada", map[string]any{"wav": wav})

	sound := filepath.Join(t.TempDir(), "greeting.wav")
	writeTone(t, sound, promptHz, 6*time.Second)
	ada.goTo(s, "/prompts")
	ada.must(nil, "fill", map[string]any{"selector": `[data-testid="prompt-filter"]`, "value": "greeting"})
	ada.click("prompt-greeting")
	ada.see("language-en")
	ada.inspect("prompts", 1280)
	ada.must(nil, "files", map[string]any{"selector": `[data-testid="file-en"]`, "paths": []string{sound}})
	ada.see("verdict-en")
	ada.inspect("prompts-verdict", 1280)
	ada.click("use-en")
	ada.text("source-en", "uploaded")
	ada.see("play-en-greeting")

	alice := b.withCamera(s, "alice", seatHz, aliceRed)
	alice.click("go-available")
	ada.goTo(s, "/flows/full")
	ada.see("flow-graph")
	ada.press("l")
	ada.see("flow-list")
	ada.press("4")
	ada.click("mic-call")
	ada.hears("customer", promptHz)
	ada.text("flow-list", "the trial is here")
	ada.inspect("flow-mic", 1280)
	ada.text("mic-state", "consent")
	ada.clickOn(`[data-testid="mic-keys"] [data-key="1"]`)
	ada.text("mic-state", "menu")
	ada.press("1")
	ada.text("mic-state", "sales")
	// It is a call like any other: an agent answers, and hears the page.
	alice.see("ringing")
	alice.click("answer")
	ada.hears("customer", seatHz)
	alice.press("v")
	ada.pictures("the agent is seen beside the keys", `[data-testid="mic-picture"] video`, sharp)
	ada.inspect("flow-mic-picture", 1280)
	ada.click("mic-hangup")
	ada.gone("mic-picture")
	ada.text("mic-state", "completed")
	c := s.lastCall()
	if c.End.By != "customer" || c.Agent == nil || *c.Agent != "alice" || c.Consent != "granted" || c.Recording == nil {
		t.Fatalf("the record of the call from the page: %+v, end %+v", c, c.End)
	}
	if !c.has("flow", "ada calls from the flow editor") {
		t.Errorf("the timeline does not say who called: %+v", c.Timeline)
	}
	left, _ := s.export(*c.Recording)
	left.heard(t, "the page's microphone", agentHz, 0, left.length())
	s.audited("ada", "flow_call", "full")
	s.audited("ada", "prompt_upload", "en/greeting")
}

// TestFlowEditorLooks: the editor and the prompts in the other language, dark
// and narrow.
func TestFlowEditorLooks(t *testing.T) {
	beside(t, browsing)
	s := serve(t)
	b := startBrowsers(t)
	for _, look := range []struct {
		name, scheme string
		width        int
	}{{"zh-dark", "dark", 1280}, {"zh-narrow", "light", 390}} {
		ada := b.signIn(s, "ada", map[string]any{"width": look.width, "scheme": look.scheme, "locale": "zh-CN"})
		for _, path := range []string{"/flows", "/flows/full", "/prompts"} {
			ada.goTo(s, path)
			ada.must(nil, "idle", nil)
			switch path {
			case "/flows":
				ada.see("flow-full")
			case "/flows/full":
				ada.see("flow-graph")
				ada.click("flow-tab-clicks")
				ada.click("try-begin")
				ada.waits("key")
			default:
				ada.click("prompt-greeting")
				ada.see("language-zh")
			}
			ada.inspect(look.name+strings.ReplaceAll(path, "/", "-"), look.width)
		}
		ada.must(nil, "close", nil)
	}
}

func (p page) goTo(s *server, path string) {
	p.t.Helper()
	p.must(nil, "goto", map[string]any{"url": s.http + path})
}

// clickOn clicks what a selector finds first.
func (p page) clickOn(selector string) {
	p.t.Helper()
	p.must(nil, "touch", map[string]any{"selector": selector})
}

// flowState waits until the editor says whether the draft has changes.
func (p page) flowState(changed bool) {
	p.t.Helper()
	p.until("the draft's state", func() error {
		var got string
		p.eval(&got, `document.querySelector('[data-testid="flow-state"]')?.dataset.changed ?? ""`)
		if got != fmt.Sprint(changed) {
			return fmt.Errorf("changed is %q, want %v", got, changed)
		}
		return nil
	})
}

// problems waits until the text is checked and has so many problems.
func (p page) problems(want int) {
	p.t.Helper()
	p.until("the problems", func() error {
		var got string
		p.eval(&got, `(({count, checked}) => checked + " " + count)(document.querySelector('[data-testid="flow-problems"]').dataset)`)
		if got != fmt.Sprintf("yes %d", want) {
			return fmt.Errorf("it is %q, want %d problems", got, want)
		}
		return nil
	})
}

// waits waits until the test phone waits for something.
func (p page) waits(want string) {
	p.t.Helper()
	p.until("the test phone waits for "+want, func() error {
		var got string
		p.eval(&got, `document.querySelector('[data-testid="test-phone"]').dataset.waits`)
		if got != want {
			return fmt.Errorf("it waits for %q", got)
		}
		return nil
	})
}

func (p page) until(what string, check func() error) {
	p.t.Helper()
	eventually(p.t, 20*time.Second, what, check)
}

// flowText is the draft.
func (p page) flowText() (text string) {
	p.t.Helper()
	p.until("the draft is kept", func() error {
		p.eval(&text, `localStorage.getItem("callfloor.flow.full") ?? ""`)
		if text == "" {
			return fmt.Errorf("there is none")
		}
		return nil
	})
	return text
}

// inText waits until the text holds some words: the draft or, without one, what
// is published.
func (p page) inText(words string) {
	p.t.Helper()
	p.until("the text has "+words, func() error {
		var text string
		p.eval(&text, `localStorage.getItem("callfloor.flow.full") ?? fetch("/api/v1/flows/full").then((r) => r.json()).then((f) => f.text)`)
		if !strings.Contains(text, words) {
			return fmt.Errorf("it is %s", text)
		}
		return nil
	})
}

// shows waits until the lines of a node stand out in the text.
func (p page) shows(words string) {
	p.t.Helper()
	p.until("the text shows the node", func() error {
		var text string
		p.eval(&text, `[...document.querySelector('[data-testid="flow-text"]').shadowRoot.querySelectorAll(".cm-node")].map((l) => l.textContent).join("\n")`)
		if !strings.HasPrefix(text, words) {
			return fmt.Errorf("it shows %q", text)
		}
		return nil
	})
}

// typeFlow puts another text into the editor, as a person pastes one.
func (p page) typeFlow(text string) {
	p.t.Helper()
	p.clickOn(`[data-testid="flow-text"] .cm-content`)
	p.press("Control+a")
	p.must(nil, "paste", map[string]any{"selector": `[data-testid="flow-text"] .cm-content`, "text": text})
	p.clickOn("h1") // the page's keys act outside of the text
}

// publish publishes the draft; the dialog must list what changes.
func (p page) publish(note string, changes []string) {
	p.t.Helper()
	p.press("p")
	p.see("publish-dialog")
	for _, c := range changes {
		p.text("publish-changes", c)
	}
	p.must(nil, "fill", map[string]any{"selector": `[data-testid="publish-note"]`, "value": note})
	p.until("it may be published", func() error {
		var got string
		p.eval(&got, `document.querySelector('[data-testid="publish-go"]').ariaDisabled ?? ""`)
		if got == "true" {
			return fmt.Errorf("not yet: %s", p.body())
		}
		return nil
	})
	p.inspect("flow-publish", 1280)
	p.click("publish-go")
	p.gone("publish-dialog")
}
