package ivr

import (
	"strconv"
	"sync"
	"time"
)

// What is said to a caller who waits, put together from clips.

const (
	maxSpokenNumber = 59
	maxSpokenWait   = 30 * time.Minute // above it an estimate is no comfort
)

// placePrompts lists every prompt that placeSayer may use.
func placePrompts() []string {
	ids := []string{
		"position_next", "position_before", "position_after", "position_many",
		"wait_under_minute", "wait_one_minute", "wait_before", "wait_after", "number_2_counted",
	}
	for n := range maxSpokenNumber + 1 {
		ids = append(ids, number(n))
	}
	return ids
}

func number(n int) string { return "number_" + strconv.Itoa(n) }

// counted is the number before a counted noun: Mandarin says 两, not 二, for
// exactly two of something.
func counted(n int) string {
	if n == 2 {
		return "number_2_counted"
	}
	return number(n)
}

// placeIDs says a place in the queue; 1 is next.
func placeIDs(position int) []string {
	switch {
	case position < 1:
		return nil
	case position == 1:
		return []string{"position_next"}
	case position > maxSpokenNumber:
		return []string{"position_many"}
	default:
		return []string{"position_before", number(position), "position_after"}
	}
}

// waitIDs says an expected wait in whole minutes; nothing if it is unknown or
// too long.
func waitIDs(expected time.Duration) []string {
	if expected <= 0 || expected > maxSpokenWait {
		return nil
	}
	switch minutes := int(expected.Round(time.Minute) / time.Minute); minutes {
	case 0:
		return []string{"wait_under_minute"}
	case 1:
		return []string{"wait_one_minute"}
	default:
		return []string{"wait_before", counted(minutes), "wait_after"}
	}
}

// WaitedIDs are the prompts that tell an agent, in a language, how long the
// customer has waited, in whole minutes; none for less than half a minute.
func WaitedIDs(lang string, waited time.Duration) []string {
	minutes := int(waited.Round(time.Minute) / time.Minute)
	switch {
	case minutes < 1:
		return nil
	case minutes == 1:
		return []string{"waited_one_minute"}
	case minutes <= maxSpokenNumber:
		return []string{"waited_before", counted(minutes), "wait_after"}
	default:
		ids := append([]string{"waited_before"}, numberIDs(lang, float64(minutes))...)
		return append(ids, "wait_after")
	}
}

// placeSayer builds the announcements of one wait. A place that became worse
// (somebody with a higher priority came) is not said: it only angers.
type placeSayer struct {
	lang    string
	resolve func(lang string, ids ...string) []Prompt

	mu   sync.Mutex
	best int // the best place said so far
}

func (p *placeSayer) say(position int, expected time.Duration) []Prompt {
	p.mu.Lock()
	worse := p.best != 0 && position > p.best
	if !worse {
		p.best = position
	}
	p.mu.Unlock()
	var ids []string
	if !worse {
		ids = placeIDs(position)
	}
	return p.resolve(p.lang, append(ids, waitIDs(expected)...)...)
}
