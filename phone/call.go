package phone

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"callfloor/contact"
	"callfloor/media"
	"callfloor/media/codec"
	"callfloor/sip"
	"callfloor/sip/sdp"
)

// CallOptions say what a customer of Call does.
type CallOptions struct {
	// URI is what to call: "sip:1000@127.0.0.1:5060;transport=tcp".
	URI string
	// Codecs are offered in this order; none: PCMU, PCMA.
	Codecs []codec.ID
	// SRTP is how the audio is encrypted: sdp.SDES, sdp.DTLS or "" for not.
	SRTP sdp.Method
	// Play is what the customer says: "tone:440" (a sine at -12 dBFS), the
	// name of a WAV file, which is repeated, or "" for silence.
	Play string
	// DTMF are keys and when to press them, counted from the answer:
	// "1@4s,2@9s".
	DTMF string
	// For is when to hang up, counted from the answer; 0: never.
	For time.Duration
	// RingFor is how long to wait for an answer; 0: two minutes.
	RingFor time.Duration
	// Record is the name of a WAV file for what is heard, 8 kHz mono from the
	// answer on, gaps as silence; "": none.
	Record string
	// From is the customer's number; "" is "callfloor".
	From string
	Log  *slog.Logger // nil: none
}

// How a call went.
const (
	Completed = "completed" // it was answered and a side hung up
	Rejected  = "rejected"  // SIPStatus says with what
	Failed    = "failed"    // no answer, or a fault ended it
)

// CallResult is what came of a call, as `callfloor phone call --json` prints
// it. Times are in milliseconds.
type CallResult struct {
	Result    string   `json:"result"`
	SIPStatus *int     `json:"sip_status"` // the final response; nil: none came
	SetupMS   *float64 `json:"setup_ms"`   // INVITE to 200
	Codec     *string  `json:"codec"`
	Sent      uint64   `json:"sent"`
	Received  uint64   `json:"received"`
	Lost      uint64   `json:"lost"`
	JitterMS  float64  `json:"jitter_ms"`
	Score     *float64 `json:"score"`
	Digits    string   `json:"digits"`   // those sent
	EndedBy   *string  `json:"ended_by"` // local or remote

	// Beyond the contract: what the far end's stream looked like.
	DurationS     float64  `json:"duration"`        // of the talk, in seconds
	FirstPacketMS *float64 `json:"first_packet_ms"` // from the 200 to the first packet
	Early         int      `json:"early"`           // packets that were heard before the 200
	MaxGapMS      float64  `json:"max_gap_ms"`      // the longest pause between two packets
	SSRCChanges   int      `json:"ssrc_changes"`
	SeqHoles      int      `json:"seq_holes"` // numbers that never came
	RTTMS         *float64 `json:"rtt_ms"`
	SRTP          *string  `json:"srtp"` // how the audio was encrypted; nil: not
	Refused       uint64   `json:"refused"`
	Error         *string  `json:"error"`
}

// Call makes one call and returns when it is over. When ctx ends the call is
// cancelled or hung up. The error is for a call that could not be made as
// asked (a bad script, a file that cannot be written); a call that was
// rejected or failed is a result.
func Call(ctx context.Context, o CallOptions) (CallResult, error) {
	script, err := parseScript(o.DTMF)
	if err != nil {
		return CallResult{Result: Failed}, err
	}
	clip, err := loadSound(o.Play)
	if err != nil {
		return CallResult{Result: Failed}, err
	}
	l, err := openLine(ctx, o.URI, 1, o.Log)
	if err != nil {
		return CallResult{Result: Failed}, err
	}
	c := &caller{line: l, o: o, script: script, clip: clip, meter: &meter{}}
	res, err := c.call(ctx)
	l.close()
	return res, err
}

// caller is one call of a line.
type caller struct {
	line   *line
	o      CallOptions
	script []press
	clip   *media.Clip // nil: silence
	meter  *meter
	delays *delays // nil: none are measured
	leg    *sip.Leg
}

