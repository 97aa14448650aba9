package media

import "callfloor/media/codec"

// Limits of the jitter buffer, in samples of 8 kHz where they are lengths.
const (
	// heldMax is how many packets wait at most, heldOctets how long one may be.
	heldMax    = 24
	heldOctets = 1500
	// backlogMost is how much may wait: 200 ms. More is a burst of what was held
	// up somewhere, and the oldest of it is not played any more.
	backlogMost = 10 * frameSamples
	// inventedMost is how long a sound that stopped is carried on: 60 ms. Then
	// the source counts as silent.
	inventedMost = 3 * frameSamples
	// gapMost is the longest loss that is filled: 200 ms. Behind a longer one the
	// sound goes on at once.
	gapMost = 10 * frameSamples
	// spareKept is what may be left over after a frame was taken and is still no
	// delay that could be saved.
	spareKept = frameSamples
	// windowShort and windowLong are over how many frames the least that was left
	// over is looked for: half a second, and ten after packets came late.
	windowShort = 25
	windowLong  = 500
	// trimFade is how long the sound before a cut is faded into that behind it.
	trimFade = 80
)

// heldPacket is one that waits for its time.
type heldPacket struct {
	ts     uint32
	dur    uint32 // in clock units
	n      int
	octets [heldOctets]byte
}

// playout is the jitter buffer of sound that must be decoded: packets go in as
// they come, frames of 20 ms come out on the clock. What is lost is concealed.
// It waits for nothing at the beginning; packets that come late make the delay
// grow by what had to be invented for them, and what nobody needed for a while
// is cut out again, so that the delay follows the network by itself. It is pure;
// its owner's lock guards it.
//
//	idle ──packet──► playing ──60 ms without a packet──► idle
type playout struct {
	codec   codec.ID
	decoder codec.Decoder
	from    *Source
	ssrc    uint32

	held  [heldMax]heldPacket
	order [heldMax]uint8 // places in held, by time; those behind n are free
	n     int

	playing bool
	paused  bool   // the last packet had no sound: it is no loss
	next    uint32 // timestamp of what is decoded next
	owed    int    // samples invented since, for what had not come

	pcm   [gapMost + 2*frameSamples + 2*codec.MaxSamples]int16 // decoded and not played
	have  int
	least int // least left over in this window
	seen  int // frames of this window
	// window is how long it is, in frames; late says that a packet came late in
	// it.
	window int
	late   bool
}

func newPlayout() *playout {
	p := &playout{window: windowShort, least: backlogMost}
	for i := range p.order {
		p.order[i] = uint8(i)
	}
	return p
}

// close gives the decoder back.
func (p *playout) close() {
	if p.decoder != nil {
		p.decoder.Close()
	}
	p.decoder, p.codec = nil, codec.None
	p.flush()
}

// flush forgets what waits.
func (p *playout) flush() { p.n, p.have, p.owed, p.playing, p.paused = 0, 0, 0, false, false }

// scale is how many clock units a sample of 8 kHz is.
func (p *playout) scale() int { return p.codec.ClockRate() / codec.Rate }

// write takes a packet. One without sound says that there is a pause.
func (p *playout) write(k *Packet) {
	if k.Codec.Audio() && len(k.Payload) > 0 && (k.Codec != p.codec || k.SSRC != p.ssrc || k.From != p.from) {
		p.begin(k)
	}
	if k.SSRC != p.ssrc || k.From != p.from {
		return
	}
	dur := codec.Duration(k.Codec, k.Payload)
	p.paused = dur == 0
	if dur == 0 || len(k.Payload) > heldOctets {
		return
	}
	if p.playing {
		ahead := int(int32(k.Timestamp - p.next))
		switch limit := int(units(maxOff, p.codec.ClockRate())); {
		case ahead > limit || ahead < -limit:
			p.flush() // a new clock
		case ahead < 0:
			p.late = true
			return
		}
	}
	p.insert(k, dur)
	for p.playing && p.n > 1 && p.waiting() > backlogMost {
		p.drop()
		p.next, p.owed = p.oldest().ts, 0
	}
}

// begin takes up another stream.
func (p *playout) begin(k *Packet) {
	if k.Codec != p.codec {
		p.close()
		p.codec, p.decoder = k.Codec, codec.NewDecoder(k.Codec)
	}
	p.flush()
	p.ssrc, p.from = k.SSRC, k.From
}

func (p *playout) oldest() *heldPacket { return &p.held[p.order[0]] }

