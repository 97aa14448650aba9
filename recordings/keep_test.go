package recordings_test

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"
	"time"

	"callfloor/contact"
	"callfloor/recordings"
)

func TestErase(t *testing.T) {
	h := newHouse(t)
	id := h.sealed(20)
	name := h.file(id)
	// A second name of the same file: what a disk keeps when a file is removed.
	ghost := name + ".ghost"
	if err := os.Link(name, ghost); err != nil {
		t.Fatal(err)
	}
	before := read(t, ghost)
	if err := h.store.Erase(t.Context(), id, "ada", "the customer asked for it"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(name); err == nil {
		t.Error("the file is there")
	}
	after := read(t, ghost)
	wrapped := before[106 : entryEnds(t, before)[0]-32]
	if bytes.Contains(after, wrapped[len(wrapped)-48:]) || bytes.Contains(after, wrapped[:48]) {
		t.Error("the wrapped key is there")
	}
	i := h.info(id)
	if i.Erased == nil || i.Erased.By != "ada" || i.Erased.Why != "the customer asked for it" || i.State != recordings.StateSealed {
		t.Errorf("info = %+v", i)
	}
	if got := h.verify(id); !got.OK || got.Note == "" {
		t.Errorf("report = %+v", got)
	}
	if _, err := h.store.Audio(t.Context(), id); contact.ErrorCode(err) != contact.NotFound {
		t.Errorf("Audio: %v, want contact.NotFound", err)
	}
	if err := h.store.Erase(t.Context(), id, "ada", "again"); err != nil {
		t.Errorf("the second time: %v", err)
	}
	if err := h.store.Hold(t.Context(), id, "sam", "a dispute"); contact.ErrorCode(err) != contact.Conflict {
		t.Errorf("Hold: %v, want contact.Conflict", err)
	}
	acts, err := h.store.Acts(t.Context(), id)
	if err != nil || len(acts) != 1 || acts[0].Act != "erase" || acts[0].By != "ada" {
		t.Errorf("acts = %+v, %v", acts, err)
	}
}

func TestHoldWins(t *testing.T) {
	h := newHouse(t)
	id := h.sealed(10)
	if err := h.store.Hold(t.Context(), id, "sam", "a dispute"); err != nil {
		t.Fatal(err)
	}
	if i := h.info(id); !i.Hold || i.HoldBy != "sam" || i.HoldWhy != "a dispute" {
		t.Errorf("info = %+v", i)
	}
	if err := h.store.Erase(t.Context(), id, "ada", "clean up"); contact.ErrorCode(err) != contact.Conflict {
		t.Errorf("Erase: %v, want contact.Conflict", err)
	}
	if got := h.verify(id); !got.OK {
		t.Errorf("report = %+v", got)
	}
	if err := h.store.Release(t.Context(), id, "sam", ""); err != nil {
		t.Fatal(err)
	}
	if err := h.store.Erase(t.Context(), id, "ada", "clean up"); err != nil {
		t.Fatal(err)
	}
	if acts, err := h.store.Acts(t.Context(), id); err != nil || len(acts) != 3 {
		t.Errorf("acts = %+v, %v", acts, err)
	}
}

func TestKeepingIsRefused(t *testing.T) {
	h := newHouse(t)
	id := h.sealed(10)
	open, _ := h.start(time.Now())
	unknown := string(contact.NewID())
	tests := map[string]struct {
		err  error
		want contact.Code
	}{
		"EraseOpen":        {h.store.Erase(t.Context(), open.ID(), "ada", "why"), contact.Conflict},
		"EraseNoReason":    {h.store.Erase(t.Context(), id, "ada", ""), contact.Invalid},
		"EraseByNobody":    {h.store.Erase(t.Context(), id, "", "why"), contact.Invalid},
		"EraseUnknown":     {h.store.Erase(t.Context(), unknown, "ada", "why"), contact.NotFound},
		"ErasePath":        {h.store.Erase(t.Context(), "../keys/recordings.age", "ada", "why"), contact.NotFound},
		"HoldNoReason":     {h.store.Hold(t.Context(), id, "sam", ""), contact.Invalid},
		"HoldUnknown":      {h.store.Hold(t.Context(), unknown, "sam", "why"), contact.NotFound},
		"ReleaseByNobody":  {h.store.Release(t.Context(), id, "", "why"), contact.Invalid},
		"ReleaseNotOnHold": {h.store.Release(t.Context(), id, "sam", ""), ""},
	}
	for name, tt := range tests {
		if contact.ErrorCode(tt.err) != tt.want {
			t.Errorf("%s: %v, want %q", name, tt.err, tt.want)
		}
	}
}

// An erasure that a crash interrupted after its row is ended by Recover.
func TestRecoverEndsErasure(t *testing.T) {
	h := newHouse(t)
	id := h.sealed(10)
	h.exec(`UPDATE recordings_recordings SET erased_at = 1, erased_by = 'ada', erased_why = 'asked' WHERE id = ?`, id)
	if _, err := h.store.Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	if files := h.captures(); len(files) != 0 {
		t.Errorf("files = %v", files)
	}
}

func TestSweep(t *testing.T) {
	h := newHouse(t)
	old, held, young := h.sealed(10), h.sealed(10), h.sealed(10)
	open, _ := h.start(time.Now())
	now := time.Now()
	for _, id := range []string{old, held, open.ID()} {
		h.exec(`UPDATE recordings_recordings SET started = ? WHERE id = ?`, now.Add(-181*24*time.Hour).UnixMilli(), id)
	}
	h.exec(`UPDATE recordings_recordings SET started = ? WHERE id = ?`, now.Add(-179*24*time.Hour).UnixMilli(), young)
	if err := h.store.Hold(t.Context(), held, "sam", "a dispute"); err != nil {
		t.Fatal(err)
	}
	if n, err := h.store.Sweep(t.Context(), now); n != 1 || err != nil {
		t.Errorf("Sweep = %d, %v; want 1", n, err)
	}
	for id, want := range map[string]bool{old: true, held: false, young: false, open.ID(): false} {
		if i := h.info(id); (i.Erased != nil) != want {
			t.Errorf("%s: erased = %+v, want %v", id, i.Erased, want)
		}
	}
	if i := h.info(old); i.Erased.By != "retention" || i.Erased.Why != "kept for 180 days" {
		t.Errorf("erased = %+v", i.Erased)
	}
}

func TestList(t *testing.T) {
	h := newHouse(t)
	empty, err := h.store.List(t.Context(), recordings.Query{})
	if text, _ := json.Marshal(empty); err != nil || string(text) != "[]" {
		t.Errorf("List = %s, %v; want []", text, err)
	}
	ids := []string{h.sealed(300), h.sealed(200), h.sealed(100)} // each began later
	list, err := h.store.List(t.Context(), recordings.Query{})
	if err != nil || len(list) != 3 || list[0].ID != ids[2] || list[2].ID != ids[0] {
		t.Fatalf("List = %+v, %v; want the newest first", list, err)
	}
	if one, err := h.store.List(t.Context(), recordings.Query{Limit: 1}); err != nil || len(one) != 1 || one[0].ID != ids[2] {
		t.Errorf("List = %+v, %v", one, err)
	}
	if of, err := h.store.List(t.Context(), recordings.Query{Call: list[1].Call}); err != nil || len(of) != 1 || of[0].ID != ids[1] {
		t.Errorf("List = %+v, %v", of, err)
	}
	before, err := time.Parse(contact.TimeFormat, list[1].Started)
	if err != nil {
		t.Fatal(err)
	}
	if page, err := h.store.List(t.Context(), recordings.Query{Before: before}); err != nil || len(page) != 1 || page[0].ID != ids[0] {
		t.Errorf("List = %+v, %v", page, err)
	}
}

func TestConfig(t *testing.T) {
	if err := recordings.DefaultConfig().Validate(); err != nil {
		t.Error(err)
	}
	for name, spoil := range map[string]func(*recordings.Config){
		"NoRetention": func(c *recordings.Config) { c.Retention = 0 },
		"NoMinFree":   func(c *recordings.Config) { c.MinFree = 0 },
	} {
		c := recordings.DefaultConfig()
		spoil(&c)
		if c.Validate() == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
