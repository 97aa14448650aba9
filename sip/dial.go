package sip

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	gosip "github.com/emiago/sipgo/sip"

	"callfloor/contact"
	"callfloor/media/codec"
	"callfloor/sip/sdp"
)

// DialOptions say how to place a call.
type DialOptions struct {
	// From is our number, or a whole SIP URI; "" is "callfloor".
	From string
	// Codecs are offered in this order; none: Config.Codecs.
	Codecs []codec.ID
	// SRTP is how the audio is to be encrypted, sdp.SDES or sdp.DTLS; a far end
	// that does not is hung up on. "": plain RTP.
	SRTP sdp.Method
	// Transport is "udp" or "tcp"; "": the URI's, else UDP.
	Transport string
	// Prepare, if there, is called with the leg before the INVITE is sent: to
	// attach to its source before the first packet can come.
	Prepare func(*Leg)
}

// RejectedError is a final response from 300 to 699 to our INVITE.
type RejectedError struct {
	Status int
	Reason string
}

// Error says what came back.
func (e *RejectedError) Error() string {
	return fmt.Sprintf("the call was refused: %d %s", e.Status, e.Reason)
}

// Dial places a call and returns when it is answered and the answer is
// acknowledged. Media that comes before (183) is taken. When ctx ends first
// the call is cancelled. A refusal is a *RejectedError.
func (s *Server) Dial(ctx context.Context, uri string, o DialOptions) (*Leg, error) {
	l, err := s.newOutbound(ctx, uri, o)
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", uri, err)
	}
	if bad := s.admit(l); bad.status != 0 {
		return nil, fmt.Errorf("dial %s: the server takes no calls now", uri)
	}
	if o.Prepare != nil {
		o.Prepare(l)
	}
	if err := l.call(ctx); err != nil {
		return nil, fmt.Errorf("dial %s: %w", uri, err)
	}
	return l, nil
}

func (s *Server) newOutbound(ctx context.Context, uri string, o DialOptions) (*Leg, error) {
	var to gosip.Uri
	if err := gosip.ParseUri(uri, &to); err != nil || !strings.EqualFold(to.Scheme, "sip") || to.Host == "" {
		return nil, errors.New("not a SIP URI; write sip:NUMBER@HOST[:PORT]")
	}
	transport := strings.ToUpper(o.Transport)
	if transport == "" {
		t, _ := to.UriParams.Get("transport")
		transport = strings.ToUpper(t)
	}
	switch transport {
	case "":
		transport = "UDP"
	case "UDP", "TCP":
	default:
		return nil, fmt.Errorf("transport %q is not known; use udp or tcp", transport)
	}
	at, err := resolve(ctx, to)
	if err != nil {
		return nil, err
	}
	l := s.newLeg(newTag()+"@callfloor", transport, at)
	l.outbound = true
	d := &l.dialog
	d.them, d.target = to, to
	d.them.UriParams, d.them.Headers = nil, nil
	if d.us, err = l.fromURI(o.From); err != nil {
		return nil, err
	}
	if len(o.Codecs) > 0 {
		l.local.Codecs = o.Codecs
	}
	l.local.Security.Offer = o.SRTP
	if o.SRTP != "" {
		l.local.Security.Policy = sdp.Require
	}
	l.called, l.caller = userOf(to), userOf(d.us)
	return l, nil
}

func (l *Leg) fromURI(from string) (gosip.Uri, error) {
	if from == "" {
		from = "callfloor"
	}
	if !strings.Contains(from, ":") {
		return gosip.Uri{Scheme: "sip", User: from, Host: hostOf(l.dialog.advertise)}, nil
	}
	var u gosip.Uri
	if err := gosip.ParseUri(from, &u); err != nil {
		return u, fmt.Errorf("the caller %q is neither a number nor a SIP URI", from)
	}
	return u, nil
}

