package app

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"callfloor/api"
	"callfloor/contact"
	"callfloor/web"
	"callfloor/web/seatclient"
)

// flowCallIs waits until what a page sees of its call from the flow editor is
// as wanted.
func flowCallIs(t *testing.T, s *seatclient.Client, what string, pleases func(web.FlowCallView) bool) web.FlowCallView {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var v web.FlowCallView
	err := s.WaitKey(ctx, web.KeyFlowCall, func(raw json.RawMessage) bool {
		v = web.FlowCallView{}
		return json.Unmarshal(raw, &v) == nil && pleases(v)
	})
	if err != nil {
		t.Fatalf("waited in vain until %s; the call is %+v", what, v)
	}
	return v
}

// TestFlowCall: a draft is called from a seat, goes on by its keys, is heard,
// and ends by the hand of the person or with the page; one call a person.
func TestFlowCall(t *testing.T) {
	a := start(t, t.TempDir())
	ctx := t.Context()
	refused := func(what string, in api.FlowCall, want contact.Code) {
		t.Helper()
		if _, err := a.flowCalls.Begin(ctx, "ada", in); contact.ErrorCode(err) != want {
			t.Errorf("%s: %v, want %s", what, err, want)
		}
	}
	full := api.FlowCall{Name: "full", Line: "1000"}
	refused("without a page", full, contact.Conflict)
	ada := sit(t, a, "ada")
	refused("a line that is none", api.FlowCall{Name: "full", Line: "7"}, contact.NotFound)
	refused("a flow that is none", api.FlowCall{Name: "none", Line: "1000"}, contact.NotFound)
	refused("a flow that asks, on a line that never records", api.FlowCall{Name: "full", Line: "1002"}, contact.Invalid)
	broken := "nodes: {a: {kind: play, say: greeting, next: nowhere}}"
	refused("a broken draft", api.FlowCall{Name: "full", Text: &broken, Line: "1000"}, contact.Invalid)
	if err := a.flowCalls.Press("ada", "1"); contact.ErrorCode(err) != contact.Conflict {
		t.Errorf("a key without a call: %v", err)
	}

	draft := "nodes:\n  ask: {kind: menu, say: menu_main, keys: {1: {label: One, next: one}}, silent: one}\n  one: {kind: wait, for: 60s, next: bye}\n  bye: {kind: hangup, say: goodbye}\n"
	in := api.FlowCall{Name: "draft", Text: &draft, Line: "1002", Caller: "13900001111"}
	id, err := a.flowCalls.Begin(ctx, "ada", in)
	must(t, err)
	flowCallIs(t, ada, "the menu is heard", func(v web.FlowCallView) bool {
		return string(v.Call) == id && v.Node == "ask" && len(v.Events) > 1 && v.Events[1].Prompt == "menu_main"
	})
	waitFor(t, "its sound arrives", func() bool { return ada.Stats(web.TrackCustomer).Packets > 10 })
	refused("a second call", full, contact.Conflict)
	must(t, a.flowCalls.Press("ada", "1"))
	at := flowCallIs(t, ada, "the key leads on", func(v web.FlowCallView) bool { return v.Node == "one" })
	for _, e := range at.Events {
		if e.Kind == "press" && strings.ContainsAny(e.Text, "0123456789") {
			t.Errorf("the page sees which key was pressed: %+v", e)
		}
	}
	must(t, a.flowCalls.End("ada"))
	over := flowCallIs(t, ada, "it is over", func(v web.FlowCallView) bool { return v.Ended != nil })
	if over.Ended.By != contact.Customer {
		t.Errorf("ended by the %s", over.Ended.By)
	}
	must(t, a.flowCalls.End("ada")) // put away
	if err := a.flowCalls.End("ada"); contact.ErrorCode(err) != contact.Conflict {
		t.Errorf("nothing to put away: %v", err)
	}

	_, err = a.flowCalls.Begin(ctx, "ada", full)
	must(t, err)
	must(t, ada.Close())
	waitFor(t, "the call ends with its page", func() bool { return len(a.house.live()) == 0 })
}
