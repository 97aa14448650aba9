package sdp

import (
	"fmt"
	"strings"

	"callfloor/media"
)

// ICE is our side of the connectivity checks (RFC 8839): we are the lite side,
// with one address, which softphones in browsers insist on.
type ICE struct {
	// Ufrag and Pwd are ours for the life of the leg; without them there is no
	// ICE.
	Ufrag, Pwd string
	// Offer puts ICE into our offers: it was agreed on, or the far end is a
	// browser.
	Offer bool
}

// iceOf is what a section, or the session, says of ICE.
type iceOf struct{ ufrag, pwd string }

// connectivity takes an attribute that concerns ICE; false if it does not.
func (p *parser) connectivity(m *Media, key, val string) bool {
	s := &p.ice
	if m != nil {
		s = &m.ice
	}
	switch strings.ToLower(key) {
	case "ice-ufrag":
		s.ufrag = iceWord(val, 4)
	case "ice-pwd":
		s.pwd = iceWord(val, 22)
	case "mid":
		if m != nil && len(val) <= 64 && token(val) == val {
			m.mid = val
		}
	default:
		return false
	}
	return true
}

// iceWord is a ufrag or a password, "" where it is none (RFC 8839 §5.4).
func iceWord(v string, least int) string {
	if len(v) < least || len(v) > 256 || strings.ContainsFunc(v, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && r != '+' && r != '/'
	}) {
		return ""
	}
	return v
}

// iceAgreed is the agreement on ICE with a section; nil if there is none. It
// needs RTCP on the RTP port: one address is all that is found.
func (m *Media) iceAgreed(l ICE) *media.ICE {
	if m.ice.ufrag == "" || m.ice.pwd == "" || !m.RTCPMux || l.Pwd == "" {
		return nil
	}
	return &media.ICE{Ufrag: l.Ufrag, Pwd: l.Pwd, RemoteUfrag: m.ice.ufrag}
}

// iceSession are the lines of the session's part, iceSection those of a section
// whose RTP port is ours.
func iceSession(b *strings.Builder, mid string) {
	b.WriteString("a=ice-lite\r\n")
	if mid != "" {
		fmt.Fprintf(b, "a=group:BUNDLE %s\r\n", mid)
	}
}

func iceSection(b *strings.Builder, l Local, mid string) {
	if mid != "" {
		fmt.Fprintf(b, "a=mid:%s\r\n", mid)
	}
	fmt.Fprintf(b, "a=ice-ufrag:%s\r\na=ice-pwd:%s\r\n", l.ICE.Ufrag, l.ICE.Pwd)
	fmt.Fprintf(b, "a=candidate:1 1 udp 2130706431 %s %d typ host\r\na=end-of-candidates\r\n", l.Addr.Unmap(), l.Port)
}
