package phone

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"callfloor/contact"
	"callfloor/media"
	"callfloor/media/codec"
	"callfloor/web"
	"callfloor/web/seatclient"
)

// SeatOptions say who sits down where, and what they do.
type SeatOptions struct {
	Server   string // http://127.0.0.1:8080
	User     string
	Password string
	// Play is what customers hear: "tone:HZ", a WAV file, or "" for silence.
	Play string
	// AnswerAfter is how long it rings before the answer.
	AnswerAfter time.Duration
	// For is how long the seat stays; 0: until the context ends. A call that is
	// up then is hung up.
	For time.Duration
	// Record is a WAV file, 8 kHz mono, for what the seat hears from the moment
	// it is available; "" for none.
	Record string
	// TLS is how the server's certificate is checked; nil: as the system does it.
	TLS *tls.Config
	Log *slog.Logger
}

// SeatCall is one call that a seat answered. Durations are seconds.
type SeatCall struct {
	Contact contact.ID        `json:"contact"`
	Waited  float64           `json:"waited"` // of the customer, in the queue
	Talked  float64           `json:"talked"`
	Codec   string            `json:"codec"`
	Ended   *contact.EndCause `json:"ended"`
}

// SeatResult is what a seat did, as --json prints it.
type SeatResult struct {
	User     string     `json:"user"`
	Answered int        `json:"answered"`
	Missed   int        `json:"missed"` // rang, and was gone before the answer
	Calls    []SeatCall `json:"calls"`
	Sent     uint64     `json:"sent"`
	Received uint64     `json:"received"`
	Lost     uint64     `json:"lost"`
	JitterMS float64    `json:"jitter_ms"`
	Score    float64    `json:"score"`
}

// Times of a seat.
const (
	seatReadyWithin = 20 * time.Second // sign-in, socket, media
	seatLeaveWithin = 8 * time.Second  // hang-up, wrap-up, going offline
)

// Seat is an agent without a browser: it signs in, goes available, answers,
// plays to the customer, wraps up, and goes on until For is over. It returns an
// error if it cannot sign in, connect its media, or is sent away.
func Seat(ctx context.Context, o SeatOptions) (SeatResult, error) {
	pacer := media.NewPacer()
	defer pacer.Close()
	return sit(ctx, o, seatJoints{pacer: pacer, ready: func() {}})
}

// seatJoints are what a seat shares with the other seats of a load.
type seatJoints struct {
	pacer  *media.Pacer
	delays *delays // nil: none are measured
	ready  func()  // called when the seat is available for the first time
}

func sit(ctx context.Context, o SeatOptions, with seatJoints) (SeatResult, error) {
	result := SeatResult{User: o.User, Calls: []SeatCall{}}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	sound, err := loadSound(o.Play)
	if err != nil {
		return result, err
	}
	ready, cancel := context.WithTimeout(ctx, seatReadyWithin)
	defer cancel()
	token, err := signIn(ready, o)
	if err != nil {
		return result, err
	}
	client, err := seatclient.Dial(ready, seatclient.Options{URL: o.Server, Token: token, Pacer: with.pacer, TLS: o.TLS, Log: o.Log})
	if err != nil {
		return result, err
	}
	defer func() { _ = client.Close() }()
	s := &seatRun{SeatOptions: o, seatJoints: with, client: client, sound: sound, result: &result}
	with.delays.listen(client.Track(web.TrackCustomer), bySeat)
	if err := s.open(ready); err != nil {
		return result, err
	}
	with.ready()
	err = s.stay(ctx)
	s.figures()
	return result, errors.Join(err, s.close())
}

