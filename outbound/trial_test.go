package outbound

import (
	"strings"
	"testing"
	"time"

	"callfloor/internal/store"
)

// TestTrial: what would become of a call, by which rule and for how much; to ask
// is not to call: nothing is counted, and nobody is blocked.
func TestTrial(t *testing.T) {
	c := house()
	c.RefusalsAlarm, c.CallsPerHour, c.HouseCallsPerHour = 2, 1, 1
	b := NewBook(c, time.UTC)
	try := func(number string, change func(*Request)) Trial {
		n, err := c.Parse(number)
		if err != nil {
			t.Fatal(err)
		}
		r := Request{Number: n, Line: "1000", Purpose: Seat, By: "alice"}
		if change != nil {
			change(&r)
		}
		return b.Try(monday, r)
	}
	for _, tt := range []struct {
		name, number string
		change       func(*Request)
		rule         int
		trunks       string
		why          Why
		perMinute    float64
	}{
		{"Beijing", "+861065529988", nil, 0, "default", "", 0.2},
		{"London", "+442079460018", nil, 0, "default", "", 2},
		{"Berlin", "+4930123456", nil, 0, "", WhyCountry, 1},
		{"an extension", "2001", nil, 4, "pbx", "", 0},
		{"a callback", "13812345678", func(r *Request) { r.Purpose, r.Inbound = Callback, true }, 1, "cheap", "", 0.1},
		{"no rule", "13812345678", func(r *Request) { r.Line = "9" }, 4, "", WhyCountry, 0.1},
		{"listed", "13812345678", func(r *Request) { r.Listed = true }, 0, "", WhyListed, 0.1},
		{"emergency", "110", nil, -1, "default", "", 0},
		{"emergency by API", "110", func(r *Request) { r.Purpose = API }, -1, "", WhyEmergency, 0},
	} {
		got := try(tt.number, tt.change)
		why := Why("")
		if got.Refused != nil {
			why = got.Refused.Why
		}
		if got.Rule != tt.rule || got.Trunks != tt.trunks || why != tt.why || got.PerMinute != tt.perMinute {
			t.Errorf("%s: %+v", tt.name, got)
		}
	}
	if s := b.Status(monday); s.Calls != 0 || s.LastHour != 0 || len(s.Blocked) != 0 {
		t.Errorf("to ask counts: %+v", s)
	}
	if _, err := ask(b, monday, "13812345678", nil); err != nil {
		t.Fatal(err)
	}
	if got := try("13812345678", nil); got.Refused == nil || got.Refused.Why != WhyHour {
		t.Errorf("at the cap: %+v", got)
	}
	if got := try("13812345678", func(r *Request) { r.By = "bob" }); got.Refused == nil || b.Status(monday).Stopped != nil || len(b.Take()) != 0 {
		t.Errorf("to ask at the house's cap stops the house: %+v", got)
	}
}

// TestReadList: lists of numbers as other programs write them.
func TestReadList(t *testing.T) {
	c := house()
	list, wrong, err := c.ReadList("\ufeffNumber;Reason\r\n+86 138 1234 5678; asked us to\r\n010-65529988\r\nfoo;bar\r\n110;x\r\n\r\n\"+44 20 7946 0018\";\"a;b\"\r\n", "import")
	if err != nil {
		t.Fatal(err)
	}
	want := []Listed{{Number: "+8613812345678", Why: "asked us to"}, {Number: "+861065529988", Why: "import"}, {Number: "+442079460018", Why: "a;b"}}
	if len(list) != 3 || list[0] != want[0] || list[1] != want[1] || list[2] != want[2] {
		t.Errorf("%+v", list)
	}
	if len(wrong) != 2 || wrong[0].Line != 4 || wrong[1].Line != 5 || !strings.Contains(wrong[1].Why, "emergency") {
		t.Errorf("%+v", wrong)
	}
	if _, _, err := c.ReadList(strings.Repeat("x\n", maxImport+2), ""); err == nil {
		t.Error("there is no limit")
	}
}

func FuzzReadList(f *testing.F) {
	c := house()
	f.Add("number,why\n13812345678,\"x\"\n")
	f.Add("\";\n,,\r\"")
	f.Fuzz(func(t *testing.T, text string) {
		list, _, err := c.ReadList(text, "why")
		for _, l := range list {
			if _, bad := c.Parse(l.Number); err != nil || bad != nil {
				t.Errorf("%q gives %q: %v", text, l.Number, bad)
			}
		}
	})
}

// TestTheListIsSearched: by number, reason and who listed it, and what people type
// is no pattern; who sees numbers masked finds none by its digits.
func TestTheListIsSearched(t *testing.T) {
	db, err := store.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	s := NewStore(db)
	added, err := s.Put(t.Context(), Listed{Number: "+8613812345678", Since: monday, By: "ada", Why: "100% sure"}, Listed{Number: "+442079460018", Since: monday.Add(time.Second), By: "sam", Why: "Asked_Us"})
	if err != nil || added != 2 {
		t.Fatal(added, err)
	}
	if added, err = s.Put(t.Context(), Listed{Number: "+442079460018", Since: monday, By: "ada", Why: "asked us"}); err != nil || added != 0 {
		t.Errorf("once more: %d, %v", added, err)
	}
	for q, want := range map[string]int{"": 2, "138": 1, "ASKED": 1, "%": 1, "_": 0, `\`: 0, "ada": 1, "sam": 1, "nobody": 0} {
		if list, fit, err := s.List(t.Context(), q, q, false); err != nil || len(list) != want || fit != want {
			t.Errorf("%q: %+v, %d, %v", q, list, fit, err)
		}
	}
	for q, want := range map[string]int{"": 2, "1234": 0, "+86": 0, "+8613812345678": 1, "asked": 1} {
		if list, fit, err := s.List(t.Context(), q, q, true); err != nil || len(list) != want || fit != want {
			t.Errorf("masked, %q: %+v, %d, %v", q, list, fit, err)
		}
	}
}
