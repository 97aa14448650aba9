package sip

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	gosip "github.com/emiago/sipgo/sip"
)

// Sizes of messages. A body has Config.MaxBody octets at most.
const (
	maxHeaders     = 16 << 10 // octets of start line and headers
	maxHeaderLines = 256
)

var (
	crlf     = []byte("\r\n")
	crlfcrlf = []byte("\r\n\r\n")
)

// rawField is one header line as it came, unfolded.
type rawField struct{ name, value string }

// rawMessage is a message of which nothing is believed: what is needed to frame
// it, and to answer it where it cannot be parsed.
type rawMessage struct {
	start  string
	fields []rawField
}

// compact are the short names of headers that the front looks at (RFC 3261
// §7.3.3).
var compact = map[string]string{"v": "via", "f": "from", "t": "to", "i": "call-id", "l": "content-length"}

// scan reads start line and headers, as much as there is. Nothing in it can
// fail; what is no header line is left out.
func scan(b []byte) rawMessage {
	if i := bytes.Index(b, crlfcrlf); i >= 0 {
		b = b[:i]
	}
	if len(b) > maxHeaders {
		b = b[:maxHeaders]
	}
	var m rawMessage
	first := true
	for line := range strings.SplitSeq(string(b), "\r\n") {
		switch {
		case first:
			m.start, first = line, false
		case line == "":
		case line[0] == ' ' || line[0] == '\t':
			if n := len(m.fields); n > 0 {
				m.fields[n-1].value += " " + strings.Trim(line, " \t")
			}
		case len(m.fields) < maxHeaderLines:
			name, value, ok := strings.Cut(line, ":")
			if !ok {
				continue
			}
			name = strings.ToLower(strings.TrimRight(name, " \t"))
			if long, ok := compact[name]; ok {
				name = long
			}
			m.fields = append(m.fields, rawField{name, strings.Trim(value, " \t")})
		}
	}
	return m
}

// all are the values of the headers of a name (lower case).
func (m rawMessage) all(name string) []string {
	var out []string
	for _, f := range m.fields {
		if f.name == name {
			out = append(out, f.value)
		}
	}
	return out
}

// isResponse says whether it is a response, which is never answered.
func (m rawMessage) isResponse() bool {
	return len(m.start) >= 4 && strings.EqualFold(m.start[:4], "SIP/")
}

// method is the first word of the start line.
func (m rawMessage) method() string {
	method, _, _ := strings.Cut(m.start, " ")
	return method
}

// answerable says whether a response could reach anybody and would be
// understood: it is a request other than ACK, and says whence it came.
func (m rawMessage) answerable() bool {
	return !m.isResponse() && !strings.EqualFold(m.method(), "ACK") && len(m.all("via")) > 0 && strings.Contains(m.start, " ")
}

// bodyLength reads Content-Length: one number, of decimal digits. Without the
// header it is -1.
func (m rawMessage) bodyLength() (int, error) {
	n := -1
	for _, v := range m.all("content-length") {
		k, err := strconv.ParseUint(v, 10, 31)
		if err != nil {
			return 0, fmt.Errorf("Content-Length %.20q is no number", v)
		}
		if n >= 0 && n != int(k) {
			return 0, fmt.Errorf("two Content-Lengths: %d and %d", n, k)
		}
		n = int(k)
	}
	return n, nil
}

// scheme is that of the request URI, "" if there is none to be seen.
func (m rawMessage) scheme() string {
	_, uri, _ := strings.Cut(m.start, " ")
	scheme, _, ok := strings.Cut(strings.TrimLeft(uri, " "), ":")
	if !ok || scheme == "" {
		return ""
	}
	for _, c := range scheme { // RFC 3986 §3.1
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("+-.", c) {
			return ""
		}
	}
	return strings.ToLower(scheme)
}

// answer writes a response to a request that no transaction will be made of:
// it repeats what the request says of itself and keeps nothing (RFC 3261
// §8.2.7).
func (m rawMessage) answer(status int, reason string, src netip.AddrPort, headers ...string) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "SIP/2.0 %d %s\r\n", status, reason)
	for i, v := range m.all("via") {
		if i == maxVia {
			break
		}
		if i == 0 {
			v = receivedBy(v, src)
		}
		b.WriteString("Via: " + v + "\r\n")
	}
	for _, name := range []string{"from", "to", "call-id", "cseq"} {
		all := m.all(name)
		if len(all) == 0 {
			continue
		}
		v := all[0]
		if name == "to" && !strings.Contains(strings.ToLower(v), ";tag=") {
			sum := sha256.Sum256([]byte(m.start + src.String() + strings.Join(m.all("call-id"), "")))
			v += ";tag=" + hex.EncodeToString(sum[:8])
		}
		b.WriteString(map[string]string{"from": "From", "to": "To", "call-id": "Call-ID", "cseq": "CSeq"}[name] + ": " + v + "\r\n")
	}
	for _, h := range headers {
		b.WriteString(h + "\r\n")
	}
	b.WriteString("Content-Length: 0\r\n\r\n")
	return []byte(b.String())
}

// receivedBy adds to the topmost Via where the message really came from (RFC
// 3261 §18.2.1, RFC 3581).
func receivedBy(via string, src netip.AddrPort) string {
	first, rest, more := strings.Cut(via, ",")
	low := gosip.ASCIIToLower(first) // of the same length, whatever is in it
	if strings.Contains(low, ";rport") && !strings.Contains(low, ";rport=") {
		i := strings.Index(low, ";rport")
		first = first[:i] + ";rport=" + strconv.Itoa(int(src.Port())) + first[i+len(";rport"):]
	}
	first += ";received=" + src.Addr().String()
	if more {
		return first + "," + rest
	}
	return first
}
