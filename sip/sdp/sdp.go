// Package sdp reads and writes the session descriptions that phones and
// carriers really send (RFC 8866, RFC 3264), and answers offers. It is pure:
// no socket, no clock. The parser is tolerant (bare LF, a missing s= line,
// spaces in o=, unknown lines and media) and bounded; what it cannot use it
// skips, so that one odd line does not cost a call.
package sdp

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Limits of what Parse takes; more is refused with an error.
const (
	MaxSize  = 32 << 10 // octets of a description
	MaxMedia = 32       // m= lines
	maxAttrs = 512      // a= lines in all
	maxFmts  = 64       // formats of one m= line
)

// Errors of Parse. They are wrapped with what was seen.
var (
	ErrTooBig    = errors.New("session description is too big")
	ErrMalformed = errors.New("session description is malformed")
)

// Direction is which way media flows, seen from whoever wrote it (RFC 8866
// §6.7).
type Direction string

// The directions.
const (
	SendRecv Direction = "sendrecv"
	SendOnly Direction = "sendonly"
	RecvOnly Direction = "recvonly"
	Inactive Direction = "inactive"
)

// Sends says whether the writer of d sends media.
func (d Direction) Sends() bool { return d == SendRecv || d == SendOnly }

// Receives says whether the writer of d wants media.
func (d Direction) Receives() bool { return d == SendRecv || d == RecvOnly }

// Session is a parsed description.
type Session struct {
	// Origin is the value of o= as it came.
	Origin string
	// Connection is the host of the session's c= line ("" if none).
	Connection string
	Media      []Media
}

// Media is one m= section.
type Media struct {
	Kind    string // "audio", "video", …, lower case
	Port    int    // 0: refused or ended
	Proto   string // "RTP/AVP"
	Formats []string
	// Connection is the host of its own c= line, else the session's.
	Connection string
	Direction  Direction
	// PTime is a=ptime in milliseconds, 0 if missing or absurd.
	PTime   int
	RTCPMux bool
	// RTCPPort is the port of a=rtcp (RFC 3605), 0 if missing; RTCPHost its
	// host, "" if missing.
	RTCPPort int
	RTCPHost string
	// secure is what it says about encryption, ice about connectivity checks.
	secure security
	ice    iceOf
	mid    string
	// maps holds a=rtpmap by format, fmtp a=fmtp.
	maps map[string]string
	fmtp map[string]string
}

// Addr returns where the writer wants to receive RTP. ok is false when the
// host is not a usable IP address.
func (m *Media) Addr() (addr netip.AddrPort, ok bool) {
	ip, err := netip.ParseAddr(m.Connection)
	if err != nil || m.Port == 0 {
		return netip.AddrPort{}, false
	}
	return netip.AddrPortFrom(ip.Unmap(), uint16(m.Port)), true
}

