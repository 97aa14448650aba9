package app

import (
	"context"
	"fmt"
	"time"

	"callfloor/api"
)

// halt stops or resumes all calls out, for a person.
func (w *wayOut) halt(ctx context.Context, by string, on bool, why string) error {
	details := map[string]any{"stopped": on, "why": why}
	if err := w.audit.Record(ctx, api.Entry{Who: by, Action: actionOutbound, Target: "outbound", Details: details}); err != nil {
		return fmt.Errorf("write the audit log: %w", err)
	}
	w.mu.Lock()
	if on {
		w.book.Stop(time.Now(), by, why)
	} else {
		w.book.Resume(time.Now())
		w.countsFrom = time.Now()
	}
	w.mu.Unlock()
	w.act()
	if err := w.saveStop(ctx); err != nil {
		return fmt.Errorf("stop or resume calls out: %w", err)
	}
	return nil
}

// saveStop saves whether everything is stopped, as it is by now.
func (w *wayOut) saveStop(ctx context.Context) error {
	w.saving.Lock()
	defer w.saving.Unlock()
	w.mu.Lock()
	state, from := w.book.Status(time.Now()).Stopped, w.countsFrom
	w.mu.Unlock()
	return w.store.SaveStop(ctx, state, from)
}