func (c *caller) call(ctx context.Context) (CallResult, error) {
	var sink media.SinkFunc = c.meter.note
	ringFor := c.o.RingFor
	if ringFor == 0 {
		ringFor = 2 * time.Minute
	}
	ringing, stop := context.WithTimeoutCause(ctx, ringFor, errNoAnswer)
	defer stop()
	start := time.Now()
	leg, err := c.line.srv.Dial(ringing, c.o.URI, sip.DialOptions{
		SRTP: c.o.SRTP,
		From: c.o.From, Codecs: c.o.Codecs,
		Prepare: func(l *sip.Leg) { l.Source().Attach(&sink); c.delays.listen(l.Source(), byPhone) },
	})
	if err != nil {
		res := unanswered(err)
		c.meter.fill(&res)
		return res, nil
	}
	c.leg = leg
	answered := time.Now()
	c.meter.begin(answered)
	setup := milliseconds(answered.Sub(start))
	status := 200
	res := CallResult{Result: Completed, SIPStatus: &status, SetupMS: &setup}
	tape, err := newTape(c.o.Record, answered, leg.Source())
	if err != nil {
		leg.Hangup(contact.EndCause{By: contact.System, Class: contact.EndFailed, Why: "the recording failed"})
		res.Result = Failed
		return res, err
	}
	res.Digits = c.talk(ctx, answered)
	res.DurationS = time.Since(answered).Seconds()
	c.meter.end()
	err = tape.close()
	c.finish(&res)
	return res, err
}

// talk plays and presses keys until a side hangs up, and returns the keys
// that were sent.
func (c *caller) talk(ctx context.Context, answered time.Time) (digits string) {
	player := media.NewPlayer(c.line.pacer, "play", c.leg.Codec())
	defer player.Close()
	c.leg.Sender().Hear(c.delays.stamp(player.Source(), byPhone))
	// Silence is sent where there is nothing to play, as a phone would.
	c.leg.Sender().Fill(c.leg.Codec())
	if c.clip != nil {
		player.Loop(c.clip, 0)
	}
	var over <-chan time.Time
	if c.o.For > 0 {
		t := time.NewTimer(c.o.For)
		defer t.Stop()
		over = t.C
	}
	left := c.script
	for {
		var next <-chan time.Time
		if len(left) > 0 {
			t := time.NewTimer(time.Until(answered.Add(left[0].at)))
			defer t.Stop()
			next = t.C
		}
		select {
		case <-next:
			if err := c.leg.Sender().SendDigit(left[0].key, pressFor); err == nil {
				digits += string(left[0].key)
			}
			left = left[1:]
		case <-over:
			c.leg.Hangup(hungUp)
			return digits
		case <-ctx.Done():
			c.leg.Hangup(hungUp)
			return digits
		case <-c.leg.Done():
			return digits
		}
	}
}

// errNoAnswer is why a call that rang for too long is cancelled.
var errNoAnswer = errors.New("nobody answered")

var hungUp = contact.EndCause{By: contact.System, Class: contact.EndCompleted, Why: "hung up"}

// finish fills in what is known when the leg has ended.
func (c *caller) finish(res *CallResult) {
	<-c.leg.Done()
	cause := c.leg.Cause()
	by := "local"
	if cause.By == contact.Customer { // the far end, seen from a leg
		by = "remote"
	}
	res.EndedBy = &by
	if cause.Class == contact.EndFailed {
		res.Result = Failed
		res.Error = &cause.Why
	}
	name := c.leg.Codec().String()
	q := c.leg.Quality()
	res.Codec, res.Sent, res.Received, res.Lost = &name, q.Sent, q.Received, q.Lost
	res.SRTP, res.Refused = q.SRTP, q.Refused
	res.JitterMS, res.RTTMS = q.JitterMS, q.RTTMS
	if q.Received > 0 {
		res.Score = &q.Score
	}
	c.meter.fill(res)
}

// unanswered is the result of a call that Dial could not make.
func unanswered(err error) CallResult {
	text := err.Error()
	res := CallResult{Result: Failed, Error: &text}
	var refused *sip.RejectedError
	if errors.As(err, &refused) {
		res.Result = Rejected
		res.SIPStatus = &refused.Status
		by := "remote"
		res.EndedBy = &by
	} else if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, errNoAnswer) {
		by := "local"
		res.EndedBy = &by
	}
	return res
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// String says the result in one line for people.
func (r CallResult) String() string {
	switch r.Result {
	case Rejected:
		return fmt.Sprintf("rejected with %d", *r.SIPStatus)
	case Failed:
		if r.Error != nil {
			return "failed: " + *r.Error
		}
		return "failed"
	}
	return fmt.Sprintf("completed: set up in %.0f ms, %s, %d packets sent, %d received, %d lost, jitter %.1f ms, digits %q, ended by %s",
		*r.SetupMS, *r.Codec, r.Sent, r.Received, r.Lost, r.JitterMS, r.Digits, *r.EndedBy)
}
