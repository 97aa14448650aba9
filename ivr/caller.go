package ivr

import (
	"context"
	"time"

	"callfloor/contact"
	"callfloor/media"
)

// Caller is the customer as a running flow sees them; the call implements it.
// Every method returns context.Cause(ctx) (a contact.EndCause) as soon as the
// customer is gone.
type Caller interface {
	// Ring sends 180 and returns when the customer has gone.
	Ring(ctx context.Context) error
	// Early makes prompts heard and keys known before the call is answered; false
	// where the caller cannot hear anything before.
	Early(ctx context.Context) (heard bool, err error)
	// Answer answers the call; nothing can be heard before, but for Early.
	Answer(ctx context.Context) error
	// Ask plays the prompts one after the other and then waits up to wait for
	// a key. With barge a key ends the playing at once. It returns the key and
	// true, or false when the time is over. Keys pressed while it plays
	// without barge are kept for the next Ask.
	Ask(ctx context.Context, prompts []Prompt, barge bool, wait time.Duration) (key rune, pressed bool, err error)
	// DropKeys forgets keys that were pressed and not yet asked for.
	DropKeys()
	// HoldAnswer keeps what the customer says from now on in memory, at most
	// 10 s, as the audio of an answer that consent may have to prove.
	HoldAnswer()
	// Consent records the customer's answer; it is on disk when it returns.
	Consent(ctx context.Context, a ConsentAnswer) error
	// Enqueue puts the customer in a queue and returns when they have left it
	// for good: served and ended, or refused by the queue.
	Enqueue(ctx context.Context, q QueueRequest) (QueueResult, error)
	// Music plays music to a customer for whom something is looked up, until
	// stop is called.
	Music(id string) (stop func(), err error)
	// Pause is silence; keys pressed in it are kept for the next Ask.
	Pause(ctx context.Context, d time.Duration) error
	// Now is the time: flows know no other clock.
	Now() time.Time
	// Rated notes how satisfied the customer says to be, 1 to 5.
	Rated(ctx context.Context, csat int) error
	// Echo sends the customer's own audio back until they hang up.
	Echo(ctx context.Context) error
	// Step notes that the flow reached a node; text is for the timeline, data
	// for its details.
	Step(node, kind, text string, data map[string]any)
	// Chosen notes a choice in the customer's words for the agent ("Sales").
	Chosen(label string)
	// SetLanguage notes the language that the flow goes on in ("en", "zh").
	SetLanguage(lang string)
	// Hangup ends the call from our side.
	Hangup(cause contact.EndCause)
	Talks
	LeavesWork
}

// Prompt is one sound of a flow in the language chosen: an ID that Prompts
// resolves and the text that is said.
type Prompt struct {
	ID       string      // "greeting"
	Language string      // "en"
	Text     string      // what is said, for the timeline and the consent proof
	SHA256   string      // of the WAV file, hex
	clip     *media.Clip // of what was spoken for this call; nil: Prompts has it
}

// ConsentAnswer is the customer's answer and its proof.
type ConsentAnswer struct {
	State    contact.Consent // granted, refused, announced or none
	Prompt   Prompt          // the question or the announcement
	Language string
	AskedAt  time.Time
	At       time.Time
	Key      string // the key pressed; "" for silence or an announcement
	Attempt  int    // 1 for the first asking
}

// QueueRequest asks for a place in a queue.
type QueueRequest struct {
	Queue    contact.QueueID
	Priority int
	// Intro is said first, to a customer who waits already: an agent who is
	// free need not wait for its end.
	Intro []Prompt
	// Music is the prompt ID of the music; Position and the waits are said
	// between. Announce is how often the place is said; 0 is never.
	Music    string
	Announce time.Duration
	// Say builds the announcement of a place (1 is next) and an expected wait
	// (0 unknown).
	Say func(position int, expected time.Duration) []Prompt
	// GoOn: the flow goes on when the agent hangs up, instead of the call
	// ending; Enqueue then returns with Served.
	GoOn bool
	// Skills are what the contact requires of an agent ("chinese >= 3"); "" is
	// nothing.
	Skills string
	// Keys are what the customer may press while they wait; Enqueue then returns
	// with the Key, and the place is kept until the flow ends or queues them
	// again.
	Keys string
	// Only, if there is one, is the one agent who may take the customer, and
	// Within how long they are waited for (0: without end).
	Only   contact.AgentID
	Within time.Duration
	// Vars are the flow's variables at this moment, without the secret ones.
	Vars map[string]any
}

// QueueResult says how the queue ended.
type QueueResult struct {
	// Refused is why the queue did not take the customer ("" if it did).
	Refused string
	// Reason is the word for it that the flow can branch on: full, closed,
	// no_agents, max_wait, wait, length or unknown.
	Reason string
	// Served is true when an agent spoke with the customer and hung up.
	Served bool
	// Key is the one of QueueRequest.Keys that was pressed; 0 if none was.
	Key rune
}
