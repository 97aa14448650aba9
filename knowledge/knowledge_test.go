package knowledge

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"callfloor/contact"
	"callfloor/internal/store/storetest"
)

func base(t testing.TB) *Base {
	t.Helper()
	return New(storetest.Open(t))
}

func save(t testing.TB, b *Base, a Article) Article {
	t.Helper()
	if a.Language == "" {
		a.Language = "en"
	}
	saved, err := b.Save(t.Context(), "ada", a)
	if err != nil {
		t.Fatal(err)
	}
	return saved
}

func titles(t testing.TB, b *Base, user, language, text string) string {
	t.Helper()
	found, err := b.Search(t.Context(), user, language, text)
	if err != nil {
		t.Fatalf("search %q: %v", text, err)
	}
	var list []string
	for _, f := range found {
		list = append(list, f.Title)
	}
	return strings.Join(list, ", ")
}

func TestSearch(t *testing.T) {
	b := base(t)
	save(t, b, Article{Title: "Returns", Keywords: "send back refund", Text: "A customer has 30 days to send a parcel back."})
	save(t, b, Article{Title: "Parcel insurance", Text: "Every parcel is insured up to 500 €. Nothing is returned."})
	save(t, b, Article{Title: "退货", Language: "zh", Keywords: "退款", Text: "客户可在三十天内退货。请先核对订单号。"})
	for question, want := range map[string]string{
		"parcel":                  "Parcel insurance, Returns", // the title counts most
		"REFUND":                  "Returns",
		"return":                  "Returns, Parcel insurance",
		"insur 500":               "Parcel insurance",
		"parcel refund":           "Returns", // every word
		"退货":                      "退货",      // two letters
		"订单号":                     "退货",
		"款":                       "退货",
		"nothing such":            "",
		`" OR title:*`:            "",
		"30":                      "Returns",
		strings.Repeat("x ", 400): "",
	} {
		if got := titles(t, b, "bob", "", question); got != want {
			t.Errorf("%q finds %q, want %q", question, got, want)
		}
	}
	if got := titles(t, b, "bob", "zh", "parcel"); got != "" {
		t.Errorf("another language: %q", got)
	}
	found, _ := b.Search(t.Context(), "bob", "", "insured")
	if len(found) != 1 || !strings.Contains(found[0].Excerpt, "insured up to") {
		t.Errorf("%+v", found)
	}
}

// Without a question there are the favourites, then what is new.
func TestFavourites(t *testing.T) {
	b := base(t)
	one := save(t, b, Article{Title: "One", Text: "1"})
	save(t, b, Article{Title: "Two", Text: "2"})
	for range 2 {
		if err := b.Like(t.Context(), "bob", one.ID, true); err != nil {
			t.Fatal(err)
		}
	}
	if got := titles(t, b, "bob", "", ""); !strings.HasPrefix(got, "One") {
		t.Errorf("bob sees %q", got)
	}
	a, err := b.Article(t.Context(), "bob", one.ID)
	if err != nil || !a.Favourite {
		t.Errorf("%+v %v", a, err)
	}
	if a, _ := b.Article(t.Context(), "eve", one.ID); a.Favourite {
		t.Error("it is everybody's favourite")
	}
	if err := b.Like(t.Context(), "bob", one.ID, false); err != nil {
		t.Fatal(err)
	}
	if a, _ := b.Article(t.Context(), "bob", one.ID); a.Favourite {
		t.Error("it stays a favourite")
	}
	if err := b.Like(t.Context(), "bob", "none", true); !is(err, contact.NotFound) {
		t.Errorf("no such article: %v", err)
	}
}

