package media

import (
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"time"
)

// The clock's grid. A frame is what one packet of a player holds; members are
// spread over the slots of a frame, so that a hundred players do not all send
// at once.
const (
	frameTime     = 20 * time.Millisecond
	frameSamples  = 160 // at 8 kHz
	slotTime      = 5 * time.Millisecond
	slotsPerFrame = int(frameTime / slotTime)
	everySlot     = slotsPerFrame // index of the members that run in each slot
	// catchUp is how many slots late the clock may be and still run each of
	// them. Later than that (the process was stopped) it goes on from now: the
	// far end's jitter buffer gains nothing from a burst of old packets.
	catchUp = 3 * slotsPerFrame
)

// perFrame is how many clock units a frame holds at a rate.
func perFrame(rateHz int) int64 { return units(frameTime, rateHz) }

// ticker is what a Pacer drives. frame counts 20 ms periods since the pacer
// began and jumps where the clock was stopped. A tick must not block.
type ticker interface {
	tick(frame int64, now time.Time)
}

// Pacer is the clock of everything that sends on its own: players, fillers,
// digits. One goroutine serves them all; it sleeps while there is no member.
// It keeps to absolute times, so that it does not drift.
type Pacer struct {
	start time.Time
	stop  chan struct{}
	done  chan struct{}
	wake  chan struct{} // size 1: a member came; full means it is known already
	close sync.Once

	mu      sync.Mutex
	turn    int
	members [slotsPerFrame + 1][]ticker // each list is copied when it changes
}

// NewPacer starts a clock; Close ends it.
func NewPacer() *Pacer {
	p := &Pacer{start: time.Now(), stop: make(chan struct{}), done: make(chan struct{}), wake: make(chan struct{}, 1)}
	go p.run()
	return p
}

// Close stops the clock and waits for its goroutine. Players and senders made
// on it fall silent.
func (p *Pacer) Close() {
	p.close.Do(func() { close(p.stop) })
	<-p.done
}

// phase returns a slot for a new member, each in turn.
func (p *Pacer) phase() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.turn++
	return p.turn % slotsPerFrame
}

// add makes t tick in the slot; adding it twice is adding it once.
func (p *Pacer) add(slot int, t ticker) {
	p.mu.Lock()
	if !slices.Contains(p.members[slot], t) {
		p.members[slot] = append(slices.Clip(slices.Clone(p.members[slot])), t)
	}
	p.mu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// remove ends the ticks of t; one that runs now may still be running when
// remove returns.
func (p *Pacer) remove(slot int, t ticker) {
	p.mu.Lock()
	defer p.mu.Unlock()
	next := slices.Clone(p.members[slot])
	p.members[slot] = slices.DeleteFunc(next, func(x ticker) bool { return x == t })
}

func (p *Pacer) slotAt(now time.Time) int64 { return int64(now.Sub(p.start) / slotTime) }

// next returns the first slot from on that has members, or false if none has.
func (p *Pacer) next(from int64) (int64, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.members[everySlot]) > 0 {
		return from, true
	}
	for s := from; s < from+int64(slotsPerFrame); s++ {
		if len(p.members[s%int64(slotsPerFrame)]) > 0 {
			return s, true
		}
	}
	return 0, false
}

func (p *Pacer) run() {
	defer close(p.done)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	from := p.slotAt(time.Now()) + 1
	for {
		due, ok := p.next(from)
		if !ok {
			select {
			case <-p.wake:
				from = max(from, p.slotAt(time.Now())+1)
				continue
			case <-p.stop:
				return
			}
		}
		timer.Reset(time.Until(p.start.Add(time.Duration(due) * slotTime)))
		select {
		case <-timer.C:
			from = p.runDue(due, time.Now())
		case <-p.wake: // its slot may come before due
		case <-p.stop:
			return
		}
	}
}

// runDue runs the slots from due to now and returns the one after. After a long
// stop it runs the last frame's only.
func (p *Pacer) runDue(due int64, now time.Time) int64 {
	last := max(due, p.slotAt(now))
	if last-due > int64(catchUp) {
		due = last - int64(slotsPerFrame) + 1
	}
	for s := due; s <= last; s++ {
		p.runSlot(s, now)
	}
	return last + 1
}

func (p *Pacer) runSlot(slot int64, now time.Time) {
	phase := slot % int64(slotsPerFrame)
	frame := slot / int64(slotsPerFrame)
	p.mu.Lock()
	some, every := p.members[phase], p.members[everySlot]
	p.mu.Unlock()
	for _, t := range some {
		p.tickOne(int(phase), t, frame, now)
	}
	for _, t := range every {
		p.tickOne(everySlot, t, frame, now)
	}
}

// tickOne keeps a fault of one member from ending the clock of all: the member
// is dropped and the fault logged.
func (p *Pacer) tickOne(slot int, t ticker, frame int64, now time.Time) {
	defer func() {
		if r := recover(); r != nil {
			p.remove(slot, t)
			slog.Error("a sender on the media clock failed and was taken off it", "panic", r, "stack", string(debug.Stack()))
		}
	}()
	t.tick(frame, now)
}
