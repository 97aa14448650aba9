package app

import (
	"context"
	"unicode/utf8"

	"callfloor/acd"
	"callfloor/api"
	"callfloor/call"
	"callfloor/contact"
	"callfloor/web"
)

// actionForce is a supervisor's change of an agent's state in the audit log.
const actionForce api.Action = "agent_state"

// SeatUp implements web.House: a seat has a socket, perhaps again.
func (h *House) SeatUp(s *web.Seat) {
	user := contact.AgentID(s.User())
	agent := s.Identity().Role == contact.RoleAgent
	if agent {
		h.engine.AddAgent(user, h.people.Queues(s.User()))
	}
	if status, known := h.engine.Agent(user); known {
		switch {
		case !agent && status.Contact == "": // no longer in the call that they took over
			h.seatBack(user)
		case status.State == contact.AgentOffline || status.State == "":
			h.tell(acd.AgentWants{Agent: user, State: contact.AgentAway})
			h.seatBack(user)
		case status.Contact == "" || s.MediaReady():
			h.seatBack(user)
		}
		// An agent with a call is back when the customer can hear them again.
	}
	notReady := ""
	if !s.MediaReady() {
		notReady = "connection"
	}
	h.inbox.seat(s, notReady, true)
}

// seatBack tells the queue engine that an agent can be heard again. Where it was their
// telephone that was lost in a call, nothing brings that back: the call gives it up first.
func (h *House) seatBack(user contact.AgentID) {
	if !h.phones.lost(user) {
		h.tell(acd.SeatBack{Agent: user})
	}
}

// SeatMedia implements web.House: the media of the phone tab is live, or not.
func (h *House) SeatMedia(s *web.Seat, ready bool, why string) {
	if ready {
		why = ""
	} else if why == "" {
		why = "connection"
	}
	if h.phones.has(contact.AgentID(s.User())) {
		why, ready = "", true // calls ring at the telephone
	}
	h.inbox.seat(s, why, false)
	if s.Identity().Role != contact.RoleAgent && !h.serves(s) {
		return
	}
	h.tell(acd.SeatReady{Agent: contact.AgentID(s.User()), Ready: ready})
	if ready {
		h.seatBack(contact.AgentID(s.User()))
		h.suspect(s.User(), false)
	}
}

// SeatDown implements web.House: a seat has no socket any more.
func (h *House) SeatDown(s *web.Seat) {
	h.inbox.seat(s, "connection", false)
	if s.Identity().Role != contact.RoleAgent {
		h.unlisten(s)
	}
	switch user := contact.AgentID(s.User()); {
	case h.phones.speaks(user):
		return // the browser was only the controls
	case h.phones.has(user):
		if status, _ := h.engine.Agent(user); status.State != contact.AgentTalking && status.State != contact.AgentHold {
			return
		}
	}
	h.suspect(s.User(), true)
	h.tell(acd.SeatLost{Agent: contact.AgentID(s.User())})
}

func (h *House) suspect(user string, on bool) {
	status, _ := h.engine.Agent(contact.AgentID(user))
	for _, id := range []contact.ID{status.Contact, status.Other.Contact} {
		if c, ok := h.call(id); ok {
			c.SeatSuspect(user, on)
		}
	}
}

