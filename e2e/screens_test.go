package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
)

// watchShifts keeps what moved by itself in a page, and what its policy refused.
const watchShifts = `window.moved = []; window.refused = [];
document.addEventListener('securitypolicyviolation', (e) => refused.push(e.violatedDirective + ' ' + e.blockedURI));
new PerformanceObserver((list) => { for (const e of list.getEntries()) if (!e.hadRecentInput && e.value >= 0.001)
	moved.push(e.value.toFixed(4) + ' ' + e.sources.map((s) => (s.node?.nodeName ?? '') + ' ' + (s.node?.className ?? '')).join(', ')); }).observe({type: 'layout-shift', buffered: true});`

// TestScreens opens every view of the real product in both languages: nothing
// serious for axe in light, dark and high contrast, no script errors, nothing that the
// content-security policy refused, and no page wider than the screen, down to the 320 px
// that 400 % of magnification leave, and the 800 beside a CRM. The seat and the floor
// load, an agent takes a call, and nothing moves by itself. With CALLFLOOR_SCREENS=DIR it writes a picture of each.
func TestScreens(t *testing.T) {
	t.Parallel()
	for _, look := range []struct {
		name, locale  string
		width, height int
	}{
		{"en", "en-US", 1280, 800},
		{"zh", "zh-CN", 1280, 800},
		{"beside", "en-US", 800, 720},
		{"narrow", "zh-CN", 320, 640},
	} {
		t.Run(look.name, func(t *testing.T) {
			beside(t, browsing)
			s := serve(t, "--https", "127.0.0.1:0") // with an authority of its own
			b := startBrowsers(t)
			args := map[string]any{"url": s.http + "/", "width": look.width, "height": look.height, "scheme": "light", "locale": look.locale, "init": watchShifts}
			p := b.open("alice", args)
			p.see("signin-alice")
			p.inLooks("signin", look.name, look.width)
			for range 2 { // the second is a reload
				p.comesIn(s, "alice")
				p.state("away")
				p.see("headset-offer") // its sound is there
				p.still("the seat loads", look.width)
			}
			p.inLooks("seat", look.name, look.width)
			if look.name == "en" {
				p.smallEnough()
			}
			p.takesACall(s, look.name, look.width)
			p.must(nil, "close", nil)
			call := s.lastCall()
			p = b.open("ada", args)
			for range 2 {
				p.comesIn(s, "ada")
				p.still("the floor loads", look.width)
			}
			for _, view := range []struct{ name, path string }{
				{"floor", "/"}, {"wall", "/wall"}, {"calls", "/calls"}, {"call", "/calls/" + call.ID}, {"staffing", "/staffing"},
				{"people", "/people"}, {"flows", "/flows"}, {"flow", "/flows/full"}, {"prompts", "/prompts"},
				{"trunks", "/telephony/trunks"}, {"outbound", "/telephony/outbound"}, {"never", "/telephony/never"}, {"telephones", "/telephony/phones"},
				{"webhooks", "/webhooks"}, {"audit", "/audit"}, {"install", "/install"},
			} {
				p.must(nil, "goto", map[string]any{"url": s.http + view.path})
				p.must(nil, "idle", nil)
				p.inLooks(view.name, look.name, look.width)
				if view.name == "call" && look.name == "zh" {
					p.allChinese()
				}
			}
			p.must(nil, "close", nil)
		})
	}
	t.Cleanup(func() { writeIndex(t) })
}

// allChinese: no row of a call's timeline is left in English, nor a part of one. SIP has its own words.
func (p page) allChinese() {
	p.t.Helper()
	var rows, english []string
	eventually(p.t, 20*time.Second, "the timeline is there", func() error {
		p.eval(&rows, `[...document.querySelectorAll('[data-testid=timeline] li:not([data-kind=sip])')].map((row) => row.querySelector('summary, p').textContent.replace(/\([^()]*\)\s*$/, '').trim())`)
		if len(rows) < 10 {
			return fmt.Errorf("%d rows", len(rows))
		}
		return nil
	})
	words := regexp.MustCompile(`[a-z']+ [a-z']+`)
	for _, row := range rows {
		if words.MatchString(row) || !strings.ContainsFunc(row, func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
			english = append(english, row)
		}
	}
	if len(english) > 0 {
		p.t.Errorf("of %d rows of the timeline these are not in Chinese: %q", len(rows), english)
	}
}

