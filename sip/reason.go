package sip

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	gosip "github.com/emiago/sipgo/sip"

	"callfloor/contact"
)

// reason is one value of a Reason header (RFC 3326).
type reason struct {
	protocol string // "sip", "q.850", lower case
	cause    int
	text     string
}

// maxReasons bounds what is read of one message.
const maxReasons = 8

// reasons reads the Reason headers of a message.
func reasons(m gosip.Message) []reason {
	var out []reason
	for _, h := range m.GetHeaders("Reason") {
		if len(h.Value()) > 1024 {
			continue
		}
		for _, v := range splitQuoted(h.Value(), ',') {
			if len(out) == maxReasons {
				return out
			}
			f := splitQuoted(v, ';')
			r := reason{protocol: strings.ToLower(strings.TrimSpace(f[0]))}
			for _, p := range f[1:] {
				k, val, _ := strings.Cut(p, "=")
				val = strings.TrimSpace(val)
				switch strings.ToLower(strings.TrimSpace(k)) {
				case "cause":
					r.cause, _ = strconv.Atoi(val)
				case "text":
					r.text = printable(unquote(val), 80)
				}
			}
			out = append(out, r)
		}
	}
	return out
}

// unquote takes a quoted string out of its quotation marks (RFC 3261 §25.1).
func unquote(v string) string {
	if len(v) < 2 || v[0] != '"' || v[len(v)-1] != '"' {
		return v
	}
	return strings.NewReplacer(`\\`, `\`, `\"`, `"`).Replace(v[1 : len(v)-1])
}

// splitQuoted splits at a separator that is not between quotation marks.
func splitQuoted(v string, sep byte) []string {
	var out []string
	quoted, from := false, 0
	for i := 0; i < len(v); i++ {
		switch {
		case v[i] == '\\' && quoted:
			i++
		case v[i] == '"':
			quoted = !quoted
		case v[i] == sep && !quoted:
			out, from = append(out, v[from:i]), i+1
		}
	}
	return append(out, v[from:])
}

// q850Of is the Q.850 cause of a message's Reason headers, 0 if none: as it
// stands there, else the one that goes with a SIP cause.
func q850Of(m gosip.Message) int {
	known := 0
	for _, r := range reasons(m) {
		switch {
		case r.protocol == "q.850" && r.cause > 0 && r.cause < 128:
			return r.cause
		case r.protocol == "sip" && known == 0:
			known = q850OfStatus(r.cause)
		}
	}
	return known
}

// q850OfStatus is the cause that goes with a SIP status (RFC 3398 §8.2.6.1), 0
// where there is none.
func q850OfStatus(status int) int {
	switch status {
	case 200:
		return 16 // normal clearing
	case 400, 481, 500, 503:
		return 41 // temporary failure
	case 401, 402, 403, 407, 603:
		return 21 // call rejected
	case 404, 485, 604:
		return 1 // unallocated number
	case 405:
		return 63 // service or option not available
	case 406, 415, 501:
		return 79 // service or option not implemented
	case 408, 504:
		return 102 // recovery on timer expiry
	case 410:
		return 22 // number changed
	case 413, 414, 416, 420, 421, 423, 505, 513:
		return 127 // interworking
	case 480:
		return 18 // no user responding
	case 482, 483:
		return 25 // exchange routing error
	case 484:
		return 28 // invalid number format
	case 486, 600:
		return 17 // user busy
	case 487:
		return 31 // normal, unspecified
	case 488, 606:
		return 65 // bearer capability not implemented
	case 502:
		return 38 // network out of order
	case 580:
		return 47 // resource unavailable
	}
	return 0
}

// statusOfQ850 is the final response that goes with a cause (RFC 3398 §7.2.4.1),
// 0 where there is none.
func statusOfQ850(cause int) int {
	switch cause {
	case 1, 2, 3:
		return 404
	case 17:
		return 486
	case 18:
		return 408
	case 19, 20, 31:
		return 480
	case 21:
		return 403
	case 22, 23:
		return 410
	case 26:
		return 404
	case 27, 38:
		return 502
	case 28:
		return 484
	case 29, 79:
		return 501
	case 34, 41, 42, 44, 47, 63:
		return 503
	case 55, 57, 87:
		return 403
	case 58:
		return 503
	case 65, 70, 88:
		return 488
	case 102:
		return 504
	case 111, 127:
		return 500
	}
	return 0
}

// fault says whether a cause of the other side's hang-up means that something
// broke and not that somebody hung up: network, resources, service, protocol
// (the groups of Q.850 §2.2.5 and up). 102 and 127 say no more than that.
func fault(cause int) bool { return cause >= 34 && cause <= 111 }

// byeCause is what a BYE says of the end.
func byeCause(req *gosip.Request) contact.EndCause {
	c := contact.EndCause{By: contact.Customer, Class: contact.EndCompleted, Q850: q850Of(req), Why: "hung up"}
	if fault(c.Q850) {
		c.Class, c.Why = contact.EndFailed, "the far end's network cleared the call"
	}
	for _, r := range reasons(req) {
		if r.text != "" {
			c.Why += ": " + r.text
			break
		}
	}
	return c
}

// reasonHeader writes the cause for the far side (RFC 3326): the Q.850 value,
// 16 (normal clearing) unless the cause has one.
func reasonHeader(c contact.EndCause) string {
	q := c.Q850
	switch {
	case q != 0:
	case c.SIP >= 300 && q850OfStatus(int(c.SIP)) != 0:
		q = q850OfStatus(int(c.SIP))
	case c.Class == contact.EndFailed:
		q = 41 // temporary failure
	default:
		q = 16
	}
	return fmt.Sprintf("Q.850;cause=%d", q)
}

// retryAfter reads Retry-After (RFC 3261 §20.33): "18000;duration=3600", "120 (I'm
// in a meeting)"; 0 if there is none, at most a day.
func retryAfter(m gosip.Message) time.Duration {
	v := headerValue(m, "Retry-After")
	end := strings.IndexFunc(v, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(v)
	}
	n, err := strconv.ParseUint(v[:end], 10, 31)
	if err != nil {
		return 0
	}
	return min(time.Duration(n)*time.Second, 24*time.Hour)
}

// maxContacts is how many contacts of a 3xx are read.
const maxContacts = 8

// contactsOf are where a 3xx sends the caller, in its order.
func contactsOf(res *gosip.Response) []string {
	if res.StatusCode < 300 || res.StatusCode > 399 {
		return nil
	}
	var out []string
	for _, h := range res.GetHeaders("Contact") {
		if c, ok := h.(*gosip.ContactHeader); ok && len(out) < maxContacts {
			out = append(out, c.Address.String())
		}
	}
	return out
}