// resolve finds where a URI's host is. Only URIs of our own user come here.
func resolve(ctx context.Context, u gosip.Uri) (netip.AddrPort, error) {
	if at, ok := literal(u); ok {
		return at, nil
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip4", u.Host)
	if err != nil || len(ips) == 0 {
		return netip.AddrPort{}, fmt.Errorf("find the address of %s: %w", u.Host, err)
	}
	port := u.Port
	if port == 0 {
		port = 5060
	}
	return netip.AddrPortFrom(ips[0].Unmap(), uint16(port)), nil
}

// call sends the INVITE and waits for its end. The leg ends if that is not an
// answer.
func (l *Leg) call(ctx context.Context) error {
	l.mu.Lock()
	m := l.openMedia()
	if m == nil {
		l.end(contact.EndCause{By: contact.System, Class: contact.EndFailed, Why: "no media port was free"}, false)
		l.mu.Unlock()
		return errors.New("no media port is free; widen the range of ports")
	}
	l.local.Port = m.LocalPort()
	req := l.request(gosip.INVITE, 0)
	req.AppendHeader(gosip.NewHeader("Content-Type", "application/sdp"))
	req.SetBody(sdp.Offer(l.local))
	l.invite, l.calling = req, true
	l.mu.Unlock()

	l.traceRequest(req, true)
	tx, err := l.s.txl.Request(ctx, req)
	if err != nil {
		l.fail(contact.EndCause{By: contact.System, Class: contact.EndFailed, Why: "the INVITE could not be sent"})
		return fmt.Errorf("send INVITE: %w", err)
	}
	// A repeated 200 asks for the ACK again (RFC 3261 §13.2.2.4). The callback
	// runs inside the transaction, so it must not wait for anything of ours.
	tx.OnRetransmission(func(res *gosip.Response) { l.s.wg.Go(func() { l.ackAgain(res) }) })
	return l.ringOut(ctx, tx)
}

// ringOut waits for the final response.
func (l *Leg) ringOut(ctx context.Context, tx *gosip.ClientTx) error {
	rung := false
	for {
		select {
		case res := <-tx.Responses():
			l.traceResponse(res.StatusCode, res.Reason, gosip.INVITE, false)
			switch {
			case res.IsProvisional():
				rung = true
				l.progress(res)
			case res.IsSuccess():
				return l.answered(res)
			default:
				l.fail(contact.EndCause{By: contact.Customer, Class: contact.EndRejected, SIP: contact.SIPStatus(res.StatusCode), Why: printable(res.Reason, 80)})
				return &RejectedError{Status: res.StatusCode, Reason: printable(res.Reason, 80)}
			}
		case <-tx.Done():
			l.fail(contact.EndCause{By: contact.System, Class: contact.EndFailed, SIP: 408, Why: "the far end did not answer the INVITE"})
			return fmt.Errorf("no answer to the INVITE: %w", tx.Err())
		case <-ctx.Done():
			l.giveUp(tx, rung, "cancelled")
			return context.Cause(ctx)
		case <-l.done:
			l.giveUp(tx, rung, "ended")
			return l.Cause()
		case <-l.s.ctx.Done():
			l.fail(contact.EndCause{By: contact.System, Class: contact.EndFailed, Why: "the server stops"})
			return ErrGone
		}
	}
}

// fail ends a leg whose INVITE is over.
func (l *Leg) fail(cause contact.EndCause) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calling = false
	l.end(cause, false)
	l.poke()
}

// progress is a provisional response: it may make an early dialog and early
// media (RFC 3261 §12.1, RFC 3960).
func (l *Leg) progress(res *gosip.Response) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if res.StatusCode == 100 || l.state == legEnded {
		return
	}
	if l.state == legNew {
		l.move(legRinging)
	}
	l.learn(res)
	if len(res.Body()) > 0 {
		if s, err := sdp.Parse(res.Body()); err == nil {
			if a, err := sdp.Accept(s, l.local); err == nil {
				l.apply(a)
			}
		}
	}
}

// learn takes the dialog's far side from a response. l.mu is held.
func (l *Leg) learn(res *gosip.Response) {
	d := &l.dialog
	if to := res.To(); to != nil {
		if tag, ok := to.Params.Get("tag"); ok && tag != "" {
			d.remoteTag = tag
		}
	}
	if c := res.Contact(); c != nil {
		d.target = c.Address
	}
	d.routes = routeSet(res, true)
	d.allowsUpdate = d.allowsUpdate || allowsUpdate(res)
}

