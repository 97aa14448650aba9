package call

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"callfloor/contact"
	"callfloor/ivr"
	"callfloor/media"
	"callfloor/media/botstream"
	"callfloor/media/codec"
)

// Bots connects calls with voice bots; *botstream.Dialer does.
type Bots interface {
	Dial(ctx context.Context, s botstream.Start) (*botstream.Stream, error)
}

const (
	// botAgain is the pause before a lost bot is connected anew; it doubles.
	botAgain = 500 * time.Millisecond
	// botLastWords is how long what a bot said last may take to be heard.
	botLastWords = 30 * time.Second
)

// botLine joins the customer with a bot: what they say goes there as PCMU, what
// it says comes back in the codec of the customer's leg.
type botLine struct {
	stream  *botstream.Stream
	in, out *media.Transcoder
}

func newBotLine(p *media.Pacer, s *botstream.Stream, c codec.ID) *botLine {
	l := &botLine{stream: s, in: media.NewTranscoder(p, "to the bot", codec.PCMU), out: media.NewTranscoder(p, "bot", c)}
	l.in.Source().Attach(s)
	s.Source().Attach(l.out)
	return l
}

func (l *botLine) close() {
	l.stream.Close()
	l.in.Close()
	l.out.Close()
}

// Stream implements ivr.Talks.
func (c *Call) Stream(ctx context.Context, r ivr.StreamRequest) (ivr.StreamResult, error) {
	if c.Bots == nil {
		return ivr.StreamResult{Ended: ivr.StreamFailed, Why: "bots are not set up"}, nil
	}
	over := time.NewTimer(r.Longest)
	defer over.Stop()
	for try := 0; ; try++ {
		got, lost, err := c.streamOnce(ctx, r, over.C)
		if err != nil || !lost || try >= r.Tries {
			return got, err
		}
		c.log.Warn("the line to a bot is made anew", "why", got.Why, "try", try+1)
		if err := c.Pause(ctx, botAgain<<try); err != nil {
			return got, err
		}
	}
}

// streamOnce is one connection; lost says that another may do better.
func (c *Call) streamOnce(ctx context.Context, r ivr.StreamRequest, over <-chan time.Time) (got ivr.StreamResult, lost bool, err error) {
	stream, err := c.Bots.Dial(ctx, botstream.Start{URL: r.URL, Header: r.Header, Call: string(c.ID), Parameters: r.Parameters, Connect: r.Connect})
	if err != nil {
		if ctx.Err() != nil {
			return got, false, context.Cause(ctx)
		}
		_, refused := errors.AsType[*botstream.RefusedError](err)
		return ivr.StreamResult{Ended: ivr.StreamFailed, Why: err.Error()}, !refused, nil
	}
	line := newBotLine(c.Pacer, stream, c.Leg.Codec())
	defer line.close()
	if err := c.do(func() error { c.switchBot(line); return nil }); err != nil {
		return got, false, context.Cause(ctx)
	}
	defer c.leaveBot(line)
	got, lost, err = c.talkToBot(ctx, stream, r.Leave, over)
	s := stream.Stats()
	c.Note(contact.KindFlow, legCustomer, "the bot's part is over: "+got.Ended, map[string]any{
		"ended": got.Ended, "sent": s.Sent, "dropped": s.Dropped, "received": s.Received, "not_played": s.NotPlayed, "odd": s.Odd,
	})
	return got, lost, err
}

// talkToBot returns when the bot's part is over.
func (c *Call) talkToBot(ctx context.Context, s *botstream.Stream, leave string, over <-chan time.Time) (ivr.StreamResult, bool, error) {
	for {
		select {
		case <-ctx.Done():
			return ivr.StreamResult{}, false, context.Cause(ctx)
		case <-over:
			return ivr.StreamResult{Ended: ivr.StreamTooLong}, false, nil
		case key := <-c.keys:
			if strings.ContainsRune(leave, key) {
				return ivr.StreamResult{Ended: ivr.StreamKey, Key: key}, false, nil
			}
			s.Digit(key)
		case <-s.Done():
			return c.botEnded(ctx, s)
		}
	}
}

// botEnded lets the customer hear the bot's last words.
func (c *Call) botEnded(ctx context.Context, s *botstream.Stream) (ivr.StreamResult, bool, error) {
	o := s.Outcome()
	if o.Ended == botstream.Lost {
		return ivr.StreamResult{Ended: ivr.StreamFailed, Why: o.Why}, true, nil
	}
	heard, stop := context.WithTimeout(ctx, botLastWords)
	defer stop()
	if s.Heard(heard) != nil && ctx.Err() != nil {
		return ivr.StreamResult{}, false, context.Cause(ctx)
	}
	if o.Ended == botstream.HandedOver {
		return ivr.StreamResult{Ended: ivr.StreamHandedOver, Queue: o.Queue, Context: o.Context}, false, nil
	}
	return ivr.StreamResult{Ended: ivr.StreamClosed}, false, nil
}

// switchBot gives the customer to a bot, or with nil back to the flow.
func (c *Call) switchBot(line *botLine) {
	if c.bot != nil {
		c.Leg.Source().Detach(c.bot.in)
	}
	c.bot, c.mode = line, modeFlow
	if line != nil {
		c.mode = modeBot
		c.Leg.Source().Attach(line.in)
	}
	c.apply()
}

// leaveBot takes the customer from a bot. When the call is over nobody else
// does anything any more.
func (c *Call) leaveBot(line *botLine) {
	if c.do(func() error { c.switchBot(nil); return nil }) != nil {
		c.Leg.Source().Detach(line.in)
	}
}

// Brief implements ivr.Talks.
func (c *Call) Brief(b ivr.Brief) {
	c.NoteAt(b.At, contact.KindFlow, legCustomer, "what the agent is told", map[string]any{"node": b.From, "type": "brief", "context": b.Context})
	c.post(func() {
		c.view.Brief = &b
		c.changed()
	})
}

// Show implements ivr.Talks.
func (c *Call) Show(values []ivr.Value) {
	c.post(func() {
		c.view.Values = slices.Clone(values)
		c.changed()
	})
}
