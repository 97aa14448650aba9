package sip

import (
	gosip "github.com/emiago/sipgo/sip"

	"callfloor/sip/sdp"
)

// maxForks is how many early dialogs one INVITE of ours may have; responses of
// further ones are heeded but not remembered.
const maxForks = 16

// earlyDialog is one of the dialogs that provisional responses to our INVITE
// made (RFC 3261 §12.1.2): a proxy may ring many phones.
type earlyDialog struct {
	remoteTag    string
	target       gosip.Uri
	routes       []gosip.Uri
	remoteSeq    uint32
	rseq         uint32 // of its last reliable response (RFC 3262), 0: none
	allowsUpdate bool
	agreed       sdp.Agreed
	heard        bool // it has sent a description
}

// tagOf is the To tag of a response.
func tagOf(res *gosip.Response) string {
	if to := res.To(); to != nil {
		tag, _ := to.Params.Get("tag")
		return tag
	}
	return ""
}

// fork returns the early dialog of a provisional response, which may be new;
// nil for one without a tag. l.mu is held.
func (l *Leg) fork(res *gosip.Response) *earlyDialog {
	tag := tagOf(res)
	if tag == "" || len(tag) > maxID {
		return nil
	}
	f := l.forks[tag]
	if f == nil {
		f = &earlyDialog{remoteTag: tag, target: l.invite.Recipient}
		if l.forks == nil {
			l.forks = map[string]*earlyDialog{}
		}
		if len(l.forks) < maxForks {
			l.forks[tag] = f
		}
	}
	if c := res.Contact(); c != nil {
		f.target = c.Address
	}
	if rr := routeSet(res, true); len(rr) > 0 || f.routes == nil {
		f.routes = rr
	}
	f.allowsUpdate = f.allowsUpdate || allowsUpdate(res)
	return f
}

// follow makes an early dialog the one that is heard and that requests go to:
// the first, until another one brings early media. l.mu is held.
func (l *Leg) follow(f *earlyDialog) {
	d := &l.dialog
	if now := l.forks[d.remoteTag]; now != nil {
		now.remoteSeq = d.remoteSeq
	}
	d.remoteTag, d.target, d.routes, d.remoteSeq, d.allowsUpdate = f.remoteTag, f.target, f.routes, f.remoteSeq, f.allowsUpdate
	if f.heard {
		l.apply(f.agreed)
	}
}

// stray is the answer of a further branch of our INVITE: another one was first.
// It is acknowledged and ended at once (RFC 3261 §13.2.2.4).
func (l *Leg) stray(res *gosip.Response) {
	l.mu.Lock()
	d := l.dialog
	d.remoteTag, d.routes = tagOf(res), routeSet(res, true)
	if c := res.Contact(); c != nil {
		d.target = c.Address
	} else {
		d.target = l.invite.Recipient
	}
	d.localSeq = l.dialog.localSeq + 1
	l.dialog.localSeq = d.localSeq
	ack := l.requestIn(&d, gosip.ACK, l.invite.CSeq().SeqNo)
	var bye *gosip.Request
	if !l.strays[d.remoteTag] && len(l.strays) < maxForks {
		if l.strays == nil {
			l.strays = map[string]bool{}
		}
		l.strays[d.remoteTag] = true
		bye = l.requestIn(&d, gosip.BYE, d.localSeq)
		bye.AppendHeader(gosip.NewHeader("Reason", `SIP;cause=200;text="Call completed elsewhere"`))
	}
	l.mu.Unlock()
	l.traceResponse(res, false)
	l.sendAck(ack)
	if bye == nil {
		return // a repetition: acknowledged again, ended already
	}
	if _, err := l.transact(l.s.ctx, bye); err != nil {
		l.log.Debug("BYE to a further branch not answered", "error", err)
	}
}
