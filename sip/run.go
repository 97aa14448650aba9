package sip

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	gosip "github.com/emiago/sipgo/sip"

	"callfloor/contact"
	"callfloor/sip/sdp"
)

// The timers of RFC 3261 that a dialog needs; the transaction layer has its
// own copies of the first two.
const (
	t1       = 500 * time.Millisecond
	t2       = 4 * time.Second
	ackLimit = 64 * t1 // a 2xx without ACK for so long ends the dialog
)

// pending is a 2xx to an INVITE that waits for its ACK.
type pending struct {
	tx       gosip.ServerTransaction
	res      *gosip.Response
	seq      uint32
	offered  bool // the 2xx holds an offer, so the ACK must hold the answer
	initial  bool
	interval time.Duration
	next     time.Time
	deadline time.Time
}

// await sends a 2xx and repeats it until it is acknowledged. l.mu is held.
func (l *Leg) await(tx gosip.ServerTransaction, res *gosip.Response, seq uint32, offered, initial bool) {
	now := time.Now()
	l.pending = &pending{tx: tx, res: res, seq: seq, offered: offered, initial: initial, interval: t1, next: now.Add(t1), deadline: now.Add(ackLimit)}
	l.sendResponse(tx, res)
}

// run is the leg's own goroutine: repetitions, timers, traces, and the last
// words. It ends when nothing of the leg is left.
func (l *Leg) run() {
	defer close(l.gone)
	defer l.trace.deliver()
	defer l.s.forget(l)
	defer func() {
		if r := recover(); r != nil {
			l.s.caught("leg", r)
			l.Hangup(contact.EndCause{By: contact.System, Class: contact.EndFailed, SIP: 500, Why: "a fault in the server"})
			l.closeMedia()
		}
	}()
	t := time.NewTimer(time.Hour)
	defer t.Stop()
	closed := false
	for {
		l.trace.deliver()
		l.tellChanges()
		next, over := l.due(time.Now())
		if !closed && l.hasEnded() {
			closed = true
			l.closeMedia()
			continue
		}
		if over {
			break
		}
		t.Reset(max(time.Until(next), 0))
		select {
		case <-t.C:
		case <-l.wake:
		case ack := <-l.acks():
			l.traceRequest(ack, false)
			l.onAck(ack)
		case <-l.s.ctx.Done():
			l.closeMedia()
			return
		}
	}
	l.lastWords()
}

// acks are ACKs that the transaction layer matched by the INVITE's branch;
// some phones reuse it for the ACK of a 2xx.
func (l *Leg) acks() <-chan *gosip.Request {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pending == nil {
		return nil
	}
	return l.pending.tx.Acks()
}

func (l *Leg) hasEnded() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state == legEnded
}

// due does what is due at now and returns when to look again. over says that
// the leg has ended and waits for nothing but its BYE.
func (l *Leg) due(now time.Time) (next time.Time, over bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	next = now.Add(time.Hour)
	at := func(t time.Time) bool {
		if t.IsZero() {
			return false
		}
		if !t.After(now) {
			return true
		}
		if t.Before(next) {
			next = t
		}
		return false
	}
	if p := l.pending; p != nil {
		switch {
		case at(p.deadline):
			l.pending = nil
			l.end(contact.EndCause{By: contact.System, Class: contact.EndFailed, Q850: 102, Why: "the phone never acknowledged the answer"}, true)
		case at(p.next):
			p.interval = min(2*p.interval, t2)
			p.next = now.Add(p.interval)
			l.sendResponse(p.tx, p.res)
			at(p.next)
		}
	}
	l.repeatReliable(at)
	switch l.state {
	case legRinging:
		if !l.outbound {
			l.dueRinging(at)
		}
	case legConfirmed:
		if at(l.timer.expireAt) {
			l.end(contact.EndCause{By: contact.System, Class: contact.EndFailed, Q850: 102, Why: "the session was not refreshed"}, true)
		} else if at(l.timer.refreshAt) {
			l.timer.refreshAt = time.Time{}
			l.s.wg.Go(l.refresh)
		}
	}
	return next, l.state == legEnded && !l.calling && (l.pending == nil || !l.pending.initial)
}

// end makes the leg end, once. l.mu is held. bye says whether the far side
// must be told; that is done by run, after the ACK if it is still out (RFC
// 3261 §15).
func (l *Leg) end(cause contact.EndCause, bye bool) {
	if l.state == legEnded {
		return
	}
	l.move(legEnded)
	l.cause, l.sendBye = cause, bye && !l.parted
	close(l.done)
	l.poke()
	l.log.Info("call ended", "by", string(cause.By), "class", string(cause.Class), "status", int(cause.SIP), "why", cause.Why)
}

// closeMedia closes the media and keeps its last figures.
func (l *Leg) closeMedia() {
	l.mu.Lock()
	m, stood := l.media, l.noMedia
	l.mu.Unlock()
	if stood != nil {
		stood.sender.Close()
	}
	if m == nil {
		return
	}
	q := m.Quality()
	m.Close()
	l.mu.Lock()
	l.quality, l.qualityKept = q, true
	l.mu.Unlock()
}

