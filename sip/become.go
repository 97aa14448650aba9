package sip

import (
	"context"
	"errors"
	"slices"
	"time"

	gosip "github.com/emiago/sipgo/sip"

	"callfloor/media/codec"
)

// Become makes the far end of other the far end of l: the two exchange their
// dialogs, and l's sound goes to the new far end by re-INVITE (the transfer that
// a far end asks for by REFER, done by a bridge of our own). l stays what it is
// to its user, who is told by OnAnother: the call goes on with its sound.
//
// other is hollow from then on: it has l's old dialog, which ends (Part, or their
// BYE) without ending other, and no sound. It lives until somebody hangs it up,
// so that whoever counts it as a call counts on; Become sees to it that l and
// other end together.
func (l *Leg) Become(ctx context.Context, other *Leg) error {
	if err := l.exchange(other); err != nil {
		return err
	}
	other.closeMedia()
	other.mu.Lock()
	other.media = nil
	other.stand()
	other.mu.Unlock()
	l.s.wg.Go(func() {
		select {
		case <-l.done:
			other.Hangup(l.Cause())
		case <-other.done:
			l.Hangup(other.Cause())
		}
	})
	l.mu.Lock()
	terms := Terms{Codecs: l.local.Codecs}
	if i := slices.Index(terms.Codecs, l.agreed.Codec); i > 0 { // what is spoken first
		terms.Codecs = slices.Concat([]codec.ID{l.agreed.Codec}, terms.Codecs[:i], terms.Codecs[i+1:])
	}
	l.mu.Unlock()
	return l.Renegotiate(ctx, terms)
}

// exchange swaps the dialogs of two legs that talk.
func (l *Leg) exchange(other *Leg) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	other.mu.Lock()
	defer other.mu.Unlock()
	for _, x := range []*Leg{l, other} {
		if x.state != legConfirmed || x.offering || x.pending != nil || x.hollow {
			return errors.New("exchange two calls: both must be up, and no offer under way")
		}
	}
	l.swapDialog(other)
	l.local.Addr, other.local.Addr = other.local.Addr, l.local.Addr
	l.local.ID, other.local.ID = other.local.ID, l.local.ID
	l.local.Version, other.local.Version = other.local.Version, l.local.Version
	l.lastAnswer, l.lastOrigin, other.lastAnswer, other.lastOrigin = nil, other.lastOrigin, nil, l.lastOrigin
	other.timer = sessionTimer{}
	if l.timer.interval > 0 {
		l.timer.start(time.Now())
	}
	other.hollow, l.another = true, true
	if l.referral != nil {
		l.referral.move(other)
	}
	l.referral, other.referral = nil, l.referral
	l.s.reindex(l, other)
	l.poke()
	other.poke()
	return nil
}

// swapDialog exchanges all that belongs to the dialogs of two legs, and not to
// their sound. Both are locked; the caller calls reindex.
func (l *Leg) swapDialog(other *Leg) {
	l.dialog, other.dialog = other.dialog, l.dialog
	l.localTag, other.localTag = other.localTag, l.localTag
	l.invite, other.invite = other.invite, l.invite
	l.tx, other.tx = other.tx, l.tx
	l.offer, other.offer = other.offer, l.offer
	l.timer, other.timer = other.timer, l.timer
	l.outbound, other.outbound = other.outbound, l.outbound
	l.wants, other.wants = other.wants, l.wants
}

// Part ends the dialog of a hollow leg with a BYE, and nothing else.
func (l *Leg) Part() {
	l.mu.Lock()
	if !l.hollow || l.parted || l.state == legEnded {
		l.mu.Unlock()
		return
	}
	l.parted = true
	bye := l.request(gosip.BYE, 0)
	bye.AppendHeader(gosip.NewHeader("Reason", reasonHeader(transferred())))
	l.mu.Unlock()
	l.s.wg.Go(func() {
		defer l.s.recovered("BYE after a transfer")
		if _, err := l.transact(l.s.ctx, bye); err != nil {
			l.log.Debug("BYE not answered", "error", err)
		}
	})
}

// partedBy is the BYE of a hollow leg's far end: nobody else is concerned. l.mu
// is held.
func (l *Leg) partedBy() bool {
	if !l.hollow {
		return false
	}
	l.parted = true
	return true
}
