package sip

import (
	"crypto/tls"
	"errors"
	"fmt"
	"hash/maphash"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	gosip "github.com/emiago/sipgo/sip"
)

// front stands between the network and sipgo. Every message passes it as
// octets: it looks at who sends, how much and how big, frames streams, parses
// once, where a fault ends nothing, and answers by itself what cannot be
// parsed, which sipgo would drop without a word. What is left it hands to
// sipgo's transactions.
//
// sipgo takes messages from its own readers alone, so each reader is given a
// stub to parse, and beforeTransactions, which sees the stub first, puts the
// message in its place.
type front struct {
	s      *Server
	parser *gosip.Parser
	budget *budget
	bans   *bans
	known  *goodSources
	accept *handover
	udp    *udpFront
	seed   maphash.Seed

	mu      sync.Mutex
	streams map[string]*stream // by the far end's address
}

func newFront(s *Server) *front {
	return &front{
		s: s, parser: gosip.NewParser(gosip.WithHeadersParsers(safeHeaderParsers())),
		budget: newBudget(s.cfg.MessagesPerSecond), bans: newBans(s.cfg.BanAfter, s.cfg.BanFor), known: newKnown(),
		accept: newHandover(), seed: maphash.MakeSeed(), streams: map[string]*stream{},
	}
}

// The messages that sipgo's readers are given in place of those that came.
const (
	stubRequest  = "STUB sip:stub SIP/2.0\r\nContent-Length: 0\r\n\r\n"
	stubResponse = "SIP/2.0 100 Stub\r\nContent-Length: 0\r\n\r\n"
	stubMethod   = "STUB"
)

func stub(m gosip.Message) string {
	if _, ok := m.(*gosip.Response); ok {
		return stubResponse
	}
	return stubRequest
}

// unstub puts the message that a stub stands for in its place. Other messages,
// of tests and of connections that sipgo made itself, stay as they are.
func (f *front) unstub(msg gosip.Message) {
	var came gosip.Message
	switch {
	case f.udp != nil && msg.Source() == f.udp.stubSource:
		came, f.udp.next = f.udp.next, nil
	default:
		f.mu.Lock()
		st := f.streams[msg.Source()]
		f.mu.Unlock()
		if st == nil || st.next == nil {
			return
		}
		came, st.next = st.next, nil
	}
	switch into := msg.(type) {
	case *gosip.Request:
		if req, ok := came.(*gosip.Request); ok {
			*into = *req
		}
	case *gosip.Response:
		if res, ok := came.(*gosip.Response); ok {
			*into = *res
		}
	}
}

// wire is the transport of the connection to a far end, if there is one.
func (f *front) wire(source string) (string, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	st, ok := f.streams[source]
	if !ok {
		return "", false
	}
	return st.wire, true
}

// reuse says whether there is a connection to a far end by a transport. One by
// TLS that was made for another name is an error and never taken: whom the name
// belongs to was not shown there, and messages find their connection by the
// address alone, so there cannot be two.
func (f *front) reuse(at netip.AddrPort, wire, name string) (bool, error) {
	f.mu.Lock()
	st, ok := f.streams[at.String()]
	f.mu.Unlock()
	if !ok || st.wire != wire {
		return false, nil
	}
	if wire != wireTLS {
		return true, nil
	}
	shown, ok := st.Conn.(*tls.Conn)
	if !ok {
		return false, fmt.Errorf("the TLS connection with %s shows no certificate for %s", at, name)
	}
	certs := shown.ConnectionState().PeerCertificates
	if len(certs) == 0 {
		return false, fmt.Errorf("the TLS connection with %s shows no certificate for %s", at, name)
	}
	if err := certs[0].VerifyHostname(name); err != nil {
		return false, fmt.Errorf("the TLS connection with %s is another peer's: %w", at, err)
	}
	return true, nil
}

