package sip

import (
	"crypto/rand"
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	gosip "github.com/emiago/sipgo/sip"
)

// dialog is what requests within a dialog are made of (RFC 3261 §12).
type dialog struct {
	callID    string
	remoteTag string
	// us and them are the addresses of From and To, seen from our requests.
	us, them     gosip.Uri
	target       gosip.Uri // the far end's Contact
	routes       []gosip.Uri
	localSeq     uint32
	remoteSeq    uint32
	transport    string         // "UDP" or "TCP"
	flow         netip.AddrPort // the far end of the INVITE's flow
	advertise    netip.Addr     // what we call ourselves
	allowsUpdate bool
	allows       string // the far end's Allow, in capitals; "" if it said none
	// pinned is a registered telephone's: requests take its flow and no other.
	pinned bool
	// peerName is what the certificate of a TLS peer that we call must be for.
	peerName string
}

// newTag returns 96 random bits, for tags, branches and Call-IDs.
func newTag() string {
	t := rand.Text()
	return strings.ToLower(t[:20])
}

// contactURI is our Contact: the address that the dialog's flow ends at.
func (l *Leg) contactURI() gosip.Uri {
	u := gosip.Uri{Scheme: "sip", User: "callfloor", Host: hostOf(l.dialog.advertise), Port: l.s.port(l.dialog.transport)}
	if wire := l.dialog.transport; wire != wireUDP {
		u.UriParams = gosip.NewParams()
		u.UriParams.Add("transport", strings.ToLower(wire))
	}
	return u
}

// hostOf writes an address as the host of a URI or a Via.
func hostOf(ip netip.Addr) string {
	if ip.Is6() && !ip.Is4In6() {
		return "[" + ip.String() + "]"
	}
	return ip.Unmap().String()
}

func (l *Leg) contactHeader() gosip.Header { return &gosip.ContactHeader{Address: l.contactURI()} }

func (l *Leg) via() *gosip.ViaHeader {
	v := &gosip.ViaHeader{
		ProtocolName: "SIP", ProtocolVersion: "2.0", Transport: l.dialog.transport,
		Host: hostOf(l.dialog.advertise), Port: l.s.port(l.dialog.transport), Params: gosip.NewParams(),
	}
	v.Params.Add("branch", gosip.RFC3261BranchMagicCookie+newTag())
	v.Params.Add("rport", "")
	return v
}

// request builds a request within the dialog (RFC 3261 §12.2.1.1). seq 0 takes
// the next number. l.mu is held.
func (l *Leg) request(method gosip.RequestMethod, seq uint32) *gosip.Request {
	if seq == 0 {
		l.dialog.localSeq++
		seq = l.dialog.localSeq
	}
	return l.requestIn(&l.dialog, method, seq)
}

// requestIn builds a request within d, which is the leg's dialog or another one
// of the same INVITE. l.mu is held.
func (l *Leg) requestIn(d *dialog, method gosip.RequestMethod, seq uint32) *gosip.Request {
	uri, routes := d.target, d.routes
	if len(routes) > 0 && !routes[0].UriParams.Has("lr") { // a strict router (RFC 2543)
		uri, routes = routes[0], append(append([]gosip.Uri{}, routes[1:]...), d.target)
	}
	uri.Headers = nil
	req := gosip.NewRequest(method, uri)
	req.AppendHeader(l.via())
	for _, r := range routes {
		req.AppendHeader(&gosip.RouteHeader{Address: r})
	}
	mf := gosip.MaxForwardsHeader(70)
	req.AppendHeader(&mf)
	from := &gosip.FromHeader{Address: d.us, Params: gosip.NewParams()}
	from.Params.Add("tag", l.localTag)
	to := &gosip.ToHeader{Address: d.them, Params: gosip.NewParams()}
	if d.remoteTag != "" {
		to.Params.Add("tag", d.remoteTag)
	}
	id := gosip.CallIDHeader(d.callID)
	req.AppendHeader(from)
	req.AppendHeader(to)
	req.AppendHeader(&id)
	req.AppendHeader(&gosip.CSeqHeader{SeqNo: seq, MethodName: method})
	switch method {
	case gosip.INVITE, gosip.UPDATE:
		req.AppendHeader(l.contactHeader())
		req.AppendHeader(gosip.NewHeader("Allow", allow))
		req.AppendHeader(gosip.NewHeader("Supported", supported))
	case gosip.REFER, gosip.NOTIFY: // they must have one (RFC 3515 §2.2)
		req.AppendHeader(l.contactHeader())
	}
	req.AppendHeader(gosip.NewHeader("User-Agent", "Callfloor"))
	if l.wants.auth != nil && method != gosip.ACK {
		l.wants.auth.sign(req)
	}
	req.SetBody(nil)
	l.steer(d, req)
	return req
}

