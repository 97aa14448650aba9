package sip

import (
	"time"

	gosip "github.com/emiago/sipgo/sip"

	"callfloor/contact"
)

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
				cancel := cancelFor(l.invite)
				cancel.AppendHeader(gosip.NewHeader("Reason", reasonHeader(l.Cause())))
				if _, err := l.transact(l.s.ctx, cancel); err != nil {
					l.log.Debug("CANCEL not answered", "error", err)
				}
			})
		}
		select {
		case res := <-tx.Responses():
			l.traceResponse(res, false)
			switch {
			case res.IsProvisional():
				rung = true
				l.mu.Lock()
				l.acknowledge(l.fork(res), res) // it would be repeated otherwise
				l.mu.Unlock()
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
