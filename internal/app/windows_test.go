package app

import (
	"context"
	"testing"
	"time"

	"callfloor/acd"
	"callfloor/call"
	"callfloor/contact"
	"callfloor/web"
)

// Between a decision of the queue engine and what run does of it somebody may hang up, or
// be lost. These make that moment long by a lock that run waits for.

// TestNobodyRingsForWhoIsGone: the engine has given a customer back to the queue, and they
// hang up before their call knows of that.
func TestNobodyRingsForWhoIsGone(t *testing.T) {
	a := startOut(t, newCarrier(t), "", "")
	alice := sit(t, a, "alice")
	do(t, alice, web.Command{Do: web.DoState, State: contact.AgentAvailable})
	_, _ = customerTo(t, a, "1001")
	c, _ := a.house.call(takes(t, alice).Contact)
	a.house.mu.Lock()
	a.engine.RemoveAgent("alice")
	_, waits := a.engine.Standing(c.ID)
	c.End(contact.EndCause{By: contact.Customer, Class: contact.EndCompleted})
	<-c.Over()
	a.house.mu.Unlock()
	if !waits {
		t.Fatal("the customer was not given back")
	}
	if _, waits = a.engine.Standing(c.ID); waits {
		t.Error("who has hung up waits for ever")
	}
}

// TestATelephoneHangsUpAtOnce: before it is joined with the customer; that is the end of
// the call, as a moment later, and not a customer whom nobody hears.
func TestATelephoneHangsUpAtOnce(t *testing.T) {
	a := startOut(t, newCarrier(t), "", "")
	phone := registers(t, a, "alice", 18000)
	phone.slow.Store(true)
	customer, _ := customerTo(t, a, "1001")
	<-phone.ringing
	a.house.mu.Lock()
	phone.mayAnswer <- struct{}{}
	waitFor(t, "alice has answered", func() bool { s, _ := a.engine.Agent("alice"); return s.State == contact.AgentTalking })
	status, _ := a.engine.Agent("alice")
	seat := a.house.phones.seatFor("alice", status.Contact)
	phone.rings().Hangup(contact.EndCause{By: contact.Customer, Class: contact.EndCompleted})
	<-seat.leg.Done()
	for range 50 { // it forgets the call, or waits for run
		if a.house.phones.seatFor("alice", status.Contact) == nil {
			break
		}
		time.Sleep(2 * time.Millisecond)
	}
	a.house.mu.Unlock()
	<-customer
	if d := a.written(t, status.Contact); d.End.By != contact.Agent {
		t.Errorf("ended by %+v", d.End)
	}
	waitFor(t, "alice wraps up", func() bool { s, _ := a.engine.Agent("alice"); return s.State == contact.AgentWrapUp })
}

// TestATelephoneIsNotLeftInADeadCall: one that answers for a call which is over by the time
// that it would be joined is hung up.
func TestATelephoneIsNotLeftInADeadCall(t *testing.T) {
	a := startOut(t, newCarrier(t), "", "")
	phone := registers(t, a, "alice", 18100)
	_, hangup := customerTo(t, a, "1001")
	leg := phone.rings()
	waitFor(t, "alice talks", func() bool { s, _ := a.engine.Agent("alice"); return s.State == contact.AgentTalking })
	status, _ := a.engine.Agent("alice")
	p := a.house.phones
	p.mu.Lock()
	r := p.rings["alice"]
	p.rings["alice"] = &ring{contact: "gone", call: r.call, cancel: func() {}, seat: r.seat, joined: make(chan struct{})}
	p.mu.Unlock()
	if !p.connect(acd.Connect{Agent: "alice", Contact: "gone"}) {
		t.Error("the answer is taken for a browser's")
	}
	ended(t, "the telephone's call", leg)
	hangup()
	a.written(t, status.Contact)
}

// TestATelephoneThatFailedIsBack: once the call has given it up, here because the customer
// hangs up in the grace time; and nothing else brings back the one who talked by it.
func TestATelephoneThatFailedIsBack(t *testing.T) {
	a := startOut(t, newCarrier(t), "", "")
	phone := registers(t, a, "alice", 18200)
	customer, hangup := customerTo(t, a, "1001")
	phone.rings()
	waitFor(t, "alice talks", func() bool {
		s, _ := a.engine.Agent("alice")
		c, ok := a.house.call(s.Contact)
		return ok && c.Agent() == "alice"
	})
	status, _ := a.engine.Agent("alice")
	gone := func() bool { // the engine's word for it
		err := a.engine.Do(acd.Dialled{Agent: "alice", Contact: status.Contact + "x"})
		return err != nil && contact.ErrorMessage(err) == "your browser is not connected"
	}
	a.house.phones.seatFor("alice", status.Contact).leg.Hangup(contact.EndCause{By: contact.System, Class: contact.EndFailed})
	waitFor(t, "the loss is noticed", gone)
	a.house.seatBack("alice") // as where the telephone registers again
	if !gone() {
		t.Error("a customer is left with a telephone that has failed")
	}
	hangup()
	<-customer
	waitFor(t, "alice is back", func() bool { return !gone() })
	must(t, a.engine.Do(acd.WrapUpDone{Agent: "alice"}))
	customerFrom(t, a, "1001", "13812345678")
	phone.rings()
}

