package sip

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	gosip "github.com/emiago/sipgo/sip"
)

// Limits of connections.
const (
	maxConns     = 2048
	connsASource = 256              // of one address
	firstMessage = 32 * time.Second // to say something
	wholeMessage = 10 * time.Second // from its first octet to its last
	idleTimeout  = 2 * time.Hour    // between messages; calls keep their flow
	writeTimeout = 5 * time.Second  // a peer that does not read
	setUpTimeout = 10 * time.Second // TLS and WebSocket
)

// stream is a connection as sipgo's reader sees it: it reads one stub for each
// message, and writes whole messages.
type stream struct {
	net.Conn // TCP, or TLS over it
	f        *front
	wire     string
	remote   netip.AddrPort
	ws       bool // messages are WebSocket frames

	next gosip.Message // what the stub stands for; the reader's own
	stub []byte        // what is left of the stub
	buf  []byte        // read and not yet used
	said bool          // a message came

	write  sync.Mutex
	once   sync.Once
	closed chan struct{}
	done   func() // gives its place back
}

// RemoteAddr is the far end's without the IPv6 form of IPv4 addresses, so that
// sipgo finds the connection.
func (st *stream) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(st.remote) }

// Read returns a stub for the next message that is fit for sipgo.
func (st *stream) Read(b []byte) (int, error) {
	if len(st.stub) == 0 {
		msg, err := st.message()
		if err != nil {
			return 0, err
		}
		st.next, st.stub = msg, []byte(stub(msg))
	}
	n := copy(b, st.stub)
	st.stub = st.stub[n:]
	return n, nil
}

// message waits for the next message.
func (st *stream) message() (gosip.Message, error) {
	for {
		raw, err := st.frame()
		if err != nil {
			return nil, err
		}
		for !st.f.admit(st.remote.Addr()) { // the stream waits, and TCP makes the far end wait
			if st.f.bans.banned(st.remote.Addr(), time.Now()) {
				return nil, net.ErrClosed
			}
			select {
			case <-time.After(50 * time.Millisecond):
			case <-st.closed:
				return nil, net.ErrClosed
			}
		}
		msg, answer := st.f.take(raw, st.remote, st.wire)
		if answer != nil {
			if _, err := st.Write(answer); err != nil {
				return nil, err
			}
		}
		if msg != nil {
			return msg, nil
		}
	}
}

var errUnframed = errors.New("the end of a message cannot be known")

// frame returns the octets of the next message.
func (st *stream) frame() ([]byte, error) {
	if st.ws {
		raw, err := st.readFrame()
		st.said = true
		return raw, err
	}
	for {
		st.keepAlive()
		if i := bytes.Index(st.buf, crlfcrlf); i >= 0 && i <= maxHeaders {
			head := scan(st.buf[:i+4])
			n, err := head.bodyLength()
			switch {
			case err != nil:
				return nil, st.giveUp(head, 400, "Bad Content-Length")
			case n > st.f.s.cfg.MaxBody:
				return nil, st.giveUp(head, 513, "Message Too Large")
			case len(st.buf) >= i+4+max(n, 0):
				raw := st.buf[:i+4+max(n, 0)]
				st.buf = st.buf[len(raw):]
				st.said = true
				return raw, nil
			}
		} else if len(st.buf) > maxHeaders {
			return nil, st.giveUp(scan(st.buf), 513, "Message Too Large")
		}
		if err := st.more(); err != nil {
			if head := scan(st.buf); errors.Is(err, errSlow) && bytes.Contains(st.buf, crlfcrlf) {
				return nil, st.giveUp(head, 400, "Body Shorter Than Content-Length")
			}
			return nil, err
		}
	}
}

// keepAlive takes the empty lines before a message away and answers a ping,
// which is two of them (RFC 5626 §3.5.1).
func (st *stream) keepAlive() {
	for len(st.buf) >= 2 && bytes.HasPrefix(st.buf, crlf) {
		if bytes.HasPrefix(st.buf, crlfcrlf) {
			st.buf = st.buf[2:]
			_, _ = st.Write(crlf) // a dead connection shows at the next read
		}
		st.buf = st.buf[2:]
	}
}

