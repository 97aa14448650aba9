package sip

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	gosip "github.com/emiago/sipgo/sip"
)

// registrar takes the registrations of users' telephones (RFC 3261 §10).
type registrar struct {
	s     *Server
	cfg   RegistrarConfig
	gate  gate
	where *bindings
}

func newRegistrar(s *Server, o Options) *registrar {
	if o.Phones == nil {
		return nil
	}
	cfg := s.cfg.Registrar
	return &registrar{
		s: s, cfg: cfg, gate: newGate(s, o.Phones, cfg.Algorithms, cfg.NonceLife), where: newBindings(cfg.MaxContacts),
	}
}

// Registered returns the telephones of a user that can be reached now, the one
// that registered last first.
func (s *Server) Registered(user string) []Contact {
	if s.registrar == nil {
		return nil
	}
	var out []Contact
	for _, b := range s.registrar.where.of(user, time.Now()) {
		out = append(out, b.Contact)
	}
	return out
}

// WatchPhones sets what is told when the first telephone of a user registers,
// and when the last one is gone. It must not block. Call it before Start.
func (s *Server) WatchPhones(changed func(user string, registered bool)) {
	if s.registrar != nil {
		s.registrar.where.change = changed
	}
}

// Contacts returns every registered telephone, in no order.
func (s *Server) Contacts() []Contact {
	if s.registrar == nil {
		return nil
	}
	return s.registrar.where.all()
}

// Unregister ends all registrations of a user; their phones may try again.
func (s *Server) Unregister(user string) {
	if s.registrar != nil {
		s.registrar.where.drop(func(b *binding) bool { return b.User == user })
	}
}

// RemoveContact ends one registration of a user, by its URI; the telephone may
// register again. false: there is none.
func (s *Server) RemoveContact(user, uri string) bool {
	if s.registrar == nil {
		return false
	}
	found := false
	s.registrar.where.drop(func(b *binding) bool {
		this := b.User == user && b.URI == uri
		found = found || this
		return this
	})
	return found
}

// Restore takes registrations of an earlier run up again. Those over
// connections are left out: the connections are gone, and the phones make new
// ones by themselves.
func (s *Server) Restore(list []Contact) error {
	if s.registrar == nil {
		return nil
	}
	now := time.Now()
	var errs []error
	for _, c := range list {
		if c.Transport != wireUDP || !c.Expires.After(now) {
			continue
		}
		b := &binding{Contact: c, pingAt: now.Add(jitter(0, 5*time.Second))}
		if err := gosip.ParseUri(c.URI, &b.uri); err != nil {
			errs = append(errs, fmt.Errorf("take up the registration of %s again: %w", c.User, err))
			continue
		}
		for _, p := range c.Path {
			var u gosip.Uri
			if err := gosip.ParseUri(p, &u); err == nil {
				b.path = append(b.path, u)
			}
		}
		s.registrar.where.put(c.User, []*binding{b}, func(*binding) bool { return false })
	}
	return errors.Join(errs...)
}

// onRegister serves a REGISTER.
func (r *registrar) onRegister(req *gosip.Request, tx gosip.ServerTransaction) {
	now := time.Now()
	if unknown := unknownRegisterOptions(req); unknown != "" {
		r.s.refuse(req, tx, 420, "Bad Extension", gosip.NewHeader("Unsupported", unknown))
		return
	}
	user, bad := r.authenticate(req, now)
	if bad.status != 0 {
		r.s.refuse(req, tx, bad.status, bad.reason, bad.headers...)
		return
	}
	add, remove, bad := r.wishes(req, user, now)
	if bad.status != 0 {
		r.s.refuse(req, tx, bad.status, bad.reason, bad.headers...)
		return
	}
	list := r.where.put(user, add, remove)
	r.s.metrics.registrations.Set(float64(r.where.size()))
	r.s.respond(req, tx, 200, "OK", r.answer(req, list, now)...)
}

// authenticate returns the user whose telephone sent req, or what to answer.
// A user may register for nobody else.
func (r *registrar) authenticate(req *gosip.Request, now time.Time) (string, verdict) {
	to := strings.ToLower(userOf(req.To().Address))
	return r.gate.enter(req, now, func(authorization) string { return to }, nil)
}

