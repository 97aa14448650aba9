package call

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"callfloor/contact"
)

// Config bounds what agents may do with a call beside talking.
type Config struct {
	// Agents are those who may be asked and be given calls, Queues the queues
	// that calls may be handed to; "*" is all of them.
	Agents []string          `yaml:"agents"`
	Queues []contact.QueueID `yaml:"queues"`
	// Lines are those of ours whose flow a telephone may send a call into, by REFER;
	// "*" is all of them.
	Lines []contact.LineID `yaml:"lines"`
	// Numbers lets agents bring in numbers outside; the rules of calls out
	// decide which.
	Numbers bool `yaml:"numbers"`
	// Slots is how many calls may be parked at a time, ParkFor how long one
	// stays before it comes back.
	Slots   int           `yaml:"slots"`
	ParkFor time.Duration `yaml:"park_for"`
	// PauseFor is how long a recording may be paused before it goes on by itself.
	PauseFor time.Duration `yaml:"pause_for"`
}

// DefaultConfig returns the defaults of callfloor.example.yaml.
func DefaultConfig() Config {
	return Config{Agents: []string{"*"}, Queues: []contact.QueueID{"*"}, Lines: []contact.LineID{"*"}, Numbers: true, Slots: 20, ParkFor: 2 * time.Minute, PauseFor: 5 * time.Minute}
}

// Validate says what is wrong, naming the setting.
func (c Config) Validate() error {
	var all []error
	if c.Slots < 0 || c.Slots > 1000 {
		all = append(all, fmt.Errorf("slots: %d is out of range; it is 0 (no parking) to 1000", c.Slots))
	}
	if c.ParkFor < 10*time.Second || c.ParkFor > time.Hour {
		all = append(all, fmt.Errorf("park_for: %s is out of range; it is 10s to 1h", c.ParkFor))
	}
	if c.PauseFor < 10*time.Second || c.PauseFor > time.Hour {
		all = append(all, fmt.Errorf("pause_for: %s is out of range; it is 10s to 1h", c.PauseFor))
	}
	return errors.Join(all...)
}

// AllowsAgent says whether calls may go to an agent.
func (c Config) AllowsAgent(user string) bool {
	return slices.Contains(c.Agents, "*") || slices.Contains(c.Agents, user)
}

// AllowsQueue says whether calls may be handed to a queue.
func (c Config) AllowsQueue(id contact.QueueID) bool {
	return slices.Contains(c.Queues, "*") || slices.Contains(c.Queues, id)
}

// AllowsLine says whether a telephone may send calls into the flow of a line.
func (c Config) AllowsLine(id contact.LineID) bool {
	return slices.Contains(c.Lines, "*") || slices.Contains(c.Lines, id)
}
