package web

import (
	"errors"
	"net"
	"sync"
	"time"
)

// cappedListener closes connections beyond cap(free) at once, so that nobody
// can use up the process's file descriptors through the media port.
type cappedListener struct {
	net.Listener
	free chan struct{} // one token for each open connection
}

// Accept returns the next connection that there is room for.
func (l *cappedListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		select {
		case l.free <- struct{}{}:
			return &cappedConn{Conn: conn, release: sync.OnceFunc(func() { <-l.free })}, nil
		default:
			_ = conn.Close()
		}
	}
}

type cappedConn struct {
	net.Conn
	release func()
}

// Close closes the connection and makes room for another.
func (c *cappedConn) Close() error {
	defer c.release()
	return c.Conn.Close()
}

// Limits of a connection to the TURN server.
const (
	firstWithin = 10 * time.Second // for the first octet
	idleWithin  = 11 * time.Minute // a client refreshes its allocation within 10
)

// idleListener closes connections that say nothing, and with itself all that
// are open; pion's TURN server does neither.
type idleListener struct {
	net.Listener
	mu    sync.Mutex
	conns map[*idleConn]struct{} // nil when closed
}

func newIdleListener(l net.Listener) *idleListener {
	return &idleListener{Listener: l, conns: map[*idleConn]struct{}{}}
}

// Accept returns the next connection.
func (l *idleListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &idleConn{Conn: conn, list: l, wait: firstWithin}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conns == nil {
		return nil, errors.Join(net.ErrClosed, conn.Close())
	}
	l.conns[c] = struct{}{}
	return c, nil
}

// Close ends the listener and its connections.
func (l *idleListener) Close() error {
	err := l.Listener.Close()
	l.mu.Lock()
	open := l.conns
	l.conns = nil
	l.mu.Unlock()
	for c := range open {
		err = errors.Join(err, c.Conn.Close())
	}
	return err
}

type idleConn struct {
	net.Conn
	list *idleListener
	wait time.Duration // for the next octet; one goroutine reads
}

// Read fails when nothing comes for too long.
func (c *idleConn) Read(p []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.wait)); err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.wait = idleWithin
	}
	return n, err
}

// Write does not wait for a browser that reads nothing: what its relayed
// address receives would pile up behind it.
func (c *idleConn) Write(p []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(writeWithin)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

// Close closes the connection and forgets it.
func (c *idleConn) Close() error {
	c.list.mu.Lock()
	delete(c.list.conns, c)
	c.list.mu.Unlock()
	return c.Conn.Close()
}
