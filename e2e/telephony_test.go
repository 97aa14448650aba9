package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestTelephonyPages: the administrator sees the trunks, asks what would become of
// a call, keeps numbers from being called and imports a list of them, and ends a
// telephone's registration; in both languages, light and dark, wide and narrow.
func TestTelephonyPages(t *testing.T) {
	beside(t, browsing)
	s := serve(t)
	desk := startBaresip(t, voice(t, 620, 0, time.Second))
	desk.do("uanew", fmt.Sprintf("<sip:alice@%s>;auth_pass=demo;regint=60", s.sip))
	desk.reports("REGISTER_OK", 1)
	list := filepath.Join(t.TempDir(), "numbers.csv")
	if err := os.WriteFile(list, []byte("number,reason\n13800138001,moved\nnobody,x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := startBrowsers(t)
	p := b.open("ada", map[string]any{"url": s.http + "/telephony", "width": 1280})
	p.click("signin-ada")
	p.see("trunk-demo")
	p.until("the trunk has answered", func() error { return p.saysAll("✓ Up", "200 OK") })
	p.inspect("telephony-trunks", 1280)

	p.click("tel-outbound")
	p.ask("13812345678")
	p.until("it may be called", func() error {
		return p.saysAll("Yes, it may be called.", "+8613812345678", "rule 1 allows it", "✓ demo (Up)")
	})
	p.inspect("telephony-outbound", 1280)
	p.ask("+4930123456")
	p.until("it may not", func() error { return p.saysAll("No rule allows calls to this country", "rule 1 came nearest") })

	p.click("tel-never")
	p.fill("never-number", "138 1234 5678")
	p.fill("never-why", "asked us to")
	p.click("never-add")
	p.until("it is on the list", func() error { return p.saysAll("+8613812345678", "asked us to") })
	p.must(nil, "files", map[string]any{"selector": "[data-testid=never-import]", "paths": []string{list}})
	p.until("the list is read", func() error {
		return p.saysAll("Numbers read: 1, new on the list: 1; lines left out: 1.", "+8613800138001", "Line 3")
	})
	p.inspect("telephony-never", 1280)
	p.fill("never-search", "moved")
	p.until("it is found", func() error {
		if text := p.body(); strings.Contains(text, "asked us to") || !strings.Contains(text, "+8613800138001") {
			return fmt.Errorf("the page says %s", text)
		}
		return nil
	})
	p.clickOn("[data-testid=never] button")
	p.must(nil, "type", map[string]any{"text": "they moved back"})
	p.press("Enter")
	p.until("it is off the list", func() error { return p.saysAll("Nothing on the list fits.") })
	p.click("tel-outbound")
	p.ask("13812345678")
	p.until("the list holds", func() error { return p.saysAll("The number is on the do-not-call list.") })

	p.click("tel-phones")
	p.until("the telephone", func() error { return p.saysAll("alice", "baresip", "UDP") })
	p.inspect("telephony-phones", 1280)
	p.click("tel-bans")
	p.until("nobody is shut out", func() error { return p.saysAll("No address is shut out.", "/api/v1/bans.txt") })
	p.click("tel-phones")
	zh := b.open("narrow", map[string]any{"url": s.http + "/telephony/trunks", "width": 390, "scheme": "dark", "locale": "zh-CN"})
	zh.click("signin-ada")
	for _, part := range []string{"trunks", "outbound", "never", "phones", "bans"} {
		zh.click("tel-" + part)
		zh.until("the page is there", func() error { return zh.saysNot("正在加载") })
		zh.inspect("telephony-narrow-"+part, 390)
	}
	zh.must(nil, "close", nil)
	p.clickOn("[data-testid=telephones] button")
	p.clickOn("[data-testid=telephones] button")
	p.until("its registration is over", func() error { return p.saysAll("No telephone is registered.") })
	s.audited("ada", "phone_remove", "alice")
}

// ask asks the rules about a number.
func (p page) ask(number string) {
	p.t.Helper()
	p.fill("try-number", number)
	p.click("try-go")
}

func (p page) fill(id, value string) {
	p.t.Helper()
	p.must(nil, "fill", map[string]any{"selector": "[data-testid=" + id + "]", "value": value})
}

func (p page) saysNot(text string) error {
	p.t.Helper()
	if body := p.body(); strings.Contains(body, text) {
		return fmt.Errorf("the page still says %q", text)
	}
	return nil
}

// saysAll says whether the page has all these texts.
func (p page) saysAll(texts ...string) error {
	p.t.Helper()
	body := p.body()
	for _, text := range texts {
		if !strings.Contains(body, text) {
			return fmt.Errorf("no %q in the page:\n%s", text, body)
		}
	}
	return nil
}
