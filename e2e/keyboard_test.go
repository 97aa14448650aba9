package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// heardWords keeps what a screen reader reads out by itself: each text that a live
// region comes to have. One that is new in the page is not read out, but an alert is.
const heardWords = `window.told = []; (() => {
	const live = '[aria-live]:not([aria-live="off"]), [role="status"]:not([aria-live]), [role="alert"]:not([aria-live])';
	const last = new WeakMap();
	const text = (region) => {
		const copy = region.cloneNode(true);
		for (const hidden of copy.querySelectorAll('[aria-hidden="true"]')) hidden.remove();
		return copy.textContent.replace(/\s+/g, ' ').trim();
	};
	const look = (region, fresh) => {
		const now = text(region);
		if (now === last.get(region) || !region.checkVisibility()) return;
		last.set(region, now);
		if (now !== '' && (!fresh || region.matches('[role="alert"]'))) told.push(now);
	};
	new MutationObserver((all) => {
		for (const { target, addedNodes } of all) {
			const region = (target.nodeType === 1 ? target : target.parentElement)?.closest(live);
			if (region) look(region, !last.has(region));
			for (const node of addedNodes) if (node.nodeType === 1) for (const r of [node, ...node.querySelectorAll(live)]) if (r.matches(live) && !last.has(r)) look(r, true);
		}
	}).observe(document, { subtree: true, childList: true, characterData: true });
})();`

// tabStop is what has the focus and whether it can be seen: in the window, with a mark around it.
type tabStop struct {
	Name string
	Seen bool
	// Again says that tabsRound was here before.
	Again bool
}

func (p page) tabStop() (at tabStop) {
	p.t.Helper()
	p.eval(&at, `(() => {
		const e = document.activeElement, r = e.getBoundingClientRect(), s = getComputedStyle(e);
		const name = (e.dataset.testid ?? e.getAttribute('aria-label') ?? e.textContent.trim().slice(0, 30)) || e.name || e.tagName;
		const inside = r.width > 0 && r.height > 0 && r.top >= -1 && r.left >= -1 && r.bottom <= innerHeight + 1 && r.right <= innerWidth + 1;
		const again = window.tabbed?.has(e) ?? false;
		window.tabbed?.add(e);
		return { again, name: e === document.body ? '' : name, seen: e === document.body || inside && e.matches(':focus-visible') && s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2 };
	})()`)
	return at
}

// tabsRound goes once round the page by Tab; every stop is seen, and none comes twice.
func (p page) tabsRound(when string) []string {
	p.t.Helper()
	var stops []string
	p.eval(nil, `window.tabbed = new Set(), null`)
	for range 120 {
		p.press("Tab")
		at := p.tabStop()
		if at.Name == "" {
			return stops
		}
		if !at.Seen {
			p.t.Errorf("%s: the focus on %q is not seen", when, at.Name)
		}
		if at.Again {
			p.t.Errorf("%s: Tab came to %q a second time, after %q", when, at.Name, stops)
			return stops
		}
		stops = append(stops, at.Name)
	}
	p.t.Errorf("%s: 120 times Tab did not lead round the page: %q", when, stops)
	return stops
}

// tabsTo presses Tab until the focus is on what has a name.
func (p page) tabsTo(name string) {
	p.t.Helper()
	for range 60 {
		p.press("Tab")
		if at := p.tabStop(); strings.Contains(at.Name, name) {
			if !at.Seen {
				p.t.Errorf("the focus on %q is not seen", at.Name)
			}
			return
		}
	}
	p.t.Fatalf("Tab does not lead to %q", name)
}

// focusOn waits until the focus is on what has a name, "" for nothing, and is seen.
func (p page) focusOn(when, name string) {
	p.t.Helper()
	p.until("the focus "+when, func() error {
		if at := p.tabStop(); at.Name != name || !at.Seen {
			return fmt.Errorf("it is on %q (seen: %v), want %q", at.Name, at.Seen, name)
		}
		return nil
	})
}

