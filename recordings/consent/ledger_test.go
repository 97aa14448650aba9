package consent_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"callfloor/contact"
	"callfloor/internal/store"
	"callfloor/internal/store/storetest"
	"callfloor/recordings/consent"
)

func newLedger(t *testing.T) (*consent.Ledger, *store.DB) {
	t.Helper()
	db, err := store.Open(t.Context(), storetest.Folder(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return consent.NewLedger(db), db
}

func answer(state contact.Consent) consent.Answer {
	at := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	a := consent.Answer{
		Contact: contact.NewID(), State: state, PromptID: "consent", PromptText: "May we record this call?",
		Language: "en", Attempt: 1, AskedAt: at, At: at.Add(3 * time.Second),
	}
	if state == contact.ConsentGranted {
		a.Key = "1"
	}
	return a
}

func rowCount(t *testing.T, db *store.DB, id contact.ID) (n int) {
	t.Helper()
	err := db.View(t.Context(), func(tx *store.Tx) error {
		return tx.QueryRowContext(t.Context(), `SELECT count(*) FROM recordings_consent WHERE contact = ?`, id).Scan(&n)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestRecord(t *testing.T) {
	tests := []struct {
		state contact.Consent
		grant bool
	}{
		{contact.ConsentGranted, true},
		{contact.ConsentAnnounced, true},
		{contact.ConsentRefused, false},
		{contact.ConsentNone, false},
	}
	for _, tt := range tests {
		t.Run(string(tt.state), func(t *testing.T) {
			l, db := newLedger(t)
			a := answer(tt.state)
			g, err := l.Record(t.Context(), a)
			if err != nil {
				t.Fatal(err)
			}
			if g.Valid() != tt.grant {
				t.Errorf("Valid() = %v, want %v", g.Valid(), tt.grant)
			}
			if n := rowCount(t, db, a.Contact); n != 1 {
				t.Errorf("%d rows, want 1", n)
			}
			last, withdrawn, err := l.Last(t.Context(), a.Contact)
			if err != nil || withdrawn || last.State != tt.state || !last.At.Equal(a.At) || last.PromptText != a.PromptText {
				t.Errorf("Last = %+v, %v, %v", last, withdrawn, err)
			}
			if len(last.PromptSHA256) != 64 {
				t.Errorf("the prompt's hash is %q", last.PromptSHA256)
			}
			if tt.grant && (g.Contact() != a.Contact || g.Answer().PromptSHA256 != last.PromptSHA256) {
				t.Errorf("the grant says %+v", g.Answer())
			}
		})
	}
}

func TestRecordRefusesWhatProvesNothing(t *testing.T) {
	tests := map[string]func(*consent.Answer){
		"NoContact":        func(a *consent.Answer) { a.Contact = "" },
		"ContactIsAPath":   func(a *consent.Answer) { a.Contact = "../../../../../../etc/pass" },
		"UnknownState":     func(a *consent.Answer) { a.State = "withdrawn" },
		"YesWithoutKey":    func(a *consent.Answer) { a.Key = "" },
		"NoPrompt":         func(a *consent.Answer) { a.PromptText = "" },
		"NoPromptID":       func(a *consent.Answer) { a.PromptID = "" },
		"NoTime":           func(a *consent.Answer) { a.At = time.Time{} },
		"AnswerBeforeAsk":  func(a *consent.Answer) { a.At = a.AskedAt.Add(-time.Second) },
		"NeverAskedButYes": func(a *consent.Answer) { a.AskedAt = time.Time{} },
	}
	for name, spoil := range tests {
		t.Run(name, func(t *testing.T) {
			l, db := newLedger(t)
			a := answer(contact.ConsentGranted)
			spoil(&a)
			g, err := l.Record(t.Context(), a)
			if contact.ErrorCode(err) != contact.Invalid || g.Valid() {
				t.Errorf("Record = %v, %v; want contact.Invalid", g.Valid(), err)
			}
			if n := rowCount(t, db, a.Contact); n != 0 {
				t.Errorf("%d rows, want 0", n)
			}
		})
	}
}

func TestNoGrantWithoutRow(t *testing.T) {
	l, db := newLedger(t)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	g, err := l.Record(t.Context(), answer(contact.ConsentGranted))
	if err == nil || g.Valid() {
		t.Errorf("Record without a database = %v, %v; want an error", g.Valid(), err)
	}
}

func TestZeroGrant(t *testing.T) {
	var g consent.Grant
	if g.Valid() || g.Contact() != "" || g.Context().Err() == nil {
		t.Error("the zero Grant grants something")
	}
}

func TestWithdraw(t *testing.T) {
	l, _ := newLedger(t)
	a := answer(contact.ConsentGranted)
	g, err := l.Record(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	copied := g
	if err := l.Withdraw(t.Context(), a.Contact, "customer"); err != nil {
		t.Fatal(err)
	}
	if g.Valid() || copied.Valid() {
		t.Error("the grant outlives the consent")
	}
	cause, ok := errors.AsType[*consent.WithdrawnError](context.Cause(g.Context()))
	if !ok || cause.By != "customer" || cause.Contact != a.Contact {
		t.Errorf("cause = %v", context.Cause(g.Context()))
	}
	last, withdrawn, err := l.Last(t.Context(), a.Contact)
	if err != nil || !withdrawn || last.State != contact.ConsentGranted {
		t.Errorf("Last = %+v, %v, %v", last, withdrawn, err)
	}
	if err := l.Withdraw(t.Context(), a.Contact, "customer"); err != nil {
		t.Errorf("the second time: %v", err)
	}
}

func TestWithdrawCancelsWithoutDatabase(t *testing.T) {
	l, db := newLedger(t)
	a := answer(contact.ConsentGranted)
	g, err := l.Record(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := l.Withdraw(t.Context(), a.Contact, "customer"); err == nil {
		t.Error("no error without a database")
	}
	if g.Valid() {
		t.Error("a customer's no waits for a disk")
	}
}

func TestWithdrawOfNothing(t *testing.T) {
	l, _ := newLedger(t)
	a := answer(contact.ConsentRefused)
	if _, err := l.Record(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	for name, id := range map[string]contact.ID{"NeverAsked": contact.NewID(), "Refused": a.Contact} {
		if err := l.Withdraw(t.Context(), id, "customer"); contact.ErrorCode(err) != contact.NotFound {
			t.Errorf("%s: %v, want contact.NotFound", name, err)
		}
	}
	if err := l.Withdraw(t.Context(), a.Contact, ""); contact.ErrorCode(err) != contact.Invalid {
		t.Errorf("by nobody: %v, want contact.Invalid", err)
	}
}

func TestLaterRefusalEndsGrant(t *testing.T) {
	l, _ := newLedger(t)
	a := answer(contact.ConsentGranted)
	g, err := l.Record(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	a.State, a.Key = contact.ConsentRefused, "2"
	if _, err := l.Record(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	if g.Valid() {
		t.Error("a later no leaves the earlier yes valid")
	}
}

func TestLedgerIsAppendOnly(t *testing.T) {
	l, db := newLedger(t)
	a := answer(contact.ConsentRefused)
	if _, err := l.Record(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{
		`UPDATE recordings_consent SET state = 'granted' WHERE contact = ?`,
		`DELETE FROM recordings_consent WHERE contact = ?`,
	} {
		err := db.Tx(t.Context(), func(tx *store.Tx) error {
			_, err := tx.ExecContext(t.Context(), sql, a.Contact)
			return err
		})
		if err == nil || !strings.Contains(err.Error(), "append-only") {
			t.Errorf("%s: %v, want a refusal", sql, err)
		}
	}
}

// A dropped grant must not stay in the ledger's memory: calls come for years.
func TestDroppedGrantIsForgotten(t *testing.T) {
	l, _ := newLedger(t)
	a := answer(contact.ConsentGranted)
	if _, err := l.Record(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(10 * time.Second)
	for l.Live() != 0 {
		if time.Now().After(deadline) {
			t.Fatal("the ledger still holds a grant that nobody has")
		}
		runtime.GC()
		runtime.Gosched()
	}
}