// Do implements web.House: what a person does.
func (h *House) Do(ctx context.Context, s *web.Seat, cmd web.Command) error {
	switch cmd.Do {
	case web.DoListen, web.DoWhisper, web.DoBarge, web.DoTakeOver, web.DoUnlisten, web.DoForce:
		if s.Identity().Role == contact.RoleAgent {
			return contact.Errorf(contact.Forbidden, "only supervisors can do this")
		}
		return h.supervise(ctx, s, cmd)
	case web.DoMove, web.DoPriority, web.DoTearDown, web.DoQueue:
		if s.Identity().Role == contact.RoleAgent {
			return contact.Errorf(contact.Forbidden, "only supervisors can do this")
		}
		return h.onFloor(ctx, s, cmd)
	case web.DoEcho, web.DoHeadset:
		return h.headset(s, cmd)
	case web.DoVideo:
		return h.video(s, cmd)
	case web.DoHand:
		return h.hand(s, cmd)
	}
	if s.Identity().Role != contact.RoleAgent && (cmd.Do == web.DoState || !h.serves(s)) {
		return contact.Errorf(contact.Forbidden, "only agents take calls")
	}
	user := contact.AgentID(s.User())
	switch cmd.Do {
	case web.DoState:
		return h.wants(user, cmd)
	case web.DoAnswer:
		if h.phones.ringing(user, cmd.Contact) {
			return contact.Errorf(contact.Conflict, "your telephone rings: answer there")
		}
		return h.engine.Do(acd.OfferAccepted{Agent: user, Contact: cmd.Contact})
	case web.DoDecline:
		return h.engine.Do(acd.OfferDeclined{Agent: user, Contact: cmd.Contact})
	case web.DoWaiting:
		return h.callWaiting(s, cmd.On)
	case web.DoDial:
		return h.dialSeat(ctx, s, cmd)
	case web.DoWrapUpExtend:
		return h.engine.Do(acd.WrapUpExtended{Agent: user})
	case web.DoWrapUpWant:
		return h.engine.Do(acd.WrapUpWanted{Agent: user, Contact: cmd.Contact, On: cmd.On})
	case web.DoWrapUpNote, web.DoWrapUpDone:
		return h.wrapUp(ctx, user, cmd)
	case web.DoHold, web.DoMute, web.DoDigit, web.DoHangup:
		return h.inCall(s, cmd)
	case web.DoConsult, web.DoTransfer, web.DoSwap, web.DoMerge, web.DoDrop, web.DoPark, web.DoPickUp, web.DoRecPause:
		return h.handOn(s, cmd)
	}
	return contact.Errorf(contact.Invalid, "there is no command %q", cmd.Do)
}

func (h *House) wants(user contact.AgentID, cmd web.Command) error {
	switch cmd.State {
	case contact.AgentAvailable, contact.AgentAway, contact.AgentOffline:
		return h.engine.Do(acd.AgentWants{Agent: user, State: cmd.State, Reason: cmd.Reason, Force: cmd.Do == web.DoForce})
	}
	return contact.Errorf(contact.Invalid, "an agent cannot ask for the state %q: use available, away or offline", cmd.State)
}

// inCall carries out what an agent does during a call.
func (h *House) inCall(s *web.Seat, cmd web.Command) error {
	user := contact.AgentID(s.User())
	if status, _ := h.engine.Agent(user); cmd.Do == web.DoHangup && (cmd.Contact == "" || cmd.Contact == status.Contact) {
		if h.dials.hangUp(status.Contact, s.User()) || h.tasks.hangup(status.Contact, user) {
			return nil
		}
	}
	c, err := h.inFront(s.User(), cmd.Contact)
	if err != nil {
		return err
	}
	switch cmd.Do {
	case web.DoHold:
		if err := c.Hold(s.User(), cmd.On); err != nil {
			return err
		}
		return h.engine.Do(acd.Held{Agent: user, On: cmd.On, Contact: c.ID})
	case web.DoMute:
		return c.Mute(s.User(), cmd.On)
	case web.DoDigit:
		key, size := utf8.DecodeRuneInString(cmd.Digit)
		if size == 0 || size != len(cmd.Digit) {
			return contact.Errorf(contact.Invalid, "a key is one of 0-9, *, # and A-D")
		}
		return c.SendDigit(s.User(), key)
	default:
		if v := c.Second(); v != nil && v.User == contact.AgentID(s.User()) && v.State != call.SecondRinging {
			return c.EndConsult(s.User()) // the customer stays with the agent
		}
		return c.HangupBy(s.User())
	}
}
