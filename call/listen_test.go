package call

import (
	"math"
	"testing"
	"time"

	"callfloor/ivr"
	"callfloor/media"
	"callfloor/media/codec"
)

// say hands a listener sound: noise of a level, and a voice above it from start
// to end.
func say(l *listener, lasts time.Duration, noise, voice float64, from, to time.Duration) {
	e := codec.NewEncoder(codec.PCMU)
	defer e.Close()
	pcm, payload := make([]int16, 160), make([]byte, 160)
	seed := uint32(1)
	for at := time.Duration(0); at < lasts; at += 20 * time.Millisecond {
		for i := range pcm {
			seed = seed*1664525 + 1013904223
			x := (float64(seed>>8)/float64(1<<24)*2 - 1) * math.Sqrt(3) * math.Pow(10, noise/20)
			if at >= from && at < to {
				x += math.Sqrt2 * math.Pow(10, voice/20) * math.Sin(2*math.Pi*300*float64(i)/8000)
			}
			pcm[i] = int16(32767 * max(-1, min(1, x)))
		}
		e.Encode(payload, pcm)
		l.WritePacket(&media.Packet{Codec: codec.PCMU, Payload: payload})
	}
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// TestSomebodySpeaks: words are found in silence and in noise, with what comes
// before them; clicks and noise alone are nobody.
func TestSomebodySpeaks(t *testing.T) {
	ask := ivr.ListenRequest{Pause: 800 * time.Millisecond, Longest: 5 * time.Second}
	for _, tt := range []struct {
		name             string
		noise, voice     float64
		from, to         time.Duration
		speaks, finished bool
	}{
		{"in silence", -80, -20, time.Second, 2 * time.Second, true, true},
		{"softly", -80, -40, time.Second, 2 * time.Second, true, true},
		{"in noise", -45, -20, time.Second, 2 * time.Second, true, true},
		{"noise alone", -45, -200, 0, 0, false, false},
		{"a click", -80, -20, time.Second, 1040 * time.Millisecond, false, false},
		{"for too long", -80, -20, time.Second, time.Minute, true, true},
		{"not to the end", -80, -20, 3500 * time.Millisecond, 4 * time.Second, true, false},
	} {
		l := newListener(ask)
		lasts := 4 * time.Second
		if tt.name == "for too long" {
			lasts = 10 * time.Second
		}
		say(l, lasts, tt.noise, tt.voice, tt.from, tt.to)
		if closed(l.speaks) != tt.speaks || closed(l.done) != tt.finished {
			t.Errorf("%s: speaks %t, finished %t", tt.name, closed(l.speaks), closed(l.done))
		}
		got := time.Duration(len(l.sound())) * time.Second / 8000
		if tt.finished && (got < min(tt.to-tt.from, ask.Longest) || got > ask.Longest+20*time.Millisecond) {
			t.Errorf("%s: %v were kept", tt.name, got)
		}
		if said := l.said(); (len(said) > 0) != tt.speaks { // a key ends it
			t.Errorf("%s: %d samples were said before a key", tt.name, len(said))
		}
	}
}
