package e2e

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"callfloor/call"
	"callfloor/crm"
)

const webhookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// webhook is a CRM that is told what happens. It has an accident at the first
// event, which must come again.
type webhook struct {
	mu    sync.Mutex
	first bool
	got   []toldEvent
}

type toldEvent struct {
	Type string
	Data struct {
		Call    call.Record
		Details map[string]any
	}
}

func (h *webhook) serve(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.first {
		h.first = true
		http.Error(w, "an accident", http.StatusInternalServerError)
		return
	}
	body, _ := io.ReadAll(r.Body)
	key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(webhookSecret, "whsec_"))
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.%s", r.Header.Get("webhook-id"), r.Header.Get("webhook-timestamp"), body)
	if r.Header.Get("webhook-signature") != "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)) {
		h.got = append(h.got, toldEvent{Type: "forged"})
		return
	}
	var e toldEvent
	if err := json.Unmarshal(body, &e); err != nil {
		e.Type = err.Error()
	}
	h.got = append(h.got, e)
}

// told returns the kinds of what came so far.
func (h *webhook) told() (kinds []string, last toldEvent) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range h.got {
		kinds, last = append(kinds, e.Type), e
	}
	return kinds, last
}

// toldTheCRM checks what the CRM heard of a call that is over, and how the
// administrator sees it.
func (s *server) toldTheCRM(b *browsers, h *webhook, id string) {
	s.t.Helper()
	const want = "[offer answer end wrapup]"
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		kinds, last := h.told()
		if len(kinds) < 4 && time.Now().Before(end) {
			continue
		}
		c := last.Data.Call
		if fmt.Sprint(kinds) != want || string(c.ID) != id || c.From != "+49****3456" || c.Ended == nil || c.Disposition == nil || *c.Disposition != "Solved" || len(c.Tags) != 3 {
			s.t.Fatalf("the CRM was told %v, want %s; last %+v", kinds, want, c)
		}
		break
	}
	if code, answer := s.ask("ada", "POST", "/api/v1/webhooks/shop/test", nil); code != 202 {
		s.t.Errorf("a test: %d %s", code, answer)
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		code, answer := s.get("ada", "/api/v1/webhooks/shop/deliveries?state=delivered")
		var list []crm.Delivery
		if err := json.Unmarshal(answer, &list); err == nil && code == 200 && len(list) == 5 && list[0].Event == crm.EventTest && list[4].Tries == 2 {
			break
		} else if time.Now().After(end) {
			s.t.Fatalf("deliveries: %d %v %s", code, err, answer)
		}
	}
	ada := b.open("ada", map[string]any{"url": s.http + "/", "width": 1280})
	ada.click("signin-ada")
	ada.must(nil, "goto", map[string]any{"url": s.http + "/webhooks"})
	ada.text("deliveries", "wrapup")
	ada.text("deliveries", "taken")
	ada.inspect("webhooks", 1280)
	ada.click("webhook-test")
	ada.until("the second test", func() error {
		if kinds, _ := h.told(); len(kinds) != 6 || kinds[5] != "test" {
			return fmt.Errorf("the CRM was told %v", kinds)
		}
		return nil
	})
	ada.must(nil, "close", nil)
	if code, _ := s.get("sam", "/api/v1/webhooks"); code != 403 {
		s.t.Errorf("a supervisor sees the webhooks: %d", code)
	}
	s.audited("ada", "webhook", "shop")
}
