package call

import (
	"context"
	"time"

	"callfloor/contact"
	"callfloor/ivr"
	"callfloor/media"
	"callfloor/media/codec"
	"callfloor/recordings"
	"callfloor/recordings/consent"
)

// Leg is the customer's end of a call; *sip.Leg is one.
type Leg interface {
	// Ring tells the customer that it rings (180).
	Ring() error
	// Early opens the media before the answer (183); false where the customer can
	// hear nothing before, or is answered already.
	Early(ctx context.Context) (heard bool, err error)
	// Answer answers (200) and opens the media.
	Answer(ctx context.Context) error
	// Codec is the audio format negotiated; valid after Answer, or Early.
	Codec() codec.ID
	// Source is what the customer says, Sender what they hear.
	Source() *media.Source
	Sender() *media.Sender
	// Digits are the keys that the customer presses.
	Digits() <-chan media.Digit
	// SendDigit sends a key to the customer the way their side understands.
	SendDigit(key rune, d time.Duration) error
	// SetHeld exempts the leg from the silence alarm.
	SetHeld(on bool)
	Quality() media.Quality
	// Hangup ends the leg; Done is closed and Cause valid when it has ended.
	Hangup(contact.EndCause)
	Done() <-chan struct{}
	Cause() contact.EndCause
}

// Seat is a person's end; *web.Seat is one. Its sources and senders outlive
// the browser's connections.
type Seat interface {
	User() string
	// Mic is what the person says.
	Mic() *media.Source
	// Track is what the person hears: customer, third or coach.
	Track(name string) *media.Sender
	// Measure begins a period of the person's connection; what it returns gives
	// the figures since then.
	Measure() func() media.Quality
}

// Recording is a capture that is being written; *recordings.Recording is one.
type Recording interface {
	ID() string
	// Proof writes the audio of the consent answer, before any track.
	Proof(held *recordings.AnswerHold)
	// Track is the sink of a party: customer, agent or supervisor.
	Track(p contact.Party) media.Sink
	// SecondAgent is the sink of another agent in a conference.
	SecondAgent() media.Sink
	Mark(kind string, data map[string]any)
	// Pause keeps packets out until Resume: silence in what is exported.
	Pause()
	Resume()
	Seal(ctx context.Context) error
	State() string
}

// Queues is the part of the queue engine that a call needs.
type Queues interface {
	// Join asks for a place; the answers come as commands to the Call
	// (SetPlace, Connect, Requeue, RefuseQueue). A contact that is parked waits
	// on where it stood.
	Join(id contact.ID, r ivr.QueueRequest) error
	// Park keeps the place of a contact that does something else for a while;
	// refused while a seat rings for it.
	Park(id contact.ID) error
	// Leave says that the contact is gone; harmless if it never joined.
	Leave(id contact.ID)
	// Release says that the call between the two is over.
	Release(id contact.ID, agent contact.AgentID)
}

// Consents writes consent answers down and makes grants.
type Consents interface {
	Record(ctx context.Context, a consent.Answer) (consent.Grant, error)
}

// Recorder opens captures.
type Recorder func(ctx context.Context, g consent.Grant, m recordings.Meta) (Recording, error)
