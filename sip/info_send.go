package sip

import (
	"fmt"
	"time"

	gosip "github.com/emiago/sipgo/sip"

	"callfloor/media/dtmf"
)

// infosQueued is how many keys wait to be sent by INFO; more are refused.
const infosQueued = 64

// infoKeyPress is one key to send by INFO.
type infoKeyPress struct {
	key rune
	d   time.Duration
}

// SendDigit sends a key of length d the way the far end understands: as an
// event (RFC 4733) if that was agreed on; by INFO to a phone that sends its own
// keys so; else as tones. It returns at once.
func (l *Leg) SendDigit(key rune, d time.Duration) error {
	l.mu.Lock()
	events := l.agreed.Events != 0
	l.mu.Unlock()
	if events || !l.keys.usesInfo() {
		return l.Sender().SendDigit(key, d)
	}
	return l.SendInfo(key, d)
}

// SendInfo sends a key by SIP INFO (application/dtmf-relay). Keys go one after
// the other; it returns at once, with an error if the key is none, the call is
// not up or 64 keys wait already.
func (l *Leg) SendInfo(key rune, d time.Duration) error {
	if !dtmf.ValidKey(key) {
		return fmt.Errorf("send digit: a key is one of 0-9, *, #, A-D")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.state != legConfirmed:
		return fmt.Errorf("send digit by INFO: the call is %s; it must be confirmed", l.state)
	case len(l.infos) >= infosQueued:
		return fmt.Errorf("send digit by INFO: %d digits wait already", infosQueued)
	}
	l.infos = append(l.infos, infoKeyPress{key, d})
	if !l.sendsInfo {
		l.sendsInfo = true
		l.s.wg.Go(l.sendInfos)
	}
	return nil
}

// sendInfos sends what waits, in order, each when the one before was answered.
func (l *Leg) sendInfos() {
	defer l.s.recovered("keys by INFO")
	for {
		req := l.nextInfo()
		if req == nil {
			return
		}
		if res, err := l.transact(l.s.ctx, req); err != nil || res.StatusCode >= 300 {
			l.log.Debug("a key by INFO was not taken", "error", err)
		}
	}
}

func (l *Leg) nextInfo() *gosip.Request {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.infos) == 0 || l.state != legConfirmed {
		l.infos, l.sendsInfo = nil, false
		return nil
	}
	p := l.infos[0]
	l.infos = l.infos[1:]
	req := l.request(gosip.INFO, 0)
	req.AppendHeader(gosip.NewHeader("Content-Type", "application/dtmf-relay"))
	req.SetBody([]byte(fmt.Sprintf("Signal=%c\r\nDuration=%d\r\n", p.key, p.d.Milliseconds())))
	return req
}
