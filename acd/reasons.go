package acd

import (
	"strconv"
	"time"

	"callfloor/contact"
)

// reasons says why c goes to chosen, the chosen one first, and what kept the
// others from it.
func (s *State) reasons(c *customer, chosen *agent, why string) []Candidate {
	all := len(c.q.members) <= reasonsTold
	room := len(c.q.members)
	if !all {
		room = min(c.q.idle.len(), reasonsTold) // the chosen one is one of them
	}
	list := make([]Candidate, 1, max(1, room))
	list[0] = Candidate{Agent: chosen.id, Chosen: true, Why: why}
	if all {
		for _, m := range c.q.members {
			if m.a != chosen {
				list = append(list, Candidate{Agent: m.a.id, Why: s.whyNot(c, m.a)})
			}
		}
		return list
	}
	for m := range c.q.idle.all() {
		if m.a == chosen || len(list) == reasonsTold {
			break
		}
		list = append(list, Candidate{Agent: m.a.id, Why: s.whyNot(c, m.a)})
	}
	return list
}

func (s *State) whyNot(c *customer, a *agent) string {
	switch a.status.State {
	case contact.AgentAvailable:
	case contact.AgentOffline:
		return "signed out"
	case contact.AgentAway:
		if a.status.Reason != "" {
			return "away (" + a.status.Reason + ")"
		}
		return "away"
	case contact.AgentOffered:
		return "another call rings"
	case contact.AgentTalking, contact.AgentHold:
		return "in a call"
	case contact.AgentWrapUp:
		return "in wrap-up"
	case contact.AgentNotResponding:
		return "not responding"
	case contact.AgentDisconnected:
		return "browser gone"
	}
	switch d, no := c.declinedBy(a, s.now); {
	case no:
		return "declined " + seconds(s.now.Sub(d.at)) + " ago"
	case a.gone:
		return "browser gone"
	case !a.status.Ready && a.notReady != "":
		return "browser not ready: " + a.notReady
	case !a.status.Ready:
		return "browser not ready"
	}
	if why := s.unfit(c, a); why != "" {
		return why
	}
	return "idle " + seconds(s.now.Sub(a.idleSince))
}

// unfit says what keeps a, who is free, from c: skills, or whose turn it is.
func (s *State) unfit(c *customer, a *agent) string {
	m := a.memberOf(c.q)
	switch {
	case m == nil:
	case a.suits(c.wants) == fitNo:
		return "lacks " + c.wants.need.String()
	case m.after > s.now.Sub(c.joined):
		return "helps out after " + seconds(m.after)
	case a.suits(c.wants) == fitYes:
		return "idle, without " + c.wants.prefer.String()
	}
	return ""
}

// whyChosen says why the strategy took m.
func (s *State) whyChosen(c *customer, m *member) string {
	a := m.a
	why := "longest idle " + seconds(s.now.Sub(a.idleSince))
	switch c.q.cfg.Strategy {
	case FewestCalls:
		why = "fewest calls today, " + strconv.Itoa(a.calls)
	case RoundRobin:
		why = "next in turn"
	case LeastTalk:
		why = "talked least today, " + seconds(a.talked)
	case Random:
		why = "drawn"
	case Weighted:
		why = "its share is due, weight " + strconv.Itoa(max(1, a.person.Weight))
	case TopDown:
		why = "first on the list who is free"
	case RingAll:
		why = "all who are free ring"
	}
	if c.prefer == m {
		why = "spoke with this caller last"
	}
	if d := c.wants; !d.need.IsAny() {
		why += ", has " + d.need.String()
	}
	if d := c.wants; !d.prefer.IsAny() && a.suits(d) == fitPreferred {
		why += ", has the preferred " + d.prefer.String()
	}
	switch {
	case c.vip:
		why += "; the caller is a VIP"
	case c.priority != 0:
		why += "; priority " + strconv.Itoa(c.priority)
	}
	return why
}

func seconds(d time.Duration) string { return strconv.Itoa(int(d/time.Second)) + " s" }
