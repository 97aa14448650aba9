package web

import (
	"net"
	"sync"
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
