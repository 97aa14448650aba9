package ivr

import (
	"context"
	"time"

	"callfloor/contact"
)

// LeavesWork is what callback and voicemail nodes need of a Caller: what a
// caller leaves behind for agents to do.
type LeavesWork interface {
	// Callback asks for a call back. A caller who waits in the queue, doing
	// something else meanwhile, hands their place over to it; the error, of a
	// number that may not be called for example, is a contact.Error.
	Callback(ctx context.Context, q CallbackRequest) error
	// RecordMessage beeps and records what the caller says. What was recorded
	// until the caller hung up is returned too, beside the error.
	RecordMessage(ctx context.Context, q MessageRequest) (Message, error)
	// KeepMessage makes a message a task of the queue; DropMessage erases it.
	KeepMessage(ctx context.Context, m Message, queue contact.QueueID, priority int) error
	DropMessage(ctx context.Context, m Message)
}

// CallbackRequest asks for a call back.
type CallbackRequest struct {
	Queue contact.QueueID
	// Number is what is called; "" is the number that the caller calls from.
	Number string
	// At is when; zero is when it is the caller's turn.
	At       time.Time
	Priority int
}

// MessageRequest says how a message is recorded.
type MessageRequest struct {
	Queue contact.QueueID
	// Max is how long it may be; Silence ends it.
	Max, Silence time.Duration
	// Ends is the key that ends it.
	Ends rune
}

// Message is a recorded message.
type Message struct {
	// Recording is its ID; "" where nothing was recorded.
	Recording string
	// Length is until the last sound; 0 is a message in which nothing is heard.
	Length time.Duration
	// Why it ended: key, silence, length, hangup, or another_phone: somebody else is in
	// the caller's place.
	Why string
}