// TestATelephoneRingsAgainForTheSameCall: also while its last part in it is not forgotten.
func TestATelephoneRingsAgainForTheSameCall(t *testing.T) {
	a := startOut(t, newCarrier(t), "", "")
	phone := registers(t, a, "alice", 18300)
	_, _ = customerTo(t, a, "1001")
	leg, p := phone.rings(), a.house.phones
	var c *call.Call
	waitFor(t, "alice talks", func() bool {
		s, _ := a.engine.Agent("alice")
		c, _ = a.house.call(s.Contact)
		return c != nil && c.Agent() == "alice"
	})
	p.mu.Lock()
	r := p.rings["alice"]
	p.mu.Unlock()
	c.HandOff("alice", nil)
	ended(t, "the telephone's call", leg)
	p.mu.Lock()
	p.rings["alice"] = r
	p.mu.Unlock()
	if p.seatFor("alice", c.ID) != nil {
		t.Error("she speaks by a telephone that was hung up")
	}
	p.ring("alice", c, time.Now().Add(20*time.Second))
	phone.rings()
}

// TestANewSeatIsKnownAtOnce: run learns of a seat together with the call that it has
// answered already.
func TestANewSeatIsKnownAtOnce(t *testing.T) {
	a := startOut(t, newCarrier(t), "", "")
	bob := sit(t, a, "bob")
	do(t, bob, web.Command{Do: web.DoState, State: contact.AgentAvailable})
	_, _ = customerTo(t, a, "1001")
	v := see(t, bob, "it rings", phaseIs(web.PhaseRinging))
	a.house.transfers.mu.Lock() // run waits for it to join bob
	do(t, bob, web.Command{Do: web.DoAnswer, Contact: v.Contact})
	waitFor(t, "nobody takes out what is new", func() bool { s, _ := a.engine.Agent("bob"); return s.State == contact.AgentTalking })
	alice := sit(t, a, "alice")
	do(t, alice, web.Command{Do: web.DoState, State: contact.AgentAvailable})
	_, _ = customerFrom(t, a, "1001", "13812345678")
	var second contact.ID
	waitFor(t, "it rings at alice", func() bool { s, _ := a.engine.Agent("alice"); second = s.Contact; return second != "" })
	do(t, alice, web.Command{Do: web.DoAnswer, Contact: second})
	a.house.transfers.mu.Unlock()
	see(t, alice, "she talks", phaseIs(web.PhaseTalking))
	waitFor(t, "the customer is with alice", func() bool { c, ok := a.house.call(second); return ok && c.Agent() == "alice" })
}

// TestNobodyRingsOutsideForWhoIsGone: what would ring for a call that has just ended is
// given up at once.
func TestNobodyRingsOutsideForWhoIsGone(t *testing.T) {
	a := startOut(t, newCarrier(t), "", "")
	alice := sit(t, a, "alice")
	do(t, alice, web.Command{Do: web.DoState, State: contact.AgentAvailable})
	_, hangup := customerTo(t, a, "1001")
	c, _ := a.house.call(takes(t, alice).Contact)
	hangup()
	waitFor(t, "the call is gone", func() bool { _, live := a.house.call(c.ID); return !live })
	given := make(chan struct{})
	a.house.ringOutside(c, "alice", "13800000003", func(ctx context.Context) {
		<-ctx.Done()
		close(given)
	})
	select {
	case <-given:
	case <-time.After(20 * time.Second):
		t.Error("it rings on")
	}
}

// TestARegistrationEndsInACall: the two talk on past the grace time, and their agent is
// gone after the call.
func TestARegistrationEndsInACall(t *testing.T) {
	t.Run("which talks", func(t *testing.T) { registrationEnds(t, false) })
	t.Run("which rings", func(t *testing.T) { registrationEnds(t, true) })
}

func registrationEnds(t *testing.T, rings bool) {
	a := startOut(t, newCarrier(t), "", "routing: {seat_grace: 1s}\n")
	alice := registers(t, a, "alice", 18850)
	alice.slow.Store(true)
	customer, hangup := customerTo(t, a, "1001")
	<-alice.ringing
	agent := func() acd.AgentStatus { s, _ := a.engine.Agent("alice"); return s }
	talks := func() {
		alice.mayAnswer <- struct{}{}
		waitFor(t, "alice talks", func() bool { return agent().State == contact.AgentTalking })
	}
	if !rings {
		talks()
	}
	a.sip.Unregister("alice")
	waitFor(t, "nobody rings there", func() bool { return !agent().Ready })
	if rings {
		talks()
	}
	leg := alice.rings()
	select {
	case <-leg.Done():
		t.Fatal("the telephone was parted from its call")
	case <-time.After(2 * time.Second): // twice the grace time
	}
	if s := agent(); s.State != contact.AgentTalking {
		t.Fatalf("alice: %+v", s)
	}
	hangup()
	<-customer
	waitFor(t, "alice is gone", func() bool { return agent().State == contact.AgentDisconnected })
}
