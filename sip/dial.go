package sip

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	gosip "github.com/emiago/sipgo/sip"

	"callfloor/media/codec"
	"callfloor/sip/sdp"
)

// DialOptions say how to place a call.
type DialOptions struct {
	// From is our number, or a whole SIP URI; "" is "callfloor".
	From string
	// Codecs are offered in this order; none: Config.Codecs.
	Codecs []codec.ID
	// SRTP is how the audio is to be encrypted, sdp.SDES or sdp.DTLS; a far end
	// that does not is hung up on. "": plain RTP.
	SRTP sdp.Method
	// Transport is "udp" or "tcp"; "": the URI's, else UDP.
	Transport string
	// Prepare, if there, is called with the leg before the INVITE is sent: to
	// attach to its source before the first packet can come.
	Prepare func(*Leg)
	// Progress, if there, is told each provisional response (180, 183) and
	// whether early media comes with it. It must not block.
	Progress func(status int, earlyMedia bool)
	// Headers are further headers of the INVITE: P-Asserted-Identity, Privacy,
	// Diversion, Referred-By, Replaces. See Assert and Divert.
	Headers []Header
	// Dest is the number for whose sake the INVITE is signed (RFC 8224) where a
	// key is configured; "": the user of the URI.
	Dest string

	auth challenges // answers 401 and 407; nil: nobody does
}

// Header is one SIP header.
type Header struct{ Name, Value string }

// challenges answers the challenges to a leg's requests (RFC 7616).
type challenges interface {
	// sign puts the answer to the challenge known so far on a request.
	sign(*gosip.Request)
	// answer takes a 401 or 407 to a request sent to sentTo; an error where
	// that must not be tried again. again: one was answered before.
	answer(res *gosip.Response, sentTo netip.Addr, again bool) error
	// took says that the request was accepted.
	took()
}

// RejectedError is a final response from 300 to 699 to our INVITE.
type RejectedError struct {
	Status int
	Reason string
	// Q850 is the cause of its Reason header (RFC 3326), else the one that goes
	// with the status (RFC 3398).
	Q850 int
	// RetryAfter is how long to stay away (480, 486, 503, …); 0: not said.
	RetryAfter time.Duration
	// Contacts are where a 3xx sends us, as URIs.
	Contacts []string
}

// Error says what came back.
func (e *RejectedError) Error() string {
	return fmt.Sprintf("the call was refused: %d %s", e.Status, e.Reason)
}

// Dial places a call and returns when it is answered and the answer is
// acknowledged. Media that comes before (183) is taken. When ctx ends first
// the call is cancelled. A refusal is a *RejectedError.
func (s *Server) Dial(ctx context.Context, uri string, o DialOptions) (*Leg, error) {
	l, err := s.newOutbound(ctx, uri, o)
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", uri, err)
	}
	if bad := s.admit(l); bad.status != 0 {
		return nil, fmt.Errorf("dial %s: the server takes no calls now", uri)
	}
	if o.Prepare != nil {
		o.Prepare(l)
	}
	if err := l.call(ctx); err != nil {
		return nil, fmt.Errorf("dial %s: %w", uri, err)
	}
	return l, nil
}

func (s *Server) newOutbound(ctx context.Context, uri string, o DialOptions) (*Leg, error) {
	var to gosip.Uri
	if err := gosip.ParseUri(uri, &to); err != nil || !strings.EqualFold(to.Scheme, "sip") || to.Host == "" {
		return nil, errors.New("not a SIP URI; write sip:NUMBER@HOST[:PORT]")
	}
	transport := strings.ToUpper(o.Transport)
	if transport == "" {
		t, _ := to.UriParams.Get("transport")
		transport = strings.ToUpper(t)
	}
	switch transport {
	case "":
		transport = "UDP"
	case "UDP", "TCP":
	default:
		return nil, fmt.Errorf("transport %q is not known; use udp or tcp", transport)
	}
	at, err := resolve(ctx, to)
	if err != nil {
		return nil, err
	}
	l := s.newLeg(newTag()+"@callfloor", transport, at)
	l.outbound = true
	d := &l.dialog
	d.them, d.target = to, to
	d.them.UriParams, d.them.Headers = nil, nil
	if d.us, err = l.fromURI(o.From); err != nil {
		return nil, err
	}
	if len(o.Codecs) > 0 {
		l.local.Codecs = o.Codecs
	}
	l.local.Security.Offer = o.SRTP
	if o.SRTP != "" {
		l.local.Security.Policy = sdp.Require
	}
	l.called, l.caller = userOf(to), userOf(d.us)
	l.wants = o
	return l, nil
}

func (l *Leg) fromURI(from string) (gosip.Uri, error) {
	if from == "" {
		from = "callfloor"
	}
	if !strings.Contains(from, ":") {
		return gosip.Uri{Scheme: "sip", User: from, Host: hostOf(l.dialog.advertise)}, nil
	}
	var u gosip.Uri
	if err := gosip.ParseUri(from, &u); err != nil {
		return u, fmt.Errorf("the caller %q is neither a number nor a SIP URI", from)
	}
	return u, nil
}

// resolve finds where a URI's host is. Only URIs of our own user come here.
func resolve(ctx context.Context, u gosip.Uri) (netip.AddrPort, error) {
	if at, ok := literal(u); ok {
		return at, nil
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", u.Host)
	if err != nil || len(ips) == 0 {
		return netip.AddrPort{}, fmt.Errorf("find the address of %s: %w", u.Host, err)
	}
	// IPv4 where there is both: nobody tries the other one when nothing comes.
	slices.SortStableFunc(ips, func(a, b netip.Addr) int { return a.Unmap().BitLen() - b.Unmap().BitLen() })
	port := u.Port
	if port == 0 {
		port = 5060
	}
	return netip.AddrPortFrom(ips[0].Unmap(), uint16(port)), nil
}
