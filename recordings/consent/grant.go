package consent

import (
	"context"
	"time"

	"callfloor/contact"
)

// Answer is one answer to the consent question, or an announcement that the
// customer heard.
type Answer struct {
	Contact contact.ID      `json:"contact"`
	State   contact.Consent `json:"state"`
	// PromptID and PromptText are what was asked; PromptSHA256 is the SHA-256 of
	// what was played, in hex, and that of PromptText where it is left empty.
	PromptID     string `json:"prompt_id"`
	PromptText   string `json:"prompt_text"`
	PromptSHA256 string `json:"prompt_sha256"`
	// Language is that of the prompt ("en", "zh").
	Language string `json:"language"`
	// Key is the key that was pressed; empty for silence and announcements.
	Key string `json:"key"`
	// Attempt counts how often the question was asked, from 1.
	Attempt int `json:"attempt"`
	// AskedAt is when the prompt began, At when the answer came.
	AskedAt time.Time `json:"asked_at"`
	At      time.Time `json:"at"`
}

// Grant is a customer's consent to be recorded. The zero Grant grants nothing.
// Copies are the same grant.
type Grant struct{ g *grant }

// grant is shared by all copies of a Grant.
type grant struct {
	answer Answer
	ctx    context.Context //nolint:containedctx // a Grant is a lifetime: that of the consent
	cancel context.CancelCauseFunc
}

// Valid says whether g was made by a ledger and has not been withdrawn.
func (g Grant) Valid() bool { return g.g != nil && g.g.ctx.Err() == nil }

// Contact returns whose consent it is, "" for the zero Grant.
func (g Grant) Contact() contact.ID { return g.Answer().Contact }

// Answer returns the answer that granted it; it is the proof.
func (g Grant) Answer() Answer {
	if g.g == nil {
		return Answer{}
	}
	return g.g.answer
}

// Context is done as soon as the consent is withdrawn; its cause then is a
// *WithdrawnError. The zero Grant's context is done from the beginning.
func (g Grant) Context() context.Context {
	if g.g == nil {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		return ctx
	}
	return g.g.ctx
}

// WithdrawnError is the cause of a withdrawn grant's context.
type WithdrawnError struct {
	Contact contact.ID
	// By is who withdrew it: "customer", a user name.
	By string
}

// Error says who withdrew the consent.
func (e *WithdrawnError) Error() string { return "consent withdrawn by " + e.By }
