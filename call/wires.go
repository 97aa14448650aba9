package call

import (
	"math/bits"
	"sync/atomic"

	"callfloor/media"
	"callfloor/media/codec"
)

// wires are the ends that are switched besides the legs' own senders.
type wires struct {
	customer outlet
	// mixer is for phones that hear two or more; made when first needed.
	mixer *media.Mixer
	codec codec.ID // of the customer's leg
	// recorded are the recording's ears, one for each voice that can be kept.
	recorded map[voices]*ear
}

func newWires() wires {
	return wires{recorded: map[voices]*ear{customer: {}, theAgent: {}, second: {}, supervisor: {}}}
}

// open makes what depends on the customer's codec.
func (w *wires) open(p *media.Pacer, c codec.ID) {
	w.codec = c
	w.customer.open(p, "agent", c)
}

func (w *wires) close() {
	w.customer.close()
	if w.mixer != nil {
		w.mixer.Close()
	}
}

// outlet is what a phone hears through: a transcoder that turns what a browser
// or another phone sends into what the phone speaks. It passes through what is
// in that already.
type outlet struct {
	to    *media.Transcoder
	from  ear // feeds to
	codec codec.ID
	// coached is an agent's telephone: it may hear a coach, whom the customer
	// must not, so it has a mixer of its own, made when first needed.
	coached bool
	mixer   *media.Mixer
}

func (o *outlet) open(p *media.Pacer, name string, c codec.ID) {
	o.codec = c
	o.to = media.NewTranscoder(p, name, c)
	o.from.feed(o.to)
}

// mix lets the outlet's own mixer hear several, or nobody.
func (o *outlet) mix(p *media.Pacer, sources []*media.Source) {
	switch {
	case len(sources) > 1:
		if o.mixer == nil {
			o.mixer = media.NewMixer(p, "telephone")
		}
		o.mixer.Hear(sources...)
	case o.mixer != nil:
		o.mixer.Hear()
	}
}

func (o *outlet) close() {
	if o.mixer != nil {
		o.mixer.Close()
	}
	o.from.hear(nil)
	if o.to != nil {
		o.to.Close()
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
	if c.agent != nil && (c.agent.muted || c.agent.aside) {
		muted |= theAgent
	}
	if c.second != nil && (c.second.muted || c.second.aside) {
		muted |= second
	}
	heard := Listen
	if s := c.speaker(); s != nil {
		heard = s.mode
	}
	row := matrix[c.mode][heard].without(muted)
	if c.second != nil && c.second.phone != nil {
		row.record &^= second // who was never asked is not recorded
	}
	if c.unasked {
		row.record = 0
	}
	if c.announcing != nil && c.mode == modeTalk {
		row.agent |= announcer // beside the customer
	}
	return row
}

// apply switches every ear to the present row.
func (c *Call) apply() {
	row := c.row()
	c.feedPhones(row)
	if c.agent != nil && !c.agent.aside {
		c.feedSeat(c.agent.seat, row.agent)
	}
	if c.second != nil && c.second.seat != nil && !c.second.aside {
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
	c.applyPictures()
}

// feedPhones lets the phones hear: one source as it is, several mixed.
func (c *Call) feedPhones(row hearing) {
	w := &c.wires
	ears := []phoneEar{{c.Leg, &w.customer, customer, row.customer}}
	if leg := c.agent.telephone(); leg != nil {
		ears = append(ears, phoneEar{leg, &c.agent.outlet, theAgent, row.agent})
	}
	if leg := c.second.telephone(); leg != nil {
		ears = append(ears, phoneEar{leg, &c.second.outlet, second, row.second})
	}
	talkers := nobody
	for _, e := range ears {
		if several(e.hears) && !e.outlet.coached {
			talkers |= e.hears
		}
	}
	if w.mixer == nil && talkers != nobody {
		w.mixer = media.NewMixer(c.Pacer, "mixer")
	}
	if talkers != nobody {
		w.mixer.Hear(c.sources(talkers)...)
	}
	for _, e := range ears {
		c.feedPhone(e, talkers)
	}
	if w.mixer != nil && talkers == nobody {
		w.mixer.Hear()
	}
}

// several says whether more than one voice is in v.
func several(v voices) bool { return v&(v-1) != 0 }

// phoneEar is a phone, whose own voice is own, and what it hears.
type phoneEar struct {
	leg        Leg
	outlet     *outlet
	own, hears voices
}

// feedPhone lets one phone hear; talkers are in the mixer.
func (c *Call) feedPhone(e phoneEar, talkers voices) {
	o, own, hears := e.outlet, e.own, e.hears
	sender := e.leg.Sender()
	if o.coached {
		o.mix(c.Pacer, c.sources(hears))
	}
	switch {
	case several(hears) && o.coached:
		sender.Hear(o.mixer.Output(nil, o.codec))
		o.from.hear(nil)
	case several(hears):
		sender.Hear(c.wires.mixer.Output(c.source(own&talkers), o.codec))
		o.from.hear(nil)
	case hears&(customer|theAgent|second|supervisor|coach|announcer) != 0 && hears != own, hears&holdPlayer != 0 && own == second:
		// Through the transcoder, so that the sender keeps one source while
		// the browser's codec changes.
		o.from.hear(c.source(hears))
		sender.Hear(o.to.Source())
	default: // players speak the customer's codec, and so does their own echo
		sender.Hear(c.source(hears))
		o.from.hear(nil)
	}
}

// feedSeat lets a browser hear: each voice on a track of its own.
func (c *Call) feedSeat(s Seat, hears voices) {
	if _, ok := s.(Telephone); ok {
		return // see feedPhones
	}
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
	case announcer:
		if c.announcing != nil {
			return c.announcing.player.Source()
		}
	case theBot:
		if c.bot != nil {
			return c.bot.out.Source()
		}
	}
	return nil
}

// cut makes everybody deaf, for good.
func (c *Call) cut() {
	c.mode = modeNone
	c.apply()
}
