package call

import (
	"slices"
	"time"

	"callfloor/contact"
	"callfloor/ivr"
	"callfloor/media"
)

// Stage is where a call stands, as the floor shows it.
type Stage string

// The stages of a call.
const (
	StageFlow    Stage = "flow"
	StageQueue   Stage = "queue"
	StageRinging Stage = "ringing"
	StageParked  Stage = "parked"
	StageTalking Stage = "talking"
	StageHold    Stage = "hold"
	StageEnded   Stage = "ended"
)

// What a Snapshot says of the recording.
const (
	RecordingOff    = "off"
	RecordingOn     = "on"
	RecordingPaused = "paused" // by the agent, until PausedUntil
	RecordingFailed = "failed"
)

// Snapshot is a call as others see it. It is a value: slices are never changed
// once it is handed out.
type Snapshot struct {
	ID         contact.ID
	Line       contact.LineID
	From       string // not masked
	Origin     Origin // neither
	Started    time.Time
	Stage      Stage
	StageSince time.Time
	Queue      contact.QueueID
	Agent      contact.AgentID
	// Outbound: we called the customer. Progress says how far that is, see the
	// Progress constants.
	Outbound bool
	Progress string
	// Waited is how long the customer waited for the agent who answered last.
	Waited   time.Duration
	Language string
	Chosen   []string
	Codec    string
	Muted    bool
	// Away: the agent's browser is gone and the customer hears a tone.
	Away         bool
	Consent      contact.Consent
	Recording    string
	RecordingWhy string
	PausedUntil  time.Time
	// Second is who is in the call beside the agent, or is asked to come; nil
	// for nobody. Handover is what the last agent wrote for the next one.
	Second *Second
	// Brief is what a bot has told; Values are those of the flow that the agent
	// sees. CSAT is what the customer said in the survey; 0: nothing.
	Brief    *ivr.Brief
	Values   []ivr.Value
	CSAT     int
	Handover *Handover
	Parked   *Parking // nil: it is in no parking place
	// Quality is the customer's leg, AgentQuality the agent's, both of the last
	// seconds; nil before the first figures.
	Quality, AgentQuality *media.Quality
	// Watchers are the supervisors in the call, by name.
	Watchers []Watcher
	// Screens are who shows what, one for each end that could see something; nil
	// where there are not two of them.
	Screens []Screen
	// Trouble is why the two do not hear each other, if so.
	Trouble  Trouble
	Answered time.Time
	Ended    *contact.EndCause
	EndedAt  time.Time
}

func (c *Call) changed() {
	if c.Changed != nil {
		c.Changed(c.view)
	}
}

func (c *Call) setStage(s Stage, at time.Time) {
	if s == StageTalking && c.isAside() {
		s = StageHold
	}
	if c.view.Stage != s {
		c.view.Stage, c.view.StageSince = s, at
	}
}

// Offering notes that a seat rings for this call, and with whom it stopped.
func (c *Call) Offering(a contact.AgentID, on bool, text string, data map[string]any) {
	c.Note(contact.KindOffer, "", text, data)
	c.post(func() {
		if c.agent != nil || c.view.Stage == StageEnded {
			return
		}
		if on {
			c.setStage(StageRinging, time.Now())
			c.view.Agent = a
		} else {
			c.setStage(StageQueue, time.Now())
			c.view.Agent = ""
		}
		c.changed()
	})
}

func (c *Call) addChosen(label string) {
	c.view.Chosen = append(slices.Clone(c.view.Chosen), label)
}

// sampleQuality shows fresh figures to the floor and the seat.
func (c *Call) sampleQuality() {
	if c.flowPlayer == nil {
		return
	}
	c.view.Quality, c.view.AgentQuality = c.recent.customer.of(c.Leg.Quality()), nil
	if c.agent != nil {
		c.view.AgentQuality = c.recent.agent.of(c.agent.quality())
	}
	c.changed()
}
