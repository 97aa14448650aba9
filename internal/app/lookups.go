package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"

	"callfloor/ivr"
)

// fetcher asks other servers for flows. Every connection is looked at once its
// address is known, after DNS, so that no name leads inside.
type fetcher struct {
	client  *http.Client
	private []netip.Prefix // that may be asked nevertheless
}

const (
	lookupConnections = 64
	lookupRedirects   = 3
)

// newFetcher returns a fetcher that asks public addresses and those of private.
func newFetcher(private []netip.Prefix) *fetcher {
	f := &fetcher{private: private}
	dialer := &net.Dialer{Timeout: 3 * time.Second, Control: f.control}
	f.client = &http.Client{
		Transport: &http.Transport{
			Proxy:       nil, // a proxy would look the name up behind our back
			DialContext: dialer.DialContext, MaxConnsPerHost: lookupConnections, MaxIdleConnsPerHost: 8,
			IdleConnTimeout: 30 * time.Second, TLSHandshakeTimeout: 3 * time.Second, MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if len(via) >= lookupRedirects || r.URL.Host != via[0].URL.Host || r.URL.Scheme != via[0].URL.Scheme {
				return errors.New("it redirects elsewhere")
			}
			return nil
		},
	}
	return f
}

// errNotPublic says why an address is not asked.
var errNotPublic = errors.New("it is not a public address; lookups.private lists those of your own that may be asked")

// control refuses a connection before its first packet.
func (f *fetcher) control(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("the address %s: %w", address, err)
	}
	return f.allow(to.Addr())
}

func (f *fetcher) allow(a netip.Addr) error {
	a = a.Unmap().WithZone("")
	for _, p := range f.private {
		if p.Contains(a) {
			return nil
		}
	}
	if inner, ok := embedded(a); ok {
		return f.allow(inner)
	}
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.IsLinkLocalUnicast() {
		return errNotPublic
	}
	for _, p := range reserved() {
		if p.Contains(a) {
			return errNotPublic
		}
	}
	return nil
}

// reserved are the ranges that no public server has (RFC 6890, RFC 8215) and
// that netip does not know.
func reserved() []netip.Prefix {
	var list []netip.Prefix
	for _, text := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24",
		"203.0.113.0/24", "240.0.0.0/4", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "fec0::/10",
	} {
		list = append(list, netip.MustParsePrefix(text))
	}
	return list
}

// embedded returns the IPv4 address inside one of NAT64 (RFC 6052) or 6to4.
func embedded(a netip.Addr) (netip.Addr, bool) {
	b := a.As16()
	switch {
	case !a.Is6():
		return netip.Addr{}, false
	case netip.MustParsePrefix("64:ff9b::/96").Contains(a):
		return netip.AddrFrom4([4]byte(b[12:16])), true
	case netip.MustParsePrefix("2002::/16").Contains(a):
		return netip.AddrFrom4([4]byte(b[2:6])), true
	}
	return netip.Addr{}, false
}

// Fetch implements ivr.Fetcher. Its errors hold no address: that may have a
// customer's number in it.
func (f *fetcher) Fetch(ctx context.Context, q ivr.Request) (ivr.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, q.Timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, q.Method, q.URL, bytes.NewReader(q.Body))
	if err != nil {
		return ivr.Response{}, errors.New("the address cannot be read")
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", "callfloor")
	if len(q.Body) > 0 {
		r.Header.Set("Content-Type", "application/json")
	}
	for name, value := range q.Header {
		r.Header.Set(name, value)
	}
	got, err := f.client.Do(r)
	if err != nil {
		return ivr.Response{}, plainly(ctx, err, q.Timeout)
	}
	defer got.Body.Close() //nolint:errcheck // it was only read
	body, err := io.ReadAll(io.LimitReader(got.Body, q.MaxBody+1))
	if err != nil {
		return ivr.Response{}, plainly(ctx, err, q.Timeout)
	}
	if int64(len(body)) > q.MaxBody {
		return ivr.Response{}, fmt.Errorf("the answer is longer than %d octets", q.MaxBody)
	}
	return ivr.Response{Status: got.StatusCode, Body: body}, nil
}

// plainly says what went wrong without the address.
func plainly(ctx context.Context, err error, limit time.Duration) error {
	var op *net.OpError
	var dns *net.DNSError
	switch {
	case errors.Is(err, errNotPublic):
		return errNotPublic
	case ctx.Err() != nil:
		return fmt.Errorf("no answer within %s", limit)
	case errors.As(err, &dns):
		return errors.New("the server's name is not known")
	case errors.As(err, &op):
		return fmt.Errorf("the server cannot be reached: %w", op.Err)
	default:
		return errors.New("the server gave no proper answer")
	}
}

// close ends idle connections.
func (f *fetcher) close() { f.client.CloseIdleConnections() }
