package sip

import "time"

// Replaced finds the leg whose dialog an attended transfer names: the other call
// that the phone has with us, and that the far end of this one is to be joined with
// (RFC 5589 §7.1). A *RejectedError says how to refuse the REFER:
//
//   - 481 where the dialog is not ours, its tags are not the right ones (to-tag is
//     ours, RFC 3891 §3), or it is over or not answered yet. An early dialog may be
//     replaced by who is called in it alone, and here the phone called us;
//   - 403 where another address than the REFER's has it: whoever reads along cannot
//     lay hands on other people's calls;
//   - 486 where only an early dialog was meant (early-only), which it is no longer;
//   - 400 where it names the very call that the REFER came on.
func (r *Referral) Replaced() (*Leg, error) {
	s := r.Leg.s
	gone := &RejectedError{Status: 481, Reason: "Call/Transaction Does Not Exist"}
	if r.Replaces == nil {
		return nil, gone
	}
	s.mu.Lock()
	other := s.legs[dialogKey{r.Replaces.CallID, r.Replaces.ToTag}]
	s.mu.Unlock()
	if other == nil || !other.peerIs(r.Replaces.FromTag) {
		return nil, gone
	}
	if other == r.Leg {
		return nil, &RejectedError{Status: 400, Reason: "Replaces Names This Call"}
	}
	here := r.Leg.RemoteAddr().Addr()
	other.mu.Lock()
	defer other.mu.Unlock()
	switch {
	case other.dialog.flow.Addr() != here:
		s.metrics.refused.WithLabelValues("403").Inc()
		r.Leg.log.Warn("security: a phone wanted to transfer a call of another one", "source", here)
		return nil, &RejectedError{Status: 403, Reason: "Not Your Call"}
	case other.state != legConfirmed && other.state != legAnswered || other.hollow:
		return nil, gone
	case r.Replaces.EarlyOnly:
		return nil, &RejectedError{Status: 486, Reason: "Busy Here"}
	}
	return other, nil
}

// lastNotice is how long a call that we end waits for the last word about a REFER
// that came on it: a transfer ends the call that asked for it, and a BYE before that
// NOTIFY would leave the phone not knowing (RFC 5589 §6.1).
const lastNotice = time.Second

// toldLast waits for that before the BYE. It is run's, and holds no lock.
func (l *Leg) toldLast() {
	l.mu.Lock()
	r := l.referral
	l.mu.Unlock()
	if r == nil || !r.taken() {
		return
	}
	wait := time.NewTimer(2 * lastNotice) // for the word, and for its answer
	defer wait.Stop()
	select {
	case <-r.told:
	case <-wait.C:
	case <-l.s.ctx.Done():
	}
}

// afterEnd tells the far end of a call that we have ended what there is to tell, up to
// the last word, if that comes soon.
func (r *Referral) afterEnd() {
	if !r.leg().owesBye() {
		return
	}
	wait := time.NewTimer(lastNotice)
	defer wait.Stop()
	for {
		select {
		case n := <-r.notices:
			if !r.quiet && !r.send(n) || n.Status >= 200 {
				return
			}
		case <-wait.C:
			return
		}
	}
}

// owesBye says whether we have ended the call and not said so yet.
func (l *Leg) owesBye() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state == legEnded && l.sendBye
}

// taken says whether the REFER was accepted.
func (r *Referral) taken() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.accepted
}
