package recordings_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"callfloor/contact"
	"callfloor/recordings"
)

// Everything that a call does to a recording, at once.
func TestManyHands(t *testing.T) {
	h := newHouse(t)
	var wg sync.WaitGroup
	for range 4 {
		r, g := h.start(time.Now())
		hold := recordings.NewAnswerHold(0)
		talk(hold, 9, time.Now(), 100)
		wg.Go(func() { r.Proof(hold) })
		wg.Go(func() { talk(r.Track(contact.Customer), 1, time.Now(), 400) })
		wg.Go(func() { talk(r.Track(contact.Agent), 2, time.Now(), 400) })
		wg.Go(func() {
			for range 300 {
				r.Mark("hold", map[string]any{"text": "on hold"})
			}
		})
		wg.Go(func() {
			for range 50 {
				r.Pause()
				r.Resume()
			}
		})
		wg.Go(func() {
			if _, err := h.store.List(context.Background(), recordings.Query{}); err != nil {
				t.Error(err)
			}
			if err := h.store.Healthy(); err != nil {
				t.Error(err)
			}
		})
		wg.Go(func() {
			if err := h.ledger.Withdraw(context.Background(), g.Contact(), "customer"); err != nil {
				t.Error(err)
			}
		})
		wg.Go(func() {
			if err := r.Seal(context.Background()); err != nil {
				t.Error(err)
			}
			if got := h.verify(r.ID()); !got.OK {
				t.Errorf("report = %+v %v", got, got.Damage)
			}
		})
	}
	wg.Wait()
}
