package customers

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"callfloor/contact"
	"callfloor/internal/store/storetest"
)

func TestBook(t *testing.T) {
	b := NewBook(storetest.Open(t))
	p, err := b.Find(t.Context(), "+861380000")
	if err != nil || p != (Person{}) {
		t.Fatalf("a new customer: %+v %v", p, err)
	}
	if _, err := b.Save(t.Context(), "+861380000", "bob", Person{Name: " 王芳 ", Language: "zh", VIP: true, Note: "likes mornings"}); err != nil {
		t.Fatal(err)
	}
	p, err = b.Find(t.Context(), "+861380000")
	if err != nil || p.Name != "王芳" || !p.VIP || p.ChangedBy != "bob" || p.Changed == nil {
		t.Errorf("%+v %v", p, err)
	}
	for what, err := range map[string]error{
		"a hidden number": save(t, b, "", Person{Name: "x"}), "a long name": save(t, b, "1", Person{Name: strings.Repeat("x", 101)}),
		"a language": save(t, b, "1", Person{Language: "English of England"}),
	} {
		var e *contact.Error
		if !errors.As(err, &e) || e.Code != contact.Invalid {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func save(t *testing.T, b *Book, number string, p Person) error {
	_, err := b.Save(t.Context(), number, "bob", p)
	return err
}

// asked is a Fetch that notes what it was asked.
type asked struct {
	urls []string
	body string
	err  error
}

func (a *asked) fetch(_ context.Context, url, authorization string, _ int64) ([]byte, error) {
	a.urls = append(a.urls, url+" "+authorization)
	return []byte(a.body), a.err
}

func TestLookup(t *testing.T) {
	c := DefaultConfig()
	c.URL, c.Authorization = "https://crm.example.org/p?n={number}", "Bearer x"
	a := &asked{body: `{"customer_level":"gold","orders":3,"open":true,"none":null,"address":{"city":"Köln"},"tags":["a",{"b":1},[2]],"name":"Ann"}`}
	l := NewLookup(c, a.fetch)
	for range 2 {
		got, err := l.Attributes(t.Context(), "+49 1")
		if err != nil {
			t.Fatal(err)
		}
		want := []Attribute{{"customer level", "gold"}, {"orders", "3"}, {"open", "true"}, {"address city", "Köln"}, {"tags", "a, b 1, 2"}, {"name", "Ann"}}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
	}
	if len(a.urls) != 1 || a.urls[0] != "https://crm.example.org/p?n=%2B49+1 Bearer x" {
		t.Errorf("asked %q", a.urls)
	}
	a.err = errors.New("the server cannot be reached")
	if _, err := l.Attributes(t.Context(), "+492"); err == nil || strings.Contains(err.Error(), "+492") {
		t.Errorf("a failure: %v", err)
	}
	if got, err := NewLookup(DefaultConfig(), a.fetch).Attributes(t.Context(), "1"); got != nil || err != nil {
		t.Errorf("without an address: %v %v", got, err)
	}
	if got, _ := l.Attributes(t.Context(), ""); got != nil {
		t.Error("a hidden number is looked up")
	}
}

func TestLookupForgets(t *testing.T) {
	c := DefaultConfig()
	c.URL, c.Cache = "https://x/{number}", time.Nanosecond
	a := &asked{body: `{}`}
	l := NewLookup(c, a.fetch)
	for i := range maxCached + 5 {
		if _, err := l.Attributes(t.Context(), fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	if len(l.cached) > maxCached {
		t.Errorf("%d are cached", len(l.cached))
	}
}

func TestConfigRefused(t *testing.T) {
	for want, change := range map[string]func(*Config){
		"no address":   func(c *Config) { c.URL = "ftp://x/{number}" },
		"no {number}":  func(c *Config) { c.URL = "https://x/" },
		"100ms to 10s": func(c *Config) { c.Timeout = time.Minute },
		"0s to 24h":    func(c *Config) { c.Cache = -1 },
	} {
		c := DefaultConfig()
		change(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q in it", err, want)
		}
	}
	if err := DefaultConfig().Validate(); err != nil {
		t.Error(err)
	}
}

// Whatever another system answers, it is a short list of short texts or an
// error.
func FuzzFlat(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a":{"b":[1,{"c":null}]}}`, `[`, `{"a":`, strings.Repeat(`{"a":`, 20), `{"a":1}{`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		list, err := flat(body)
		if err == nil && len(list) > maxAttributes {
			t.Errorf("%d attributes", len(list))
		}
		for _, a := range list {
			if len([]rune(a.Value)) > maxValue+1 || a.Value == "" {
				t.Errorf("%q", a.Value)
			}
		}
	})
}
