package ivr

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestCardsAreMasked(t *testing.T) {
	for said, want := range map[string]string{
		"4111111111111111":              "************1111",
		"card 4111 1111-1111 1111, ok":  "card **** ****-**** 1111, ok",
		"x378282246310005y":             "x***********0005y",
		"order 4111111111111112":        "order 4111111111111112", // no check digit
		"13912345678":                   "13912345678",
		"2026-11-23 10:00":              "2026-11-23 10:00",
		"00 4111111111111111":           "** ************1111",
		"ord 12\n4111111111111111 2026": "ord 12\n************1111 2026",
		"":                              "",
	} {
		if got := maskCards(said); got != want {
			t.Errorf("%q became %q, want %q", said, got, want)
		}
	}
}

// A card number is found wherever it stands and however it is written.
func TestAnyCardIsMasked(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		digits := rapid.StringMatching(`[3-6][0-9]{11,17}`).Draw(rt, "digits")
		for d := '0'; d <= '9'; d++ {
			if card := digits + string(d); luhn(card) {
				var written strings.Builder
				for _, c := range card {
					written.WriteRune(c)
					written.WriteString(rapid.SampledFrom([]string{"", "", "", " ", "-"}).Draw(rt, "gap"))
				}
				said := "pay with " + written.String() + "please"
				got := strings.NewReplacer(" ", "", "-", "").Replace(maskCards(said))
				if strings.Contains(got, card) {
					rt.Fatalf("%q became %q", said, got)
				}
			}
		}
	})
}

func TestBriefsAreBounded(t *testing.T) {
	deep := map[string]any{"a": map[string]any{"b": map[string]any{"c": map[string]any{"d": map[string]any{"e": "f"}}}}}
	many := map[string]any{}
	for i := range 500 {
		many[strings.Repeat("k", i%70+1)] = make([]any, 500)
	}
	for _, x := range []map[string]any{nil, deep, many, {"x": strings.Repeat("y", 10_000), "z": "a\x00\x1b[31m\u202Eb", "n": 4111111111111111.0}} {
		got := cleanBrief(x)
		if len(got) > maxBriefKeys {
			t.Errorf("%d keys", len(got))
		}
		if s, _ := got["x"].(string); len([]rune(s)) > maxBriefText {
			t.Errorf("%d runes", len(s))
		}
		if s, ok := got["z"]; ok && s != "a[31mb" {
			t.Errorf("%q", s)
		}
		if n, ok := got["n"]; ok && n != "************1111" {
			t.Errorf("%v", n)
		}
	}
	if got := cleanBrief(deep)["a"].(map[string]any)["b"].(map[string]any)["c"].(map[string]any)["d"]; got != "…" {
		t.Errorf("too deep: %v", got)
	}
}

func FuzzMaskCards(f *testing.F) {
	f.Add("4111 1111 1111 1111")
	f.Add("1-2-3")
	f.Fuzz(func(t *testing.T, s string) {
		got := maskCards(s)
		if len(got) != len(s) || maskCards(got) != got {
			t.Errorf("%q became %q", s, got)
		}
	})
}
