package call

import (
	"context"
	"math"
	"sync"
	"time"

	"callfloor/ivr"
	"callfloor/media"
	"callfloor/media/codec"
)

const (
	// listenFrame is what is listened to at a time, and lead how much of it is
	// kept from before somebody was heard to speak: the beginning of a word is
	// soft.
	listenFrame = 20 * time.Millisecond
	lead        = 300 * time.Millisecond
	// speechAbove is how far above the noise speech is, in dB, and speechLeast the
	// softest that counts, in dBFS. speechFrames of it in a row are somebody who
	// speaks: a click is shorter.
	speechAbove  = 9.0
	speechLeast  = -50.0
	speechFrames = 4
	// noiseFalls and noiseRises are how quickly the noise is learned, in dB a
	// frame.
	noiseFalls, noiseRises = 3.0, 0.1
)

// HearOut implements ivr.Talks. The customer is listened to while the prompts
// play, so that they may answer at once; what they say cuts the prompts short.
func (c *Call) HearOut(ctx context.Context, r ivr.ListenRequest) (ivr.Heard, error) {
	clips, err := c.clips(r.Prompts)
	if err != nil {
		return ivr.Heard{}, err
	}
	ear := newListener(r)
	to := media.NewTranscoder(c.Pacer, "to be understood", codec.PCMU)
	defer to.Close()
	to.Source().Attach(ear)
	c.Leg.Source().Attach(to)
	defer c.Leg.Source().Detach(to)
	played := make(chan error, 1)
	playing, stop := context.WithCancel(ctx)
	defer stop()
	go func() { played <- c.flowPlayer.Play(playing, clips...) }()
	asked := false
	finish := func(h ivr.Heard, err error) (ivr.Heard, error) {
		stop()
		if !asked {
			<-played
		}
		return h, err
	}
	var silence <-chan time.Time
	speaks := ear.speaks
	for {
		select {
		case <-ctx.Done():
			return finish(ivr.Heard{}, context.Cause(ctx))
		case key := <-c.keys:
			return finish(ivr.Heard{Key: key, Sound: ear.said()}, nil)
		case err := <-played:
			asked = true
			if err != nil && ctx.Err() == nil && playing.Err() == nil {
				return ivr.Heard{}, err
			}
			if speaks != nil {
				t := time.NewTimer(r.Wait)
				defer t.Stop()
				silence = t.C
			}
			played = nil
		case <-speaks:
			speaks, silence = nil, nil
			stop() // barge-in
		case <-silence:
			return finish(ivr.Heard{}, nil)
		case <-ear.done:
			return finish(ivr.Heard{Sound: ear.sound()}, nil)
		}
	}
}

// listener finds where somebody begins and ends to speak in PCMU of 20 ms and
// keeps what was said.
type listener struct {
	pause, longest time.Duration
	speaks         chan struct{} // closed when somebody begins to speak
	done           chan struct{} // closed when they have finished

	mu       sync.Mutex // guards all below
	decoder  codec.Decoder
	pcm      [codec.MaxSamples]int16
	kept     []int16
	noise    float64 // dBFS
	loud     int     // frames of speech in a row
	quiet    time.Duration
	speaking bool
	over     bool
}

func newListener(r ivr.ListenRequest) *listener {
	return &listener{
		pause: r.Pause, longest: r.Longest, speaks: make(chan struct{}), done: make(chan struct{}),
		decoder: codec.NewDecoder(codec.PCMU), noise: speechLeast,
	}
}

// WritePacket implements media.Sink.
func (l *listener) WritePacket(p *media.Packet) {
	if p.Codec != codec.PCMU || len(p.Payload) == 0 || len(p.Payload) > 480 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return
	}
	n := l.decoder.Decode(l.pcm[:], p.Payload)
	l.take(l.pcm[:n])
}

// take looks at one packet. l.mu is held.
func (l *listener) take(pcm []int16) {
	lasts := time.Duration(len(pcm)) * time.Second / 8000
	level := levelOf(pcm)
	isSpeech := level > max(l.noise+speechAbove, speechLeast)
	if level < l.noise {
		l.noise = max(level, l.noise-noiseFalls)
	} else if !isSpeech || !l.speaking {
		l.noise = min(level, l.noise+noiseRises)
	}
	l.kept = append(l.kept, pcm...)
	if isSpeech {
		l.loud, l.quiet = l.loud+1, 0
	} else {
		l.loud, l.quiet = 0, l.quiet+lasts
	}
	switch {
	case !l.speaking && l.loud >= speechFrames:
		l.speaking = true
		close(l.speaks)
	case !l.speaking:
		if most := int(lead.Seconds() * 8000); len(l.kept) > most {
			l.kept = append(l.kept[:0], l.kept[len(l.kept)-most:]...)
		}
	case l.quiet >= l.pause, time.Duration(len(l.kept))*time.Second/8000 >= l.longest:
		l.over = true
		close(l.done)
	}
}

// said is what was said so far; nil if nobody has spoken.
func (l *listener) said() []int16 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.speaking {
		return nil
	}
	l.over = true
	return l.kept
}

// sound is what was said.
func (l *listener) sound() []int16 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.kept
}

// levelOf is the loudness in dBFS.
func levelOf(pcm []int16) float64 {
	power := 0.0
	for _, s := range pcm {
		x := float64(s) / 32768
		power += x * x
	}
	return 10 * math.Log10(power/float64(max(len(pcm), 1))+1e-12)
}
