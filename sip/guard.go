package sip

import (
	"fmt"
	"maps"
	"runtime/debug"
	"strings"

	gosip "github.com/emiago/sipgo/sip"
)

// allow is what we serve (RFC 3261 §20.5).
const allow = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK, REFER, NOTIFY"

// supported are the extensions that we know (RFC 3261 §20.37).
const supported = "timer, 100rel, replaces, norefersub"

// known are the methods that we know and do not serve: 405 instead of 501
// (RFC 3261 §8.2.1).
var known = map[gosip.RequestMethod]bool{
	gosip.REGISTER: true, gosip.SUBSCRIBE: true, gosip.MESSAGE: true, gosip.PUBLISH: true,
}

// served are the methods that we serve.
var served = map[gosip.RequestMethod]bool{
	gosip.INVITE: true, gosip.ACK: true, gosip.CANCEL: true, gosip.BYE: true,
	gosip.OPTIONS: true, gosip.INFO: true, gosip.UPDATE: true,
	gosip.PRACK: true, gosip.REFER: true, gosip.NOTIFY: true,
}

// cancelMark is put behind the branch of a CANCEL on its way to the
// transaction layer and taken off in the response. Without it sipgo matches
// the CANCEL itself, answers the INVITE with 487 under a To tag of its own and
// may overtake a 200 that is just being sent; so the leg's lock could not
// decide the race.
const cancelMark = ".cancel"

// beforeTransactions sees every message on the transport's goroutine before
// the transaction layer does.
func (s *Server) beforeTransactions(msg gosip.Message) {
	defer s.recovered("before the transaction layer")
	s.front.unstub(msg)
	req, ok := msg.(*gosip.Request)
	if !ok || req.Method != gosip.CANCEL {
		return
	}
	if via := req.Via(); via != nil {
		if b, ok := via.Params.Get("branch"); ok {
			via.Params.Add("branch", b+cancelMark)
		}
	}
}

// shortNames are those of the headers that sipgo knows by their long ones
// alone (RFC 3261 §20, RFC 3515, 3892, 4028, 6665, 8224).
var shortNames = map[string]string{
	"b": "Referred-By", "e": "Content-Encoding", "k": "Supported", "o": "Event", "r": "Refer-To", "x": "Session-Expires", "y": "Identity",
}

// safeHeaderParsers are sipgo's header parsers with a recover around each,
// since they run on the transport's goroutine, where a panic ends the process.
// Headers with compact names come out under their long ones.
func safeHeaderParsers() map[string]gosip.HeaderParser {
	out := maps.Clone(gosip.DefaultHeadersParser()) // the map is shared by the whole process
	for short, long := range shortNames {
		out[short] = func(_ []byte, data string) (gosip.Header, error) { return gosip.NewHeader(long, data), nil }
	}
	for name, parse := range out {
		out[name] = func(header []byte, data string) (h gosip.Header, err error) {
			defer func() {
				if r := recover(); r != nil {
					err = fmt.Errorf("parse header %q: %v", name, r)
				}
			}()
			return parse(header, data)
		}
	}
	return out
}

// recovered is deferred by every goroutine that handles input.
func (s *Server) recovered(where string) {
	if r := recover(); r != nil {
		s.caught(where, r)
	}
}

func (s *Server) caught(where string, r any) {
	s.metrics.panics.Inc()
	s.log.Error("a fault was caught in the SIP edge", "where", where, "fault", fmt.Sprint(r), "stack", string(debug.Stack()))
}

// handle is the guard: every request passes it. Nothing that a request holds
// may end more than the request.
func (s *Server) handle(req *gosip.Request, tx gosip.ServerTransaction) {
	defer finish(req, tx)
	defer func() {
		if r := recover(); r != nil {
			s.caught("request handler", r)
			defer s.recovered("refusing after a fault")
			s.refuse(req, tx, 500, "Server Internal Error")
		}
	}()
	label := "other"
	if served[req.Method] || known[req.Method] {
		label = string(req.Method)
	}
	s.metrics.requests.WithLabelValues(label).Inc()
	if bad := s.check(req); bad.status != 0 {
		if req.Method != gosip.ACK { // an ACK is never answered
			s.refuse(req, tx, bad.status, bad.reason, bad.headers...)
		}
		return
	}
	s.dispatch(req, tx)
}

// finish ends the transactions that would otherwise wait for a response for
// ever: an ACK's, and whatever was not answered. INVITE transactions end by
// themselves once a final response was sent, and every leg sends one.
func finish(req *gosip.Request, tx gosip.ServerTransaction) {
	if req.Method == gosip.INVITE {
		return
	}
	if g, ok := tx.(interface{ TerminateGracefully() }); ok {
		g.TerminateGracefully()
	}
}

// verdict is why a request is refused; the zero value passes.
type verdict struct {
	status  int
	reason  string
	headers []gosip.Header
}

// Sizes past which a header is nonsense; they bound what a dialog keeps.
const (
	maxID     = 512
	maxVia    = 70
	maxRoutes = 32
)

