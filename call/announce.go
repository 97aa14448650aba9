package call

import (
	"context"
	"time"

	"callfloor/media"
)

// Announcement is what the agent alone hears when a call comes to them; the zero
// one is nothing.
type Announcement struct {
	// Beep: a short tone first.
	Beep bool
	// Clips follow, one after the other: the queue's name, how long the customer
	// has waited.
	Clips []*media.Clip
	// Alone is for how long at most the customer hears music on, so that the agent
	// hears nothing else; 0: the two hear each other at once, and the agent this
	// beside.
	Alone time.Duration
}

// announcing is an announcement that plays.
type announcing struct {
	player *media.Player
	alone  bool // the customer is not joined yet
	stop   context.CancelFunc
}

// announce begins to play to the agent, who was seated just now; settle follows.
func (c *Call) announce(a Announcement) {
	clips := a.Clips
	if a.Beep {
		clips = append([]*media.Clip{beep()}, clips...)
	}
	if len(clips) == 0 {
		return
	}
	ctx, stop := context.WithCancel(c.ctx)
	n := &announcing{player: media.NewPlayer(c.Pacer, "announcement", c.Leg.Codec()), alone: a.Alone > 0, stop: stop}
	c.announcing = n
	c.tasks.Go(func() {
		defer stop()
		defer n.player.Close()
		played := make(chan struct{})
		go func() {
			defer close(played)
			if err := n.player.Play(ctx, clips...); err != nil && ctx.Err() == nil {
				c.log.Error("an announcement could not be played to the agent", "error", err)
			}
		}()
		if a.Alone > 0 {
			c.joinLate(n, a.Alone, played)
		}
		<-played
		c.post(func() {
			if c.announcing == n {
				c.announcing = nil
				c.settle()
			}
		})
	})
}

// joinLate joins the customer when the announcement has lasted as long as they may
// wait for it, unless it is over before.
func (c *Call) joinLate(n *announcing, alone time.Duration, played <-chan struct{}) {
	late := time.NewTimer(alone)
	defer late.Stop()
	select {
	case <-played:
	case <-late.C:
		c.post(func() {
			if c.announcing == n {
				n.alone = false
				c.settle()
			}
		})
	}
}

// endAnnouncement ends what plays to the agent: they have something else to do,
// or are gone. Whoever calls it switches the ears.
func (c *Call) endAnnouncement() {
	if c.announcing != nil {
		c.announcing.stop()
		c.announcing = nil
	}
}
