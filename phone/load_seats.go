package phone

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"callfloor/media"
)

// SeatUser is who sits at one seat of a load.
type SeatUser struct{ User, Password string }

// SeatFigures are what the seats of a load did, together.
type SeatFigures struct {
	Seats    int          `json:"seats"`
	Answered int          `json:"answered"`
	Missed   int          `json:"missed"`
	Sent     uint64       `json:"sent"`
	Received uint64       `json:"received"`
	Lost     uint64       `json:"lost"`
	JitterMS *Percentiles `json:"jitter_ms"`
	Score    *Percentiles `json:"score"`
}

// signInsAtOnce is how many seats sign in beside each other: each sign-in
// costs the server a password's hash.
const signInsAtOnce = 8

// seats are the agents of a load, WebRTC without a browser.
type seats struct {
	stop    context.CancelFunc
	done    sync.WaitGroup
	mu      sync.Mutex
	results []SeatResult
	errs    []error
}

// sitDown signs everyone in and returns when all are available.
func sitDown(ctx context.Context, o LoadOptions, pacer *media.Pacer, d *delays) (*seats, error) {
	s := &seats{}
	working, stop := context.WithCancel(ctx)
	s.stop = stop
	ready := make(chan struct{}, len(o.Seats))
	failed := make(chan error, len(o.Seats))
	turn := make(chan struct{}, signInsAtOnce)
	log := o.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	for _, u := range o.Seats {
		s.done.Go(func() {
			turn <- struct{}{}
			open := sync.OnceFunc(func() { <-turn })
			defer open()
			at := SeatOptions{Server: o.Server, User: u.User, Password: u.Password, Play: o.SeatPlay, AnswerAfter: o.AnswerAfter, TLS: o.TLS, Log: log}
			r, err := sit(working, at, seatJoints{pacer: pacer, delays: d, ready: func() { open(); ready <- struct{}{} }})
			s.mu.Lock()
			s.results = append(s.results, r)
			if err != nil {
				s.errs = append(s.errs, fmt.Errorf("seat %s: %w", u.User, err))
			}
			s.mu.Unlock()
			if err != nil {
				failed <- fmt.Errorf("seat %s: %w", u.User, err)
			}
		})
	}
	for range o.Seats {
		select {
		case <-ready:
		case err := <-failed:
			s.leave()
			return nil, err
		case <-ctx.Done():
			s.leave()
			return nil, context.Cause(ctx)
		}
	}
	return s, nil
}

// leave ends every seat and returns what they did. The nil seats is nobody.
func (s *seats) leave() (*SeatFigures, error) {
	if s == nil {
		return nil, nil
	}
	s.stop()
	s.done.Wait()
	f := &SeatFigures{Seats: len(s.results)}
	var jitter, score []float64
	for _, r := range s.results {
		f.Answered, f.Missed = f.Answered+r.Answered, f.Missed+r.Missed
		f.Sent, f.Received, f.Lost = f.Sent+r.Sent, f.Received+r.Received, f.Lost+r.Lost
		if r.Received > 0 {
			jitter, score = append(jitter, r.JitterMS), append(score, r.Score)
		}
	}
	f.JitterMS, f.Score = percentiles(jitter), percentiles(score)
	return f, errors.Join(s.errs...)
}
