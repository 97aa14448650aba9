package sip

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	gosip "github.com/emiago/sipgo/sip"
)

// Referral is a REFER that came on a leg (RFC 3515): the far end asks us to call
// somebody else in its stead. Accept or Refuse it, then tell by Progress what
// became of it. All methods may be called from any goroutine.
type Referral struct {
	// Leg is the leg that it came on.
	Leg *Leg
	// Target is the URI to call, without its headers; User its user part and Host
	// its host.
	Target, User, Host string
	// Replaces is there in an attended transfer: the target's dialog that the
	// new call takes the place of (RFC 3891).
	Replaces *Replaces
	// ReferredBy is who asks, as the far end says (RFC 3892), "" if it does not.
	ReferredBy string

	req   *gosip.Request
	tx    gosip.ServerTransaction
	quiet bool // no NOTIFYs are wanted (RFC 4488)

	mu       sync.Mutex
	decided  chan struct{} // closed by Accept and Refuse
	accepted bool
	refused  bool
	over     bool
	notices  chan sipfrag
	moved    *Leg          // that has the dialog now, nil: Leg
	told     chan struct{} // closed when there is nothing more to tell
}

// referWait is how long a user has to decide about a REFER: less than a
// transaction lives (RFC 3261 §17.1.2.2, timer F).
const referWait = 20 * time.Second

// notices that may wait to be sent; a final one always finds room, since what is
// provisional is dropped for it.
const maxNotices = 16

// onRefer takes a REFER within a call.
func (l *Leg) onRefer(req *gosip.Request, tx gosip.ServerTransaction) {
	r, bad := l.newReferral(req, tx)
	if bad.status != 0 {
		l.mu.Lock()
		l.respond(tx, req, bad.status, bad.reason, bad.headers...)
		l.mu.Unlock()
		return
	}
	l.s.wg.Go(func() {
		defer l.s.recovered("REFER")
		defer func() { _ = r.Refuse(403, "Forbidden") }() // unless it was decided
		l.s.opt.OnRefer(r)
	})
	wait := time.NewTimer(referWait)
	defer wait.Stop()
	select {
	case <-r.decided:
		return
	case <-wait.C:
		_ = r.Refuse(503, "Service Unavailable")
		return
	case <-l.done:
	}
	// A transfer that was carried out ends the call; its user says so at once.
	wait.Reset(lastNotice)
	select {
	case <-r.decided:
	case <-wait.C:
		_ = r.Refuse(481, "Call/Transaction Does Not Exist")
	}
}

// newReferral checks a REFER.
func (l *Leg) newReferral(req *gosip.Request, tx gosip.ServerTransaction) (*Referral, verdict) {
	l.mu.Lock()
	defer l.mu.Unlock()
	seq := req.CSeq().SeqNo
	switch {
	case l.state == legEnded || !l.is(req):
		return nil, verdict{status: 481, reason: "Call/Transaction Does Not Exist"}
	case seq <= l.dialog.remoteSeq:
		return nil, later()
	}
	l.dialog.remoteSeq = seq
	r, bad := readRefer(req)
	switch {
	case bad.status != 0:
		return nil, bad
	case l.state != legConfirmed:
		return nil, later()
	case l.referral != nil && !l.referral.finished():
		return nil, verdict{status: 491, reason: "Request Pending"}
	case l.s.opt.OnRefer == nil:
		return nil, verdict{status: 403, reason: "Forbidden"}
	}
	r.Leg, r.tx = l, tx
	l.referral = r
	return r, verdict{}
}

// readRefer reads what a REFER asks for.
func readRefer(req *gosip.Request) (*Referral, verdict) {
	to := req.GetHeaders("Refer-To")
	if len(to) != 1 || len(to[0].Value()) > 2048 { // RFC 3515 §2.4.2
		return nil, verdict{status: 400, reason: "One Refer-To Wanted"}
	}
	var u gosip.Uri
	params := gosip.NewParams()
	if _, err := gosip.ParseAddressValue(to[0].Value(), &u, &params); err != nil {
		return nil, verdict{status: 400, reason: "Bad Refer-To"}
	}
	if u.Scheme == "" || u.Host == "" && !strings.EqualFold(u.Scheme, "tel") && dialable(u.Scheme) {
		return nil, verdict{status: 400, reason: "Bad Refer-To"}
	}
	if !dialable(u.Scheme) {
		return nil, verdict{status: 416, reason: "Unsupported URI Scheme"}
	}
	if m, ok := u.UriParams.Get("method"); ok && !strings.EqualFold(m, "INVITE") {
		return nil, verdict{status: 501, reason: "Only INVITE Is Served"}
	}
	r := &Referral{
		req: req, User: userOf(u), Host: printable(strings.ToLower(strings.Trim(u.Host, "[]")), 255),
		quiet:   strings.EqualFold(headerValue(req, "Refer-Sub"), "false"),
		decided: make(chan struct{}), notices: make(chan sipfrag, maxNotices), told: make(chan struct{}),
	}
	if v, ok := u.Headers.Get("Replaces"); ok {
		rep, err := parseReplaces(unescape(v))
		if err != nil {
			return nil, verdict{status: 400, reason: "Bad Replaces"}
		}
		r.Replaces = &rep
	}
	if by := headerValue(req, "Referred-By"); by != "" && len(by) <= 1024 {
		var who gosip.Uri
		p := gosip.NewParams()
		if _, err := gosip.ParseAddressValue(by, &who, &p); err == nil {
			r.ReferredBy = userOf(who)
		}
	}
	u.Headers = nil
	u.UriParams.Remove("method")
	r.Target = printable(u.String(), 512)
	return r, verdict{}
}

