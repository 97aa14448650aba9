package staffing

import (
	"strings"
	"testing"
	"time"
)

func TestHistory(t *testing.T) {
	shanghai := time.FixedZone("CST", 8*3600)
	at := func(s string) time.Time {
		v, err := time.ParseInLocation("2006-01-02 15:04", s, shanghai)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	calls := []Call{
		{At: at("2026-11-16 09:01"), Answered: true, Wait: 10 * time.Second, Talk: 2 * time.Minute},
		{At: at("2026-11-16 09:29"), Answered: true, Wait: 30 * time.Second, Talk: 4 * time.Minute},
		{At: at("2026-11-16 10:00"), Wait: 20 * time.Second},
		{At: at("2026-11-23 09:10"), Answered: true, Talk: 3 * time.Minute},
	}
	list := Intervals(calls[:3], 30*time.Minute, 20*time.Second, shanghai)
	if len(list) != 3 || list[0].Contacts != 2 || list[0].InTime != 1 || list[0].Wait != 20*time.Second || list[0].Talk != 3*time.Minute ||
		list[1].Contacts != 0 || list[2].Abandoned != 1 || !list[2].Start.Equal(at("2026-11-16 10:00")) {
		t.Errorf("%+v", list)
	}
	if p := Patience(calls); p != time.Minute {
		t.Errorf("patience %v", p)
	}
	if m := MeanTalk(calls); m != 3*time.Minute {
		t.Errorf("talk %v", m)
	}
	f := Forecast(calls, at("2026-11-16 00:00"), at("2026-11-30 00:00"), shanghai)
	if f[Slot{time.Monday, 9}] != 1.5 || f[Slot{time.Monday, 10}] != 0.5 || f[Slot{time.Tuesday, 9}] != 0 {
		t.Errorf("%v", f)
	}
	plans, err := Plans(list, PlanOptions{Level: 0.8, Target: 20 * time.Second, WrapUp: 30 * time.Second, Talk: time.Minute, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := WriteCSV(&b, plans); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(lines) != 4 || !strings.HasPrefix(lines[1], "2026-11-16T09:00:00+08:00,30,2,2,0,1,20,180,2,") || !strings.HasSuffix(lines[2], ",0,0,0,0,0") {
		t.Errorf("\n%s", b.String())
	}
}
