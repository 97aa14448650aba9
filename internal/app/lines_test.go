package app

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"callfloor/call"
	"callfloor/contact"
	"callfloor/web"
	"callfloor/web/seatclient"
)

// seeOther waits for a seat's other call; nil pleases where there is none.
func seeOther(t *testing.T, s *seatclient.Client, what string, pleases func(web.CallView) bool) web.CallView {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var v web.CallView
	err := s.WaitKey(ctx, web.KeyOther, func(raw json.RawMessage) bool {
		v = web.CallView{}
		if pleases == nil || raw == nil {
			return pleases == nil && raw == nil
		}
		return json.Unmarshal(raw, &v) == nil && pleases(v)
	})
	if err != nil {
		t.Fatalf("waited in vain until %s; the other call is %+v", what, v)
	}
	return v
}

func is(id contact.ID, p web.Phase) func(web.CallView) bool {
	return func(v web.CallView) bool { return v.Contact == id && v.Phase == p }
}

func refused(t *testing.T, s *seatclient.Client, cmd web.Command) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := s.Do(ctx, cmd); contact.ErrorCode(err) != contact.Conflict {
		t.Errorf("%s: %v", cmd.Do, err)
	}
}

// TestTwoCallsOnASeat: a customer of the queue, a second one who is called, to
// and fro between them, and notes of both; no command of one call reaches the
// other.
func TestTwoCallsOnASeat(t *testing.T) {
	t.Parallel()
	c := newCarrier(t)
	a := startOut(t, c, "", "")
	s := sit(t, a, "alice")
	do(t, s, web.Command{Do: web.DoState, State: contact.AgentAvailable})
	customerTo(t, a, "1002")
	first := takes(t, s).Contact
	must(t, dialNumber(t, s, "138 0000 0001", "1002"))
	second := see(t, s, "the second one is dialled", phaseIs(web.PhaseDialling)).Contact
	seeOther(t, s, "the first one is set aside", is(first, web.PhaseHold))
	refused(t, s, web.Command{Do: web.DoSwap})
	refused(t, s, web.Command{Do: web.DoConsult, To: number("138 0000 0002")})
	leg := <-c.calls
	see(t, s, "the second one talks", is(second, web.PhaseTalking))
	refused(t, s, web.Command{Do: web.DoHold, Contact: first})
	refused(t, s, web.Command{Do: web.DoHangup, Contact: first})
	refused(t, s, web.Command{Do: web.DoDial, Number: "13800000006", Line: "1002"})
	do(t, s, web.Command{Do: web.DoWrapUpNote, Contact: first, Note: "of the first"})
	do(t, s, web.Command{Do: web.DoWrapUpNote, Contact: second, Note: "of the second"})
	do(t, s, web.Command{Do: web.DoSwap, Contact: second})
	see(t, s, "the first one talks", is(first, web.PhaseTalking))
	seeOther(t, s, "the second one is set aside", is(second, web.PhaseHold))
	do(t, s, web.Command{Do: web.DoSwap, Contact: first})
	see(t, s, "the second one talks again", is(second, web.PhaseTalking))
	leg.Hangup(contact.EndCause{By: contact.System, Class: contact.EndCompleted})
	// It is over; the first one is on hold, and the key that ended the second one does it no harm.
	see(t, s, "the first one is in front, on hold", is(first, web.PhaseHold))
	v := seeOther(t, s, "the second one is to be wrapped up", is(second, web.PhaseWrapUp))
	if v.Note != "of the second" {
		t.Errorf("the second one's note is %q", v.Note)
	}
	refused(t, s, web.Command{Do: web.DoHangup, Contact: second})
	do(t, s, web.Command{Do: web.DoHold, Contact: first})
	see(t, s, "the first one talks again", is(first, web.PhaseTalking))
	do(t, s, web.Command{Do: web.DoHangup, Contact: first})
	see(t, s, "the first one's notes", is(first, web.PhaseWrapUp))
	do(t, s, web.Command{Do: web.DoWrapUpDone, Contact: first, Note: "done with the first"})
	see(t, s, "the second one's notes", is(second, web.PhaseWrapUp))
	seeOther(t, s, "no other call", nil)
	do(t, s, web.Command{Do: web.DoWrapUpDone, Contact: second, Note: "done with the second"})
	for id, note := range map[contact.ID]string{first: "done with the first", second: "done with the second"} {
		d, err := a.journal.Show(t.Context(), id)
		must(t, err)
		if d.Note == nil || *d.Note != note {
			t.Errorf("the note of %s is %v", id, d.Note)
		}
		if !strings.Contains(texts(d), "alice is in another call; the customer hears music") {
			t.Errorf("the timeline of %s says nothing of another call:\n%s", id, texts(d))
		}
	}
}