// takesACall looks at the seat while it rings, while they talk and in wrap-up.
func (p page) takesACall(s *server, look string, width int) {
	p.t.Helper()
	p.click("go-available")
	p.state("available")
	p.eval(nil, "moved.length = 0")
	caller := s.dial("1001", "--play", fmt.Sprintf("tone:%d", customerHz), "--for", "60s")
	p.state("offered")
	p.inLooks("ringing", look, width)
	p.click("answer")
	p.state("talking")
	p.recordingRuns(s)
	p.inLooks("talking", look, width)
	if width >= 900 {
		p.overTheCall(look)
	}
	caller.hangup()
	p.state("wrap_up")
	p.inLooks("wrapup", look, width)
	p.still("from the ring to the wrap-up", width)
	p.click("wrapup-done")
}

// comesIn loads the page as somebody who is signed in, without a click: browsers forgive what moves within half a second of one.
func (p page) comesIn(s *server, user string) {
	p.t.Helper()
	p.eval(nil, fmt.Sprintf(`fetch("/api/v1/session", {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify({user: %q, password: "demo"})}).then(() => undefined)`, user))
	p.must(nil, "goto", map[string]any{"url": s.http + "/"})
	p.must(nil, "idle", nil)
}

// still: nothing has moved by itself.
func (p page) still(when string, width int) {
	p.t.Helper()
	var moved []string
	if p.eval(&moved, "moved"); len(moved) > 0 && width >= 900 {
		p.t.Errorf("%s: the page moved by itself: %s", when, strings.Join(moved, "\n"))
	}
}

// overTheCall takes pictures of what opens beside and over a call: nothing of it moves the page.
func (p page) overTheCall(look string) {
	p.t.Helper()
	for _, side := range []string{"knowledge", "phrases", "customer"} {
		p.eval(nil, fmt.Sprintf(`document.getElementById("side-%s").click()`, side))
		if side != "customer" {
			p.must(nil, "idle", nil)
			p.picture(side + "-" + look)
		}
	}
	for _, over := range []struct{ key, name string }{{"k", "keypad"}, {"t", "dial"}, {"?", "keys"}} {
		p.press(over.key)
		if over.name == "dial" {
			p.see("dial-queue-support")
		}
		p.picture(over.name + "-" + look)
		p.press("Escape")
	}
}

// recordingRuns waits until there are two seconds to look at afterwards.
func (p page) recordingRuns(s *server) {
	p.t.Helper()
	s.recordingOf("open", 2*time.Second)
}

// smallEnough holds the first view to its budget: what a signed-in agent's browser has fetched.
func (p page) smallEnough() {
	p.t.Helper()
	var got struct {
		Script, Requests int
		Elsewhere        []string
	}
	p.eval(&got, `(() => { const all = performance.getEntriesByType('resource');
		return {script: all.filter((e) => e.name.endsWith('.js')).reduce((n, e) => n + e.encodedBodySize, 0), requests: all.length,
			elsewhere: all.map((e) => e.name).filter((n) => !n.startsWith(location.origin + '/'))}; })()`)
	p.t.Logf("the first view: %d octets of compressed script in %d requests", got.Script, got.Requests)
	if got.Script == 0 || got.Script > 250_000 {
		p.t.Errorf("the first view has %d octets of compressed script, want at most 250,000", got.Script)
	}
	if got.Requests > 40 {
		p.t.Errorf("the first view takes %d requests, want at most 40", got.Requests)
	}
	if len(got.Elsewhere) > 0 {
		p.t.Errorf("something comes from elsewhere: %v", got.Elsewhere)
	}
}

