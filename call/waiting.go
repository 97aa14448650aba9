package call

import (
	"context"
	"strings"
	"time"

	"callfloor/ivr"
	"callfloor/media"
)

// firstPlace is how long a customer hears music before the first announcement:
// who is answered at once hears none.
const firstPlace = 2 * time.Second

// waiting plays music and announcements to a customer in a queue. It runs on
// the flow's goroutine.
type waiting struct {
	c       *Call
	q       ivr.QueueRequest
	music   *media.Clip
	started time.Time
	served  bool
	lastPos int
}

// run returns when the queue refuses the customer, when the agent has hung up
// and the flow goes on, or with the call's cause.
func (w *waiting) run(ctx context.Context) (ivr.QueueResult, error) {
	defer func() { w.c.flowPlayer.Stop() }()
	if err := w.intro(ctx); err != nil {
		return ivr.QueueResult{}, err
	}
	announce := time.NewTimer(firstPlace)
	defer announce.Stop()
	for {
		select {
		case <-ctx.Done():
			return ivr.QueueResult{Served: w.served}, context.Cause(ctx)
		case <-w.c.queue.changed:
			_, _, served, refused := w.c.queue.state()
			switch {
			case w.c.queue.isParted():
				return ivr.QueueResult{Served: true}, nil
			case refused != "":
				return w.c.queue.refusal(), nil
			case served:
				w.served = true
				announce.Stop()
				w.c.flowPlayer.Stop()
			case w.served: // the agent is lost; wait again
				w.served = false
				w.play()
				announce.Reset(firstPlace)
			}
		case key := <-w.keys():
			if w.parks(key) {
				return ivr.QueueResult{Key: key}, nil
			}
		case <-announce.C:
			if err := w.say(ctx); err != nil {
				return ivr.QueueResult{}, err
			}
			announce.Reset(max(w.q.Announce, firstPlace))
		}
	}
}

// keys are those that the customer presses while they may press some.
func (w *waiting) keys() <-chan rune {
	if w.q.Keys == "" || w.served {
		return nil
	}
	return w.c.keys
}

// parks keeps the place of a customer who pressed one of the keys; while a seat
// rings for them nothing happens: they are about to be answered.
func (w *waiting) parks(key rune) bool {
	if !strings.ContainsRune(w.q.Keys, key) {
		return false
	}
	if err := w.c.Queues.Park(w.c.ID); err != nil {
		w.c.log.Debug("a caller who waits pressed a key too late", "error", err)
		return false
	}
	w.c.post(func() {
		if w.c.view.Stage == StageQueue {
			w.c.setStage(StageFlow, time.Now())
			w.c.changed()
		}
	})
	return true
}

// intro says what the flow has to say first, or as much of it as there is time
// for before an agent answers, and begins the music.
func (w *waiting) intro(ctx context.Context) error {
	clips, err := w.c.clips(w.q.Intro)
	if err != nil || len(clips) == 0 {
		w.play()
		return err
	}
	said, stop := context.WithCancel(ctx)
	defer stop()
	played := make(chan error, 1)
	go func() { played <- w.c.flowPlayer.Play(said, clips...) }()
	for {
		select {
		case err := <-played:
			if err == nil {
				w.play()
			}
			return err
		case <-w.c.queue.changed:
			if _, _, served, refused := w.c.queue.state(); served || refused != "" {
				stop()
				<-played
				w.c.queue.update(func() {}) // run looks at it
				return nil
			}
		}
	}
}

// play goes on with the music where it would be by now.
func (w *waiting) play() {
	w.c.flowPlayer.Loop(w.music, time.Since(w.started)%max(w.music.Duration(), 1))
}

// say announces the place: never a worse one than before (it would only hurt).
func (w *waiting) say(ctx context.Context) error {
	position, expected, served, _ := w.c.queue.state()
	if served || w.q.Say == nil || w.q.Announce <= 0 || position <= 0 {
		return nil
	}
	if w.lastPos > 0 && position > w.lastPos {
		return nil
	}
	w.lastPos = position
	clips, err := w.c.clips(w.q.Say(position, expected))
	if err != nil {
		return err
	}
	if err := w.c.flowPlayer.Play(ctx, clips...); err != nil {
		return err
	}
	if _, _, served, _ := w.c.queue.state(); !served {
		w.play()
	}
	return nil
}
