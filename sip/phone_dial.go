package sip

import (
	"context"
	"errors"
	"fmt"
	"time"

	gosip "github.com/emiago/sipgo/sip"

	"callfloor/contact"

	"callfloor/sip/sdp"
)

// ErrNotRegistered says that a user has no telephone that can be reached.
var ErrNotRegistered = errors.New("no telephone of the user is registered")

// DialPhone rings every registered telephone of a user, over the flow that each
// registered from, and returns the leg of the one that answers first; the
// others are cancelled. When ctx ends first all are. If none answers, the error
// is the one that says most: a *RejectedError where a phone refused.
func (s *Server) DialPhone(ctx context.Context, user string, o DialOptions) (*Leg, error) {
	if s.registrar == nil {
		return nil, ErrNotRegistered
	}
	where := s.registrar.where.of(user, time.Now())
	if len(where) == 0 {
		return nil, fmt.Errorf("ring %s: %w", user, ErrNotRegistered)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type result struct {
		leg *Leg
		err error
	}
	results := make(chan result, len(where))
	for _, b := range where {
		s.wg.Go(func() {
			defer s.recovered("ring a telephone")
			r := result{err: errors.New("a fault in the server")}
			defer func() { results <- r }()
			r.leg, r.err = s.dialContact(ctx, b, o)
		})
	}
	var first *Leg
	var failed error
	for range where {
		r := <-results
		switch {
		case r.err != nil:
			failed = worse(failed, r.err)
		case first == nil:
			first = r.leg
			cancel() // the others
		default: // answered in the same moment
			r.leg.Hangup(contact.EndCause{By: contact.System, Class: contact.EndCompleted, Why: "another telephone answered first"})
		}
	}
	if first == nil {
		return nil, fmt.Errorf("ring %s: %w", user, failed)
	}
	return first, nil
}

// worse is the error that says more of two.
func worse(a, b error) error {
	var refused *RejectedError
	if a == nil || !errors.As(a, &refused) && errors.As(b, &refused) {
		return b
	}
	return a
}

func (s *Server) dialContact(ctx context.Context, b *binding, o DialOptions) (*Leg, error) {
	l := s.newLeg(newTag()+"@callfloor", b.Transport, b.Flow)
	l.outbound = true
	d := &l.dialog
	d.pinned = true
	d.them, d.target, d.routes = b.uri, b.uri, b.path
	d.them.UriParams = nil
	l.wants = o
	var err error
	if d.us, err = l.fromURI(o.From); err != nil {
		return nil, err
	}
	if len(o.Codecs) > 0 {
		l.local.Codecs = o.Codecs
	}
	if (b.Transport == wireWS || b.Transport == wireWSS) && l.local.Security.Policy != sdp.Off {
		// A softphone in a browser: it takes nothing else (RFC 8827 §6.5).
		l.local.Security.Offer, l.local.ICE.Offer = sdp.DTLS, true
	}
	l.called, l.caller = b.User, userOf(d.us)
	if bad := s.admit(l); bad.status != 0 {
		return nil, errors.New("the server takes no calls now")
	}
	if o.Prepare != nil {
		o.Prepare(l)
	}
	if err := l.call(ctx); err != nil {
		return nil, err
	}
	return l, nil
}

// ping asks a phone over its flow whether it is there.
func (s *Server) ping(ctx context.Context, b *binding) error {
	l := s.newLeg(newTag()+"@callfloor", b.Transport, b.Flow) // for its headers; it is never admitted
	d := &l.dialog
	d.pinned = true
	d.them, d.target, d.routes = b.uri, b.uri, b.path
	d.us = gosip.Uri{Scheme: "sip", User: "callfloor", Host: hostOf(d.advertise)}
	req := l.request(gosip.OPTIONS, 0)
	req.AppendHeader(l.contactHeader())
	if err := l.reach(ctx); err != nil {
		return err
	}
	tx, err := s.begin(ctx, req)
	if err != nil {
		return fmt.Errorf("send OPTIONS: %w", err)
	}
	defer tx.Terminate()
	select {
	case <-tx.Responses():
		return nil
	case <-tx.Done():
		return fmt.Errorf("wait for the answer to OPTIONS: %w", tx.Err())
	case <-ctx.Done():
		return fmt.Errorf("wait for the answer to OPTIONS: %w", context.Cause(ctx))
	}
}
