package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"callfloor/call"
	"callfloor/contact"
	"callfloor/media/codec"
	"callfloor/sip"
)

// legOutside is the leg of a number outside that was called for a call.
const legOutside contact.LegID = "outside"

// traceLeg writes a leg's SIP into the timeline of its call and keeps the
// messages.
func traceLeg(c *call.Call, leg *sip.Leg, id contact.LegID) {
	traceTo(leg, id, func() *call.Call { return c })
}

// traceTo is traceLeg for a leg that may go from one call to another: each message
// stands in the call that it was in then.
func traceTo(leg *sip.Leg, id contact.LegID, in func() *call.Call) {
	leg.OnTrace(func(t sip.Trace) {
		c := in()
		direction := "received"
		if t.Sent {
			direction = "sent"
		}
		c.NoteAt(t.At, contact.KindSIP, id, direction+" "+t.Summary, map[string]any{
			"sent": t.Sent, "method": t.Method, "status": t.Status, "transport": t.Transport,
		})
		c.KeepSIP(call.Message{At: t.At, Leg: id, Sent: t.Sent, Transport: t.Transport, From: t.From, To: t.To, Text: t.Text})
	})
}

// followCodec tells the call of a codec that the customer's phone changes to.
func followCodec(c *call.Call, leg *sip.Leg) {
	leg.OnCodec(func(now codec.ID) { c.Recode(now) })
}

// traced lets the legs of a call out stand in the timeline of the call that they
// are for.
func (h *House) traced(req Outside) Outside {
	c, ok := h.call(req.Call)
	if !ok {
		return req
	}
	next := req.Prepare
	req.Prepare = func(l call.Leg) {
		if leg, ok := l.(*sip.Leg); ok {
			traceLeg(c, leg, legOutside)
		}
		if next != nil {
			next(l)
		}
	}
	return req
}

// originOf says where a call comes from. It may wait for a signer's certificate,
// no longer than sip.stir.timeout.
func originOf(ctx context.Context, leg *sip.Leg) call.Origin {
	v := leg.Vouch(ctx)
	o := call.Origin{Name: leg.CallerName(), Trust: string(v.Trust), Attest: v.Attest, Why: v.Why}
	if d := leg.Diverted(); len(d) > 0 {
		o.DivertedFrom, o.DivertedWhy = d[0].From, d[0].Reason
	}
	return o
}

// fetchCertificate gets signers' certificates from public addresses only.
func (f *fetcher) fetchCertificate(ctx context.Context, url string, limit int64) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, errors.New("the address cannot be read")
	}
	r.Header.Set("User-Agent", "callfloor")
	got, err := f.client.Do(r)
	if err != nil {
		return nil, plainly(ctx, err, 0)
	}
	defer got.Body.Close() //nolint:errcheck // it was only read
	if got.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the server answered %d", got.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(got.Body, limit+1))
	if err != nil {
		return nil, errors.New("the answer broke off")
	}
	if int64(len(body)) > limit {
		return nil, fmt.Errorf("it has more than %d octets", limit)
	}
	return body, nil
}

// forgetMessages forgets SIP messages whose time is over, at once and every hour.
func (a *App) forgetMessages() {
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		every := time.NewTicker(sweepEvery)
		defer every.Stop()
		for {
			if n, err := a.journal.SweepMessages(ctx, time.Now().Add(-a.cfg.SIP.KeepMessages)); err != nil && ctx.Err() == nil {
				a.log.Error("could not forget old SIP messages", "error", err)
			} else if n > 0 {
				a.log.Info("forgot old SIP messages", "messages", n)
			}
			select {
			case <-every.C:
			case <-ctx.Done():
				return
			}
		}
	}()
	a.onStop("SIP messages", func(context.Context) error { stop(); <-done; return nil })
}
