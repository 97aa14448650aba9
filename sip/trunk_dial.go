package sip

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	gosip "github.com/emiago/sipgo/sip"

	"callfloor/contact"
	"callfloor/media/codec"
)

// TrunkNumber is a number in the forms that trunks may want.
type TrunkNumber struct {
	E164     string // +8613812345678; "" where it has no such form
	National string
	Dialled  string
}

// TrunkCall is a call to place over the trunks of a group.
type TrunkCall struct {
	Group  string // "" is "default"
	Number TrunkNumber
	// Caller is the number shown; "" is the trunk's own.
	Caller string
	// Urgent calls (to emergency numbers) take a trunk that is full, too.
	Urgent bool
	// Prepare, Progress and Headers are as in DialOptions. Prepare is called
	// once: a call keeps its leg on every trunk that it tries.
	Prepare  func(*Leg)
	Progress func(status int, earlyMedia bool)
	Headers  []Header
	// Redirect is asked what to do with a 3xx: it returns the number to call
	// instead, or an error. nil: a 3xx is a refusal.
	Redirect func(ctx context.Context, user string) (TrunkNumber, error)
	// Trying is told the trunk before each INVITE to it.
	Trying func(trunk string)
}

// ErrNoTrunk says that no trunk of a group could carry a call.
var ErrNoTrunk = errors.New("no trunk could carry the call")

// Bounds of one call.
const (
	// hopSilence is how long a place may say nothing at all; trunkSilence how
	// long the places of one trunk may together, so that the next trunk has the
	// call within four seconds.
	hopSilence   = 2 * time.Second
	trunkSilence = 3500 * time.Millisecond
	maxTrunks    = 8
	maxRedirects = 3
)

// Dial places a call over the trunks of a group: the first that takes it, by
// order and weight; one that is down, full or asks for a rest is left out. It
// goes on to the next when a trunk says nothing, or fails (408 without a ring,
// 5xx, a challenge that cannot be answered). The error wraps ErrNoTrunk, or is
// a *RejectedError where a trunk refused the number.
func (t *Trunks) Dial(ctx context.Context, c TrunkCall) (*Leg, error) {
	way := t.choose(c.Group, time.Now())
	if len(way) == 0 {
		return nil, fmt.Errorf("%w: the group %q has none that is up", ErrNoTrunk, groupName(c.Group))
	}
	var leg *Leg
	var failed, err error
	for i, k := range way[:min(len(way), maxTrunks)] {
		if err = k.take(time.Now(), c.Urgent); err != nil {
			failed = worse(failed, fmt.Errorf("trunk %s: %w", k.cfg.ID, err))
			continue
		}
		leg, err = t.over(ctx, k, leg, c)
		k.gave(err)
		if err == nil {
			return leg, nil
		}
		failed = worse(failed, fmt.Errorf("trunk %s: %w", k.cfg.ID, err))
		if leg != nil && leg.hasEnded() || !elsewhere(err) || i == maxTrunks-1 || ctx.Err() != nil {
			break
		}
		t.s.log.Warn("a trunk could not carry a call", "trunk", k.cfg.ID, "error", err)
	}
	if cause := context.Cause(ctx); cause != nil && leg != nil && !leg.hasEnded() { // while a connection was made
		leg.fail(contact.EndCause{By: contact.System, Class: contact.EndAbandoned, SIP: 487, Why: "cancelled"})
		return nil, cause
	}
	if leg != nil && leg.hasEnded() { // hung up, redirected to where it must not go, or ctx ended
		return nil, err
	}
	if leg != nil {
		leg.concede(errors.Join(failed, &unreachableError{ErrNoTrunk}))
	}
	if _, refused := errors.AsType[*RejectedError](failed); refused {
		return nil, failed
	}
	return nil, fmt.Errorf("%w: %w", ErrNoTrunk, failed)
}

// elsewhere says whether another trunk may do better.
func elsewhere(err error) bool {
	if e, ok := errors.AsType[*RejectedError](err); ok {
		return e.Status == 408 || e.Status == 401 || e.Status == 407 || e.Status >= 500 && e.Status < 600
	}
	_, silent := errors.AsType[*unreachableError](err)
	return silent
}