// RTCPAddr returns where the writer wants RTCP (RFC 3605, RFC 5761); the zero
// value means the port after Addr's.
func (m *Media) RTCPAddr() netip.AddrPort {
	if m.RTCPPort == 0 {
		return netip.AddrPort{}
	}
	host := m.RTCPHost
	if host == "" {
		host = m.Connection
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(ip.Unmap(), uint16(m.RTCPPort))
}

// Parse reads a description. It fails only on what no offer or answer can be
// made of: no version or media line at all, a port that is no port, or a size
// past the limits.
func Parse(b []byte) (*Session, error) {
	if len(b) > MaxSize {
		return nil, fmt.Errorf("%w: %d octets, at most %d", ErrTooBig, len(b), MaxSize)
	}
	p := parser{s: &Session{}}
	for line := range strings.Lines(string(b)) {
		if err := p.line(strings.TrimRight(line, "\r\n\x00 \t")); err != nil {
			return nil, err
		}
	}
	if !p.version {
		return nil, fmt.Errorf("%w: no v= line", ErrMalformed)
	}
	if len(p.s.Media) == 0 {
		return nil, fmt.Errorf("%w: no m= line", ErrMalformed)
	}
	p.finish()
	return p.s, nil
}

type parser struct {
	s       *Session
	version bool
	dir     Direction // the session's default
	attrs   int
	secure  security // the session's, for sections that say nothing
	ice     iceOf
}

func (p *parser) line(l string) error {
	if len(l) < 2 || l[1] != '=' {
		return nil // not a line of SDP: skipped
	}
	v := strings.TrimSpace(l[2:])
	switch l[0] {
	case 'v':
		p.version = true
	case 'o':
		p.s.Origin = v
	case 'c':
		if m := p.last(); m != nil {
			m.Connection = host(v)
		} else {
			p.s.Connection = host(v)
		}
	case 'm':
		return p.media(v)
	case 'a':
		if p.attrs++; p.attrs > maxAttrs {
			return fmt.Errorf("%w: more than %d attributes", ErrTooBig, maxAttrs)
		}
		p.attribute(v)
	}
	return nil
}

func (p *parser) last() *Media {
	if n := len(p.s.Media); n > 0 {
		return &p.s.Media[n-1]
	}
	return nil
}

// host takes the address out of "IN IP4 192.0.2.1/127".
func host(v string) string {
	f := strings.Fields(v)
	if len(f) < 3 {
		return ""
	}
	h, _, _ := strings.Cut(f[2], "/")
	return h
}

func (p *parser) media(v string) error {
	if len(p.s.Media) == MaxMedia {
		return fmt.Errorf("%w: more than %d m= lines", ErrTooBig, MaxMedia)
	}
	f := strings.Fields(v)
	if len(f) < 3 {
		return fmt.Errorf("%w: m= line has %d fields, at least 3 wanted", ErrMalformed, len(f))
	}
	num, _, _ := strings.Cut(f[1], "/")
	port, err := strconv.ParseUint(num, 10, 16)
	if err != nil {
		return fmt.Errorf("%w: m= line with port %.12q", ErrMalformed, f[1])
	}
	if len(f)-3 > maxFmts {
		return fmt.Errorf("%w: more than %d formats", ErrTooBig, maxFmts)
	}
	p.s.Media = append(p.s.Media, Media{
		Kind: strings.ToLower(f[0]), Port: int(port), Proto: f[2], Formats: f[3:],
		maps: map[string]string{}, fmtp: map[string]string{},
	})
	return nil
}

func (p *parser) attribute(v string) {
	key, val, _ := strings.Cut(v, ":")
	m := p.last()
	switch d := Direction(strings.ToLower(key)); d {
	case SendRecv, SendOnly, RecvOnly, Inactive:
		if m != nil {
			m.Direction = d
		} else {
			p.dir = d
		}
		return
	}
	val = strings.TrimSpace(val)
	if p.security(m, key, val) || p.connectivity(m, key, val) || m == nil {
		return
	}
	switch strings.ToLower(key) {
	case "rtpmap":
		if pt, enc, ok := strings.Cut(val, " "); ok {
			m.maps[pt] = strings.TrimSpace(enc)
		}
	case "fmtp":
		if pt, par, ok := strings.Cut(val, " "); ok {
			m.fmtp[pt] = strings.TrimSpace(par)
		}
	case "ptime":
		if f, err := strconv.ParseFloat(val, 64); err == nil && f >= 10 && f <= 200 {
			m.PTime = int(f)
		}
	case "rtcp-mux":
		m.RTCPMux = true
	case "rtcp":
		f := strings.Fields(val)
		if len(f) == 0 {
			return
		}
		if port, err := strconv.ParseUint(f[0], 10, 16); err == nil {
			m.RTCPPort = int(port)
		}
		if len(f) >= 4 {
			m.RTCPHost = f[3]
		}
	}
}

// finish fills in what the media sections inherit from the session.
func (p *parser) finish() {
	for i := range p.s.Media {
		m := &p.s.Media[i]
		m.secure.inherit(p.secure)
		if m.ice == (iceOf{}) {
			m.ice = p.ice
		}
		if m.Connection == "" {
			m.Connection = p.s.Connection
		}
		if m.Direction == "" {
			m.Direction = p.dir
		}
		if m.Direction == "" {
			m.Direction = SendRecv
		}
		// The hold of RFC 2543: an address of zeros asks us not to send.
		if (m.Connection == "0.0.0.0" || m.Connection == "::") && m.ice.ufrag == "" { // with ICE: not known yet
			switch m.Direction {
			case SendRecv:
				m.Direction = SendOnly
			case RecvOnly:
				m.Direction = Inactive
			}
		}
	}
}
