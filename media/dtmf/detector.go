package dtmf

import "math"

// How tones are told from voices (ITU-T Q.24: a key lasts 40 ms or more, the
// pause between two as long; what lasts less than 24 ms is none). The sound is
// looked at through a window of 15 ms every 7.5 ms.
const (
	detectRate   = 8000
	windowLength = 120
	windowHop    = 60
	// beginHits in a row make a key: 37.5 ms of tone. endMisses in a row end it:
	// a break of 10 ms does not.
	beginHits = 4
	endMisses = 4
	// leastPower is that of both tones together, -40 dBFS: 9 dB below the
	// weakest that Q.24 wants read.
	leastPower = 32768 * 32768 * 1e-4
	// leastShare of the power must lie in the two tones. A voice spreads its
	// own over many harmonics.
	leastShare = 0.65
	// clear is how much the strongest row must be above the other rows, and the
	// column above the other columns: 6 dB.
	clear = 4
	// mostTwist is how much stronger the column may be, mostReverse the row:
	// 6 dB and 10 dB, Q.24's 4 dB and 8 dB and something for the line.
	mostTwist   = 4
	mostReverse = 10
	// mostHarmonic is what an octave above a tone may have of its power: a
	// voice's second harmonic is rarely 10 dB below its first.
	mostHarmonic = 0.1
)

// resonator is the coefficient of Goertzel's recursion at a frequency.
type resonator float32

func newResonator(hz float64) resonator {
	return resonator(2 * math.Cos(2*math.Pi*hz/detectRate))
}

// power returns how much of x lies at the frequency: the power of x if it is a
// sine of it.
func (c resonator) power(x *[windowLength]float32) float32 {
	var a, b float32
	for _, v := range x {
		a, b = v+float32(c)*a-b, a
	}
	return (a*a + b*b - float32(c)*a*b) * 2 / (windowLength * windowLength)
}

// resonators of the rows, the columns and an octave above each.
var rows, columns, overRows, overColumns = bank(rowHz, 1), bank(columnHz, 1), bank(rowHz, 2), bank(columnHz, 2)

func bank(hz [4]float64, octave float64) (r [4]resonator) {
	for i, f := range hz {
		r[i] = newResonator(octave * f)
	}
	return r
}

// Detector finds keys in sound of 8 kHz by their tones. A key is reported when
// it has lasted for 40 ms, and once however long it is. The zero Detector is
// ready.
//
//	quiet ──4 windows of one key──► down ──4 windows without it──► quiet
type Detector struct {
	window [windowLength]float32 // oldest first
	filled int                   // samples of the next hop that are there
	next   [windowHop]float32

	candidate rune
	hits      int
	down      rune // 0: no key
	misses    int
	found     [8]rune
}

// Write takes the next samples and returns the keys that begin in them, at most
// eight; they are valid until the next Write.
func (d *Detector) Write(pcm []int16) []rune {
	keys := d.found[:0]
	for _, v := range pcm {
		d.next[d.filled] = float32(v)
		if d.filled++; d.filled < windowHop {
			continue
		}
		d.filled = 0
		copy(d.window[:], d.window[windowHop:])
		copy(d.window[windowLength-windowHop:], d.next[:])
		if key := d.judge(d.look()); key != 0 && len(keys) < cap(keys) {
			keys = append(keys, key)
		}
	}
	return keys
}

// judge follows the windows' keys and returns one that begins, or 0.
func (d *Detector) judge(key rune) rune {
	if key != 0 && key == d.candidate {
		d.hits++
	} else {
		d.candidate, d.hits = key, 1
	}
	if d.down != 0 {
		if key == d.down {
			d.misses = 0
		} else {
			d.misses++
		}
		if d.misses >= endMisses {
			d.down = 0
		}
	}
	if key == 0 || d.hits != beginHits || key == d.down {
		return 0
	}
	d.down, d.misses = key, 0
	return key
}

// look returns the key whose tones fill the window, or 0.
func (d *Detector) look() rune {
	var all float32
	for _, v := range d.window {
		all += v * v
	}
	all /= windowLength
	if all < leastPower {
		return 0
	}
	row, low := strongest(&d.window, &rows)
	column, high := strongest(&d.window, &columns)
	switch {
	case row < 0 || column < 0 || low+high < leastShare*all:
		return 0
	case high > mostTwist*low || low > mostReverse*high:
		return 0
	case overRows[row].power(&d.window) > mostHarmonic*low, overColumns[column].power(&d.window) > mostHarmonic*high:
		return 0
	}
	return rune(keypad[4*row+column])
}

// strongest returns which resonator answers most, and how much; -1 if another
// is near it.
func strongest(x *[windowLength]float32, bank *[4]resonator) (which int, power float32) {
	var answers [4]float32
	for i, r := range bank {
		answers[i] = r.power(x)
		if answers[i] > answers[which] {
			which = i
		}
	}
	for i, a := range answers {
		if i != which && a*clear > answers[which] {
			return -1, 0
		}
	}
	return which, answers[which]
}
