package app

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"callfloor/contact"
	"callfloor/web"
	"callfloor/web/seatclient"
)

// TestHand: an agent in a call asks for help; the floor sees it until a
// supervisor can be heard in the call, lowers it, or the agent leaves.
func TestHand(t *testing.T) {
	t.Parallel()
	c := newCarrier(t)
	a := startOut(t, c, "", "")
	alice, sam := sit(t, a, "alice"), sit(t, a, "sam")
	do(t, alice, web.Command{Do: web.DoHand, Agent: "bob", On: true})
	seen(t, sam, handKey("alice"), true) // whoever is named, it is one's own
	do(t, alice, web.Command{Do: web.DoHand})
	seen(t, sam, handKey("alice"), false)
	seen(t, sam, handKey("bob"), false)
	if err := sam.Do(t.Context(), web.Command{Do: web.DoHand, On: true}); contact.ErrorCode(err) != contact.Invalid {
		t.Errorf("a supervisor raises a hand: %v", err)
	}

	do(t, alice, web.Command{Do: web.DoState, State: contact.AgentAvailable})
	gone, hangUp := customerTo(t, a, "1002")
	v := takes(t, alice)
	up := func() {
		t.Helper()
		do(t, alice, web.Command{Do: web.DoHand, On: true})
		do(t, alice, web.Command{Do: web.DoHand, On: true}) // pressed twice is once
		seen(t, sam, handKey("alice"), true)
		handOf(t, alice, true)
	}
	down := func() {
		t.Helper()
		seen(t, sam, handKey("alice"), false)
		handOf(t, alice, false)
	}
	up()
	do(t, sam, web.Command{Do: web.DoListen, Contact: v.Contact})
	handOf(t, alice, true) // who only listens is no help yet
	do(t, sam, web.Command{Do: web.DoWhisper, Contact: v.Contact})
	down()
	up()
	do(t, sam, web.Command{Do: web.DoHand, Agent: "alice"})
	down()
	up()
	do(t, sam, web.Command{Do: web.DoTakeOver, Contact: v.Contact})
	down()
	do(t, alice, web.Command{Do: web.DoWrapUpDone, Disposition: "solved"})
	up()
	do(t, alice, web.Command{Do: web.DoState, State: contact.AgentOffline})
	down()
	if err := alice.Do(t.Context(), web.Command{Do: web.DoHand, On: true}); contact.ErrorCode(err) != contact.Conflict {
		t.Errorf("a hand raised offline: %v", err)
	}
	hangUp()
	<-gone
}

func seen(t *testing.T, s *seatclient.Client, key string, there bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := s.WaitKey(ctx, key, func(v json.RawMessage) bool { return (v != nil) == there }); err != nil {
		t.Fatalf("waited in vain for %s, there %v: %v", key, there, err)
	}
}

func handOf(t *testing.T, s *seatclient.Client, up bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := s.WaitKey(ctx, "me", func(v json.RawMessage) bool { return strings.Contains(string(v), `"hand":true`) == up }); err != nil {
		t.Fatalf("the seat's own hand is not %v: %v", up, err)
	}
}
