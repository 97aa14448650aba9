package call

import "callfloor/contact"

const (
	legCustomer   = contact.LegID(contact.Customer)
	legSupervisor = contact.LegID(contact.Supervisor)

	trackCustomer = "customer"
	trackThird    = "third"
	trackCoach    = "coach"
)

// voices is a set of those that can be heard.
type voices uint16

const (
	customer voices = 1 << iota
	theAgent
	second     // another agent, in a consultation or a conference
	supervisor // a supervisor who barges in: for everybody
	coach      // a supervisor who whispers: for the agent alone
	flowPlayer
	holdPlayer
	theBot    // a voice bot of the flow
	announcer // tells the agent alone about the call

	nobody voices = 0
)

// mode is what the customer and the agents do: the rows of the matrix.
type mode int

const (
	modeNone           mode = iota // before the answer and after the end
	modeFlow                       // the customer hears the flow: prompts, music
	modeEcho                       // the customer hears themselves
	modeTalk                       // customer and agent hear each other
	modeHold                       // the customer hears music
	modeAway                       // the agent's browser is gone: the customer hears a soft tone
	modeConsult                    // the agents talk while the customer hears music
	modeConference                 // customer and two agents
	modeAwayConference             // a conference from which the first agent's browser is gone
	modeAside                      // customer and agent, while the second one hears music
	modeBetween                    // the customer hears music on the way to the next agent
	modeBridge                     // customer and a phone outside, without an agent
	modeBot                        // customer and a voice bot of the flow
	modeAnnounce                   // the agent hears about the call, the customer music
)

// Supervision is what a supervisor does in a call.
type Supervision int

// Listen: hears all and is heard by nobody. Whisper: the agent hears them too.
// Barge: everybody does.
const (
	Listen Supervision = iota
	Whisper
	Barge
	supervisions
)

// String returns the word of the timeline and of the seat socket.
func (s Supervision) String() string {
	return [supervisions]string{"listen", "whisper", "barge"}[s]
}

// hearing is one row: what every ear hears. A supervisor who whispers or
// barges in has the ear supervisor, those who only listen have listener.
// record are the voices that are recorded, each on a track of its own; a
// coach is on none. A browser has three tracks, so that a mere listener in a
// conference does not hear a colleague who barges in.
type hearing struct {
	customer, agent, second, supervisor, listener, record voices
}