// over asks one trunk, at each of its places. The leg is made with the first.
func (t *Trunks) over(ctx context.Context, k *trunk, leg *Leg, c TrunkCall) (*Leg, error) {
	began := time.Now()
	var failed error
	for _, host := range k.cfg.Hosts {
		hops, err := t.dns.find(ctx, host, k.cfg.Transport)
		if err != nil {
			failed = worse(failed, &unreachableError{err})
		}
		for _, h := range hops {
			left := trunkSilence - time.Since(began)
			if left <= 0 {
				return leg, failed
			}
			if leg == nil {
				if leg, err = t.newLeg(k, h, c); err != nil {
					return nil, err
				}
			}
			if err = leg.over(ctx, k, h, c, min(hopSilence, left)); err == nil {
				t.carry(k, leg)
				return leg, nil
			}
			if failed = worse(failed, err); !elsewhere(err) || leg.hasEnded() {
				return leg, failed
			}
		}
	}
	return leg, failed
}

// newLeg makes the leg of a call, admits it and opens its media.
func (t *Trunks) newLeg(k *trunk, h hop, c TrunkCall) (*Leg, error) {
	l := t.s.newLeg(newTag()+"@callfloor", h.transport, h.at)
	l.outbound = true
	l.called, l.caller = printable(c.Number.any(), 128), printable(c.Caller, 128)
	l.wants = DialOptions{Progress: c.Progress, Headers: c.Headers}
	if err := l.aim(k, h, c, c.Number); err != nil {
		return nil, err
	}
	if bad := t.s.admit(l); bad.status != 0 {
		return nil, errors.New("the server takes no calls now")
	}
	if c.Prepare != nil {
		c.Prepare(l)
	}
	return l, l.prepareCall()
}

// over sends the INVITE to one place and follows where it is redirected.
func (l *Leg) over(ctx context.Context, k *trunk, h hop, c TrunkCall, silence time.Duration) error {
	number := c.Number
	for n := 0; ; n++ {
		if err := l.aim(k, h, c, number); err != nil {
			return err
		}
		if c.Trying != nil {
			c.Trying(k.cfg.ID)
		}
		err := l.ask(ctx, silence)
		e, ok := errors.AsType[*RejectedError](err)
		if !ok || e.Status < 300 || e.Status > 399 || c.Redirect == nil || len(e.Contacts) == 0 || n == maxRedirects {
			return err
		}
		var to gosip.Uri
		if gosip.ParseUri(e.Contacts[0], &to) != nil {
			return err
		}
		// Only the number counts: the call stays with our trunks, wherever the
		// carrier would send it.
		if number, err = c.Redirect(ctx, userOf(to)); err != nil {
			l.fail(contact.EndCause{By: contact.System, Class: contact.EndRejected, SIP: contact.SIPStatus(e.Status), Why: "redirected, and that was refused"})
			return err
		}
	}
}

