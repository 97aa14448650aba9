package app

import (
	"bytes"
	"context"
	"testing"

	"callfloor/api"
	"callfloor/contact"
	"callfloor/ivr"
	"callfloor/media/wav"
)

// entries is an audit log in memory.
type entries []api.Entry

func (e *entries) Record(_ context.Context, one api.Entry) error {
	*e = append(*e, one)
	return nil
}

// TestStudio: one code opens it, none does where none is set; a sound is judged
// and kept like an uploaded one, and the audit log names the line.
func TestStudio(t *testing.T) {
	for _, closed := range []string{"", "0", "12345678"} {
		if (&studio{}).Opens(closed) {
			t.Errorf("%q opens it where no code is set", closed)
		}
	}
	sounds, e := newSounds(t)
	log := &entries{}
	s := &studio{code: "12345678", sounds: sounds, audit: log}
	if !s.Opens("12345678") || s.Opens("") || s.Opens("1234567") || s.Opens("123456789") {
		t.Error("another code than its own opens it, or its own does not")
	}
	spoken := func(peak float64) []int16 {
		samples, _, _, err := wav.Read(bytes.NewReader(speech(2, peak)))
		must(t, err)
		return samples
	}
	greeting := ivr.Prompt{ID: "greeting", Language: "zh"}
	for name, sound := range map[string][]int16{"clipped": spoken(5), "silent": make([]int16, 8000), "nothing": nil} {
		if err := s.Take(t.Context(), greeting, sound, "2001"); contact.ErrorCode(err) != contact.Invalid {
			t.Errorf("a sound that is %s: %v", name, err)
		}
	}
	must(t, s.Take(t.Context(), greeting, spoken(0.2), "2001"))
	list, err := sounds.Versions(t.Context(), "zh", "greeting")
	must(t, err)
	if v := list[0]; len(list) != 2 || !v.Current || v.Source != soundRecorded || v.By != "line 2001" || v.Level < -18.5 || v.Level > -17.5 {
		t.Errorf("versions: %+v", list)
	}
	if p, _, _ := e.shelf.flow("full").Prompts().Sound("greeting", "zh"); p.SHA256[:16] != list[0].Version {
		t.Error("new calls do not hear it")
	}
	if len(*log) != 1 || (*log)[0].Who != "line 2001" || (*log)[0].Target != "zh/greeting" || (*log)[0].Details["version"] != list[0].Version {
		t.Errorf("the audit log: %+v", *log)
	}
}
