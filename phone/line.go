package phone

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"time"

	"callfloor/media"
	"callfloor/sip"
)

// The ports that a phone takes its audio from: above those of a server on the
// same machine.
const portsFrom, portsTo = 33000, 60999

// line is what calls are made with: a SIP port of its own on the address that
// the route to the far end leaves from, a clock, and audio ports.
type line struct {
	srv    *sip.Server
	pacer  *media.Pacer
	engine *media.Engine
}

func openLine(ctx context.Context, uri string, calls int, log *slog.Logger) (*line, error) {
	ip, err := localFor(ctx, uri)
	if err != nil {
		return nil, err
	}
	ports, err := media.NewPorts(portsFrom, portsTo)
	if err != nil {
		return nil, fmt.Errorf("open the phone's audio ports: %w", err)
	}
	cfg := sip.DefaultConfig()
	cfg.Listen = netip.AddrPortFrom(ip, 0).String()
	cfg.MaxCalls = max(cfg.MaxCalls, calls)
	// A caller listens for as long as it was told to, whatever it hears.
	cfg.RTPSilenceWarn, cfg.RTPSilenceEnd = 24*time.Hour, 25*time.Hour
	l := &line{pacer: media.NewPacer(), engine: media.NewEngine(log)}
	l.srv, err = sip.New(cfg, sip.Options{Log: log, Pacer: l.pacer, Engine: l.engine, Ports: ports})
	if err == nil {
		err = l.srv.Start()
	}
	if err != nil {
		l.engine.Close()
		l.pacer.Close()
		return nil, fmt.Errorf("open the phone: %w", err)
	}
	return l, nil
}

// close says goodbye on what is still up, at most 5 s, and frees everything.
func (l *line) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = l.srv.Close(ctx) // the calls are over, one way or the other
	l.engine.Close()
	l.pacer.Close()
}

// localFor is our address on the route to a URI's host.
func localFor(ctx context.Context, uri string) (netip.Addr, error) {
	rest := uri
	if i := strings.IndexByte(rest, ':'); i >= 0 {
		rest = rest[i+1:]
	}
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		rest = rest[i+1:]
	}
	rest, _, _ = strings.Cut(rest, ";")
	rest, _, _ = strings.Cut(rest, "?")
	if !strings.HasPrefix(strings.ToLower(uri), "sip:") || rest == "" {
		return netip.Addr{}, fmt.Errorf("call %q: it is not a SIP URI; write sip:NUMBER@HOST[:PORT]", uri)
	}
	host, _, err := net.SplitHostPort(rest)
	if err != nil {
		host = strings.Trim(rest, "[]")
	}
	c, err := (&net.Dialer{}).DialContext(ctx, "udp", net.JoinHostPort(host, "5060")) // sends nothing
	if err != nil {
		return netip.Addr{}, fmt.Errorf("call %q: no way to %s: %w", uri, host, err)
	}
	defer func() { _ = c.Close() }()
	ap, err := netip.ParseAddrPort(c.LocalAddr().String())
	if err != nil {
		return netip.Addr{}, fmt.Errorf("call %q: %w", uri, err)
	}
	return ap.Addr().Unmap().WithZone(""), nil
}
