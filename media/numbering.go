package media

// closedKept is how many places at which a numbering closed are kept for
// packets that come late.
const closedKept = 32

// numbering maps a source's numbers onto a stream's own, without a hole for what
// is not sent on.
type numbering struct {
	highest int64 // extended number of the source's newest packet
	closed  [closedKept]closing
	nClosed int
}

// closing says that from the source's extended number on, what is added to it.
type closing struct{ from, add int64 }

// begin makes the source's number seq the stream's number as.
func (t *numbering) begin(seq, as uint16) {
	t.highest = int64(seq)
	t.nClosed = 1
	t.closed[0] = closing{from: t.highest, add: int64(as) - t.highest}
}

// extend returns the source's number without the wrap at 65536.
func (t *numbering) extend(seq uint16) int64 {
	return t.highest + int64(int16(seq-uint16(t.highest)))
}

// close takes the extended number n out of the numbering.
func (t *numbering) close(n int64) {
	last := &t.closed[t.nClosed-1]
	if t.nClosed > 1 && last.from == n { // a run of them
		*last = closing{from: n + 1, add: last.add - 1}
		return
	}
	next := closing{from: n + 1, add: last.add - 1}
	if t.nClosed == closedKept {
		copy(t.closed[:], t.closed[1:])
		t.nClosed--
	}
	t.closed[t.nClosed] = next
	t.nClosed++
}

// number returns what the extended number n is sent as; false if it came too
// late to know.
func (t *numbering) number(n int64) (uint16, bool) {
	for i := t.nClosed - 1; i >= 0; i-- {
		if n >= t.closed[i].from {
			return uint16(n + t.closed[i].add), true
		}
	}
	return 0, false
}
