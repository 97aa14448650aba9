package phone

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"sync"
	"time"

	"callfloor/media"
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
	// Seats take the calls, each a WebRTC seat without a browser in this
	// process; none: whoever is there. AnswerAfter is how long they let it ring,
	// SeatPlay what they say.
	Seats       []SeatUser
	AnswerAfter time.Duration
	SeatPlay    string
	// Server is the HTTP address of the target, where seats sign in and CPU and
	// memory are read from /metrics; "" for no such figures. Token is needed
	// for the metrics of another machine.
	Server, Token string
	// TLS is how the server's certificate is checked; nil: as the system does it.
	TLS *tls.Config
	// OnDelay, if not nil, is told each packet's delay that was measured, from
	// goroutines that handle packets: it must be quick and may come from
	// several at once.
	OnDelay func(Delay)
	Log     *slog.Logger // nil: none
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
	// Due is how many packets the phones had to send while their calls were up.
	Due uint64 `json:"due"`
	// One-way delays from sender to receiver; nil where the payloads are not
	// forwarded as they are, or nobody is there. EchoMS is there and back.
	PhoneToSeatMS *Percentiles   `json:"phone_to_seat_ms"`
	SeatToPhoneMS *Percentiles   `json:"seat_to_phone_ms"`
	EchoMS        *Percentiles   `json:"echo_ms"`
	Seats         *SeatFigures   `json:"seats"`
	Server        *ServerFigures `json:"server"`
	// ServerWhy says why Server is nil though it was asked for.
	ServerWhy string `json:"server_why,omitempty"`
}

// StarvedError says that the generator itself was too slow: its figures would
// be its own, not the server's.
type StarvedError struct{ Sent, Due uint64 }

// Error says how much was sent and what to do.
func (e *StarvedError) Error() string {
	return fmt.Sprintf("the load sent %d of the %d packets that were due (%.1f %%): this machine is too slow for it, so its figures are not reported; make fewer calls, or give it a machine of its own",
		e.Sent, e.Due, 100*float64(e.Sent)/float64(e.Due))
}

// minSent is how much of what was due must have been sent.
const minSent = 0.99

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
// are begun and those there are hung up; the result is of those that were. The
// error is a *StarvedError if the generator could not keep up.
func Load(ctx context.Context, o LoadOptions, progress func(LoadProgress)) (LoadResult, error) {
	if o.N < 1 || o.Rate <= 0 || o.For <= 0 {
		return LoadResult{}, fmt.Errorf("load: %d calls at %g a second for %s; all three must be positive", o.N, o.Rate, o.For)
	}
	if len(o.Seats) > 0 && o.Server == "" {
		return LoadResult{}, errors.New("load: seats need the server's HTTP address to sign in")
	}
	script, err := parseScript(o.DTMF)
	if err != nil {
		return LoadResult{}, err
	}
	clip, err := loadSound(o.Play)
	if err != nil {
		return LoadResult{}, err
	}
	if clip == nil {
		clip = media.ToneClip("silence", []float64{440}, time.Second, -100) // what is stamped
	}
	l, err := openLine(ctx, o.Target, o.N, o.Log)
	if err != nil {
		return LoadResult{}, err
	}
	defer l.close()
	d := newDelays(o.OnDelay)
	if o.SeatPlay == "" {
		o.SeatPlay = "tone:700"
	}
	agents := (*seats)(nil)
	if len(o.Seats) > 0 {
		if agents, err = sitDown(ctx, o, l.pacer, d); err != nil {
			return LoadResult{}, err
		}
	}
	t := &tally{start: time.Now(), statuses: map[string]int{}}
	if o.Server != "" {
		t.watch = newWatch(o.Server, o.Token, o.TLS)
		defer t.watch.client.CloseIdleConnections()
	}
	stop := t.report(ctx, progress)
	one := CallOptions{URI: o.Target, For: o.For}
	t.begin(ctx, o, func() {
		c := &caller{line: l, o: one, script: script, clip: clip, meter: &meter{}, delays: d}
		res, err := c.call(ctx)
		if err != nil {
			res.Result = Failed
		}
		t.add(res)
	})
	stop()
	return t.finish(agents, d)
}

// finish sends the seats home and adds everything up.
func (t *tally) finish(agents *seats, d *delays) (LoadResult, error) {
	out := t.result()
	var err error
	if out.Seats, err = agents.leave(); err != nil {
		return out, err
	}
	out.PhoneToSeatMS, out.SeatToPhoneMS, out.EchoMS = d.percentiles(phoneToSeat), d.percentiles(seatToPhone), d.percentiles(echo)
	if out.Server, err = t.watch.figures(); err != nil {
		out.ServerWhy = err.Error()
	}
	if float64(out.Sent) < minSent*float64(out.Due) {
		return out, &StarvedError{out.Sent, out.Due}
	}
	return out, nil
}

// tally adds calls up.
type tally struct {
	start time.Time
	watch *watch // nil: none

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

// report calls progress and looks at the server each second until stop, which
// also waits for it.
func (t *tally) report(ctx context.Context, progress func(LoadProgress)) (stop func()) {
	if progress == nil {
		progress = func(LoadProgress) {}
	}
	quit, done := make(chan struct{}), make(chan struct{})
	look := func() {
		p := t.progress()
		t.watch.look(ctx, p.Active)
		progress(p)
	}
	go func() {
		defer close(done)
		look()
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				look()
			case <-quit:
				look()
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
		// A call's first and last packet come when its clock says so.
		out.Due += uint64(max(r.DurationS-0.1, 0) * 50)
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
