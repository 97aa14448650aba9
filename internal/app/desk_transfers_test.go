package app

import (
	"testing"
	"time"

	"callfloor/call"
	"callfloor/contact"
	"callfloor/web"
)

// TestWrapUpHasNoSecondLine: who gave a call away is in no conference with the one who
// has it now.
func TestWrapUpHasNoSecondLine(t *testing.T) {
	d := newDesk()
	s := call.Snapshot{ID: "c1", Agent: "", Second: &call.Second{Name: "138****8000", State: call.SecondJoined, Since: time.Now()}}
	for state, want := range map[contact.AgentState]bool{contact.AgentTalking: true, contact.AgentWrapUp: false} {
		v := web.CallView{Phase: phase(state)}
		d.showHandOn(&v, s, "alice")
		if (v.Second != nil) != want {
			t.Errorf("%s: the second line is %+v", state, v.Second)
		}
	}
}