// signIn asks for a session.
func signIn(ctx context.Context, o SeatOptions) (token string, err error) {
	body, err := json.Marshal(map[string]string{"user": o.User, "password": o.Password})
	if err != nil {
		return "", fmt.Errorf("signing in: %w", err)
	}
	url := strings.TrimSuffix(o.Server, "/") + "/api/v1/session"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return "", fmt.Errorf("signing in at %q: %w; the server's address is like http://127.0.0.1:8080", o.Server, err)
	}
	req.Header.Set("Content-Type", "application/json")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: o.TLS}}
	resp, err := client.Do(req)
	if err != nil {
		return "", fmt.Errorf("signing in: %w; is callfloor serve running there?", err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return "", fmt.Errorf("signing in: reading the answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("signing in as %s: the server answered %s", o.User, resp.Status)
	}
	var session struct {
		Token  string `json:"token"`
		Change bool   `json:"must_change_password"`
	}
	if err := json.Unmarshal(answer, &session); err != nil || session.Token == "" {
		return "", fmt.Errorf("signing in at %s: that is not Callfloor's answer", url)
	}
	if session.Change {
		return "", fmt.Errorf("%s must change the password first: sign in with a browser", o.User)
	}
	return session.Token, nil
}

// seatRun is one seat at work. One goroutine uses it.
type seatRun struct {
	SeatOptions
	seatJoints
	client *seatclient.Client
	sound  *media.Clip // nil: silence
	player *media.Player
	tape   *tape // nil: none
	result *SeatResult
}

// open waits until the seat can work, starts the tape and goes available.
func (s *seatRun) open(ctx context.Context) error {
	if err := s.client.WaitMedia(ctx); err != nil {
		return fmt.Errorf("connecting the seat's media: %w", err)
	}
	if err := s.client.WaitKey(ctx, "me", func(v json.RawMessage) bool { return decodeMe(v).Ready }); err != nil {
		return fmt.Errorf("waiting until the seat is ready: %w", err)
	}
	var err error
	if s.tape, err = newTape(s.Record, time.Now(), s.client.Track(web.TrackCustomer)); err != nil {
		return err
	}
	return s.available(ctx)
}

func (s *seatRun) available(ctx context.Context) error {
	v, _ := s.client.Get("me")
	if decodeMe(v).State == contact.AgentAvailable {
		return nil
	}
	if err := s.client.Do(ctx, web.Command{Do: web.DoState, State: contact.AgentAvailable}); err != nil {
		return errors.Join(fmt.Errorf("going available: %w", err), s.close())
	}
	return nil
}

// stay takes calls until the time is over, which is no error.
func (s *seatRun) stay(ctx context.Context) error {
	working, cancel := ctx, context.CancelFunc(func() {})
	if s.For > 0 {
		working, cancel = context.WithTimeout(ctx, s.For)
	}
	defer cancel()
	var err error
	for err == nil {
		err = s.serve(working)
	}
	if working.Err() == nil {
		return err // sent away
	}
	return s.leave(context.WithoutCancel(ctx))
}

// serve waits for one call and takes it.
func (s *seatRun) serve(ctx context.Context) error {
	call, err := s.await(ctx, func(c *web.CallView) bool { return c != nil })
	if err != nil {
		return err
	}
	if call.Phase == web.PhaseRinging {
		answered, err := s.answer(ctx, call)
		if err != nil || !answered {
			return err
		}
	}
	if err := s.talk(ctx, call.Contact); err != nil {
		return err
	}
	if err := s.wrapUp(ctx); err != nil {
		return err
	}
	return s.available(ctx)
}

// answer lets it ring for AnswerAfter and answers, unless the call goes away.
func (s *seatRun) answer(ctx context.Context, call *web.CallView) (bool, error) {
	patience, cancel := context.WithTimeout(ctx, s.AnswerAfter)
	defer cancel()
	rings := func(c *web.CallView) bool {
		return c != nil && c.Contact == call.Contact && c.Phase == web.PhaseRinging
	}
	_, err := s.await(patience, func(c *web.CallView) bool { return !rings(c) })
	if ctx.Err() != nil || s.client.Err() != nil {
		return false, err
	}
	if err != nil { // it still rings
		err = s.client.Do(ctx, web.Command{Do: web.DoAnswer, Contact: call.Contact})
	} else {
		err = contact.Errorf(contact.Conflict, "the call is gone")
	}
	if err != nil {
		s.result.Missed++
		s.Log.Info("the call was not answered", "contact", call.Contact, "error", err)
		_, err = s.await(ctx, func(c *web.CallView) bool { return !rings(c) })
		return false, err
	}
	s.result.Answered++
	return true, nil
}

// talk plays while the call is up, and not while it is held or muted.
func (s *seatRun) talk(ctx context.Context, id contact.ID) error {
	defer s.hush()
	var began time.Time
	record := SeatCall{Contact: id}
	over := func(c *web.CallView) bool {
		return c == nil || c.Contact != id || c.Phase == web.PhaseWrapUp
	}
	var last web.CallView
	for {
		c, err := s.await(ctx, func(c *web.CallView) bool {
			return over(c) || c.Phase != web.PhaseRinging && (began.IsZero() || c.Phase != last.Phase || c.Muted != last.Muted || c.Codec != last.Codec)
		})
		if err == nil && !over(c) {
			if began.IsZero() {
				began = time.Now()
			}
			last = *c
			record.Waited, record.Codec = c.Waited, c.Codec
			s.speak(c)
			continue
		}
		if !began.IsZero() {
			record.Talked = time.Since(began).Seconds()
			if c != nil && c.Contact == id {
				record.Ended = c.Ended
			}
			s.result.Calls = append(s.result.Calls, record)
		}
		return err
	}
}

// speak lets the customer hear the sound in the codec of their leg.
func (s *seatRun) speak(c *web.CallView) {
	s.hush()
	id := codec.Parse(c.Codec)
	if s.sound == nil || c.Phase != web.PhaseTalking || c.Muted || id == codec.None {
		return
	}
	s.player = media.NewPlayer(s.pacer, "seat", id)
	s.player.Loop(s.sound, 0)
	s.client.Mic().Hear(s.delays.stamp(s.player.Source(), bySeat))
}

func (s *seatRun) hush() {
	s.client.Mic().Hear(nil)
	if s.player != nil {
		s.player.Close()
		s.player = nil
	}
}

// leave ends a call that is up, wraps it up and goes offline.
func (s *seatRun) leave(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, seatLeaveWithin)
	defer cancel()
	v, _ := s.client.Get("call")
	if c := decodeCall(v); c != nil && (c.Phase == web.PhaseTalking || c.Phase == web.PhaseHold) {
		if err := s.client.Do(ctx, web.Command{Do: web.DoHangup, Contact: c.Contact}); err != nil {
			s.Log.Info("hanging up at the end", "error", err)
		} else if over, err := s.await(ctx, func(c *web.CallView) bool { return c == nil || c.Phase == web.PhaseWrapUp }); err != nil {
			return fmt.Errorf("hanging up at the end: %w", err)
		} else if n := len(s.result.Calls); n > 0 && over != nil {
			s.result.Calls[n-1].Ended = over.Ended
		}
	}
	if err := s.wrapUp(ctx); err != nil {
		return err
	}
	if err := s.client.Do(ctx, web.Command{Do: web.DoState, State: contact.AgentOffline}); err != nil {
		return fmt.Errorf("going offline: %w", err)
	}
	return nil
}

