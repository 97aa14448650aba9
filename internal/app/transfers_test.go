package app

import (
	"context"
	"fmt"
	"testing"
	"time"

	"callfloor/call"
	"callfloor/contact"
	"callfloor/media/codec"
	"callfloor/phone"
	"callfloor/web"
	"callfloor/web/seatclient"
)

// transferRule lets agents bring numbers of the carrier into calls of line 1002.
const transferRule = "    - lines: [\"1002\"]\n      purposes: [transfer]\n      inbound: true\n      countries: [CN]\n"

// customerTo calls a line with the built-in phone until the test hangs up, or
// somebody else does.
func customerTo(t *testing.T, a *App, line string) (result <-chan phone.CallResult, hangup context.CancelFunc) {
	t.Helper()
	return customerFrom(t, a, line, "13812341234")
}

func customerFrom(t *testing.T, a *App, line, from string) (result <-chan phone.CallResult, hangup context.CancelFunc) {
	t.Helper()
	// Not the test's context, which ends before what follows it: two who hang up at the
	// same moment, and one is gone, is what stopping then waits for.
	ctx, cancel := context.WithCancel(context.Background())
	done, gone := make(chan phone.CallResult, 1), make(chan struct{})
	go func() {
		defer close(gone)
		r, err := phone.Call(ctx, phone.CallOptions{
			URI: fmt.Sprintf("sip:%s@%s", line, a.sip.Addr()), Codecs: []codec.ID{codec.PCMU}, Play: "tone:440", For: time.Minute, From: from,
		})
		if err != nil {
			t.Errorf("the customer's phone: %v", err)
		}
		done <- r
	}()
	t.Cleanup(func() { cancel(); <-gone })
	return done, cancel
}

func do(t *testing.T, s *seatclient.Client, cmd web.Command) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := s.Do(ctx, cmd); err != nil {
		t.Fatalf("%s: %v", cmd.Do, err)
	}
}

// takes lets an agent take the customer.
func takes(t *testing.T, s *seatclient.Client) web.CallView {
	t.Helper()
	v := see(t, s, "it rings", phaseIs(web.PhaseRinging))
	do(t, s, web.Command{Do: web.DoAnswer, Contact: v.Contact})
	return see(t, s, "they talk", phaseIs(web.PhaseTalking))
}

func secondIs(state call.SecondState) func(web.CallView) bool {
	return func(v web.CallView) bool { return v.Second != nil && v.Second.State == string(state) }
}

func number(n string) *web.Target { return &web.Target{Kind: web.TargetNumber, ID: n} }

// TestToANumberOutside: an agent asks a number that is busy, one that answers,
// makes it a conference, and leaves the customer to it.
func TestToANumberOutside(t *testing.T) {
	t.Parallel()
	c := newCarrier(t)
	a := startOut(t, c, "", transferRule)
	s := sit(t, a, "alice")
	do(t, s, web.Command{Do: web.DoState, State: contact.AgentAvailable})
	customer, _ := customerTo(t, a, "1002")
	v := takes(t, s)

	do(t, s, web.Command{Do: web.DoConsult, To: number("138 0000 0002")})
	busy := see(t, s, "the number is busy", secondIs(call.SecondFailed))
	if busy.Second.Why == "" || busy.Second.Name != contact.Mask("138 0000 0002") || busy.Phase != web.PhaseHold {
		t.Errorf("busy: %+v, %+v", busy.Second, busy.Phase)
	}
	do(t, s, web.Command{Do: web.DoDrop})
	see(t, s, "the customer is back", func(v web.CallView) bool { return v.Phase == web.PhaseTalking && v.Second == nil })

	do(t, s, web.Command{Do: web.DoConsult, To: number("13800000003")})
	see(t, s, "it rings outside", secondIs(call.SecondRinging))
	do(t, s, web.Command{Do: web.DoDrop})
	see(t, s, "it is given up", func(v web.CallView) bool { return v.Phase == web.PhaseTalking && v.Second == nil })
	waitFor(t, "the carrier is told", func() bool { return c.srv.Calls() == 0 })

	do(t, s, web.Command{Do: web.DoConsult, To: number("13800000001")})
	leg := <-c.calls
	see(t, s, "they talk outside", secondIs(call.SecondTalking))
	do(t, s, web.Command{Do: web.DoSwap})
	see(t, s, "the number waits", secondIs(call.SecondWaiting))
	do(t, s, web.Command{Do: web.DoMerge})
	see(t, s, "all three", secondIs(call.SecondJoined))
	do(t, s, web.Command{Do: web.DoTransfer})
	wrap := see(t, s, "alice is out of it", phaseIs(web.PhaseWrapUp))
	if wrap.Coach == nil || wrap.Coach.Mode != "handed" {
		t.Errorf("the wrap-up says %+v", wrap.Coach)
	}
	live, ok := a.house.call(v.Contact)
	if !ok || live.Agent() != "" {
		t.Fatalf("the call is up: %v, with %q", ok, live.Agent())
	}
	if got := a.house.targets("alice", "138").Numbers; len(got) != 3 || got[0] != "13800000001" {
		t.Errorf("the dial box remembers %v", got)
	}
	leg.Hangup(contact.EndCause{By: contact.System, Class: contact.EndCompleted})
	if r := <-customer; r.EndedBy == nil || *r.EndedBy != "remote" {
		t.Errorf("the customer: %+v", r)
	}
}

