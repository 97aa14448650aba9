package media

import (
	"fmt"
	"sync"
	"time"
)

// portRest is how long a pair of ports is left alone after a call, so that the
// last call's late packets cannot reach the next.
const portRest = 30 * time.Second

// Ports hands out pairs of UDP ports: an even one for RTP and the odd one after
// it for RTCP (RFC 3550 §11), the one longest unused first.
type Ports struct {
	mu    sync.Mutex
	pairs []portPair // first in, first out
}

type portPair struct {
	port  int
	ready time.Time // when its rest is over; zero: never used
}

// NewPorts returns the pairs within from and to, both included. It returns an
// error if there is none or a bound is no port.
func NewPorts(from, to int) (*Ports, error) {
	if from < 1 || to > 65535 || from > to {
		return nil, fmt.Errorf("RTP ports %d-%d: both must be between 1 and 65535, the lower first", from, to)
	}
	p := &Ports{}
	for port := from + from%2; port+1 <= to; port += 2 {
		p.pairs = append(p.pairs, portPair{port: port})
	}
	if len(p.pairs) == 0 {
		return nil, fmt.Errorf("RTP ports %d-%d: no even port with the odd one after it; use a wider range such as 20000-32767", from, to)
	}
	return p, nil
}

// Free returns how many pairs could be taken now.
func (p *Ports) Free() int { return p.free(time.Now()) }

func (p *Ports) free(now time.Time) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, pair := range p.pairs {
		if !pair.ready.After(now) {
			n++
		}
	}
	return n
}

// take returns the RTP port of a pair, or an error if all are in use or rest.
func (p *Ports) take(now time.Time) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.pairs) == 0 {
		return 0, fmt.Errorf("take a pair of RTP ports: all are in use; configure a wider range")
	}
	first := p.pairs[0]
	if first.ready.After(now) {
		return 0, fmt.Errorf("take a pair of RTP ports: the %d not in use rest after a call; configure a wider range", len(p.pairs))
	}
	p.pairs = p.pairs[1:]
	return first.port, nil
}

// give puts a pair back to rest.
func (p *Ports) give(port int, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pairs = append(p.pairs, portPair{port: port, ready: now.Add(portRest)})
}
