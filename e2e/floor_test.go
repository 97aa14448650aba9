package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// floorOfMany is the script that feeds a supervisor's page a floor of 500 agents.
func floorOfMany(t *testing.T) string {
	t.Helper()
	golden := map[string]json.RawMessage{}
	for name, file := range map[string]string{"agent": "agent_checked", "floor": "floor", "me": "me", "queue": "queue", "welcome": "welcome"} {
		text, err := os.ReadFile(filepath.Join("..", "web", "testdata", "protocol", file+".json"))
		if err != nil {
			t.Fatal(err)
		}
		golden[name] = text
	}
	words, err := json.Marshal(golden)
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile(filepath.Join("browser", "floor.js"))
	if err != nil {
		t.Fatal(err)
	}
	return watchInteractions + strings.Replace(string(script), "= GOLDEN;", "= "+string(words)+";", 1)
}

// watchInteractions keeps how long the picture of each key and click took that took 16 ms or more, and how long scripts did of that.
const watchInteractions = `window.interactions = {}; new PerformanceObserver((list) => {
	for (const { interactionId: id, duration: ms, processingStart, processingEnd } of list.getEntries())
		if (id && ms > (window.interactions[id]?.ms ?? 0)) window.interactions[id] = { ms, busy: processingEnd - processingStart };
}).observe({ type: 'event', durationThreshold: 16, buffered: true });`

// TestFloorOfFiveHundred shows a supervisor 500 agents and 200 callers who wait, while
// changes come in: few rows are in the page, it is drawn five times a second and not once
// a change, nothing moves by itself, and the keyboard finds its way. What takes how long
// is measured and said, not judged; CALLFLOOR_PAGES=FILE writes it down.
func TestFloorOfFiveHundred(t *testing.T) {
	beside(t, browsing)
	s := serve(t)
	b := startBrowsers(t)
	sam := b.signIn(s, "sam", map[string]any{"init": floorOfMany(t)})
	sam.must(nil, "wait", map[string]any{"id": "floor-call"})
	var sizes []int
	sam.eval(&sizes, "floor.counts()")
	if want := []int{450, 500}; !slices.Equal(sizes, want) {
		t.Fatalf("the lists say that they have %v rows, want %v", sizes, want)
	}
	sam.fewRows("at first", 2)
	var burst struct{ Changes, Frames, Renders, Touched int }
	sam.eval(&burst, "floor.burst(2000)")
	t.Logf("%+v", burst)
	if most := 2*burst.Frames + 10; burst.Renders > most {
		t.Errorf("%d changes were drawn %d times in %d frames", burst.Changes, burst.Renders, burst.Frames)
	}
	var touched int
	sam.eval(&touched, "floor.agentChange()")
	if touched > 25 {
		t.Errorf("one agent's new state touched %d nodes and attributes of the list", touched)
	}
	sam.eval(nil, "floor.stream(true)")
	sam.keepsTheFocus()
	sam.filters()
	sam.opensAMenu()
	if os.Getenv("CALLFLOOR_PAGES") != "" {
		sam.filters()
		sam.keepsTheFocus()
		sam.opensAMenu()
	}
	sam.eval(nil, "floor.stream(false)")
	sam.measured(s, burst.Changes)
	sam.onTheWall(t)
}

// onTheWall shows the same floor as numbers for a screen on the wall.
func (p page) onTheWall(t *testing.T) {
	t.Helper()
	p.must(nil, "size", map[string]any{"width": 1920, "height": 1080})
	p.picture("floor-of-500")
	p.click("wall-open")
	p.see("wall")
	var tiles int
	if p.eval(&tiles, `document.querySelectorAll('[data-testid="wall"] [data-queue]').length`); tiles != 8 {
		t.Errorf("the wall shows %d queues, want 8", tiles)
	}
	var high float64
	if p.eval(&high, "document.documentElement.scrollHeight"); high > 1080 {
		t.Errorf("the wall is %.0f px high, and nobody scrolls it", high)
	}
	var findings []string
	if p.must(&findings, "axe", nil); len(findings) > 0 {
		t.Errorf("the wall: axe finds %s", strings.Join(findings, "\n"))
	}
	p.picture("wall-of-500")
	p.press("Escape")
	p.see("floor-filter")
}

