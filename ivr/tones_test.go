package ivr

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// A flow may name every network's tones: as music of a queue, and as a prompt.
func TestTonesAreMusicAndPrompts(t *testing.T) {
	prompts := builtinPrompts(t)
	flow := "start: wait\nnodes:\n  wait: {kind: queue, queue: sales, music: ringback_de, refused: full}\n" +
		"  full: {kind: play, say: busy_gb, next: bye}\n  bye: {kind: hangup}\n"
	_, err := LoadFlow(fstest.MapFS{"ring.yaml": {Data: []byte(flow)}}, "ring.yaml", prompts)
	if err != nil {
		t.Fatal(err)
	}
	wrong := strings.Replace(flow, "ringback_de", "ringback_zz", 1)
	if _, err := LoadFlow(fstest.MapFS{"ring.yaml": {Data: []byte(wrong)}}, "ring.yaml", prompts); err == nil || !strings.Contains(err.Error(), "ringback_zz") {
		t.Errorf("a tone of no country: %v", err)
	}
	clip, err := prompts.Music("ringback_de")
	if err != nil {
		t.Fatal(err)
	}
	if got := clip.Duration(); got != 5*time.Second {
		t.Errorf("Germany's ring-back turns in %v, not 1 s and a pause of 4", got)
	}
	again, _ := prompts.Music("ringback_de")
	if clip != again {
		t.Error("a tone is computed for each listener")
	}
}