// TestACallByKeyboard: an agent goes through a shift without a mouse: signs in, goes
// available, answers, holds, sends a key, asks a colleague and hands the call over,
// wraps up with a result, tags and a note, and is available again. The focus is always
// seen, and a screen reader is told each step, in order, and nothing that only ticks.
func TestACallByKeyboard(t *testing.T) {
	beside(t, browsing)
	s := serve(t)
	b := startBrowsers(t)
	alice := b.open("alice", map[string]any{"url": s.http + "/", "init": heardWords})
	alice.see("signin-alice")
	alice.tabsTo("user")
	alice.must(nil, "type", map[string]any{"text": "alice"})
	alice.tabsTo("password")
	alice.must(nil, "type", map[string]any{"text": "demo"})
	alice.press("Enter")
	alice.state("away")
	if stops := alice.tabsRound("on the seat"); len(stops) < 20 || !strings.HasPrefix(stops[0], "Skip") {
		t.Errorf("Tab leads to %q, want first past the navigation, then to everything", stops)
	}
	alice.press("g")
	alice.state("available")

	call := s.dial("1002", "--from", "13812341234", "--for", "90s")
	alice.see("ringing")
	alice.press("Enter")
	alice.state("talking")
	alice.until("hold makes sense", func() error { return alice.enabled("hold") })
	alice.press("h")
	alice.state("hold")
	alice.press("h")
	alice.state("talking")
	alice.until("the keypad makes sense", func() error { return alice.enabled("keypad") })
	alice.press("k")
	alice.focusOn("goes to the keypad", "Keypad")
	alice.press("5")
	eventually(t, 10*time.Second, "the key is sent", func() error { return s.timelineHas("digits", "") })
	alice.until("it is read out", func() error {
		var sent bool
		if alice.eval(&sent, `told.some((text) => text.startsWith("Sent: 1"))`); !sent {
			return fmt.Errorf("it is not")
		}
		return nil
	})
	alice.press("Escape")
	alice.focusOn("is where it was", "")

	s.sitDown("bob", "--answer-after", "100ms")
	alice.press("c")
	alice.focusOn("goes to the search", "dial-search")
	alice.must(nil, "type", map[string]any{"text": "bo"})
	alice.until("bob can be asked", func() error {
		var free bool
		if alice.eval(&free, `document.querySelector('[data-testid="dial-agent-bob"][aria-selected="true"]:not([aria-disabled])') !== null`); !free {
			return fmt.Errorf("he cannot")
		}
		return nil
	})
	alice.press("Enter")
	alice.gone("dial-search")
	alice.focusOn("is where it was", "")
	alice.second("talking")
	alice.press("t")
	alice.state("wrap_up")
	alice.until("the wrap-up can be done", func() error { return alice.enabled("wrapup-done") })
	for _, key := range []string{"1", "2", "3", "0", "3"} { // result, topic, mood, not whether solved, difficulty
		alice.press(key)
	}
	alice.tabsTo("note")
	alice.must(nil, "type", map[string]any{"text": "bob has it"})
	alice.press("Control+Enter")
	alice.state("available")
	call.hangup()

	c := s.lastCall()
	if c.Agent == nil || *c.Agent != "bob" || !c.has("wrapup", "") {
		t.Errorf("the record: %+v", c)
	}
	wrote := 0
	for _, e := range c.Timeline {
		if e.Kind != "wrapup" || e.Data["agent"] != "alice" {
			continue
		}
		wrote++
		if e.Data["disposition"] != "Solved" || e.Data["note"] != "bob has it" || fmt.Sprint(e.Data["tags"]) != "map[difficulty:[hard] mood:[upset] topic:[delivery]]" {
			t.Errorf("alice wrote down %v", e.Data)
		}
	}
	if wrote != 1 {
		t.Errorf("the record has %d wrap-ups of alice, want 1: %+v", wrote, c.Timeline)
	}
	alice.wasTold(
		"Away", "Available", "138****1234 is calling for Sales. Press Enter to answer.", "Talking", "On hold", "Talking", "Sent: 1",
		"bob · ringing", "bob · with you; the customer hears music", "Wrap-up", "Result: 1 Solved, 2 Order taken",
		"Result: Solved. Topic: 1 Order, 2 Delivery", "Topic: Delivery. Mood: 1 Pleased", "Mood: Upset. Solved: 1 Yes", "Difficulty: 1 Easy", "Difficulty: Hard.", "Available",
	)
}

// wasTold checks that a screen reader read out these beginnings of texts in this order, and little else.
func (p page) wasTold(want ...string) {
	p.t.Helper()
	var told []string
	p.eval(&told, "told")
	rest := told
	for _, text := range want {
		at := slices.IndexFunc(rest, func(s string) bool { return strings.HasPrefix(strings.ToLower(s), strings.ToLower(text)) })
		if at < 0 {
			p.t.Errorf("a screen reader was not told %q, in its place: it read out\n%s", text, strings.Join(told, "\n"))
			return
		}
		rest = rest[at+1:]
	}
	if len(told) > len(want)+12 {
		p.t.Errorf("a screen reader read out %d texts, want about %d:\n%s", len(told), len(want), strings.Join(told, "\n"))
	}
}