// insert keeps a copy of k at its place in time; twice the same is once.
func (p *playout) insert(k *Packet, dur uint32) {
	if p.n == heldMax {
		p.drop()
		p.next, p.owed = p.oldest().ts, 0
	}
	at := p.n
	for at > 0 {
		ahead := int32(k.Timestamp - p.held[p.order[at-1]].ts)
		if ahead == 0 {
			return
		}
		if ahead > 0 {
			break
		}
		at--
	}
	place := p.order[p.n]
	copy(p.order[at+1:p.n+1], p.order[at:p.n])
	p.order[at] = place
	p.n++
	h := &p.held[place]
	h.ts, h.dur, h.n = k.Timestamp, dur, copy(h.octets[:], k.Payload)
}

// drop frees the oldest packet.
func (p *playout) drop() {
	place := p.order[0]
	copy(p.order[:], p.order[1:p.n])
	p.n--
	p.order[p.n] = place
}

// waiting is how much sound is there to be played.
func (p *playout) waiting() int {
	if p.n == 0 {
		return p.have
	}
	newest := &p.held[p.order[p.n-1]]
	return p.have + int(int32(newest.ts+newest.dur-p.next))/p.scale()
}

// pull takes the next frame; false if there is nothing to hear. It allocates
// nothing unless Opus has to conceal.
func (p *playout) pull(out *[frameSamples]int16) bool {
	if !p.playing {
		if p.n == 0 {
			return false
		}
		p.playing, p.next, p.owed = true, p.oldest().ts, 0
	}
	for p.have < frameSamples {
		if p.n == 0 && !p.carryOn() {
			break
		}
		if p.n > 0 {
			p.decodeNext()
		}
	}
	if p.have == 0 {
		p.flush()
		return false
	}
	n := copy(out[:], p.pcm[:min(p.have, frameSamples)])
	clear(out[n:])
	p.have = copy(p.pcm[:], p.pcm[n:p.have])
	p.judge()
	return true
}

// carryOn invents the rest of a frame for which no packet is there; false if it
// was enough.
func (p *playout) carryOn() bool {
	if p.paused || p.owed >= inventedMost {
		p.playing = false
		return false
	}
	p.invent(frameSamples - p.have)
	return true
}

func (p *playout) invent(n int) {
	p.decoder.Conceal(p.pcm[p.have : p.have+n])
	p.have += n
	p.owed += n
}

// decodeNext decodes the oldest packet, or invents some of what is missing
// before it. What was invented already, since nothing had come, counts for the
// loss; if it was none, all that follows is that much later.
func (p *playout) decodeNext() {
	h := p.oldest()
	gap := int(int32(h.ts-p.next))/p.scale() - p.owed
	if h.ts != p.next && gap > 0 && gap <= gapMost {
		p.invent(min(gap, frameSamples))
		return
	}
	p.late = p.late || gap < 0 // some of it was invented, and comes all the same
	n := p.decoder.Decode(p.pcm[p.have:p.have+codec.MaxSamples], h.octets[:h.n])
	p.have += n
	p.next, p.owed = h.ts+h.dur, 0
	if n == 0 { // damaged: as if it were lost
		p.next = h.ts
	}
	p.drop()
}

// judge looks at what is left over, and cuts what nobody needed.
func (p *playout) judge() {
	p.least = min(p.least, max(p.waiting(), 0))
	if p.seen++; p.seen < p.window {
		return
	}
	if p.late {
		p.window = min(2*p.window, windowLong)
	} else {
		p.window = max(p.window/2, windowShort)
	}
	if p.least > spareKept {
		p.trim(p.least - spareKept)
	}
	p.seen, p.late, p.least = 0, false, backlogMost
}

// trim cuts about n samples out of what comes next, at a place where the sound
// behind the cut is most like that before it.
func (p *playout) trim(n int) {
	for p.n > 0 && p.have < n+trimFade && p.oldest().ts == p.next {
		p.decodeNext()
	}
	n = min(n, p.have-trimFade)
	if n < trimFade {
		return
	}
	n = p.alike(n)
	for i := range trimFade {
		in := float32(i+1) / (trimFade + 1)
		p.pcm[i] = int16(float32(p.pcm[i])*(1-in) + float32(p.pcm[i+n])*in)
	}
	p.have = trimFade + copy(p.pcm[trimFade:], p.pcm[trimFade+n:p.have])
}

// alike returns the cut of up to n samples behind which the sound is most like
// its beginning.
func (p *playout) alike(n int) int {
	best, at := int64(-1), n
	for cut := n; cut > n-trimFade; cut-- {
		var dot int64
		for i, v := range p.pcm[:trimFade] {
			dot += int64(v) * int64(p.pcm[cut+i])
		}
		if dot > best {
			best, at = dot, cut
		}
	}
	return at
}