// answered is the 2xx: acknowledge, agree, go.
func (l *Leg) answered(res *gosip.Response) error {
	l.mu.Lock()
	l.learn(res)
	if l.state == legEnded { // the answer crossed our CANCEL
		ack := l.ackFor(l.invite)
		l.mu.Unlock()
		l.sendAck(ack)
		l.mu.Lock()
		l.calling, l.sendBye = false, true // only now: the BYE must not overtake the ACK
		l.mu.Unlock()
		l.poke()
		return l.Cause()
	}
	l.calling = false
	l.move(legConfirmed)
	var agreed sdp.Agreed
	s, err := sdp.Parse(res.Body())
	if err == nil {
		agreed, err = sdp.Accept(s, l.local)
	}
	if err == nil {
		l.apply(agreed)
		l.watchSilence()
	}
	if interval, refresher, ok := parseSessionExpires(res); ok && interval > 0 {
		l.timer = sessionTimer{interval: interval, require: true, ours: refresher != "uas", uas: refresher == "uas"}
		l.timer.start(time.Now())
	}
	ack := l.ackFor(l.invite)
	l.mu.Unlock()
	l.sendAck(ack)
	l.poke()
	if err != nil {
		why := "the answer had no usable audio"
		if errors.Is(err, sdp.ErrNotSecure) {
			why = "the answer was not encrypted as asked"
		}
		l.Hangup(contact.EndCause{By: contact.System, Class: contact.EndFailed, Q850: 88, Why: why})
		return fmt.Errorf("use the answer: %w", err)
	}
	return nil
}

// ackFor builds the ACK of a 2xx to req. l.mu is held.
func (l *Leg) ackFor(req *gosip.Request) *gosip.Request {
	return l.request(gosip.ACK, req.CSeq().SeqNo)
}

func (l *Leg) sendAck(ack *gosip.Request) {
	l.traceRequest(ack, true)
	if err := l.s.tpl.WriteMsg(ack); err != nil {
		l.log.Debug("ACK not sent", "error", err)
	}
}

func (l *Leg) ackAgain(res *gosip.Response) {
	defer l.s.recovered("repeated answer")
	tag := ""
	if to := res.To(); to != nil {
		tag, _ = to.Params.Get("tag")
	}
	l.mu.Lock()
	ours := tag == l.dialog.remoteTag
	var ack *gosip.Request
	if ours {
		ack = l.ackFor(l.invite)
	}
	l.mu.Unlock()
	if ours {
		l.traceResponse(res.StatusCode, res.Reason, gosip.INVITE, false)
		l.sendAck(ack)
	}
}

// giveUp cancels the INVITE (RFC 3261 §9.1). The leg has ended when it
// returns; what is left to say is said in the background, and run waits for it.
func (l *Leg) giveUp(tx *gosip.ClientTx, rung bool, why string) {
	l.mu.Lock()
	l.end(contact.EndCause{By: contact.System, Class: contact.EndAbandoned, SIP: 487, Why: why}, false)
	l.mu.Unlock()
	l.s.wg.Go(func() {
		defer l.s.recovered("cancel")
		defer func() {
			l.mu.Lock()
			l.calling = false
			l.mu.Unlock()
			l.poke()
		}()
		l.cancelOut(tx, rung)
	})
}

// cancelOut sends the CANCEL, but not before a provisional response has come,
// and deals with the answer that may have crossed it.
func (l *Leg) cancelOut(tx *gosip.ClientTx, rung bool) {
	limit := time.NewTimer(ackLimit + time.Second)
	defer limit.Stop()
	sent := false
	for {
		if rung && !sent {
			sent = true
			l.s.wg.Go(func() {
				defer l.s.recovered("cancel")
				if _, err := l.transact(l.s.ctx, cancelFor(l.invite)); err != nil {
					l.log.Debug("CANCEL not answered", "error", err)
				}
			})
		}
		select {
		case res := <-tx.Responses():
			l.traceResponse(res.StatusCode, res.Reason, gosip.INVITE, false)
			switch {
			case res.IsProvisional():
				rung = true
			case res.IsSuccess():
				_ = l.answered(res)
				return
			default:
				return
			}
		case <-tx.Done():
			return
		case <-limit.C:
			tx.Terminate()
			return
		case <-l.s.ctx.Done():
			return
		}
	}
}

// cancelFor builds the CANCEL of an INVITE (RFC 3261 §9.1): the same branch,
// the same numbers.
func cancelFor(invite *gosip.Request) *gosip.Request {
	req := gosip.NewRequest(gosip.CANCEL, invite.Recipient)
	req.AppendHeader(invite.Via().Clone())
	gosip.CopyHeaders("Route", invite, req)
	mf := gosip.MaxForwardsHeader(70)
	req.AppendHeader(&mf)
	req.AppendHeader(gosip.HeaderClone(invite.From()))
	req.AppendHeader(gosip.HeaderClone(invite.To()))
	req.AppendHeader(gosip.HeaderClone(invite.CallID()))
	req.AppendHeader(&gosip.CSeqHeader{SeqNo: invite.CSeq().SeqNo, MethodName: gosip.CANCEL})
	req.SetBody(nil)
	req.SetTransport(invite.Transport())
	req.SetDestination(invite.Destination())
	req.Laddr = invite.Laddr
	return req
}