// TestBlindToANumber: one that does not answer gives the customer back to the
// agent, one that does keeps them; who hangs up is told to the other.
func TestBlindToANumber(t *testing.T) {
	t.Parallel()
	c := newCarrier(t)
	a := startOut(t, c, "", transferRule)
	s := sit(t, a, "alice")
	do(t, s, web.Command{Do: web.DoState, State: contact.AgentAvailable})
	customer, hangup := customerTo(t, a, "1002")
	takes(t, s)
	do(t, s, web.Command{Do: web.DoTransfer, To: number("13800000002")})
	back := see(t, s, "it comes back", phaseIs(web.PhaseRinging))
	if back.Handover == nil || back.Handover.Kind != "return" {
		t.Errorf("the seat says %+v", back.Handover)
	}
	v := takes(t, s)
	do(t, s, web.Command{Do: web.DoTransfer, To: number("13800000001"), Note: "not shown outside"})
	see(t, s, "alice wraps up", phaseIs(web.PhaseWrapUp))
	leg := <-c.calls
	waitFor(t, "the number has the customer", func() bool {
		live, ok := a.house.call(v.Contact)
		second := (*call.Second)(nil)
		if ok {
			second = live.Second()
		}
		return second != nil && second.State == call.SecondJoined
	})
	hangup()
	<-customer
	select {
	case <-leg.Done():
	case <-time.After(20 * time.Second):
		t.Error("the number outside was left behind")
	}
	if q, _ := a.engine.Queue("sales"); q.Waiting != 0 || q.Talking != 0 || q.Abandoned != 0 {
		t.Errorf("the queue at the end: %+v", q)
	}
}

// TestWhoGaveACallAwayHangsUp: the customer stays, also where that is done before the
// decision is carried out, as a telephone does it that was just told of the transfer.
func TestWhoGaveACallAwayHangsUp(t *testing.T) {
	to := func(kind web.TargetKind, id string) func(*App, *call.Call) error {
		return func(a *App, c *call.Call) error {
			return a.house.transfer(c, "alice", web.Command{Do: web.DoTransfer, To: &web.Target{Kind: kind, ID: id}})
		}
	}
	for name, gives := range map[string]func(*App, *call.Call) error{
		"to a queue": to(web.TargetQueue, "sales"), "to an agent": to(web.TargetAgent, "bob"),
		"to a parking place": func(a *App, c *call.Call) error { return a.house.park(c, "alice", "") },
	} {
		t.Run(name, func(t *testing.T) {
			a := startOut(t, newCarrier(t), "", "")
			alice, bob := sit(t, a, "alice"), sit(t, a, "bob")
			do(t, alice, web.Command{Do: web.DoState, State: contact.AgentAvailable})
			_, _ = customerTo(t, a, "1001")
			c, _ := a.house.call(takes(t, alice).Contact)
			do(t, bob, web.Command{Do: web.DoState, State: contact.AgentAvailable})
			a.house.mu.Lock() // run waits for it before it carries anything out
			err := gives(a, c)
			hung := c.HangupBy("alice")
			a.house.mu.Unlock()
			if err != nil || hung == nil {
				t.Fatalf("the call is given away: %v; then hung up: %v", err, hung)
			}
		})
	}
}

// TestWhereCallsMayGo: what the configuration forbids is refused, in words.
func TestWhereCallsMayGo(t *testing.T) {
	cfg := call.DefaultConfig()
	cfg.Agents, cfg.Queues, cfg.Numbers = []string{"bob"}, []contact.QueueID{"experts"}, false
	tr := newTransfers(cfg)
	defer tr.close()
	for _, tt := range []struct {
		to   *web.Target
		want contact.Code
	}{
		{&web.Target{Kind: web.TargetAgent, ID: "bob"}, ""},
		{&web.Target{Kind: web.TargetAgent, ID: "carol"}, contact.Forbidden},
		{&web.Target{Kind: web.TargetQueue, ID: "experts"}, ""},
		{&web.Target{Kind: web.TargetQueue, ID: "sales"}, contact.Forbidden},
		{&web.Target{Kind: web.TargetNumber, ID: "110"}, contact.Forbidden},
		{&web.Target{Kind: "moon", ID: "110"}, contact.Invalid},
		{&web.Target{Kind: web.TargetAgent}, contact.Invalid},
		{nil, contact.Invalid},
	} {
		if err := tr.allowed(tt.to, web.TargetAgent, web.TargetQueue, web.TargetNumber); contact.ErrorCode(err) != tt.want {
			t.Errorf("%+v: %v, want %q", tt.to, err, tt.want)
		}
	}
	if err := newTransfers(call.DefaultConfig()).allowed(&web.Target{Kind: web.TargetNumber, ID: "alice"}, web.TargetNumber); contact.ErrorCode(err) != contact.Invalid {
		t.Errorf("a number without a digit: %v", err)
	}
	if err := tr.allowed(&web.Target{Kind: web.TargetQueue, ID: "experts"}, web.TargetAgent); contact.ErrorCode(err) != contact.Invalid {
		t.Errorf("a queue cannot be asked to come: %v", err)
	}
}

// TestParkingPlaces: the lowest that is free; all taken is said.
func TestParkingPlaces(t *testing.T) {
	cfg := call.DefaultConfig()
	cfg.Slots = 2
	tr := newTransfers(cfg)
	defer tr.close()
	first, second, third := contact.NewID(), contact.NewID(), contact.NewID()
	for i, id := range []contact.ID{first, second} {
		if slot, err := tr.park(id); err != nil || slot != i+1 {
			t.Fatalf("place %d: %v", slot, err)
		}
	}
	if _, err := tr.park(third); contact.ErrorCode(err) != contact.Busy {
		t.Errorf("a third one: %v", err)
	}
	tr.gone(first)
	if slot, err := tr.park(third); err != nil || slot != 1 {
		t.Errorf("after one left: %d, %v", slot, err)
	}
	if p := tr.parking(third, "alice", time.Now()); p == nil || p.Slot != 1 || p.By != "alice" {
		t.Errorf("it says %+v", p)
	}
}
