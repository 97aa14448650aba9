package web

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"callfloor/media"
	"callfloor/media/poll"

	"github.com/pion/ice/v4"
	"github.com/pion/webrtc/v4"
)

// intake takes a browser's RTP where it comes in and hands it to the receiver
// of its peer connection: by the media port's reader, on whose goroutine the
// packet then goes all the way, or, from an address that ICE has not chosen
// (yet) and over TCP, by the reader of that candidate. pion sees STUN, DTLS and
// RTCP only. Its own way for a packet has five goroutines and four queues, and
// cost more than all the rest of a call. Before the handshake is over, and
// should it not show its keys, packets take that way. What the browser hears
// goes by out.
type intake struct {
	server    *Server // for what goes wrong
	secrets   secrets
	receiver  *media.Receiver
	video     atomic.Pointer[videoIntake]  // nil: no pictures were agreed on
	opener    atomic.Pointer[media.Opener] // nil: pion decrypts
	intakes   *intakes
	detours   atomic.Uint64 // packets that a candidate's reader took
	forged    atomic.Uint64 // not authentic, or come twice
	out       outlet
	transport *webrtc.DTLSTransport // set before the first track is bound

	mu     sync.Mutex     // also for opening
	sealer *media.Sealer  // nil: no keys (yet)
	bound  netip.AddrPort // where ICE says that the browser is; zero: not known
	ended  bool
}

// take deals with a datagram if it is RTP and there are keys; it is decrypted
// where it lies. What is not authentic is dropped and counted. It runs on pion's
// goroutines, which a fault over one packet would end, and the process with them.
func (i *intake) take(b []byte) (taken bool) {
	opener := i.opener.Load()
	if opener == nil || !isRTP(b) {
		return false
	}
	taken = true // whatever happens
	defer i.server.recovered("packet of a browser", nil)
	video := i.video.Load()
	pictures := video != nil && video.types[b[1]&0x7F]
	plain, err := opener.RTP(b)
	switch {
	case err != nil:
		i.forged.Add(1)
	case pictures:
		_ = video.film.WriteRTP(plain, time.Now())
	default:
		// What is wrong with a packet is in the receiver's figures.
		_ = i.receiver.WriteRTP(plain, time.Now())
	}
	return taken
}

// videoIntake tells the pictures from the sound, which come by one port (RFC
// 8843 §9.2): by payload type.
type videoIntake struct {
	film  *media.VideoReceiver
	types [128]bool
}

// isRTP tells RTP from the rest of what comes to one port (RFC 7983 §7, RFC
// 5761 §4).
func isRTP(b []byte) bool {
	return len(b) >= 12 && b[0]>>6 == 2 && (b[1]&0x7F < 64 || b[1]&0x7F > 95)
}

// open begins to decrypt here, and makes what encrypts. The handshake must be over
// and the browser's certificate the one of its offer.
func (i *intake) open() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.opener.Load() != nil {
		return
	}
	theirs, ours, ok := i.secrets.keys()
	if !ok {
		return
	}
	sealer, err := media.NewSealer(ours)
	if err != nil {
		return
	}
	if opener, err := media.NewOpener(theirs); err == nil {
		i.sealer = sealer
		i.opener.Store(opener)
	}
}

// follow makes the media port know where ICE says that the browser is.
func (i *intake) follow(pair *webrtc.ICECandidatePair) {
	var to netip.AddrPort
	if pair != nil && pair.Remote != nil && pair.Remote.Protocol == webrtc.ICEProtocolUDP {
		if ip, err := netip.ParseAddr(pair.Remote.Address); err == nil {
			to = netip.AddrPortFrom(ip.Unmap(), pair.Remote.Port)
		}
	}
	i.bind(to)
}

func (i *intake) bind(to netip.AddrPort) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.ended || i.bound == to {
		return
	}
	i.intakes.move(i, i.bound, to)
	i.bound = to
}

// close makes the media port forget the browser, and nothing goes there.
func (i *intake) close() {
	i.out.way.Store(nil)
	i.bind(netip.AddrPort{})
	i.mu.Lock()
	i.ended = true
	i.mu.Unlock()
}

// intakes finds browsers by their addresses.
type intakes struct {
	mu sync.RWMutex
	at map[netip.AddrPort]*intake
}

func newIntakes() *intakes { return &intakes{at: map[netip.AddrPort]*intake{}} }

// move takes i from one address to another; the zero address is none. The last
// who came to an address has it.
func (s *intakes) move(i *intake, from, to netip.AddrPort) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.at[from] == i {
		delete(s.at, from)
	}
	if to.IsValid() {
		s.at[to] = i
	}
}

func (s *intakes) find(from netip.AddrPort) *intake {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.at[from]
}

// mediaPort is the socket that all browsers share.
type mediaPort struct {
	*poll.PacketConn
	intakes *intakes
}

// ReadFromAddrPort returns what is left to pion, which reads by it where it
// finds it.
func (p *mediaPort) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	for {
		n, from, err := p.PacketConn.ReadFromAddrPort(b)
		if err != nil {
			return 0, netip.AddrPort{}, err
		}
		if isRTP(b[:n]) {
			if i := p.intakes.find(from); i != nil && i.take(b[:n]) {
				continue
			}
		}
		return n, from, nil
	}
}

// ReadFrom implements net.PacketConn.
func (p *mediaPort) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := p.ReadFromAddrPort(b)
	if err != nil {
		return 0, nil, err
	}
	return n, net.UDPAddrFromAddrPort(from), nil
}

// tapped is a candidate's way in and out: what reads it sees no RTP, and what
// writes to it shows where the browser is.
type tapped struct {
	net.PacketConn
	intake *intake
	port   *mediaPort // nil: the candidate is not the media port's
}

// WriteTo implements net.PacketConn.
func (t *tapped) WriteTo(b []byte, to net.Addr) (int, error) {
	if !isSTUN(b) {
		t.intake.out.goes(t, to)
	}
	return t.PacketConn.WriteTo(b, to)
}

// ReadFrom implements net.PacketConn.
func (t *tapped) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, from, err := t.PacketConn.ReadFrom(b)
		if err != nil || !t.intake.take(b[:n]) {
			return n, from, err
		}
		t.intake.detours.Add(1)
	}
}

// tappedUDP is the media port as one peer connection has it.
type tappedUDP struct {
	ice.UDPMux
	intake *intake
	ports  map[string]*mediaPort // by address
}

// GetConn implements ice.UDPMux.
func (t tappedUDP) GetConn(ufrag string, addr net.Addr) (net.PacketConn, error) {
	c, err := t.UDPMux.GetConn(ufrag, addr)
	if err != nil {
		return nil, err
	}
	return &tapped{c, t.intake, t.ports[addr.String()]}, nil
}

// tappedTCP is tappedUDP for TCP. pion asks it for its LocalAddr, too.
type tappedTCP struct {
	*ice.TCPMuxDefault
	intake *intake
}

// GetConnByUfrag implements ice.TCPMux.
func (t tappedTCP) GetConnByUfrag(ufrag string, isIPv6 bool, local net.IP) (net.PacketConn, error) {
	c, err := t.TCPMuxDefault.GetConnByUfrag(ufrag, isIPv6, local)
	if err != nil {
		return nil, err
	}
	return &tapped{c, t.intake, nil}, nil
}
