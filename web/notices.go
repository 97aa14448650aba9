package web

import "sync"

// notices hands what happened to one seat to the House: in order, one at a
// time, and never under a lock. Whoever adds a notice calls run when it holds
// no lock; if another goroutine is handing over at that moment, that one goes
// on with it.
type notices struct {
	server *Server

	mu      sync.Mutex
	waiting []func(House)
	running bool
}

func (n *notices) add(f func(House)) {
	n.mu.Lock()
	n.waiting = append(n.waiting, f)
	n.mu.Unlock()
}

func (n *notices) run() {
	n.mu.Lock()
	if n.running {
		n.mu.Unlock()
		return
	}
	n.running = true
	for len(n.waiting) > 0 {
		f := n.waiting[0]
		n.waiting = n.waiting[1:]
		n.mu.Unlock()
		n.call(f)
		n.mu.Lock()
	}
	n.running = false
	n.mu.Unlock()
}

func (n *notices) call(f func(House)) {
	defer n.server.recovered("seat notice", nil)
	f(n.server.opts.House)
}