// aim points an outbound leg at a trunk.
func (l *Leg) aim(k *trunk, h hop, c TrunkCall, n TrunkNumber) error {
	user := k.number(n)
	if user == "" {
		return fmt.Errorf("trunk %s has no form of this number", k.cfg.ID)
	}
	caller := c.Caller
	if caller == "" {
		caller = k.cfg.Caller
	}
	if caller == "" {
		caller = k.cfg.User
	}
	if caller == "" {
		caller = "anonymous"
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	d := &l.dialog
	d.transport, d.flow = h.transport, h.at
	d.advertise, l.bindIP = l.s.localIP(h.at)
	d.them = gosip.Uri{Scheme: "sip", User: user, Host: k.cfg.domain()}
	d.us = gosip.Uri{Scheme: "sip", User: caller, Host: k.cfg.domain()}
	if k.login.user == "" {
		d.us.Host = hostOf(d.advertise)
	}
	l.uri = d.them
	if _, port, err := splitHost(k.cfg.Hosts[0]); err == nil && k.cfg.Domain == "" {
		l.uri.Port = port
	}
	d.target, l.challenged, l.trunk = l.uri, false, k.cfg.ID
	l.local.Addr = d.advertise
	l.local.Codecs = l.s.cfg.spoken()
	if len(k.codecs) > 0 {
		l.local.Codecs = k.codecs
	}
	l.local.Security.Offer, l.local.Security.Policy = k.cfg.security()
	l.wants.auth, l.wants.Dest, d.peerName = nil, n.any(), h.name
	if k.login.user != "" {
		l.wants.auth = k.login
	}
	l.trace.mu.Lock()
	l.trace.transport, l.trace.near, l.trace.far = h.transport, netip.AddrPortFrom(d.advertise, l.s.addr.Port()), h.at
	l.trace.mu.Unlock()
	return nil
}

// leave drops an INVITE to which nothing came: the leg asks elsewhere. Should
// it be heard of after all it is cancelled, or acknowledged and ended.
func (l *Leg) leave(tx *gosip.ClientTx) {
	l.mu.Lock()
	invite, d := l.invite, l.dialog
	l.mu.Unlock()
	l.s.wg.Go(func() {
		defer l.s.recovered("leave a silent trunk")
		limit := time.NewTimer(ackLimit)
		defer limit.Stop()
		defer tx.Terminate()
		sent := false
		for {
			select {
			case res := <-tx.Responses():
				switch {
				case res.IsProvisional() && !sent:
					sent = true
					l.s.wg.Go(func() {
						defer l.s.recovered("cancel")
						if _, err := l.s.exchange(l.s.ctx, cancelFor(invite)); err != nil {
							l.log.Debug("CANCEL not answered", "error", err)
						}
					})
				case res.IsSuccess():
					l.refuseLate(res, invite, d)
					return
				case !res.IsProvisional():
					return
				}
			case <-tx.Done():
				return
			case <-limit.C:
				return
			case <-l.s.ctx.Done():
				return
			}
		}
	})
}

// refuseLate acknowledges and ends an answer that came after the call had gone
// elsewhere.
func (l *Leg) refuseLate(res *gosip.Response, invite *gosip.Request, d dialog) {
	d.remoteTag, d.target, d.routes = tagOf(res), invite.Recipient, routeSet(res, true)
	if c := res.Contact(); c != nil {
		d.target = c.Address
	}
	seq := invite.CSeq().SeqNo
	l.mu.Lock()
	ack, bye := l.requestIn(&d, gosip.ACK, seq), l.requestIn(&d, gosip.BYE, seq+1)
	l.mu.Unlock()
	if err := l.s.write(ack); err != nil {
		l.log.Debug("ACK not sent", "error", err)
	}
	if _, err := l.s.exchange(l.s.ctx, bye); err != nil {
		l.log.Debug("BYE to a late answer not answered", "error", err)
	}
}

// any is the best form there is.
func (n TrunkNumber) any() string {
	if n.E164 != "" {
		return n.E164
	}
	return n.Dialled
}

// number writes n the way the trunk wants it; "" if it has no such form.
func (k *trunk) number(n TrunkNumber) string {
	s := n.any()
	switch k.cfg.Format {
	case "e164":
		s = strings.TrimPrefix(s, "+")
	case "national":
		if n.National != "" {
			s = n.National
		}
	case "dialled":
		s = n.Dialled
	}
	for _, r := range k.rewrite {
		if r.match.MatchString(s) {
			s = r.match.ReplaceAllString(s, r.to)
			break
		}
	}
	s = k.cfg.Add + strings.TrimPrefix(s, k.cfg.Strip)
	if strings.Trim(s, "+*#0123456789ABCDabcd") != "" {
		return ""
	}
	return s
}

// codecsOf are a trunk's own codecs; none: the server's.
func codecsOf(names []string) []codec.ID {
	ids := make([]codec.ID, 0, len(names))
	for _, n := range names {
		ids = append(ids, codec.Parse(n))
	}
	return ids
}
