// Package tone makes the tones that a telephone network answers with:
// ring-back, busy, congestion and call waiting as each country sounds them, and
// the special information tone of all (ITU-T E.180 with its Supplement 2).
package tone

import (
	"math"
	"slices"

	"callfloor/media"
)

// Kind is what a tone says.
type Kind string

// The kinds. Ringback: it rings there. Busy: the number is engaged. Congestion:
// the network has no way. Waiting: somebody else calls. Special: what follows
// is an announcement; it is the same in every country.
const (
	Ringback   Kind = "ringback"
	Busy       Kind = "busy"
	Congestion Kind = "congestion"
	Waiting    Kind = "waiting"
	Special    Kind = "special"
)

const (
	rateHz = 8000
	// frameMS is how long a packet is; a tone is whole packets, so that its
	// rhythm is right when it is played over and over.
	frameMS = 20
	// rampMS keeps a tone from beginning and ending with a click.
	rampMS = 4
	// levelDBFS is the level (RMS) of a tone; E.180 asks for -10 dBm0, give or
	// take 5, and -13 dBFS is -9.9 dBm0.
	levelDBFS = -13.0
)

// burst is a part of a tone: up to three frequencies at once, none for a pause.
type burst struct {
	ms int
	hz []float64
}

// on and off build a rhythm.
func on(ms int, hz ...float64) burst { return burst{ms, hz} }
func off(ms int) burst               { return burst{ms: ms} }

// beat sounds the same frequencies on and off by turns, on first.
func beat(hz []float64, ms ...int) []burst {
	var all []burst
	for i, d := range ms {
		if i%2 == 0 {
			all = append(all, on(d, hz...))
		} else {
			all = append(all, off(d))
		}
	}
	return all
}

// Clip returns a tone as one turn of its rhythm (special: once and a pause), to
// be looped; false if the country (ISO 3166, small letters) or the kind is not
// known. Each call computes it anew: keep it.
func Clip(kind Kind, country string) (*media.Clip, bool) {
	rhythm, ok := rhythm(kind, country)
	if !ok {
		return nil, false
	}
	var once []int16
	for _, b := range rhythm {
		once = append(once, sound(b)...)
	}
	samples := once
	for len(samples)%(frameMS*rateHz/1000) != 0 {
		samples = append(samples, once...)
	}
	return media.NewClip(string(kind)+"_"+country, samples), true
}

// Countries lists the countries whose tones are known, sorted.
func Countries() []string {
	var all []string
	for c := range countries() {
		all = append(all, c)
	}
	slices.Sort(all)
	return all
}

// Kinds lists the kinds that every country has.
func Kinds() []Kind { return []Kind{Ringback, Busy, Congestion, Waiting, Special} }

func rhythm(kind Kind, country string) ([]burst, bool) {
	c, ok := countries()[country]
	if !ok {
		return nil, false
	}
	switch kind {
	case Ringback:
		return c.ringback, true
	case Busy:
		return c.busy, true
	case Congestion:
		return c.congestion, true
	case Waiting:
		return c.waiting, true
	case Special:
		return []burst{on(330, 950), on(330, 1400), on(330, 1800), off(1010)}, true
	}
	return nil, false
}

// sound computes a burst. Its frequencies share the level.
func sound(b burst) []int16 {
	samples := make([]int16, b.ms*rateHz/1000)
	if len(b.hz) == 0 {
		return samples
	}
	// The RMS of a sine is its peak divided by √2, and powers add up.
	peak := math.MaxInt16 * math.Pow(10, levelDBFS/20) * math.Sqrt2 / math.Sqrt(float64(len(b.hz)))
	ramp := rampMS * rateHz / 1000
	for i := range samples {
		var v float64
		for _, hz := range b.hz {
			v += math.Sin(2 * math.Pi * hz * float64(i) / rateHz)
		}
		edge := math.Min(1, math.Min(float64(i+1), float64(len(samples)-i))/float64(ramp))
		samples[i] = int16(math.Round(peak * edge * v))
	}
	return samples
}
