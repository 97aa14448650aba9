package api

import (
	"net"
	"sync"
)

// cappedListener takes no more than cap(free) connections at a time; further
// ones wait in the kernel's queue.
type cappedListener struct {
	net.Listener
	free  chan struct{}
	done  chan struct{}
	close func() error
}

func capped(l net.Listener, n int) net.Listener {
	c := &cappedListener{Listener: l, free: make(chan struct{}, n), done: make(chan struct{})}
	c.close = sync.OnceValue(func() error {
		close(c.done)
		return l.Close()
	})
	return c
}

// Accept waits for a free place and then for a connection.
func (l *cappedListener) Accept() (net.Conn, error) {
	select {
	case l.free <- struct{}{}:
	case <-l.done:
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.free
		return nil, err
	}
	return &cappedConn{Conn: c, leave: sync.OnceFunc(func() { <-l.free })}, nil
}

// Close stops listening, also where Accept waits for a free place.
func (l *cappedListener) Close() error { return l.close() }

type cappedConn struct {
	net.Conn
	leave func()
}

// Close closes the connection and gives the place back.
func (c *cappedConn) Close() error {
	defer c.leave()
	return c.Conn.Close()
}
