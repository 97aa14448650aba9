package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// TestTheCRMInAWindow: a key opens the CRM's page of the call in a window, which the
// two speak with each other through; after a reload of the seat the key takes the same
// window again. Where the browser blocks it, the agent is told.
func TestTheCRMInAWindow(t *testing.T) {
	beside(t, browsing)
	var seat atomic.Value // the origin that the CRM's page believes
	crm := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { crmPage(w, seat.Load()) }))
	t.Cleanup(crm.Close)
	config := filepath.Join(t.TempDir(), "window.yaml")
	text := "crm: {page: {url: '" + crm.URL + "/page?contact={contact}&number={number}', open: window}}\n" +
		"trunks: [{id: carrier, hosts: ['127.0.0.1:9']}]\noutbound: {rules: [{lines: ['1002'], purposes: [seat], countries: [CN], trunks: default}]}\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s := serve(t, "--config", config)
	seat.Store(s.http)
	b := startBrowsers(t)
	alice := b.agentPage(s, "alice")
	call := s.dial("1002", "--from", "+4930123456", "--for", "90s")
	alice.see("ringing")
	alice.press("q")
	page := alice.popup("crm")
	page.reads("#phase", "ringing (in)")
	page.reads("#number", "+49****3456")
	alice.press("a")
	alice.state("talking")
	page.reads("#all", "ringing talking")

	alice.reload()
	alice.state("talking")
	page.must(nil, "touch", map[string]any{"selector": "#note"}) // a seat that does not know the window yet does not hear it
	alice.until("the key opens the window", func() error { return alice.enabled("crm-window") })
	alice.press("q")
	page.reads("#all", "talking") // it has loaded again, and has been told again
	page.must(nil, "touch", map[string]any{"selector": "#note"})
	alice.until("what the CRM adds to the note", func() error {
		if got := alice.note(); got != "Order 4711 is on its way." {
			return fmt.Errorf("the note is %q", got)
		}
		return nil
	})

	// A key may open one window, and here something else has opened that.
	blocks := b.open("alice-blocks", map[string]any{"url": s.http + "/", "blocks": true, "init": `addEventListener("keydown", () => window.open("about:blank"), true)`})
	blocks.click("signin-alice")
	blocks.state("talking")
	blocks.until("the key may open the window", func() error { return blocks.enabled("crm-window") })
	blocks.press("q")
	blocks.until("the agent is told that the window did not open", func() error {
		if body := blocks.body(); !strings.Contains(body, "Allow pop-up windows for this site.") {
			return fmt.Errorf("the page says %s", body)
		}
		return nil
	})
	blocks.must(nil, "close", nil)

	alice.press("e")
	call.wait()
	alice.state("wrap_up")
	page.reads("#all", "talking wrap_up")
	alice.press("w")
	alice.state("available")
	page.reads("#all", "talking wrap_up ended")
	page.must(nil, "touch", map[string]any{"selector": "#dial"})
	alice.numberFilledIn()
}

// popup is the window that a page has opened.
func (p page) popup(name string) page {
	p.t.Helper()
	if err := p.do(nil, "popup", map[string]any{"name": name, "of": p.name}); err != nil {
		p.t.Fatal(err)
	}
	return page{p.browsers, name}
}

// reads waits for a text in what a CSS selector finds.
func (p page) reads(selector, text string) {
	p.t.Helper()
	p.until(selector+" says "+text, func() error {
		var got string
		err := p.do(&got, "eval", map[string]any{"name": p.name, "js": fmt.Sprintf(`document.querySelector(%q)?.textContent ?? ''`, selector)})
		if err == nil && got != text { // an error: the page is being loaded
			err = fmt.Errorf("it says %q", got)
		}
		return err
	})
}

// enabled says whether a button makes sense now; its key does what it does.
func (p page) enabled(id string) error {
	p.t.Helper()
	var on bool
	if p.eval(&on, fmt.Sprintf(`document.querySelector('[data-testid=%q]')?.ariaDisabled === null`, id)); !on {
		return fmt.Errorf("%s is dimmed", id)
	}
	return nil
}
