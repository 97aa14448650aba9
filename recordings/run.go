package recordings

import (
	"context"
	"encoding/hex"
	"fmt"
	"time"

	"callfloor/internal/store"
)

// run owns the capture: it flushes the ring to it every flushEvery, has it
// synced every syncEvery, and ends it. It is over when done is closed.
func (r *Recording) run() {
	defer close(r.done)
	defer r.recover()
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		var err error
		select {
		case <-r.grant.Context().Done():
			r.finish(whyWithdrawn)
			return
		case why := <-r.stop:
			r.finish(why)
			return
		case err = <-r.syncing:
			r.syncing = nil
		case <-tick.C:
			if err = r.flush(); err == nil {
				r.startSync()
			}
		}
		if err != nil {
			r.fail(err)
			return
		}
	}
}

// recover makes a fault of our own the end of this recording and of nothing
// else.
func (r *Recording) recover() {
	if p := recover(); p != nil {
		r.fail(fmt.Errorf("a fault of the server's: %v", p))
	}
}

// flush writes what waits.
func (r *Recording) flush() error {
	packets, err := r.packetsEntry()
	if err != nil {
		return err
	}
	list := r.takePending()
	if packets != nil {
		list = append(list, packets)
	}
	for _, entry := range list {
		if err := r.capture.append(entry); err != nil {
			return err
		}
	}
	if len(list) > 0 {
		r.store.wrote(nil)
	}
	return nil
}

// startSync has the disk take what was written, beside the flushes, which must
// go on: a sync may take seconds.
func (r *Recording) startSync() {
	if r.syncing != nil || time.Since(r.synced) < syncEvery {
		return
	}
	r.synced = time.Now()
	answer := make(chan error, 1)
	r.syncing = answer
	file := r.capture.file
	go func() { answer <- file.Sync() }()
}

// finish writes the rest and the seal. Of a withdrawn consent nothing that is
// still in memory is written.
func (r *Recording) finish(why string) {
	r.intake.Store(intakeClosed)
	if why == whyWithdrawn {
		r.ring.clear()
		r.dropProof()
		r.mark(Mark{At: seconds(time.Since(r.meta.Answered)), Kind: "withdrawn", Text: "the customer's consent was withdrawn"})
	}
	ended := time.Now()
	err := r.flush()
	if err == nil {
		err = r.writeSeal(ended, why)
	}
	if err != nil {
		r.fail(err)
		return
	}
	r.waitSync()
	if err := r.capture.file.Sync(); err != nil {
		r.fail(err)
		return
	}
	r.keep(StateSealed, why, ended)
}

func (r *Recording) writeSeal(ended time.Time, why string) error {
	c := r.capture.chain
	entry, err := sealEntry(seal{
		Recording: r.id, Count: c.n, Head: hex.EncodeToString(c.head[:]),
		Ended: ended.UTC(), DurationMS: r.duration(ended).Milliseconds(), Why: why,
	}, r.signing)
	if err != nil {
		return err
	}
	return r.capture.append(entry)
}

// fail ends the recording by a fault; the call goes on.
func (r *Recording) fail(err error) {
	r.intake.Store(intakeClosed)
	r.waitSync()
	r.err = err
	r.store.wrote(err)
	r.log.Error("recording stopped", "error", err)
	r.keep(StateFailed, "recording stopped: "+err.Error(), time.Now())
	r.store.told(r.meta.Contact, err)
}

func (r *Recording) waitSync() {
	if r.syncing != nil {
		<-r.syncing // its error, if any, comes again from the last sync
		r.syncing = nil
	}
}

func (r *Recording) duration(ended time.Time) time.Duration {
	return max(0, ended.Sub(r.meta.Answered)).Truncate(time.Millisecond)
}

// keep makes the row final and closes the file. The row comes first: an open
// row of no living recording would be taken for a crash.
func (r *Recording) keep(state State, why string, ended time.Time) {
	r.mu.Lock()
	r.state, r.why = state, why
	list := r.tally.info()
	r.mu.Unlock()
	c := r.capture
	e := ending{state: state, why: why, duration: r.duration(ended), tracks: list, size: c.size, entries: c.chain.n, head: c.chain.head}
	r.store.keepEnding(r, e)
	if err := c.file.Close(); err != nil {
		r.log.Warn("capture did not close", "error", err)
	}
}

// keepTimeout bounds how long a recording waits for the database.
const keepTimeout = 10 * time.Second

// keepEnding writes r's ending; where the database does not take it, it is kept
// in memory for the next reading of the row.
func (s *Store) keepEnding(r *Recording, e ending) {
	ctx, cancel := context.WithTimeout(context.Background(), keepTimeout)
	defer cancel()
	err := s.db.Tx(ctx, func(tx *store.Tx) error { return endRow(ctx, tx, r.id, e) })
	if err != nil {
		r.log.Error("recording's row cannot be written; it is tried again when it is read", "error", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.live, r.id)
	s.ended[e.state]++
	if err != nil {
		s.unkept[r.id] = e
	}
}
