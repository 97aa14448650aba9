package media

import "sync"

// mixInput is one talker of a mixer: a jitter buffer that gives a frame at a
// time, with what is lost concealed. Mixing has to wait for the packets of all
// talkers, so this is a place where the server adds delay, as much as the
// network needs.
type mixInput struct {
	from  *Source
	frame [frameSamples]int16 // what next took; the mixer's

	mu   sync.Mutex // guards play
	play *playout
}

func newMixInput(src *Source) *mixInput { return &mixInput{from: src, play: newPlayout()} }

// WritePacket implements Sink.
func (in *mixInput) WritePacket(p *Packet) {
	if p.From != in.from {
		return
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.play != nil {
		in.play.write(p)
	}
}

// next takes the next frame; silence if there is nothing to hear.
func (in *mixInput) next() {
	in.mu.Lock()
	defer in.mu.Unlock()
	if !in.play.pull(&in.frame) {
		clear(in.frame[:])
	}
}

// close takes the talker off its source and gives the decoder back.
func (in *mixInput) close() {
	in.from.Detach(in)
	in.mu.Lock()
	defer in.mu.Unlock()
	in.play.close()
	in.play = nil
}