// matrix is the whole of who hears whom, by mode and by what the supervisor
// does who may be heard, if there is one. What is not there is silence.
var matrix = map[mode][supervisions]hearing{
	modeFlow: all(hearing{customer: flowPlayer}),
	modeEcho: all(hearing{customer: customer}),
	modeTalk: {
		Listen:  {customer: theAgent, agent: customer, listener: customer | theAgent, record: customer | theAgent},
		Whisper: {customer: theAgent, agent: customer | coach, supervisor: customer | theAgent, listener: customer | theAgent, record: customer | theAgent},
		Barge: {
			customer: theAgent | supervisor, agent: customer | supervisor, supervisor: customer | theAgent,
			listener: customer | theAgent | supervisor, record: customer | theAgent | supervisor,
		},
	},
	modeHold: {
		Listen:  {customer: holdPlayer, second: holdPlayer, record: customer},
		Whisper: {customer: holdPlayer, second: holdPlayer, agent: coach, supervisor: theAgent, record: customer},
		Barge:   {customer: holdPlayer, second: holdPlayer, agent: supervisor, supervisor: theAgent, record: customer},
	},
	modeAway: {
		Listen:  {customer: holdPlayer, listener: customer, record: customer},
		Whisper: {customer: holdPlayer, supervisor: customer, listener: customer, record: customer},
		Barge:   {customer: supervisor, supervisor: customer, listener: customer | supervisor, record: customer | supervisor},
	},
	modeConsult: {
		Listen:  {customer: holdPlayer, agent: second, second: theAgent, listener: theAgent | second, record: customer},
		Whisper: {customer: holdPlayer, agent: second | coach, second: theAgent, supervisor: theAgent | second, listener: theAgent | second, record: customer},
		Barge: {
			customer: holdPlayer, agent: second | supervisor, second: theAgent | supervisor, supervisor: theAgent | second,
			listener: theAgent | second | supervisor, record: customer,
		},
	},
	modeAside: {
		Listen: {customer: theAgent, agent: customer, second: holdPlayer, listener: customer | theAgent, record: customer | theAgent},
		Whisper: {
			customer: theAgent, agent: customer | coach, second: holdPlayer, supervisor: customer | theAgent,
			listener: customer | theAgent, record: customer | theAgent,
		},
		Barge: {
			customer: theAgent | supervisor, agent: customer | supervisor, second: holdPlayer, supervisor: customer | theAgent,
			listener: customer | theAgent | supervisor, record: customer | theAgent | supervisor,
		},
	},
	modeAnnounce: {
		Listen:  {customer: holdPlayer, agent: announcer, record: customer},
		Whisper: {customer: holdPlayer, agent: announcer | coach, supervisor: theAgent, record: customer},
		Barge:   {customer: holdPlayer, agent: announcer | supervisor, supervisor: theAgent, record: customer},
	},
	modeBot:     all(hearing{customer: theBot}),
	modeBetween: all(hearing{customer: holdPlayer}),
	modeBridge:  all(hearing{customer: second, second: customer, listener: customer | second}),
	modeConference: {
		Listen: {
			customer: theAgent | second, agent: customer | second, second: customer | theAgent,
			listener: customer | theAgent | second, record: customer | theAgent | second,
		},
		Whisper: {
			customer: theAgent | second, agent: customer | second | coach, second: customer | theAgent, supervisor: customer | theAgent | second,
			listener: customer | theAgent | second, record: customer | theAgent | second,
		},
		Barge: {
			customer: theAgent | second | supervisor, agent: customer | second | supervisor, second: customer | theAgent | supervisor,
			supervisor: customer | theAgent | second, listener: customer | theAgent | second, record: customer | theAgent | second | supervisor,
		},
	},
	modeAwayConference: {
		Listen:  {customer: second, second: customer, listener: customer | second, record: customer | second},
		Whisper: {customer: second, second: customer, supervisor: customer | second, listener: customer | second, record: customer | second},
		Barge: {
			customer: second | supervisor, second: customer | supervisor, supervisor: customer | second,
			listener: customer | second | supervisor, record: customer | second | supervisor,
		},
	},
}

// all is a mode in which a supervisor is never heard.
func all(h hearing) [supervisions]hearing { return [supervisions]hearing{h, h, h} }

// without takes voices that are muted out of every ear.
func (h hearing) without(muted voices) hearing {
	h.customer &^= muted
	h.agent &^= muted
	h.second &^= muted
	h.supervisor &^= muted
	h.listener &^= muted
	h.record &^= muted
	return h
}

// seating says on which of a browser's tracks a voice is heard: on the first
// that is free, dealt in this order. No row has more than three for one ear.
var seating = []struct {
	voice  voices
	tracks []string
}{
	{customer, []string{trackCustomer}},
	{theAgent, []string{trackThird}},
	{second, []string{trackThird, trackCoach}},
	{supervisor, []string{trackThird, trackCoach, trackCustomer}},
	{coach, []string{trackCoach}},
	{holdPlayer, []string{trackThird}},
	{announcer, []string{trackThird, trackCoach}},
}

// seated deals the voices that an ear hears to a browser's tracks.
func seated(ear voices) map[string]voices {
	tracks := map[string]voices{}
	for _, s := range seating {
		if ear&s.voice == 0 {
			continue
		}
		for _, t := range s.tracks {
			if tracks[t] == nobody {
				tracks[t] = s.voice
				break
			}
		}
	}
	return tracks
}
