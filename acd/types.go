// Package acd decides who serves whom: queues, agents' states, offers and
// waits. State.Step is pure: it is handed the time and an event and returns
// actions. Engine is the thin goroutine around it.
package acd

import (
	"time"

	"callfloor/contact"
)

// Event is something that happened; one of the types below.
type Event interface{ event() }

type (
	// ContactQueued: a contact waits from Since on (in the past where it kept
	// its place).
	ContactQueued struct {
		Contact  contact.ID
		Queue    contact.QueueID
		Priority int // higher is served first; see Config.PriorityWorth
		Since    time.Time
		// Caller is the caller's number, for VIPs and for who calls again; only
		// a keyed hash of it is kept.
		Caller string
		// LastAgent spoke with this caller last, within Config.LastAgent.
		LastAgent contact.AgentID
		// Only, if there is one, is the one agent who may take the contact, within
		// OnlyFor; then it is given back. The rules of the queue that refuse a
		// contact do not ask.
		Only    contact.AgentID
		OnlyFor time.Duration
		// Skills are what this contact requires of an agent, until a step of
		// the queue asks any.
		Skills Expr
		// Kind is KindCall for a customer on the line.
		Kind Kind
	}
	// Restored: this is how things stood when the last server ended. It must be
	// the first event. See Snapshot.
	Restored struct{ Snapshot Snapshot }
	// Usual: so many contacts come to the queue in an hour like this one. A
	// surge is measured by it; without it by the last hours.
	Usual struct {
		Queue   contact.QueueID
		PerHour float64
	}
	// ContactLeft: a waiting or offered contact hung up or was taken elsewhere.
	ContactLeft struct{ Contact contact.ID }
	// ContactReleased: the call between Agent and Contact is over; wrap-up begins.
	ContactReleased struct {
		Contact contact.ID
		Agent   contact.AgentID
	}
	// TakenOver: the call of From is To's from now on, without an offer; From
	// wraps up. To goes back afterwards to what it was.
	TakenOver struct {
		Contact  contact.ID
		From, To contact.AgentID
	}
	// AgentWants: an agent (or a supervisor for it) asks for a state:
	// available, away with a reason, or offline. During a call it is kept as
	// the state after wrap-up.
	AgentWants struct {
		Agent  contact.AgentID
		State  contact.AgentState
		Reason string
		// Force ends a wrap-up at once, and the wait for a browser that is gone:
		// a supervisor decides.
		Force bool
	}
	// SeatReady: the seat has a live connection and microphone, or no longer.
	// Only a ready seat is routable.
	SeatReady struct {
		Agent contact.AgentID
		Ready bool
		// Why says what is missing ("microphone denied"), for Candidate.Why.
		Why string
	}
	// SeatLost and SeatBack: the browser went away, came back.
	SeatLost struct{ Agent contact.AgentID }
	SeatBack struct{ Agent contact.AgentID }
	// OfferAccepted, OfferDeclined: the agent's answer to an offer.
	OfferAccepted struct {
		Agent   contact.AgentID
		Contact contact.ID
	}
	OfferDeclined struct {
		Agent   contact.AgentID
		Contact contact.ID
	}
	// Held: the agent put the contact in front on hold, or took it back. Contact
	// says which one was meant; "" is any.
	Held struct {
		Agent   contact.AgentID
		On      bool
		Contact contact.ID
	}
	// AgentAdded: the user is an agent from now on, offline at first; for one
	// who is there already only the queues change. Nil Queues are those whose
	// QueueConfig.Agents names the agent or "*"; unknown queues are left out.
	AgentAdded struct {
		Agent  contact.AgentID
		Queues []contact.QueueID
	}
	// AgentRemoved: the user is no longer an agent.
	AgentRemoved struct{ Agent contact.AgentID }
	// Tick: time passed; a deadline may be due.
	Tick struct{}
)

