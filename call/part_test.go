package call

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"callfloor/contact"
	"callfloor/ivr"
	"callfloor/media"
)

// thenSurvey waits in a queue and goes on after the agent.
func thenSurvey(goOn bool, got *ivr.QueueResult) flowFunc {
	return func(ctx context.Context, c ivr.Caller) (contact.EndCause, error) {
		if err := c.Answer(ctx); err != nil {
			return contact.EndCause{}, err
		}
		var err error
		if *got, err = c.Enqueue(ctx, ivr.QueueRequest{Queue: "sales", Music: "music", GoOn: goOn}); err != nil {
			return contact.EndCause{}, err
		}
		k, _, err := c.Ask(ctx, nil, true, 10*time.Second)
		if err != nil {
			return contact.EndCause{}, err
		}
		return contact.EndCause{By: contact.System, Class: contact.EndCompleted}, c.Rated(ctx, int(k-'0'))
	}
}

// TestTheFlowGoesOnAfterTheAgent: with served: the agent's hang-up parts only
// the agent, who wraps up; the customer hears the flow and presses keys for it.
func TestTheFlowGoesOnAfterTheAgent(t *testing.T) {
	var got ivr.QueueResult
	inHouse(t, thenSurvey(true, &got), func(h *house) {
		h.connect()
		h.leg.digits <- media.Digit{Key: '3'} // for the agent's ears, not for the survey
		synctest.Wait()
		h.queues.leaving = func() {
			synctest.Wait()
			if got.Served {
				t.Error("the flow, which may join a queue, goes on before the last one is left")
			}
		}
		must(t, h.call.HangupBy("alice"))
		h.queues.leaving = nil
		synctest.Wait()
		if !got.Served || h.call.Agent() != "" || h.call.view.Stage != StageFlow {
			t.Fatalf("after the agent: %+v, agent %q, stage %s", got, h.call.Agent(), h.call.view.Stage)
		}
		if !slices.Contains(h.queues.release, h.call.ID) {
			t.Errorf("released: %v, want this call", h.queues.release)
		}
		heard := h.round()
		if heard["alice/customer"] != "" || heard["customer"] != "" {
			t.Errorf("after the agent: %v", heard)
		}
		h.leg.digits <- media.Digit{Key: '5'}
		<-h.call.Over()
		synctest.Wait()
		d, err := h.journal.Show(context.Background(), h.call.ID)
		must(t, err)
		if d.CSAT == nil || *d.CSAT != 5 || d.End.By != contact.System {
			t.Errorf("csat %v, end %+v", d.CSAT, d.End)
		}
	})
}

// TestWithoutServedTheAgentEndsTheCall is how it was before, and is.
func TestWithoutServedTheAgentEndsTheCall(t *testing.T) {
	var got ivr.QueueResult
	inHouse(t, thenSurvey(false, &got), func(h *house) {
		h.connect()
		must(t, h.call.HangupBy("alice"))
		<-h.call.Over()
		synctest.Wait()
		d, err := h.journal.Show(context.Background(), h.call.ID)
		must(t, err)
		if d.End == nil || d.End.By != contact.Agent || d.CSAT != nil {
			t.Errorf("end %+v, csat %v", d.End, d.CSAT)
		}
	})
}

// TestTheCustomerLeavesInTheSurvey is a completed call, not an abandoned one.
func TestTheCustomerLeavesInTheSurvey(t *testing.T) {
	var got ivr.QueueResult
	inHouse(t, thenSurvey(true, &got), func(h *house) {
		h.connect()
		must(t, h.call.HangupBy("alice"))
		synctest.Wait()
		h.leg.leave()
		<-h.call.Over()
		synctest.Wait()
		d, err := h.journal.Show(context.Background(), h.call.ID)
		must(t, err)
		if d.End == nil || d.End.By != contact.Customer || d.End.Class != contact.EndCompleted {
			t.Errorf("end %+v", d.End)
		}
	})
}

// TestALanguageIsRemembered by number.
func TestALanguageIsRemembered(t *testing.T) {
	flow := func(ctx context.Context, c ivr.Caller) (contact.EndCause, error) {
		c.SetLanguage("zh")
		return contact.EndCause{By: contact.System, Class: contact.EndCompleted}, c.Answer(ctx)
	}
	inHouse(t, flow, func(h *house) {
		<-h.call.Over()
		time.Sleep(2 * journalLinger) // a new call does not wait for the journal
		for _, tt := range []struct {
			caller string
			since  time.Duration
			want   string
		}{{"13812341234", -time.Hour, "zh"}, {"13812341234", time.Hour, ""}, {"1", -time.Hour, ""}, {"", -time.Hour, ""}} {
			got, err := h.journal.Language(context.Background(), tt.caller, time.Now().Add(tt.since))
			if err != nil || got != tt.want {
				t.Errorf("%q since %v: %q %v, want %q", tt.caller, tt.since, got, err, tt.want)
			}
		}
	})
}