// maxURI is how long a contact's URI may be, in octets.
const maxURI = 512

// wishes reads what a REGISTER asks for: bindings to add or renew, and which to
// take away (RFC 3261 §10.3 steps 6 to 8).
func (r *registrar) wishes(req *gosip.Request, user string, now time.Time) (add []*binding, remove func(*binding) bool, bad verdict) {
	gone := map[string]bool{}
	remove = func(b *binding) bool { return gone[b.URI] || gone[instanceKey(b)] && b.Instance != "" }
	headers := req.GetHeaders("Contact")
	if len(headers) > r.cfg.MaxContacts+1 {
		return nil, nil, verdict{status: 400, reason: "Too Many Contacts"}
	}
	path, bad := pathOf(req)
	if bad.status != 0 {
		return nil, nil, bad
	}
	for _, h := range headers {
		c, ok := h.(*gosip.ContactHeader)
		if !ok {
			return nil, nil, verdict{status: 400, reason: "Bad Contact"}
		}
		if c.Address.Wildcard {
			if len(headers) > 1 || headerValue(req, "Expires") != "0" {
				return nil, nil, verdict{status: 400, reason: "Bad Contact"}
			}
			return nil, func(*binding) bool { return true }, verdict{}
		}
		b, lasts, bad := r.contact(req, c, user, now)
		if bad.status != 0 {
			return nil, nil, bad
		}
		b.path = path
		for _, p := range path {
			b.Path = append(b.Path, p.String())
		}
		if lasts == 0 {
			gone[b.URI], gone[instanceKey(b)] = true, true
			continue
		}
		add = append(add, b)
	}
	return add, remove, verdict{}
}

func instanceKey(b *binding) string { return b.Instance + "\x00" + strconv.Itoa(b.RegID) }

// contact makes a binding of a Contact header; lasts is 0 where it asks to be
// taken away.
func (r *registrar) contact(req *gosip.Request, c *gosip.ContactHeader, user string, now time.Time) (b *binding, lasts time.Duration, bad verdict) {
	switch strings.ToLower(c.Address.Scheme) {
	case "sip", "sips":
	default:
		return nil, 0, verdict{status: 400, reason: "Bad Contact"}
	}
	uri := c.Address
	uri.Headers = nil
	text := uri.String()
	if uri.Host == "" || len(text) > maxURI || strings.ContainsAny(text, "<> \"") {
		return nil, 0, verdict{status: 400, reason: "Bad Contact"}
	}
	lasts, ok := r.lasts(req, c)
	if !ok {
		return nil, 0, verdict{423, "Interval Too Brief", []gosip.Header{gosip.NewHeader("Min-Expires", seconds(r.cfg.MinExpires))}}
	}
	flow, _ := parseFlow(req.Source()) // authenticate saw it
	b = &binding{Contact: Contact{
		User: user, URI: text, Flow: flow, Transport: r.s.wireOf(req),
		UserAgent: printable(headerValue(req, "User-Agent"), 64), Since: now, Refreshed: now, Expires: now.Add(lasts),
	}, uri: uri}
	b.pingAt = now.Add(jitter(max(r.cfg.Keepalive/2, time.Second), max(r.cfg.Keepalive, 2*time.Second)))
	if v, ok := c.Params.Get("+sip.instance"); ok && len(v) <= 128 {
		b.Instance = strings.Trim(printable(v, 128), `"<>`)
	}
	if v, ok := c.Params.Get("reg-id"); ok {
		b.RegID, _ = strconv.Atoi(v)
		b.outbound = b.Instance != "" && b.RegID > 0 && requires(req, "Supported", "outbound")
	}
	return b, lasts, verdict{}
}

// lasts is how long a contact is registered for: its own wish, the header's, or
// the most. ok is false for a wish that is too short.
func (r *registrar) lasts(req *gosip.Request, c *gosip.ContactHeader) (d time.Duration, ok bool) {
	text, own := c.Params.Get("expires")
	if !own {
		text = headerValue(req, "Expires")
	}
	n, err := strconv.ParseUint(text, 10, 32)
	switch {
	case text == "" || err != nil: // RFC 3261 §10.3: as if there were none
		return r.cfg.MaxExpires, true
	case n == 0:
		return 0, true
	}
	d = time.Duration(n) * time.Second
	return min(d, r.cfg.MaxExpires), d >= r.cfg.MinExpires
}

