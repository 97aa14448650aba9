package call

import (
	"callfloor/contact"
	"callfloor/internal/store"
)

// Origin is what is known of where a call comes from, beside the number.
type Origin struct {
	// Name is the caller's name as the network tells it, "" if it does not.
	Name string
	// Trust says how far the number can be believed: verified (its holder's
	// network signed it), trunk (a trusted trunk says so) or unknown.
	Trust string
	// Attest is the signature's attestation, A, B or C; "" where there is none.
	Attest string
	// Why says why a signature that was there proves nothing.
	Why string
	// DivertedFrom is the number that was called first and forwarded to us, "" if
	// none was; DivertedWhy is why: unconditional, user-busy, no-answer, …
	DivertedFrom, DivertedWhy string
}

// noteOrigin writes the origin into the call's row and, where it says something,
// into the timeline. It is called once the row is there.
func (c *Call) noteOrigin() {
	o := c.Origin
	if o == (Origin{}) {
		return
	}
	c.Journal.later(func(tx *store.Tx) error {
		_, err := tx.Exec(`UPDATE call_calls SET caller_name = $2, trust = $3, attest = $4, diverted_from = $5, diverted_why = $6 WHERE id = $1`,
			c.ID, none(o.Name), none(o.Trust), none(o.Attest), none(o.DivertedFrom), none(o.DivertedWhy))
		return err
	})
	if o.Attest != "" || o.Why != "" {
		text := "the caller's number is signed, attestation " + o.Attest
		if o.Attest == "" {
			text = "the caller's number is not proved: " + o.Why
		}
		c.Note(contact.KindIdentity, legCustomer, text, map[string]any{"trust": o.Trust, "attest": none(o.Attest), "why": none(o.Why)})
	}
	if o.DivertedFrom != "" {
		c.Note(contact.KindIdentity, legCustomer, "the call was forwarded to us", map[string]any{"diverted_why": none(o.DivertedWhy)})
	}
}

// none is NULL for "".
func none(s string) any {
	if s == "" {
		return nil
	}
	return s
}
