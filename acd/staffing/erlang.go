// Package staffing says how many agents a queue needs: Erlang C, for callers who
// wait for ever, and Erlang A, for callers who give up; and forecasts what
// comes from what came. It computes only; nothing here waits or does input.
package staffing

import (
	"encoding/json"
	"fmt"
	"math"
	"time"
)

// Load is what a queue has to do.
type Load struct {
	PerHour  float64       // contacts an hour, Poisson
	Handle   time.Duration // mean time of an agent for one of them, exponential
	Patience time.Duration // mean patience, exponential; 0 is for ever (Erlang C)
}

// Erlangs is the offered load: agents busy on average if nobody waited.
func (l Load) Erlangs() float64 { return l.PerHour / 3600 * l.Handle.Seconds() }

// Result is how a queue runs in its steady state.
type Result struct {
	Agents       int           `json:"agents"`
	ServiceLevel float64       `json:"service_level"` // share of all contacts answered within the target
	Wait         float64       `json:"wait"`          // probability that a contact waits at all
	ASA          time.Duration `json:"-"`             // mean wait of those answered
	Occupancy    float64       `json:"occupancy"`     // share of their time that agents are busy
	Abandoned    float64       `json:"abandoned"`     // share of all contacts
}

// MarshalJSON adds the ASA in seconds, null where the queue grows without end.
func (r Result) MarshalJSON() ([]byte, error) {
	type plain Result
	var asa *float64
	if r.ASA < math.MaxInt64 {
		s := r.ASA.Seconds()
		asa = &s
	}
	return json.Marshal(struct {
		plain
		ASA *float64 `json:"asa"`
	}{plain(r), asa})
}

// ErlangB is the probability that all n agents are busy if nobody waits, by the
// recursion that neither overflows nor loses digits.
func ErlangB(n int, erlangs float64) float64 {
	b := 1.0
	for i := 1; i <= n; i++ {
		b = erlangs * b / (float64(i) + erlangs*b)
	}
	return b
}

// ErlangC is the probability that a contact waits for one of n agents; 1 when
// they cannot keep up.
func ErlangC(n int, erlangs float64) float64 {
	if erlangs <= 0 {
		return 0
	}
	if float64(n) <= erlangs {
		return 1
	}
	b := ErlangB(n, erlangs)
	rho := erlangs / float64(n)
	return b / (1 - rho*(1-b))
}

// Run returns how n agents do with the load, and how many contacts they answer
// within the target. By Erlang C agents who cannot keep up answer nobody in
// time.
func Run(l Load, n int, target time.Duration) Result {
	if l.Patience > 0 {
		return erlangA(l, n, target)
	}
	e := l.Erlangs()
	r := Result{Agents: n, Wait: ErlangC(n, e)}
	if e <= 0 {
		r.ServiceLevel = 1
		return r
	}
	spare := float64(n) - e
	if spare <= 0 {
		r.Occupancy, r.ASA = 1, math.MaxInt64
		return r
	}
	handle := l.Handle.Seconds()
	r.ServiceLevel = 1 - r.Wait*math.Exp(-spare*target.Seconds()/handle)
	r.ASA = duration(r.Wait * handle / spare)
	r.Occupancy = e / float64(n)
	return r
}

func duration(seconds float64) time.Duration {
	return time.Duration(seconds * float64(time.Second))
}

// Agents returns how few agents answer the share level of all contacts within
// the target. It is at most limit; the error says that limit are not enough.
func Agents(l Load, level float64, target time.Duration, limit int) (Result, error) {
	if level <= 0 || level >= 1 {
		return Result{}, fmt.Errorf("a service level of %v cannot be planned; it is more than 0 and less than 1, like 0.8", level)
	}
	low, high := 0, 1
	for ; Run(l, high, target).ServiceLevel < level; high *= 2 {
		if high >= limit {
			return Run(l, limit, target), fmt.Errorf("%d agents do not answer %.0f %% within %v", limit, level*100, target)
		}
		low = high
	}
	for high-low > 1 { // more agents never do worse
		if mid := (low + high) / 2; Run(l, mid, target).ServiceLevel < level {
			low = mid
		} else {
			high = mid
		}
	}
	return Run(l, high, target), nil
}
