package app

import (
	"log/slog"
	"math"
	"strings"
	"testing"

	"callfloor/api"
	"callfloor/contact"
	"callfloor/ivr"
)

// newSounds returns the prompts of an editor's flows.
func newSounds(t *testing.T) (*promptShelf, *flowEditor) {
	t.Helper()
	e := newEditor(t)
	base, err := ivr.LoadPrompts(ivr.BuiltinPrompts())
	must(t, err)
	return &promptShelf{
		folder: promptFolder(e.shelf.cfg), base: base, log: slog.New(slog.DiscardHandler), take: e.shelf.take, now: e.shelf.present, uses: e.promptUses,
	}, e
}

// speech is what sounds like a voice to a meter: a tone that comes and goes,
// with silence around it, of a peak.
func speech(seconds, peak float64) []byte {
	samples := make([]int16, int(seconds*8000))
	for i := range samples {
		t := float64(i) / 8000
		if t > 0.3 && t < seconds-0.3 {
			samples[i] = int16(32767 * max(-1, min(1, peak*math.Sin(2*math.Pi*440*t)*(0.6+0.4*math.Sin(2*math.Pi*4*t)))))
		}
	}
	file, err := wavOf(samples)
	if err != nil {
		panic(err)
	}
	return file
}

// TestUploadedPrompts: a sound is as loud as every other, new calls hear it,
// its versions are kept, and the built-in one comes back.
func TestUploadedPrompts(t *testing.T) {
	s, e := newSounds(t)
	ctx := t.Context()
	before := e.shelf.flow("full")
	v, err := s.Upload(ctx, api.PromptUpload{Language: "en", ID: "greeting", WAV: speech(2, 0.1), By: "ada"})
	must(t, err)
	if v.Level < -18.5 || v.Level > -17.5 || v.Peak > -2.9 || v.Seconds > 1.6 || v.Text != "Welcome." || v.Source != soundUploaded {
		t.Errorf("uploaded: %+v", v)
	}
	after := e.shelf.flow("full")
	p, _, _ := after.Prompts().Sound("greeting", "en")
	if old, _, _ := before.Prompts().Sound("greeting", "en"); !strings.HasPrefix(p.SHA256, v.Version) || strings.HasPrefix(old.SHA256, v.Version) {
		t.Error("new calls do not hear it, or old ones do")
	}
	second, err := s.Upload(ctx, api.PromptUpload{Language: "en", ID: "greeting", Text: "Hello.", WAV: speech(1, 0.3), By: "bob"})
	must(t, err)
	if _, err = s.Restore(ctx, "en", "greeting", v.Version, "ada"); err != nil {
		t.Fatal(err)
	}
	list, err := s.Versions(ctx, "en", "greeting")
	must(t, err)
	if len(list) != 4 || !list[0].Current || list[0].Version != v.Version || list[1].Version != second.Version || list[3].Source != soundBuiltIn {
		t.Errorf("versions: %+v", list)
	}
	if now, err := LoadPrompts(e.shelf.cfg, func(err error) { t.Error(err) }); err != nil {
		t.Error(err)
	} else if p, _, _ := now.Sound("greeting", "en"); !strings.HasPrefix(p.SHA256, v.Version) {
		t.Error("a restart forgets it")
	}
	must(t, s.Delete(ctx, "en", "greeting", "ada"))
	if p, _, _ := e.shelf.flow("full").Prompts().Sound("greeting", "en"); strings.HasPrefix(p.SHA256, v.Version) {
		t.Error("the built-in sound is not back")
	}
	if err := s.Delete(ctx, "en", "greeting", "ada"); contact.ErrorCode(err) != contact.NotFound {
		t.Errorf("deleted twice: %v", err)
	}
}

// TestNewPrompts: a prompt of the house's own is there for flows at once, and
// cannot be taken away from under one.
func TestNewPrompts(t *testing.T) {
	s, e := newSounds(t)
	ctx := t.Context()
	if _, err := s.Upload(ctx, api.PromptUpload{Language: "en", ID: "shop", WAV: speech(1, 0.3)}); contact.ErrorCode(err) != contact.Invalid {
		t.Errorf("without a text: %v", err)
	}
	for _, lang := range ivr.Languages() {
		_, err := s.Upload(ctx, api.PromptUpload{Language: lang, ID: "shop", Text: "Our shop.", WAV: speech(1, 0.3), By: "ada"})
		must(t, err)
	}
	_, err := e.Publish(ctx, "hangup", api.FlowPublish{Text: "nodes:\n  a: {kind: hangup, say: shop}\n", Base: e.current("hangup")}, "ada")
	must(t, err)
	if err := s.Delete(ctx, "zh", "shop", "ada"); contact.ErrorCode(err) != contact.Conflict || !strings.Contains(err.Error(), "hangup") {
		t.Errorf("in use: %v", err)
	}
	list, err := s.List(ctx)
	must(t, err)
	numbers := map[int]string{}
	for _, p := range list {
		if p.Number != 0 && numbers[p.Number] != "" {
			t.Errorf("%s and %s have the number %d", p.ID, numbers[p.Number], p.Number)
		}
		numbers[p.Number] = p.ID
		if p.ID == "shop" && (p.Number != firstOwnNumber || len(p.Languages) != 2 || strings.Join(p.Flows, " ") != "hangup") {
			t.Errorf("%+v", p)
		}
		for _, v := range p.Languages {
			if v.Seconds <= 0 || v.Peak > -0.5 || v.Level > -15 || !v.Current || len(p.Missing) > 0 {
				t.Errorf("%s: %+v, missing %v", p.ID, v, p.Missing)
			}
		}
	}
}

// TestSoundsThatAreRefused: what would be heard as a fault is not taken.
func TestSoundsThatAreRefused(t *testing.T) {
	s, _ := newSounds(t)
	stereo := speech(1, 0.3)
	stereo[22] = 9 // channels
	for _, tt := range []struct {
		name string
		wav  []byte
		why  string
	}{
		{"too loud", speech(2, 3), "clipped at 0."},
		{"silence", speech(2, 0), "hardly anything"},
		{"a whisper", speech(2, 0.002), "hardly anything"},
		{"too short", speech(0.1, 0.3), "lasts 100ms"},
		{"too long", speech(121, 0.3), "at most 2m0s"},
		{"no WAV", []byte("ID3 something"), "no WAV file"},
		{"nine channels", stereo, "channels"},
		{"nothing", nil, "no WAV file"},
	} {
		_, err := s.Upload(t.Context(), api.PromptUpload{Language: "en", ID: "greeting", WAV: tt.wav})
		if contact.ErrorCode(err) != contact.Invalid || !strings.Contains(err.Error(), tt.why) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	if list, err := s.Versions(t.Context(), "en", "greeting"); err != nil || len(list) != 1 {
		t.Errorf("something was kept: %+v, %v", list, err)
	}
}

// FuzzUploadedSound: what somebody gives as a sound must never break anything.
func FuzzUploadedSound(f *testing.F) {
	f.Add(speech(0.7, 0.3))
	f.Add([]byte("RIFF\xff\xff\xff\xffWAVEfmt "))
	f.Fuzz(func(t *testing.T, file []byte) {
		samples, err := prepare(file, longestPrompt)
		if err != nil {
			return
		}
		if rms, peak := loudness(samples); peak > -2.9 || rms > -17 {
			t.Errorf("it came out at %.1f dBFS, peak %.1f", rms, peak)
		}
	})
}
