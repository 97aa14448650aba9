package sip

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// sipfrag is the status line of a message/sipfrag body (RFC 3420).
type sipfrag struct {
	Status int
	Reason string
}

// String writes the body.
func (f sipfrag) String() string {
	return fmt.Sprintf("SIP/2.0 %d %s\r\n", f.Status, printable(f.Reason, 80))
}

// parseSipfrag reads the status line of a body; ok is false if there is none.
func parseSipfrag(body string) (f sipfrag, ok bool) {
	line, _, _ := strings.Cut(strings.TrimLeft(body, "\r\n \t"), "\n")
	part := strings.SplitN(strings.TrimSpace(line), " ", 3)
	if len(part) < 2 || !strings.EqualFold(part[0], "SIP/2.0") {
		return f, false
	}
	n, err := strconv.ParseUint(part[1], 10, 16)
	if err != nil || n < 100 || n > 699 {
		return f, false
	}
	f.Status = int(n)
	if len(part) == 3 {
		f.Reason = printable(part[2], 80)
	}
	return f, true
}

// Replaces names a dialog that a call is to take the place of (RFC 3891). The
// tags are those of the user agent that is asked: ToTag is its own.
type Replaces struct {
	CallID, ToTag, FromTag string
	// EarlyOnly says that it must not have been answered.
	EarlyOnly bool
}

// parseReplaces reads "callid;to-tag=…;from-tag=…;early-only".
func parseReplaces(v string) (Replaces, error) {
	var r Replaces
	if len(v) > 3*maxID {
		return r, fmt.Errorf("read Replaces: it has %d octets, at most %d", len(v), 3*maxID)
	}
	f := strings.Split(v, ";")
	r.CallID = strings.TrimSpace(f[0])
	for _, p := range f[1:] {
		k, val, _ := strings.Cut(strings.TrimSpace(p), "=")
		switch strings.ToLower(strings.TrimSpace(k)) {
		case "to-tag":
			r.ToTag = strings.TrimSpace(val)
		case "from-tag":
			r.FromTag = strings.TrimSpace(val)
		case "early-only":
			r.EarlyOnly = true
		}
	}
	if r.CallID == "" || r.ToTag == "" || r.FromTag == "" {
		return r, fmt.Errorf("read Replaces: a Call-ID, a to-tag and a from-tag are wanted")
	}
	return r, nil
}

// String writes the header's value.
func (r Replaces) String() string {
	s := r.CallID + ";to-tag=" + r.ToTag + ";from-tag=" + r.FromTag
	if r.EarlyOnly {
		s += ";early-only"
	}
	return s
}

// unescape undoes a URI's escapes; what is none stays.
func unescape(v string) string {
	if plain, err := url.PathUnescape(v); err == nil {
		return plain
	}
	return v
}
