package contact

import (
	"fmt"
	"slices"
)

// LegState is where one leg of a call stands.
//
//	new ──► ringing ──► talking ◄──► held
//	  │        │           │          │
//	  └────────┴───────────┴──────────┴──► ended
//
// A customer's leg is "talking" from its 200 on, whoever it hears.
type LegState string

// The states of a leg.
const (
	LegNew     LegState = "new"
	LegRinging LegState = "ringing"
	LegTalking LegState = "talking"
	LegHeld    LegState = "held"
	LegEnded   LegState = "ended"
)

var legMoves = map[LegState][]LegState{
	LegNew:     {LegRinging, LegTalking, LegEnded},
	LegRinging: {LegTalking, LegEnded},
	LegTalking: {LegHeld, LegEnded},
	LegHeld:    {LegTalking, LegEnded},
	LegEnded:   nil,
}

// Move returns to, or an error if a leg cannot go from s to it.
func (s LegState) Move(to LegState) (LegState, error) { return move("leg", legMoves, s, to) }

// AgentState is what an agent is doing, as routing, the seat and the floor see
// it. The same words are shown (translated) and exported.
type AgentState string

// The states of an agent. Offline: not signed in. Away: signed in, not taking
// calls, with a reason. NotResponding: an offer timed out. Disconnected: the
// browser is gone. A call that is taken over comes without an offer.
const (
	AgentOffline       AgentState = "offline"
	AgentAway          AgentState = "away"
	AgentAvailable     AgentState = "available"
	AgentOffered       AgentState = "offered"
	AgentTalking       AgentState = "talking"
	AgentHold          AgentState = "hold"
	AgentWrapUp        AgentState = "wrap_up"
	AgentNotResponding AgentState = "not_responding"
	AgentDisconnected  AgentState = "disconnected"
)

var agentMoves = map[AgentState][]AgentState{
	AgentOffline:       {AgentAway},
	AgentAway:          {AgentOffline, AgentAvailable, AgentTalking, AgentDisconnected},
	AgentAvailable:     {AgentOffline, AgentAway, AgentOffered, AgentTalking, AgentDisconnected},
	AgentOffered:       {AgentAvailable, AgentAway, AgentTalking, AgentNotResponding, AgentDisconnected},
	AgentTalking:       {AgentHold, AgentWrapUp, AgentAvailable, AgentAway, AgentDisconnected},
	AgentHold:          {AgentTalking, AgentWrapUp, AgentAvailable, AgentAway, AgentDisconnected},
	AgentWrapUp:        {AgentAvailable, AgentAway, AgentDisconnected},
	AgentNotResponding: {AgentOffline, AgentAway, AgentAvailable, AgentDisconnected},
	AgentDisconnected:  {AgentOffline, AgentAway, AgentAvailable, AgentTalking, AgentHold, AgentWrapUp, AgentOffered},
}

// AgentStates returns every state of an agent.
func AgentStates() []AgentState {
	return []AgentState{
		AgentOffline, AgentAway, AgentAvailable, AgentOffered, AgentTalking,
		AgentHold, AgentWrapUp, AgentNotResponding, AgentDisconnected,
	}
}

// Move returns to, or an error if an agent cannot go from s to it.
func (s AgentState) Move(to AgentState) (AgentState, error) { return move("agent", agentMoves, s, to) }

func move[S ~string](what string, table map[S][]S, from, to S) (S, error) {
	if slices.Contains(table[from], to) {
		return to, nil
	}
	return from, Errorf(Conflict, "%s cannot go from %s to %s", what, from, to)
}

// Errorf makes an Error with a code and a message that may be shown to a user.
func Errorf(code Code, format string, args ...any) error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}