func (ContactQueued) event()   {}
func (ContactParked) event()   {}
func (ContactBooked) event()   {}
func (ContactReached) event()  {}
func (Dialled) event()         {}
func (WorksOn) event()         {}
func (Restored) event()        {}
func (Usual) event()           {}
func (ContactLeft) event()     {}
func (ContactReleased) event() {}
func (TakenOver) event()       {}
func (AgentWants) event()      {}
func (SeatReady) event()       {}
func (SeatLost) event()        {}
func (SeatBack) event()        {}
func (OfferAccepted) event()   {}
func (OfferDeclined) event()   {}
func (Held) event()            {}
func (AgentAdded) event()      {}
func (AgentRemoved) event()    {}
func (Tick) event()            {}

// Action is something that the caller of Step must do; one of the types below.
type Action interface{ action() }

type (
	// OfferTo: ring this seat until Deadline. Reasons say why this agent.
	OfferTo struct {
		Agent    contact.AgentID
		Contact  contact.ID
		Queue    contact.QueueID
		Waited   time.Duration
		Deadline time.Time
		Reasons  []Candidate
		Kind     Kind
		// AutoAnswer: the seat answers by itself.
		AutoAnswer bool
	}
	// OfferEnded: stop ringing. Why is accepted, declined, timeout, left (the
	// customer hung up), lost (the seat is gone), taken (another agent was
	// faster) or returned (the agent who had the call before is back and gets
	// it).
	OfferEnded struct {
		Agent   contact.AgentID
		Contact contact.ID
		Why     string
		Rings   bool // other seats still ring for the contact
	}
	// Connect: join the two.
	Connect struct {
		Agent   contact.AgentID
		Contact contact.ID
		Queue   contact.QueueID
		Waited  time.Duration
		Kind    Kind
		// Offered: the queue offered it, so that it was neither handed on nor
		// called by the agent. AutoAnswer: and the seat answered by itself.
		Offered, AutoAnswer bool
	}
	// Requeued: the agent's browser stayed away past the grace time; the call
	// must be parted from the agent and hear the queue again. It is already
	// back at the head of its queue.
	Requeued struct {
		Contact contact.ID
		Agent   contact.AgentID
		Queue   contact.QueueID
		Kind    Kind
	}
	// Dial: it is the turn of a customer who wants to be called before an agent
	// is asked (KindDial). ContactReached or ContactLeft follows.
	Dial struct {
		Contact contact.ID
		Queue   contact.QueueID
		Waited  time.Duration
	}
	// Place: a waiting contact's position (1 is next, the ones who ring
	// somewhere included) and expected wait changed. Expected is 0 when nothing
	// honest can be said. It comes once for each contact that is queued and
	// then for the first PlacesTold of each queue; State.Place answers for any.
	Place struct {
		Contact  contact.ID
		Position int
		Expected time.Duration
	}
	// Refused: the contact cannot wait here, or not any more. Reason is one of
	// the words below, for flows; Why says it in words.
	Refused struct {
		Contact contact.ID
		Queue   contact.QueueID
		Reason  Reason
		Why     string
	}
	// Moved: the contact waits in another queue now. Place and offers follow.
	Moved struct {
		Contact  contact.ID
		From, To contact.QueueID
		Reason   Reason
		Why      string
	}
	// Alert: supervisors should know. Kind is "missed" (Agent) or "surge"
	// (Queue); a surge is told again with On false when it is over.
	Alert struct {
		Kind  string
		On    bool
		Agent contact.AgentID
		Queue contact.QueueID
		Text  string
		// Of AlertThreshold only: what is over (or under) which limit.
		Figure   Figure
		Over     bool
		Limit    float64
		Severity Severity
	}
	// AgentChanged: this agent's status is new.
	AgentChanged struct {
		Agent  contact.AgentID
		Status AgentStatus
	}
	// QueueChanged: this queue's figures are new.
	QueueChanged struct {
		Queue  contact.QueueID
		Status QueueStatus
	}
)

