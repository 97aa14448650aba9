package media

import "callfloor/media/codec"

// Recode plays in another audio format from now on: what plays goes on in it, at
// the place where it is.
func (p *Player) Recode(c codec.ID) {
	p.mu.Lock()
	j := p.job
	p.mu.Unlock()
	var frames [][]byte
	if j != nil { // encoded without the lock: the pacer must not wait
		if frames = j.clip.Frames(c); j.loop {
			frames = j.clip.loop(c)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.codec, p.packet.Codec = c, c
	switch {
	case p.job == nil:
	case p.job != j || len(frames) == 0: // something else began meanwhile
		p.job.done <- ErrReplaced
		p.job = nil
	default: // every format has frames of 20 ms
		j.frames, j.at = frames, min(j.at, len(frames)-1)
	}
}

// format is what is played in now.
func (p *Player) format() codec.ID {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.codec
}
