package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"callfloor/call"
	"callfloor/knowledge"
)

// TestBesideTheCall: the agent sees who is on the phone, writes it down, looks
// at the whole number, which the audit log tells, reads an article, and puts a
// phrase into the note; at the next call all of it is there, and in the list of calls.
func TestBesideTheCall(t *testing.T) {
	beside(t, browsing)
	told := &webhook{}
	var seat atomic.Value // the origin that the CRM's page believes
	crm := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPost:
			told.serve(w, r)
			return
		case r.URL.Path == "/page":
			crmPage(w, seat.Load())
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"level": "gold", "asked_for": r.URL.Query().Get("n")})
	}))
	t.Cleanup(crm.Close)
	config := filepath.Join(t.TempDir(), "customer.yaml")
	text := "lookups: {private: [127.0.0.0/8]}\ncustomer_lookup: {url: '" + crm.URL + "/?n={number}'}\n" +
		"crm: {webhooks: [{name: shop, url: '" + crm.URL + "/hook', secret: " + webhookSecret + "}], page: {url: '" + crm.URL + "/page?contact={contact}&number={number}'}}\n" +
		"trunks: [{id: carrier, hosts: ['127.0.0.1:9']}]\noutbound: {rules: [{lines: ['1002'], purposes: [seat], countries: [CN], trunks: default}]}\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s := serve(t, "--config", config)
	seat.Store(s.http)
	b := startBrowsers(t)
	s.writeKnowledge()
	alice := b.agentPage(s, "alice")

	first := s.dial("1002", "--from", "+4930123456", "--for", "90s")
	alice.see("ringing")
	alice.text("customer-name", "Unknown customer")
	alice.press("q")
	alice.crmSays("#phase", "ringing (in)")
	alice.crmSays("#number", "+49****3456")
	alice.press("q")
	alice.press("a")
	alice.state("talking")
	alice.until("what the other system says", func() error {
		if body := alice.body(); !strings.Contains(body, "gold") {
			return errors.New("it is not there")
		}
		return nil
	})
	began, err := s.newest()
	if err != nil {
		t.Fatal(err)
	}
	alice.clickOn(`[data-testid="customer-number"] button`)
	alice.text("customer-number", began.From)
	s.audited("alice", "number_reveal", began.ID)

	alice.clickOn(`[data-testid="customer-edit"]`)
	alice.must(nil, "type", map[string]any{"text": "Wang Fang"})
	alice.clickOn(`input[type="checkbox"]`)
	alice.clickOn(`form .btn-accent`)
	alice.text("customer-name", "Wang Fang")
	alice.text("customer-name", "VIP")

	alice.press("/")
	alice.must(nil, "type", map[string]any{"text": "parcel"})
	alice.text("articles", "Returns")
	alice.clickOn(`[data-testid="articles"] button`)
	alice.text("article", "30 days")

	alice.clickOn(`[data-testid="note"]`)
	for _, text := range []string{"/ret ", "done"} {
		alice.must(nil, "type", map[string]any{"text": text})
	}
	alice.until("the phrase in the note", func() error {
		var note string
		alice.eval(&note, `document.querySelector('[data-testid="note"]').value`)
		if note != "Please send it back within 30 days. done" {
			return fmt.Errorf("the note is %q", note)
		}
		return nil
	})
	alice.notedByTheCRM()
	alice.click("end")
	first.wait()
	alice.state("wrap_up")
	alice.inspect("wrap-up", 1280)
	for _, key := range []string{"1", "2", "3", "0", "3"} { // result, topic, mood, not whether solved, difficulty
		alice.press(key)
	}
	alice.click("wrapup-done")
	alice.state("available")
	s.tagged(began.ID)
	s.toldTheCRM(b, told, began.ID)
	alice.dialledByTheCRM()

	s.dial("1002", "--from", "+4930123456", "--for", "60s")
	alice.see("ringing")
	alice.text("customer-name", "Wang Fang")
	alice.text("earlier-calls", "Please send it back within 30 days. done")
	alice.text("earlier-calls", "Alice")
	alice.text("earlier-calls", "Topic: Delivery · Mood: Upset · Difficulty: Hard")
	alice.press("a")
	alice.state("talking")
	alice.inspect("beside-the-call", 1280)

	alice.until("her figures", func() error {
		if body := alice.body(); !strings.Contains(body, "today 2 calls") || !strings.Contains(body, "handle 0:") {
			return errors.New("they are not there")
		}
		return nil
	})
	alice.click("figures")
	alice.see("figures-states")
	alice.inspect("figures", 1280)
	alice.takesTheCalls(s, began.ID)
}

// takesTheCalls downloads the list of an agent's calls from its page.
func (p page) takesTheCalls(s *server, id string) {
	p.t.Helper()
	p.goTo(s, "/calls")
	p.see("call-row")
	var text string
	p.eval(&text, `fetch(document.querySelector('[data-testid="calls-export"]').href).then((answer) => answer.text())`)
	for _, want := range []string{id, "'+49****3456", "Please send it back within 30 days. done", "topic=delivery"} {
		if !strings.Contains(text, want) {
			p.t.Errorf("the download has no %q:\n%s", want, text)
		}
	}
	p.inspect("calls", 1280)
	s.audited("alice", "calls_export", "calls")
}