// inContrast are the views with a picture in high contrast too.
var inContrast = []string{"seat", "ringing", "talking", "wrapup", "floor", "flow", "call"}

// inLooks inspects a view, and its colours in dark and high contrast too: those are the same in every language, so once.
func (p page) inLooks(view, look string, width int) {
	p.t.Helper()
	name := view + "-" + look
	if width < 900 && !slices.Contains([]string{"seat", "talking", "floor"}, view) {
		p.picture(name)
		p.fits(name, width)
		return
	}
	p.inspect(name, width)
	if width < 900 {
		return
	}
	for _, theme := range []string{"dark", "contrast"} {
		p.must(nil, "look", map[string]any{"look": theme})
		if theme == "dark" || look == "en" && slices.Contains(inContrast, view) {
			p.picture(name + "-" + theme)
		}
		if look != "en" {
			continue
		}
		var findings []string
		p.must(&findings, "axe", map[string]any{"rules": []string{"color-contrast"}})
		if len(findings) > 0 {
			p.t.Errorf("%s in %s: axe finds %s", name, theme, strings.Join(findings, "\n"))
		}
	}
	p.must(nil, "look", map[string]any{"look": "light"})
}

// inspect checks what can be checked of a view without a person's eyes.
func (p page) inspect(name string, width int) {
	p.t.Helper()
	p.picture(name)
	var findings []string
	p.must(&findings, "axe", nil)
	if len(findings) > 0 {
		p.t.Errorf("%s: axe finds %s", name, strings.Join(findings, "\n"))
	}
	p.fits(name, width)
}

// fits: the page is no wider than the screen, and neither its policy nor its scripts complain.
func (p page) fits(name string, width int) {
	p.t.Helper()
	var wide float64
	p.must(&wide, "eval", map[string]any{"js": "document.documentElement.scrollWidth"})
	if int(wide) > width {
		p.t.Errorf("%s is %.0f px wide on a screen of %d", name, wide, width)
	}
	var refused []string
	if p.eval(&refused, "window.refused ?? []"); len(refused) > 0 {
		p.t.Errorf("%s: the content-security policy refused %v", name, refused)
	}
	var log []string
	p.must(&log, "log", nil)
	log = slices.DeleteFunc(log, func(l string) bool { return !strings.Contains(l, "error") || strings.Contains(l, "401") })
	if len(log) > 0 {
		p.t.Errorf("%s: the console says %s", name, strings.Join(log, "\n"))
	}
}

// picture is a screenshot for docs/screens, where CALLFLOOR_SCREENS names a folder.
func (p page) picture(name string) {
	p.t.Helper()
	if dir := os.Getenv("CALLFLOOR_SCREENS"); dir != "" {
		path, err := filepath.Abs(filepath.Join(dir, name+".webp"))
		if err != nil {
			p.t.Fatal(err)
		}
		p.eval(nil, `Promise.allSettled(document.getAnimations().filter((a) => a.effect?.getTiming().iterations !== Infinity).map((a) => a.finished)).then(() => undefined)`)
		p.screenshot(path)
	}
}

// writeIndex writes the page that shows the pictures, where CALLFLOOR_SCREENS names a folder.
func writeIndex(t *testing.T) {
	dir := os.Getenv("CALLFLOOR_SCREENS")
	if dir == "" {
		return
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.webp"))
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	out.WriteString("# The screens\n\nEvery view as `make screens` finds it: the demo with a real call, in English and 简体中文, light and dark, at 1280 × 800;\n" +
		"beside a CRM (800 px) and on a phone (320 px) below. `e2e.TestScreens` checks them.\n")
	last := ""
	for _, file := range slices.Sorted(slices.Values(files)) {
		name := strings.TrimSuffix(filepath.Base(file), ".webp")
		if view, _, _ := strings.Cut(name, "-"); view != last {
			fmt.Fprintf(&out, "\n## %s\n\n", view)
			last = view
		}
		fmt.Fprintf(&out, "![%s](%s.webp)\n", name, name)
	}
	if err := os.WriteFile(filepath.Join(dir, "README.md"), []byte(out.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
