package call

import (
	"callfloor/contact"
	"callfloor/media"
	"callfloor/media/codec"
)

// Recode follows the customer's phone to another codec in mid-call: prompts and
// music are played in it from now on, and the seat is told, whose browser changes
// what it sends.
func (c *Call) Recode(now codec.ID) {
	c.post(func() {
		if c.flowPlayer == nil || c.view.Codec == now.String() || !now.Audio() {
			return
		}
		c.flowPlayer.Recode(now)
		c.holdPlayer.Recode(now)
		if c.announcing != nil {
			c.announcing.player.Recode(now)
		}
		c.wires.recode(c.Pacer, now)
		c.Leg.Sender().Fill(now)
		c.view.Codec = now.String()
		c.Note(contact.KindFlow, legCustomer, "the customer's phone speaks another codec now", map[string]any{"codec": now.String()})
		c.apply()
		c.changed()
	})
}

// recode makes what depends on the customer's codec anew.
func (w *wires) recode(p *media.Pacer, now codec.ID) {
	from := w.customer.from.src.Load()
	w.customer.close()
	w.open(p, now)
	w.customer.from.hear(from)
}
