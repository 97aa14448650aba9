package dtmf

import (
	"os"
	"path/filepath"
	"testing"

	"callfloor/media/wav"
)

// TestTalkOff: no key is heard in speech or music. The prompts are what there is
// of voices here, in two languages; 0.5 of their level is tried as well.
func TestTalkOff(t *testing.T) {
	files, err := filepath.Glob("../../ivr/prompts/*/*.wav")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d prompts: %v", len(files), err)
	}
	seconds := 0
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		pcm, rate, channels, err := wav.Read(f)
		_ = f.Close()
		if err != nil || channels != 1 || rate%8000 != 0 {
			t.Fatalf("%s: %d Hz, %d channels, %v", name, rate, channels, err)
		}
		step := rate / 8000
		for _, half := range []int{1, 2} {
			var d Detector
			var one [1]int16
			for i := 0; i < len(pcm); i += step {
				one[0] = pcm[i] / int16(half)
				if got := d.Write(one[:]); len(got) > 0 {
					t.Errorf("%s: the voice pressed %q at %d ms", name, string(got), i*1000/rate)
				}
			}
			seconds += len(pcm) / rate
		}
	}
	t.Logf("%d s of voices and music", seconds/2)
}