// giveUp answers what cannot be framed; the connection ends with it.
func (st *stream) giveUp(head rawMessage, status int, reason string) error {
	st.f.s.metrics.garbage.Inc()
	if a := st.f.refuseRaw(head, st.remote, status, reason); a != nil {
		_, _ = st.Write(a)
	}
	return errUnframed
}

var errSlow = errors.New("a message was not whole in time")

// more reads what comes. A message that has begun must be whole in time,
// whatever it drips.
func (st *stream) more() error {
	begun := len(st.buf) > 0
	switch {
	case !begun && st.said:
		_ = st.SetReadDeadline(time.Now().Add(idleTimeout))
	case !begun:
		_ = st.SetReadDeadline(time.Now().Add(firstMessage))
	}
	var chunk [4096]byte
	n, err := st.Conn.Read(chunk[:])
	st.buf = append(st.buf, chunk[:n]...)
	if !begun && n > 0 {
		_ = st.SetReadDeadline(time.Now().Add(st.f.s.wholeMessage))
	}
	var late net.Error
	switch {
	case n > 0:
		return nil
	case errors.As(err, &late) && late.Timeout() && begun:
		return errSlow
	}
	return err
}

// Write sends one message.
func (st *stream) Write(b []byte) (int, error) {
	st.write.Lock()
	defer st.write.Unlock()
	if st.ws {
		return len(b), st.writeFrame(wsText, b)
	}
	_ = st.SetWriteDeadline(time.Now().Add(writeTimeout))
	return st.Conn.Write(b)
}

// Close ends the connection, once, and tells who must know.
func (st *stream) Close() error {
	err := net.ErrClosed
	st.once.Do(func() {
		close(st.closed)
		err = st.Conn.Close()
		st.f.leave(st)
		st.done()
	})
	return err
}

// join makes a connection known and hands it to sipgo; its reader has begun
// when it returns.
func (f *front) join(conn net.Conn, wire string, ws bool, rest []byte, done func()) error {
	st := &stream{Conn: conn, f: f, wire: wire, remote: addrPort(conn.RemoteAddr()), ws: ws, buf: rest, closed: make(chan struct{}), done: done}
	key := st.RemoteAddr().String()
	f.mu.Lock()
	f.streams[key] = st
	f.mu.Unlock()
	if err := f.accept.give(st); err != nil {
		_ = st.Close()
		return err
	}
	return nil
}

func (f *front) leave(st *stream) {
	key := st.RemoteAddr().String()
	f.mu.Lock()
	if f.streams[key] == st {
		delete(f.streams, key)
	}
	f.mu.Unlock()
	if f.s.registrar != nil {
		f.s.registrar.flowClosed(st.remote)
	}
}

// handover is the listener that sipgo accepts every connection from, whoever
// made it.
type handover struct {
	conns chan handed
	stop  chan struct{}
	once  sync.Once
	last  chan struct{} // closed when sipgo is ready for the next; Accept's own
}

type handed struct {
	conn  net.Conn
	taken chan struct{}
}

func newHandover() *handover {
	return &handover{conns: make(chan handed), stop: make(chan struct{})}
}

// give returns when sipgo's reader of the connection has begun.
func (h *handover) give(c net.Conn) error {
	it := handed{c, make(chan struct{})}
	select {
	case h.conns <- it:
	case <-h.stop:
		return net.ErrClosed
	}
	select {
	case <-it.taken:
		return nil
	case <-h.stop:
		return net.ErrClosed
	}
}

// Accept implements net.Listener. sipgo calls it again when the connection
// before is in its pool.
func (h *handover) Accept() (net.Conn, error) {
	if h.last != nil {
		close(h.last)
		h.last = nil
	}
	select {
	case it := <-h.conns:
		h.last = it.taken
		return it.conn, nil
	case <-h.stop:
		return nil, net.ErrClosed
	}
}

func (h *handover) close() { h.once.Do(func() { close(h.stop) }) }

// Close implements net.Listener.
func (h *handover) Close() error {
	h.close()
	return nil
}

// Addr implements net.Listener; nothing connects to it.
func (h *handover) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4zero} }
