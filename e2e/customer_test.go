package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"callfloor/knowledge"
)

// TestBesideTheCall: the agent sees who is on the phone, writes it down, looks
// at the whole number, which the audit log tells, reads an article, and puts a
// phrase into the note; at the next call all of it is there.
func TestBesideTheCall(t *testing.T) {
	t.Parallel()
	crm := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"level": "gold", "asked_for": r.URL.Query().Get("n")})
	}))
	t.Cleanup(crm.Close)
	config := filepath.Join(t.TempDir(), "customer.yaml")
	text := "lookups: {private: [127.0.0.0/8]}\ncustomer_lookup: {url: '" + crm.URL + "/?n={number}'}\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s := serve(t, "--config", config)
	b := startBrowsers(t)
	s.writeKnowledge()
	alice := b.agentPage(s, "alice")

	first := s.dial("1002", "--from", "+4930123456", "--for", "90s")
	alice.see("ringing")
	alice.text("customer-name", "Unknown customer")
	alice.press("a")
	alice.state("talking")
	alice.until("what the other system says", func() error {
		if body := alice.body(); !strings.Contains(body, "gold") {
			return errors.New("it is not there")
		}
		return nil
	})
	call, err := s.newest()
	if err != nil {
		t.Fatal(err)
	}
	alice.clickOn(`[data-testid="customer-number"] button`)
	alice.text("customer-number", call.From)
	s.audited("alice", "number_reveal", call.ID)

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
	alice.click("end")
	first.wait()
	alice.state("wrap_up")
	alice.click("wrapup-done")

	s.dial("1002", "--from", "+4930123456", "--for", "60s")
	alice.see("ringing")
	alice.text("customer-name", "Wang Fang")
	alice.text("earlier-calls", "Please send it back within 30 days. done")
	alice.text("earlier-calls", "alice")
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
