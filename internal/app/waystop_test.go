package app

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"callfloor/acd"
	"callfloor/api"
	"callfloor/internal/config"
	"callfloor/internal/store"
	"callfloor/outbound"
)

// TestTheStopThatIsSavedIsTheLast: who stops calls out while somebody else resumes
// them finds after a restart what was true before it.
func TestTheStopThatIsSavedIsTheLast(t *testing.T) {
	db, err := store.Open(t.Context(), t.TempDir())
	must(t, err)
	defer func() { _ = db.Close() }()
	cfg, err := config.Load(config.Source{Demo: true})
	must(t, err)
	kept := outbound.NewStore(db)
	w, err := newWayOut(t.Context(), cfg, kept, api.NewAudit(db), func(acd.Alert) {}, slog.New(slog.DiscardHandler))
	must(t, err)
	for round := range 20 {
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() { must(t, w.halt(context.Background(), "ada", i%2 == 0, "a test")) })
		}
		all.Wait()
		_, saved, _, err := kept.Load(t.Context(), time.Now())
		must(t, err)
		if now := w.status().Stopped; (now != nil) != (saved != nil) {
			t.Fatalf("round %d: stopped %v, saved %v", round, now != nil, saved != nil)
		}
	}
	must(t, w.close(t.Context()))
}