// steer pins req to the dialog's flow. Over TCP that is the connection that
// the INVITE came on, whatever Contact and Record-Route say: only it gets
// through a NAT, and sipgo would open another one. Over UDP it is the route
// or the Contact where that can be believed.
func (l *Leg) steer(d *dialog, req *gosip.Request) {
	req.SetTransport(network(d.transport))
	req.SetDestination(d.nextHop().String())
	if d.transport == "UDP" {
		la := addrPort(l.s.conn.LocalAddr())
		ip := la.Addr()
		if udp := l.s.conn.LocalAddr().String(); strings.HasPrefix(udp, "[::]") {
			ip = netip.IPv6Unspecified()
		}
		req.Laddr = gosip.Addr{IP: ip.AsSlice(), Port: int(la.Port())}
	}
}

// nextHop is where requests of the dialog go. Names are not looked up: what
// comes from the network must not make us resolve.
func (d *dialog) nextHop() netip.AddrPort {
	if d.transport != "UDP" || d.pinned {
		return d.flow
	}
	if len(d.routes) > 0 {
		if at, ok := literal(d.routes[0]); ok {
			return at
		}
		return d.flow
	}
	// A Contact with another address than the packets' is one behind a NAT.
	if at, ok := literal(d.target); ok && at.Addr() == d.flow.Addr() {
		return at
	}
	return d.flow
}

// literal is the URI's address if its host is one.
func literal(u gosip.Uri) (netip.AddrPort, bool) {
	ip, err := netip.ParseAddr(strings.Trim(u.Host, "[]"))
	if err != nil || u.Port < 0 || u.Port > 65535 {
		return netip.AddrPort{}, false
	}
	port := u.Port
	if port == 0 {
		port = 5060
	}
	return netip.AddrPortFrom(ip.Unmap(), uint16(port)), true
}

// peerIs says whether tag is the far end's. An outbound leg learns it with
// the first response that has one; until the answer it may be any of those that
// ring, and a request from one of them makes that one the far end.
func (l *Leg) peerIs(tag string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if f := l.forks[tag]; f != nil && l.calling && l.dialog.remoteTag != tag {
		l.follow(f)
	}
	return l.dialog.remoteTag == tag
}

// is says whether req belongs to the dialog that the leg has now: an INVITE
// with Replaces may have given it another one. l.mu is held.
func (l *Leg) is(req *gosip.Request) bool {
	tag, _ := req.To().Params.Get("tag")
	return req.CallID().Value() == l.dialog.callID && tag == l.localTag
}

// routeSet reads Record-Route (RFC 3261 §12.1). A UAC takes it in reverse.
func routeSet(m gosip.Message, reverse bool) []gosip.Uri {
	var out []gosip.Uri
	for _, h := range m.GetHeaders("Record-Route") {
		rr, ok := h.(*gosip.RecordRouteHeader)
		if !ok || len(out) == maxRoutes {
			continue
		}
		if reverse {
			out = append([]gosip.Uri{rr.Address}, out...)
		} else {
			out = append(out, rr.Address)
		}
	}
	return out
}

// userOf is the user part of a URI as people write it: unescaped, without
// control characters, at most 128 octets; the number of a tel URI.
func userOf(u gosip.Uri) string {
	user := u.User
	if strings.EqualFold(u.Scheme, "tel") {
		user, _, _ = strings.Cut(u.Raw(), ";")
	}
	if plain, err := url.PathUnescape(user); err == nil {
		user = plain
	}
	return printable(user, 128)
}

// printable drops control characters and what could hide in a log, a page or
// a terminal, and cuts at max octets.
func printable(s string, max int) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0x2028 || r == 0x2029 || (r >= 0x80 && r < 0xa0) || (r >= 0x202a && r <= 0x202e) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	for len(s) > max {
		s = strings.ToValidUTF8(s[:max], "")
	}
	return s
}

// parseFlow reads the source of a message.
func parseFlow(src string) (netip.AddrPort, error) {
	ap, err := netip.ParseAddrPort(src)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("read the source of a message: %w", err)
	}
	return netip.AddrPortFrom(ap.Addr().Unmap().WithZone(""), ap.Port()), nil
}
