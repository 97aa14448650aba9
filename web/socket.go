package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"callfloor/contact"

	"github.com/gorilla/websocket"
	"golang.org/x/time/rate"
)

// Times of a seat socket.
const (
	helloWithin  = 5 * time.Second
	pingEvery    = 3 * time.Second
	deadAfter    = 8 * time.Second // nothing heard, not even a pong
	writeWithin  = 5 * time.Second
	closeWithin  = time.Second // for the browser's half of the closing handshake
	doWithin     = 5 * time.Second
	maxCommands  = 16 // waiting commands of one socket; more are refused as busy
	wsGoingAway  = websocket.CloseGoingAway
	wsPolicy     = websocket.ClosePolicyViolation
	wsNormal     = websocket.CloseNormalClosure
	wsTryAgain   = websocket.CloseTryAgainLater
	originHeader = "Origin"
)

// socket is one WebSocket of one tab. The goroutine of the HTTP request reads
// and owns it; one goroutine writes; one carries out commands.
type socket struct {
	server   *Server
	conn     *websocket.Conn
	out      *outbox
	limit    *rate.Limiter
	offers   *rate.Limiter // each costs some milliseconds
	commands chan Command
	log      *slog.Logger
	host     string // by which the browser found us

	// Set once by join, before any other goroutine can see the socket.
	seat *Seat
	tab  string
	who  Identity
	// welcomed says that the tab has the document; the seat's lock guards it.
	welcomed bool
}

// ServeHTTP is the seat socket. A browser's request must come from a page of
// this host or of an allowed origin (403 otherwise, and also for a cookie
// without an Origin: cross-site WebSocket hijacking).
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.originAllowed(r) {
		s.metrics.refused.WithLabelValues("origin").Inc()
		s.log.Warn("seat socket refused: foreign or missing origin", "origin", r.Header.Get(originHeader), "remote", r.RemoteAddr)
		http.Error(w, "this page may not open a seat socket here", http.StatusForbidden)
		return
	}
	k := &socket{
		server: s, out: newOutbox(), log: s.log, host: r.Host,
		limit:    rate.NewLimiter(rate.Limit(s.cfg.MessagesPerSecond), 2*s.cfg.MessagesPerSecond),
		offers:   rate.NewLimiter(rate.Every(2*time.Second), 8),
		commands: make(chan Command, maxCommands),
	}
	if !s.add(k) {
		s.metrics.refused.WithLabelValues("sockets").Inc()
		w.Header().Set("Retry-After", "5")
		http.Error(w, "too many seat sockets, or the server is going down", http.StatusServiceUnavailable)
		return
	}
	defer s.remove(k)
	// The origin was judged above, by stricter rules than gorilla's.
	u := websocket.Upgrader{HandshakeTimeout: writeWithin, ReadBufferSize: 4096, WriteBufferSize: 4096, CheckOrigin: func(*http.Request) bool { return true }}
	conn, err := u.Upgrade(w, r, nil)
	if err != nil {
		return // Upgrade has answered
	}
	k.conn = conn
	k.serve(r)
}

// originAllowed decides by the Origin header, which a page cannot forge.
// Programs send none; they may in, but not on a cookie.
func (s *Server) originAllowed(r *http.Request) bool {
	origin := r.Header.Get(originHeader)
	if origin == "" {
		return r.Header.Get("Cookie") == ""
	}
	if slices.Contains(s.opts.AllowOrigin, origin) {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host)
}

// serve runs the socket to its end.
func (k *socket) serve(r *http.Request) {
	k.server.metrics.sockets.Inc()
	defer k.server.metrics.sockets.Dec()
	written := make(chan struct{})
	go func() {
		defer close(written)
		defer k.server.recovered("seat socket writer", func() { _ = k.conn.Close() })
		k.write()
	}()
	done := k.work()
	func() {
		defer k.server.recovered("seat socket reader", nil)
		k.read(r)
	}()
	if k.seat != nil {
		k.seat.leave(k)
	}
	k.out.close(wsNormal, nil)
	close(k.commands)
	// What is queued, a Bye above all, goes out before the connection is cut.
	select {
	case <-written:
	case <-time.After(closeWithin):
	}
	_ = k.conn.Close()
	<-written
	<-done
}

// read takes messages until the socket ends.
func (k *socket) read(r *http.Request) {
	k.conn.SetReadLimit(maxFrame)
	_ = k.conn.SetReadDeadline(time.Now().Add(helloWithin))
	if !k.greet(r) {
		k.drain()
		return
	}
	alive := func(string) error { return k.conn.SetReadDeadline(time.Now().Add(deadAfter)) }
	k.conn.SetPongHandler(alive)
	_ = alive("")
	for {
		m, ok := k.next()
		if !ok {
			break
		}
		k.handle(m)
		if k.out.closing() {
			break // a peer that ignores Bye must not keep the socket
		}
		_ = alive("")
	}
	k.drain()
}

// greet waits for Hello and joins the seat.
func (k *socket) greet(r *http.Request) bool {
	m, ok := k.next()
	if !ok {
		return false
	}
	hello, ok := m.(*Hello)
	if !ok {
		k.refuse("hello", contact.Errorf(contact.Invalid, "the first message must be hello"), false)
		return false
	}
	who, err := k.server.opts.Authenticate(r, hello.Token)
	if err != nil {
		k.refuse("unauthorized", err, false)
		return false
	}
	seat, err := k.server.seat(who)
	if err == nil {
		err = seat.join(k, who, hello)
	}
	if err != nil {
		k.refuse("seat", err, contact.ErrorCode(err) == contact.Busy)
		return false
	}
	// Once more: a session that ended meanwhile was not among the tabs' that were closed.
	if _, err := k.server.opts.Authenticate(r, hello.Token); err != nil {
		k.refuse("unauthorized", err, false)
		return false
	}
	return true
}

