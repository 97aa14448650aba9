package sip

import (
	"mime"
	"regexp"
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

// secretLines are the lines of a description that hold keys: SDES (RFC 4568),
// ICE passwords (RFC 8839), k= (RFC 8866 §5.12), MIKEY (RFC 4567).
var secretLines = regexp.MustCompile(`(?im)^(a=crypto:[^ \r\n]* *[^ \r\n]*|a=ice-pwd:|a=key-mgmt:|k=)[^\r\n]*`)

// uriPassword is a password in a URI: sip:user:password@host.
var uriPassword = regexp.MustCompile(`(?i)(sips?:[^:@<>\s;]{1,128}):[^@<>\s]{1,128}@`)

// Redact writes a message as it is kept and exported: without credentials, keys
// and pressed keys, and cut at 8 KiB. Bodies are kept where they are session
// descriptions or fragments of SIP; of others only the size.
func Redact(m gosip.Message) string {
	head, body, _ := strings.Cut(m.String(), "\r\n\r\n")
	var b strings.Builder
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
			line = uriPassword.ReplaceAllString(line, "${1}:"+removed+"@")
		}
		b.WriteString(visible(line) + "\r\n")
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
	case "application/sdp":
		body = secretLines.ReplaceAllString(body, "${1} "+removed)
	case "message/sipfrag":
	default:
		return removed + "\r\n"
	}
	var b strings.Builder
	for line := range strings.Lines(body) {
		b.WriteString(visible(strings.TrimRight(line, "\r\n")) + "\r\n")
	}
	return b.String()
}

// visible makes a line of a stranger's safe to show: no control characters, no
// marks that turn text round.
func visible(line string) string { return printable(line, maxTraceMessage) }
