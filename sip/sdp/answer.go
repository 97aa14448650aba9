package sdp

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"callfloor/media"
	"callfloor/media/codec"
)

// Local is our side of an offer or answer.
type Local struct {
	Addr netip.Addr // where we want RTP
	Port int
	// Codecs are what we take, best first.
	Codecs []codec.ID
	// OwnOrder answers with the first of Codecs that is offered; otherwise the
	// offer's order counts (RFC 3264 §6.1).
	OwnOrder bool
	// ID and Version are the numbers of o=; Version grows with each change
	// (RFC 3264 §8).
	ID, Version uint64
	Direction   Direction // "" is sendrecv
	// Security is what we do about encryption, ICE about connectivity checks.
	Security Security
	ICE      ICE
}

// Agreed is what offer and answer came to for the audio stream.
type Agreed struct {
	Codec       codec.ID
	PayloadType uint8
	// Events is the payload type of telephone-event at the clock rate of Codec,
	// 0 if not agreed; EventsRate is that rate in Hz.
	Events     uint8
	EventsRate int
	// Remote is where the far side wants RTP; the zero value when it gave no
	// address (a host name, the hold of RFC 2543): wait for its packets.
	Remote netip.AddrPort
	RTCP   netip.AddrPort // zero: the port after Remote's
	Mux    bool
	PTime  int // milliseconds that the far side wishes, 0 if it did not say
	// Theirs is the direction that the far side wrote, Ours what we said.
	Theirs, Ours Direction
	// Protection is how the audio is encrypted.
	Protection media.Protection
	// ICE finds the far side's address; nil: Remote is it.
	ICE *media.ICE
}

// ErrNoCodec says that offer and answer have no audio format in common (488,
// RFC 3261 §21.4.26).
var ErrNoCodec = errors.New("no common audio codec")

// usable says whether we can serve the section: audio over RTP or SRTP with a
// port.
func (m *Media) usable() bool {
	return m.Kind == "audio" && m.Port != 0 && m.profile() != foreign
}

// agree picks the codec (see pick) and the telephone-event beside it.
func (m *Media) agree(l Local) (Agreed, bool) {
	formats := m.formats()
	f, ok := pick(formats, l)
	if !ok {
		return Agreed{}, false
	}
	a := Agreed{Codec: f.id, PayloadType: f.pt}
	if e, ok := eventsAt(formats, f.rate); ok {
		a.Events, a.EventsRate = e.pt, e.rate
	}
	if ap, ok := m.Addr(); ok && !ap.Addr().IsUnspecified() {
		a.Remote = ap
	}
	a.RTCP, a.Mux, a.PTime, a.Theirs = m.RTCPAddr(), m.RTCPMux, m.PTime, m.Direction
	return a, true
}

// Reverse is the answer to an offered direction when we want to do all we can
// (RFC 3264 §6.1): sendonly is answered recvonly, inactive inactive.
func Reverse(offered Direction) Direction {
	switch offered {
	case SendOnly:
		return RecvOnly
	case RecvOnly:
		return SendOnly
	case Inactive:
		return Inactive
	default:
		return SendRecv
	}
}

// meet is what is left of a direction that may be answered when we do not want
// more than d (RFC 6337 §5.3): a side that holds goes on to hold.
func (d Direction) meet(may Direction) Direction {
	switch {
	case d == "", d == SendRecv, d == may:
		return may
	case may == SendRecv:
		return d
	default: // the two have nothing in common
		return Inactive
	}
}

