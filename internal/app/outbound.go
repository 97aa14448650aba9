package app

import (
	"context"
	"errors"
	"time"

	"callfloor/call"
	"callfloor/contact"
	"callfloor/outbound"
	"callfloor/sip"
)

// Outside is a call to a number outside of the house. Every way out goes
// through House.PlaceOutside, so that one rule decides about all of them.
type Outside struct {
	// To is the number as people dial it: +8613812345678, 0049 30 …, 110.
	To string
	// Line gives the caller id and the rules.
	Line contact.LineID
	// Trunk is the group of trunks to use; "" for the one of the rule.
	Trunk string
	// Purpose says what asks: see the Purpose constants.
	Purpose Purpose
	// By is the user who asked; "" where no person did.
	By string
	// Call is the contact that this belongs to; "" if there is none yet. One
	// contact may have a bounded number of calls out.
	Call contact.ID
	// Inbound says that the contact came in over a trunk: such a call gets out
	// only by a rule that says inbound. House knows it of the contacts that it
	// knows, and takes it for granted of all others but those of seat and api.
	Inbound bool
	// HandOn, if there, is the customer's leg, which its trunk may be asked to
	// hand to the number (REFER): where the trunk does, no leg comes back, and
	// the error wraps errHandedOn.
	HandOn call.Leg
	// RingFor is how long it may ring; 0 is 60 s.
	RingFor time.Duration
	// Prepare, if there, is called with the leg before its INVITE is sent, to
	// attach to its source (early media). The leg stays the same on every trunk
	// that is tried. It must not hang up.
	Prepare func(call.Leg)
	// Progress, if there, is told each provisional response (180, 183) and
	// whether early media comes with it. It must not block.
	Progress func(status int, earlyMedia bool)
}

// Purpose is what asks for a call to the outside.
type Purpose = outbound.Purpose

// The purposes.
const (
	PurposeSeat     = outbound.Seat     // an agent dials
	PurposeAPI      = outbound.API      // a program asks
	PurposeCallback = outbound.Callback // a customer asked to be called back
	PurposeFlow     = outbound.Flow     // a flow's dial node
	PurposeTransfer = outbound.Transfer // an agent hands a call to a number
	PurposeRefer    = outbound.Refer    // a phone's REFER
)

// ringFor is how long a call out rings unless it says otherwise.
const ringFor = 60 * time.Second

// PlaceOutside calls a number outside and returns when it is answered; the leg
// is the caller's to hang up. It gives up when ctx ends. The error is a
// contact.Error: OutboundRefused (a rule said no, and which), CalleeBusy,
// CalleeDeclined, NoAnswer, NotFound (no such number), Invalid (not a number
// at all), NoTrunk (every trunk is down, full or failed), or Conflict (ctx
// ended).
func (h *House) PlaceOutside(ctx context.Context, req Outside) (call.Leg, error) {
	if h.outside == nil {
		return nil, contact.Errorf(contact.NoTrunk, "there is no trunk to call out on; add one to the configuration")
	}
	if req.RingFor <= 0 {
		req.RingFor = ringFor
	}
	req.Inbound = req.Inbound || h.cameIn(req)
	ring, stop := context.WithTimeoutCause(ctx, req.RingFor, errRang)
	defer stop()
	leg, err := h.outside.place(ring, h.traced(req))
	switch {
	case errors.Is(err, errHandedOn):
		return nil, err
	case err != nil:
		return nil, outsideError(ctx, err)
	}
	return leg, nil
}

// cameIn says whether the contact of a call out came in from outside.
func (h *House) cameIn(req Outside) bool {
	if c, ok := h.call(req.Call); ok {
		return !c.Outbound
	}
	return req.Purpose != PurposeSeat && req.Purpose != PurposeAPI
}

// outside places calls that have passed the rules.
type outside interface {
	place(ctx context.Context, req Outside) (*sip.Leg, error)
}

var errRang = errors.New("it rang and nobody answered")

// outsideError puts a failed call into words that a person may read.
func outsideError(ctx context.Context, err error) error {
	rejected, refused := errors.AsType[*sip.RejectedError](err)
	switch {
	case contact.ErrorCode(err) != contact.Internal:
		return err
	case ctx.Err() != nil:
		return contact.Errorf(contact.Conflict, "the call was given up before it was answered")
	case errors.Is(err, errRang):
		return contact.Errorf(contact.NoAnswer, "nobody answered")
	case !refused:
		return contact.Errorf(contact.NoTrunk, "no trunk could carry the call; the trunks' page says why")
	}
	switch rejected.Status {
	case 486, 600:
		return contact.Errorf(contact.CalleeBusy, "the line is busy")
	case 408, 480, 487:
		return contact.Errorf(contact.NoAnswer, "nobody answered")
	case 603, 607, 608:
		return contact.Errorf(contact.CalleeDeclined, "the call was declined")
	case 404, 410, 484, 604:
		return contact.Errorf(contact.NotFound, "there is no such number")
	}
	return contact.Errorf(contact.NoTrunk, "the carrier refused the call: %d %s", rejected.Status, rejected.Reason)
}