// admit says whether a message from src is looked at at all.
func (f *front) admit(src netip.Addr) bool {
	if src.IsLoopback() || f.s.trusted(src) {
		return true
	}
	now := time.Now()
	if f.bans.drops(src, now) {
		f.s.metrics.limited.WithLabelValues("banned").Inc()
		return false
	}
	if !f.budget.take(src, now) {
		f.s.metrics.limited.WithLabelValues("messages").Inc()
		return false
	}
	return true
}

// bad counts something that scanners do against an address. Trunks, this
// machine and who was good before are not counted: their addresses could be
// forged to shut them out.
func (f *front) bad(src netip.Addr, why BanReason) {
	if src.IsLoopback() || f.s.trusted(src) || f.known.has(src) {
		return
	}
	if f.bans.bad(src, why, time.Now()) {
		f.s.metrics.bans.Inc()
		f.s.log.Warn("security: an address is banned", "address", src, "why", string(why), "for", f.s.cfg.BanFor)
	}
}

// take makes a message of octets: nil where there is nothing for sipgo; answer,
// if there is one, goes back as it is.
func (f *front) take(raw []byte, src netip.AddrPort, wire string) (msg gosip.Message, answer []byte) {
	defer func() {
		if r := recover(); r != nil {
			f.s.caught("parser", r)
			msg, answer = nil, nil
		}
	}()
	if len(raw) == 0 || raw[0] <= ' ' || raw[0] > '~' {
		f.s.metrics.garbage.Inc()
		return nil, nil
	}
	msg, _, err := f.parser.Parse(raw, false)
	if err != nil {
		f.s.metrics.garbage.Inc()
		f.s.log.Debug("a SIP message could not be read", "source", src, "transport", wire, "octets", len(raw)) // never the message: keys may be in it
		return nil, f.refusal(raw, src, err)
	}
	msg.SetTransport(network(wire))
	msg.SetSource(src.String())
	req, ok := msg.(*gosip.Request)
	if !ok {
		if res, ok := msg.(*gosip.Response); ok && (res.StatusCode < 100 || res.StatusCode > 699) {
			return nil, nil
		}
		return msg, nil
	}
	if f.scanner(req) {
		f.bad(src.Addr(), BannedScanner)
		f.s.metrics.limited.WithLabelValues("scanner").Inc()
		return nil, nil // not even an answer
	}
	if bad := f.mend(req, raw, wire); bad.status != 0 {
		return nil, f.refuse(raw, src, bad.status, bad.reason)
	}
	return req, nil
}

// refusal is the answer to what cannot be parsed; nil where none could be
// understood.
func (f *front) refusal(raw []byte, src netip.AddrPort, err error) []byte {
	status, reason := 400, "Bad Request"
	m := scan(raw)
	switch {
	case errors.Is(err, gosip.ErrMessageTooLarge):
		status, reason = 513, "Message Too Large"
	case errors.Is(err, gosip.ErrParseReadBodyIncomplete):
		reason = "Body Shorter Than Content-Length"
	case !strings.HasSuffix(strings.ToUpper(m.start), "SIP/2.0") && len(m.start) > 0:
		reason = "Bad Request Line"
	case m.scheme() != "" && !dialable(m.scheme()):
		status, reason = 416, "Unsupported URI Scheme"
	}
	return f.refuseRaw(m, src, status, reason)
}

func (f *front) refuse(raw []byte, src netip.AddrPort, status int, reason string) []byte {
	return f.refuseRaw(scan(raw), src, status, reason)
}

func (f *front) refuseRaw(m rawMessage, src netip.AddrPort, status int, reason string) []byte {
	if !m.answerable() {
		return nil
	}
	f.s.metrics.refused.WithLabelValues(fmt.Sprint(status)).Inc()
	return m.answer(status, reason, src)
}

