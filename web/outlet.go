package web

import (
	"errors"
	"net"
	"net/netip"
	"sync/atomic"

	"callfloor/media"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// outlet sends what a browser hears: encrypted here with the keys that the
// handshake showed, it goes into the next batch of the media port, on the
// goroutine of whoever is heard. pion's own way for a packet takes a buffer of a
// pool, two locks and four layers down to the same port.
//
//	Sender ──► outlet: SRTP ──► way ──► media port (UDP), or pion's connection (TCP)
//
// Where the browser is, pion says: ICE is its, and whatever it sends but for
// checks goes to the pair that ICE has chosen.
type outlet struct {
	shown  bool                   // the connections of ICE are tapped; static
	chosen atomic.Pointer[chosen] // nil: the handshake is not over
	way    atomic.Pointer[way]
}

// chosen is who encrypts: pion if there is no sealer.
type chosen struct{ sealer *media.Sealer }

// way is to the browser. port is nil where the candidate is not the media
// port's.
type way struct {
	port *mediaPort
	to   netip.AddrPort
	conn net.PacketConn
	addr net.Addr
}

var errNoWay = errors.New("web: the browser cannot be reached (yet)")

// send sends a packet that is encrypted.
func (o *outlet) send(b []byte) error {
	w := o.way.Load()
	if w == nil {
		return errNoWay
	}
	var err error
	if w.port != nil {
		_, err = w.port.WriteMarked(b, w.to)
	} else {
		_, err = w.conn.WriteTo(b, w.addr)
	}
	return err
}

// goes notes where pion sends.
func (o *outlet) goes(t *tapped, addr net.Addr) {
	if w := o.way.Load(); w != nil && w.conn == t.PacketConn && w.addr == addr {
		return
	}
	w := &way{conn: t.PacketConn, addr: addr}
	if u, ok := addr.(*net.UDPAddr); ok && t.port != nil {
		w.port, w.to = t.port, u.AddrPort()
	}
	o.way.Store(w)
}

// isSTUN tells connectivity checks from all else (RFC 7983 §7).
func isSTUN(b []byte) bool { return len(b) > 0 && b[0] < 4 }

// through returns how a track writes in place of byPion.
func (i *intake) through(byPion func(*rtp.Header, []byte) error) func(*rtp.Header, []byte) error {
	send := i.out.send
	return func(h *rtp.Header, payload []byte) error {
		c := i.out.chosen.Load()
		if c == nil {
			if c = i.choose(); c == nil {
				return errNoWay
			}
		}
		if c.sealer == nil {
			return byPion(h, payload)
		}
		return c.sealer.RTP(h, payload, send)
	}
}

// choose decides with the first packet after the handshake who encrypts sound, for
// all tracks and for good: two that number packets under one key would use a
// number twice. (Pictures, under numbers of their own, are left to pion.) Before
// that nothing can be sent.
func (i *intake) choose() *chosen {
	if i.transport == nil || i.transport.State() != webrtc.DTLSTransportStateConnected {
		return nil
	}
	i.open()
	i.mu.Lock()
	defer i.mu.Unlock()
	if c := i.out.chosen.Load(); c != nil {
		return c
	}
	c := &chosen{}
	if i.out.shown {
		c.sealer = i.sealer
	}
	i.out.chosen.Store(c)
	return c
}

// showWay makes pion send something at once, so that the way is known after ICE
// has chosen another pair, and not with the next report.
func (p *peer) showWay() {
	own := p.outgoing[0].ssrc.Load()
	// Before the handshake is over pion cannot, and shows the way by it.
	_ = p.pc.WriteRTCP([]rtcp.Packet{&rtcp.ReceiverReport{SSRC: own}, rtcp.NewCNAMESourceDescription(own, trackNames[0])})
}
