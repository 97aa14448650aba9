package acd

import (
	"errors"
	"slices"
	"testing"
	"time"
	_ "time/tzdata" // also where the machine has no time zones
)

func TestExpr(t *testing.T) {
	levels := map[string]int{"chinese": 3, "billing": 1}
	for text, want := range map[string]bool{
		"any": true, "chinese": true, "chinese >= 3": true, "chinese > 3": false, "chinese == 3": true, "chinese = 2": false,
		"chinese != 2": true, "chinese < 4": true, "chinese <= 2": false, "trainee": false, "NOT trainee": true, "trainee = 0": true,
		"chinese >= 4 OR billing": true, "chinese >= 4 or billing and trainee": false, "(chinese >= 4 OR billing) AND NOT trainee": true,
		"not (chinese and billing)": false, "  chinese>=3  ": true, "not not chinese": true,
	} {
		e, err := ParseExpr(text)
		if err != nil || e.Holds(levels) != want {
			t.Errorf("%q holds %v (%v), want %v", text, e.Holds(levels), err, want)
		}
	}
	if e, err := ParseExpr("a >= 2 AND (b OR NOT a) AND any"); err != nil || !slices.Equal(e.Names(), []string{"a", "b"}) || (Expr{}).Names() != nil {
		t.Errorf("names: %v (%v)", e.Names(), err)
	}
	for text, column := range map[string]int{
		"": 1, "chinese >=": 11, "chinese >= 9": 12, "chinese >=> 2": 9, "(chinese": 1, "chinese billing": 9, "and": 1,
		"Chinese": 1, "chinese )": 9, "chinese AND": 12, "chinese & billing": 9, "NOT": 4, "3 >= chinese": 1,
	} {
		_, err := ParseExpr(text)
		var e *ExprError
		if !errors.As(err, &e) || e.Column != column {
			t.Errorf("%q: %v, want an error at column %d", text, err, column)
		}
	}
}

// FuzzParseExpr: anything is read or refused with a place in it, and what was
// read reads the same again.
func FuzzParseExpr(f *testing.F) {
	for _, s := range []string{"chinese >= 3 AND (billing OR NOT trainee)", "((((", "any", "a=", "not not not a", "a<b", "\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		x, err := ParseExpr(text)
		var e *ExprError
		switch {
		case errors.As(err, &e):
			if e.Column < 1 || e.Column > len(text)+1 {
				t.Errorf("%q: column %d", text, e.Column)
			}
		case err != nil:
			t.Errorf("%q: %T", text, err)
		default:
			again, err := ParseExpr(x.String())
			levels := map[string]int{"a": 1, "chinese": 3}
			if err != nil || again.Holds(levels) != x.Holds(levels) {
				t.Errorf("%q reads as %q: %v", text, x, err)
			}
		}
	})
}

func TestHours(t *testing.T) {
	shanghai, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	s := schedule{zone: shanghai}
	for _, text := range []string{"mon-fri 09:00-18:00", "fri 22:00-24:00", "sat 00:00-02:00"} {
		var h Hours
		if err := h.UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
		s.hours = append(s.hours, h)
	}
	s.holidays = []Day{{"2026-10-01"}}
	at := func(text string) time.Time {
		v, err := time.ParseInLocation("2006-01-02 15:04", text, shanghai)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, tt := range []struct{ now, closes string }{ // "" is closed now
		{"2026-11-23 08:59", ""}, {"2026-11-23 09:00", "2026-11-23 18:00"}, {"2026-11-23 18:00", ""},
		{"2026-11-27 23:00", "2026-11-28 02:00"}, {"2026-11-29 12:00", ""}, {"2026-10-01 10:00", ""},
	} {
		now := at(tt.now)
		if s.open(now) != (tt.closes != "") || tt.closes != "" && !s.closes(now.UTC()).Equal(at(tt.closes)) {
			t.Errorf("%s: open %v, closes %v", tt.now, s.open(now), s.closes(now))
		}
	}
	if always := (schedule{zone: time.UTC}); !always.open(at("2026-11-23 03:00")) || !always.closes(at("2026-11-23 03:00")).IsZero() {
		t.Error("a queue without hours closes")
	}
	for _, bad := range []string{"", "mon", "mon 9-18", "mo 09:00-18:00", "mon 18:00-09:00", "mon-fri 09:00-25:00"} {
		var h Hours
		if h.UnmarshalText([]byte(bad)) == nil {
			t.Errorf("%q passed", bad)
		}
	}
}
