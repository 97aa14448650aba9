package contact

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
)

func TestMask(t *testing.T) {
	for number, want := range map[string]string{
		"13812341234": "138****1234", "+8613812341234": "+86****1234", "12345678": "123****5678",
		"1234567": "****67", "123": "****23", "12": "12", "": "", "anonymous": "anonymous",
	} {
		if got := Mask(number); got != want {
			t.Errorf("Mask(%q) = %q, want %q", number, got, want)
		}
	}
}

func TestIDsAreFileNames(t *testing.T) {
	seen := map[ID]bool{}
	for range 1000 {
		id := NewID()
		if !id.Valid() || seen[id] {
			t.Fatalf("NewID returned %q", id)
		}
		seen[id] = true
	}
	for _, bad := range []ID{"", "..", "../../../../../etc/passwd0", "ABCDEFGHJKMNPQRSTVWXYZ0123", "0123456789abcdefghjkmnpqr/"} {
		if bad.Valid() {
			t.Errorf("%q is taken for an ID", bad)
		}
	}
}

// TestStateTables: every state can be left but the last, every target exists,
// and what is not in the table is refused.
func TestStateTables(t *testing.T) {
	states := map[AgentState]bool{}
	for _, s := range AgentStates() {
		states[s] = true
		if len(agentMoves[s]) == 0 {
			t.Errorf("an agent cannot leave %s", s)
		}
	}
	for from, targets := range agentMoves {
		for _, to := range targets {
			if !states[from] || !states[to] || from == to {
				t.Errorf("a move from %s to %s", from, to)
			}
		}
	}
	if s, err := AgentWrapUp.Move(AgentTalking); err == nil || s != AgentWrapUp || ErrorCode(err) != Conflict {
		t.Errorf("wrap_up to talking: %s, %v", s, err)
	}
	if s, err := LegRinging.Move(LegTalking); err != nil || s != LegTalking {
		t.Errorf("ringing to talking: %s, %v", s, err)
	}
	if _, err := LegEnded.Move(LegTalking); err == nil {
		t.Error("an ended leg talks again")
	}
}

func TestForeignErrorsStayInside(t *testing.T) {
	secret := errors.New("open /var/lib/secret: permission denied")
	if ErrorCode(secret) != Internal || ErrorMessage(secret) == secret.Error() {
		t.Errorf("a user would read %q", ErrorMessage(secret))
	}
	wrapped := fmt.Errorf("answer: %w", Errorf(NotFound, "there is no call %q", "x"))
	if ErrorCode(wrapped) != NotFound || ErrorMessage(wrapped) != `there is no call "x"` {
		t.Errorf("%s %q", ErrorCode(wrapped), ErrorMessage(wrapped))
	}
	if ErrorCode(nil) != "" || ErrorMessage(nil) != "" {
		t.Error("nil is an error")
	}
}

// TestMissingStatusIsNull: an answered call ends without a SIP status.
func TestMissingStatusIsNull(t *testing.T) {
	for _, tt := range []struct {
		cause EndCause
		want  string
	}{
		{EndCause{By: Customer, Class: EndCompleted}, `{"by":"customer","class":"completed","sip":null}`},
		{EndCause{By: Customer, Class: EndAbandoned, SIP: 487}, `{"by":"customer","class":"abandoned","sip":487}`},
	} {
		b, err := json.Marshal(tt.cause)
		if err != nil || string(b) != tt.want {
			t.Errorf("%s, %v; want %s", b, err, tt.want)
		}
		var back EndCause
		if err := json.Unmarshal(b, &back); err != nil || back != tt.cause {
			t.Errorf("%s came back as %+v, %v", b, back, err)
		}
	}
}