// Answer answers an offer: the first usable audio section with a common codec
// is taken (an encrypted one if there is one), every other section is refused
// with port 0. ErrNoCodec or ErrNotSecure if none is.
func Answer(offer *Session, l Local) ([]byte, Agreed, error) {
	var (
		b      strings.Builder
		taken  Agreed
		writer = func(s string, args ...any) { fmt.Fprintf(&b, s+"\r\n", args...) }
	)
	chosen, how, err := choose(offer, l)
	if chosen < 0 {
		return nil, Agreed{}, err
	}
	head(&b, l)
	ice := offer.Media[chosen].iceAgreed(l.ICE)
	if ice != nil {
		iceSession(&b, offer.Media[chosen].mid)
	}
	for i := range offer.Media {
		m := &offer.Media[i]
		if i == chosen {
			taken, _ = m.agree(l)
			taken.ICE = ice
			taken.Ours, taken.Protection = l.Direction.meet(Reverse(taken.Theirs)), how.protection
			section(&b, m.Proto, l, taken.formats(), taken.Ours, taken.Mux)
			for _, line := range how.lines {
				writer("%s", line)
			}
			if ice != nil {
				iceSection(&b, l, m.mid)
			}
			continue
		}
		writer("m=%s 0 %s %s", token(m.Kind), token(m.Proto), strings.Join(refused(m), " "))
	}
	return []byte(b.String()), taken, nil
}

// refused are the formats that a refused section repeats (RFC 3264 §6): any
// one will do.
func refused(m *Media) []string {
	if len(m.Formats) > 0 {
		return []string{token(m.Formats[0])}
	}
	return []string{"0"}
}

// token keeps what may stand in an m= line, so that nothing of theirs can
// break a line of ours.
func token(s string) string {
	s = strings.Map(func(r rune) rune {
		if r > ' ' && r < 0x7f {
			return r
		}
		return -1
	}, s)
	if s == "" {
		return "0"
	}
	return s
}

// Offer makes an offer of l.Codecs and telephone-event, and says that
// multiplexed RTCP is welcome.
func Offer(l Local) []byte {
	var b strings.Builder
	head(&b, l)
	if l.ICE.Offer {
		iceSession(&b, offeredMid)
	}
	dir := l.Direction
	if dir == "" {
		dir = SendRecv
	}
	proto, lines := secureOffer(l.Security)
	section(&b, proto, l, offered(l.Codecs), dir, true)
	for _, line := range lines {
		b.WriteString(line + "\r\n")
	}
	if l.ICE.Offer {
		iceSection(&b, l, offeredMid)
	}
	return []byte(b.String())
}

// Accept reads the answer to an offer that was made of l. The first of the
// answer's formats is what we send. ErrNoCodec, or ErrNotSecure where the
// answer does not keep to what was offered.
func Accept(answer *Session, l Local) (Agreed, error) {
	for i := range answer.Media {
		m := &answer.Media[i]
		if !m.usable() {
			continue
		}
		a, ok := m.agree(l)
		if !ok {
			continue
		}
		p, err := m.secureAccept(l.Security)
		if err != nil {
			return Agreed{}, err
		}
		a.Ours, a.Protection = Reverse(a.Theirs), p
		if l.ICE.Offer {
			a.ICE = m.iceAgreed(l.ICE)
		}
		return a, nil
	}
	return Agreed{}, ErrNoCodec
}

// offeredMid names the section of our offers.
const offeredMid = "0"

func head(b *strings.Builder, l Local) {
	fam := "IP4"
	if l.Addr.Is6() && !l.Addr.Is4In6() {
		fam = "IP6"
	}
	ip := l.Addr.Unmap()
	fmt.Fprintf(b, "v=0\r\no=callfloor %d %d IN %s %s\r\ns=-\r\nc=IN %s %s\r\nt=0 0\r\n", l.ID, l.Version, fam, ip, fam, ip)
}

func section(b *strings.Builder, proto string, l Local, fs []format, dir Direction, mux bool) {
	fmt.Fprintf(b, "m=audio %d %s", l.Port, token(proto))
	for _, f := range fs {
		fmt.Fprintf(b, " %d", f.pt)
	}
	b.WriteString("\r\n")
	for _, f := range fs {
		f.write(b)
	}
	fmt.Fprintf(b, "a=ptime:20\r\na=%s\r\n", dir)
	if mux {
		b.WriteString("a=rtcp-mux\r\n")
	}
}
