package sip

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	gosip "github.com/emiago/sipgo/sip"

	"callfloor/contact"
)

// ErrNoRefer says that the far end takes no REFER, so that only a bridge of our
// own can transfer the call.
var ErrNoRefer = errors.New("the far end does not take REFER")

// TransferOptions say how to transfer by REFER.
type TransferOptions struct {
	// ReferredBy is who transfers, a SIP URI (RFC 3892); "": our own.
	ReferredBy string
	// Progress, if there, is told what the far end reports before the end (100,
	// 180). It must not block.
	Progress func(status int)
}

// Transfer asks the far end to call target, a SIP or tel URI, in our stead (REFER,
// RFC 3515) and waits until it reports that this was answered or refused. nil:
// it was answered, and the leg is being ended. ErrNoRefer, or a *RejectedError
// with what the far end or the target said: the call is as it was, and the caller
// may bridge it instead. When ctx ends the outcome is not known.
func (l *Leg) Transfer(ctx context.Context, target string, o TransferOptions) error {
	var u gosip.Uri
	if err := gosip.ParseUri(target, &u); err != nil || !dialable(u.Scheme) {
		return fmt.Errorf("transfer by REFER: %q is neither a SIP nor a tel URI", target)
	}
	return l.transfer(ctx, "<"+u.String()+">", o)
}

// TransferTo connects the far ends of two legs with each other, without us: l's
// is asked to call that of other and take the place of our dialog with it (REFER
// with Replaces, RFC 3891 §1). Both legs are ended when that has happened.
func (l *Leg) TransferTo(ctx context.Context, other *Leg, o TransferOptions) error {
	other.mu.Lock()
	d := &other.dialog
	if other.state != legConfirmed {
		other.mu.Unlock()
		return fmt.Errorf("transfer by REFER: the call to transfer to is not up")
	}
	target := d.target
	target.Headers = nil
	replaces := Replaces{CallID: d.callID, ToTag: d.remoteTag, FromTag: other.localTag}
	other.mu.Unlock()
	err := l.transfer(ctx, "<"+target.String()+"?Replaces="+escape(replaces.String())+">", o)
	if err == nil {
		other.Hangup(transferred())
	}
	return err
}

// escape writes a value of a URI's headers (RFC 3261 §25.1: hnv-unreserved).
func escape(v string) string { return strings.ReplaceAll(url.QueryEscape(v), "+", "%20") }

func transferred() contact.EndCause {
	return contact.EndCause{By: contact.System, Class: contact.EndCompleted, Q850: 16, Why: "transferred"}
}

func (l *Leg) transfer(ctx context.Context, referTo string, o TransferOptions) error {
	news, req, err := l.subscribe(referTo, o)
	if err != nil {
		return err
	}
	defer l.unsubscribe()
	res, err := l.transact(ctx, req)
	switch {
	case err != nil:
		return fmt.Errorf("transfer by REFER: %w", err)
	case res.StatusCode == 405 || res.StatusCode == 501:
		return ErrNoRefer
	case !res.IsSuccess():
		return &RejectedError{Status: res.StatusCode, Reason: printable(res.Reason, 80), Q850: q850Of(res), RetryAfter: retryAfter(res)}
	}
	for {
		select {
		case n := <-news:
			if over, err := l.heard(n, o); over {
				return err
			}
		case <-l.done:
			return l.doneBefore(news, o)
		case <-ctx.Done():
			return fmt.Errorf("transfer by REFER: %w", context.Cause(ctx))
		}
	}
}

// heard takes what the far end reports of a REFER; over says that it was the last
// word.
func (l *Leg) heard(n sipfrag, o TransferOptions) (over bool, err error) {
	switch {
	case n.Status < 200:
		if o.Progress != nil {
			o.Progress(n.Status)
		}
		return false, nil
	case n.Status < 300:
		l.Hangup(transferred())
		return true, nil
	}
	return true, &RejectedError{Status: n.Status, Reason: n.Reason, Q850: q850OfStatus(n.Status)}
}

// doneBefore is the outcome of a REFER whose call has ended: the last word may have
// come just before.
func (l *Leg) doneBefore(news <-chan sipfrag, o TransferOptions) error {
	for {
		select {
		case n := <-news:
			if over, err := l.heard(n, o); over {
				return err
			}
			continue
		default:
		}
		// It took the REFER and hung up without a last word, as many do.
		if c := l.Cause(); c.By == contact.Customer && c.Class == contact.EndCompleted {
			return nil
		}
		return ErrGone
	}
}

// subscribe prepares the REFER, and for what the far end will say of it.
func (l *Leg) subscribe(referTo string, o TransferOptions) (<-chan sipfrag, *gosip.Request, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.state != legConfirmed:
		return nil, nil, fmt.Errorf("transfer by REFER: the call is %s; it must be confirmed", l.state)
	case l.subscription != nil:
		return nil, nil, fmt.Errorf("transfer by REFER: another transfer of this call is under way")
	case l.dialog.allows != "" && !strings.Contains(l.dialog.allows, "REFER"):
		return nil, nil, ErrNoRefer
	}
	by := o.ReferredBy
	if by == "" {
		us := l.dialog.us
		us.Headers = nil
		by = us.String()
	}
	news := make(chan sipfrag, 16)
	l.subscription = news
	req := l.request(gosip.REFER, 0)
	req.AppendHeader(gosip.NewHeader("Refer-To", referTo))
	req.AppendHeader(gosip.NewHeader("Referred-By", "<"+by+">"))
	return news, req, nil
}

func (l *Leg) unsubscribe() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.subscription = nil
}

// onNotify is what the far end says of our REFER (RFC 3515 §2.4.4).
func (l *Leg) onNotify(req *gosip.Request, tx gosip.ServerTransaction) {
	l.mu.Lock()
	defer l.mu.Unlock()
	event, _, _ := strings.Cut(headerValue(req, "Event"), ";")
	seq := req.CSeq().SeqNo
	switch {
	case !strings.EqualFold(strings.TrimSpace(event), "refer"):
		l.respond(tx, req, 489, "Bad Event", gosip.NewHeader("Allow-Events", "refer"))
		return
	case l.subscription == nil || !l.is(req):
		l.respond(tx, req, 481, "Subscription Does Not Exist")
		return
	case seq <= l.dialog.remoteSeq:
		bad := later()
		l.respond(tx, req, bad.status, bad.reason, bad.headers...)
		return
	}
	l.dialog.remoteSeq = seq
	l.respond(tx, req, 200, "OK")
	n, ok := parseSipfrag(string(req.Body()))
	state, _, _ := strings.Cut(headerValue(req, "Subscription-State"), ";")
	if strings.EqualFold(strings.TrimSpace(state), "terminated") && (!ok || n.Status < 200) {
		n, ok = sipfrag{Status: 500, Reason: "the far end says no more of it"}, true
	}
	if !ok {
		return
	}
	select {
	case l.subscription <- n:
	default: // nobody can want so many
	}
}
