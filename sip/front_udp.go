package sip

import (
	"net"
	"net/netip"

	gosip "github.com/emiago/sipgo/sip"
)

// maxDatagram is the largest that UDP can carry.
const maxDatagram = 65_535

// udpFront is the UDP socket as sipgo's reader sees it: it reads stubs, all
// from one source, since sipgo keeps an entry for every source for ever.
type udpFront struct {
	net.PacketConn
	f          *front
	stubAddr   net.Addr
	stubSource string
	next       gosip.Message // what the stub stands for; the reader's own
	buf        []byte
	sources    sources
}

func newUDPFront(f *front, conn net.PacketConn, pool *gosip.ConnectionPool, c gosip.Connection) *udpFront {
	at := &net.UDPAddr{IP: net.IPv4zero, Port: 9}
	return &udpFront{
		PacketConn: conn, f: f, stubAddr: at, stubSource: at.String(), buf: make([]byte, maxDatagram+1),
		sources: sources{pool: pool, conn: c, has: map[string]struct{}{}},
	}
}

// ReadFrom returns a stub for the next message that is fit for sipgo.
func (c *udpFront) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, from, err := c.PacketConn.ReadFrom(c.buf)
		if err != nil {
			return 0, nil, err
		}
		src := addrPort(from)
		if !src.IsValid() || n <= 4 || !c.f.admit(src.Addr()) { // up to four octets: keep-alives
			continue
		}
		raw := c.buf[:n]
		if n > maxHeaders+c.f.s.cfg.MaxBody {
			c.reply(c.f.refuse(raw, src, 513, "Message Too Large"), src)
			continue
		}
		msg, answer := c.f.take(raw, src, wireUDP)
		if answer != nil {
			c.reply(answer, src)
		}
		if msg == nil {
			continue
		}
		c.sources.add(msg.Source())
		c.next = msg
		return copy(b, stub(msg)), c.stubAddr, nil
	}
}

func (c *udpFront) reply(answer []byte, to netip.AddrPort) {
	if len(answer) > 0 {
		_, _ = c.WriteTo(answer, net.UDPAddrFromAddrPort(to)) // a lost datagram at worst
	}
}

// maxSources is how many far ends sipgo's pool knows at once. A request needs
// its entry only until its transaction has begun.
const maxSources = 16_384

// sources keeps the last far ends in sipgo's pool, where its transactions look
// for the socket to answer by.
type sources struct {
	pool *gosip.ConnectionPool
	conn gosip.Connection
	has  map[string]struct{}
	ring [maxSources]string
	at   int
}

func (s *sources) add(src string) {
	if _, ok := s.has[src]; ok {
		return
	}
	if old := s.ring[s.at]; old != "" {
		s.pool.Delete(old)
		delete(s.has, old)
	}
	s.ring[s.at] = src
	s.has[src] = struct{}{}
	s.at = (s.at + 1) % maxSources
	s.pool.Add(src, s.conn)
}