// await waits until the call pleases; it is nil while there is none.
func (s *seatRun) await(ctx context.Context, pleases func(*web.CallView) bool) (*web.CallView, error) {
	var call *web.CallView
	err := s.client.WaitKey(ctx, "call", func(v json.RawMessage) bool {
		call = decodeCall(v)
		return pleases(call)
	})
	return call, err
}

// figures sums up the media.
func (s *seatRun) figures() {
	in := s.client.Stats(web.TrackCustomer)
	r := s.result
	r.Sent, r.Received, r.Lost = s.client.Mic().Stats().Packets, in.Packets, in.Lost
	r.JitterMS = in.Jitter.Seconds() * 1000
	loss := 0.0
	if all := in.Packets + in.Lost; all > 0 {
		loss = 100 * float64(in.Lost) / float64(all)
	}
	heard := in.Codec
	if heard == codec.None {
		heard = codec.PCMU
	}
	r.Score = media.Score(heard, loss, r.JitterMS, 0)
}

func (s *seatRun) close() error {
	err := s.tape.close()
	s.tape = nil
	return err
}

func decodeCall(v json.RawMessage) *web.CallView {
	var c web.CallView
	if v == nil || json.Unmarshal(v, &c) != nil {
		return nil
	}
	return &c
}

func decodeMe(v json.RawMessage) web.MeView {
	var me web.MeView
	_ = json.Unmarshal(v, &me) // absent: the zero view, which is not ready
	return me
}
