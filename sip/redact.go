package sip

import (
	"mime"
	"strings"

	gosip "github.com/emiago/sipgo/sip"
)

// maxTraceMessage is how much of one message is kept, in octets.
const maxTraceMessage = 8 << 10

// removed stands for what may not be kept.
const removed = "(removed)"

// secretHeaders are those whose values open doors: a digest's answer can be
// guessed at offline (RFC 7616 §5).
var secretHeaders = map[string]bool{
	"authorization": true, "proxy-authorization": true, "www-authenticate": true, "proxy-authenticate": true,
	"authentication-info": true, "proxy-authentication-info": true, "cookie": true,
}

// withoutPassword takes the passwords of URIs (sip:user:password@host) out of a
// line.
func withoutPassword(line string) string {
	for from := 0; ; {
		i := strings.IndexByte(line[from:], ':')
		if i < 0 {
			return line
		}
		from += i + 1
		if scheme := strings.ToLower(line[max(from-5, 0) : from-1]); !strings.HasSuffix(scheme, "sip") && !strings.HasSuffix(scheme, "sips") {
			continue
		}
		colon := strings.IndexAny(line[from:], ":@<>; \t")
		if colon <= 0 || line[from+colon] != ':' {
			continue
		}
		colon += from + 1
		at := strings.IndexAny(line[colon:], "@<> \t")
		if at > 0 && line[colon+at] == '@' {
			line = line[:colon] + removed + line[colon+at:]
		}
	}
}

// withoutKeys takes the keys out of a line of a description: SDES (RFC 4568), ICE
// passwords (RFC 8839), k= (RFC 8866 §5.12), MIKEY (RFC 4567).
func withoutKeys(line string) string {
	if len(line) < 2 || line[1] != '=' || line[0]|0x20 != 'a' && line[0]|0x20 != 'k' {
		return line
	}
	if line[0]|0x20 == 'k' {
		return line[:2] + removed
	}
	name, _, _ := strings.Cut(line[2:], ":")
	switch strings.ToLower(strings.TrimSpace(name)) {
	case "crypto": // its number and suite may stay
		f := strings.Fields(line)
		return strings.Join(f[:min(len(f), 2)], " ") + " " + removed
	case "ice-pwd", "key-mgmt":
		return line[:2] + name + ":" + removed
	}
	return line
}

// Redact writes a message as it is kept and exported: without credentials, keys
// and pressed keys, and cut at 8 KiB. Bodies are kept where they are session
// descriptions or fragments of SIP; of others only the size.
func Redact(m gosip.Message) string {
	head, body, _ := strings.Cut(m.String(), "\r\n\r\n")
	var b strings.Builder
	b.Grow(len(head) + len(body) + 256)
	folded := false // the line before was removed, and this may go on with it
	for line := range strings.SplitSeq(head, "\r\n") {
		name, _, ok := strings.Cut(line, ":")
		switch {
		case folded && line != "" && (line[0] == ' ' || line[0] == '\t'):
			continue
		case ok && secretHeaders[strings.ToLower(strings.TrimSpace(name))]:
			folded = true
			line = name + ": " + removed
		default:
			folded = false
			line = withoutPassword(line)
		}
		b.WriteString(visible(line))
		b.WriteString("\r\n")
	}
	b.WriteString("\r\n" + keptBody(headerValue(m, "Content-Type"), body))
	out := b.String()
	if len(out) > maxTraceMessage {
		out = strings.ToValidUTF8(out[:maxTraceMessage], "") + "\r\n(cut)\r\n"
	}
	return out
}

func keptBody(contentType, body string) string {
	if body == "" {
		return ""
	}
	kind, _, _ := mime.ParseMediaType(contentType)
	switch kind {
	case "application/sdp", "message/sipfrag":
	default:
		return removed + "\r\n"
	}
	var b strings.Builder
	for line := range strings.Lines(body) {
		line = strings.TrimRight(line, "\r\n")
		if kind == "application/sdp" {
			line = withoutKeys(line)
		}
		b.WriteString(visible(line))
		b.WriteString("\r\n")
	}
	return b.String()
}

// visible makes a line of a stranger's safe to show: no control characters, no
// marks that turn text round.
func visible(line string) string {
	for i := 0; i < len(line); i++ {
		if line[i] < ' ' || line[i] >= 0x7f {
			return printable(line, maxTraceMessage)
		}
	}
	return line
}
