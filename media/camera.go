package media

import (
	"sync"
	"time"
)

// keyFrameEvery is how often a key frame is asked for at most: one costs as much
// as a second of pictures, and who has lost it asks again.
const keyFrameEvery = 300 * time.Millisecond

// Lens is the end that sends a Camera's pictures, as those who look reach it.
// Its methods are called by any goroutine and must not block.
type Lens interface {
	// KeyFrame asks for a picture from which a decoder can begin.
	KeyFrame()
	// Limit says what the pictures may use, in bit/s.
	Limit(bps uint64)
}

// Camera is a source of pictures, a camera or a screen, with a way back to who
// sends them. It outlives the connections by which the pictures come.
type Camera struct {
	source *Source

	mu     sync.Mutex
	lens   Lens // nil: nobody sends
	asked  time.Time
	limits map[*View]uint64
	told   uint64 // the last limit; 0: none
	uplink budget
}

// NewCamera returns a camera that nobody sends pictures to yet; name is for logs.
func NewCamera(name string) *Camera {
	return &Camera{source: NewSource(name), limits: map[*View]uint64{}}
}

// Source returns where the pictures come out.
func (c *Camera) Source() *Source { return c.source }

// SetLens says who sends the pictures from now on; nil: nobody.
func (c *Camera) SetLens(l Lens) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lens, c.asked, c.told, c.uplink = l, time.Time{}, 0, budget{}
}

// KeyFrame asks for a key frame, unless one was asked for a moment ago.
func (c *Camera) KeyFrame(now time.Time) {
	c.mu.Lock()
	l := c.lens
	if l == nil || now.Sub(c.asked) < keyFrameEvery {
		c.mu.Unlock()
		return
	}
	c.asked = now
	c.mu.Unlock()
	l.KeyFrame()
}

// NoteLoss says which share of the pictures was lost on the way to us, in
// 1/256, from a reception report of ours.
func (c *Camera) NoteLoss(fraction uint8, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.uplink.noteLoss(fraction, 0, now)
}

// Weak says that the network of who sends the pictures cannot carry them.
func (c *Camera) Weak() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.uplink.weak
}

// Strengthen forgets that networks were too weak; pictures are tried anew.
func (c *Camera) Strengthen() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.uplink = budget{}
}

// limit takes what one of those who look can receive; 0: v looks no more. The
// one with the least decides, since there is one stream for all.
func (c *Camera) limit(v *View, bps uint64) {
	c.mu.Lock()
	if bps == 0 {
		delete(c.limits, v)
	} else {
		c.limits[v] = bps
	}
	least := uint64(maxRate)
	for _, l := range c.limits {
		least = min(least, l)
	}
	l := c.lens
	// Small changes are not worth a packet.
	if l == nil || least > c.told-c.told/20 && least < c.told+c.told/20 {
		c.mu.Unlock()
		return
	}
	c.told = least
	c.mu.Unlock()
	l.Limit(least)
}