// check is what must hold of any request before a handler may look at it
// (RFC 3261 §8.1.1, §8.2).
func (s *Server) check(req *gosip.Request) verdict {
	for _, name := range []string{"Via", "From", "To", "Call-ID", "CSeq"} {
		n := len(req.GetHeaders(name))
		if n == 0 {
			return verdict{status: 400, reason: "Missing " + name}
		}
		if n > 1 && name != "Via" || n > maxVia {
			return verdict{status: 400, reason: "Several " + name}
		}
	}
	if req.Via() == nil || req.From() == nil || req.To() == nil || req.CallID() == nil || req.CSeq() == nil {
		return verdict{status: 400, reason: "Unreadable Header"}
	}
	for _, name := range []string{"Max-Forwards", "Content-Length"} {
		if len(req.GetHeaders(name)) > 1 {
			return verdict{status: 400, reason: "Several " + name}
		}
	}
	if !strings.EqualFold(req.SipVersion, "SIP/2.0") {
		return verdict{status: 505, reason: "Version Not Supported"}
	}
	// sipgo writes the method of the request line in capitals, that of CSeq not.
	if !strings.EqualFold(string(req.CSeq().MethodName), string(req.Method)) {
		return verdict{status: 400, reason: "CSeq Method Mismatch"}
	}
	if len(req.Body()) > s.cfg.MaxBody {
		return verdict{status: 413, reason: "Request Entity Too Large"}
	}
	return checkFields(req)
}

func checkFields(req *gosip.Request) verdict {
	fromTag, _ := req.From().Params.Get("tag")
	toTag, _ := req.To().Params.Get("tag")
	if len(req.CallID().Value()) > maxID || len(fromTag) > maxID || len(toTag) > maxID {
		return verdict{status: 400, reason: "Identifier Too Long"}
	}
	if len(req.GetHeaders("Record-Route")) > maxRoutes {
		return verdict{status: 400, reason: "Too Many Routes"}
	}
	switch strings.ToLower(req.Recipient.Scheme) {
	case "sip", "sips":
	default:
		return verdict{status: 416, reason: "Unsupported URI Scheme"}
	}
	if !dialable(req.From().Address.Scheme) || !dialable(req.To().Address.Scheme) {
		return verdict{status: 400, reason: "Bad URI Scheme"}
	}
	switch req.Method {
	case gosip.ACK, gosip.CANCEL: // RFC 3261 §8.2.2.3: Require is ignored there
		return verdict{}
	case gosip.REGISTER: // the registrar knows other options
		return verdict{}
	}
	if unknown := unknownOptions(req); unknown != "" {
		return verdict{420, "Bad Extension", []gosip.Header{gosip.NewHeader("Unsupported", unknown)}}
	}
	return verdict{}
}

func dialable(scheme string) bool {
	switch strings.ToLower(scheme) {
	case "sip", "sips", "tel":
		return true
	}
	return false
}

// unknownOptions lists the option tags of Require and Proxy-Require that we
// do not know (RFC 3261 §8.2.2.3, §20.32).
func unknownOptions(req *gosip.Request) string {
	var out []string
	for _, name := range []string{"Require", "Proxy-Require"} {
		for _, tag := range headerTokens(req, name) {
			if !knownOption(tag) && len(out) < 16 && len(tag) <= 64 {
				out = append(out, tag)
			}
		}
	}
	return strings.Join(out, ", ")
}

func knownOption(tag string) bool {
	for t := range strings.SplitSeq(supported, ", ") {
		if strings.EqualFold(tag, t) {
			return true
		}
	}
	return false
}

// headerTokens splits all headers of a name at commas.
func headerTokens(m gosip.Message, name string) []string {
	var out []string
	for _, h := range m.GetHeaders(name) {
		for t := range strings.SplitSeq(h.Value(), ",") {
			if t = strings.TrimSpace(t); t != "" {
				out = append(out, t)
			}
		}
	}
	return out
}

// headerValue is the trimmed value of the first header of a name, "" if none.
func headerValue(m gosip.Message, name string) string {
	if hs := m.GetHeaders(name); len(hs) > 0 {
		return strings.TrimSpace(hs[0].Value())
	}
	return ""
}

// response builds a response to req. The tag, if any, becomes the To tag.
func response(req *gosip.Request, status int, reason, tag string, headers ...gosip.Header) *gosip.Response {
	res := gosip.NewResponseFromRequest(req, status, reason, nil)
	res.SipVersion = "SIP/2.0" // never the request's (badvers of RFC 4475)
	if to := res.To(); to != nil && tag != "" {
		to.Params.Add("tag", tag)
	}
	if via := res.Via(); via != nil {
		mendVia(via, req)
	}
	for _, h := range headers {
		res.AppendHeader(h)
	}
	return res
}

// mendVia takes the mark off a CANCEL's branch, and says where the request
// came from if that is not what its Via says (RFC 3261 §18.2.1).
func mendVia(via *gosip.ViaHeader, req *gosip.Request) {
	if b, ok := via.Params.Get("branch"); ok && req.Method == gosip.CANCEL {
		via.Params.Add("branch", strings.TrimSuffix(b, cancelMark))
	}
	unmend(via)
	if from, err := parseFlow(req.Source()); err == nil && strings.Trim(via.Host, "[]") != from.Addr().String() {
		via.Params.Add("received", from.Addr().String())
	}
}

// respond answers a request that belongs to no leg.
func (s *Server) respond(req *gosip.Request, tx gosip.ServerTransaction, status int, reason string, headers ...gosip.Header) {
	if err := tx.Respond(response(req, status, reason, "", headers...)); err != nil {
		s.log.Debug("SIP response not sent", "status", status, "error", err)
	}
}

// refuse answers with an error that belongs to no leg.
func (s *Server) refuse(req *gosip.Request, tx gosip.ServerTransaction, status int, reason string, headers ...gosip.Header) {
	s.metrics.refused.WithLabelValues(fmt.Sprint(status)).Inc()
	s.log.Debug("SIP request refused", "method", string(req.Method), "status", status, "reason", reason, "source", req.Source())
	s.respond(req, tx, status, reason, headers...)
}
