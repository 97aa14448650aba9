package phone

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"callfloor/media"
	"callfloor/media/dtmf"
)

// pressFor is how long a key is held; Q.24 wants 40 ms at least.
const pressFor = 160 * time.Millisecond

// press is one key of a script.
type press struct {
	key rune
	at  time.Duration
}

// parseScript reads "1@4s,2@9s".
func parseScript(s string) ([]press, error) {
	if strings.TrimSpace(s) == "" {
		return nil, nil
	}
	var out []press
	for part := range strings.SplitSeq(s, ",") {
		key, when, ok := strings.Cut(strings.TrimSpace(part), "@")
		at, err := time.ParseDuration(when)
		r := []rune(strings.ToUpper(key))
		if !ok || err != nil || at < 0 || len(r) != 1 || !dtmf.ValidKey(r[0]) {
			return nil, fmt.Errorf("read the keys %q: %q is not KEY@TIME; write 1@4s,2@9s, for example", s, part)
		}
		out = append(out, press{r[0], at})
	}
	slices.SortStableFunc(out, func(a, b press) int { return int(a.at - b.at) })
	return out, nil
}

// loadSound makes the clip of CallOptions.Play; nil is silence.
func loadSound(play string) (*media.Clip, error) {
	if play == "" {
		return nil, nil
	}
	if hz, ok := strings.CutPrefix(play, "tone:"); ok {
		f, err := strconv.ParseFloat(hz, 64)
		if err != nil || f < 50 || f > 3700 {
			return nil, fmt.Errorf("play %q: the tone must be a frequency from 50 to 3700 Hz, like tone:440", play)
		}
		return toneLoop(play, f), nil
	}
	f, err := os.Open(play)
	if err != nil {
		return nil, fmt.Errorf("play a file: %w", err)
	}
	defer func() { _ = f.Close() }()
	clip, err := media.LoadClip(play, f)
	if err != nil {
		return nil, fmt.Errorf("play %s: %w", play, err)
	}
	return clip, nil
}

// toneLoop is a tone that loops without a click: its length holds whole
// periods (whole seconds do for whole frequencies).
func toneLoop(name string, hz float64) *media.Clip {
	d := time.Second
	if hz != math.Trunc(hz) {
		d = 10 * time.Second
	}
	return media.ToneClip(name, []float64{hz}, d, -12)
}
