package recordings_test

import (
	"log/slog"
	"testing"

	"callfloor/internal/store"
	"callfloor/recordings"
)

// What a crash left is listed and verified as cut off also where the database
// takes no writes (a full or read-only disk), and ended for good when it does.
func TestCrashOnADiskThatRefuses(t *testing.T) {
	dir := t.TempDir()
	id, _ := runAndKill(t, dir, 60)
	db, err := store.OpenReadOnly(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	s, err := recordings.Open(t.Context(), dir, db, recordings.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		list, err := s.List(t.Context(), recordings.Query{})
		if err != nil || len(list) != 1 || list[0].State != recordings.StateCutOff || list[0].Duration == nil {
			t.Fatalf("list = %+v, %v", list, err)
		}
		if r, err := s.Verify(t.Context(), id); err != nil || !r.OK || r.State != recordings.StateCutOff {
			t.Fatalf("verify = %+v, %v", r, err)
		}
	}
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	h := openHouse(t, dir, recordings.Options{})
	if n, err := h.store.Recover(t.Context()); n != 1 || err != nil {
		t.Errorf("recover = %d, %v", n, err)
	}
}