func (OfferTo) action()      {}
func (OfferEnded) action()   {}
func (Connect) action()      {}
func (Requeued) action()     {}
func (Dial) action()         {}
func (Place) action()        {}
func (Refused) action()      {}
func (Moved) action()        {}
func (Alert) action()        {}
func (AgentChanged) action() {}
func (QueueChanged) action() {}

// Reason is why a queue does not take a contact, or gives it up.
type Reason string

// The reasons. Full and Length are about how many wait, MaxWait and Wait about
// how long.
const (
	ReasonUnknown  Reason = "unknown" // there is no such queue
	ReasonFull     Reason = "full"
	ReasonClosed   Reason = "closed"
	ReasonNoAgents Reason = "no_agents"
	ReasonMaxWait  Reason = "max_wait"
	ReasonAway     Reason = "away"      // ContactQueued.Only is not at work
	ReasonNoAnswer Reason = "no_answer" // nor did they answer
	ReasonWait     Reason = "wait"      // Overflow.Wait
	ReasonLength   Reason = "length"    // Overflow.Waiting
	ReasonTransfer Reason = "transfer"  // by an agent
	ReasonMoved    Reason = "moved"     // by a supervisor
)

// Candidate is one agent looked at for an offer, and why it was or was not
// taken: "longest idle 42 s", "wrap-up", "declined 3 s ago".
type Candidate struct {
	Agent  contact.AgentID `json:"agent"`
	Chosen bool            `json:"chosen"`
	Why    string          `json:"why"`
}

// AgentStatus is an agent as others see it.
type AgentStatus struct {
	State  contact.AgentState
	Reason string // of away
	Since  time.Time
	// Next is the state asked for during a call or wrap-up ("" for available).
	Next contact.AgentState
	// Contact is the call offered, talked or wrapped up.
	Contact contact.ID
	Queue   contact.QueueID
	// Until is when an offer or the wrap-up ends by itself; zero: not.
	Until time.Time
	// WrapUpWanted: a wrap-up follows the call in front that is optional.
	WrapUpWanted bool
	Ready        bool // the seat is live
	// Other is the agent's other call; CallWaiting says that the agent takes one.
	Other       LineStatus
	CallWaiting bool
}

// QueueStatus is a queue as others see it. Service figures count since
// midnight UTC; a contact that came back to the queue (Requeued) counts once.
type QueueStatus struct {
	Waiting      int       // callers not yet answered, the ringing ones included
	Tasks        int       // callbacks and voicemails not yet answered
	LongestSince time.Time // of those who wait; zero if nobody does
	Available    int       // agents who would be offered a contact now
	// Staffed are the agents of the queue at work: available, offered,
	// talking, on hold or in wrap-up.
	Staffed    int
	Talking    int // contacts with an agent, those on hold included
	Answered   int
	AnsweredIn int // within Config.ServiceLevel
	Abandoned  int // left before the first answer, however soon
	// AbandonedIn are those of them who left within Config.ServiceLevel,
	// AbandonedShort those within Config.ShortAbandon.
	AbandonedIn    int
	AbandonedShort int
	Surge          bool
	Door           Door // what a supervisor decided about its hours
	// Expected is the wait of a contact that comes now; 0 is unknown, or none
	// because an agent is free.
	Expected time.Duration
}

// ServiceLevel is the share of answered contacts that were answered in time; 1
// when there were none.
func (q QueueStatus) ServiceLevel() float64 { return share(q.AnsweredIn, q.Answered) }

// ServiceLevel2 is the share of all contacts that were answered in time; those
// who left within Config.ShortAbandon do not count. 1 when there were none.
func (q QueueStatus) ServiceLevel2() float64 {
	return share(q.AnsweredIn, q.Answered+q.Abandoned-q.AbandonedShort)
}

func share(part, whole int) float64 {
	if whole <= 0 {
		return 1
	}
	return float64(part) / float64(whole)
}
