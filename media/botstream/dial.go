package botstream

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"syscall"
	"time"

	"github.com/gorilla/websocket"

	"callfloor/media"
)

// Dialer connects to bots.
type Dialer struct {
	Log   *slog.Logger
	Pacer *media.Pacer
	// Allow says of each address, after DNS, whether it may be connected to;
	// plain is true without TLS.
	Allow func(a netip.Addr, plain bool) error
	// Hosts, if there are any, are the only names of servers that may be asked.
	Hosts []string
	// TLS is for tests; nil is the system's.
	TLS *tls.Config
}

// Start is what a stream begins with.
type Start struct {
	// URL is ws:// or wss://.
	URL    string
	Header map[string]string
	// Call is the id of the call, which the bot is told.
	Call string
	// Parameters are the custom parameters of the start message.
	Parameters map[string]string
	// Connect is how long connecting may take.
	Connect time.Duration
}

// RefusedError is why a bot may not be connected to at all: trying again is of
// no use.
type RefusedError struct{ Why string }

// Error implements error.
func (e *RefusedError) Error() string { return e.Why }

// Dial connects and sends the start of a stream. The error holds no address:
// that may have a customer's number in it.
func (d *Dialer) Dial(ctx context.Context, s Start) (*Stream, error) {
	u, err := url.Parse(s.URL)
	if err != nil || u.Scheme != "ws" && u.Scheme != "wss" || u.Host == "" {
		return nil, &RefusedError{"the bot's address is none; write wss://HOST/PATH"}
	}
	if len(d.Hosts) > 0 && !slices.Contains(d.Hosts, u.Hostname()) {
		return nil, &RefusedError{"the bot's server is not among bots.hosts of the configuration"}
	}
	ctx, cancel := context.WithTimeout(ctx, s.Connect)
	defer cancel()
	conn, err := d.connect(ctx, u, s)
	if err != nil {
		return nil, plainly(ctx, err, s.Connect)
	}
	id := make([]byte, 16)
	_, _ = rand.Read(id) // never fails
	st := newStream(conn, d.Pacer, d.Log, "MZ"+hex.EncodeToString(id), s)
	st.run()
	return st, nil
}

func (d *Dialer) connect(ctx context.Context, u *url.URL, s Start) (*websocket.Conn, error) {
	plain := u.Scheme == "ws"
	dialer := &net.Dialer{Timeout: s.Connect, Control: func(_, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("the address %s: %w", address, err)
		}
		if err := d.Allow(to.Addr(), plain); err != nil {
			return &RefusedError{err.Error()}
		}
		return nil
	}}
	ws := websocket.Dialer{
		NetDialContext: dialer.DialContext, TLSClientConfig: d.TLS, HandshakeTimeout: s.Connect,
		ReadBufferSize: 4096, WriteBufferSize: 4096,
	}
	header := http.Header{"User-Agent": {"callfloor"}}
	for name, value := range s.Header {
		header.Set(name, value)
	}
	conn, answer, err := ws.DialContext(ctx, u.String(), header)
	if answer != nil && answer.Body != nil {
		defer answer.Body.Close() //nolint:errcheck // nothing is read from it
	}
	if errors.Is(err, websocket.ErrBadHandshake) {
		return nil, fmt.Errorf("the bot's server answered %d instead of a WebSocket", answer.StatusCode)
	}
	return conn, err
}

// plainly says what went wrong without the address.
func plainly(ctx context.Context, err error, limit time.Duration) error {
	var op *net.OpError
	var dns *net.DNSError
	var refused *RefusedError
	var unknown *tls.CertificateVerificationError
	switch {
	case errors.As(err, &refused):
		return refused
	case ctx.Err() != nil:
		return fmt.Errorf("the bot did not answer within %s", limit)
	case errors.As(err, &dns):
		return errors.New("the name of the bot's server is not known")
	case errors.As(err, &unknown):
		return errors.New("the certificate of the bot's server is not trusted")
	case errors.As(err, &op):
		return fmt.Errorf("the bot's server cannot be reached: %w", op.Err)
	}
	return err
}
