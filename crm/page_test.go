package crm

import (
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestPageAddress(t *testing.T) {
	call := PageCall{Contact: "0123", Line: "1000", Queue: "sales", Language: "zh", Agent: "a b", Number: "+8613812341234"}
	p := Page{URL: "https://crm.example.org/c/{contact}/{agent}?l={line}&q={queue}&n={number}&lang={language}#{line}", Open: OpenBeside, Number: NumberMasked}
	if got, want := p.Address(call), "https://crm.example.org/c/0123/a%20b?l=1000&q=sales&n=%2B86%2A%2A%2A%2A1234&lang=zh#1000"; got != want {
		t.Errorf("masked: %s, want %s", got, want)
	}
	if p.Number = ""; strings.Contains(p.Address(call), "13812341234") {
		t.Error("a number is whole that nobody asked for")
	}
	p.Number = NumberFull
	if got := p.Address(call); !strings.Contains(got, "n=%2B8613812341234&") {
		t.Errorf("full: %s", got)
	}
	if got := (Page{}).Address(call); got != "" {
		t.Errorf("no page: %q", got)
	}
}

// Whatever a caller calls itself, it is one value of the page that was meant.
func TestPageAddressKeepsItsShape(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"..", ".", "../../x", "a&b=c", "{line}", "x#y", "%2e%2e"})).Draw(t, "number")
		p := Page{URL: "https://crm.example.org/c/{number}/end?n={number}&z=1", Open: OpenBeside, Number: NumberFull}
		u, err := url.Parse(p.Address(PageCall{Number: number, Line: "7"}))
		if err != nil {
			t.Fatal(err)
		}
		base, _ := url.Parse("https://crm.example.org/")
		parts := strings.Split(base.ResolveReference(u).EscapedPath(), "/")
		if u.Host != "crm.example.org" || u.Fragment != "" || len(parts) != 4 || parts[1] != "c" || parts[3] != "end" || len(u.Query()) != 2 || u.Query().Get("z") != "1" {
			t.Errorf("%q makes %s", number, u)
		}
		if got := u.Query().Get("n"); strings.Trim(number, ".") != "" && got != number {
			t.Errorf("%q came as %q", number, got)
		}
	})
}

func TestPageConfig(t *testing.T) {
	for text, origin := range map[string]string{
		"https://crm.example.org/{contact}":    "https://crm.example.org",
		"https://CRM.example.org:443?c={line}": "https://crm.example.org",
		"https://crm.example.org:8443":         "https://crm.example.org:8443",
		"http://localhost:80/x":                "http://localhost",
		"http://127.0.0.1:4711/{queue}":        "http://127.0.0.1:4711",
		"":                                     "",
	} {
		p := Page{URL: text, Open: OpenWindow, Number: NumberMasked}
		if got, problems := p.Origin(), p.problems(); got != origin || len(problems) != 0 {
			t.Errorf("%s: %q %v", text, got, problems)
		}
	}
	for _, text := range []string{
		"crm.example.org", "http://crm.example.org/", "javascript://x/%0aalert(1)", "https://{queue}.example.org/", "https://user@crm.example.org/",
		"https://a.example; script-src *", "https://a.example, https://b.example", "https:///x", "https://crm.example.org/{name}", "https://crm.example.org/%zz", "http://127.0.0.1.example.org/",
	} {
		if problems := (Page{URL: text, Open: OpenBeside, Number: NumberMasked}).problems(); len(problems) != 1 || problems[0].Key != "page.url" {
			t.Errorf("%s: %v", text, problems)
		}
	}
	if problems := (Config{Page: Page{Open: "tab", Number: "yes"}}).Problems(nil); len(problems) != 2 || problems[0].Key != "page.open" || problems[1].Key != "page.number" {
		t.Errorf("%v", problems)
	}
}
