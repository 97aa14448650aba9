package ivr

import (
	"context"
	"time"
)

// Talks is the part of a Caller in which somebody else than the flow talks with
// the customer. Every method returns context.Cause(ctx) as soon as the customer
// is gone.
type Talks interface {
	// Stream connects the customer with a voice bot and returns when its part is
	// over. What was asked for and did not come is in the result.
	Stream(ctx context.Context, r StreamRequest) (StreamResult, error)
	// Dial calls a number outside and connects the customer with whoever
	// answers; it returns when they have hung up, or when nobody answered.
	Dial(ctx context.Context, r DialRequest) (DialResult, error)
	// OfferAgent leads the customer to one agent and returns like Enqueue.
	OfferAgent(ctx context.Context, r AgentRequest) (QueueResult, error)
	// HearOut plays the prompts and takes down what the customer says then, or
	// the first key that is pressed.
	HearOut(ctx context.Context, r ListenRequest) (Heard, error)
	// Brief keeps what a bot learned for the agent and for the journal.
	Brief(b Brief)
	// Show shows values of the flow to the agent.
	Show(values []Value)
}

// StreamRequest asks for a voice bot.
type StreamRequest struct {
	URL        string // wss://…
	Header     map[string]string
	Parameters map[string]string // the custom parameters of its start message
	Connect    time.Duration     // for connecting, each time
	Longest    time.Duration     // for all of it
	Tries      int               // how often a connection that breaks is made anew
	Leave      string            // keys that end it; all others go to the bot
}

// The ends of a stream.
const (
	StreamClosed     = "closed"      // the bot had finished
	StreamHandedOver = "handed_over" // it handed the call over
	StreamKey        = "key"         // the customer pressed a key of Leave
	StreamTooLong    = "too_long"    // Longest was over
	StreamFailed     = "failed"      // it could not be reached, or was lost
)

// StreamResult says how a bot's part ended.
type StreamResult struct {
	Ended string // one of those above
	Key   rune   // of Leave
	// Queue and Context are what the bot said when it handed the call over.
	Queue   string
	Context map[string]any
	Why     string // of StreamFailed
}

// DialRequest asks for a call to a number outside.
type DialRequest struct {
	To    string // the number, as people dial it
	Music string // what the customer hears while it rings: the id of music
	Ring  time.Duration
	// Longest bounds the talk; 0 is no bound.
	Longest time.Duration
}

// The ends of a call to the outside.
const (
	DialServed   = "served"    // somebody answered, and hung up
	DialBusy     = "busy"      // or declined
	DialNoAnswer = "no_answer" // nobody answered
	DialFailed   = "failed"    // no such number, no trunk, not allowed
)

// DialResult says how a call to the outside ended.
type DialResult struct {
	Ended string // one of those above
	Why   string
}

// ListenRequest asks the customer to say something.
type ListenRequest struct {
	Prompts []Prompt
	// Wait is how long they may be silent first, Pause the silence that ends
	// what they say, Longest the most that is taken down.
	Wait, Pause, Longest time.Duration
}

// Heard is what a customer said or pressed: a key, with what was said before it,
// sound, or neither.
type Heard struct {
	Key   rune
	Sound []int16 // 8 kHz
}

// Brief is what somebody who talked with the customer before tells the agent.
type Brief struct {
	// From is who says so: the node.
	From string
	At   time.Time
	// Context are its words: texts, numbers, yes or no, lists and mappings of
	// them.
	Context map[string]any
}

// Value is one value of the flow as the agent sees it.
type Value struct {
	Name  string `json:"name"`
	Label string `json:"label"`
	Value string `json:"value"`
}
