package sip

import (
	"strconv"
	"strings"
	"time"

	gosip "github.com/emiago/sipgo/sip"

	"callfloor/contact"
)

// sessionTimer is the session timer of a dialog (RFC 4028). The zero value is
// none. We ask for one in our INVITEs, and keep one with callers who know the
// extension or have a proxy ask; with others the silence of RTP tells us.
type sessionTimer struct {
	interval  time.Duration
	least     time.Duration // the longest Min-SE that was seen
	ours      bool          // we refresh
	uas       bool          // the refresher is the UAS, as the header names it
	require   bool          // the far side knows the extension
	refreshAt time.Time
	expireAt  time.Time
}

// leastSession is the shortest interval that anybody may ask for (RFC 4028 §4),
// longestSession what we would keep a dead dialog for.
const (
	leastSession   = 90 * time.Second
	longestSession = 24 * time.Hour
)

// offeredTimer reads Session-Expires of an INVITE or UPDATE from the far side
// (RFC 4028 §9); it is the UAC of the request.
func (s *Server) offeredTimer(req *gosip.Request) (sessionTimer, verdict) {
	interval, refresher, ok := parseSessionExpires(req)
	supports := requires(req, "Supported", "timer")
	theirs := minSE(req)
	if !ok {
		if !supports || s.cfg.SessionExpires == 0 {
			return sessionTimer{}, verdict{}
		}
		// They did not ask, so we do, and do the work.
		return sessionTimer{interval: max(s.cfg.SessionExpires, theirs), least: theirs, require: true, ours: true, uas: true}, verdict{}
	}
	least := s.cfg.MinSessionExpires
	if interval < least {
		if supports {
			return sessionTimer{}, verdict{422, "Session Interval Too Small", []gosip.Header{gosip.NewHeader("Min-SE", seconds(least))}}
		}
		interval = least // a proxy wrote it; the caller could not understand a 422
	}
	t := sessionTimer{interval: min(max(interval, theirs), longestSession), least: theirs, require: supports}
	// Without support in the caller only we can refresh (RFC 4028 table 2).
	t.ours = !supports || refresher == "uas"
	t.uas = t.ours
	return t, verdict{}
}

// answeredTimer reads Session-Expires of a 2xx to a request of ours (RFC 4028
// §7.2); we are the UAC of the request.
func answeredTimer(res *gosip.Response) sessionTimer {
	interval, refresher, ok := parseSessionExpires(res)
	if !ok || interval <= 0 {
		return sessionTimer{} // they do not know it
	}
	interval = min(max(interval, leastSession), longestSession)
	return sessionTimer{interval: interval, least: minSE(res), require: true, ours: refresher != "uas", uas: refresher == "uas"}
}

// minSE reads Min-SE (RFC 4028 §5), 0 if there is none or it is absurd.
func minSE(m gosip.Message) time.Duration {
	v, _, _ := strings.Cut(headerValue(m, "Min-SE"), ";")
	n, err := strconv.ParseUint(strings.TrimSpace(v), 10, 31)
	if d := time.Duration(n) * time.Second; err == nil && d <= longestSession {
		return d
	}
	return 0
}

// ask are the headers of our INVITE; who refreshes is left to the far side.
func (t *sessionTimer) ask() []gosip.Header {
	if t.interval == 0 {
		return nil
	}
	return []gosip.Header{gosip.NewHeader("Session-Expires", seconds(t.interval)), gosip.NewHeader("Min-SE", seconds(t.least))}
}

// longer takes the Min-SE of a 422 (RFC 4028 §7.3) and says whether that is
// worth asking again.
func (t *sessionTimer) longer(res *gosip.Response) bool {
	least := minSE(res)
	if least <= t.interval {
		return false
	}
	t.interval, t.least = least, least
	return true
}

// parseSessionExpires reads "1800;refresher=uac".
func parseSessionExpires(m gosip.Message) (interval time.Duration, refresher string, ok bool) {
	f := splitParams(headerValue(m, "Session-Expires"))
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
	out := []gosip.Header{gosip.NewHeader("Session-Expires", seconds(t.interval)+";refresher="+who)}
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
	req.AppendHeader(gosip.NewHeader("Session-Expires", seconds(l.timer.interval)+";refresher=uac"))
	if l.timer.least > 0 {
		req.AppendHeader(gosip.NewHeader("Min-SE", seconds(l.timer.least)))
	}
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
	if req.Method == gosip.INVITE {
		l.offering = false
	}
	if err == nil && res.IsSuccess() && req.Method == gosip.INVITE {
		ack := l.ackOf(res)
		defer l.sendAck(ack) // after the lock is given back
	}
	defer l.mu.Unlock()
	switch {
	case l.state == legEnded:
	case err != nil || gone(res.StatusCode):
		l.end(contact.EndCause{By: contact.System, Class: contact.EndFailed, Q850: 102, Why: "the phone is gone: the refresh was not answered"}, true)
	case res.StatusCode == 491:
		l.timer.refreshAt = time.Now().Add(l.glareWait())
	case res.StatusCode == 422 && l.timer.longer(res):
		l.timer.refreshAt = time.Now()
	case res.IsSuccess():
		l.tookRefresh(req, res)
	default:
		l.dialog.allowsUpdate = false // try a re-INVITE; the expiry ends it otherwise
		l.timer.refreshAt = time.Now().Add(max(t2, retryAfter(res)))
	}
}

// tookRefresh is a 2xx to our refresh. l.mu is held.
func (l *Leg) tookRefresh(req *gosip.Request, res *gosip.Response) {
	if req.Method == gosip.INVITE {
		l.acceptAgain(res)
	}
	if c := res.Contact(); c != nil {
		l.dialog.target = c.Address
	}
	if t := answeredTimer(res); t.interval > 0 {
		t.least = max(t.least, l.timer.least)
		l.timer = t
	}
	l.timer.start(time.Now())
}