// Every version is kept; who writes over another's change is told so; what is
// gone is not found.
func TestVersions(t *testing.T) {
	b := base(t)
	past := time.Now().Add(-time.Hour)
	a := save(t, b, Article{Title: "Fees", Text: "The fee is 3 €.", Review: &past})
	if !a.Stale {
		t.Error("nobody is told that it must be looked at")
	}
	again := a
	a.Text, a.Review = "The fee is 4 €.", nil
	a = save(t, b, a)
	if a.Version != 2 || a.Stale {
		t.Errorf("%+v", a)
	}
	if _, err := b.Save(t.Context(), "eve", again); !is(err, contact.Conflict) {
		t.Errorf("writing over another's change: %v", err)
	}
	if got := titles(t, b, "", "", "3 fee"); got != "" {
		t.Errorf("the old text is found: %q", got)
	}
	versions, err := b.Versions(t.Context(), a.ID)
	if err != nil || len(versions) != 2 || versions[1].Text != "The fee is 3 €." || versions[0].ChangedBy != "ada" {
		t.Errorf("%+v %v", versions, err)
	}
	if err := b.Remove(t.Context(), a.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Article(t.Context(), "", a.ID); !is(err, contact.NotFound) || titles(t, b, "", "", "fee") != "" {
		t.Errorf("it is still there: %v", err)
	}
	if versions, _ := b.Versions(t.Context(), a.ID); len(versions) != 2 {
		t.Error("what was said once cannot be looked up any more")
	}
	if err := b.Remove(t.Context(), a.ID); !is(err, contact.NotFound) {
		t.Errorf("twice: %v", err)
	}
}

func TestPhrases(t *testing.T) {
	b := base(t)
	for _, p := range []struct {
		user string
		Phrase
	}{
		{"ada", Phrase{Shared: true, Shortcut: "hello", Language: "en", Text: "Good morning"}},
		{"bob", Phrase{Shortcut: "hello", Language: "en", Text: "Hi"}},
		{"bob", Phrase{Shortcut: "hello", Language: "en", Text: "Hi there"}},
		{"eve", Phrase{Shortcut: "bye", Language: "en", Text: "Bye"}},
	} {
		if _, err := b.SavePhrase(t.Context(), p.user, p.Phrase); err != nil {
			t.Fatal(err)
		}
	}
	list, err := b.Phrases(t.Context(), "bob")
	if err != nil || len(list) != 2 || list[0].Shared || list[0].Text != "Hi there" || !list[1].Shared {
		t.Fatalf("bob has %+v %v", list, err)
	}
	if err := b.RemovePhrase(t.Context(), "bob", list[1].ID, false); !is(err, contact.NotFound) {
		t.Errorf("bob takes everybody's away: %v", err)
	}
	if err := b.RemovePhrase(t.Context(), "bob", list[0].ID, false); err != nil {
		t.Error(err)
	}
	if err := b.RemovePhrase(t.Context(), "ada", list[1].ID, true); err != nil {
		t.Error(err)
	}
}

func TestRefused(t *testing.T) {
	b := base(t)
	for want, a := range map[string]Article{
		"title": {Language: "en", Text: "x"}, "text": {Language: "en", Title: "x"}, "language": {Title: "x", Text: "x"},
		"keywords": {Language: "en", Title: "x", Text: "x", Keywords: strings.Repeat("x", maxKeywords+1)},
	} {
		if _, err := b.Save(t.Context(), "ada", a); !is(err, contact.Invalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	if _, err := b.SavePhrase(t.Context(), "bob", Phrase{Shortcut: "two words", Language: "en", Text: "x"}); !is(err, contact.Invalid) {
		t.Errorf("a shortcut of two words: %v", err)
	}
}

func is(err error, code contact.Code) bool {
	var e *contact.Error
	return errors.As(err, &e) && e.Code == code
}

// Whatever is asked, the search answers, and its excerpt is text.
func FuzzSearch(f *testing.F) {
	b := base(f)
	save(f, b, Article{Title: "Returns", Text: strings.Repeat("A parcel ſ İ 包裹. ", 50)})
	for _, seed := range []string{"", "parcel", `"`, "a*", "title:x NEAR(", "包", "İ", "\xff", "%_"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		found, err := b.Search(t.Context(), "bob", "", text)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range found {
			if !utf8.ValidString(r.Excerpt) {
				t.Errorf("%q", r.Excerpt)
			}
		}
	})
}

func BenchmarkSearch(b *testing.B) {
	k := base(b)
	for i := range 2000 {
		save(b, k, Article{Title: fmt.Sprintf("Article %d", i), Text: strings.Repeat(fmt.Sprintf("word%d and parcel ", i), 40)})
	}
	for b.Loop() {
		if _, err := k.Search(b.Context(), "bob", "", "parcel word77"); err != nil {
			b.Fatal(err)
		}
	}
}
