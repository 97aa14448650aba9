package recordings

import (
	"encoding/binary"
	"sync"
)

// ring keeps packet records in a bounded piece of memory, between those who
// must not wait and one who may. When it is full the oldest records go and are
// counted. push does not block (but for another push or a copy of the ring) and
// allocates only when more waits than ever before.
type ring struct {
	mu      sync.Mutex
	buf     []byte
	most    int // octets that buf may grow to
	start   int // of the oldest record
	size    int // octets in use
	dropped [tracks]uint32
}

// newRing begins small, since most of the time little waits.
func newRing(first, most int) *ring { return &ring{buf: make([]byte, min(first, most)), most: most} }

// push adds a record; head's length is that of payload.
func (g *ring) push(head *recordHead, payload []byte) {
	need := recordFixed + len(payload)
	g.mu.Lock() // nothing between here and the end can panic
	switch end := g.start + g.size; {
	case end+need <= len(g.buf) && len(payload) <= maxPayload: // nearly always
		copy(g.buf[end:], head[:])
		copy(g.buf[end+recordFixed:], payload)
		g.size += need
	case len(payload) > maxPayload || need > g.most:
		g.dropped[head[0]]++
	default:
		g.makeRoom(need)
		g.put(head[:])
		g.put(payload)
	}
	g.mu.Unlock()
}

// makeRoom grows while it may, and then drops the oldest.
func (g *ring) makeRoom(need int) {
	for len(g.buf)-g.size < need && len(g.buf) < g.most {
		g.grow()
	}
	for len(g.buf)-g.size < need {
		g.dropOldest()
	}
}

// drain moves everything into dst and returns it with what was dropped on each
// track since the last time.
func (g *ring) drain(dst []byte) ([]byte, [tracks]uint32) {
	g.mu.Lock()
	defer g.mu.Unlock()
	dst = g.appendAll(dst)
	g.start, g.size = 0, 0
	dropped := g.dropped
	g.dropped = [tracks]uint32{}
	return dst, dropped
}

// copyOut is drain that leaves the ring as it is.
func (g *ring) copyOut() []byte {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.appendAll(nil)
}

// clear forgets and overwrites everything.
func (g *ring) clear() {
	g.mu.Lock()
	defer g.mu.Unlock()
	clear(g.buf)
	g.start, g.size, g.dropped = 0, 0, [tracks]uint32{}
}

func (g *ring) appendAll(dst []byte) []byte {
	first := min(g.size, len(g.buf)-g.start)
	dst = append(dst, g.buf[g.start:g.start+first]...)
	return append(dst, g.buf[:g.size-first]...)
}

func (g *ring) grow() {
	bigger := make([]byte, min(2*len(g.buf), g.most))
	g.appendAll(bigger[:0])
	g.buf, g.start = bigger, 0
}

func (g *ring) put(b []byte) {
	at := (g.start + g.size) % len(g.buf)
	n := copy(g.buf[at:], b)
	copy(g.buf, b[n:])
	g.size += len(b)
}

func (g *ring) dropOldest() {
	var n [2]byte
	n[0] = g.buf[(g.start+21)%len(g.buf)]
	n[1] = g.buf[(g.start+22)%len(g.buf)]
	length := recordFixed + int(binary.BigEndian.Uint16(n[:]))
	g.dropped[g.buf[g.start]]++
	g.start = (g.start + length) % len(g.buf)
	g.size -= length
}
