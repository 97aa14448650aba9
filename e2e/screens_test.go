package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestScreens opens every view of the real product in both languages, light
// and dark, wide and narrow: nothing serious for axe, no script errors, nothing
// that the content-security policy refused, and no page wider than the screen.
// With CALLFLOOR_SCREENS=DIR it writes a picture of each.
func TestScreens(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.agent("bob", "--answer-after", "300ms", "--play", "tone:620", "--for", "30s")
	s.dial("1001", "--play", "tone:440", "--for", "4s").wait()
	call := s.lastCall()
	if call.Recording == nil {
		t.Fatalf("there is no recording to look at: %+v", call)
	}
	for _, look := range []struct {
		name, locale, scheme string
		width                int
	}{
		{"en-light", "en-US", "light", 1280},
		{"zh-dark", "zh-CN", "dark", 1280},
		{"zh-narrow", "zh-CN", "light", 390},
	} {
		t.Run(look.name, func(t *testing.T) {
			t.Parallel()
			b := startBrowsers(t)
			views := map[string][]string{"alice": {"/"}, "ada": {"/", "/calls", "/calls/" + call.ID, "/audit", "/people"}}
			for _, user := range []string{"alice", "ada"} {
				args := map[string]any{"url": s.http + "/", "width": look.width, "scheme": look.scheme, "locale": look.locale}
				p := b.open(user, args)
				if user == "alice" {
					p.see("signin-alice")
					p.inspect(look.name+"-signin", look.width)
				}
				p.click("signin-" + user)
				if user == "alice" {
					p.state("away")
				}
				for _, path := range views[user] {
					p.must(nil, "goto", map[string]any{"url": s.http + path})
					p.must(nil, "idle", nil)
					if strings.HasPrefix(path, "/calls/") {
						p.see("waveform")
					}
					p.inspect(look.name+"-"+user+strings.ReplaceAll(path, "/", "-"), look.width)
				}
				p.must(nil, "close", nil)
			}
		})
	}
}

// inspect checks what can be checked of a view without a person's eyes.
func (p page) inspect(name string, width int) {
	p.t.Helper()
	if dir := os.Getenv("CALLFLOOR_SCREENS"); dir != "" {
		p.screenshot(filepath.Join(dir, strings.TrimRight(strings.Split(name, "-calls-")[0], "-")+suffix(name)+".png"))
	}
	var findings []string
	p.must(&findings, "axe", nil)
	if len(findings) > 0 {
		p.t.Errorf("%s: axe finds %s", name, strings.Join(findings, "\n"))
	}
	var wide float64
	p.must(&wide, "eval", map[string]any{"js": "document.documentElement.scrollWidth"})
	if int(wide) > width {
		p.t.Errorf("%s is %.0f px wide on a screen of %d", name, wide, width)
	}
	var log []string
	p.must(&log, "log", nil)
	log = slices.DeleteFunc(log, func(l string) bool { return !strings.Contains(l, "error") || strings.Contains(l, "401") })
	if len(log) > 0 {
		p.t.Errorf("%s: the console says %s", name, strings.Join(log, "\n"))
	}
}

func suffix(name string) string {
	if strings.Contains(name, "-calls-") {
		return "-call"
	}
	return ""
}