// fewRows checks that what is not seen is not in the page, and that Tab stops once in each list.
func (p page) fewRows(when string, lists int) {
	p.t.Helper()
	var rows, stops int
	p.eval(&rows, "floor.rows()")
	p.eval(&stops, "floor.tabStops()")
	if rows == 0 || rows > 110 {
		p.t.Errorf("%s: %d rows are in the page, want those in sight and some spare ones", when, rows)
	}
	if stops > 2*lists {
		p.t.Errorf("%s: Tab stops %d times in %d lists, want the row and its button", when, stops, lists)
	}
}

func (p page) focus(want string) {
	p.t.Helper()
	eventually(p.t, 5*time.Second, "the focus is on "+want, func() error {
		var got string
		if p.eval(&got, "floor.focus()"); got != want {
			return fmt.Errorf("it is on %s", got)
		}
		return nil
	})
}

// keepsTheFocus moves through the calls by keyboard while the floor changes.
func (p page) keepsTheFocus() {
	p.t.Helper()
	keys := func(keys ...string) {
		for _, key := range keys {
			p.press(key)
		}
	}
	p.eval(nil, `document.querySelector('tr[data-testid="floor-call"]').focus()`)
	keys("End")
	var last string
	p.eval(&last, "floor.focus()")
	keys("Home", "PageDown", "PageDown", "ArrowDown", "ArrowDown", "ArrowUp")
	var at string
	p.eval(&at, "floor.focus()")
	if at == last || !strings.HasPrefix(at, "t") && !strings.HasPrefix(at, "c") {
		p.t.Errorf("after End the focus was on %q, after Home, two pages and a row on %q", last, at)
	}
	p.eval(nil, `document.querySelector('[aria-labelledby="floor-calls"] [data-grid]').scrollTop = 1e6`)
	p.fewRows("scrolled to the end", 2)
	p.focus(at) // out of sight, and still there
	keys("ArrowDown")
	var next string
	p.eval(&next, "floor.focus()")
	p.eval(nil, fmt.Sprintf("floor.hangUps(%q)", next))
	eventually(p.t, 5*time.Second, "the focus goes to a neighbour of the call that ended", func() error {
		var got string
		if p.eval(&got, "floor.focus()"); got == next || got == "BODY" {
			return fmt.Errorf("it is on %s", got)
		}
		return nil
	})
	keys("Enter")
	p.must(nil, "wait", map[string]any{"id": "supervise"})
	keys("Escape")
	p.gone("supervise")
}

// filters finds one of 500 by typing.
func (p page) filters() {
	p.t.Helper()
	p.press("/")
	p.must(nil, "type", map[string]any{"text": "agent042"})
	eventually(p.t, 5*time.Second, "one agent is left", func() error {
		var rows []string
		p.eval(&rows, `[...document.querySelectorAll("tr[data-agent]")].map((r) => r.dataset.agent)`)
		if !slices.Equal(rows, []string{"agent042"}) {
			return fmt.Errorf("there are %v", rows)
		}
		return nil
	})
	for range len("agent042") {
		p.press("Backspace")
	}
	p.fewRows("unfiltered again", 2)
}

// opensAMenu changes the state of the last agent in the list: by keys, and nothing is cut off.
func (p page) opensAMenu() {
	p.t.Helper()
	p.eval(nil, `document.querySelector('tr[data-agent]').focus()`)
	for _, key := range []string{"End", "ArrowRight", "Enter"} {
		p.press(key)
	}
	eventually(p.t, 5*time.Second, "the menu is whole in the window", func() error {
		var inside bool
		p.eval(&inside, `(() => { const r = document.querySelector('[role="menu"]')?.getBoundingClientRect(); return !!r && r.height > 0 && r.top >= 0 && r.bottom <= innerHeight && r.right <= innerWidth; })()`)
		if !inside {
			return fmt.Errorf("it is not")
		}
		return nil
	})
	p.press("Escape")
}

