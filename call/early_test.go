package call

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"callfloor/contact"
	"callfloor/ivr"
	"callfloor/media"
	"callfloor/recordings"
	"callfloor/recordings/consent"
)

// TestEarly: the customer hears the flow and presses keys before the answer, keeps
// one stream through it, and is answered when the flow says so.
func TestEarly(t *testing.T) {
	var keys chan rune
	flow := func(ctx context.Context, c ivr.Caller) (contact.EndCause, error) {
		keys = make(chan rune, 1) // in the bubble
		if heard, err := c.Early(ctx); !heard || err != nil {
			return contact.EndCause{}, err
		}
		key, _, err := c.Ask(ctx, []ivr.Prompt{{ID: "menu", Language: "en"}}, true, 5*time.Second)
		if err != nil {
			return contact.EndCause{}, err
		}
		if err := c.Answer(ctx); err != nil {
			return contact.EndCause{}, err
		}
		keys <- key
		_, _, err = c.Ask(ctx, []ivr.Prompt{{ID: "bye", Language: "en"}}, false, 0)
		return contact.EndCause{By: contact.System, Class: contact.EndCompleted}, err
	}
	inHouse(t, flow, func(h *house) {
		time.Sleep(time.Second)
		synctest.Wait()
		if heard := names(h.leg.ear.take()); heard != "prompt" {
			t.Errorf("before the answer the customer hears %q", heard)
		}
		h.leg.mu.Lock()
		answered := h.leg.answer
		h.leg.mu.Unlock()
		if answered {
			t.Error("answered before the flow says so")
		}
		h.leg.digits <- media.Digit{Key: '7', At: time.Now()}
		if k := <-keys; k != '7' {
			t.Errorf("key %c", k)
		}
		<-h.call.Over()
		if heard := names(h.leg.ear.take()); heard != "prompt" {
			t.Errorf("after the answer the customer hears %q", heard)
		}
		h.leg.ear.mu.Lock()
		defer h.leg.ear.mu.Unlock()
		for i, s := range h.leg.ear.seqs[1:] {
			if s != h.leg.ear.seqs[i]+1 {
				t.Fatalf("packet %d follows %d", s, h.leg.ear.seqs[i])
			}
		}
		if len(h.leg.ear.seqs) < 60 || h.leg.ear.pause > 45*time.Millisecond || h.started != 0 {
			t.Errorf("%d packets, a pause of %v, %d recordings", len(h.leg.ear.seqs), h.leg.ear.pause, h.started)
		}
	})
}

// TestEarlyIsNotHeard: who can hear nothing before the answer is not played to, and
// the error of who is gone is why.
func TestEarlyIsNotHeard(t *testing.T) {
	var said []string
	flow := func(ctx context.Context, c ivr.Caller) (contact.EndCause, error) {
		leg := c.(*Call).Leg.(*fakeLeg)
		leg.mu.Lock()
		leg.early = errDeaf
		leg.mu.Unlock()
		if heard, err := c.Early(ctx); heard || err != nil {
			said = append(said, "heard")
		}
		<-ctx.Done()
		leg.mu.Lock()
		leg.early = context.Canceled
		leg.mu.Unlock()
		if _, err := c.Early(ctx); err != context.Cause(ctx) {
			said = append(said, "no cause")
		}
		return contact.EndCause{}, context.Cause(ctx)
	}
	inHouse(t, flow, func(h *house) {
		h.leg.Hangup(contact.EndCause{By: contact.Customer, Class: contact.EndAbandoned, SIP: 487})
		<-h.call.Over()
	})
	if len(said) > 0 {
		t.Error(said)
	}
}

// TestAMessageEndsWithItsCaller: who comes in the place of a caller who leaves a message
// is not recorded, neither in that message nor in one that is just beginning.
func TestAMessageEndsWithItsCaller(t *testing.T) {
	for _, opening := range []bool{false, true} {
		ended := make(chan ivr.Message, 1)
		flow := func(ctx context.Context, c ivr.Caller) (contact.EndCause, error) {
			asked := ivr.Prompt{ID: "voicemail", Text: "Speak.", SHA256: "00"}
			err := errors.Join(c.Answer(ctx), c.Consent(ctx, ivr.ConsentAnswer{
				State: contact.ConsentAnnounced, Prompt: asked, Language: "en", AskedAt: time.Now(), At: time.Now(), Attempt: 1,
			}))
			if err != nil {
				return contact.EndCause{}, err
			}
			if call := c.(*Call); opening {
				open := call.Record
				call.Record = func(ctx context.Context, g consent.Grant, m recordings.Meta) (Recording, error) {
					call.AnotherPhone()
					synctest.Wait()
					return open(ctx, g, m)
				}
			}
			m, err := c.RecordMessage(ctx, ivr.MessageRequest{Queue: "sales", Max: time.Minute, Silence: 30 * time.Second, Ends: '#'})
			if err != nil {
				return contact.EndCause{}, err
			}
			ended <- m
			if _, err := c.RecordMessage(ctx, ivr.MessageRequest{Queue: "sales", Max: time.Minute, Silence: time.Second}); contact.ErrorCode(err) != contact.Forbidden {
				t.Errorf("another message: %v", err)
			}
			<-ctx.Done()
			return contact.EndCause{}, context.Cause(ctx)
		}
		inHouse(t, flow, func(h *house) {
			time.Sleep(3 * time.Second)
			synctest.Wait()
			if !opening {
				h.voices[markCustomer].say(10)
				h.call.AnotherPhone()
				synctest.Wait()
			}
			before := h.rec.take()[contact.Customer][markCustomer]
			h.voices[markCustomer].say(10)
			if n := h.rec.take()[contact.Customer][markCustomer]; n != 0 || (before == 10) == opening {
				t.Errorf("opening %v: %d packets were recorded before, %d of somebody else", opening, before, n)
			}
			select {
			case m := <-ended:
				if m.Why != "another_phone" || !h.rec.sealed {
					t.Errorf("opening %v: %+v, sealed %v", opening, m, h.rec.sealed)
				}
			default:
				t.Errorf("opening %v: the message goes on", opening)
			}
		})
	}
}
