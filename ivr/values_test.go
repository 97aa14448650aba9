package ivr

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestValuesAreSpokenProperly in both languages.
func TestValuesAreSpokenProperly(t *testing.T) {
	p := builtinPrompts(t)
	r := &runner{frame: frame{flow: &Flow{prompts: p}}}
	for _, c := range []struct {
		format format
		value  any
		en, zh string
	}{
		{format{kind: "number"}, 0.0, "zero", "零"},
		{format{kind: "number"}, 65.0, "sixty five", "六十五"},
		{format{kind: "number"}, 110.0, "one hundred ten", "一百一十"},
		{format{kind: "number"}, 205.0, "two hundred five", "两百零五"},
		{format{kind: "number"}, 1024.0, "one thousand twenty-four", "一千零二十四"},
		{format{kind: "number"}, 2010.0, "two thousand ten", "两千零一十"},
		{format{kind: "number"}, 10_000.0, "ten thousand", "一万"},
		{format{kind: "number"}, 20_500.0, "twenty thousand five hundred", "两万零五百"},
		{format{kind: "number"}, 120_015.0, "one hundred twenty thousand fifteen", "十二万零一十五"},
		{format{kind: "number"}, 1_234_567.0, "one million two hundred thirty-four thousand five hundred sixty seven", "一百二十三万四千五百六十七"},
		{format{kind: "number"}, -3.25, "minus three point two five", "负三点二五"},
		{format{kind: "number"}, 123_456_789.0, "one two three four five six seven eight nine", "一二三四五六七八九"},
		{format{kind: "digits"}, "007", "zero zero seven", "零零七"},
		{format{kind: "digits"}, "7a", "", ""},
		{format{kind: "money", currency: "USD"}, 1.01, "one dollar one cent", "一美元一分"},
		{format{kind: "money", currency: "EUR"}, 2.5, "two euros fifty cents", "两欧元五十分"},
		{format{kind: "money", currency: "GBP"}, 0.99, "ninety nine pence", "九十九便士"},
		{format{kind: "money", currency: "CNY"}, 12.05, "twelve yuan five fen", "十二元零五分"},
		{format{kind: "money", currency: "CNY"}, 2.22, "two yuan two jiao two fen", "两元两角两分"},
		{format{kind: "money", currency: "CNY"}, 0.0, "zero yuan", "零元"},
		{format{kind: "date"}, "2026-11-30", "November thirtieth twenty twenty-six", "二零二六年十一月三十日"},
		{format{kind: "date"}, "2005-02-01", "February first two thousand five", "二零零五年二月一日"},
		{format{kind: "date"}, "1905-06-12", "June twelfth nineteen zero five", "一九零五年六月十二日"},
		{format{kind: "date"}, "2026-02-30", "", ""},
		{format{kind: "time"}, "17:30", "seventeen thirty", "十七点三十分"},
		{format{kind: "time"}, "25:00", "", ""},
	} {
		for lang, want := range map[string]string{"en": c.en, "zh": c.zh} {
			if got := textOf(lang, r.resolveIDs(lang, c.format.ids(lang, c.value)...)); got != want {
				t.Errorf("%v of %v in %s: %q, want %q", c.format, c.value, lang, got, want)
			}
		}
	}
}

// TestEveryValueHasItsPrompts: no number, amount, date or time leads to a hole.
func TestEveryValueHasItsPrompts(t *testing.T) {
	p := builtinPrompts(t)
	known := valuePrompts()
	rapid.Check(t, func(rt *rapid.T) {
		f := format{kind: rapid.SampledFrom(formatNames()).Draw(rt, "kind"), currency: rapid.SampledFrom(currencies()).Draw(rt, "currency")}
		var x any = rapid.Float64().Draw(rt, "x")
		switch f.kind {
		case "number", "money":
			if rapid.Bool().Draw(rt, "small") {
				x = float64(rapid.IntRange(-1_000_000_000, 1_000_000_000).Draw(rt, "n")) / 100
			}
		case "digits":
			x = rapid.StringMatching(`[0-9]{0,20}`).Draw(rt, "digits")
		default:
			at := time.Unix(rapid.Int64Range(0, 4_000_000_000).Draw(rt, "at"), 0).UTC()
			if x = at.Format("2006-01-02"); f.kind == "time" {
				x = at.Format("15:04")
			}
		}
		for _, lang := range Languages() {
			for _, id := range f.ids(lang, x) {
				if _, ok := p.Lookup(id, lang); !ok || !slices.Contains(known, id) {
					rt.Fatalf("%v of %v: there is no %s in %s", f, x, id, lang)
				}
			}
		}
	})
}

// TestHoursAroundTheClocks: the days on which clocks are changed, in the zone of
// the hours and not in that of the server.
func TestHoursAroundTheClocks(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	night := openingHours{spans: []openSpan{{Days: weekdays{"sat", "mon"}, From: clockTime{minute: 150, set: true}, To: clockTime{minute: 240, set: true}}}}
	c := calendar{zone: berlin, hours: night, holidays: holidays{{Date: holidayDate{word: word{text: "12-25"}, month: 12, day: 25}}}}
	for _, tt := range []struct {
		at   string
		want bool
	}{
		{"2026-03-29T00:59:00Z", false}, // 01:59, one minute before the gap
		{"2026-03-29T01:00:00Z", true},  // 03:00: the clocks have been put forward over 02:30
		{"2026-03-29T01:59:59Z", true},
		{"2026-03-29T02:00:00Z", false}, // 04:00
		{"2026-10-25T00:29:00Z", false}, // 02:29 for the first time
		{"2026-10-25T00:30:00Z", true},  // 02:30
		{"2026-10-25T01:00:00Z", false}, // 02:00 again
		{"2026-10-25T01:30:00Z", true},  // 02:30 again
		{"2026-10-25T03:00:00Z", false},
		{"2026-03-27T02:00:00Z", false}, // Friday
		{"2026-12-26T02:00:00Z", true},  // Saturday 03:00
		{"2026-12-25T23:59:00Z", false}, // the holiday's end is that of the zone: already Saturday 00:59
		{"2027-12-25T02:00:00Z", false}, // every year
	} {
		at, err := time.Parse(time.RFC3339, tt.at)
		if err != nil {
			t.Fatal(err)
		}
		if got, why := c.isOpen(at); got != tt.want {
			t.Errorf("%s: open %v %s, want %v", tt.at, got, why, tt.want)
		}
	}
}
