package call

import (
	"callfloor/contact"
)

// Video makes the agent or the second one show something to the others (source
// ShowsCamera or ShowsScreen), or stops that (""). why is who stopped it: ""
// for the person, else the page's reason. Showing again also forgets that a
// network was too weak.
func (c *Call) Video(user, source, why string) error {
	return c.do(func() error {
		if !c.has(user) {
			return contact.Errorf(contact.Conflict, "this call is not with you")
		}
		return c.showFrom(contact.AgentID(user), source, why)
	})
}

// CustomerVideo is Video for the customer's end.
func (c *Call) CustomerVideo(source, why string) error {
	return c.do(func() error { return c.showFrom("", source, why) })
}

// showFrom makes one end show something.
func (c *Call) showFrom(user contact.AgentID, source, why string) error {
	all := c.pictures()
	var own *picture
	others := false
	for i, p := range all {
		if p.user == user {
			own = &all[i]
		} else {
			others = others || p.at.CanSee()
		}
	}
	switch {
	case own == nil && source == "":
		return nil
	case source != "" && (own == nil || !others):
		return contact.Errorf(contact.Conflict, "nobody else in this call could see it")
	case source != "" && !own.at.CanSee():
		return contact.Errorf(contact.Conflict, "your page has no connection for pictures; reload it")
	}
	if source == "" && own.shows.source == "" {
		return nil
	}
	changed := own.shows.source != source
	own.shows.source, own.shows.weak = source, false
	own.at.Camera().Strengthen()
	for _, p := range all {
		p.shows.blind &^= own.voice
	}
	c.applyPictures()
	if changed {
		c.noteVideo(*own, source, why)
	}
	c.changed()
	return nil
}

// noteVideo writes into the timeline what an end shows now.
func (c *Call) noteVideo(p picture, source, why string) {
	who := string(p.user)
	data := map[string]any{"on": source != "", "source": source, "agent": who}
	if who == "" {
		who, data["agent"] = "the customer", nil
	}
	text := who + " shows nothing any more"
	switch {
	case source != "":
		text = who + " shows their " + source
	case why == ReasonNetwork:
		text = who + " shows nothing any more: the network is too weak"
	}
	if source == "" && why != "" {
		data["why"] = why
	}
	c.Note(contact.KindVideo, p.leg, text, data)
}

// ReasonNetwork is why something is not shown any more: a network is too weak.
const ReasonNetwork = "network"

// lookAtPictures notices networks that are too weak for pictures, which leave
// them to the sound then, and pages that can or cannot take pictures any more.
func (c *Call) lookAtPictures() {
	all := c.pictures()
	if all == nil {
		return
	}
	if c.findWeak(all) {
		c.applyPictures()
		c.changed()
		return
	}
	if c.showPictures(all) {
		c.changed()
	}
}

// findWeak names what a network cannot carry; true if that is new.
func (c *Call) findWeak(all []picture) (found bool) {
	for _, from := range all {
		if from.shows.source == "" || from.shows.weak {
			continue
		}
		if from.at.Camera().Weak() {
			from.shows.weak, found = true, true
			c.noteWeak(from, from)
			continue
		}
		for _, to := range all {
			if to.voice == from.voice || to.shows.blind&from.voice != 0 {
				continue
			}
			if v := to.at.View(to.track(from.voice)); v.Showing() == from.at.Camera() && v.Weak() {
				to.shows.blind |= from.voice
				found = true
				c.noteWeak(from, to)
			}
		}
	}
	return found
}

// noteWeak writes down that the network of one cannot carry what is shown by
// from.
func (c *Call) noteWeak(from, whose picture) {
	name := func(p picture) string {
		if p.user == "" {
			return "the customer"
		}
		return string(p.user)
	}
	data := map[string]any{"on": false, "source": from.shows.source, "agent": string(from.user), "why": ReasonNetwork, "whose": string(whose.leg)}
	if from.user == "" {
		data["agent"] = nil
	}
	c.Note(contact.KindVideo, whose.leg, "the network of "+name(whose)+" is too weak for what "+name(from)+" shows; the sound goes on", data)
}

// keepShowing leaves what the second one shows on, who is the agent now, if
// anybody can see it.
func (c *Call) keepShowing(was *agent) {
	if c.pictures() == nil {
		return
	}
	c.agent.shows.source, c.agent.shows.weak = was.shows.source, was.shows.weak
	c.agent.shows.blind = was.shows.blind & customer
	c.applyPictures()
}
