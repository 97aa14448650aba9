package media

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"callfloor/media/codec"
)

// ErrReplaced is what Play returns when another Play, Loop, Stop or Close ended
// it.
var ErrReplaced = errors.New("another sound took the player's place")

// Player is a source that plays clips in one codec. It only stamps headers on
// ready payloads. Its methods may be called by any goroutine, but not by a sink
// from within WritePacket.
type Player struct {
	pacer  *Pacer
	codec  codec.ID
	source *Source
	slot   int

	mu     sync.Mutex // guards all below; held while a packet is emitted
	job    *job       // nil: silent
	closed bool
	on     bool // a member of the pacer
	packet Packet
	base   uint32 // RTP timestamp of the pacer's frame 0
}

// job is one thing to play. What follows is kept as clips: their frames are
// shared, and a list of its own for each listener would be what a caller in a
// menu costs most.
type job struct {
	clip    *Clip    // that plays,
	frames  [][]byte // and its frames
	at      int
	next    []*Clip
	loop    bool
	started bool
	done    chan error // size 1
}

// NewPlayer returns a silent player; name is for logs. c is an audio format.
func NewPlayer(p *Pacer, name string, c codec.ID) *Player {
	pl := &Player{pacer: p, codec: c, source: NewSource(name), slot: p.phase(), base: rand.Uint32()}
	pl.packet = Packet{Codec: c, Seq: uint16(rand.Uint32()), SSRC: rand.Uint32()}
	return pl
}

// Source returns where the sound comes out.
func (p *Player) Source() *Source { return p.source }

// Play plays the clips without a gap between them and returns when the last
// packet was emitted, so that a Play called at once follows without a gap too.
// If ctx ends first the sound stops at once and context.Cause(ctx) is returned;
// ErrReplaced if something else is played meanwhile. It replaces what played.
func (p *Player) Play(ctx context.Context, clips ...*Clip) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	j := &job{next: slices.Clone(clips), done: make(chan error, 1)}
	format := p.format()
	for _, c := range clips { // encodes them, if nobody has heard them yet
		if c.Frames(format) == nil && c.Duration() > 0 {
			return fmt.Errorf("play %q: clips have no frames in codec %q; use a player of an audio format", c.Name(), format)
		}
	}
	if !j.turn(format) {
		p.replace(nil)
		return nil
	}
	if !p.replace(j) {
		return ErrReplaced
	}
	select {
	case err := <-j.done:
		return err
	case <-ctx.Done():
		p.drop(j)
		return context.Cause(ctx)
	}
}

// turn goes on to the next clip that has a sound; false if there is none.
func (j *job) turn(c codec.ID) bool {
	for len(j.next) > 0 {
		j.clip, j.frames, j.at, j.next = j.next[0], j.next[0].Frames(c), 0, j.next[1:]
		if len(j.frames) > 0 {
			return true
		}
	}
	return false
}

// Loop plays the clip over and over, beginning at position at (music goes on
// where others hear it), until Play, Loop, Stop or Close. It does not block.
func (p *Player) Loop(c *Clip, at time.Duration) {
	frames := c.loop(p.format())
	if len(frames) == 0 {
		p.replace(nil)
		return
	}
	p.replace(&job{clip: c, frames: frames, at: int(max(at, 0)/frameTime) % len(frames), loop: true, done: make(chan error, 1)})
}

// Stop ends the sound; no packet is emitted after it returns.
func (p *Player) Stop() { p.replace(nil) }

// Close ends the sound for good.
func (p *Player) Close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.replace(nil)
	p.pacer.remove(p.slot, p)
}

// replace puts j in the place of what plays; false if the player is closed.
func (p *Player) replace(j *job) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.job != nil {
		p.job.done <- ErrReplaced
		p.job = nil
	}
	if j == nil || p.closed {
		return false
	}
	p.job = j
	if !p.on {
		p.on = true
		p.pacer.add(p.slot, p)
	}
	return true
}

func (p *Player) drop(j *job) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.job == j {
		p.job = nil
	}
}

// tick emits one frame. The timestamp follows the pacer's frame count, so that
// it keeps to the wall clock over pauses and stops of the process. With nothing
// to play it leaves the pacer.
func (p *Player) tick(frame int64, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	j := p.job
	if j == nil {
		p.on = false
		p.pacer.remove(p.slot, p)
		return
	}
	p.packet.Seq++
	p.packet.Timestamp = p.base + uint32(frame*perFrame(p.codec.ClockRate()))
	p.packet.Marker = !j.started
	p.packet.Payload = j.frames[j.at]
	p.packet.Arrival = now
	j.started = true
	j.at++
	p.source.Emit(&p.packet)
	switch {
	case j.at < len(j.frames):
	case j.loop:
		j.at = 0
	case j.turn(p.codec):
	default:
		p.job = nil
		j.done <- nil
	}
}
