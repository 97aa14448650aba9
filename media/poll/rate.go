package poll

import "time"

// When to fetch on the tick. 10 calls forwarded between phones are 1,000
// packets a second and are still fetched at once; 100 calls of which one side
// is here are 5,000.
const (
	tickTime   = time.Millisecond
	tickFrom   = 1600 // packets a second
	tickUntil  = 800
	rateWindow = 250 * time.Millisecond
	calmFor    = 4 // windows in a row before the tick ends
)

// gauge decides between waking at once and the tick, by packets a second. A
// rule on packets for each wake would swing to and fro. It is pure.
//
//	at once ──a window of 1,600/s──► ticking ──a second below 800/s──► at once
type gauge struct {
	ticking bool
	began   time.Time // of the window
	packets int
	calm    int
}

// note counts n packets and says whether to tick.
func (g *gauge) note(n int, now time.Time) bool {
	if g.began.IsZero() {
		g.began = now
	}
	g.packets += n
	d := now.Sub(g.began)
	if d < rateWindow {
		return g.ticking
	}
	rate := float64(g.packets) / d.Seconds()
	g.began, g.packets = now, 0
	switch {
	case !g.ticking:
		g.ticking, g.calm = rate >= tickFrom, 0
	case rate >= tickUntil:
		g.calm = 0
	default:
		g.calm++
		g.ticking = g.calm < calmFor
	}
	return g.ticking
}