// pathOf reads Path (RFC 3327).
func pathOf(req *gosip.Request) ([]gosip.Uri, verdict) {
	var out []gosip.Uri
	for _, v := range headerTokens(req, "Path") {
		v = strings.TrimSpace(v)
		v, _, ok := strings.Cut(strings.TrimPrefix(v, "<"), ">")
		var u gosip.Uri
		if err := gosip.ParseUri(v, &u); !ok || err != nil || len(v) > maxURI || len(out) == maxRoutes {
			return nil, verdict{status: 400, reason: "Bad Path"}
		}
		out = append(out, u)
	}
	return out, verdict{}
}

// answer are the headers of the 200: every binding that the user has now.
func (r *registrar) answer(req *gosip.Request, list []*binding, now time.Time) []gosip.Header {
	out := make([]gosip.Header, 0, len(list)+3)
	outbound := false
	for _, b := range list {
		left := max(int(b.Expires.Sub(now).Round(time.Second)/time.Second), 0)
		v := fmt.Sprintf("<%s>;expires=%d", b.URI, left)
		if b.Instance != "" {
			v += fmt.Sprintf(`;+sip.instance="<%s>"`, b.Instance)
		}
		if b.RegID > 0 {
			v += ";reg-id=" + strconv.Itoa(b.RegID)
		}
		out = append(out, gosip.NewHeader("Contact", v))
		outbound = outbound || b.outbound && b.Refreshed.Equal(now)
	}
	for _, h := range req.GetHeaders("Path") {
		out = append(out, gosip.NewHeader("Path", h.Value()))
	}
	supported := "path, outbound"
	if outbound {
		out = append(out, gosip.NewHeader("Require", "outbound"), gosip.NewHeader("Flow-Timer", "90"))
	}
	return append(out, gosip.NewHeader("Supported", supported), gosip.NewHeader("Date", now.UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT")))
}

func seconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }

// run ends registrations whose time is over and asks phones whether they are
// there, until ctx ends.
func (r *registrar) run(ctx context.Context) {
	defer r.s.recovered("registrar")
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			r.where.drop(func(b *binding) bool { return !b.Expires.After(now) })
			if r.cfg.Keepalive > 0 {
				for _, b := range r.where.due(now, r.cfg.Keepalive) {
					r.s.wg.Go(func() { r.ask(ctx, b) })
				}
			}
			r.s.metrics.registrations.Set(float64(r.where.size()))
		}
	}
}

// missedLimit is how many OPTIONS in a row a phone may leave unanswered.
const missedLimit = 3

// ask sends a phone OPTIONS over its flow. Any answer will do.
func (r *registrar) ask(ctx context.Context, b *binding) {
	defer r.s.recovered("keep-alive")
	ctx, cancel := context.WithTimeout(ctx, 4*time.Second)
	defer cancel()
	err := r.s.ping(ctx, b)
	if r.where.answered(b, err == nil) < missedLimit {
		return
	}
	r.s.log.Info("a telephone does not answer any more; its registration is over", "user", b.User, "address", b.Flow.Addr())
	r.where.drop(func(o *binding) bool { return o == b })
}

// flowClosed ends the registrations of a connection that is gone (RFC 5626
// §5.3): nothing can reach those phones.
func (r *registrar) flowClosed(flow netip.AddrPort) {
	r.where.drop(func(b *binding) bool { return b.Flow == flow && b.Transport != wireUDP })
}

// unknownRegisterOptions is unknownOptions less what only a registrar knows.
func unknownRegisterOptions(req *gosip.Request) string {
	var out []string
	for t := range strings.SplitSeq(unknownOptions(req), ", ") {
		if !strings.EqualFold(t, "path") && !strings.EqualFold(t, "outbound") && t != "" {
			out = append(out, t)
		}
	}
	return strings.Join(out, ", ")
}
