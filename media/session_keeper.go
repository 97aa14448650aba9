package media

import (
	"math/rand/v2"
	"time"
)

// The keeper's times.
const (
	keeperTick     = time.Second
	reportInterval = 5 * time.Second // RFC 3550 §6.2
	reportSpread   = time.Second     // ± half of it, so that legs do not report in step
)

// silenceWatch watches for a far end that sends nothing any more. It is pure;
// the session's lock guards it.
type silenceWatch struct {
	warn, end time.Duration
	notify    func(silent time.Duration, ended bool)
	since     time.Time // last packet, or when listening began
	held      bool
	warned    bool
	ended     bool
}

func (w *silenceWatch) heard(now time.Time)   { w.since, w.warned = now, false }
func (w *silenceWatch) restart(now time.Time) { w.since, w.warned, w.ended = now, false, false }

// check says whether the silence calls for a warning or the end; each once.
func (w *silenceWatch) check(now time.Time, sends bool) (silent time.Duration, ended, due bool) {
	if w.notify == nil || w.ended {
		return 0, false, false
	}
	if w.held || !sends {
		w.since, w.warned = now, false
		return 0, false, false
	}
	silent = now.Sub(w.since)
	switch {
	case w.end > 0 && silent >= w.end:
		w.ended = true
		return silent, true, true
	case w.warn > 0 && silent >= w.warn && !w.warned:
		w.warned = true
		return silent, false, true
	}
	return silent, false, false
}

// OnSilence makes fn be called once when nothing came from the far end for
// warn, and once (ended) when nothing came for end; zero leaves one out. The
// silence counts from now at the earliest, and not while the leg is held or the
// far end does not send. fn runs on the session's own goroutine and may call
// Close.
func (s *Session) OnSilence(warn, end time.Duration, fn func(silent time.Duration, ended bool)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watch.warn, s.watch.end, s.watch.notify = warn, end, fn
	s.watch.restart(time.Now())
}

// SetHeld tells that our side holds the leg: no silence alarm meanwhile.
func (s *Session) SetHeld(held bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watch.held = held
	s.watch.restart(time.Now())
}

// keep does what comes by the clock: RTCP and the silence watch.
func (s *Session) keep() {
	defer close(s.keeper)
	ticker := time.NewTicker(keeperTick)
	defer ticker.Stop()
	report := time.Now().Add(keeperTick)
	for {
		select {
		case <-s.stop:
			return
		case <-ticker.C:
		}
		now := time.Now()
		s.checkSilence(now)
		if !now.Before(report) {
			s.report(now)
			report = now.Add(reportInterval - reportSpread/2 + rand.N(reportSpread))
		}
	}
}

func (s *Session) checkSilence(now time.Time) {
	s.mu.Lock()
	silent, ended, due := s.watch.check(now, s.remote.Sends)
	notify := s.watch.notify
	s.mu.Unlock()
	if !due {
		return
	}
	s.watching.Store(true) // before stop is looked at: Close does it the other way round
	defer s.watching.Store(false)
	select {
	case <-s.stop:
	default:
		notify(silent, ended)
	}
}