// next reads one message. It is not ok when the socket is over; a browser that
// sent what it may not has then been told.
func (k *socket) next() (any, bool) {
	kind, frame, err := k.conn.ReadMessage()
	if err != nil {
		if errors.Is(err, websocket.ErrReadLimit) {
			k.server.metrics.refused.WithLabelValues("size").Inc()
		}
		return nil, false
	}
	k.server.metrics.messages.Inc()
	if !k.limit.Allow() {
		k.refuse("rate", contact.Errorf(contact.Busy, "too many messages"), true)
		return nil, false
	}
	if kind != websocket.TextMessage {
		k.refuse("binary", contact.Errorf(contact.Invalid, "the seat socket takes text frames only"), false)
		return nil, false
	}
	m, err := decode(frame)
	if err != nil {
		k.refuse("invalid", err, false)
		return nil, false
	}
	return m, true
}

// handle deals with one message after Hello.
func (k *socket) handle(m any) {
	switch m := m.(type) {
	case *Hello:
		if m.TakeOver {
			k.seat.takeOver(k)
		}
	case *SDP:
		if err := k.seat.offer(k, m); err != nil {
			k.refuse("offer", err, false)
		}
	case *Candidate:
		k.seat.candidate(k, m)
	case *MediaReport:
		k.seat.report(k, m)
	case *Ping:
		k.out.push(encode(Ping{Type: TypePong, ID: m.ID}))
	case *Command:
		select {
		case k.commands <- *m:
		default:
			k.result(m.Req, contact.Errorf(contact.Busy, "too many commands are waiting"))
		}
	}
}

// work carries out commands, one after the other, beside the reader, so that a
// slow one does not keep pongs and candidates waiting. The channel it returns
// is closed when it is over.
func (k *socket) work() <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for c := range k.commands {
			k.do(c)
		}
	}()
	return done
}

func (k *socket) do(c Command) {
	defer k.server.recovered("seat command", func() { k.result(c.Req, errors.New("panic")) })
	err := checkCommand(k.seat.Identity().Role, &c)
	if err == nil {
		ctx, cancel := context.WithTimeout(k.server.ctx, doWithin)
		defer cancel()
		err = k.server.opts.House.Do(ctx, k.seat, c)
	}
	if err != nil && contact.ErrorCode(err) == contact.Internal {
		k.log.Error("seat command failed", "user", k.seat.User(), "verb", c.Do, "error", err)
	}
	k.result(c.Req, err)
}

func (k *socket) result(req int, err error) {
	k.out.push(encode(Result{Type: TypeResult, Req: req, Code: contact.ErrorCode(err), Error: contact.ErrorMessage(err)}))
}

// refuse counts, tells the browser why, and ends the socket.
func (k *socket) refuse(reason string, err error, reconnect bool) {
	k.server.metrics.refused.WithLabelValues(reason).Inc()
	k.log.Info("seat socket refused", "reason", reason, "error", err)
	k.bye(contact.ErrorCode(err), contact.ErrorMessage(err), reconnect)
}

// bye sends the last message and closes. It does not wait.
func (k *socket) bye(code contact.Code, reason string, reconnect bool) {
	ws := wsPolicy
	if reconnect {
		ws = wsGoingAway
	}
	k.out.close(ws, encode(Bye{Type: TypeBye, Code: code, Reason: reason, Reconnect: reconnect}))
}

// drain waits for the browser's half of the closing handshake, if we are the
// ones who close, so that Bye is not lost by a reset.
func (k *socket) drain() {
	if !k.out.closing() {
		return
	}
	_ = k.conn.SetReadDeadline(time.Now().Add(closeWithin))
	for range 100 {
		if _, _, err := k.conn.ReadMessage(); err != nil {
			return
		}
	}
}

// write writes what is queued, and pings, until the socket ends.
func (k *socket) write() {
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	for {
		select {
		case <-ping.C:
			if k.conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(writeWithin)) != nil {
				_ = k.conn.Close()
				return
			}
		case <-k.out.wake:
			if !k.flush() {
				return
			}
		}
	}
}

// flush writes what is queued; false when that was the last.
func (k *socket) flush() bool {
	frames, state, code := k.out.take()
	for _, f := range frames {
		_ = k.conn.SetWriteDeadline(time.Now().Add(writeWithin))
		if k.conn.WriteMessage(websocket.TextMessage, f) != nil {
			_ = k.conn.Close()
			return false
		}
	}
	switch state {
	case outboxOverflown:
		k.server.metrics.refused.WithLabelValues("slow").Inc()
		_ = k.conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(wsTryAgain, "too slow"), time.Now().Add(closeWithin))
		_ = k.conn.Close()
		return false
	case outboxClosing:
		_ = k.conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, ""), time.Now().Add(closeWithin))
		// The reader sees the answer or this deadline, and closes.
		_ = k.conn.SetReadDeadline(time.Now().Add(closeWithin))
		return false
	default:
		return true
	}
}
