package call

import (
	"log/slog"
	"slices"
	"testing"
	"time"

	"callfloor/contact"
	"callfloor/internal/store"
)

// Page after page gives every call once, also those that began in one
// millisecond; from leaves out what began before.
func TestPages(t *testing.T) {
	db, err := store.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // the test is over
	j := NewJournal(db, slog.New(slog.DiscardHandler))
	defer j.Close()
	at := time.UnixMilli(1_790_000_000_000)
	var want []contact.ID
	for i := range 9 {
		id := contact.NewID()
		want = append(want, id)
		j.begin(id, "1000", "1", at.Add(time.Duration(i/4)*time.Millisecond))
	}
	var got []contact.ID
	for q := (Query{Limit: 2}); ; {
		page, err := j.List(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page {
			got = append(got, r.ID)
		}
		if len(page) < q.Limit || len(got) > len(want) {
			break
		}
		last := page[len(page)-1]
		q.Before, q.BeforeID = last.Started.Time(), last.ID
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the pages have %d calls, %q; want %d", len(got), got, len(want))
	}
	if late, err := j.List(t.Context(), Query{From: at.Add(2 * time.Millisecond)}); err != nil || len(late) != 1 {
		t.Errorf("from the third millisecond on: %d calls, %v", len(late), err)
	}
}
