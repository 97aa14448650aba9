package recordings_test

import (
	"testing"
	"testing/synctest"
	"time"

	"callfloor/contact"
	"callfloor/media/codec"
	"callfloor/recordings"
)

// A minute of a call in fake time: entries at most a second apart, a sync each
// five seconds, everything kept.
func TestMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		disk := h.store.UseDisk()
		r, _ := h.start(time.Now())
		customer, agent := r.Track(contact.Customer), r.Track(contact.Agent)
		v, w := voice{codec: codec.PCMU, ssrc: 1}, voice{codec: codec.PCMA, ssrc: 2}
		for range 60 * 50 {
			time.Sleep(20 * time.Millisecond) // the bubble's time
			customer.WritePacket(v.packet(time.Now()))
			agent.WritePacket(w.packet(time.Now()))
		}
		if d := *h.info(r.ID()).Duration; d != 60 {
			t.Errorf("%v s after a minute", d)
		}
		began := time.Now()
		if err := r.Seal(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("the sealing waits %v for nothing", took)
		}
		i := h.info(r.ID())
		if len(i.Tracks) != 2 || i.Tracks[0].Seconds != 60 || i.Tracks[1].Seconds != 60 || i.Tracks[1].Codec != "PCMA" || *i.Duration != 60 {
			t.Errorf("info = %+v", i)
		}
		if *i.Entries < 60 || *i.Entries > 200 {
			t.Errorf("%d entries in a minute", *i.Entries)
		}
		if n := disk.Syncs.Load(); n < 10 || n > 14 {
			t.Errorf("%d syncs in a minute", n)
		}
		if got := h.verify(r.ID()); !got.OK {
			t.Errorf("report = %+v", got)
		}
		left, right := h.sides(r.ID())
		if !loud(left, 100*time.Millisecond, 59*time.Second) || !loud(right, 100*time.Millisecond, 59*time.Second) {
			t.Error("a minute of sound is not there")
		}
	})
}

// A withdrawn consent stops the writing within a second.
func TestWithdrawalIsPrompt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		r, g := h.start(time.Now())
		talk(r.Track(contact.Customer), 1, time.Now(), 10)
		time.Sleep(1234 * time.Millisecond) // the bubble's time
		began := time.Now()
		if err := h.ledger.Withdraw(t.Context(), g.Contact(), "customer"); err != nil {
			t.Fatal(err)
		}
		<-r.Done()
		if took := time.Since(began); took > time.Second {
			t.Errorf("it takes %v", took)
		}
		if i := h.info(r.ID()); i.State != recordings.StateSealed || *i.Duration != 1.234 {
			t.Errorf("info = %+v", i)
		}
	})
}

// Of a withdrawn consent nothing that is still in memory is written.
func TestWithdrawalForgetsMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		r, g := h.start(time.Now())
		hold := recordings.NewAnswerHold(0)
		talk(hold, 1, time.Now(), 10)
		r.Proof(hold)
		talk(r.Track(contact.Customer), 1, time.Now(), 10)
		if err := h.ledger.Withdraw(t.Context(), g.Contact(), "customer"); err != nil {
			t.Fatal(err)
		}
		<-r.Done()
		i := h.info(r.ID())
		if len(i.Tracks) != 0 || *i.Entries != 3 {
			t.Errorf("info = %+v, want the manifest, the mark and the seal", i)
		}
	})
}
