package ivr

import (
	"strings"
	"testing"
)

func try(t *testing.T, f *Flow, script string) *Trial {
	t.Helper()
	got, err := f.Try(t.Context(), []byte(script), "")
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// Each look plays the script again with one step more: the clock stands at the
// caller's next move.
func TestTryStopsWhereTheCallerMustAct(t *testing.T) {
	f := loadAny(t, "full.yaml")
	first := try(t, f, `{}`)
	if first.Waits != "key" || first.Node != "consent" || first.Until <= first.Now || first.End != nil {
		t.Fatalf("at the first question: %+v", first)
	}
	second := try(t, f, `{"steps": [{"hear": "consent_question"}, {"press": "1"}]}`)
	if second.Waits != "key" || second.Node != "menu" || second.Consent != "granted" {
		t.Fatalf("at the menu: %+v", second)
	}
	third := try(t, f, `{"caller": "139", "steps": [{"hear": "consent_question"}, {"press": "1"}, {"wait": "1500ms"}, {"press": "1"}]}`)
	if third.Waits != "queue" || third.Node != "sales" || third.Now >= second.Now+2 {
		t.Fatalf("in the queue: %+v", third)
	}
	last := try(t, f, `{"steps": [{"hear": "consent_question"}, {"press": "1"}, {"press": "1"}, {"wait": "40s"}, {"queue": {"served": "20s"}}]}`)
	if last.Waits != "" || last.End == nil || last.End.By != "agent" || last.Now < 60 {
		t.Fatalf("at the end: %+v", last)
	}
	for _, e := range last.Events {
		if e.Kind == "hear" && (e.Prompt == "" || e.Seconds <= 0 || e.Node == "" || e.Flow != "full") {
			t.Errorf("what is heard: %+v", e)
		}
	}
}

func TestTryPassesTime(t *testing.T) {
	f := loadAny(t, "full.yaml")
	got := try(t, f, `{"steps": [{"wait": "500ms"}]}`)
	if got.Now != 0.5 || got.Waits != "time" || got.Node != "greeting" {
		t.Fatalf("half a second: %+v", got)
	}
	if got := try(t, f, `{"steps": [{"wait": "1h"}]}`); got.End == nil || got.Consent != "refused" {
		t.Fatalf("an hour of silence ends the call: %+v", got)
	}
	if got := try(t, f, `{"steps": [{"wait": "1s"}, {"hangup": true}]}`); got.End == nil || got.End.By != "customer" || got.Now != 1 {
		t.Fatalf("hung up: %+v", got)
	}
}

func TestTryRefusesAWrongScript(t *testing.T) {
	f := loadAny(t, "full.yaml")
	for _, script := range []string{`{"steps": [{"press": "x"}]}`, `[]`, `{"jump": 1}`, strings.Repeat(" ", maxTrialText+1)} {
		if _, err := f.Try(t.Context(), []byte(script), ""); err == nil {
			t.Errorf("%.40s was taken", script)
		}
	}
}
