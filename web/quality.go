package web

import (
	"math"

	"callfloor/media"
	"callfloor/media/codec"
)

// counts are a seat's packets so far, over all of its peer connections.
type counts struct {
	sent, received, lost uint64
	// lostThere are those that the browser missed of what was sent, skipped the
	// numbers that were never sent, since they were lost before they came to us.
	// The browser cannot tell the two apart.
	lostThere, skipped uint64
	refused            uint64 // not authentic, or came twice
	// played are the samples of the customer's track that the page played, concealed
	// those of them that it invented.
	played, concealed uint64
}

// Measure begins a period of its own, as each call should: a seat's peer
// connection outlives many calls, and two may share it. What it returns gives the
// figures of the seat's leg since then.
func (s *Seat) Measure() func() media.Quality {
	s.mu.Lock()
	defer s.mu.Unlock()
	start := s.counts()
	return func() media.Quality { return s.since(start) }
}

// since returns the figures of the seat's leg since it had start. Sent, Received and Lost are packets as the server sees them: to the browser on the
// customer's track, from the microphone, and missing from it; FarLost are those
// that the browser missed, but for what was lost on the customer's way already.
// The score is that of the worse way.
func (s *Seat) since(start counts) media.Quality {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.counts()
	q := media.Quality{Sent: now.sent - start.sent, Received: now.received - start.received, Lost: sub(now.lost, start.lost), Refused: now.refused - start.refused}
	heard, farJitter := codec.PCMU, 0.0
	if s.peer != nil {
		stats := s.peer.receiver.Stats()
		if stats.Codec != codec.None {
			heard = stats.Codec
			q.Codec = heard.String()
		}
		q.JitterMS = stats.Jitter.Seconds() * 1000
		if name := s.peer.intake.secrets.protection(); s.peer.up && name != "" {
			q.SRTP = &name
		}
		r := &s.peer.reports
		r.mu.Lock()
		farJitter = r.jitter
		if r.rtt != nil {
			rtt := *r.rtt
			q.RTTMS = &rtt
		}
		r.mu.Unlock()
	}
	far := sub(sub(now.lostThere, start.lostThere), sub(now.skipped, start.skipped))
	farPercent := percent(far, q.Sent)
	q.FarLost, q.FarLossPercent, q.FarJitterMS = &far, &farPercent, &farJitter
	q.LossPercent = percent(q.Lost, q.Received+q.Lost)
	if played := sub(now.played, start.played); played > 0 {
		concealed := percent(sub(now.concealed, start.concealed), played)
		q.ConcealedPercent = &concealed
	}
	delay := 0.0
	if q.RTTMS != nil {
		delay = *q.RTTMS / 2
	}
	farScore := media.Score(heard, farPercent, farJitter, delay)
	q.FarScore, q.Score = &farScore, min(farScore, media.Score(heard, q.LossPercent, q.JitterMS, delay))
	return q
}

// counts sums up; the caller holds the lock.
func (s *Seat) counts() counts {
	c := s.past
	c.sent = s.tracks[0].sender.Stats().Packets
	c.skipped = 0
	for _, t := range s.tracks {
		c.skipped += t.sender.Stats().Skipped
	}
	if s.peer != nil {
		c.add(s.peer)
	}
	return c
}

// add counts what p has seen.
func (c *counts) add(p *peer) {
	stats := p.receiver.Stats()
	c.received += stats.Packets
	c.lost += stats.Lost
	c.refused += p.intake.forged.Load()
	c.played += p.played
	c.concealed += p.concealed
	p.reports.mu.Lock()
	c.lostThere += p.reports.lost
	p.reports.mu.Unlock()
}

// sub is a-b, but not below 0: a late packet can take a loss back.
func sub(a, b uint64) uint64 {
	if a < b {
		return 0
	}
	return a - b
}

func percent(part, whole uint64) float64 {
	if whole == 0 {
		return 0
	}
	return math.Min(100, 100*float64(part)/float64(whole))
}
