package sip

import (
	"strconv"
	"strings"
	"time"

	gosip "github.com/emiago/sipgo/sip"

	"callfloor/contact"
	"callfloor/sip/sdp"
)

// sessionTimer is the session timer of a dialog (RFC 4028). The zero value is
// none: we keep one when the far side asks, and never ask ourselves, since the
// silence of RTP tells us sooner.
type sessionTimer struct {
	interval  time.Duration
	ours      bool // we refresh
	uas       bool // the refresher is the UAS, as the header names it
	require   bool // the far side knows the extension
	refreshAt time.Time
	expireAt  time.Time
}

// offeredTimer reads Session-Expires of an INVITE or UPDATE from the far side
// (RFC 4028 §9); it is the UAC of the request.
func (s *Server) offeredTimer(req *gosip.Request) (sessionTimer, verdict) {
	interval, refresher, ok := parseSessionExpires(req)
	if !ok {
		return sessionTimer{}, verdict{}
	}
	supports := false
	for _, t := range append(headerTokens(req, "Supported"), headerTokens(req, "k")...) {
		supports = supports || strings.EqualFold(t, "timer")
	}
	least := s.cfg.MinSessionExpires
	if interval < least {
		if supports {
			return sessionTimer{}, verdict{422, "Session Interval Too Small", []gosip.Header{gosip.NewHeader("Min-SE", strconv.Itoa(int(least/time.Second)))}}
		}
		interval = least // a proxy wrote it; the caller could not understand a 422
	}
	t := sessionTimer{interval: interval, require: supports}
	// Without support in the caller only we can refresh (RFC 4028 table 2).
	t.ours = !supports || refresher == "uas"
	t.uas = t.ours
	return t, verdict{}
}

// parseSessionExpires reads "1800;refresher=uac" ("x" is its compact form).
func parseSessionExpires(m gosip.Message) (interval time.Duration, refresher string, ok bool) {
	v := headerValue(m, "Session-Expires")
	if v == "" {
		v = headerValue(m, "x")
	}
	f := splitParams(v)
	if len(f) == 0 {
		return 0, "", false
	}
	n, err := strconv.ParseUint(f[0], 10, 31)
	if err != nil {
		return 0, "", false
	}
	for _, p := range f[1:] {
		if r, found := strings.CutPrefix(p, "refresher="); found {
			refresher = r
		}
	}
	return time.Duration(n) * time.Second, refresher, true
}

// headers are what a 2xx says of the timer.
func (t *sessionTimer) headers() []gosip.Header {
	if t.interval == 0 {
		return nil
	}
	who := "uac"
	if t.uas {
		who = "uas"
	}
	out := []gosip.Header{gosip.NewHeader("Session-Expires", strconv.Itoa(int(t.interval/time.Second))+";refresher="+who)}
	if t.require {
		out = append(out, gosip.NewHeader("Require", "timer"))
	}
	return out
}

// start runs the timer from now: a refresh of ours is due at half of the
// interval, a missing one of theirs ends the session a little before its end
// (RFC 4028 §10).
func (t *sessionTimer) start(now time.Time) {
	if t.interval == 0 {
		t.refreshAt, t.expireAt = time.Time{}, time.Time{}
		return
	}
	t.refreshAt = time.Time{}
	if t.ours {
		t.refreshAt = now.Add(t.interval / 2)
	}
	t.expireAt = now.Add(t.interval - min(32*time.Second, t.interval/3))
}

// refresh is our turn to refresh: an UPDATE where the far side takes it, else
// a re-INVITE of what there is.
func (l *Leg) refresh() {
	defer l.s.recovered("session refresh")
	l.mu.Lock()
	if l.state != legConfirmed || l.offering || l.pending != nil {
		l.timer.refreshAt = time.Now().Add(t2)
		l.mu.Unlock()
		l.poke()
		return
	}
	method := gosip.INVITE
	if l.dialog.allowsUpdate {
		method = gosip.UPDATE
	}
	req := l.request(method, 0)
	req.AppendHeader(gosip.NewHeader("Session-Expires", strconv.Itoa(int(l.timer.interval/time.Second))+";refresher=uac"))
	if method == gosip.INVITE {
		req.AppendHeader(gosip.NewHeader("Content-Type", "application/sdp"))
		req.SetBody(l.reOffer())
		l.offering = true
	}
	l.mu.Unlock()
	res, err := l.transact(l.s.ctx, req)
	l.refreshed(req, res, err)
}

func (l *Leg) refreshed(req *gosip.Request, res *gosip.Response, err error) {
	l.mu.Lock()
	defer l.poke()
	l.offering = false
	if err == nil && res.IsSuccess() && req.Method == gosip.INVITE {
		ack := l.ackFor(req)
		defer l.sendAck(ack) // after the lock is given back
	}
	defer l.mu.Unlock()
	switch {
	case l.state == legEnded:
	case err != nil || res.StatusCode == 481 || res.StatusCode == 408:
		l.end(contact.EndCause{By: contact.System, Class: contact.EndFailed, Q850: 102, Why: "the phone is gone: the refresh was not answered"}, true)
	case res.StatusCode == 491: // glare, RFC 3261 §14.1
		wait := jitter(0, 2*time.Second)
		if l.outbound {
			wait = jitter(2100*time.Millisecond, 4*time.Second)
		}
		l.timer.refreshAt = time.Now().Add(wait)
	case res.IsSuccess():
		l.tookRefresh(req, res)
	default:
		l.dialog.allowsUpdate = false // try a re-INVITE; the expiry ends it otherwise
		l.timer.refreshAt = time.Now().Add(t2)
	}
}

// tookRefresh is a 2xx to our refresh. l.mu is held.
func (l *Leg) tookRefresh(req *gosip.Request, res *gosip.Response) {
	if req.Method == gosip.INVITE {
		if s, err := sdp.Parse(res.Body()); err == nil {
			if a, err := sdp.Accept(s, l.local); err == nil {
				l.apply(a)
			}
		}
	}
	if c := res.Contact(); c != nil {
		l.dialog.target = c.Address
	}
	l.timer.start(time.Now())
}