// TestCallWaiting: a call that a colleague hands to an agent who talks rings
// beside it if the agent wants that; declined it goes back, answered it is in
// front. The agent goes to and fro though the first one is a conference.
func TestCallWaiting(t *testing.T) {
	t.Parallel()
	c := newCarrier(t)
	a := startOut(t, c, "", transferRule)
	alice, bob := sit(t, a, "alice"), sit(t, a, "bob")
	do(t, alice, web.Command{Do: web.DoState, State: contact.AgentAvailable})
	customerTo(t, a, "1002")
	first := takes(t, alice).Contact
	do(t, alice, web.Command{Do: web.DoConsult, To: number("138 0000 0001")})
	see(t, alice, "somebody outside talks to her", secondIs(call.SecondTalking))
	do(t, alice, web.Command{Do: web.DoMerge})
	do(t, bob, web.Command{Do: web.DoState, State: contact.AgentAvailable})
	_, hangup := customerFrom(t, a, "1002", "13812345678") // alice spoke with the other number last
	second := takes(t, bob).Contact
	to := &web.Target{Kind: web.TargetAgent, ID: "alice"}
	refused(t, bob, web.Command{Do: web.DoTransfer, To: to})
	do(t, alice, web.Command{Do: web.DoWaiting, On: true})
	do(t, bob, web.Command{Do: web.DoTransfer, To: to, Note: "wants alice"})
	v := seeOther(t, alice, "it rings beside", is(second, web.PhaseRinging))
	if v.Handover == nil || v.Handover.Note != "wants alice" || v.Until == nil {
		t.Errorf("beside rings %+v", v)
	}
	see(t, alice, "the first one goes on", is(first, web.PhaseTalking))
	do(t, alice, web.Command{Do: web.DoDecline, Contact: second})
	see(t, bob, "it comes back", is(second, web.PhaseRinging))
	seeOther(t, alice, "it is gone", nil)
	do(t, bob, web.Command{Do: web.DoAnswer, Contact: second})
	see(t, bob, "bob has it again", is(second, web.PhaseTalking))
	do(t, bob, web.Command{Do: web.DoTransfer, To: to})
	seeOther(t, alice, "it rings beside again", is(second, web.PhaseRinging))
	do(t, alice, web.Command{Do: web.DoAnswer, Contact: second})
	see(t, alice, "the second one is in front", is(second, web.PhaseTalking))
	seeOther(t, alice, "the first one is set aside", is(first, web.PhaseHold))
	do(t, alice, web.Command{Do: web.DoSwap, Contact: second})
	see(t, alice, "the conference is in front", func(v web.CallView) bool { return is(first, web.PhaseTalking)(v) && secondIs(call.SecondJoined)(v) })
	do(t, alice, web.Command{Do: web.DoSwap, Contact: first})
	see(t, alice, "the second one is in front again", is(second, web.PhaseTalking))
	hangup()
	see(t, alice, "the first one is in front", is(first, web.PhaseHold))
	seeOther(t, alice, "the second one's notes are owed", is(second, web.PhaseWrapUp))
	do(t, alice, web.Command{Do: web.DoWrapUpDone, Contact: second})
	seeOther(t, alice, "no other call", nil)
}

// TestATelephoneHasOneLine: who talks by a telephone gets no second call by the
// browser beside it, neither one that they dial nor one that is parked.
func TestATelephoneHasOneLine(t *testing.T) {
	t.Parallel()
	a := startOut(t, newCarrier(t), "", "")
	phone := registers(t, a, "alice", 18700)
	alice, bob := sit(t, a, "alice"), sit(t, a, "bob")
	do(t, alice, web.Command{Do: web.DoState, State: contact.AgentAvailable})
	customerTo(t, a, "1002")
	phone.rings()
	see(t, alice, "she talks by the telephone", phaseIs(web.PhaseTalking))
	do(t, bob, web.Command{Do: web.DoState, State: contact.AgentAvailable})
	customerFrom(t, a, "1002", "13812345678")
	parked := takes(t, bob).Contact
	do(t, bob, web.Command{Do: web.DoPark, Contact: parked})
	refused(t, alice, web.Command{Do: web.DoPickUp, Contact: parked})
	if err := dialNumber(t, alice, "138 0000 0001", "1002"); contact.ErrorCode(err) != contact.Conflict {
		t.Errorf("dialled beside the telephone's call: %v", err)
	}
	do(t, bob, web.Command{Do: web.DoPickUp, Contact: parked})
	see(t, bob, "bob has it again", is(parked, web.PhaseTalking))
}
