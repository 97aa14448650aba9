package app

import (
	"callfloor/acd"
	"callfloor/call"
	"callfloor/contact"
	"callfloor/web"
)

// helps says that a is in the call, or asked to come, beside its agent.
func helps(s call.Snapshot, a contact.AgentID) bool {
	return s.Second != nil && s.Second.User == a && a != ""
}

// those are the agents whose seats show a call.
func (d *desk) those(s call.Snapshot) []contact.AgentID {
	all := []contact.AgentID{s.Agent, d.parted[s.ID]}
	if s.Second != nil && s.Second.User != "" {
		all = append(all, s.Second.User)
	}
	if s.Handover != nil {
		all = append(all, s.Handover.From)
	}
	return all
}

// showParked puts a call that is parked where agents can see it, and takes it
// away from there.
func (d *desk) showParked(s call.Snapshot) {
	key := "parked/" + string(s.ID)
	if s.Parked == nil || s.Ended != nil {
		if !d.parked[s.ID] {
			return
		}
		delete(d.parked, s.ID)
		for _, seat := range d.seats {
			seat.Drop(key)
		}
		return
	}
	d.parked[s.ID] = true
	for _, seat := range d.seats {
		seat.Put(key, d.parkedView(s))
	}
}

func (d *desk) parkedView(s call.Snapshot) web.ParkedView {
	v := web.ParkedView{
		Contact: s.ID, Slot: s.Parked.Slot, From: contact.Mask(s.From), Queue: string(s.Queue), By: d.name(string(s.Parked.By)),
		Since: when(s.Parked.Since), Until: when(s.Parked.Until),
	}
	if s.Handover != nil {
		v.Note = s.Handover.Note
	}
	return v
}

// showHandOn adds to the view of a call what concerns hand-overs, for agent a.
func (d *desk) showHandOn(v *web.CallView, s call.Snapshot, a contact.AgentID) {
	v.Second, v.Helps = secondView(s.Second), helps(s, a)
	if v.Phase == web.PhaseWrapUp {
		v.Second = nil // who is in the call now is with others
	}
	v.Video = videoView(s.Screens, a, d.name)
	if v.Helps {
		v.Muted = s.Second.Muted
	}
	rang := d.rang[wrapKey{s.ID, a}].Purpose
	if h := s.Handover; h != nil && (h.From != a || rang == acd.Return) {
		kind, from := h.Kind, string(h.From)
		if rang != "" {
			kind = string(rang)
		}
		v.Handover = &web.HandoverView{From: from, Name: d.name(from), Kind: kind, Note: h.Note, At: when(h.At)}
	}
}

func secondView(s *call.Second) *web.SecondView {
	if s == nil {
		return nil
	}
	return &web.SecondView{User: string(s.User), Name: s.Name, State: string(s.State), Since: when(s.Since), Muted: s.Muted, Why: s.Why}
}
