package outbound

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"callfloor/contact"
)

func TestNumbers(t *testing.T) {
	for _, tt := range []struct {
		text, region string
		want         Number
	}{
		{"+86 138 1234 5678", "", Number{Dialled: "+8613812345678", E164: "+8613812345678", National: "13812345678", Country: "CN", Kind: Ordinary}},
		{"138-1234-5678", "CN", Number{Dialled: "13812345678", E164: "+8613812345678", National: "13812345678", Country: "CN", Kind: Ordinary}},
		{"(010) 6552 9988", "CN", Number{Dialled: "01065529988", E164: "+861065529988", National: "01065529988", Country: "CN", Kind: Ordinary}},
		{"0049 30 123456", "CN", Number{Dialled: "004930123456", E164: "+4930123456", National: "030123456", Country: "DE", Kind: Ordinary}},
		{"tel:+14155552671", "", Number{Dialled: "+14155552671", E164: "+14155552671", National: "4155552671", Country: "US", Kind: Ordinary}},
		{"+49 900 1234567", "", Number{Dialled: "+499001234567", E164: "+499001234567", National: "09001234567", Country: "DE", Kind: Premium}},
		{"+1 900 555 0123", "", Number{Dialled: "+19005550123", E164: "+19005550123", National: "9005550123", Country: "US", Kind: Premium}},
		{"+8816 1234 5678", "", Number{Dialled: "+881612345678", E164: "+881612345678", National: "612345678", Kind: NoCountry}},
		{"+870 773 111 632", "", Number{Dialled: "+870773111632", E164: "+870773111632", National: "773111632", Kind: NoCountry}},
		{"110", "CN", Number{Dialled: "110", Kind: Emergency}},
		{"112", "DE", Number{Dialled: "112", Kind: Emergency}},
		{"911", "US", Number{Dialled: "911", Kind: Emergency}},
		{"4444", "", Number{Dialled: "4444", Kind: Emergency}},
		{"10086", "CN", Number{Dialled: "10086", Country: "CN", Kind: Short}},
		{"1009", "CN", Number{Dialled: "1009", Kind: Extension}},
		{"2345", "", Number{Dialled: "2345", Kind: Extension}},
	} {
		got, err := Parse(tt.text, tt.region, []string{"4444"}, []string{"1009", "2xxx"})
		if err != nil || got != tt.want {
			t.Errorf("%q in %q: %+v, %v; want %+v", tt.text, tt.region, got, err, tt.want)
		}
	}
}

// TestNoNumbers: what a stranger could smuggle in is no number.
func TestNoNumbers(t *testing.T) {
	for _, text := range []string{
		"", "+", " ", "alice", "1; DROP TABLE calls", "../../etc/passwd", "+86138%0d%0a12345678", "sip:1@example.com", "1009@evil.example",
		"+8613812345678;phone-context=x", "1+2", "*72", "#31#", "１２３", strings.Repeat("1", 41), "+999999999999", "12", "138\x001234\n5678", "+8613812345678&a=b",
	} {
		if n, err := Parse(text, "CN", nil, nil); contact.ErrorCode(err) != contact.Invalid {
			t.Errorf("%q is taken for %+v, %v", text, n, err)
		}
	}
}

// TestOneNumberHowEverWritten: signs between digits change nothing, and what
// comes out can be put in again.
func TestOneNumberHowEverWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		digits := rapid.StringMatching(`1[3-9][0-9]{9}`).Draw(t, "mobile")
		plain, err := Parse("+86"+digits, "", nil, nil)
		if err != nil {
			t.Skip("not assigned")
		}
		var b strings.Builder
		for _, d := range digits {
			b.WriteRune(d)
			b.WriteString(rapid.SampledFrom([]string{"", "", " ", "-", "."}).Draw(t, "sign"))
		}
		for _, form := range []string{b.String(), "0086" + digits, "+86 " + b.String(), plain.E164, plain.National} {
			n, err := Parse(form, "CN", nil, nil)
			if err != nil || n.E164 != plain.E164 || n.Kind != plain.Kind || n.Country != "CN" {
				t.Fatalf("%q is %+v, %v and not %+v", form, n, err, plain)
			}
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"+8613812345678", "110", "0049 30 1", "tel:+1", "+881612345678", "((", "1009"} {
		f.Add(s, "CN")
	}
	f.Fuzz(func(t *testing.T, text, region string) {
		n, err := Parse(text, "CN", []string{"119"}, []string{"1xxx"})
		if err == nil && (n.Kind == "" || strings.ContainsAny(n.Key()+n.National, " @;:/\r\n\x00%")) {
			t.Errorf("%q became %+v", text, n)
		}
		_, _ = Parse(text, region, nil, nil)
	})
}
