package call

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"callfloor/contact"
	"callfloor/ivr"
	"callfloor/media"
)

// Between what the queue engine decides and what is done of it somebody may hang up, or
// be lost. These make that moment long.

func allowed() error               { return nil }
func agreed(contact.AgentID) error { return nil }

// TestNothingComesBetween: who gives a call away and hangs up at once, while the queue
// engine is asked, ends nothing.
func TestNothingComesBetween(t *testing.T) {
	for name, gives := range map[string]func(h *house, decide func() error) error{
		"handed on": func(h *house, decide func() error) error { return h.call.GiveAway("alice", nil, decide) },
		"parked": func(h *house, decide func() error) error {
			return h.call.GiveAway("alice", &Parking{Slot: 1, By: "alice"}, decide)
		},
		"handed to who was asked": func(h *house, decide func() error) error {
			must(h.t, h.call.Consult("alice", h.bob))
			return h.call.Transfer("alice", func(to contact.AgentID) error {
				if to != "bob" {
					h.t.Errorf("handed to %q", to)
				}
				return decide()
			})
		},
		"handed outside": func(h *house, decide func() error) error {
			must(h.t, h.call.ConsultPhone("alice", h.outside, "outside"))
			return h.call.Transfer("alice", func(contact.AgentID) error { return decide() })
		},
		"joined": func(h *house, decide func() error) error { return h.call.Join("alice", h.bob, decide) },
		"taken over": func(h *house, decide func() error) error {
			return h.call.TakeOver(h.t.Context(), h.sam, "alice", decide)
		},
	} {
		t.Run(name, func(t *testing.T) {
			inHouse(t, toQueue(contact.ConsentGranted), func(h *house) {
				h.connect()
				refused := contact.Errorf(contact.Conflict, "no")
				if err := gives(h, func() error { return refused }); err != refused || h.see().Agent != "alice" {
					t.Fatalf("refused: %v, with %q", err, h.see().Agent)
				}
				if h.call.Second() != nil {
					must(t, h.call.EndConsult("alice"))
					h.outside.revive()
				}
				hung := make(chan error, 1)
				must(t, gives(h, func() error {
					go func() { hung <- h.call.HangupBy("alice") }()
					synctest.Wait()
					return nil
				}))
				conflict(t, <-hung)
				if s := h.see(); s.Agent == "alice" || h.leg.Cause() != (contact.EndCause{}) {
					t.Errorf("with %q, ended: %+v", s.Agent, h.leg.Cause())
				}
			})
		})
	}
}

// TestWhoHangsUpIsInNoQueue: also where the agent of the call is not the one whom the
// queue engine knows any more, and where the customer hangs up while they join.
func TestWhoHangsUpIsInNoQueue(t *testing.T) {
	inHouse(t, toQueue(contact.ConsentGranted), func(h *house) {
		h.connect()
		h.leg.leave()
		<-h.call.Over()
		if !h.queues.without(h.call.ID) {
			t.Error("the queue engine was told of the agent alone")
		}
	})
	inHouse(t, func(ctx context.Context, c ivr.Caller) (contact.EndCause, error) {
		if _, pressed, err := c.Ask(ctx, nil, true, time.Minute); !pressed {
			return contact.EndCause{}, err
		}
		return toQueue(contact.ConsentNone)(ctx, c)
	}, func(h *house) {
		h.queues.joining = func() { // as where the agent of an earlier call is looked for
			h.leg.leave()
			<-h.call.Over()
			h.queues.forget()
		}
		h.leg.digits <- media.Digit{Key: '1'}
		<-h.queues.join
		synctest.Wait()
		if !h.queues.without(h.call.ID) {
			t.Error("who joined after they had hung up waits for ever")
		}
	})
}

// TestWhoWasCalledWaitsWithMusic: where the agent who called is lost no flow plays it.
func TestWhoWasCalledWaitsWithMusic(t *testing.T) {
	flow := func(ctx context.Context, c ivr.Caller) (contact.EndCause, error) {
		if err := c.Answer(ctx); err != nil {
			return contact.EndCause{}, err
		}
		<-ctx.Done()
		return contact.EndCause{}, context.Cause(ctx)
	}
	inHouse(t, flow, func(h *house) {
		must(t, h.call.Connect(h.alice, "sales", 0, Announcement{}))
		must(t, h.call.Connect(h.alice, "sales", 0, Announcement{})) // said twice
		if h.call.agents != 1 {
			t.Errorf("%d agents came", h.call.agents)
		}
		h.call.Requeue("alice", "sales")
		if got := h.round(); got["customer"] != "music" || got["alice/customer"] != "" {
			t.Errorf("without an agent: %v", got)
		}
		must(t, h.call.Connect(h.bob, "sales", time.Second, Announcement{}))
		if got := h.round(); got["customer"] != "bob" || got["bob/customer"] != "customer" {
			t.Errorf("with the next one: %v", got)
		}
	})
}