// lastWords sends the BYE that the end owes.
func (l *Leg) lastWords() {
	if !l.owesBye() {
		return
	}
	l.toldLast()
	l.mu.Lock()
	if !l.sendBye { // theirs came meanwhile
		l.mu.Unlock()
		return
	}
	l.sendBye = false
	ctx, crossed := context.WithCancel(l.s.ctx)
	defer crossed()
	l.crossed = crossed
	bye := l.request(gosip.BYE, 0)
	bye.AppendHeader(gosip.NewHeader("Reason", reasonHeader(l.cause)))
	l.mu.Unlock()
	if _, err := l.transact(ctx, bye); err != nil {
		l.log.Debug("BYE not answered", "error", err)
	}
}

// Hangup ends the leg from our side: BYE, CANCEL or a final response, as its
// state asks. It returns at once; hanging up again does nothing.
func (l *Leg) Hangup(cause contact.EndCause) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch l.state {
	case legEnded:
	case legAnswered, legConfirmed:
		l.end(cause, true)
	default:
		if l.outbound {
			l.end(cause, false) // Dial sees it and sends the CANCEL
			return
		}
		status, reason := finalStatus(cause)
		l.refuseLocked(status, reason, cause)
	}
}

// finalStatus is the response for a call that we end before an answer.
func finalStatus(c contact.EndCause) (int, string) {
	switch {
	case c.SIP >= 300 && c.SIP <= 699:
		return int(c.SIP), phrase(int(c.SIP))
	case c.Class == contact.EndFailed:
		return 500, "Server Internal Error"
	default:
		return 480, "Temporarily Unavailable"
	}
}

// phrase is the reason phrase of a final response that somebody else chose.
func phrase(status int) string {
	switch status {
	case 404:
		return "Not Found"
	case 480:
		return "Temporarily Unavailable"
	case 486:
		return "Busy Here"
	case 503:
		return "Service Unavailable"
	case 603:
		return "Decline"
	}
	return "Call Ended"
}

// onAck is the ACK of a 2xx; it may hold the answer to a late offer.
func (l *Leg) onAck(req *gosip.Request) {
	l.mu.Lock()
	p := l.pending
	if p == nil || req.CSeq() == nil || req.CSeq().SeqNo != p.seq {
		l.mu.Unlock()
		return
	}
	l.pending = nil
	if l.state == legAnswered {
		l.move(legConfirmed)
	}
	if p.offered && l.state != legEnded {
		s, err := sdp.Parse(req.Body())
		var a sdp.Agreed
		if err == nil {
			a, err = sdp.Accept(s, l.local)
		}
		if err != nil {
			l.end(contact.EndCause{By: contact.System, Class: contact.EndFailed, Q850: 88, Why: "the phone's answer had no usable audio"}, true)
		} else {
			l.apply(a)
		}
	}
	l.mu.Unlock()
	l.s.settle(l)
	l.poke()
}

// onBye is the far side's hang-up (RFC 3261 §15.1.2).
func (l *Leg) onBye(req *gosip.Request, tx gosip.ServerTransaction) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.respond(tx, req, 200, "OK")
	if !l.is(req) || l.partedBy() {
		return // of a dialog that was just replaced, or that nobody is in any more
	}
	if !l.outbound && (l.state == legNew || l.state == legRinging) {
		l.settleReliable()
		l.respond(l.tx, l.invite, 487, "Request Terminated")
	}
	l.pending = nil
	l.sendBye = false // they are faster than ours
	if l.crossed != nil {
		l.crossed() // both say it: no answer to ours need come
	}
	l.end(byeCause(req), false)
	l.poke()
}

// transact sends a request of the dialog and waits for its final response. A
// challenge is answered once.
func (l *Leg) transact(ctx context.Context, req *gosip.Request) (*gosip.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, ackLimit+time.Second)
	defer cancel()
	challenged := false
	for {
		res, err := l.transactOnce(ctx, req)
		if err != nil || res.StatusCode != 401 && res.StatusCode != 407 {
			return res, err
		}
		at, err := parseFlow(req.Destination())
		if err != nil {
			return res, nil
		}
		l.mu.Lock()
		again := l.meetChallenge(res, at.Addr(), &challenged)
		if again {
			req = l.again(req)
		}
		l.mu.Unlock()
		if !again {
			return res, nil
		}
	}
}

// again is req once more, with the next number and signed. l.mu is held.
func (l *Leg) again(req *gosip.Request) *gosip.Request {
	next := req.Clone()
	l.dialog.localSeq++
	next.CSeq().SeqNo = l.dialog.localSeq
	next.Via().Params.Add("branch", gosip.RFC3261BranchMagicCookie+newTag())
	l.wants.auth.sign(next)
	return next
}

func (l *Leg) transactOnce(ctx context.Context, req *gosip.Request) (*gosip.Response, error) {
	l.traceRequest(req, true)
	if err := l.reach(ctx); err != nil {
		return nil, fmt.Errorf("send %s: %w", req.Method, err)
	}
	tx, err := l.s.begin(ctx, req)
	if err != nil {
		return nil, fmt.Errorf("send %s: %w", req.Method, err)
	}
	defer tx.Terminate()
	for {
		select {
		case res := <-tx.Responses():
			l.traceResponse(res, false)
			if !res.IsProvisional() {
				return res, nil
			}
		case <-tx.Done():
			return nil, fmt.Errorf("wait for the answer to %s: %w", req.Method, tx.Err())
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for the answer to %s: %w", req.Method, context.Cause(ctx))
		}
	}
}

// jitter is a random time between a and b.
func jitter(a, b time.Duration) time.Duration { return a + rand.N(b-a) }
