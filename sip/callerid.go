package sip

import (
	"fmt"
	"strings"

	gosip "github.com/emiago/sipgo/sip"
)

// callerID is who calls, as far as that can be believed.
type callerID struct {
	number, name string
	// plain is the number even where it is withheld: to be verified, not shown.
	plain string
	// asserted: a trusted peer vouches for the number (P-Asserted-Identity).
	asserted bool
	withheld bool // the caller does not want it shown
	diverted []Diversion
}

// Diversion is one forwarding that a call had before it came to us.
type Diversion struct {
	// From is the number that was called and forwarded.
	From string
	// Reason is why, as the network says it: "unconditional", "user-busy",
	// "no-answer", …; "" if it does not.
	Reason string
}

// anonymous is what a withheld number is called (RFC 3323 §4.1).
const anonymous = "anonymous"

// maxDiversions bounds what is read of one INVITE.
const maxDiversions = 10

// readCaller reads who calls. P-Asserted-Identity, Privacy and the history of
// forwardings are heeded where the peer is trusted: anybody could write them.
func readCaller(req *gosip.Request, trusted bool) callerID {
	id := callerID{number: userOf(req.From().Address), name: plainName(req.From().DisplayName)}
	id.plain = id.number
	if !trusted {
		return id
	}
	for _, h := range req.GetHeaders("P-Asserted-Identity") {
		for _, v := range splitQuoted(h.Value(), ',') {
			number, name, ok := address(v)
			if ok && (!id.asserted || isNumber(number) && !isNumber(id.number)) {
				id.number, id.asserted = number, true
				if name != "" {
					id.name = name
				}
			}
		}
	}
	for _, h := range req.GetHeaders("Privacy") {
		for v := range strings.SplitSeq(h.Value(), ";") {
			switch strings.ToLower(strings.TrimSpace(v)) {
			case "id", "user", "header":
				id.withheld = true
			}
		}
	}
	id.diverted, id.plain = diversions(req), id.number
	if id.withheld {
		id.number, id.name = anonymous, ""
	}
	return id
}

// address reads a name-addr of at most 1 KiB.
func address(v string) (user, name string, ok bool) {
	v = strings.TrimSpace(v)
	if v == "" || len(v) > 1024 {
		return "", "", false
	}
	var u gosip.Uri
	params := gosip.NewParams()
	display, err := gosip.ParseAddressValue(v, &u, &params)
	if err != nil || !dialable(u.Scheme) {
		return "", "", false
	}
	user = userOf(u)
	return user, plainName(display), user != ""
}

// plainName reads a display name. A number is none: many trunks repeat it there,
// and people are shown names whole.
func plainName(s string) string {
	name := strings.Trim(printable(s, 128), `" `)
	if isNumber(name) {
		return ""
	}
	return name
}

func isNumber(s string) bool {
	return strings.ContainsAny(s, "0123456789") && strings.Trim(s, "+0123456789-.() #*") == ""
}

// diversions reads the forwardings, the first one first: Diversion (RFC 5806,
// whose top is the last one), else History-Info (RFC 7044).
func diversions(req *gosip.Request) []Diversion {
	var out []Diversion
	for _, h := range req.GetHeaders("Diversion") {
		for _, v := range splitQuoted(h.Value(), ',') {
			if user, _, ok := address(v); ok && len(out) < maxDiversions {
				out = append([]Diversion{{From: user, Reason: param(v, "reason")}}, out...)
			}
		}
	}
	if len(out) > 0 {
		return out
	}
	var hops []Diversion // every target in turn; a cause stands with the one that came after
	for _, h := range req.GetHeaders("History-Info") {
		for _, v := range splitQuoted(h.Value(), ',') {
			user, _, ok := address(v)
			if ok && len(hops) < maxDiversions {
				hops = append(hops, Diversion{From: user, Reason: causeIn(v)})
			}
		}
	}
	for i := 0; i+1 < len(hops); i++ {
		if why := hops[i+1].Reason; why != "" && hops[i].From != hops[i+1].From {
			out = append(out, Diversion{From: hops[i].From, Reason: why})
		}
	}
	return out
}

// param is a parameter behind a name-addr, in lower case without quotation marks.
func param(v, name string) string {
	_, behind, ok := strings.Cut(v, ">")
	if !ok {
		return ""
	}
	for _, p := range splitQuoted(behind, ';') {
		k, val, _ := strings.Cut(strings.TrimSpace(p), "=")
		if strings.EqualFold(strings.TrimSpace(k), name) {
			return printable(strings.ToLower(strings.Trim(strings.TrimSpace(val), `"`)), 40)
		}
	}
	return ""
}

// causeIn is why a request was sent to a target of History-Info: the cause
// parameter of its URI (RFC 4458), or an escaped Reason.
func causeIn(v string) string {
	lower := strings.ToLower(unescape(v))
	_, after, ok := strings.Cut(lower, "cause=")
	if !ok {
		return ""
	}
	var cause int
	if _, err := fmt.Sscanf(after, "%d", &cause); err != nil {
		return ""
	}
	switch cause {
	case 302:
		return "unconditional"
	case 408:
		return "no-answer"
	case 480, 487:
		return "deflection"
	case 486:
		return "user-busy"
	case 404:
		return "unknown"
	case 503:
		return "unavailable"
	}
	return "unknown"
}

// Asserted says whether a trusted peer vouches for Caller.
func (l *Leg) Asserted() bool { return l.who.asserted }

// Trusted says whether the call came from a trusted peer.
func (l *Leg) Trusted() bool { return l.trusted }

// Withheld says that the caller does not want the number shown; Caller is
// "anonymous" then.
func (l *Leg) Withheld() bool { return l.who.withheld || strings.EqualFold(l.caller, anonymous) }

// Diverted are the forwardings that the call had before it came to us, the first
// one first, as a trusted peer tells them.
func (l *Leg) Diverted() []Diversion { return l.who.diverted }

// Assert are the headers by which a trusted peer is told who calls (RFC 3325).
// withheld asks it not to pass the number on.
func Assert(uri string, withheld bool) []Header {
	h := []Header{{"P-Asserted-Identity", "<" + uri + ">"}}
	if withheld {
		h = append(h, Header{"Privacy", "id"})
	}
	return h
}

// Divert is the header of a call that is passed on: who was called, and why that
// was forwarded ("unconditional", "user-busy", "no-answer"; RFC 5806).
func Divert(uri, reason string) Header {
	return Header{"Diversion", "<" + uri + ">;reason=" + reason + ";counter=1"}
}