// pageFigures are what the browser measured of a page.
type pageFigures struct {
	Long    []float64
	Shifts  []string
	Refused []string
}

// interactions says how long the page's interactions took.
func (p page) interactions(name string, long []float64) string {
	p.t.Helper()
	var all map[string]struct{ MS, Busy float64 }
	p.eval(&all, "interactions")
	var paint, busy []float64
	for _, e := range all {
		paint, busy = append(paint, e.MS), append(busy, e.Busy)
	}
	return fmt.Sprintf("| %s | %d | %s | %s | %s |", name, len(all), spread(paint), spread(busy), spread(long))
}

// besideNothing is what the same browser takes to show a letter in a page that has nothing else.
func (b *browsers) besideNothing(s *server) string {
	b.t.Helper()
	p := b.open("nobody", map[string]any{"url": s.http + "/healthz", "init": watchInteractions})
	p.eval(nil, `void (document.body.append(document.createElement('input')), document.querySelector('input').focus())`)
	for range 60 {
		p.press("a")
	}
	return p.interactions("nothing: a letter in an empty page", nil)
}

// measured checks that nothing moved and nothing was refused, and says how long things took.
func (p page) measured(s *server, changes int) {
	p.t.Helper()
	var f pageFigures
	p.eval(&f, "floor.seen")
	if len(f.Shifts) > 0 {
		p.t.Errorf("the page moved by itself: %s", strings.Join(f.Shifts, "\n"))
	}
	if len(f.Refused) > 0 {
		p.t.Errorf("the content-security policy refused %v", f.Refused)
	}
	var findings []string
	if p.must(&findings, "axe", nil); len(findings) > 0 {
		p.t.Errorf("axe finds %s", strings.Join(findings, "\n"))
	}
	line := p.interactions(fmt.Sprintf("500 agents, 250 calls, 200 callers who wait, %d changes before and 100 a second meanwhile", changes), f.Long)
	p.t.Log("floor | interactions over 16 ms | input → picture p50/p95/max ms | script p50/p95/max ms | tasks over 50 ms:\n" + line)
	if os.Getenv("CALLFLOOR_PAGES") != "" {
		writePages(p.t, line+"\n"+p.besideNothing(s))
	}
}

// spread is the median, the 95th percentile and the greatest of figures.
func spread(ms []float64) string {
	if len(ms) == 0 {
		return "–"
	}
	ms = slices.Sorted(slices.Values(ms))
	at := func(share float64) float64 { return ms[min(len(ms)-1, int(share*float64(len(ms))))] }
	return fmt.Sprintf("%.0f / %.0f / %.0f (%d)", at(0.5), at(0.95), ms[len(ms)-1], len(ms))
}

// pagesMark is the line of docs/pages.md below which writePages writes.
const pagesMark = "<!-- make pages writes from here -->"

// writePages writes what was measured into the file that CALLFLOOR_PAGES names.
func writePages(t *testing.T, lines string) {
	t.Helper()
	path := os.Getenv("CALLFLOOR_PAGES")
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	words, _, ok := strings.Cut(string(old), pagesMark)
	if !ok {
		t.Fatalf("%s has no line %q", path, pagesMark)
	}
	load, _ := os.ReadFile("/proc/loadavg") // no Linux: it stays empty
	out := fmt.Sprintf(`%s%s

Measured on %s by `+"`make pages`"+` in headless Chromium without a graphics card; %d cores, load average %s.

| the floor with | interactions over 16 ms | input to picture, ms | of that in scripts, ms | tasks over 50 ms |
|---|---|---|---|---|
%s

Each figure is median / 95th percentile / greatest (how many). An interaction is a key or a click until the picture that shows
what it did (Event Timing, as Interaction to Next Paint); those under 16 ms are not counted, so the median is a pessimist.
`, words, pagesMark, time.Now().UTC().Format(time.DateOnly), runtime.NumCPU(), strings.Join(strings.Fields(string(load) + " – – –")[:1], ""), lines)
	if err := os.WriteFile(path, []byte(out), 0o644); err != nil {
		t.Fatal(err)
	}
}
