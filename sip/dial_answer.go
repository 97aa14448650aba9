package sip

import (
	"errors"
	"fmt"
	"time"

	gosip "github.com/emiago/sipgo/sip"

	"callfloor/contact"
	"callfloor/sip/sdp"
)

// progress is a provisional response: it may make an early dialog and early
// media (RFC 3261 §12.1, RFC 3960). Of several early dialogs the one whose media
// came last is heard.
func (l *Leg) progress(res *gosip.Response) {
	l.mu.Lock()
	if res.StatusCode == 100 || l.state == legEnded {
		l.mu.Unlock()
		return
	}
	f := l.fork(res)
	if !l.acknowledge(f, res) {
		l.mu.Unlock()
		return
	}
	if l.state == legNew {
		l.move(legRinging)
	}
	media := false
	if f != nil {
		media = l.hears(f, res)
		if media || l.dialog.remoteTag == "" || l.dialog.remoteTag == f.remoteTag {
			l.follow(f)
		}
	}
	tell := l.wants.Progress
	l.mu.Unlock()
	if tell != nil {
		tell(res.StatusCode, media)
	}
}

// hears takes the description of a provisional response. l.mu is held.
func (l *Leg) hears(f *earlyDialog, res *gosip.Response) bool {
	if len(res.Body()) == 0 {
		return false
	}
	s, err := sdp.Parse(res.Body())
	if err != nil {
		return false
	}
	a, err := sdp.Accept(s, l.local)
	if err != nil {
		return false
	}
	f.agreed, f.heard = a, true
	return true
}

// learn takes the dialog's far side from the answer. l.mu is held.
func (l *Leg) learn(res *gosip.Response) {
	d := &l.dialog
	if tag := tagOf(res); tag != d.remoteTag {
		if f := l.forks[tag]; f != nil {
			l.follow(f)
		} else {
			d.remoteTag, d.remoteSeq, d.allowsUpdate = tag, 0, false
		}
	}
	if c := res.Contact(); c != nil {
		d.target = c.Address
	}
	d.routes = routeSet(res, true)
	d.allowsUpdate = d.allowsUpdate || allowsUpdate(res)
	if a := methodsOf(res); a != "" {
		d.allows = a
	}
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
		l.forks = nil
		l.calling, l.sendBye = false, true // only now: the BYE must not overtake the ACK
		l.mu.Unlock()
		l.poke()
		return l.Cause()
	}
	early := l.forks[l.dialog.remoteTag]
	l.calling, l.forks = false, nil
	l.move(legConfirmed)
	err := l.accept(res, early)
	if err == nil {
		l.watchSilence()
	}
	l.timer = answeredTimer(res)
	l.timer.start(time.Now())
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

// accept takes the description of an answer. It may be missing where a provisional
// response of the same dialog had it (RFC 3262 §5). l.mu is held.
func (l *Leg) accept(res *gosip.Response, early *earlyDialog) error {
	if len(res.Body()) == 0 && early != nil && early.heard {
		return nil
	}
	s, err := sdp.Parse(res.Body())
	if err != nil {
		return err
	}
	agreed, err := sdp.Accept(s, l.local)
	if err == nil {
		l.apply(agreed)
	}
	return err
}

// ackFor builds the ACK of a 2xx to req. l.mu is held.
func (l *Leg) ackFor(req *gosip.Request) *gosip.Request {
	return l.request(gosip.ACK, req.CSeq().SeqNo)
}

func (l *Leg) sendAck(ack *gosip.Request) {
	l.traceRequest(ack, true)
	if err := l.s.write(ack); err != nil {
		l.log.Debug("ACK not sent", "error", err)
	}
}

// ackAgain is a further 2xx: a repetition, or the answer of another branch.
func (l *Leg) ackAgain(res *gosip.Response) {
	defer l.s.recovered("repeated answer")
	l.mu.Lock()
	if tagOf(res) != l.dialog.remoteTag {
		l.mu.Unlock()
		l.stray(res)
		return
	}
	ack := l.ackFor(l.invite)
	l.mu.Unlock()
	l.traceResponse(res, false)
	l.sendAck(ack)
}
