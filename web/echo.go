package web

import (
	"time"

	"callfloor/contact"
)

const (
	// echoFor is how long an echo lasts at most.
	echoFor = 30 * time.Second
	// echoTold is how often its figures go to the browser.
	echoTold = 500 * time.Millisecond
)

// echo is one echo of a seat, from on to off.
type echo struct {
	seat  *Seat
	since time.Time
	start counts
	stop  chan struct{} // closed by Echo(false)
	done  chan struct{} // closed when it is over
}

// Echo lets the seat hear its own microphone as it arrived here, over the very
// connection that calls use, or ends that. It is refused with
// contact.Conflict when the seat hears somebody, and without media. A call that
// takes the seat ends it by itself. When Echo(false) returns, it is over.
func (s *Seat) Echo(on bool) error {
	s.mu.Lock()
	e := s.echo
	if !on {
		s.echo = nil
		s.mu.Unlock()
		if e != nil {
			close(e.stop)
			<-e.done
		}
		return nil
	}
	defer s.mu.Unlock()
	sender := s.tracks[0].sender
	switch {
	case e != nil && !e.over():
		return nil
	case s.retired:
		return contact.Errorf(contact.Busy, "the seat is being closed; try again")
	case s.peer == nil || !s.peer.up:
		return contact.Errorf(contact.Conflict, "there is no connection for sound yet; wait for it and try again")
	case !sender.HearInstead(nil, s.mic):
		return contact.Errorf(contact.Conflict, "the network cannot be tested during a call")
	}
	e = &echo{seat: s, since: time.Now(), start: s.counts(), stop: make(chan struct{}), done: make(chan struct{})}
	s.echo = e
	s.server.work.Go(e.run)
	return nil
}

func (e *echo) over() bool {
	select {
	case <-e.done:
		return true
	default:
		return false
	}
}

// run tells the browser the figures until the echo is over.
func (e *echo) run() {
	defer close(e.done)
	s := e.seat
	defer s.server.recovered("echo", nil)
	sender := s.tracks[0].sender
	tick := time.NewTicker(echoTold)
	defer tick.Stop()
	for on := true; on; {
		select {
		case <-tick.C:
			on = time.Since(e.since) < echoFor && sender.Hearing() == s.mic
		case <-e.stop:
			on = false
		case <-s.server.ctx.Done():
			on = false
		}
		if !on {
			sender.HearInstead(s.mic, nil)
		}
		s.Put(KeyEcho, e.view(on))
	}
}

// view is what was counted so far.
func (e *echo) view(on bool) EchoView {
	s := e.seat
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.counts()
	v := EchoView{
		On: on, Since: contact.Time(e.since),
		Received: sub(now.received, e.start.received), Lost: sub(now.lost, e.start.lost), Sent: sub(now.sent, e.start.sent),
	}
	if s.peer != nil {
		v.JitterMS = s.peer.receiver.Stats().Jitter.Seconds() * 1000
	}
	return v
}