// crmPage serves the example, which believes seat.
func crmPage(w http.ResponseWriter, seat any) {
	page, err := os.ReadFile(filepath.Join("testdata", "crm.html"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(bytes.ReplaceAll(page, []byte("https://callfloor.example.org"), fmt.Append(nil, seat)))
}

// crmSays waits for a text in the CRM's page beside the call.
func (p page) crmSays(selector, text string) {
	p.t.Helper()
	p.must(nil, "within", map[string]any{"id": "crm", "selector": selector, "text": text})
}

// notedByTheCRM: the CRM's page, which knows the call, adds to its note, and Esc
// leads back from it.
func (p page) notedByTheCRM() {
	p.t.Helper()
	p.eval(nil, `document.activeElement.blur()`)
	p.press("q")
	p.crmSays("#all", "ringing talking")
	p.inspect("crm", 1280)
	p.eval(nil, `void (document.documentElement.dataset.theme = "dark")`)
	p.picture("crm-dark")
	p.eval(nil, `void (document.documentElement.dataset.theme = "light")`)
	p.must(nil, "within", map[string]any{"id": "crm", "selector": "#note"})
	p.until("what the CRM adds to the note", func() error {
		var note string
		p.eval(&note, `document.querySelector('[data-testid="note"]').value`)
		if note != "Please send it back within 30 days. done\nOrder 4711 is on its way." {
			return fmt.Errorf("the note is %q", note)
		}
		return nil
	})
	p.press("Escape") // in the CRM's page
	p.until("the customer is shown again", func() error { return p.focused("side-customer") })
}

// dialledByTheCRM: the CRM's page, which stays after the call, fills the number
// pad; it calls nobody.
func (p page) dialledByTheCRM() {
	p.t.Helper()
	p.press("q")
	p.crmSays("#all", "ringing talking wrap_up ended")
	p.must(nil, "within", map[string]any{"id": "crm", "selector": "#dial"})
	p.numberFilledIn()
	p.press("Escape") // in the CRM's page, if the focus went back there, or in the seat
	p.until("the customer is shown again", func() error { return p.focused("side-customer") })
}

// numberFilledIn: the number pad has the CRM's number, and calls nobody.
func (p page) numberFilledIn() {
	p.t.Helper()
	p.until("the number pad is ready for Enter", func() error {
		var number string
		p.eval(&number, `document.activeElement.value ?? ''`)
		if number != "+86 138 1234 1234" {
			return fmt.Errorf("what has the focus holds %q", number)
		}
		return nil
	})
	p.state("available")
	p.press("Escape")
	p.gone("dial-out")
}

// focused says whether the element of an ID has the focus.
func (p page) focused(id string) error {
	p.t.Helper()
	var at string
	if p.eval(&at, `document.activeElement.id`); at != id {
		return fmt.Errorf("%q has the focus", at)
	}
	return nil
}

// tagged checks that a call is found by the tags that it got, and counted.
func (s *server) tagged(id string) {
	s.t.Helper()
	var found []call.Record
	if code, answer := s.get("sam", "/api/v1/calls?tag=topic=delivery&tag=mood=upset"); code != 200 || json.Unmarshal(answer, &found) != nil || len(found) != 1 || string(found[0].ID) != id {
		s.t.Fatalf("found by tags: %d %s", code, answer)
	}
	if got := found[0]; *got.Disposition != "Solved" || fmt.Sprint(got.Tags) != "map[difficulty:[hard] mood:[upset] topic:[delivery]]" {
		s.t.Errorf("kept: %v %v", *got.Disposition, got.Tags)
	}
	if code, answer := s.get("alice", "/api/v1/tag-counts?from=2020-01-01T00:00:00Z"); code != 200 || !strings.Contains(string(answer), `{"group":"topic","tag":"delivery","calls":1}`) {
		s.t.Errorf("counts: %d %s", code, answer)
	}
}

// writeKnowledge writes an article and a phrase as the supervisor.
func (s *server) writeKnowledge() {
	s.t.Helper()
	if code, answer := s.ask("sam", "POST", "/api/v1/articles", map[string]any{"version": 0, "language": "en", "title": "Returns", "keywords": "refund", "text": "A customer has 30 days to send a parcel back."}); code != 201 {
		s.t.Fatalf("write an article: %d %s", code, answer)
	}
	if code, answer := s.ask("sam", "PUT", "/api/v1/phrases", map[string]any{"shared": true, "shortcut": "ret", "language": "en", "text": "Please send it back within 30 days."}); code != 200 {
		s.t.Fatalf("write a phrase: %d %s", code, answer)
	}
	if code, _ := s.ask("alice", "POST", "/api/v1/articles", map[string]any{"version": 0, "language": "en", "title": "x", "text": "x"}); code != 403 {
		s.t.Errorf("an agent writes an article: %d", code)
	}
	var found []knowledge.Found
	if code, answer := s.ask("alice", "GET", "/api/v1/articles?q=refund", nil); code != 200 || json.Unmarshal(answer, &found) != nil || len(found) != 1 {
		s.t.Errorf("search: %d %s", code, answer)
	}
}
