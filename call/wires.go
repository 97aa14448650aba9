package call

import (
	"math/bits"
	"sync/atomic"

	"callfloor/media"
	"callfloor/media/codec"
)

// wires are the ends that are switched besides the legs' own senders.
type wires struct {
	// toCustomer turns what a browser sends into what the customer's leg
	// speaks, should the browser refuse to switch; else it passes through.
	toCustomer  *media.Transcoder
	fromBrowser ear // feeds toCustomer
	// mixer is for a customer who hears two or more; made when first needed.
	mixer *media.Mixer
	codec codec.ID
	// recorded are the recording's ears, one for each voice that can be kept.
	recorded map[voices]*ear
}

func newWires() wires {
	return wires{recorded: map[voices]*ear{customer: {}, theAgent: {}, second: {}, supervisor: {}}}
}

// open makes what depends on the customer's codec.
func (w *wires) open(p *media.Pacer, c codec.ID) {
	w.codec = c
	w.toCustomer = media.NewTranscoder(p, "agent", c)
	w.fromBrowser.feed(w.toCustomer)
}

func (w *wires) close() {
	if w.toCustomer != nil {
		w.toCustomer.Close()
	}
	if w.mixer != nil {
		w.mixer.Close()
	}
}

// ear is a sink that hears one source at a time; packets of any other source
// that are still under way when it is switched are dropped.
type ear struct {
	to  media.Sink
	src atomic.Pointer[media.Source]
}

// WritePacket implements media.Sink.
func (e *ear) WritePacket(p *media.Packet) {
	if p.From == e.src.Load() {
		e.to.WritePacket(p)
	}
}

// feed says where the ear leads, which is not known at first; what it hears
// already comes through from now on.
func (e *ear) feed(to media.Sink) {
	e.to = to
	if src := e.src.Load(); src != nil {
		src.Attach(e)
	}
}

func (e *ear) hear(src *media.Source) {
	old := e.src.Swap(src)
	if old == src {
		return
	}
	if old != nil {
		old.Detach(e)
	}
	if src != nil && e.to != nil {
		src.Attach(e)
	}
}

// row is who hears whom now.
func (c *Call) row() hearing {
	if c.flowPlayer == nil {
		return hearing{} // not answered: nothing to hear with
	}
	var muted voices
	if c.agent != nil && c.agent.muted {
		muted |= theAgent
	}
	if c.second != nil && c.second.muted {
		muted |= second
	}
	heard := Listen
	if s := c.speaker(); s != nil {
		heard = s.mode
	}
	return matrix[c.mode][heard].without(muted)
}

// apply switches every ear to the present row.
func (c *Call) apply() {
	row := c.row()
	c.feedCustomer(row.customer)
	if c.agent != nil {
		c.feedSeat(c.agent.seat, row.agent)
	}
	if c.second != nil {
		c.feedSeat(c.second.seat, row.second)
	}
	for _, w := range c.watchers {
		if w.mode == Listen {
			c.feedSeat(w.seat, row.listener)
		} else {
			c.feedSeat(w.seat, row.supervisor)
		}
	}
	for v, e := range c.wires.recorded {
		e.hear(c.source(v & row.record))
	}
}

// feedCustomer lets the phone hear: one source as it is, several mixed.
func (c *Call) feedCustomer(hears voices) {
	w, sender := &c.wires, c.Leg.Sender()
	sources := c.sources(hears)
	switch {
	case len(sources) > 1:
		if w.mixer == nil {
			w.mixer = media.NewMixer(c.Pacer, "mixer")
		}
		w.mixer.Hear(sources...)
		sender.Hear(w.mixer.Output(nil, w.codec))
		w.fromBrowser.hear(nil)
		return
	case len(sources) == 1 && hears&(theAgent|second|supervisor) != 0:
		// Through the transcoder, so that the sender keeps one source while
		// the browser's codec changes.
		w.fromBrowser.hear(sources[0])
		sender.Hear(w.toCustomer.Source())
	default:
		sender.Hear(c.source(hears))
		w.fromBrowser.hear(nil)
	}
	if w.mixer != nil {
		w.mixer.Hear()
	}
}

// feedSeat lets a browser hear: each voice on a track of its own.
func (c *Call) feedSeat(s Seat, hears voices) {
	tracks := seated(hears)
	for _, name := range []string{trackCustomer, trackThird, trackCoach} {
		s.Track(name).Hear(c.source(tracks[name]))
	}
}

func silence(s Seat) {
	for _, name := range []string{trackCustomer, trackThird, trackCoach} {
		s.Track(name).Hear(nil)
	}
}

// sources returns where a set of voices comes from.
func (c *Call) sources(v voices) []*media.Source {
	all := make([]*media.Source, 0, 3)
	for ; v != 0; v &= v - 1 {
		if src := c.source(1 << bits.TrailingZeros16(uint16(v))); src != nil {
			all = append(all, src)
		}
	}
	return all
}

// source returns where one voice comes from, or nil.
func (c *Call) source(v voices) *media.Source {
	switch v {
	case customer:
		return c.Leg.Source()
	case theAgent:
		return c.agent.mic()
	case second:
		return c.second.mic()
	case supervisor, coach:
		if s := c.speaker(); s != nil {
			return s.seat.Mic()
		}
	case flowPlayer:
		return c.flowPlayer.Source()
	case holdPlayer:
		return c.holdPlayer.Source()
	}
	return nil
}

// cut makes everybody deaf, for good.
func (c *Call) cut() {
	c.mode = modeNone
	c.apply()
}