// mend makes valid requests that sipgo's transaction layer would refuse such
// that it takes them. response undoes what would be seen.
func (f *front) mend(req *gosip.Request, raw []byte, wire string) verdict {
	via := req.Via()
	if via == nil || req.CSeq() == nil || req.From() == nil || req.To() == nil || req.CallID() == nil {
		return verdict{status: 400, reason: missing(req)}
	}
	if n := req.CSeq().SeqNo; n >= 1<<31 { // RFC 3261 §8.1.1.5
		return verdict{status: 400, reason: "CSeq Too Big"}
	}
	// Send the answer where the request came from, whether or not the far end
	// knows of RFC 3581: it may sit behind a NAT.
	if wire == wireUDP && !via.Params.Has("rport") {
		via.Params.Add("rport", "")
	}
	// RFC 2543 knew no branch: one is made of what identifies the transaction.
	if b, ok := via.Params.Get("branch"); !ok || !strings.HasPrefix(b, gosip.RFC3261BranchMagicCookie) || len(b) == len(gosip.RFC3261BranchMagicCookie) {
		via.Params.Add("branch", f.oldBranch(req, b))
	}
	return verdict{}
}

// missing names the first header that a request must have and has not.
func missing(req *gosip.Request) string {
	for _, name := range []string{"Via", "From", "To", "Call-ID", "CSeq"} {
		if len(req.GetHeaders(name)) == 0 {
			return "Missing " + name
		}
	}
	return "Unreadable Header"
}

// oldMark begins the branches that mend makes.
const oldMark = gosip.RFC3261BranchMagicCookie + "-old-"

// oldBranch is a branch for a request without one (RFC 3261 §17.2.3): the same
// for the INVITE, its CANCEL and its ACK. What stood there comes after it.
func (f *front) oldBranch(req *gosip.Request, was string) string {
	tag, _ := req.From().Params.Get("tag")
	return fmt.Sprintf("%s%x-%s", oldMark, f.hash64(req.CallID().Value(), tag, fmt.Sprint(req.CSeq().SeqNo), req.Via().SentBy()), was)
}

// unmend takes a branch of ours off a Via that goes back.
func unmend(via *gosip.ViaHeader) {
	b, ok := via.Params.Get("branch")
	if !ok || !strings.HasPrefix(b, oldMark) {
		return
	}
	if _, was, _ := strings.Cut(strings.TrimPrefix(b, oldMark), "-"); was != "" {
		via.Params.Add("branch", was)
	} else {
		via.Params.Remove("branch")
	}
}

// scanners are user agents of programs that look for open doors.
var scanners = [...]string{
	"friendly-scanner", "sipvicious", "sipcli", "sip-scan", "sipsak", "sundayddr", "iwar", "vaxsipuseragent", "pplsip", "smap", "sipptk", "sipv", "eyebeam release 3006o",
}

func (f *front) scanner(req *gosip.Request) bool {
	if !f.s.cfg.RefuseScanners {
		return false
	}
	src, err := parseFlow(req.Source())
	if err != nil || src.Addr().IsLoopback() || f.s.trusted(src.Addr()) {
		return false
	}
	ua := strings.ToLower(headerValue(req, "User-Agent"))
	for _, s := range scanners {
		if strings.HasPrefix(ua, s) {
			return true
		}
	}
	return false
}

// close ends all connections.
func (f *front) close() {
	f.accept.close()
	f.mu.Lock()
	all := make([]net.Conn, 0, len(f.streams))
	for _, st := range f.streams {
		all = append(all, st)
	}
	f.mu.Unlock()
	for _, c := range all {
		_ = c.Close()
	}
}

// trusted says whether an address is a trunk's: no limit but that of all calls
// is for it, and it is never banned. Whether it is believed is another matter:
// see whoCalls.
func (s *Server) trusted(addr netip.Addr) bool {
	return s.trunks.Load().at(addr) != nil || s.opt.Trusted != nil && s.opt.Trusted(netip.AddrPortFrom(addr.Unmap(), 0))
}
