package phone

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"sync"
	"time"
)

// LoadOptions say how many calls Load makes of whom.
type LoadOptions struct {
	Target string        // the URI to call
	N      int           // calls in all
	Rate   float64       // calls begun in a second
	For    time.Duration // how long each lasts from its answer
	// Play and DTMF are those of CallOptions, for every call.
	Play string
	DTMF string
	Log  *slog.Logger // nil: none
}

// LoadProgress is how far a load is.
type LoadProgress struct {
	Elapsed   time.Duration
	Started   int
	Active    int // begun and not over
	Completed int
	Rejected  int
	Failed    int
}

// LoadResult is what came of a load, as `callfloor load --json` prints it.
type LoadResult struct {
	Calls     int            `json:"calls"`
	Completed int            `json:"completed"`
	Rejected  int            `json:"rejected"`
	Failed    int            `json:"failed"`
	Statuses  map[string]int `json:"statuses"` // final responses, "none" where there was none
	ElapsedS  float64        `json:"elapsed"`  // seconds
	Rate      float64        `json:"rate"`     // calls a second that were really begun
	SetupMS   *Percentiles   `json:"setup_ms"`
	JitterMS  *Percentiles   `json:"jitter_ms"`
	MaxGapMS  *Percentiles   `json:"max_gap_ms"`
	Score     *Percentiles   `json:"score"`
	Sent      uint64         `json:"sent"`
	Received  uint64         `json:"received"`
	Lost      uint64         `json:"lost"`
	// LossPercent is Lost of what should have been received.
	LossPercent float64 `json:"loss_percent"`
	SeqHoles    int     `json:"seq_holes"`
}

// Percentiles are of one figure over all answered calls.
type Percentiles struct {
	Min float64 `json:"min"`
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// percentiles returns nil for no values.
func percentiles(v []float64) *Percentiles {
	if len(v) == 0 {
		return nil
	}
	v = slices.Sorted(slices.Values(v))
	at := func(p float64) float64 { return v[int(math.Ceil(p*float64(len(v))))-1] }
	return &Percentiles{Min: v[0], P50: at(0.5), P95: at(0.95), P99: at(0.99), Max: v[len(v)-1]}
}

// Load makes N calls at Rate and returns when all are over. progress, if not
// nil, is called once a second on one goroutine. When ctx ends no more calls
// are begun and those there are hung up; the result is of those that were.
func Load(ctx context.Context, o LoadOptions, progress func(LoadProgress)) (LoadResult, error) {
	if o.N < 1 || o.Rate <= 0 || o.For <= 0 {
		return LoadResult{}, fmt.Errorf("load: %d calls at %g a second for %s; all three must be positive", o.N, o.Rate, o.For)
	}
	script, err := parseScript(o.DTMF)
	if err != nil {
		return LoadResult{}, err
	}
	clip, err := loadSound(o.Play)
	if err != nil {
		return LoadResult{}, err
	}
	l, err := openLine(ctx, o.Target, o.N, o.Log)
	if err != nil {
		return LoadResult{}, err
	}
	defer l.close()
	t := &tally{start: time.Now(), statuses: map[string]int{}}
	stop := t.report(progress)
	defer stop()
	one := CallOptions{URI: o.Target, For: o.For}
	t.begin(ctx, o, func() {
		c := &caller{line: l, o: one, script: script, clip: clip, meter: &meter{}}
		res, err := c.call(ctx)
		if err != nil {
			res.Result = Failed
		}
		t.add(res)
	})
	return t.result(), nil
}

// tally adds calls up.
type tally struct {
	start time.Time

	mu       sync.Mutex
	started  int
	begun    time.Duration // when the last call was begun
	results  []CallResult
	statuses map[string]int
}

// begin starts N calls, each at its own time, and waits for all.
func (t *tally) begin(ctx context.Context, o LoadOptions, call func()) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for i := range o.N {
		due := t.start.Add(time.Duration(float64(i) / o.Rate * float64(time.Second)))
		wait := time.NewTimer(time.Until(due))
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			return
		}
		t.mu.Lock()
		t.started++
		t.begun = time.Since(t.start)
		t.mu.Unlock()
		wg.Go(call)
	}
}

func (t *tally) add(res CallResult) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.results = append(t.results, res)
	status := "none"
	if res.SIPStatus != nil {
		status = fmt.Sprint(*res.SIPStatus)
	}
	t.statuses[status]++
}

// report calls progress each second until stop, which also waits for it.
func (t *tally) report(progress func(LoadProgress)) (stop func()) {
	if progress == nil {
		return func() {}
	}
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				progress(t.progress())
			case <-quit:
				progress(t.progress())
				return
			}
		}
	}()
	return func() { close(quit); <-done }
}

func (t *tally) progress() LoadProgress {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := LoadProgress{Elapsed: time.Since(t.start), Started: t.started, Active: t.started - len(t.results)}
	for _, r := range t.results {
		switch r.Result {
		case Completed:
			p.Completed++
		case Rejected:
			p.Rejected++
		default:
			p.Failed++
		}
	}
	return p
}

func (t *tally) result() LoadResult {
	p := t.progress()
	t.mu.Lock()
	defer t.mu.Unlock()
	out := LoadResult{
		Calls: p.Started, Completed: p.Completed, Rejected: p.Rejected, Failed: p.Failed,
		Statuses: t.statuses, ElapsedS: p.Elapsed.Seconds(),
	}
	if t.begun > 0 {
		out.Rate = float64(t.started-1) / t.begun.Seconds()
	}
	var setup, jitter, gap, score []float64
	for _, r := range t.results {
		out.Sent, out.Received, out.Lost = out.Sent+r.Sent, out.Received+r.Received, out.Lost+r.Lost
		out.SeqHoles += r.SeqHoles
		if r.SetupMS == nil {
			continue
		}
		setup, jitter, gap = append(setup, *r.SetupMS), append(jitter, r.JitterMS), append(gap, r.MaxGapMS)
		if r.Score != nil {
			score = append(score, *r.Score)
		}
	}
	out.SetupMS, out.JitterMS, out.MaxGapMS, out.Score = percentiles(setup), percentiles(jitter), percentiles(gap), percentiles(score)
	if due := out.Received + out.Lost; due > 0 {
		out.LossPercent = 100 * float64(out.Lost) / float64(due)
	}
	return out
}