// Accept takes the REFER (202); the far end is told by NOTIFY that we try. It
// fails when it was decided before.
func (r *Referral) Accept() error {
	if !r.decide(true) {
		return fmt.Errorf("accept a REFER: it was decided before")
	}
	l := r.Leg
	l.mu.Lock()
	headers := []gosip.Header{l.contactHeader()}
	if r.quiet {
		headers = append(headers, gosip.NewHeader("Refer-Sub", "false"))
	}
	l.respond(r.tx, r.req, 202, "Accepted", headers...)
	l.mu.Unlock()
	close(r.decided)
	l.s.wg.Go(r.notify)
	r.Progress(100, "Trying")
	return nil
}

// Refuse refuses the REFER with a status from 400 to 699. It fails when it was
// decided before.
func (r *Referral) Refuse(status int, reason string) error {
	if !r.decide(false) {
		return fmt.Errorf("refuse a REFER: it was decided before")
	}
	l := r.Leg
	l.mu.Lock()
	l.respond(r.tx, r.req, status, reason)
	l.mu.Unlock()
	close(r.decided)
	return nil
}

func (r *Referral) decide(accept bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.accepted || r.refused {
		return false
	}
	r.accepted, r.refused, r.over = accept, !accept, !accept
	return true
}

func (r *Referral) finished() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.over
}

// Progress tells the far end how the new call goes (RFC 3515 §2.4.4): 180 that
// it rings, 200 that it is answered, 486 that it is busy. The first status from
// 200 up is the last one that is told.
func (r *Referral) Progress(status int, reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.accepted || r.over {
		return
	}
	r.over = status >= 200
	n := sipfrag{Status: status, Reason: reason}
	for {
		select {
		case r.notices <- n:
			return
		default:
		}
		if !r.over {
			return // provisional: there is enough to say already
		}
		select {
		case <-r.notices:
		default:
		}
	}
}

// notify sends the notices, one after the other, until the last or the end of
// the call. One that nobody answers ends it too.
func (r *Referral) notify() {
	defer close(r.told)
	defer r.Leg.s.recovered("NOTIFY")
	for {
		var n sipfrag
		select {
		case n = <-r.notices:
		case <-r.leg().done:
			r.afterEnd()
			return
		}
		if !r.quiet && !r.send(n) || n.Status >= 200 {
			return
		}
	}
}

// Told is closed when the far end was told the last word, or cannot be told.
func (r *Referral) Told() <-chan struct{} { return r.told }

// leg is where the REFER's dialog is now; move says that it is in another leg.
func (r *Referral) leg() *Leg {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.moved != nil {
		return r.moved
	}
	return r.Leg
}

func (r *Referral) move(to *Leg) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.moved = to
}

func (r *Referral) send(n sipfrag) bool {
	l := r.leg()
	l.mu.Lock()
	if l.state == legEnded && !l.sendBye { // they hung up, or have our BYE
		l.mu.Unlock()
		return false
	}
	req := l.request(gosip.NOTIFY, 0)
	l.mu.Unlock()
	state := "active;expires=180"
	if n.Status >= 200 {
		state = "terminated;reason=noresource"
	}
	req.AppendHeader(gosip.NewHeader("Event", fmt.Sprintf("refer;id=%d", r.req.CSeq().SeqNo)))
	req.AppendHeader(gosip.NewHeader("Subscription-State", state))
	req.AppendHeader(gosip.NewHeader("Content-Type", "message/sipfrag;version=2.0"))
	req.SetBody([]byte(n.String()))
	res, err := l.transact(context.WithoutCancel(l.s.ctx), req)
	return err == nil && res.IsSuccess()
}
